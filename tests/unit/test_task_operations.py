"""What employees do with tasks at a branch, and taking it back."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from branch_node.operations import tasks
from branch_node.operations.tasks import next_task_id
from shared.domain.permissions import ROLES, Actor
from shared.domain.records import RecordKind
from shared.domain.tasks import MINUTE_US, Due, TaskState
from shared.errors import InvalidInput, NotFound, NotPermitted, Refused
from tests.support.clock import START_US
from tests.support.shop import Shop, change
from tests.support.task_desk import ZONE, TaskDesk, day, given


@pytest.fixture
def desk(shop: Shop, tmp_path: Path) -> TaskDesk:
    return TaskDesk(shop, tmp_path)


def test_a_task_is_a_card_by_its_author_and_asks_when_it_is_due(desk: TaskDesk) -> None:
    client = desk.client("Anna")
    task_id = desk.add("  Offer the\nnew blend ", client_id=client, type="call", due=day(24, 600), remind_minutes=15)
    entry = desk.shop.entries()[-1]
    assert entry.header.author == desk.actor("rita").employee_id
    assert [record.kind for record in entry.records] == [RecordKind.TASK]
    task = desk.task(task_id)
    assert (task.title, task.type, task.client_id, task.state) == (
        "Offer the new blend",
        "call",
        client,
        TaskState.OPEN,
    )
    assert (task.due, task.next_us, task.zone, task.remind_minutes) == (day(24, 600), day(24, 600).at_us, ZONE, 15)
    assert task.assignee_id == task.created_by == desk.actor("rita").employee_id
    assert task.branch_id == desk.store.node()[0].branch_id


def test_whoever_may_not_edit_tasks_changes_none(desk: TaskDesk) -> None:
    task_id, before = desk.add(), desk.shop.count("journal")
    auditor = Actor(b"a" * 16, "ada", "Ada", "auditor", ROLES["auditor"].permissions, ROLES["auditor"].limits)
    commit: Any = desk.commit
    for attempt in (
        lambda: tasks.add_task(commit, auditor, given()),
        lambda: tasks.edit_task(commit, auditor, task_id, {"title": "x"}),
        lambda: tasks.finish_task(commit, auditor, task_id),
        lambda: tasks.cancel_task(commit, auditor, task_id, "x"),
        lambda: tasks.reopen_task(commit, auditor, task_id),
        lambda: tasks.snooze_task(commit, auditor, task_id, START_US * 2),
        lambda: tasks.undo_command(commit, auditor, task_id, b"c" * 16),
        lambda: tasks.say_no_next_step(commit, auditor, task_id, "x"),
        lambda: tasks.undo_no_next_step(commit, auditor, task_id, b"c" * 16),
    ):
        with pytest.raises(NotPermitted):
            attempt()
    assert desk.shop.count("journal") == before


@pytest.mark.parametrize(
    "fields",
    [{"title": " "}, {"type": "dance"}, {"repeat": "daily"}, {"assignee_id": None}, {"note": "x" * 2_001}],
)
def test_what_makes_no_task_is_refused(desk: TaskDesk, fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        desk.add(**{"title": "Call", **fields})
    for unknown in ("client_id", "assignee_id"):
        with pytest.raises(NotFound):
            tasks.add_task(desk.commit, desk.actor("rita"), {"title": "Call", unknown: b"?" * 16})
    assert desk.shop.count("task") == 0


def test_only_what_is_given_is_edited_and_a_new_day_ends_what_was_put_off(desk: TaskDesk) -> None:
    task_id = desk.add(due=day(24), note="old", repeat="monthly")
    desk.do(tasks.snooze_task, task_id, day(26, 600).at_us)
    assert desk.task(task_id).next_us == day(26, 600).at_us
    desk.do(tasks.edit_task, task_id, {"title": "Visit"})
    assert (desk.task(task_id).title, desk.task(task_id).note) == ("Visit", "old")
    assert desk.task(task_id).snoozed_until_us == day(26, 600).at_us
    desk.do(tasks.edit_task, task_id, {"due": day(25, 700)})
    task = desk.task(task_id)
    assert (task.due, task.snoozed_until_us, task.next_us) == (day(25, 700), None, day(25, 700).at_us)
    # The day of the month stays, the time is the new one's.
    assert str(task.repeat) == "monthly:24@11:40"
    with pytest.raises(InvalidInput, match="needs a day"):
        desk.do(tasks.edit_task, task_id, {"due": None})
    desk.do(tasks.edit_task, task_id, {"due": None, "repeat": None})
    assert (desk.task(task_id).due, desk.task(task_id).repeat) == (None, None)


def test_a_task_changes_hands(desk: TaskDesk) -> None:
    task_id = desk.add()
    desk.do(tasks.assign_task, task_id, desk.actor("roman").employee_id, who="maria")
    assert desk.task(task_id).assignee_id == desk.actor("roman").employee_id


def test_states_follow_the_table(desk: TaskDesk) -> None:
    task_id = desk.add()
    desk.do(tasks.move_task, task_id, TaskState.IN_PROGRESS)
    desk.do(tasks.move_task, task_id, TaskState.WAITING)
    with pytest.raises(InvalidInput):
        desk.do(tasks.move_task, task_id, TaskState.DONE)
    desk.do(tasks.finish_task, task_id, "sold")
    task = desk.task(task_id)
    assert (task.state, task.outcome, task.done_at_us, task.done_by) == (
        TaskState.DONE, "sold", START_US, desk.actor("rita").employee_id,
    )  # fmt: skip
    assert task.next_us is None
    for again in (tasks.finish_task, partial(tasks.move_task, state=TaskState.WAITING)):
        with pytest.raises(Refused, match="over already"):
            desk.do(again, task_id)
    with pytest.raises(Refused):
        desk.do(tasks.snooze_task, task_id, START_US + MINUTE_US)
    desk.do(tasks.reopen_task, task_id)
    task = desk.task(task_id)
    assert (task.state, task.outcome, task.done_at_us, task.done_by) == (TaskState.OPEN, "", None, None)
    desk.do(tasks.cancel_task, task_id, "not wanted")
    assert (desk.task(task_id).state, desk.task(task_id).outcome) == (TaskState.CANCELLED, "not wanted")


def test_a_repeating_task_is_followed_by_the_next_of_its_rule_however_late_it_is_done(desk: TaskDesk) -> None:
    client = desk.client("Anna")
    task_id = desk.add(client_id=client, due=day(2, 600), repeat="weekly:1,4", remind_minutes=5, note="as agreed")
    done = desk.do(tasks.finish_task, task_id, who="roman")
    assert done.next_id == next_task_id(task_id)
    following = desk.task(next_task_id(task_id))
    # Monday the 2nd is followed by Thursday the 5th, though it is the 23rd.
    assert (following.due, following.state, following.previous_id) == (day(5, 600), TaskState.OPEN, task_id)
    assert (following.title, following.note, following.client_id) == ("Call back", "as agreed", client)
    assert (following.remind_minutes, str(following.repeat)) == (5, "weekly:1,4@10:00")
    assert following.assignee_id == following.created_by == desk.actor("rita").employee_id
    assert len(desk.shop.entries()[-1].records) == 2
    assert desk.do(tasks.cancel_task, following.task_id, "enough").next_id is None
    assert desk.shop.count("task") == 2


def test_undoing_puts_back_exactly_what_was(desk: TaskDesk) -> None:
    task_id = desk.add(due=day(23, 600), repeat="daily", note="kept")
    desk.do(tasks.move_task, task_id, TaskState.WAITING)
    before = desk.task(task_id)
    for operation, *arguments in (
        (tasks.finish_task, "sold"),
        (tasks.cancel_task, "no"),
        (tasks.snooze_task, day(26, 600).at_us),
        (tasks.edit_task, {"title": "Other", "due": None, "repeat": None, "note": ""}),
        (tasks.assign_task, desk.actor("roman").employee_id),
        (tasks.move_task, TaskState.IN_PROGRESS),
    ):
        changed = desk.do(operation, task_id, *arguments)
        assert desk.task(task_id) != before
        desk.undo(changed)
        assert desk.task(task_id) == before, operation
    following = desk.task(next_task_id(task_id))
    assert following.archived
    assert following.next_us is None
    added = tasks.add_task(desk.commit, desk.actor("rita"), given())
    desk.undo(added)
    assert desk.task(added.task_id).archived
    with pytest.raises(NotFound, match="taken back"):
        desk.do(tasks.finish_task, added.task_id)


def test_what_somebody_changed_since_is_not_taken_back(desk: TaskDesk) -> None:
    task_id = desk.add(due=day(24))
    snoozed = desk.do(tasks.snooze_task, task_id, day(25, 600).at_us)
    desk.do(tasks.edit_task, task_id, {"title": "Other field"}, who="roman")
    desk.do(tasks.snooze_task, task_id, day(26, 600).at_us, who="roman")
    with pytest.raises(Refused, match="changed this since"):
        desk.undo(snoozed)
    assert desk.task(task_id).snoozed_until_us == day(26, 600).at_us


def test_done_anew_after_it_was_reopened_it_has_one_next_task(desk: TaskDesk) -> None:
    task_id = desk.add(due=day(23), repeat="daily")
    desk.do(tasks.finish_task, task_id)
    desk.do(tasks.reopen_task, task_id)
    assert desk.task(next_task_id(task_id)).archived
    desk.do(tasks.finish_task, task_id)
    following = desk.task(next_task_id(task_id))
    assert (following.archived, following.due) == (False, day(24))
    # Somebody works on the next one: it stays when the first is reopened, and when that is done again.
    desk.do(tasks.move_task, following.task_id, TaskState.IN_PROGRESS)
    desk.do(tasks.reopen_task, task_id)
    assert not desk.task(following.task_id).archived
    desk.do(tasks.finish_task, task_id)
    assert desk.task(following.task_id).state is TaskState.IN_PROGRESS


def test_a_client_is_without_a_next_step_until_a_task_is_given(desk: TaskDesk) -> None:
    client = desk.client("Anna")
    reason = "SELECT no_next_step FROM client"
    command = tasks.say_no_next_step(desk.commit, desk.actor("rita"), client, " moved away ")
    assert desk.shop.one(reason) == "moved away"
    added = tasks.add_task(desk.commit, desk.actor("rita"), given(client_id=client))
    assert desk.shop.one(reason) is None
    desk.undo(added)
    assert desk.shop.one(reason) == "moved away"
    with pytest.raises(Refused):
        tasks.undo_no_next_step(desk.commit, desk.actor("rita"), client, command or b"")
    said = tasks.say_no_next_step(desk.commit, desk.actor("rita"), client, "")
    tasks.undo_no_next_step(desk.commit, desk.actor("rita"), client, said or b"")
    assert desk.shop.one(reason) == "moved away"
    assert desk.shop.one("SELECT archived FROM client") == 0


def test_a_task_for_a_merged_client_is_of_the_one_he_turned_out_to_be(desk: TaskDesk) -> None:
    real = desk.client("Anna")
    double = desk.client("Ana", merged_into=real)
    assert desk.task(desk.add(client_id=double)).client_id == real


def test_a_task_of_another_zone_is_due_there(desk: TaskDesk) -> None:
    fields: dict[str, Any] = {"title": "Far away", "state": "open", "zone": "Asia/Kamchatka", "repeat": "daily"}
    due = day(24)
    desk.shop.learn(change(RecordKind.TASK, b"t" * 16, **fields, due_at=due.at_us - 9 * 60 * MINUTE_US))
    desk.do(tasks.finish_task, b"t" * 16)
    following = desk.task(next_task_id(b"t" * 16))
    assert following.due == Due(due.at_us + 15 * 60 * MINUTE_US, False)
    assert following.zone == "Asia/Kamchatka"
