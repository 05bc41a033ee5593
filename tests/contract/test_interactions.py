"""Logging what took place with a client, at a branch that works by itself and at one that asks first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from branch_node.operations.contacting import CONTACT_OVERRIDE_NOTED, start_contact
from branch_node.operations.interactions import (
    NextStep,
    Talk,
    log_interaction,
    plan_step,
    set_request_state,
)
from branch_node.operations.withdrawing import WITHDRAWN_MINUTES_MAX, withdraw_interaction
from branch_node.sync_client.processor import Processor
from hq_server.operations.dictionaries import add_default_terms
from hq_server.storage.feed import number_feed
from shared.domain.business_time import date_from_days
from shared.domain.identifiers import format_id
from shared.domain.interactions import KeyPoint
from shared.domain.permissions import ROLES, Actor
from shared.domain.tasks import due_on
from shared.domain.timeline import Shown, SpokenEntry
from shared.errors import InvalidInput, NotFound, NotPermitted, Refused
from shared.operations.client_facts import read_interaction
from shared.operations.client_timeline import read_cards, read_timeline
from shared.reports.work import Window, measure_work
from shared.storage.standing_interactions import is_newest, stands
from shared.storage.tables import audit_entry, interaction, task
from shared.sync.messages import ProcessingMode, WhenUnreachable
from tests.support.office import Office
from tests.support.pair import Node, Pair

NOBODY = b"n" * 16


def actor_of(role: str) -> Actor:
    known = ROLES[role]
    return Actor(b"%16s" % role.encode(), role, role.title(), role, known.permissions, known.limits)


REP, MANAGER, AUDITOR = actor_of("sales_rep"), actor_of("manager"), actor_of("auditor")


@pytest.fixture(params=list(ProcessingMode))
def node(request: pytest.FixtureRequest, office: Office, tmp_path: Path) -> Node:
    """A branch that knows the chain's words and how it works."""
    with office.store.write() as connection:
        add_default_terms(connection, office.ids, office.clock.now_us())
    number_feed(office.store, office.clock.now_us())
    pair = Pair(office, tmp_path)
    joined = pair.join("B1")
    pair.set_mode("B1", request.param, WhenUnreachable.REFUSE)
    joined.sync()
    return joined


@pytest.fixture
def line(node: Node) -> Processor:
    return node.line()


@pytest.fixture
def client_id(line: Processor) -> bytes:
    return line.add_client({"name": "Анна", "phones": ("+79123456789",)})


def rows(node: Node, statement: Any) -> list[Any]:
    with node.store.read() as connection:
        return list(connection.execute(statement))


def call(client_id: bytes, **changes: Any) -> Talk:
    return Talk(client_id, "call", "out", "+79123456789", True, "agreed", 95, body="о цене")._replace(**changes)


def test_a_call_and_its_next_step_are_one_entry_that_the_head_office_has(
    node: Node, line: Processor, client_id: bytes
) -> None:
    day = node.store.clock.now_us() // 86_400_000_000
    point = KeyPoint("price", "", "negative", "дороговато")
    step = NextStep("Перезвонить", due=due_on(date_from_days(day), "Europe/Moscow"))
    head = node.store.node()[1].head.seq
    logged = log_interaction(node.store, line.commit, REP, call(client_id, points=(point,), next_step=step))
    assert node.store.node()[1].head.seq == head + 1
    node.sync()
    with node.pair.office.store.read() as connection:
        found = read_interaction(connection, node.store.node()[0].branch_id, logged.interaction_id)
    assert (found.outcome, found.employee, found.points) == ("agreed", "sales_rep", (point,))
    assert found.next_task_id == logged.task_id
    (planned,) = node.pair.office.rows(select(task))
    assert (planned.id, planned.client_id, planned.state) == (logged.task_id, client_id, "open")
    assert (planned.assignee_id, planned.title) == (REP.employee_id, "Перезвонить")
    assert node.verify() == () == node.pair.verify("B1")


def test_the_same_form_sent_twice_is_logged_once(node: Node, line: Processor, client_id: bytes) -> None:
    identity = node.store.ids.new_id()
    talk = call(client_id, next_step=NextStep("Перезвонить"))
    first = log_interaction(node.store, line.commit, REP, talk, identity)
    assert log_interaction(node.store, line.commit, REP, talk, identity) == first
    assert len(rows(node, select(interaction.c.id))) == len(rows(node, select(task.c.id))) == 1


