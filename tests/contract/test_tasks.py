"""Tasks of several branches: what two do at once meets in one card, and a branch may ask the head office first."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from branch_node.operations import tasks
from branch_node.operations.committing import Commit
from branch_node.operations.employees import ensure_employee
from branch_node.operations.tasks import next_task_id
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.domain.records import RecordKind
from shared.domain.tasks import TaskState, next_at_us
from shared.errors import Refused, StaleEdit
from shared.storage.tables import conflict, task
from shared.sync.messages import ProcessingMode, WhenUnreachable
from tests.support.office import Office
from tests.support.pair import CentralWire, Node, Pair
from tests.support.task_desk import day, given, task_at

BOSS = LOCAL_ADMINISTRATOR


@pytest.fixture
def pair(office: Office, tmp_path: Path) -> Pair:
    return Pair(office, tmp_path)


def commit_of(node: Node, wire: CentralWire | None = None) -> Commit:
    return node.line(wire).commit


def add_for(node: Node, external_id: str, **fields: object) -> bytes:
    """A task of Anna's about a client whom the branch knows."""
    node.clock.advance(1)
    with node.store.read_cursor() as cursor:
        client = cursor.execute("SELECT id FROM client WHERE external_id = ?", (external_id,)).fetchone()[0]
        anna = cursor.execute("SELECT id FROM employee WHERE code = 'anna'").fetchone()[0]
    said = given(**{"client_id": client, "assignee_id": anna, **fields})
    return tasks.add_task(commit_of(node), BOSS, said).task_id


def two_that_know_a_client(pair: Pair) -> tuple[Node, Node]:
    """Both know client 900 and employee Anna."""
    first, second = pair.join("B1"), pair.join("B2")
    first.add_client("900", "Client")
    first.sync()
    for node in (first, second):
        with node.store.operation() as transaction:
            ensure_employee(transaction, "anna")
    second.sell_to("900", "k")
    for node in (second, first, second):
        node.sync()
    return first, second


def ordered_at_hq(pair: Pair) -> bool:
    """What the head office's own rows say of when tasks ask for attention follows from their fields."""
    with pair.office.store.read() as connection:
        rows = connection.execute(select(task)).all()
    return all(row.next_at == next_at_us(row.state, row.archived, row.due_at, row.snoozed_until) for row in rows)


def test_a_task_reaches_the_branches_that_know_the_client(pair: Pair) -> None:
    first, second = two_that_know_a_client(pair)
    task_id = add_for(first, "900", due=day(24, 600))
    first.sync()
    second.sync()
    assert task_at(second.store, task_id) == task_at(first.store, task_id)
    assert ordered_at_hq(pair)


def test_two_branches_that_finish_a_repeating_task_make_one_next_task(pair: Pair) -> None:
    first, second = two_that_know_a_client(pair)
    task_id = add_for(first, "900", due=day(24), repeat="weekly:2")
    first.sync()
    second.sync()
    for node, outcome in ((first, "sold"), (second, "not reached")):
        node.clock.advance(60)
        assert tasks.finish_task(commit_of(node), BOSS, task_id, outcome).next_id == next_task_id(task_id)
    for node in (first, second, first):
        node.sync()
    shown = [[task_at(node.store, each) for each in (task_id, next_task_id(task_id))] for node in (first, second)]
    assert shown[0] == shown[1]
    (done, following) = shown[0]
    assert (done.state, done.outcome) == (TaskState.DONE, "not reached")
    assert following.due == day(24)._replace(at_us=day(24).at_us + 7 * 86_400_000_000)
    with pair.office.store.read() as connection:
        assert len(connection.execute(select(task.c.id)).all()) == 2
        disputed = {
            (row.card_id, row.field) for row in connection.execute(select(conflict)) if row.kind == RecordKind.TASK
        }
    # What was said of the first is kept twice; the next one is nobody's dispute.
    assert disputed == {(task_id, "outcome"), (task_id, "done_at")}
    assert ordered_at_hq(pair)


def test_a_centralized_branch_asks_first_and_learns_that_it_was_late(pair: Pair) -> None:
    first, second = two_that_know_a_client(pair)
    pair.set_mode("B2", ProcessingMode.CENTRALIZED, WhenUnreachable.REFUSE)
    task_id = add_for(first, "900", due=day(24), repeat="daily")
    first.sync()
    second.sync()
    wire = CentralWire(second)
    moved = tasks.move_task(commit_of(second, wire), BOSS, task_id, TaskState.IN_PROGRESS)
    assert len(wire.asked) == 1
    tasks.undo_command(commit_of(second, wire), BOSS, task_id, moved.command_id or b"")
    assert task_at(second.store, task_id).state is TaskState.OPEN
    first.sync()
    tasks.finish_task(commit_of(first), BOSS, task_id, "sold")
    first.sync()
    with pytest.raises(StaleEdit):
        tasks.finish_task(commit_of(second, wire), BOSS, task_id, "too late")
    second.sync()
    assert task_at(second.store, task_id).outcome == "sold"
    wire.fault = "unreachable"
    with pytest.raises(Refused, match="cannot be reached"):
        tasks.snooze_task(commit_of(second, wire), BOSS, next_task_id(task_id), day(25, 600).at_us)
    assert task_at(second.store, next_task_id(task_id)).snoozed_until_us is None
