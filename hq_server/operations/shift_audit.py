"""Every Z-report against HQ's own sums over the same receipts, and against the signature of its branch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from cryptography import x509
from sqlalchemy import ColumnElement, Connection, Select, Table, func, select

from hq_server.storage.tables import enrolment_token
from shared.certificates import UNREADABLE, is_signed_by
from shared.domain.branch_facts import CASH_IN
from shared.domain.permissions import LOCAL_ADMINISTRATOR, Actor, Permission, require
from shared.domain.sales import CASH
from shared.domain.shifts import MethodTotal, ShiftClose, z_statement
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

SIGNED, UNSIGNED, FORGED = "signed", "unsigned", "forged"
MISSING_OPENING = "missing opening"
SHIFTS_PER_QUERY_MAX = 500
SHIFTS_MAX = 100_000

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


class ShiftAudit(NamedTuple):
    """One Z-report, and where it differs from HQ's receipts; nowhere when equal."""

    branch_id: bytes
    report: ShiftClose
    signature: str
    differing: tuple[Difference, ...]

    @property
    def differences(self) -> tuple[str, ...]:
        """In sentences: what the report claims and what the receipts make."""
        return tuple(str(each) for each in self.differing)

    @property
    def is_suspicious(self) -> bool:
        """Whether somebody has to look at it."""
        return bool(self.differing) or self.signature == FORGED


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


def audit_shifts(
    connection: Connection,
    branch_ids: list[bytes] | None,
    date_from: date | None,
    date_to: date | None,
    actor: Actor = LOCAL_ADMINISTRATOR,
) -> list[ShiftAudit]:
    """The Z-reports of a period, oldest first, each held against HQ's own sums; at most SHIFTS_MAX.

    Raises NotPermitted.
    """
    require(actor, Permission.AUDIT_VIEW)
    conditions: list[ColumnElement[bool]] = []
    if branch_ids is not None:
        conditions.append(shift_close.c.branch_id.in_(branch_ids))
    if date_from is not None:
        conditions.append(shift_close.c.business_date >= date_from)
    if date_to is not None:
        conditions.append(shift_close.c.business_date <= date_to)
    order = (shift_close.c.business_date, shift_close.c.branch_id, shift_close.c.register, shift_close.c.closed_at)
    rows = connection.execute(select(shift_close).where(*conditions).order_by(*order).limit(SHIFTS_MAX)).all()
    certificates = branch_certificates(connection)
    audits: list[ShiftAudit] = []
    for start in range(0, len(rows), SHIFTS_PER_QUERY_MAX):
        audits += _audit(connection, rows[start : start + SHIFTS_PER_QUERY_MAX], certificates)
    return audits


def _audit(connection: Connection, rows: Any, certificates: Mapping[bytes, list[x509.Certificate]]) -> list[ShiftAudit]:
    shift_ids = [row.shift_id for row in rows]
    by_method = _methods(connection, [row.id for row in rows])
    reports = [(row.branch_id, report_of_row(row, by_method.get((row.branch_id, row.id), []))) for row in rows]
    sums = _sums_of(connection, reports)
    cash = _moved(connection, shift_ids)
    floats = _floats(connection, shift_ids)
    audits = []
    for branch_id, report in reports:
        key = (branch_id, report.shift_id)
        differences = _compare(report, sums.get(key, _Sums()), cash.get(key, {}), floats.get(key))
        signature = _signature(branch_id, report, certificates.get(branch_id, []))
        audits.append(ShiftAudit(branch_id, report, signature, tuple(differences)))
    return audits


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


def _sums_of(connection: Connection, reports: list[tuple[bytes, ShiftClose]]) -> dict[ShiftKey, _Sums]:
    """Sums by Z-report. Those that name undecided or late receipts are few, and are summed one by one."""
    plain = [report.shift_id for _, report in reports if not report.undecided and not report.late]
    sums = _read_sums(connection, lambda table: table.c.shift_id.in_(plain)) if plain else {}
    for branch_id, report in reports:
        if report.undecided or report.late:
            parts = _read_sums(connection, _receipts_of(branch_id, report))
            sums[branch_id, report.shift_id] = _total(parts.values())
    return sums


def _receipts_of(branch_id: bytes, report: ShiftClose) -> Callable[[Table], ColumnElement[bool]]:
    """Which receipts a Z-report is about: those of its shift but the undecided ones, and the late ones it names."""

    def matches(table: Table) -> ColumnElement[bool]:
        number = table.c.receipt_number
        own = (table.c.shift_id == report.shift_id) & number.not_in(report.undecided)
        late = (table.c.register == report.register) & number.in_(report.late)
        return (table.c.branch_id == branch_id) & (own | late)

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


def _moved(connection: Connection, shift_ids: list[bytes]) -> dict[ShiftKey, dict[str, int]]:
    keys = (cash_movement.c.branch_id, cash_movement.c.shift_id, cash_movement.c.direction)
    statement = select(*keys, func.sum(cash_movement.c.amount_minor)).where(cash_movement.c.shift_id.in_(shift_ids))
    moved: dict[ShiftKey, dict[str, int]] = defaultdict(dict)
    for branch_id, shift_id, direction, amount in connection.execute(statement.group_by(*keys)):
        moved[branch_id, shift_id][direction] = int(amount)
    return moved


def _floats(connection: Connection, shift_ids: list[bytes]) -> dict[ShiftKey, int]:
    statement = select(shift_open.c.branch_id, shift_open.c.id, shift_open.c.float_minor)
    rows = connection.execute(statement.where(shift_open.c.id.in_(shift_ids)))
    return {(branch_id, shift_id): float_minor for branch_id, shift_id, float_minor in rows}


def _methods(connection: Connection, close_ids: list[bytes]) -> dict[ShiftKey, list[MethodTotal]]:
    columns = shift_close_method.c
    statement = select(columns.branch_id, columns.close_id, columns.method, columns.amount_minor)
    methods: dict[ShiftKey, list[MethodTotal]] = defaultdict(list)
    for branch_id, close_id, method, amount in connection.execute(statement.where(columns.close_id.in_(close_ids))):
        methods[branch_id, close_id].append(MethodTotal(method, amount))
    return methods


def branch_certificates(connection: Connection) -> dict[bytes, list[x509.Certificate]]:
    """Every certificate that a branch was ever given: an old Z-report was signed with the key of its day."""
    statement = select(enrolment_token.c.branch_id, enrolment_token.c.certificate)
    found: dict[bytes, list[x509.Certificate]] = defaultdict(list)
    for branch_id, der in connection.execute(statement.where(enrolment_token.c.certificate.is_not(None))):
        try:
            found[branch_id].append(x509.load_der_x509_certificate(der))
        except UNREADABLE:
            continue
    return found


def _signature(branch_id: bytes, report: ShiftClose, certificates: list[x509.Certificate]) -> str:
    if not report.signature:
        return UNSIGNED
    statement = z_statement(branch_id, report)
    return SIGNED if any(is_signed_by(each, report.signature, statement) for each in certificates) else FORGED
