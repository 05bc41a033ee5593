"""The reports `work-today` and `calls`: what was done with clients, by employee and hour, with no report to write.

Definitions, alike at every branch and at HQ:

    calls       calls that took place, in or out; of one that was corrected, the correction; none that was withdrawn
    outgoing    those that the employee made
    reached     outgoing calls in which the client was spoken with
    target      calls with an outcome that is marked as a target
    effective   reached calls with such an outcome
    talk        Σ duration of calls, in seconds
    contacts    letters, messages, visits, requests and notes
    tasks       tasks done
    receipts    sales; net: their amounts less what was given back, by who sold and who gave back

It reads the facts themselves. A task done has no fact of its own: its day and hour are those of the branch where it was
due, in its zone of now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, func, literal_column, select

from shared.domain.business_time import MICROSECONDS, SECONDS_PER_DAY, days_from_date, local_moment
from shared.domain.cards import MergeRule
from shared.domain.records import RecordKind
from shared.reports.ground import Answer, Ground
from shared.reports.parameters import ReportParameters
from shared.reports.report import Derived, Sums, share_basis_points
from shared.reports.result import Column
from shared.storage.card_rows import load_states
from shared.storage.cursor_reading import Reader
from shared.storage.dialect_functions import month_of
from shared.storage.standing_interactions import is_newest
from shared.storage.tables import dictionary_term, employee, interaction, refund, sale, task
from shared.sync.card_merge import shown_value
from shared.wire.cards import decode_state

WORK_TODAY, CALLS = "work-today", "calls"

MEASURES: tuple[Column, ...] = (
    Column("calls", "integer"),
    Column("outgoing", "integer"),
    Column("reached", "integer"),
    Column("target", "integer"),
    Column("talk", "integer", "Talk", "s"),
    Column("contacts", "integer", "Other contacts"),
    Column("tasks", "integer", "Tasks done"),
    Column("receipts", "integer"),
    Column("net", "money"),
)
EFFECTIVE = Column("effective", "integer", "Reached with a target outcome")
CALL_MEASURES = (*MEASURES[:5], EFFECTIVE)

DEFINITIONS: dict[str, str] = {
    "calls": "calls that took place; of one that was corrected, the correction; none that was withdrawn",
    "outgoing": "calls that the employee made",
    "reached": "outgoing calls in which the client was spoken with",
    "target": "calls with an outcome that is marked as a target",
    "talk": "Σ duration of calls, in seconds",
    "contacts": "letters, messages, visits, requests and notes",
    "tasks": "tasks done",
    "receipts": "sales",
    "net": "Σ net of sales − Σ given back, by who sold and who gave back",
}
CALL_DEFINITIONS = {
    **{name: DEFINITIONS[name] for name in ("calls", "outgoing", "reached", "target", "talk")},
    "effective": "outgoing calls in which the client was spoken with, with an outcome that is marked as a target",
}


def _reached_percent(sums: Sums) -> int | None:
    return share_basis_points(sums["reached"], sums["outgoing"])


def _effective_percent(sums: Sums) -> int | None:
    return share_basis_points(sums["effective"], sums["reached"])


CALL_DERIVED: tuple[Derived, ...] = (
    Derived(Column("reached_percent", "percent", "Reached, %"), "reached ÷ outgoing", _reached_percent),
    Derived(
        Column("effective_percent", "percent", "Effective, %"),
        "reached with a target outcome ÷ reached",
        _effective_percent,
    ),
)

DIMENSIONS: dict[str, Column] = {
    "branch": Column("branch", "text"),
    "employee": Column("employee", "text"),
    "business_date": Column("business_date", "date"),
    "hour": Column("hour", "integer"),
}
CALL_DIMENSIONS: dict[str, Column] = {
    **DIMENSIONS,
    "month": Column("month", "month"),
    "outcome": Column("outcome", "text"),
}

_OFFSET_US_MAX = SECONDS_PER_DAY * MICROSECONDS
_NO_ZONE = "UTC"

Bounds = frozenset[str]
"""The fields of a `Window` that are bounds and not open."""

Expression = ColumnElement[Any]


@dataclass(slots=True)
class Work:
    """What was done. Seconds and minor units."""

    calls: int = 0
    outgoing: int = 0
    reached: int = 0
    target: int = 0
    talk: int = 0
    contacts: int = 0
    tasks: int = 0
    receipts: int = 0
    net: int = 0

    def add(self, other: Work) -> None:
        for each in fields(Work):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    def as_row(self) -> tuple[int, ...]:
        """In the order of MEASURES."""
        return tuple(getattr(self, column.name) for column in MEASURES)


class WorkKey(NamedTuple):
    """Who did it where and when: an employee's code, the branch's business date and hour."""

    branch_id: bytes
    employee: str
    business_date: date
    hour: int


class Window(NamedTuple):
    """What is looked at: business dates, both included, and moments; None is open."""

    date_from: date | None = None
    date_to: date | None = None
    since_us: int | None = None
    until_us: int | None = None
    as_of_us: int | None = None


def measure_work(reader: Reader, window: Window, branch_ids: Sequence[bytes]) -> dict[WorkKey, Work]:
    """What was done within the window at these branches, by employee, day and hour."""
    found: dict[WorkKey, Work] = {}

    def work(*key: Any) -> Work:
        return found.setdefault(WorkKey(*key), Work())

    bounds, asked = _asked(window, branch_ids)
    for row in reader.execute(_interactions(bounds), asked):
        work(*row[:4]).add(Work(*map(int, row[4:10])))
    for row in reader.execute(_sales(bounds), asked):
        work(*row[:4]).add(Work(receipts=int(row[4]), net=int(row[5])))
    for row in reader.execute(_refunds(bounds), asked):
        work(*row[:4]).add(Work(net=-int(row[4])))
    for key, _card in tasks_done(reader, window, branch_ids):
        found.setdefault(key, Work()).tasks += 1
    return found


def outcomes_of_calls(reader: Reader, window: Window, branch_ids: Sequence[bytes]) -> list[tuple[str | None, int]]:
    """How often calls came out how, by the outcome's code; None where nobody said."""
    bounds, asked = _asked(window, branch_ids)
    return [(found, int(count)) for found, count in reader.execute(_outcomes(bounds), asked)]


