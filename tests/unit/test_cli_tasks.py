"""`filial-branch task`, in this process."""

from __future__ import annotations

from pathlib import Path

import pytest

import branch_node.cli
from shared.domain.identifiers import format_id
from tests.support.commands import require_done, require_refusal
from tests.support.shop import Shop
from tests.support.task_desk import TaskDesk
from tests.unit.test_cli_people import Run, runner

FAR = "2098-06-01"


@pytest.fixture
def branch(shop: Shop, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """`filial-branch` of a shop where Rita works, and Anna is a client."""
    desk = TaskDesk(shop, tmp_path)
    desk.client("Anna", external_id="900")
    return runner(branch_node.cli.commands, tmp_path, capfd, monkeypatch)


def test_a_task_is_added_listed_put_off_finished_and_shown(branch: Run) -> None:
    of_rita = ("--json", "task", "list", "--assignee", "rita", "--list")
    said = ("--assignee", "rita", "--client", "900", "--due", "2026-11-20", "--time", "10:00", "--repeat", "weekly:1,5")
    added = require_done(
        branch("--json", "task", "add", "Call back", *said, "--type", "call", "--remind", 15)
    ).document()
    (row,) = require_done(branch(*of_rita, "overdue")).document()["tasks"]
    assert (row["id"], row["due"], row["client"], row["repeat"]) == (
        added["id"], "2026-11-20 10:00", "Anna", "weekly:1,5@10:00",
    )  # fmt: skip
    require_done(branch("task", "snooze", added["id"], "--for", "tomorrow"))
    assert require_done(branch(*of_rita, "later")).document()["tasks"]
    done = require_done(branch("--json", "task", "done", added["id"], "--outcome", "sold")).document()
    shown = require_done(branch("--json", "task", "show", added["id"])).document()
    assert (shown["state"], shown["outcome"], shown["list"], shown["remind_minutes"]) == ("done", "sold", None, 15)
    following = require_done(branch("--json", "task", "show", done["next_id"])).document()
    assert (following["due"], following["previous_id"]) == ("2026-11-23 10:00", added["id"])
    (over,) = require_done(branch(*of_rita, "done")).document()["tasks"]
    assert over["id"] == added["id"]
    assert "sold" in require_done(branch("task", "show", added["id"])).out


def test_what_cannot_be_done_is_refused_with_a_hint(branch: Run) -> None:
    require_refusal(branch("task", "add", "Call", "--assignee", "nobody"), "nobody", "employee list")
    require_refusal(branch("task", "add", "Call", "--assignee", "rita", "--repeat", "often", "--due", FAR), "often")
    require_refusal(branch("task", "show", format_id(b"?" * 16)), "no such task")
    require_refusal(branch("task", "snooze", format_id(b"?" * 16)), "--until")
    added = require_done(branch("--json", "task", "add", "Call", "--assignee", "rita")).document()
    require_done(branch("task", "done", added["id"]))
    require_refusal(branch("task", "done", added["id"]), "Reopen")
