"""Handing clients over at a branch: all or some, with their tasks, in pieces; taken back; and by the pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from branch_node.bootstrap import open_processor
from branch_node.operations import hand_over, substituting
from branch_node.operations.committing import Commit, Wanted, WantedEdit
from branch_node.settings import Settings
from branch_node.storage.store import BranchStore
from shared.domain.cards import Value
from shared.domain.identifiers import format_id
from shared.domain.permissions import LOCAL_ADMINISTRATOR as ADMIN
from shared.domain.records import RecordKind
from shared.errors import InvalidInput, NotFound
from shared.storage.tables import client, client_transfer, task
from tests.support.clock import FakeClock
from tests.support.staff import TODAY, Staff
from tests.support.till_pages import Browser, make_pages, staff_of


@pytest.fixture
def staff(branch_store: BranchStore, clock: FakeClock, tmp_path: Path) -> Staff:
    staff = staff_of(branch_store, clock, tmp_path)
    staff.hire("oleg", "sales_rep")
    staff.hire("irina", "sales_rep")
    return staff


@pytest.fixture
def commit(branch_store: BranchStore, tmp_path: Path) -> Iterator[Commit]:
    processor = open_processor(Settings(home=tmp_path), branch_store)
    yield processor.commit
    processor.close()


def add(store: BranchStore, commit: Commit, kind: RecordKind, **fields: Value) -> bytes:
    identity = store.ids.new_id()
    commit(lambda _transaction: Wanted(edits=(WantedEdit(kind, identity, fields),)))
    return identity


def owners(store: BranchStore) -> dict[str | None, bytes | None]:
    with store.read() as connection:
        return {row.name: row.owner_id for row in connection.execute(select(client.c.name, client.c.owner_id))}


def assignees(store: BranchStore) -> dict[str | None, bytes | None]:
    with store.read() as connection:
        return {row.title: row.assignee_id for row in connection.execute(select(task.c.title, task.c.assignee_id))}


def base(store: BranchStore, commit: Commit, staff: Staff) -> tuple[bytes, bytes, list[bytes]]:
    """Oleg looks after three clients; tasks of one of them, of nobody's, a done one, and one of Irina's."""
    oleg, irina = staff.identity("oleg"), staff.identity("irina")
    clients = [add(store, commit, RecordKind.CLIENT, name=name, owner_id=oleg) for name in ("А", "Б", "В")]
    add(store, commit, RecordKind.TASK, title="звонок", assignee_id=oleg, client_id=clients[0], state="open")
    add(store, commit, RecordKind.TASK, title="отчёт", assignee_id=oleg, state="open")
    add(store, commit, RecordKind.TASK, title="сделано", assignee_id=oleg, client_id=clients[0], state="done")
    add(store, commit, RecordKind.TASK, title="чужое", assignee_id=irina, client_id=clients[0], state="open")
    return oleg, irina, clients


@pytest.mark.parametrize("at_once", [100, 2])
def test_everything_goes_over_and_comes_back(
    branch_store: BranchStore, commit: Commit, staff: Staff, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(hand_over, "CLIENTS_PER_OPERATION", at_once)
    oleg, irina, _clients = base(branch_store, commit, staff)
    before = assignees(branch_store)
    seen = hand_over.preview(branch_store, ADMIN, oleg)
    assert (seen.looked_after.clients, seen.looked_after.tasks) == (3, 2)
    done = hand_over.hand_over(branch_store, commit, ADMIN, oleg, irina, reason="в отпуске")
    assert (done.clients, done.tasks) == (3, 2)
    assert set(owners(branch_store).values()) == {irina}
    assert assignees(branch_store) == {"звонок": irina, "отчёт": irina, "сделано": oleg, "чужое": irina}
    back = hand_over.take_back(branch_store, commit, ADMIN, done.hand_over_id, [(oleg, irina)], done.task_commands)
    assert (back.clients, back.tasks) == (3, 2)
    assert set(owners(branch_store).values()) == {oleg}
    assert assignees(branch_store) == before
    with branch_store.read() as connection:
        rows = connection.execute(select(client_transfer.c.undoes_id, client_transfer.c.reason)).all()
    assert sorted(row.undoes_id is None for row in rows) == [False] * 3 + [True] * 3


def test_one_client_goes_over_with_its_tasks_alone(branch_store: BranchStore, commit: Commit, staff: Staff) -> None:
    oleg, irina, clients = base(branch_store, commit, staff)
    done = hand_over.hand_over(branch_store, commit, ADMIN, oleg, irina, [clients[0]])
    assert (done.clients, done.tasks) == (1, 1)
    assert owners(branch_store) == {"А": irina, "Б": oleg, "В": oleg}
    assert assignees(branch_store)["отчёт"] == oleg


def test_what_somebody_changed_since_stays_when_it_is_taken_back(
    branch_store: BranchStore, commit: Commit, staff: Staff
) -> None:
    oleg, irina, clients = base(branch_store, commit, staff)
    done = hand_over.hand_over(branch_store, commit, ADMIN, oleg, irina)
    maria = staff.identity("maria")
    commit(lambda _t: Wanted(edits=(WantedEdit(RecordKind.CLIENT, clients[1], {"owner_id": maria}),)))
    assert hand_over.take_back(branch_store, commit, ADMIN, done.hand_over_id).clients == 2
    assert owners(branch_store) == {"А": oleg, "Б": maria, "В": oleg}


def test_nobody_hands_over_to_himself_or_to_nobody(branch_store: BranchStore, commit: Commit, staff: Staff) -> None:
    oleg = staff.identity("oleg")
    with pytest.raises(InvalidInput):
        hand_over.hand_over(branch_store, commit, ADMIN, oleg, oleg)
    with pytest.raises(NotFound):
        hand_over.hand_over(branch_store, commit, ADMIN, oleg, b"x" * 16)
    with pytest.raises(NotFound):
        hand_over.take_back(branch_store, commit, ADMIN, b"x" * 16)


def test_a_substitution_is_noted_ended_and_noted_again(branch_store: BranchStore, commit: Commit, staff: Staff) -> None:
    oleg, irina = staff.identity("oleg"), staff.identity("irina")
    identity = substituting.substitute(branch_store, commit, ADMIN, oleg, irina, (TODAY, TODAY + 13), "отпуск")
    assert [each.substitute_id for each in substituting.substitutions(branch_store, ADMIN)] == [irina]
    substituting.end_substitution(commit, ADMIN, identity)
    assert substituting.substitutions(branch_store, ADMIN) == []
    substituting.end_substitution(commit, ADMIN, identity, ended=False)
    assert len(substituting.substitutions(branch_store, ADMIN)) == 1
    for days in ((TODAY + 1, TODAY), (TODAY, TODAY + 400)):
        with pytest.raises(InvalidInput):
            substituting.substitute(branch_store, commit, ADMIN, oleg, irina, days)
    with pytest.raises(InvalidInput):
        substituting.substitute(branch_store, commit, ADMIN, oleg, oleg, (TODAY, TODAY))


def test_the_pages_hand_over_and_take_back(
    branch_store: BranchStore, commit: Commit, staff: Staff, tmp_path: Path
) -> None:
    oleg, irina, clients = base(branch_store, commit, staff)
    browser = Browser(make_pages(branch_store, tmp_path))
    with browser.client:
        browser.log_in("maria")
        asked = {"from": format_id(oleg), "to": format_id(irina)}
        page = browser.get(f"/hand-over?from={asked['from']}&to={asked['to']}").text
        assert "Oleg hands over to Irina" in page
        assert browser.post("/hand-over", **asked).status_code == 303
        assert set(owners(branch_store).values()) == {irina}
        page = browser.get("/hand-over").text
        undo = dict(hidden_fields(page, "/hand-over/undo"))
        assert browser.post("/hand-over/undo", **undo).status_code == 303
        assert set(owners(branch_store).values()) == {oleg}
        assert assignees(branch_store)["отчёт"] == oleg
        page = browser.get("/hand-over").text
        assert "Oleg to Irina" in page
        assert not hidden_fields(page, "/hand-over/undo")
        one = {**asked, "client": format_id(clients[0])}
        assert "Oleg" in browser.get(f"/hand-over?client={one['client']}").text
        assert browser.post("/hand-over", **one).status_code == 303
        assert list(owners(branch_store).values()).count(irina) == 1
        assert browser.post("/hand-over", **{**asked, "to": asked["from"]}).status_code == 422
        days = {"first": "2026-12-01", "last": "2026-12-14"}
        noted = browser.post("/hand-over/substitutes", employee=asked["from"], substitute=asked["to"], **days)
        assert noted.status_code == 303
        assert "Irina for Oleg" in browser.get("/hand-over").text


def test_a_past_hand_over_is_taken_back_from_the_list_with_tasks_of_nobodys(
    branch_store: BranchStore, commit: Commit, staff: Staff, tmp_path: Path
) -> None:
    oleg, irina, _ = base(branch_store, commit, staff)
    browser = Browser(make_pages(branch_store, tmp_path))
    with browser.client:
        browser.log_in("maria")
        assert "Nobody was handed over yet" in browser.get("/hand-over").text
        hand_over.hand_over(branch_store, commit, ADMIN, oleg, irina, reason="on holiday")
        assert assignees(branch_store)["отчёт"] == irina
        page = browser.get("/hand-over").text
        assert "on holiday" in page
        (undo,) = hidden_fields(page, "/hand-over/undo")
        assert browser.post("/hand-over/undo", **dict([undo])).status_code == 303
    assert set(owners(branch_store).values()) == {oleg}
    assert assignees(branch_store)["отчёт"] == oleg


def hidden_fields(page: str, action: str) -> list[tuple[str, str]]:
    form = page.partition(f'action="{action}"')[2].partition("</form>")[0]
    return [each for each in re.findall(r'name="([a-z_]+)" value="([^"]*)"', form) if each[0] != "csrf_token"]