# Statements are built once for every set of bounds: to build one takes longer than to read a day's rows.
@cache
def _interactions(bounds: Bounds) -> Select[Any]:
    keys = (interaction.c.branch_id, interaction.c.employee, interaction.c.business_date, interaction.c.hour)
    conditions = (*_within(interaction, interaction.c.at, bounds), is_newest())
    return select(*keys, *call_sums(), _count(interaction.c.channel != "call")).where(*conditions).group_by(*keys)


@cache
def _outcomes(bounds: Bounds) -> Select[Any]:
    code = func.nullif(interaction.c.outcome, literal_column("''"))
    conditions = (*_within(interaction, interaction.c.at, bounds), is_newest(), interaction.c.channel == "call")
    return select(code, func.count()).where(*conditions).group_by(code)


@cache
def call_sums() -> tuple[Expression, ...]:
    """The measures of calls, in the order of MEASURES."""
    is_call = interaction.c.channel == "call"
    made = and_(is_call, interaction.c.direction == "out")
    targets = select(dictionary_term.c.code).where(
        dictionary_term.c.dictionary == "outcome", dictionary_term.c.is_target.is_(True)
    )
    return (
        _count(is_call),
        _count(made),
        _count(and_(made, interaction.c.reached.is_(True))),
        _count(and_(is_call, interaction.c.outcome.in_(targets))),
        func.coalesce(func.sum(case((is_call, interaction.c.duration_seconds), else_=0)), 0),
    )


