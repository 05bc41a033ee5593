"""The pages of tasks as forms: what they show, what they send, and who holds a calendar's address."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from branch_node.operations import task_history, tasks
from branch_node.web.task_calendar import REQUESTS_A_MINUTE_MAX
from shared.domain.identifiers import format_id
from shared.domain.records import RecordKind
from shared.domain.tasks import TaskState
from tests.support.shop import Shop, change
from tests.support.task_desk import TaskDesk, day
from tests.support.till_pages import Browser, make_pages

WAS = re.compile(r'name="was" value="([^"]+)"')
UNDO = re.compile(r'action="(/tasks/[^"]+/undo)".*?name="command" value="([^"]+)"', re.DOTALL)


@pytest.fixture
def desk(shop: Shop, tmp_path: Path) -> TaskDesk:
    return TaskDesk(shop, tmp_path)


@pytest.fixture
def browser(desk: TaskDesk) -> Browser:
    opened = Browser(make_pages(desk.store, desk.home))
    opened.log_in("rita")
    return opened


def typed(desk: TaskDesk, **changes: Any) -> dict[str, Any]:
    """A form of a new task, filled in."""
    fields = {"title": "Call back", "type": "call", "assignee": format_id(desk.actor("rita").employee_id), "every": "1"}
    return {**fields, "day": "2026-11-24", "time": "10:00", "repeat": "", "remind": "15", "note": "", **changes}


def only_task(desk: TaskDesk) -> tasks.Task:
    return desk.task(desk.shop.one("SELECT id FROM task"))


def test_a_task_is_added_by_a_form_about_a_client_found_by_phone(desk: TaskDesk, browser: Browser) -> None:
    desk.client("Анна Петрова", phones=("+79123456789",))
    desk.client("Пётр Петров", phones=("+79120000000",))
    answer = browser.post("/tasks/new", "/tasks/new", **typed(desk, client_text="Петров", repeat="weekly", weekday="4"))
    assert answer.status_code == 200
    assert answer.text.count('type="radio"') == 2
    answer = browser.post("/tasks/new", "/tasks/new", **typed(desk, client_text="6789", repeat="weekly", weekday="4"))
    assert answer.status_code == 303
    task = only_task(desk)
    assert (task.due, task.remind_minutes, str(task.repeat)) == (day(24, 600), 15, "weekly:4@10:00")
    assert "Анна Петрова" in browser.get("/tasks?tab=later").text


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"title": ""}, "what is to be done"),
        ({"day": "soon"}, "is not a date"),
        ({"client_text": "nobody at all"}, "No client is found"),
        ({"repeat": "weekly", "every": "0"}, "every 1 to 365"),
        ({"day": "", "time": "", "repeat": "daily"}, "needs a day"),
    ],
)
def test_what_was_typed_wrongly_is_said_and_kept(
    desk: TaskDesk, browser: Browser, changes: dict[str, str], says: str
) -> None:
    answer = browser.post("/tasks/new", "/tasks/new", **typed(desk, note="kept", **changes))
    assert (answer.status_code, says in unescape(answer.text), ">kept<" in answer.text) == (422, True, True)
    assert desk.shop.count("task") == 0


def test_only_what_was_changed_on_the_page_is_changed_in_the_task(desk: TaskDesk, browser: Browser) -> None:
    task_id = desk.add(due=day(24, 600), note="two\nlines", repeat="monthly:31", remind_minutes=7)
    address = f"/tasks/{format_id(task_id)}"
    found = WAS.search(browser.get(address).text)
    assert found
    shown = json.loads(unescape(found[1]))
    # Meanwhile a colleague moves it.
    desk.do(tasks.edit_task, task_id, {"due": day(26, 660)}, who="roman")
    form = {**shown, "was": json.dumps(shown), "title": "Visit", "note": "two\r\nlines"}
    assert browser.post(f"{address}/edit", address, **form).status_code == 303
    task = desk.task(task_id)
    assert (task.title, task.due, task.note) == ("Visit", day(26, 660), "two\nlines")
    assert (str(task.repeat), task.remind_minutes) == ("monthly:31@11:00", 7)
    page = browser.get(address).text
    assert "Call back" in page
    assert "Roman" in page


def test_done_and_its_undo_from_the_list(desk: TaskDesk, browser: Browser) -> None:
    task_id = desk.add(due=day(23), repeat="daily")
    address = f"/tasks/{format_id(task_id)}"
    answer = browser.post(f"{address}/done", "/tasks", next="/tasks?tab=today")
    assert (answer.status_code, answer.headers["location"]) == (303, "/tasks?tab=today")
    page = browser.get("/tasks?tab=today").text
    assert "The task is done. The next one is planned." in page
    undo = UNDO.search(page)
    assert undo
    assert browser.post(undo[1], "/tasks", command=undo[2], next="/tasks").status_code == 303
    assert desk.task(task_id).state is TaskState.OPEN
    assert browser.post(f"{address}/done", "/tasks", next="https://evil.example").headers["location"] == "/"


def test_everything_else_is_done_from_the_page(desk: TaskDesk, browser: Browser) -> None:
    task_id = desk.add(due=day(23))
    address = f"/tasks/{format_id(task_id)}"
    for act, fields, state in (
        ("move", {"state": "in_progress"}, TaskState.IN_PROGRESS),
        ("snooze", {"choice": "tomorrow"}, TaskState.IN_PROGRESS),
        ("assign", {"assignee": format_id(desk.actor("roman").employee_id)}, TaskState.IN_PROGRESS),
        ("cancel", {"reason": "not wanted"}, TaskState.CANCELLED),
        ("reopen", {}, TaskState.OPEN),
        ("snooze", {"day": "2026-11-27", "time": "12:00"}, TaskState.OPEN),
    ):
        assert browser.post(f"{address}/{act}", address, **fields).status_code == 303, act
        assert desk.task(task_id).state is state
    assert desk.task(task_id).snoozed_until_us == day(27, 720).at_us
    assert desk.task(task_id).assignee_id == desk.actor("roman").employee_id
    for act, wrong in (("snooze", {"day": "2020-01-01"}), ("snooze", {}), ("move", {"state": "open"})):
        assert browser.post(f"{address}/{act}", address, **wrong).status_code == 422, act
    assert browser.get("/tasks/nothing").status_code == 404
    assert browser.get(f"/tasks/{format_id(b'?' * 16)}").status_code == 404


def test_a_client_is_given_a_reason_and_it_is_taken_back(desk: TaskDesk, browser: Browser) -> None:
    client = format_id(desk.client("Анна Петрова"))
    assert "Анна Петрова" in browser.get("/tasks?tab=no-step").text
    assert browser.post("/tasks/no-step", "/tasks", client=client, reason=" ").status_code == 422
    browser.post("/tasks/no-step", "/tasks", client=client, reason="moved", next=f"/clients/{client}/tasks")
    page = browser.get(f"/clients/{client}/tasks").text
    assert "Nothing is to be done: moved" in page
    command = re.search(r'name="command" value="([^"]+)"', page)
    assert command
    browser.post("/tasks/no-step/undo", "/tasks", client=client, command=command[1])
    assert "Анна Петрова" in browser.get("/tasks?tab=no-step").text
    part = browser.get(f"/clients/{client}/tasks", **{"HX-Request": "true"}).text
    assert "<html" not in part
    assert "Nothing is planned with this client." in part


def test_a_manager_sees_the_team_and_nobody_else_does(desk: TaskDesk, browser: Browser) -> None:
    desk.add("Rita’s", due=day(23))
    assert "who=team" not in browser.get("/tasks").text
    assert "My tasks" in browser.get("/tasks?who=team").text
    manager = Browser(make_pages(desk.store, desk.home))
    manager.log_in("maria")
    page = unescape(manager.get("/tasks?who=team&tab=today").text)
    assert "Rita’s" in page
    assert "Tasks of my team" in page


def test_the_header_counts_what_asks_today_and_brings_reminders(desk: TaskDesk, browser: Browser) -> None:
    assert "Due today" not in browser.get("/help").text
    now = desk.shop.clock.now_us()
    task_id = desk.add("Call <Anna>", due=day(23)._replace(at_us=now, has_time=True), remind_minutes=0)
    desk.add("Later", due=day(24))
    assert "Due today: 1" in browser.get("/help").text
    chip = browser.get("/tasks/chip").text
    assert "Call &lt;Anna&gt;" in chip
    assert "load" not in chip
    headers = {"HX-Request": "true", "HX-Target": "task-chip"}
    token, address = browser.token(), f"/tasks/{format_id(task_id)}"
    answer = browser.client.post(f"{address}/snooze", data={"csrf_token": token, "choice": "15m"}, headers=headers)
    assert (answer.status_code, "data-reminder" in answer.text, "The task is put off." in answer.text) == (
        200,
        False,
        True,
    )
    desk.shop.clock.advance(15 * 60)
    assert "data-reminder" in browser.get("/tasks/chip").text
    browser.client.post(f"{address}/seen", data={"csrf_token": token}, headers=headers)
    assert "data-reminder" not in browser.get("/tasks/chip").text
    wrong = browser.client.post(f"{address}/snooze", data={"csrf_token": token}, headers=headers)
    assert "Say until when" in wrong.text


def test_a_calendar_is_read_with_its_secret_alone_and_not_too_often(desk: TaskDesk, browser: Browser) -> None:
    desk.add("Позвонить", due=day(24, 600))
    page = browser.post("/tasks/calendar", "/tasks/calendar").text
    found = re.search(r'value="(http[^"]+/tasks\.ics\?token=[^"]+)"', page)
    assert found
    stranger = Browser(browser.app)
    answer = stranger.get(found[1])
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert "SUMMARY:Позвонить" in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert stranger.get("/tasks.ics?token=x").status_code == 403
    assert stranger.get("/tasks.ics").status_code == 403
    codes = [stranger.get("/tasks.ics").status_code for _ in range(REQUESTS_A_MINUTE_MAX)]
    assert codes[-1] == 429
    desk.shop.clock.advance(60)
    assert stranger.get(found[1]).status_code == 200
    browser.post("/tasks/calendar/end", "/tasks/calendar")
    assert stranger.get(found[1]).status_code == 403


def test_a_story_ends_somewhere(desk: TaskDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_history, "EDITS_SHOWN_MAX", 2)
    task_id = desk.add("First")
    for title in ("Second", "Third"):
        desk.shop.clock.advance(60)
        desk.do(tasks.edit_task, task_id, {"title": title}, who="roman")
    story = task_history.read_story(desk.store, desk.actor("rita"), task_id)
    assert [(edit.author, edit.changes, edit.is_here) for edit in story.edits] == [
        ("Roman", {"title": "Third"}, True), ("Roman", {"title": "Second"}, True),
    ]  # fmt: skip
    assert story.disputes == []


def test_what_two_entered_at_the_same_time_is_shown_until_somebody_settles_it(desk: TaskDesk, browser: Browser) -> None:
    task_id = desk.add("Ours", due=day(24))
    address = f"/tasks/{format_id(task_id)}"
    assert desk.shop.learn(change(RecordKind.TASK, task_id, title="Theirs")) == []
    shown = desk.task(task_id).title
    other = "Ours" if shown == "Theirs" else "Theirs"
    assert f"“{shown}” is shown, “{other}” was entered too" in browser.get(address).text
    assert browser.post(f"{address}/settle", address).status_code == 303
    page = browser.get("/tasks?tab=later").text + browser.get(address).text
    assert "was entered too" not in page
    assert desk.task(task_id).title == shown
    assert desk.shop.one("SELECT COUNT(*) FROM conflict WHERE closed_at IS NULL") == 0
