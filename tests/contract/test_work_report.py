"""The supervisor's day on both databases: calls, outcomes, tasks and sales by employee and hour, as the facts say."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from branch_node.operations.branch_facts import record_branch_fact
from branch_node.operations.reporting import run_report as report_at_branch
from hq_server.operations.editing import HqEdit
from hq_server.operations.reporting import run_report
from hq_server.storage.feed import EVERYONE, number_feed
from shared.domain.business_time import parse_local
from shared.domain.cards import Value
from shared.domain.interactions import Interaction
from shared.domain.records import RecordKind
from shared.operations.people import employee_id
from shared.reports.ground import Ground
from shared.reports.items import Asked, Kind
from shared.reports.parameters import ReportAsk, ReportParameters
from shared.reports.registry import find_report
from shared.reports.work import CALLS, MEASURES, WORK_TODAY, Window, Work, measure_work
from shared.reports.work_lists import list_work
from tests.support.drilled import listed, require_adds_up
from tests.support.journal import ZONE
from tests.support.office import Office
from tests.support.pair import Node, Pair

CLIENT = b"c" * 16


@pytest.fixture
def pair(office: Office, tmp_path: Path) -> Pair:
    made = Pair(office, tmp_path)
    with office.store.write() as connection:
        edit = HqEdit(connection, office.ids, office.clock.now_us())
        for code, is_target in (("agreed", True), ("refused", False)):
            term: dict[str, Value] = {"dictionary": "outcome", "code": code, "is_target": is_target}
            term_id = office.ids.new_id()
            prepared = edit.prepare(RecordKind.DICTIONARY_TERM, term_id, term)
            assert prepared is not None
            edit.apply([prepared], {term_id: EVERYONE})
    number_feed(office.store, office.clock.now_us())
    return made


def call(node: Node, at: str, employee: str = "anna", **fields: Any) -> bytes:
    """Records an outgoing call; gives its id."""
    moment = parse_local(at, ZONE, "at")
    fact = Interaction(CLIENT, "call", "out", employee, moment, **fields)
    with node.store.operation() as transaction:
        return record_branch_fact(transaction, fact)


def visit(node: Node, at: str) -> None:
    with node.store.operation() as transaction:
        record_branch_fact(transaction, Interaction(CLIENT, "visit", "in", "anna", parse_local(at, ZONE, "at")))


def at_branch(node: Node, name: str, *by: str) -> list[tuple[Any, ...]]:
    with node.store.read() as connection:
        return list(report_at_branch(connection, find_report(name), ReportAsk(by), node.clock.now_us()).rows)


def at_hq(pair: Pair, name: str, *by: str, **ask: Any) -> list[tuple[Any, ...]]:
    office = pair.office
    with office.store.read() as connection:
        found = run_report(connection, find_report(name), ReportAsk(by, **ask), office.clock.now_us(), 15)
    return list(found.rows)


def a_day(node: Node) -> None:
    """Three calls of which one was logged wrongly, a visit, two sales."""
    call(node, "2026-11-20T09:10:00", reached=True, outcome="agreed", duration_seconds=120)
    wrong = call(node, "2026-11-20T09:40:00", reached=True, outcome="agreed")
    call(node, "2026-11-20T09:40:00", reached=False, corrects_id=wrong)
    call(node, "2026-11-20T18:00:00", "boris", reached=True, outcome="refused", duration_seconds=30)
    visit(node, "2026-11-20T09:50:00")
    node.sell("k1", "k2")


def test_a_day_is_what_its_facts_say(pair: Pair) -> None:
    node = pair.join("B1")
    node.sync()
    a_day(node)
    by_employee = {row[0]: row[1:] for row in at_branch(node, WORK_TODAY, "employee")}
    # calls, outgoing, reached, target, talk, contacts, tasks, receipts, net
    assert by_employee["anna"][:7] == (2, 2, 1, 1, 120, 1, 0)
    assert by_employee["boris"][:7] == (1, 1, 1, 0, 30, 0, 0)
    assert sum(row[7] for row in by_employee.values()) == 2
    assert sum(row[8] for row in by_employee.values()) == 100
    hours = {row[0]: row[1] for row in at_branch(node, WORK_TODAY, "hour") if row[1]}
    assert hours == {9: 2, 18: 1}
    assert at_branch(node, CALLS, "outcome") == [
        ("agreed", 1, 1, 1, 1, 120, 1, 10_000, 10_000),
        ("refused", 1, 1, 1, 0, 30, 0, 10_000, 0),
        (None, 1, 1, 0, 0, 0, 0, 0, None),
    ]


def test_the_head_office_says_the_same_of_all_branches_together(pair: Pair) -> None:
    first, second = pair.join("B1"), pair.join("B2")
    for node in (first, second):
        node.sync()
    a_day(first)
    call(second, "2026-11-21T09:00:00", "clara", reached=True, outcome="agreed", duration_seconds=10)
    for node in (first, second):
        node.sync()
    by = ("employee", "business_date", "hour")
    told = sorted(at_branch(first, WORK_TODAY, *by) + at_branch(second, WORK_TODAY, *by))
    assert at_hq(pair, WORK_TODAY, *by) == told
    for group in (by, ("branch",), ("employee",), ("hour",), ()):
        assert require_adds_up(pair.office, WORK_TODAY, ReportAsk(group)) == 7
    require_adds_up(
        pair.office, WORK_TODAY, ReportAsk(("hour",), "2026-11-20", "2026-11-20", filters=("employee=anna",))
    )
    assert at_hq(pair, WORK_TODAY, *by, branches=("B2",)) == at_branch(second, WORK_TODAY, *by)
    assert at_hq(pair, CALLS, "month", "branch") == [
        ("2026-11", "B1", 3, 3, 2, 1, 150, 1, 6_667, 5_000),
        ("2026-11", "B2", 1, 1, 1, 1, 10, 1, 10_000, 10_000),
    ]
    (total,) = at_hq(pair, WORK_TODAY, date_from="2026-11-21", date_to="2026-11-21")
    assert total[0] == 1


def test_a_task_counts_in_the_hour_of_the_branch_in_which_it_was_done(pair: Pair) -> None:
    node = pair.join("B1")
    node.sync()
    office = pair.office
    done_at = parse_local("2026-11-20T00:30:00", ZONE, "at").at_us
    anna = employee_id(office.chain.chain_id, "anna")
    with office.store.write() as connection:
        edit = HqEdit(connection, office.ids, office.clock.now_us())
        edits = [
            edit.prepare(RecordKind.EMPLOYEE, anna, {"code": "anna", "name": "Anna"}),
            edit.prepare(
                RecordKind.TASK,
                office.ids.new_id(),
                {"branch_id": node.branch_id, "state": "done", "done_at": done_at, "done_by": anna},
            ),
        ]
        edit.apply([each for each in edits if each is not None])
    rows = at_hq(pair, WORK_TODAY, "employee", "business_date", "hour")
    assert [(row[0], row[1], row[2], row[3 + 6]) for row in rows] == [("anna", "2026-11-20", 0, 1)]
    assert require_adds_up(office, WORK_TODAY, ReportAsk(("employee", "business_date", "hour"))) == 1
    assert at_hq(pair, WORK_TODAY, date_to="2026-11-19") == [(0,) * len(MEASURES)]


def test_what_was_done_is_paged_the_newest_first(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    node = pair.join("B1")
    node.sync()
    a_day(node)
    node.sync()
    report = find_report(WORK_TODAY)
    everything = listed(pair.office, report, ReportAsk())
    assert {each.kind for each in everything.rows} == {Kind.CALL, Kind.CONTACT, Kind.SALE}
    moments = [each.at_us or 0 for each in everything.rows]
    assert moments == sorted(moments, reverse=True)
    monkeypatch.setattr("hq_server.operations.report_room.BENEATH_ROWS_MAX", 4)
    pages = [listed(pair.office, report, ReportAsk(), number) for number in (1, 2, 3)]
    assert [each for page in pages for each in page.rows] == list(everything.rows)
    assert all((page.total, page.sums) == (everything.total, everything.sums) for page in pages)
    with pair.office.store.read() as connection:
        ground = Ground(connection, {node.branch_id: "B1"}, False, date(2026, 11, 23))
        assert list_work(ground, Asked(report, ReportParameters(), {}, 0, 9)).total == 0


def test_the_last_hours_are_looked_at_by_the_moment(pair: Pair) -> None:
    node = pair.join("B1")
    node.sync()
    a_day(node)
    since = parse_local("2026-11-20T17:00:00", ZONE, "at").at_us
    with node.store.read() as connection:
        found = measure_work(connection, Window(since_us=since, until_us=since + 2 * 3_600_000_000), [node.branch_id])
    total = Work()
    for work in found.values():
        total.add(work)
    assert (total.calls, total.outgoing, total.reached, total.target) == (1, 1, 1, 0)