@cache
def _effective() -> Expression:
    """Calls made that came to what was wanted; `target` has those that came in as well."""
    targets = select(dictionary_term.c.code).where(
        dictionary_term.c.dictionary == "outcome", dictionary_term.c.is_target.is_(True)
    )
    is_reached = and_(interaction.c.direction == "out", interaction.c.reached.is_(True))
    return _count(and_(is_reached, interaction.c.outcome.in_(targets)))


def _count(condition: Expression) -> Expression:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


@cache
def _sales(bounds: Bounds) -> Select[Any]:
    keys = (sale.c.branch_id, sale.c.cashier, sale.c.business_date, sale.c.hour)
    sums = func.count(), func.sum(sale.c.net_minor)
    return select(*keys, *sums).where(*_within(sale, sale.c.sold_at, bounds)).group_by(*keys)


@cache
def _refunds(bounds: Bounds) -> Select[Any]:
    keys = (refund.c.branch_id, refund.c.cashier, refund.c.business_date, refund.c.hour)
    conditions = _within(refund, refund.c.refunded_at, bounds)
    return select(*keys, func.sum(refund.c.returns_minor)).where(*conditions).group_by(*keys)


def _asked(window: Window, branch_ids: Sequence[bytes]) -> tuple[Bounds, dict[str, Any]]:
    """The bounds that the window has, and the parameters of a statement with them."""
    given = {name: bound for name, bound in window._asdict().items() if bound is not None}
    return frozenset(given), {**given, "branch_ids": branch_ids}


def _within(table: Any, moment: Expression, bounds: Bounds) -> list[Expression]:
    compared = {
        "date_from": table.c.business_date.__ge__,
        "date_to": table.c.business_date.__le__,
        "since_us": moment.__ge__,
        "until_us": moment.__le__,
        "as_of_us": table.c.received_at.__le__,
    }
    within = [compare(bindparam(name)) for name, compare in compared.items() if name in bounds]
    return [table.c.branch_id.in_(bindparam("branch_ids", expanding=True)), *within]


def tasks_done(
    reader: Reader, window: Window, branch_ids: Sequence[bytes], with_cards: bool = False
) -> Iterable[tuple[WorkKey, tuple[Any, ...]]]:
    """A row for each task done; with its moment, and its id, client and title where cards are asked for."""
    zones = zones_of(reader, branch_ids)
    since, until = _moments(window)
    bounds, asked = _asked(Window(since_us=since, until_us=until, as_of_us=window.as_of_us), branch_ids)
    for branch_id, code, done_at, *card in reader.execute(_tasks_done(bounds, with_cards), asked):
        moment = local_moment(done_at, zones.get(branch_id, _NO_ZONE))
        day = moment.business_date
        if (window.date_from is None or window.date_from <= day) and (window.date_to is None or day <= window.date_to):
            yield WorkKey(branch_id, code or "", day, moment.hour), (done_at, *card)


@cache
def _tasks_done(bounds: Bounds, with_cards: bool) -> Select[Any]:
    done_at = task.c.done_at
    compared = {"since_us": done_at.__ge__, "until_us": done_at.__le__, "as_of_us": done_at.__le__}
    conditions = [done_at.is_not(None), task.c.state == "done"]
    conditions += [task.c.branch_id.in_(bindparam("branch_ids", expanding=True))]
    conditions += [compare(bindparam(name)) for name, compare in compared.items() if name in bounds]
    card = (task.c.id, task.c.client_id, task.c.title) if with_cards else ()
    found = select(task.c.branch_id, employee.c.code, done_at, *card).join(employee, employee.c.id == task.c.done_by)
    return found.where(*conditions)


