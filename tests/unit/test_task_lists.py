"""Lists of tasks: in which each stands, whose they show, that they go on, and that an index reads them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from branch_node.operations import task_lists, tasks
from branch_node.operations.task_lists import Counts, Scope, TaskPage, list_open, whose
from shared.domain.permissions import Permission
from shared.domain.tasks import Snooze, TaskState, When, snoozed_until
from shared.errors import NotPermitted
from tests.support.shop import Shop
from tests.support.task_desk import ZONE, TaskDesk, day


@pytest.fixture
def desk(shop: Shop, tmp_path: Path) -> TaskDesk:
    return TaskDesk(shop, tmp_path)


def people(desk: TaskDesk, *codes: str) -> list[bytes]:
    return [desk.actor(code).employee_id for code in codes]


def titles(page: TaskPage) -> list[str]:
    return [each.task.title for each in page.tasks]


def standing(desk: TaskDesk, who: str = "rita") -> dict[str, list[str]]:
    """Every list of somebody, by titles."""
    return {str(when): titles(list_open(desk.store, desk.actor(who), people(desk, who), when)) for when in When}


def furnish(desk: TaskDesk) -> None:
    """It is the evening of Monday the 23rd in Moscow."""
    desk.add("yesterday", due=day(22))
    desk.add("this morning", due=day(23, 9 * 60))
    desk.add("tonight", due=day(23, 23 * 60))
    desk.add("some time today", due=day(23))
    desk.add("tomorrow", due=day(24))
    desk.add("some day")
    desk.add("of Roman", "roman", due=day(23))


def test_every_open_task_stands_in_one_list_the_earliest_first(desk: TaskDesk) -> None:
    furnish(desk)
    assert standing(desk) == {
        "overdue": ["yesterday", "this morning"],
        "today": ["tonight", "some time today"],
        "later": ["tomorrow"],
        "undated": ["some day"],
    }
    counts = task_lists.count_tasks(desk.store, desk.actor("rita"), people(desk, "rita"))
    assert counts == Counts(2, 2, 1, 1, 0)
    assert task_lists.count_due(desk.store, desk.actor("rita")) == 4


def test_what_is_put_off_or_over_leaves_its_list(desk: TaskDesk) -> None:
    furnish(desk)
    late, now = desk.shop.one("SELECT id FROM task WHERE title = 'yesterday'"), desk.shop.clock.now_us()
    desk.do(tasks.snooze_task, late, snoozed_until(Snooze.TOMORROW, now, ZONE))
    assert standing(desk)["overdue"] == ["this morning"]
    assert standing(desk)["later"] == ["yesterday", "tomorrow"]
    desk.do(tasks.finish_task, late)
    assert standing(desk)["later"] == ["tomorrow"]
    desk.shop.clock.advance(24 * 3_600)
    assert standing(desk)["overdue"] == ["this morning", "tonight", "some time today"]


def test_a_team_is_whoever_reports_to_one_and_nobody_else(desk: TaskDesk) -> None:
    furnish(desk)
    desk.add("of Anna", "anna", due=day(23))
    maria = desk.actor("maria")
    team = whose(desk.store, maria, Scope.TEAM)
    assert team == sorted(people(desk, "rita", "roman"))
    found = list_open(desk.store, maria, team, When.TODAY)
    # Two are due at the same moment: what comes first is nobody's wish.
    assert (titles(found)[0], sorted(titles(found)[1:])) == ("tonight", ["of Roman", "some time today"])
    assert {each.assignee_name for each in found.tasks} == {"Rita", "Roman"}
    assert task_lists.count_tasks(desk.store, maria, team).today == 3
    assert whose(desk.store, maria, Scope.MINE) == [maria.employee_id]
    with pytest.raises(NotPermitted, match="team"):
        whose(desk.store, desk.actor("rita"), Scope.TEAM)


def test_a_long_list_goes_on_where_it_ended(desk: TaskDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_lists, "TASKS_SHOWN_MAX", 2)
    for number in range(3):
        desk.add(f"Rita {number}", due=day(24 + number))
        desk.add(f"Roman {number}", "roman", due=day(24 + number, 60))
    maria, team = desk.actor("maria"), people(desk, "rita", "roman")
    seen, after = [], None
    while True:
        page = list_open(desk.store, maria, team, When.LATER, after)
        seen.append(titles(page))
        after = page.further
        if after is None:
            break
    assert seen == [["Roman 0", "Rita 0"], ["Roman 1", "Rita 1"], ["Roman 2", "Rita 2"]]
    for number, task_id in enumerate(each[0] for each in desk.shop.rows("SELECT id FROM task ORDER BY title")):
        desk.shop.clock.advance(1)
        desk.do(
            tasks.cancel_task if number == 1 else tasks.finish_task, task_id, "", who="rita" if number < 3 else "roman"
        )
    first = task_lists.list_done(desk.store, maria, team)
    second = task_lists.list_done(desk.store, maria, team, first.further)
    assert titles(first) + titles(second) == ["Roman 2", "Roman 1", "Roman 0", "Rita 2"]
    assert second.further is not None
    last = task_lists.list_done(desk.store, maria, team, second.further)
    assert [each.task.state for each in last.tasks] == [TaskState.CANCELLED, TaskState.DONE]


def test_active_clients_without_a_task_or_a_reason_are_listed_by_name(
    desk: TaskDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_lists, "TASKS_SHOWN_MAX", 2)
    for name in ("Борис", "Ёлка", "Анна"):
        desk.client(name)
    busy, lost = desk.client("Busy"), desk.client("Lost")
    desk.client("Archived", archived=True)
    desk.client("Merged", merged_into=busy)
    desk.client("Nobody’s", owner=None)
    desk.client("Roman’s", owner="roman")
    desk.add("call", client_id=busy)
    tasks.say_no_next_step(desk.commit, desk.actor("rita"), lost, "moved away")
    rita = people(desk, "rita")
    first = task_lists.list_without_step(desk.store, desk.actor("rita"), rita)
    second = task_lists.list_without_step(desk.store, desk.actor("rita"), rita, first.further)
    assert [each.name for each in (*first.clients, *second.clients)] == ["Анна", "Борис", "Ёлка"]
    assert second.further is None
    assert task_lists.count_tasks(desk.store, desk.actor("rita"), rita).no_step == 3
    team = task_lists.list_without_step(desk.store, desk.actor("maria"), people(desk, "rita", "roman"), first.further)
    assert [(each.name, each.owner_name) for each in team.clients] == [("Ёлка", "Rita")]
    # What is done leaves its client without a next step again.
    desk.do(tasks.finish_task, desk.shop.one("SELECT id FROM task"))
    assert task_lists.count_tasks(desk.store, desk.actor("rita"), rita).no_step == 4


def test_a_client_has_tasks_of_everybody_and_whoever_may_not_see_contacts_sees_no_name(desk: TaskDesk) -> None:
    client = desk.client("Анна Петрова")
    desk.add("first", client_id=client, due=day(24))
    desk.add("second", "roman", client_id=client)
    over = desk.add("over", client_id=client)
    desk.do(tasks.finish_task, over)
    desk.add("of nobody", "anna")
    opened, closed = task_lists.tasks_of_client(desk.store, desk.actor("anna"), client)
    assert [each.task.title for each in (*opened, *closed)] == ["first", "second", "over"]
    assert {each.client_name for each in opened} == {"А. Петр…"}
    assert not desk.actor("anna").may(Permission.CLIENT_CONTACTS)
    assert task_lists.show_task(desk.store, desk.actor("rita"), over).client_name == "Анна Петрова"
    assert [name for _, name in task_lists.list_assignees(desk.store)] == ["Anna", "Maria", "Rita", "Roman"]


WITHOUT = """
SELECT owner_id, sort_key, id FROM client c WHERE owner_id IS NOT NULL AND NOT archived AND merged_into IS NULL
AND no_next_step IS NULL AND id NOT IN (SELECT client_id FROM task WHERE client_id IS NOT NULL AND next_at IS NOT NULL)
ORDER BY 1, 2, 3
"""


@given(some.data())
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_happens_the_clients_without_a_step_are_those(desk: TaskDesk, data: some.DataObject) -> None:
    client, owner = some.sampled_from([b"c%015d" % number for number in range(3)]), some.none() | some.just(b"o" * 16)
    columns = "id, do_not_contact, sort_key, search_text, owner_id, archived, merged_into, no_next_step"
    cards = some.tuples(
        client, some.just(0), some.sampled_from("ab"), some.just(""), owner, some.booleans(),
        some.sampled_from([None, None, b"m" * 16]), some.sampled_from([None, None, "why"]),
    )  # fmt: skip
    task = some.tuples(
        some.sampled_from([b"t%015d" % number for number in range(3)]), some.none() | client, some.none() | some.just(5)
    )
    with desk.store.write() as connection:
        cursor = connection.connection.cursor()
        for step in data.draw(some.lists(some.integers(0, 3), min_size=1, max_size=12)):
            if step == 0:
                changes = ", ".join(f"{name} = excluded.{name}" for name in columns.split(", ")[1:])
                upsert = f"INSERT INTO client ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
                cursor.execute(f"{upsert} ON CONFLICT (id) DO UPDATE SET {changes}", data.draw(cards))
            elif step == 1:
                upsert = "INSERT INTO task (id, client_id, next_at, due_has_time, archived) VALUES (?, ?, ?, 0, 0)"
                changes = "client_id = excluded.client_id, next_at = excluded.next_at"
                cursor.execute(f"{upsert} ON CONFLICT (id) DO UPDATE SET {changes}", data.draw(task))
            elif step == 2:
                cursor.execute("DELETE FROM task WHERE id = ?", (data.draw(task)[0],))
            else:
                cursor.execute("DELETE FROM client WHERE id = ?", (data.draw(client),))
            kept = cursor.execute("SELECT * FROM client_without_step ORDER BY 1, 2, 3").fetchall()
            assert kept == cursor.execute(WITHOUT).fetchall()
        cursor.execute("DELETE FROM task")
        cursor.execute("DELETE FROM client")


STATEMENTS = {
    "open": (task_lists._OPEN, 5, "task_by_next"),
    "done": (task_lists._DONE, 4, "task_by_done"),
    "of a client": (task_lists._OF_CLIENT_OPEN, 2, "task_by_client_next"),
    "over, of a client": (task_lists._OF_CLIENT_CLOSED, 2, "task_by_client"),
    "count": (task_lists._COUNT.format("?, ?"), 5, "task_by_next"),
    "without a step": (task_lists._NO_STEP, 4, "PRIMARY KEY (owner_id=?"),
    "count without a step": (task_lists._COUNT_NO_STEP.format("?, ?"), 3, "PRIMARY KEY (owner_id=?"),
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_every_list_is_read_by_its_index(shop: Shop, name: str) -> None:
    statement, marks, index = STATEMENTS[name]
    plan = [row[3] for row in shop.rows(f"EXPLAIN QUERY PLAN {statement}", *[b"1"] * marks)]
    assert any(index in line for line in plan), plan
    assert not [line for line in plan if line.startswith("SCAN") and "CONSTANT" not in line and "(" not in line], plan
    if name in ("open", "done", "of a client", "without a step"):
        assert not [line for line in plan if "TEMP B-TREE" in line], plan
