"""Duplicates, merging and handing over from the command lines."""

from __future__ import annotations

from pathlib import Path

import pytest

import branch_node.cli
import hq_server.cli
from branch_node.operations.clients import add_client
from branch_node.storage.store import BranchStore
from shared.domain.cards import Value
from shared.domain.identifiers import format_id
from tests.support.clock import FakeClock
from tests.support.commands import require_done, require_refusal
from tests.support.till_pages import staff_of
from tests.unit.test_cli_people import runner

PHONE = "+79123456789"


def add(store: BranchStore, **fields: Value) -> str:
    with store.operation() as transaction:
        return format_id(add_client(transaction, fields))


def test_a_branch_lists_merges_and_parts_clients(
    branch_store: BranchStore, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = runner(branch_node.cli.commands, tmp_path, capfd, monkeypatch)
    one = add(branch_store, name="Анна Белова", phones=(PHONE,))
    other = add(branch_store, name="Белова А.", phones=(PHONE,), note="любит чай")
    (found,) = require_done(run("client", "duplicates", "--json")).document()["duplicates"]
    assert {found["one"], found["other"]} == {one, other}
    assert "любит чай" in require_done(run("client", "merge", one, other, "--preview")).out
    require_done(run("client", "merge", one, other, "--take", "name"))
    assert require_done(run("client", "show", one, "--json")).document()["name"] == "Белова А."
    listed = require_done(run("client", "duplicates", "--json")).document()
    assert (listed["duplicates"], listed["merged"][0]["merged"]) == ([], other)
    require_done(run("client", "unmerge", other))
    assert require_done(run("client", "show", one, "--json")).document()["name"] == "Анна Белова"
    require_refusal(run("client", "unmerge", other), "not merged")


def test_a_branch_hands_over_and_names_substitutes(
    branch_store: BranchStore,
    clock: FakeClock,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    staff = staff_of(branch_store, clock, tmp_path)
    run = runner(branch_node.cli.commands, tmp_path, capfd, monkeypatch)
    add(branch_store, name="Анна Белова", owner_id=staff.identity("anna"))
    assert require_done(run("hand-over", "show", "anna", "--json")).document()["clients"] == 1
    done = require_done(run("hand-over", "do", "anna", "maria", "--reason", "отпуск", "--json")).document()
    assert (done["clients"], done["tasks"]) == (1, 0)
    assert "1 clients" in require_done(run("hand-over", "undo", done["hand_over"])).out
    require_refusal(run("hand-over", "do", "anna", "nobody"), "nobody")
    days = ("--from", "2030-12-01", "--to", "2030-12-14")
    noted = require_done(run("hand-over", "substitute", "anna", "maria", *days, "--json")).document()
    assert "maria" in require_done(run("hand-over", "substitutes")).out
    assert "Nobody is substituted" in require_done(run("hand-over", "substitutes", "--end", noted["id"])).out


def test_the_head_office_merges_by_the_rule_and_hands_over(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = runner(hq_server.cli.commands, tmp_path / "hq", capfd, monkeypatch)
    require_done(run("init"))
    require_done(run("branch", "add", "B1"))
    rows = tmp_path / "clients.csv"
    rows.write_text(f"name,external_id,phones\nАнна Белова,1,{PHONE}\nбелова анна,2,{PHONE}\n")
    require_done(run("client", "import", rows))
    assert len(require_done(run("client", "duplicates", "--json")).document()["duplicates"]) == 1
    (merged,) = require_done(run("client", "duplicates", "--merge-automatically", "--json")).document()["merged"]
    assert require_done(run("client", "duplicates", "--json")).document()["duplicates"] == []
    require_done(run("client", "unmerge", merged["merged"]))
    require_done(run("client", "merge", merged["into"], merged["merged"]))
    for code in ("anna", "maria"):
        require_done(run("employee", "add", code, "--name", code, "--role", "cashier", "--branch", "B1"))
    assert "B1 since ever" in require_done(run("employee", "hand-over", "anna", "--preview")).out
    done = require_done(run("employee", "hand-over", "anna", "maria", "--json")).document()
    assert "late work follows" in require_done(run("employee", "hand-over", "--list")).out
    require_done(run("employee", "hand-over", "--end", done["hand_over"]))
    require_done(run("employee", "hand-over", "--undo", done["hand_over"]))
    require_refusal(run("employee", "hand-over", "anna"), "takes over")