def _moments(window: Window) -> tuple[int | None, int | None]:
    """The moments within which every business date of the window lies, wherever it is."""
    since, until = window.since_us, window.until_us
    if window.date_from is not None:
        first = days_from_date(window.date_from) * _OFFSET_US_MAX - _OFFSET_US_MAX
        since = first if since is None else max(since, first)
    if window.date_to is not None:
        last = (days_from_date(window.date_to) + 2) * _OFFSET_US_MAX
        until = last if until is None else min(until, last)
    return since, until


def zones_of(reader: Reader, branch_ids: Sequence[bytes]) -> dict[bytes, str]:
    """The zone of each branch, from its settings."""
    keys = [(int(RecordKind.BRANCH_SETTINGS), branch_id) for branch_id in branch_ids]
    zones = {}
    for (_, branch_id), state in load_states(reader, keys).items():
        known = decode_state(state).fields.get("timezone")
        zone = shown_value(known.live, MergeRule.HQ_WINS) if known else None
        if isinstance(zone, str):
            zones[branch_id] = zone
    return zones


def run_work_today(ground: Ground, parameters: ReportParameters) -> Answer:
    """The rows by the dimensions asked for, sorted by them, and the totals of all."""
    connection, branch_codes = ground.connection, ground.branch_codes
    window = Window(parameters.date_from, parameters.date_to, as_of_us=parameters.as_of_us)
    groups: dict[tuple[Any, ...], Work] = {}
    total = Work()
    for key, work in measure_work(connection, window, list(branch_codes)).items():
        shown = {
            "branch": branch_codes.get(key.branch_id, ""),
            "employee": key.employee,
            "business_date": key.business_date.isoformat(),
            "hour": key.hour,
        }
        groups.setdefault(tuple(shown[name] for name in parameters.by), Work()).add(work)
        total.add(work)
    if not parameters.by:
        return [total.as_row()], total.as_row()
    return [(*key, *groups[key].as_row()) for key in sorted(groups)], total.as_row()


CALL_EXPRESSIONS: dict[str, Expression] = {
    "branch": interaction.c.branch_id,
    "employee": interaction.c.employee,
    "business_date": interaction.c.business_date,
    "hour": interaction.c.hour,
    "month": month_of(interaction.c.business_date),
    "outcome": func.nullif(interaction.c.outcome, literal_column("''")),
}
"""What the dimensions of calls are read from."""


def select_calls(
    keys: Sequence[Expression], window: Window, branch_ids: Sequence[bytes], conditions: Sequence[Expression] = ()
) -> tuple[Select[Any], dict[str, Any]]:
    """The measures of calls by keys, and the statement's parameters."""
    bounds, asked = _asked(window, branch_ids)
    within = (*_within(interaction, interaction.c.at, bounds), interaction.c.channel == "call", is_newest())
    return select(*keys, *call_sums(), _effective()).where(*within, *conditions).group_by(*keys), asked


def run_calls(ground: Ground, parameters: ReportParameters) -> Answer:
    """The same for calls alone, by outcome and month too."""
    connection, branch_codes = ground.connection, ground.branch_codes
    window = Window(parameters.date_from, parameters.date_to, as_of_us=parameters.as_of_us)
    keys = [CALL_EXPRESSIONS[name] for name in parameters.by]
    statement, asked = select_calls(keys, window, list(branch_codes))
    found = connection.execute(statement, asked).all()
    width = len(keys)
    rows = [(*_shown(row[:width], parameters.by, branch_codes), *map(int, row[width:])) for row in found]
    totals = tuple(sum(row[place] for row in rows) for place in range(width, width + len(CALL_MEASURES)))
    if not parameters.by:
        return [totals], totals
    return sorted(rows, key=lambda row: [(value is None, value) for value in row[:width]]), totals


def _shown(keys: Sequence[Any], by: Sequence[str], branch_codes: Mapping[bytes, str]) -> list[Any]:
    shown = []
    for key, name in zip(keys, by, strict=True):
        value = branch_codes.get(key, "") if name == "branch" else key
        shown.append(value.isoformat() if isinstance(value, date) else value)
    return shown
