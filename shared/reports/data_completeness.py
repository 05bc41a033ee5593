"""The report `completeness`: whether the receipts that the registers numbered have all arrived, and once, and whether
the Z-reports say what the receipts make.

Definitions:

    last            the last receipt number of a register, as its receipts and Z-reports have it; over several registers
                    their sum
    received        distinct numbers that have arrived: of sales, of returns, and those that nothing was sold under
    missing         last − received
    twice           receipts that bear a number that another receipt of the register bears
    z_reports       Z-reports
    z_differing     Z-reports of which a figure is not what the receipts, cash movements and openings make
    received_share  received ÷ last; below 100 % as long as one is missing

Sales, returns and voided numbers of a register share one sequence from 1 without gaps, also after the branch's store
was replaced. Numbers are looked at over all time, whatever the period; Z-reports within it, when there is one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from sqlalchemy import Subquery, Table, and_, func, select, true, union_all

from shared.domain.identifiers import NIL_ID
from shared.domain.sales import format_receipt
from shared.operations.z_judging import judge_reports
from shared.operations.z_sums import ComparedReport, Wanted, compare_reports
from shared.reports.fact_sums import BRANCH, REGISTER, Condition, answer_of
from shared.reports.ground import Answer, Ground
from shared.reports.items import Asked, Beneath, Item, Kind, page_of
from shared.reports.parameters import ReportParameters
from shared.reports.report import Derived, Report, Scope, Sums
from shared.reports.result import Column
from shared.storage.tables import receipt_void, refund, sale, shift_close

NAME = "completeness"
WHOLE_BASIS_POINTS = 10_000

DIMENSIONS: dict[str, Column] = {each.name: each for each in (BRANCH, REGISTER)}

MEASURES: tuple[Column, ...] = (
    Column("last", "integer", "Last receipt number"),
    Column("received", "integer", "Numbers received"),
    Column("missing", "integer", "Missing"),
    Column("twice", "integer", "Seen twice"),
    Column("z_reports", "integer", "Z-reports"),
    Column("z_differing", "integer", "Z-reports that differ"),
)

DEFINITIONS: dict[str, str] = {
    "last": "the last receipt number of a register; of several registers the sum",
    "received": "distinct numbers that have arrived: of sales, of returns, and numbers that nothing was sold under",
    "missing": "last receipt number − numbers received",
    "twice": "receipts with a number that another receipt of the register has",
    "z_reports": "Z-reports",
    "z_differing": "Z-reports with a figure that is not what the receipts, cash movements and openings make",
}


def _received_share(sums: Sums) -> int | None:
    """Rounded down: 100 % is said of nothing else."""
    last: int = sums["last"]
    return int(sums["received"]) * WHOLE_BASIS_POINTS // last if last else None


DERIVED = (
    Derived(
        Column("received_percent", "percent", "Received, %"),
        "numbers received ÷ last receipt number, rounded down",
        _received_share,
    ),
)

_Register = tuple[bytes, str]
"""A branch and the code of one of its registers."""


def run_completeness(ground: Ground, parameters: ReportParameters) -> Answer:
    """Rows and totals, by the registers that have numbers or Z-reports. Raises StoreCorrupt."""
    found: dict[_Register, list[int]] = {}
    for branch_id, register, count, distinct, last in ground.connection.execute(_numbers(ground, parameters)):
        found[branch_id, register] = [int(last), distinct, 0, int(count) - distinct, 0, 0]
    claimed, reports, differing = _z_reports(ground, parameters)
    for register, last in claimed.items():
        sums = found.setdefault(register, [0] * len(MEASURES))
        sums[0] = max(sums[0], last)
        sums[4:] = reports[register], differing[register]
    groups: dict[tuple[Any, ...], list[int]] = {}
    for (branch_id, register), sums in found.items():
        sums[2] = sums[0] - sums[1]
        shown = {"branch": ground.branch_codes[branch_id], "register": register}
        group = groups.setdefault(tuple(shown[name] for name in parameters.by), [0] * len(MEASURES))
        group[:] = map(sum, zip(group, sums, strict=True))
    return answer_of(groups, parameters.by, len(MEASURES))


LISTED = ("missing", "twice", "z_reports", "z_differing")
"""What the list adds up to."""


def list_numbers(ground: Ground, asked: Asked) -> Beneath:
    """The numbers that are missing, those seen twice, and the Z-reports."""
    parameters = asked.parameters
    compared = _compared(ground, parameters)
    claimed: dict[_Register, int] = defaultdict(int)
    for branch_id, report, _ in compared:
        claimed[branch_id, report.register] = max(claimed[branch_id, report.register], report.last_receipt)
    seen: dict[_Register, int] = defaultdict(int)
    items = []
    each = _counted(ground, parameters)
    for branch_id, register, number, count in ground.connection.execute(
        select(*each.c).order_by(each.c.branch_id, each.c.register, each.c.receipt_number)
    ):
        items += _gap(ground, (branch_id, register), seen[branch_id, register] + 1, number - 1)
        seen[branch_id, register] = number
        if count > 1:
            items.append(_item(ground, Kind.TWICE, (branch_id, register), number, (0, int(count) - 1, 0, 0)))
    for key, last in claimed.items():
        items += _gap(ground, key, seen[key] + 1, last)
    for branch_id, report, differing in compared:
        register, item = _item(
            ground, Kind.Z_REPORT, (branch_id, report.register), report.last_receipt, (0, 0, 1, int(bool(differing)))
        )
        shift_id, at_us = report.shift_id, report.closed_at.at_us
        known = item._replace(at_us=at_us, who=report.cashier, of_id=shift_id, record_id=shift_id)
        items.append((register, known))
    codes, registers = parameters.filter_of("branch"), parameters.filter_of("register")
    kept = [
        item
        for register, item in items
        if (not codes or item.branch in codes) and (not registers or register in registers)
    ]
    return page_of(asked, kept, len(LISTED))


def _gap(ground: Ground, key: _Register, first: int, last: int) -> list[tuple[str, Item]]:
    """The numbers from one to another, which are missing, if there are any."""
    if first > last:
        return []
    register, item = _item(ground, Kind.MISSING, key, first, (last - first + 1, 0, 0, 0))
    return [
        (register, item if first == last else item._replace(name=f"{item.name} … {format_receipt(register, last)}"))
    ]


def _item(ground: Ground, kind: Kind, key: _Register, number: int, sums: tuple[int, ...]) -> tuple[str, Item]:
    """What is shown of a register's number, after the register's code."""
    branch_id, register = key
    name = format_receipt(register, number)
    return register, Item(kind, ground.branch_codes[branch_id], NIL_ID, None, name, "", None, sums)


def _numbers(ground: Ground, parameters: ReportParameters) -> Any:
    """By register: how many receipts there are, how many distinct numbers, and the last one."""
    each = _counted(ground, parameters)
    return select(
        each.c.branch_id, each.c.register, func.sum(each.c["count"]), func.count(), func.max(each.c.receipt_number)
    ).group_by(each.c.branch_id, each.c.register)


def _counted(ground: Ground, parameters: ReportParameters) -> Subquery:
    """By register and number: how many receipts there are."""
    every = union_all(*(_numbered(ground, parameters, table) for table in (sale, refund, receipt_void))).subquery()
    keys = (every.c.branch_id, every.c.register)
    return (
        select(*keys, every.c.receipt_number, func.count().label("count"))
        .group_by(*keys, every.c.receipt_number)
        .subquery()
    )


def _numbered(ground: Ground, parameters: ReportParameters, table: Table) -> Any:
    statement = select(table.c.branch_id, table.c.register, table.c.receipt_number)
    return statement.where(*_known(ground, parameters, table))


def _known(ground: Ground, parameters: ReportParameters, table: Table) -> list[Condition]:
    known: list[Condition] = [table.c.branch_id.in_(list(ground.branch_codes))]
    return known if parameters.as_of_us is None else [*known, table.c.received_at <= parameters.as_of_us]


def _z_reports(
    ground: Ground, parameters: ReportParameters
) -> tuple[dict[_Register, int], Counter[_Register], Counter[_Register]]:
    """By register: the last number that a Z-report names, how many Z-reports there are, and how many differ."""
    claimed: dict[_Register, int] = {}
    reports: Counter[_Register] = Counter()
    differing: Counter[_Register] = Counter()
    for judged in judge_reports(ground.connection, list(ground.branch_codes), _wanted(ground, parameters)):
        register = (judged.branch_id, judged.register)
        claimed[register] = max(claimed.get(register, 0), judged.last_receipt)
        reports[register] += judged.reports
        differing[register] += judged.differing
    return claimed, reports, differing


def _compared(ground: Ground, parameters: ReportParameters) -> list[ComparedReport]:
    """The same Z-reports one by one."""
    wanted = _wanted(ground, parameters)
    rows = ground.connection.execute(select(shift_close).where(wanted.condition, *wanted.known(shift_close))).all()
    return compare_reports(ground.connection, rows, wanted)


def _wanted(ground: Ground, parameters: ReportParameters) -> Wanted:
    conditions: list[Condition] = [shift_close.c.branch_id.in_(list(ground.branch_codes))]
    if parameters.date_from:
        conditions.append(shift_close.c.business_date >= parameters.date_from)
    if parameters.date_to:
        conditions.append(shift_close.c.business_date <= parameters.date_to)
    return Wanted(and_(true(), *conditions), parameters.as_of_us)


REPORT = Report(
    name=NAME,
    title="Completeness of data",
    summary="Whether all receipts of every register have arrived, each once, and whether the Z-reports match them.",
    dimensions=DIMENSIONS,
    measures=MEASURES,
    definitions=DEFINITIONS,
    run=run_completeness,
    scope=Scope.CHAIN,
    derived=DERIVED,
    is_additive=True,
    has_period=False,
    first_by=("branch", "register"),
    notes=("Receipt numbers are looked at over all time.",),
)
