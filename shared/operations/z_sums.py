"""Z-reports held against the sums over the same receipts, cash movements and openings. Contains no signatures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, func, select

from shared.domain.branch_facts import CASH_IN
from shared.domain.sales import CASH
from shared.domain.shifts import MethodTotal, ShiftClose
from shared.operations.z_reports import report_of_row
from shared.storage.tables import (
    cash_movement,
    payment,
    refund,
    refund_payment,
    sale,
    shift_close,
    shift_close_method,
    shift_open,
)

MISSING_OPENING = "missing opening"

ShiftKey = tuple[bytes, bytes]
"""A branch and one of its shifts."""


class Difference(NamedTuple):
    """A figure of a Z-report that is not what HQ's receipts make; amounts in minor units, `receipts` and `refunds`
    counted. `missing opening` has no figures."""

    name: str
    claimed: int
    computed: int

    def __str__(self) -> str:
        if self.name == MISSING_OPENING:
            return "HQ has no opening of this shift."
        return f"{self.name}: the Z-report says {self.claimed}, the receipts make {self.computed}."


class ComparedReport(NamedTuple):
    """A Z-report, and where it differs from the receipts; nowhere when equal."""

    branch_id: bytes
    report: ShiftClose
    differing: tuple[Difference, ...]


class Wanted(NamedTuple):
    """Which Z-reports are looked at. `known_us` leaves out what HQ took later; without it everything counts."""

    condition: ColumnElement[bool]
    known_us: int | None = None

    def shifts(self, column: Any) -> ColumnElement[bool]:
        """Whether a column holds one of their shifts."""
        return self._among(column, shift_close.c.shift_id)

    def closes(self, column: Any) -> ColumnElement[bool]:
        """Whether a column holds one of their ids."""
        return self._among(column, shift_close.c.id)

    def known(self, table: Table) -> list[ColumnElement[bool]]:
        """What was known then."""
        return [] if self.known_us is None else [table.c.received_at <= self.known_us]

    def _among(self, column: Any, wanted: Any) -> ColumnElement[bool]:
        found: ColumnElement[bool] = column.in_(select(wanted).where(self.condition, *self.known(shift_close)))
        return found


@dataclass(slots=True)
class _Sums:
    receipts: int = 0
    refunds: int = 0
    gross_minor: int = 0
    discounts_minor: int = 0
    net_minor: int = 0
    returns_minor: int = 0
    rounding_minor: int = 0
    change_minor: int = 0
    methods: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def compare_reports(connection: Connection, rows: Sequence[Any], wanted: Wanted) -> list[ComparedReport]:
    """These rows of `shift_close`, which are those that are wanted, each with its differences, in their order."""
    by_method = _methods(connection, wanted)
    reports = [(row.branch_id, report_of_row(row, by_method.get((row.branch_id, row.id), []))) for row in rows]
    sums = _sums_of(connection, reports, wanted)
    cash = _moved(connection, wanted)
    floats = _floats(connection, wanted)
    compared = []
    for (branch_id, report), made in zip(reports, sums, strict=True):
        key = (branch_id, report.shift_id)
        differing = _compare(report, made, cash.get(key, {}), floats.get(key))
        compared.append(ComparedReport(branch_id, report, tuple(differing)))
    return compared


def _compare(report: ShiftClose, sums: _Sums, cash: Mapping[str, int], float_minor: int | None) -> list[Difference]:
    if float_minor is None:
        return [Difference(MISSING_OPENING, 0, 0)]
    taken = dict(sums.methods)
    if sums.change_minor:
        taken[CASH] = taken.get(CASH, 0) - sums.change_minor
    cash_in = cash.get(CASH_IN, 0)
    cash_out = sum(amount for direction, amount in cash.items() if direction != CASH_IN)
    computed = {
        "receipts": sums.receipts,
        "refunds": sums.refunds,
        "gross": sums.gross_minor,
        "discounts": sums.discounts_minor,
        "net": sums.net_minor,
        "returns": sums.returns_minor,
        "rounding": sums.rounding_minor,
        "float": float_minor,
        "cash in": cash_in,
        "cash out": cash_out,
        "expected cash": float_minor + taken.get(CASH, 0) + cash_in - cash_out,
        **{f"paid by {method}": amount for method, amount in taken.items()},
    }
    claimed = {
        "receipts": report.receipts,
        "refunds": report.refunds,
        "gross": report.gross_minor,
        "discounts": report.discounts_minor,
        "net": report.net_minor,
        "returns": report.returns_minor,
        "rounding": report.rounding_minor,
        "float": report.float_minor,
        "cash in": report.cash_in_minor,
        "cash out": report.cash_out_minor,
        "expected cash": report.expected_cash_minor,
        **{f"paid by {total.method}": total.amount_minor for total in report.methods},
    }
    return [
        Difference(name, claimed.get(name, 0), computed.get(name, 0))
        for name in {**claimed, **computed}
        if claimed.get(name, 0) != computed.get(name, 0)
    ]


def _sums_of(connection: Connection, reports: Sequence[tuple[bytes, ShiftClose]], wanted: Wanted) -> list[_Sums]:
    """Sums of each Z-report. Those that name undecided or late receipts are few, and are summed one by one."""
    # The branches lead to their receipts; shifts have no index.
    owners = list({branch_id for branch_id, _ in reports})

    def matches(table: Table) -> ColumnElement[bool]:
        return and_(table.c.branch_id.in_(owners), wanted.shifts(table.c.shift_id), *wanted.known(table))

    by_shift = _read_sums(connection, matches)
    return [
        _total(_read_sums(connection, _receipts_of(branch_id, report, wanted)).values())
        if report.undecided or report.late
        else by_shift.get((branch_id, report.shift_id)) or _Sums()
        for branch_id, report in reports
    ]


def _receipts_of(branch_id: bytes, report: ShiftClose, wanted: Wanted) -> Callable[[Table], ColumnElement[bool]]:
    """Which receipts a Z-report is about: those of its shift but the undecided ones, and the late ones it names."""

    def matches(table: Table) -> ColumnElement[bool]:
        number = table.c.receipt_number
        own = (table.c.shift_id == report.shift_id) & number.not_in(report.undecided)
        late = (table.c.register == report.register) & number.in_(report.late)
        return and_(table.c.branch_id == branch_id, own | late, *wanted.known(table))

    return matches


def _read_sums(connection: Connection, matches: Callable[[Table], ColumnElement[bool]]) -> dict[ShiftKey, _Sums]:
    found: dict[ShiftKey, _Sums] = defaultdict(_Sums)
    for row in connection.execute(
        _grouped(sale, matches, "gross_minor", "discounts_minor", "net_minor", "change_minor")
    ):
        sums = found[row[0], row[1]]
        sums.receipts, sums.rounding_minor = row[2], int(row[3])
        sums.gross_minor, sums.discounts_minor, sums.net_minor, sums.change_minor = map(int, row[4:])
    for row in connection.execute(_grouped(refund, matches, "returns_minor")):
        sums = found[row[0], row[1]]
        sums.refunds, sums.returns_minor = row[2], int(row[4])
        sums.rounding_minor -= int(row[3])
    for heads, payments, record, sign in ((sale, payment, "sale_id", 1), (refund, refund_payment, "refund_id", -1)):
        joined = heads.join(payments, (payments.c.branch_id == heads.c.branch_id) & (payments.c[record] == heads.c.id))
        keys = (heads.c.branch_id, heads.c.shift_id, payments.c.method)
        statement = select(*keys, func.sum(payments.c.amount_minor)).select_from(joined).where(matches(heads))
        for branch_id, shift_id, method, amount in connection.execute(statement.group_by(*keys)):
            found[branch_id, shift_id].methods[method] += sign * int(amount)
    return found


def _grouped(table: Table, matches: Callable[[Table], ColumnElement[bool]], *amounts: str) -> Select[Any]:
    keys = (table.c.branch_id, table.c.shift_id)
    sums = [func.sum(table.c[name]) for name in ("rounding_minor", *amounts)]
    return select(*keys, func.count(), *sums).where(matches(table)).group_by(*keys)


def _total(parts: Iterable[_Sums]) -> _Sums:
    total = _Sums()
    for part in parts:
        for name in _Sums.__slots__:
            if name != "methods":
                setattr(total, name, getattr(total, name) + getattr(part, name))
        for method, amount in part.methods.items():
            total.methods[method] += amount
    return total


def _moved(connection: Connection, wanted: Wanted) -> dict[ShiftKey, dict[str, int]]:
    keys = (cash_movement.c.branch_id, cash_movement.c.shift_id, cash_movement.c.direction)
    statement = select(*keys, func.sum(cash_movement.c.amount_minor)).where(
        wanted.shifts(cash_movement.c.shift_id), *wanted.known(cash_movement)
    )
    moved: dict[ShiftKey, dict[str, int]] = defaultdict(dict)
    for branch_id, shift_id, direction, amount in connection.execute(statement.group_by(*keys)):
        moved[branch_id, shift_id][direction] = int(amount)
    return moved


def _floats(connection: Connection, wanted: Wanted) -> dict[ShiftKey, int]:
    statement = select(shift_open.c.branch_id, shift_open.c.id, shift_open.c.float_minor)
    rows = connection.execute(statement.where(wanted.shifts(shift_open.c.id), *wanted.known(shift_open)))
    return {(branch_id, shift_id): float_minor for branch_id, shift_id, float_minor in rows}


def _methods(connection: Connection, wanted: Wanted) -> dict[ShiftKey, list[MethodTotal]]:
    columns = shift_close_method.c
    statement = select(columns.branch_id, columns.close_id, columns.method, columns.amount_minor)
    methods: dict[ShiftKey, list[MethodTotal]] = defaultdict(list)
    for branch_id, close_id, method, amount in connection.execute(statement.where(wanted.closes(columns.close_id))):
        methods[branch_id, close_id].append(MethodTotal(method, amount))
    return methods
