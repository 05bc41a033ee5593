"""The command lines of conversations and of the chain's words, in this process."""

from __future__ import annotations

from pathlib import Path

import pytest

import branch_node.cli
import hq_server.cli
from branch_node.settings import Settings
from branch_node.storage.store import BranchStore
from shared.domain.cards import Value
from shared.domain.identifiers import derived_id, format_id
from shared.domain.records import RecordKind
from tests.support.clock import FakeClock
from tests.support.commands import require_done, require_refusal
from tests.support.shop import Shop, change
from tests.support.staff import Staff
from tests.unit.test_cli_people import Run, runner
from tests.unit.test_interaction_pages import teach_words

ANNA = derived_id("client", b"anna")


@pytest.fixture
def run(
    branch_store: BranchStore,
    clock: FakeClock,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Run:
    """`filial-branch` in a branch with words, a rep and a client."""
    shop = Shop(branch_store, clock)
    teach_words(shop)
    Staff(shop, Settings(home=tmp_path)).hire("rita", "sales_rep")
    fields: dict[str, Value] = {"name": "Анна", "external_id": "A-1"}
    shop.learn(change(RecordKind.CLIENT, ANNA, **fields))
    return runner(branch_node.cli.commands, tmp_path, capfd, monkeypatch)


def test_a_call_is_logged_listed_and_on_the_timeline(run: Run) -> None:
    said = ("--outcome", "thinking", "--duration", "3:20", "--text", "о цене", "--told", "скидка")
    points = ("--point", "price:negative:дорого", "--point", "delivery")
    logged = require_done(
        run("call", "log", "A-1", "--employee", "rita", *said, *points, "--next", "2027-01-11", "--json")
    )
    document = logged.document()
    assert document["client"] == format_id(ANNA)
    assert document["next_task"] is not None
    (listed,) = require_done(run("call", "list", "--json")).document()["calls"]
    assert (listed["id"], listed["employee"], listed["duration"]) == (document["id"], "rita", "3:20")
    assert [point["theme"] for point in listed["points"]] == ["price", "delivery"]
    assert require_done(run("call", "list", "--employee", "nobody", "--json")).document() == {"calls": []}
    assert "Nobody was spoken with" in require_done(run("call", "list", "--day", "2026-01-01")).out
    shown = require_done(run("client", "timeline", "A-1", "--shown", "told", "--json")).document()
    assert [(entry["kind"], entry["told"]) for entry in shown["entries"]] == [("call", "скидка")]
    assert shown["further"] is None
    assert "о цене" in require_done(run("client", "timeline", "A-1")).out


def test_a_call_that_was_logged_by_mistake_is_taken_back(run: Run) -> None:
    logged = require_done(run("call", "log", "A-1", "--employee", "rita", "--outcome", "agreed", "--json")).document()
    withdraw = ("call", "withdraw", logged["id"], "--employee", "rita")
    assert "Taken back." in require_done(run(*withdraw)).out
    assert "taken back already" in require_done(run(*withdraw)).out
    assert require_done(run("call", "list", "--json")).document() == {"calls": []}
    require_refusal(run("call", "withdraw", format_id(ANNA), "--employee", "rita"), "no such record")


def test_a_record_is_corrected_and_pages_go_on(run: Run) -> None:
    log = ("call", "log", "A-1", "--employee", "rita", "--json")
    wrong = require_done(run(*log, "--outcome", "agreed", "--at", "2026-11-20T12:00")).document()["id"]
    require_done(run(*log, "--outcome", "refused", "--corrects", wrong))
    require_done(run(*log, "--channel", "note", "--text", "позже"))
    page = require_done(run("client", "timeline", "A-1", "--limit", "1", "--json")).document()
    assert [entry["kind"] for entry in page["entries"]] == ["note"]
    after = ("--after", page["further"])
    page = require_done(run("client", "timeline", "A-1", "--limit", "1", "--json", *after)).document()
    assert [(entry["outcome"], entry["corrected"]) for entry in page["entries"]] == [("refused", 1)]


def test_who_or_what_is_not_known_is_refused(run: Run) -> None:
    require_refusal(run("call", "log", "A-1", "--employee", "nobody", "--text", "x"))
    require_refusal(run("call", "log", "A-2", "--employee", "rita", "--text", "x"))
    require_refusal(run("call", "log", "A-1", "--employee", "rita", "--outcome", "nonsense"))
    require_refusal(run("client", "timeline", "A-1", "--after", "nonsense"))


def test_the_chains_words_are_kept_by_commands(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hq = runner(hq_server.cli.commands, tmp_path / "hq", capfd, monkeypatch)
    require_done(hq("init"))
    assert "dictionary default" in require_done(hq("dictionary", "list")).out
    assert require_done(hq("dictionary", "default", "--json")).document()["added"] > 10
    assert require_done(hq("dictionary", "default", "--json")).document() == {"added": 0}
    added = require_done(hq("dictionary", "add", "competitor", "Лента", "--english", "Lenta", "--json")).document()
    assert added == {"dictionary": "competitor", "code": "lenta"}
    require_done(hq("dictionary", "edit", "competitor", "lenta", "--russian", "Лента 2", "--archive"))
    assert require_done(hq("dictionary", "list", "competitor", "--json")).document() == {"terms": []}
    (term,) = require_done(hq("dictionary", "list", "competitor", "--all", "--json")).document()["terms"]
    assert (term["name"], term["archived"]) == ("Лента 2", True)
    require_done(hq("dictionary", "edit", "theme", "service", "--move", "-10"))
    first = require_done(hq("dictionary", "list", "theme", "--json")).document()["terms"][0]
    assert first["code"] == "service"
    require_refusal(hq("dictionary", "edit", "theme", "service"))
    require_refusal(hq("dictionary", "edit", "theme", "nothing", "--archive"))