def test_a_call_that_was_planned_closes_its_task(node: Node, line: Processor, client_id: bytes) -> None:
    planned = plan_step(node.store, line.commit, REP, client_id, NextStep("Позвонить"))
    log_interaction(node.store, line.commit, MANAGER, call(client_id, task_id=planned, closes_task=True))
    (done,) = rows(node, select(task))
    assert (done.state, done.outcome, done.done_by) == ("done", "agreed", MANAGER.employee_id)
    assert done.done_at is not None


def test_a_correction_stands_at_the_moment_of_what_it_corrects(node: Node, line: Processor, client_id: bytes) -> None:
    wrong = log_interaction(node.store, line.commit, REP, call(client_id))
    node.pair.office.clock.advance(86_400)
    log_interaction(node.store, line.commit, REP, call(client_id, outcome="refused", corrects_id=wrong.interaction_id))
    found = rows(node, select(interaction.c.at, interaction.c.outcome, interaction.c.corrects_id))
    assert len({row.at for row in found}) == 1
    assert {(row.outcome, row.corrects_id) for row in found} == {("agreed", None), ("refused", wrong.interaction_id)}


def test_a_request_has_a_state(node: Node, line: Processor, client_id: bytes) -> None:
    asked = Talk(client_id, "service_request", "in", subject="Заменить фильтр")
    step = NextStep("Заменить фильтр", "service_request")
    logged = log_interaction(node.store, line.commit, REP, asked._replace(next_step=step))
    assert logged.task_id is not None
    assert set_request_state(node.store, line.commit, REP, client_id, logged.task_id, "in_progress")
    assert not set_request_state(node.store, line.commit, REP, client_id, logged.task_id, "in_progress")
    assert set_request_state(node.store, line.commit, REP, client_id, logged.task_id, "done")
    assert [(row.state, row.done_by) for row in rows(node, select(task))] == [("done", REP.employee_id)]
    other = plan_step(node.store, line.commit, REP, client_id, NextStep("Позвонить"))
    with pytest.raises(NotFound):
        set_request_state(node.store, line.commit, REP, client_id, other, "done")


def test_what_cannot_be_is_refused_and_nothing_is_recorded(node: Node, line: Processor, client_id: bytes) -> None:
    head = node.store.node()[1].head
    late = node.store.clock.now_us() + 3_600_000_000
    refused: list[tuple[type[Exception], Talk]] = [
        (NotFound, call(NOBODY)),
        (NotFound, call(client_id, corrects_id=NOBODY)),
        (NotFound, call(client_id, task_id=NOBODY)),
        (InvalidInput, call(client_id, outcome="nonsense")),
        (InvalidInput, call(client_id, points=(KeyPoint("nonsense"),))),
        (InvalidInput, call(client_id, points=(KeyPoint(),))),
        (InvalidInput, call(client_id, channel="telepathy")),
        (InvalidInput, call(client_id, at_us=late)),
        (InvalidInput, call(client_id, next_step=NextStep("  "))),
        (InvalidInput, Talk(client_id, "call", "out")),
        (InvalidInput, Talk(client_id, "service_request", body="нужно")),
    ]
    for error, talk in refused:
        with pytest.raises(error):
            log_interaction(node.store, line.commit, REP, talk)
    with pytest.raises(NotPermitted):
        log_interaction(node.store, line.commit, AUDITOR, call(client_id))
    assert node.store.node()[1].head == head


def test_who_wants_no_contact_is_called_only_with_leave_and_a_reason_that_is_audited(
    node: Node, line: Processor, client_id: bytes
) -> None:
    assert start_contact(node.store, line.commit, REP, client_id, "call").points[0].address == "+79123456789"
    line.edit_client(format_id(client_id), {"do_not_contact": True})
    with pytest.raises(NotPermitted):
        start_contact(node.store, line.commit, REP, client_id, "call", "надо")
    with pytest.raises(InvalidInput):
        start_contact(node.store, line.commit, MANAGER, client_id, "call")
    assert rows(node, select(audit_entry.c.action)) == []
    start_contact(node.store, line.commit, MANAGER, client_id, "call", "отзыв товара")
    ((action, cashier, detail),) = rows(node, select(audit_entry.c.action, audit_entry.c.cashier, audit_entry.c.detail))
    assert (action, cashier) == (CONTACT_OVERRIDE_NOTED, "manager")
    assert detail.endswith(": отзыв товара")
    # What took place can be logged all the same, by whoever.
    log_interaction(node.store, line.commit, REP, call(client_id))


