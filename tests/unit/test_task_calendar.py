"""The calendar of one's tasks, and reminders: who gets which, and when."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from icalendar import Calendar

from branch_node.operations import task_calendar, tasks
from branch_node.operations.task_calendar import end_calendar, has_calendar, renew_calendar, write_calendar
from branch_node.operations.task_reminders import LATE_US, due_reminders, see_reminder
from shared.domain.identifiers import format_id
from shared.domain.tasks import MINUTE_US
from shared.errors import NotPermitted
from tests.support.shop import Shop
from tests.support.task_desk import TaskDesk, day


@pytest.fixture
def desk(shop: Shop, tmp_path: Path) -> TaskDesk:
    return TaskDesk(shop, tmp_path)


def written(desk: TaskDesk, token: str) -> Calendar:
    data = write_calendar(desk.store, token, lambda task_id: f"https://shop.test/tasks/{task_id}")
    calendar = Calendar.from_ical(data)
    assert isinstance(calendar, Calendar)
    return calendar


def events(desk: TaskDesk, token: str) -> dict[str, Any]:
    return {str(event["SUMMARY"]): event for event in written(desk, token).walk("VEVENT")}


def test_a_calendar_holds_ones_open_tasks_in_utc_and_days_as_days(desk: TaskDesk) -> None:
    token = renew_calendar(desk.store, desk.actor("rita"))
    client = desk.client("Анна Петрова")
    timed = desk.add("Позвонить; срочно", client_id=client, due=day(24, 600), remind_minutes=15)
    desk.add("Прайс-лист", due=day(25))
    late = desk.add("Put off", due=day(22))
    desk.do(tasks.snooze_task, late, day(26, 90).at_us)
    desk.add("Some day")
    desk.add("Of Roman", "roman", due=day(24))
    desk.do(tasks.finish_task, desk.add("Over", due=day(24)))
    found = events(desk, token)
    # A calendar leaves the shop: names are masked for everybody.
    assert found.keys() == {"Позвонить; срочно – А. Петр…", "Прайс-лист", "Put off"}
    call = found["Позвонить; срочно – А. Петр…"]
    assert (str(call["UID"]), str(call["URL"])) == (format_id(timed), f"https://shop.test/tasks/{format_id(timed)}")
    assert call["DTSTART"].dt == datetime(2026, 11, 24, 7, tzinfo=UTC)
    assert call["DTSTART"].to_ical() == b"20261124T070000Z"
    assert (call["DTEND"].dt - call["DTSTART"].dt).total_seconds() == 1_800
    assert [alarm["TRIGGER"].to_ical() for alarm in call.walk("VALARM")] == [b"-PT15M"]
    assert (found["Прайс-лист"]["DTSTART"].dt, found["Прайс-лист"]["DTEND"].dt) == (
        date(2026, 11, 25),
        date(2026, 11, 26),
    )
    assert found["Put off"]["DTSTART"].dt == datetime(2026, 11, 25, 22, 30, tzinfo=UTC)


def test_lines_are_as_long_as_the_format_allows_and_end_as_it_says(desk: TaskDesk) -> None:
    token = renew_calendar(desk.store, desk.actor("rita"))
    desk.add("Ж" * 200, due=day(24))
    data = write_calendar(desk.store, token, str)
    assert data.endswith(b"END:VCALENDAR\r\n")
    assert max(len(line) for line in data.split(b"\r\n")) <= 75
    assert b"\n" not in data.replace(b"\r\n", b"")


def test_a_calendar_is_of_limited_size(desk: TaskDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_calendar, "CALENDAR_TASKS_MAX", 2)
    token = renew_calendar(desk.store, desk.actor("rita"))
    for number in (26, 25, 24):
        desk.add(f"On {number}", due=day(number))
    assert events(desk, token).keys() == {"On 24", "On 25"}


def test_the_store_holds_no_secret_and_a_new_one_ends_the_old(desk: TaskDesk) -> None:
    rita = desk.actor("rita")
    assert not has_calendar(desk.store, rita)
    first = renew_calendar(desk.store, rita)
    second = renew_calendar(desk.store, rita)
    assert has_calendar(desk.store, rita)
    assert first not in repr(desk.shop.rows("SELECT * FROM task_calendar"))
    assert written(desk, second)
    for token in (first, "", "x", "я", "A" * 43):
        with pytest.raises(NotPermitted, match="holds no longer"):
            written(desk, token)
    end_calendar(desk.store, rita)
    with pytest.raises(NotPermitted):
        written(desk, second)


def test_whoever_works_here_no_more_has_no_calendar(desk: TaskDesk) -> None:
    token = renew_calendar(desk.store, desk.actor("rita"))
    desk.staff.dismiss("rita")
    with pytest.raises(NotPermitted):
        written(desk, token)


def reminded(desk: TaskDesk, who: str = "rita") -> list[str]:
    return [each.task.title for each in due_reminders(desk.store, desk.actor(who))]


def test_a_reminder_comes_at_its_time_and_goes_when_it_was_seen(desk: TaskDesk) -> None:
    now = desk.shop.clock.now_us()
    call = desk.add("Call", due=day(23)._replace(at_us=now + 20 * MINUTE_US, has_time=True), remind_minutes=15)
    desk.add("Silent", due=day(23)._replace(at_us=now + 20 * MINUTE_US, has_time=True))
    assert reminded(desk) == []
    desk.shop.clock.advance(5 * 60)
    assert (reminded(desk), reminded(desk, "roman")) == (["Call"], [])
    see_reminder(desk.store, desk.actor("rita"), call)
    assert reminded(desk) == []
    # Put off, it reminds anew.
    desk.do(tasks.snooze_task, call, now + 60 * MINUTE_US)
    assert reminded(desk) == []
    desk.shop.clock.advance(56 * 60)
    assert reminded(desk) == ["Call"]
    desk.do(tasks.finish_task, call)
    assert reminded(desk) == []


def test_what_reminded_long_ago_is_left_to_the_list(desk: TaskDesk) -> None:
    desk.add("Call", due=day(23, 13 * 60), remind_minutes=0)
    desk.shop.clock.set(day(23, 13 * 60).at_us)
    assert reminded(desk) == ["Call"]
    desk.shop.clock.set(day(23, 13 * 60).at_us + LATE_US)
    assert reminded(desk) == []
