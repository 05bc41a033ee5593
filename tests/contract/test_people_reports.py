"""Discipline and the conversion of calls on both databases: as a pencil makes them, wherever one asks."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest

from branch_node.operations.branch_facts import record_branch_fact
from branch_node.operations.chain_answers import NotToldYet
from branch_node.operations.committing import Wanted, WantedEdit
from branch_node.operations.report_room import look_beneath
from hq_server.operations.editing import HqEdit
from hq_server.operations.people import Personnel, Placement
from hq_server.storage.feed import EVERYONE, number_feed
from shared.domain.business_time import parse_local, to_us
from shared.domain.cards import Value
from shared.domain.interactions import Interaction
from shared.domain.permissions import LOCAL_ADMINISTRATOR, Permission
from shared.domain.records import Record, RecordKind
from shared.domain.tasks import due_at, due_on
from shared.errors import InvalidInput
from shared.operations.people import employee_id
from shared.reports import conversion, discipline
from shared.reports.items import Kind
from shared.reports.parameters import ReportAsk
from shared.reports.registry import find_report
from shared.wire.payloads import encode_branch_fact
from tests.support.drilled import listed, require_adds_up
from tests.support.journal import ZONE
from tests.support.journal import sale as make_sale
from tests.support.office import Office
from tests.support.pair import Node, Pair
from tests.support.report_runs import at_branch, at_hq, groupings, named, require_one_truth, summed

NOW = datetime(2026, 11, 23, 19, 0, tzinfo=ZoneInfo(ZONE))
FAR_ZONE = "Asia/Vladivostok"
CHANGING_ZONE = "America/New_York"
"""Its clocks were put back on 2026-11-01."""
PEOPLE = {"anna": "B1", "boris": "B1", "vera": "B2"}


class Job(NamedTuple):
    """A task as people speak of it, in the time of its zone."""

    branch: str
    zone: str
    assignee: str
    due: tuple[date, int | None] | None
    put_off_to: datetime | None
    state: str
    done: datetime | None
    done_by: str


@pytest.fixture
def pair(office: Office, tmp_path: Path) -> Pair:
    made = Pair(office, tmp_path)
    made.join_all = [made.join("B1"), made.join("B2")]  # type: ignore[attr-defined]
    with office.store.write() as connection:
        people = Personnel(connection, office.ids, office.clock.now_us())
        for code, branch in PEOPLE.items():
            people.hire(code, code.title(), Placement("sales_rep", (branch,), None, 0, None))
        people.hire("chief", "Chief", Placement("sales_rep", ("*",), None, 0, None))
    number_feed(office.store, office.clock.now_us())
    return made


def nodes_of(pair: Pair) -> list[Node]:
    found: list[Node] = pair.join_all  # type: ignore[attr-defined]
    for node in found:
        node.sync()
    return found


def person(pair: Pair, code: str) -> bytes:
    return employee_id(pair.office.chain.chain_id, code)


def commit_edit(node: Node, edit: WantedEdit) -> None:
    node.line().commit(lambda _: Wanted(edits=(edit,)))


# Discipline.


def random_job(chance: random.Random) -> Job:
    assignee = chance.choice(list(PEOPLE))
    colleagues = [code for code, branch in PEOPLE.items() if branch == PEOPLE[assignee]]
    zone = chance.choice([ZONE, FAR_ZONE, CHANGING_ZONE])
    day = NOW.date() + timedelta(days=chance.randrange(-30, 5))
    due = None if chance.random() < 0.15 else (day, chance.choice([None, 600, 1_430]))
    state = chance.choice(["open", "waiting", "done", "done", "done", "cancelled"])
    hours = chance.choice([-1, 0, 9, 22, 23, 24, 40])
    done = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)) + timedelta(
        hours=hours, minutes=chance.choice([0, 20])
    )
    put_off = NOW + timedelta(hours=chance.choice([-3, 5])) if chance.random() < 0.2 else None
    is_done = state == "done"
    return Job(
        PEOPLE[assignee],
        zone,
        assignee,
        due,
        put_off,
        state,
        done if is_done else None,
        chance.choice(colleagues) if is_done else "",
    )


def give(pair: Pair, jobs: Sequence[Job]) -> None:
    office = pair.office
    ids = {node.code: node.branch_id for node in nodes_of(pair)}
    with office.store.write() as connection:
        edit = HqEdit(connection, office.ids, office.clock.now_us())
        prepared, audiences = [], {}
        for job in jobs:
            due = None
            if job.due is not None:
                day, minute = job.due
                due = due_on(day, job.zone) if minute is None else due_at(day, minute, job.zone)
            fields: dict[str, Value] = {
                "title": "Call back",
                "branch_id": ids[job.branch],
                "zone": job.zone,
                "assignee_id": person(pair, job.assignee),
                "state": job.state,
                "due_at": due.at_us if due else None,
                "due_has_time": bool(due and due.has_time),
                "snoozed_until": to_us(job.put_off_to) if job.put_off_to else None,
                "done_at": to_us(job.done) if job.done else None,
                "done_by": person(pair, job.done_by) if job.done_by else None,
            }
            task_id = office.ids.new_id()
            made = edit.prepare(RecordKind.TASK, task_id, fields)
            assert made is not None
            prepared.append(made)
            audiences[task_id] = EVERYONE
        edit.apply(prepared, audiences)
    number_feed(office.store, office.clock.now_us())
    nodes_of(pair)


def by_hand(jobs: Sequence[Job], by: Sequence[str]) -> dict[tuple[Any, ...], tuple[int, ...]]:
    sums: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0] * 5)
    for job in jobs:
        due = local_due(job)
        if job.state == "done":
            assert job.done is not None
            day = job.due[0] if job.due else job.done.date()
            on_time = None if due is None else job.done <= due
            adds = [1, int(on_time is True), int(on_time is False), 0, 0]
        else:
            asks = max((each for each in (due, job.put_off_to) if each is not None), default=None)
            if job.state == "cancelled" or asks is None or asks >= NOW:
                continue
            day = job.due[0] if job.due else asks.astimezone(ZoneInfo(job.zone)).date()
            adds = [0, 0, 0, 1, 0]
        values = {"branch": job.branch, "employee": job.done_by or job.assignee, "business_date": day.isoformat()}
        group = sums[tuple({**values, "month": day.isoformat()[:7]}[name] for name in by)]
        group[:] = [one + other for one, other in zip(group, adds, strict=True)]
    return {key: tuple(group) for key, group in sums.items()}


def local_due(job: Job) -> datetime | None:
    """The last moment that is in time; of a day alone, the last of that day."""
    if job.due is None:
        return None
    day, minute = job.due
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(job.zone))
    return midnight + (timedelta(days=1, microseconds=-1) if minute is None else timedelta(minutes=minute))


@pytest.mark.parametrize("seed", [1, 2])
def test_discipline_is_what_a_pencil_makes_of_the_tasks(pair: Pair, seed: int) -> None:
    chance = random.Random(seed)
    jobs = [random_job(chance) for _ in range(80)]
    pair.office.clock.set(to_us(NOW))
    give(pair, jobs)
    pair.office.clock.set(to_us(NOW))
    for by in groupings(discipline.NAME):
        expected = {key: row for key, row in by_hand(jobs, by).items() if any(row)}
        assert {
            key: row for key, row in summed(at_hq(pair.office, discipline.NAME, *by)).items() if any(row)
        } == expected, by
    for node in nodes_of(pair):
        pair.office.clock.set(to_us(NOW))
        require_one_truth(pair.office, node, discipline.NAME)
    for by in (("branch", "employee"), ("business_date",), ("employee", "month"), ()):
        assert require_adds_up(pair.office, discipline.NAME, ReportAsk(by)) > 0
    require_adds_up(pair.office, discipline.NAME, ReportAsk(("branch",), "2026-11-10", "2026-11-20", team="anna"))
    kept = [job for job in jobs if job.branch == "B1"]
    first, last = "2026-11-10", "2026-11-20"
    told = at_hq(pair.office, discipline.NAME, "business_date", date_from=first, date_to=last, branches=("B1",))
    expected = {key: row for key, row in by_hand(kept, ("business_date",)).items() if first <= key[0] <= last}
    assert summed(told) == expected
    totals = named(told)
    share = totals["on_time"] * 10_000 / (totals["on_time"] + totals["late"] + totals["overdue"])
    assert abs(totals["on_time_percent"] - share) <= 0.5


def test_clients_without_a_next_step_stand_where_their_owner_works(pair: Pair) -> None:
    one, other = nodes_of(pair)
    made: list[tuple[Node, dict[str, Value]]] = [
        (one, {"owner_id": person(pair, "anna")}),
        (one, {"owner_id": person(pair, "anna"), "no_next_step": "moved away"}),
        (one, {"owner_id": person(pair, "boris")}),
        (one, {"owner_id": person(pair, "boris"), "archived": True}),
        (one, {"owner_id": person(pair, "chief")}),
        (one, {}),
        (other, {"owner_id": person(pair, "vera")}),
    ]
    cards = []
    for node, fields in made:
        cards.append(pair.office.ids.new_id())
        commit_edit(node, WantedEdit(RecordKind.CLIENT, cards[-1], {"name": "Client", **fields}))
    step: dict[str, Value] = {"client_id": cards[2], "branch_id": one.branch_id, "state": "open", "title": "Call"}
    commit_edit(one, WantedEdit(RecordKind.TASK, pair.office.ids.new_id(), step))
    nodes_of(pair)
    told = at_hq(pair.office, discipline.NAME, "branch", "employee")
    assert {key: row[4] for key, row in summed(told).items()} == {
        ("B1", "anna"): 1,
        ("B2", "vera"): 1,
        (None, "chief"): 1,
    }
    assert require_adds_up(pair.office, discipline.NAME, ReportAsk(("branch", "employee"))) == 3
    # Whoever may see no client sees no way to one.
    report = find_report(discipline.NAME)
    found = listed(pair.office, report, ReportAsk(filters=("employee=anna",))).rows
    assert [(each.kind, each.of_id) for each in found] == [(Kind.NO_STEP, cards[0])]
    sightless = replace(LOCAL_ADMINISTRATOR, permissions=frozenset({Permission.REPORT_CHAIN, Permission.REPORT_BRANCH}))
    assert listed(pair.office, report, ReportAsk(), actor=sightless).rows[0].of_id is None
    with one.store.read() as connection:
        now_us = one.clock.now_us()
        (seen,) = look_beneath(connection, LOCAL_ADMINISTRATOR, report, ReportAsk(), 1, now_us).found.rows
        (hidden,) = look_beneath(connection, sightless, report, ReportAsk(), 1, now_us).found.rows
    assert (seen.of_id, hidden.of_id) == (cards[0], None)
    for node in (one, other):
        require_one_truth(pair.office, node, discipline.NAME)
    assert named(at_hq(pair.office, discipline.NAME, date_to="2026-11-22"))["no_step"] == 0


def test_nobody_knows_what_tasks_were(pair: Pair) -> None:
    with pytest.raises(InvalidInput, match="Of tasks only"):
        at_hq(pair.office, discipline.NAME, as_of="2026-11-20T00:00:00")


# Conversion.


class Called(NamedTuple):
    """An outgoing call in which a client was spoken with."""

    branch: str
    employee: str
    client: int
    at: datetime


def record_conversions(
    office: Office, chance: random.Random
) -> tuple[list[Called], list[tuple[int, datetime]], dict[int, int]]:
    """Calls and purchases of ten cards at two branches; who was merged into whom."""
    merged = {8: 2, 9: 8}
    with office.store.write() as connection:
        edit = HqEdit(connection, office.ids, office.clock.now_us())
        prepared = []
        for number in range(10):
            fields: dict[str, Value] = {"external_id": f"9{number}", "name": f"Client {number}"}
            if number in merged:
                fields["merged_into"] = card_of(merged[number])
            prepared.append(edit.prepare(RecordKind.CLIENT, card_of(number), fields))
        edit.apply([each for each in prepared if each is not None], {card_of(number): EVERYONE for number in range(10)})
    calls: list[Called] = []
    bought: list[tuple[int, datetime]] = []
    begin = datetime(2026, 10, 20, 9, 0, tzinfo=ZoneInfo(ZONE))
    for code in ("B1", "B2"):
        journal = office.journal(code)
        for number in range(1, 41):
            at = begin + timedelta(hours=chance.randrange(34 * 24))
            client, text = chance.randrange(10), at.replace(tzinfo=None).isoformat()
            if chance.random() < 0.5:
                by_card = chance.random() < 0.6
                fact = make_sale(number, sold_at=text, client=None if by_card else f"9{client}")
                journal.add_sale(fact._replace(client_id=card_of(client) if by_card else None))
                bought.append((client, at))
                continue
            is_reached, direction = chance.random() < 0.8, chance.choice(["out", "out", "in"])
            employee = chance.choice(["anna", "boris"])
            call = Interaction(
                card_of(client), "call", direction, employee, parse_local(text, ZONE, "at"), reached=is_reached
            )
            journal.add([Record(RecordKind.INTERACTION, office.ids.new_id(), encode_branch_fact(call))])
            if is_reached and direction == "out":
                calls.append(Called(code, employee, client, at))
        office.merge(journal, journal.batch())
    return calls, bought, merged


def card_of(number: int) -> bytes:
    return b"client %09d" % number


def conversion_by_hand(
    calls: Sequence[Called],
    bought: Sequence[tuple[int, datetime]],
    merged: dict[int, int],
    by: Sequence[str],
    days: int,
) -> dict[tuple[Any, ...], tuple[int, int]]:
    def survivor(client: int) -> int:
        return survivor(merged[client]) if client in merged else client

    reached: dict[tuple[Any, ...], set[int]] = defaultdict(set)
    buying: dict[tuple[Any, ...], set[int]] = defaultdict(set)
    for call in calls:
        values = {**call._asdict(), "month": call.at.strftime("%Y-%m")}
        key = tuple(values[name] for name in by)
        reached[key].add(survivor(call.client))
        if any(
            survivor(client) == survivor(call.client) and timedelta() < at - call.at <= timedelta(days=days)
            for client, at in bought
        ):
            buying[key].add(survivor(call.client))
    return {key: (len(clients), len(buying[key])) for key, clients in reached.items()}


@pytest.mark.parametrize("seed", [1, 2])
def test_the_conversion_is_what_a_pencil_makes_of_calls_and_sales(office: Office, seed: int) -> None:
    calls, bought, merged = record_conversions(office, random.Random(seed))
    for days in (1, 14):
        for by in groupings(conversion.NAME, 3):
            told = at_hq(office, conversion.NAME, *by, options=(f"days={days}",))
            assert summed(told) == conversion_by_hand(calls, bought, merged, by, days), (by, days)
            require_adds_up(office, conversion.NAME, ReportAsk(by, options=(f"days={days}",)))
            assert tuple(told.totals[:2]) == conversion_by_hand(calls, bought, merged, (), days)[()]
    own = [call for call in calls if call.employee == "anna" and call.branch == "B2" and call.at.month == 11]
    told = at_hq(office, conversion.NAME, filters=("employee=anna", "branch=B2"), date_from="2026-11-01")
    assert summed(told) == conversion_by_hand(own, bought, merged, (), 14)


def test_more_days_never_convert_less(office: Office) -> None:
    record_conversions(office, random.Random(5))
    told = [named(at_hq(office, conversion.NAME, options=(f"days={days}",))) for days in (1, 3, 7, 14, 365)]
    assert all(one["buying_clients"] <= other["buying_clients"] for one, other in pairwise(told))
    assert all(each["buying_clients"] <= each["reached_clients"] for each in told)


def test_a_branch_knows_no_conversion_and_days_have_bounds(pair: Pair) -> None:
    with pytest.raises(NotToldYet):
        at_branch(nodes_of(pair)[0], conversion.NAME)
    for days in ("0", "366", "two"):
        with pytest.raises(InvalidInput):
            at_hq(pair.office, conversion.NAME, options=(f"days={days}",))


def test_a_call_that_was_taken_back_reached_nobody(pair: Pair) -> None:
    (node, _) = nodes_of(pair)
    at = parse_local("2026-11-20T12:00:00", ZONE, "at")
    call = Interaction(b"c" * 16, "call", "out", "anna", at, reached=True)
    with node.store.operation() as transaction:
        first = record_branch_fact(transaction, call)
        record_branch_fact(
            transaction, Interaction(b"c" * 16, "call", "out", "anna", at, corrects_id=first, withdrawn=True)
        )
    node.sync()
    assert named(at_hq(pair.office, conversion.NAME))["reached_clients"] == 0