def test_whoever_may_not_see_contacts_is_shown_masks(node: Node, line: Processor, client_id: bytes) -> None:
    blind = replace(REP, permissions=ROLES["cashier"].permissions)
    found = start_contact(node.store, line.commit, blind, client_id, "call")
    assert [(point.address, point.shown) for point in found.points] == [("", "•••6789")]
    hidden = replace(REP, hidden_fields=frozenset({"phones"}))
    assert start_contact(node.store, line.commit, hidden, client_id, "call").points[0].shown == "•••6789"


def spoken(store: Any, client_id: bytes) -> list[tuple[str, int]]:
    """What was said to the client, newest first: the outcome, and how often it was corrected."""
    with store.read() as connection:
        page = read_timeline(connection, read_cards(connection, client_id), lambda _branch: "", Shown.CALLS)
    return [
        (each.what.said.outcome, len(each.what.earlier)) for each in page.entries if isinstance(each.what, SpokenEntry)
    ]


def calls(store: Any, branch_id: bytes) -> int:
    with store.read() as connection:
        return sum(work.calls for work in measure_work(connection, Window(), [branch_id]).values())


def test_what_was_logged_by_mistake_is_taken_back_everywhere_with_its_next_step(
    node: Node, line: Processor, client_id: bytes
) -> None:
    branch_id = node.store.node()[0].branch_id
    planned = plan_step(node.store, line.commit, REP, client_id, NextStep("Позвонить"))
    kept = log_interaction(node.store, line.commit, REP, call(client_id, outcome="order"))
    step = NextStep("Перезвонить", due=due_on(date_from_days(20_800), "Europe/Moscow"))
    talk = call(client_id, task_id=planned, closes_task=True, next_step=step)
    wrong = log_interaction(node.store, line.commit, REP, talk)
    assert withdraw_interaction(line.commit, REP, wrong.interaction_id)
    assert not withdraw_interaction(line.commit, REP, wrong.interaction_id)
    found = {row.id: row for row in rows(node, select(task))}
    assert (found[planned].state, found[planned].done_at) == ("open", None)
    assert wrong.task_id is not None
    assert found[wrong.task_id].archived
    node.sync()
    for store in (node.store, node.pair.office.store):
        assert spoken(store, client_id) == [("order", 0)]
        assert calls(store, branch_id) == 1
    for condition in (stands(), is_newest()):
        assert [row.id for row in rows(node, select(interaction.c.id).where(condition))] == [kept.interaction_id]


def test_a_correction_taken_back_leaves_what_it_corrected(node: Node, line: Processor, client_id: bytes) -> None:
    first = log_interaction(node.store, line.commit, REP, call(client_id))
    again = log_interaction(
        node.store, line.commit, REP, call(client_id, outcome="refused", corrects_id=first.interaction_id)
    )
    assert spoken(node.store, client_id) == [("refused", 1)]
    with pytest.raises(Refused, match="corrected"):
        withdraw_interaction(line.commit, REP, first.interaction_id)
    assert withdraw_interaction(line.commit, REP, again.interaction_id)
    assert spoken(node.store, client_id) == [("agreed", 0)]
    assert calls(node.store, node.store.node()[0].branch_id) == 1
    assert [row.id for row in rows(node, select(interaction.c.id).where(is_newest()))] == [first.interaction_id]


def test_only_who_logged_it_takes_it_back_and_not_for_long(node: Node, line: Processor, client_id: bytes) -> None:
    logged = log_interaction(node.store, line.commit, REP, call(client_id))
    for actor in (MANAGER, AUDITOR):
        with pytest.raises(NotPermitted):
            withdraw_interaction(line.commit, actor, logged.interaction_id)
    with pytest.raises(NotFound):
        withdraw_interaction(line.commit, REP, NOBODY)
    node.pair.office.clock.advance(WITHDRAWN_MINUTES_MAX * 60 + 1)
    with pytest.raises(Refused, match="long ago"):
        withdraw_interaction(line.commit, REP, logged.interaction_id)
    assert spoken(node.store, client_id) == [("agreed", 0)]


def test_a_next_step_that_somebody_has_moved_since_is_not_taken_back(
    node: Node, line: Processor, client_id: bytes
) -> None:
    step = NextStep("Заменить фильтр", "service_request")
    logged = log_interaction(node.store, line.commit, REP, call(client_id, next_step=step))
    assert logged.task_id is not None
    set_request_state(node.store, line.commit, MANAGER, client_id, logged.task_id, "in_progress")
    with pytest.raises(Refused, match="changed"):
        withdraw_interaction(line.commit, REP, logged.interaction_id)
