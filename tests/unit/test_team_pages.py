"""The supervisor's day on its page: who did what, today or within the last hours; who may see it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from branch_node.operations.branch_facts import record_branch_fact
from branch_node.operations.team_day import HOUR_US, read_team_day
from branch_node.storage.store import BranchStore
from shared.domain.business_time import local_moment
from shared.domain.interactions import Interaction
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.domain.records import RecordKind
from shared.errors import InvalidInput
from tests.support.clock import FakeClock
from tests.support.shop import change
from tests.support.staff import Staff
from tests.support.statements import recorded_statements
from tests.support.till_pages import Browser, make_pages, staff_of

CLIENT = b"c" * 16


@pytest.fixture
def staff(branch_store: BranchStore, clock: FakeClock, tmp_path: Path) -> Staff:
    staff = staff_of(branch_store, clock, tmp_path)
    term: dict[str, Any] = {"dictionary": "outcome", "code": "agreed", "name": "Договорились", "name_en": "Agreed"}
    staff.shop.learn(change(RecordKind.DICTIONARY_TERM, b"t" * 16, **term, is_target=True))
    return staff


def browser_of(staff: Staff, code: str) -> Browser:
    browser = Browser(make_pages(staff.shop.store, staff.settings.home))
    browser.log_in(code)
    return browser


def call(staff: Staff, hours_ago: int = 0, **fields: Any) -> None:
    store = staff.shop.store
    at = local_moment(store.clock.now_us() - hours_ago * HOUR_US, store.node()[0].timezone)
    with store.operation() as transaction:
        record_branch_fact(transaction, Interaction(CLIENT, "call", "out", "anna", at, **fields))


def test_an_empty_day_says_where_its_figures_will_come_from(staff: Staff) -> None:
    page = browser_of(staff, "maria").get("/team").text
    assert "Nothing was done in this time." in page


def test_calls_tasks_and_sales_stand_beside_whoever_did_them(staff: Staff) -> None:
    call(staff, reached=True, outcome="agreed", duration_seconds=150)
    call(staff, reached=False)
    staff.shop.sell("k1", 12_000)
    overdue = {"assignee_id": staff.identity("anna"), "branch_id": staff.shop.store.node()[0].branch_id}
    staff.shop.learn(change(RecordKind.TASK, b"k" * 16, state="open", due_at=1, **overdue))
    day = read_team_day(staff.shop.store, LOCAL_ADMINISTRATOR)
    (anna,) = [person for person in day.people if person.code == "anna"]
    assert (anna.work.calls, anna.work.reached, anna.work.target, anna.overdue) == (2, 1, 1, 1)
    assert [(each.name, each.is_target, each.calls) for each in day.outcomes] == [
        ("", False, 1),
        ("Договорились", True, 1),
    ]
    page = browser_of(staff, "maria").get("/team").text
    assert "Agreed" in page
    assert 'hx-trigger="every 60s"' in page
    assert browser_of(staff, "maria").get("/team/figures").text.count("<table") == 3


def test_the_last_hours_leave_out_what_was_before(staff: Staff) -> None:
    call(staff, hours_ago=3)
    call(staff)
    assert read_team_day(staff.shop.store, LOCAL_ADMINISTRATOR, hours=1).total.calls == 1
    assert read_team_day(staff.shop.store, LOCAL_ADMINISTRATOR, hours=4).total.calls == 2
    with pytest.raises(InvalidInput):
        read_team_day(staff.shop.store, LOCAL_ADMINISTRATOR, hours=25)


def test_a_past_day_does_not_ask_for_news(staff: Staff) -> None:
    page = browser_of(staff, "maria").get("/team?day=2026-01-05").text
    assert "every 60s" not in page
    assert browser_of(staff, "maria").get("/team?day=yesterday").status_code == 422


def test_a_cashier_does_not_see_what_the_others_did(staff: Staff) -> None:
    assert browser_of(staff, "anna").get("/team").status_code == 403


@pytest.mark.parametrize("hours", [None, 2])
def test_no_day_and_no_hours_are_looked_for_among_everything_that_was_said(staff: Staff, hours: int | None) -> None:
    store = staff.shop.store
    call(staff)
    with store.write() as connection:
        # As in a branch that has spoken with its clients for years, and the planner knows.
        connection.exec_driver_sql("ANALYZE interaction")
        for index, rows in (("interaction", "1000000 1000000 1"), ("interaction_by_day", "1000000 900 50")):
            connection.exec_driver_sql("UPDATE sqlite_stat1 SET stat = ? WHERE idx = ?", (rows, index))
        connection.exec_driver_sql("ANALYZE sqlite_schema")
    with recorded_statements() as sent:
        read_team_day(store, LOCAL_ADMINISTRATOR, hours)
    with store.read_cursor() as cursor:
        plans = [
            step[3]
            for text, values in sent
            if "interaction" in text and text.startswith("SELECT")
            for step in cursor.execute(f"EXPLAIN QUERY PLAN {text}", values).fetchall()
            if step[3].startswith(("SEARCH interaction", "SCAN interaction"))
        ]
    assert plans
    assert all("interaction_by_day" in step for step in plans), plans
