"""How many Z-reports of each register differ from their receipts: counted by the store, without reading the reports.

What “differs” means is said by shared.operations.z_sums, which names the figures; here is the same as one statement,
for all the reports of a chain at once. Z-reports that name undecided or late receipts are few and judged over there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Subquery,
    Table,
    and_,
    case,
    func,
    literal_column,
    or_,
    select,
    union_all,
)

from shared.domain.branch_facts import CASH_IN
from shared.domain.sales import CASH
from shared.operations.z_sums import Wanted, compare_reports
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

Expression = ColumnElement[Any]


class Judged(NamedTuple):
    """Z-reports of a register: the last receipt number that any of them names, how many there are, how many differ."""

    branch_id: bytes
    register: str
    last_receipt: int
    reports: int
    differing: int


def judge_reports(connection: Connection, branch_ids: Sequence[bytes], wanted: Wanted) -> list[Judged]:
    """Those of the wanted, which are of these branches; a register may come more than once."""
    is_special = or_(shift_close.c.undecided != "", shift_close.c.late != "")
    special = wanted._replace(condition=and_(wanted.condition, is_special))
    rows = connection.execute(select(shift_close).where(special.condition, *wanted.known(shift_close))).all()
    found = [
        Judged(branch_id, report.register, report.last_receipt, 1, int(bool(differing)))
        for branch_id, report, differing in compare_reports(connection, rows, special)
    ]
    plain = wanted._replace(condition=and_(wanted.condition, ~is_special))
    counted = connection.execute(_count(_Made(branch_ids, wanted), plain)).all()
    return [*found, *(Judged(row[0], row[1], int(row[2]), int(row[3]), int(row[4])) for row in counted)]


class _Made:
    """What the records of each shift make, as far as they were known."""

    def __init__(self, branch_ids: Sequence[bytes], wanted: Wanted) -> None:
        self._branch_ids, self._wanted = list(branch_ids), wanted

    def receipts(self, table: Table, *amounts: str) -> Subquery:
        """How many, and sums of columns."""
        sums = [func.sum(table.c[name]).label(name) for name in amounts]
        return self._by_shift(table, func.count().label("receipts"), *sums).subquery()

    def moved(self) -> Subquery:
        """Cash put in and taken out."""
        amount, is_in = cash_movement.c.amount_minor, cash_movement.c.direction == CASH_IN
        cash_in, cash_out = func.sum(case((is_in, amount), else_=0)), func.sum(case((is_in, 0), else_=amount))
        return self._by_shift(cash_movement, cash_in.label("cash_in"), cash_out.label("cash_out")).subquery()

    def paid(self) -> Subquery:
        """By method what was paid, less what was given back and the change; methods that come to nothing left out."""
        method: Expression = literal_column(f"'{CASH}'").label("method")
        parts = union_all(
            self._payments(sale, payment, "sale_id", 1),
            self._payments(refund, refund_payment, "refund_id", -1),
            self._by_shift(sale, method, (-func.sum(sale.c.change_minor)).label("amount")),
        ).subquery()
        keys, amount = (parts.c.branch_id, parts.c.shift_id, parts.c.method), func.sum(parts.c.amount)
        return select(*keys, amount.label("amount")).group_by(*keys).having(amount != 0).subquery()

    def known(self, table: Table) -> list[ColumnElement[bool]]:
        """Records of these branches that were known."""
        return [table.c.branch_id.in_(self._branch_ids), *self._wanted.known(table)]

    def _payments(self, heads: Table, payments: Table, link: str, sign: int) -> Select[Any]:
        joined = heads.join(payments, and_(payments.c.branch_id == heads.c.branch_id, payments.c[link] == heads.c.id))
        keys = (heads.c.branch_id, heads.c.shift_id, payments.c.method)
        amount = (sign * func.sum(payments.c.amount_minor)).label("amount")
        return select(*keys, amount).select_from(joined).where(*self.known(heads)).group_by(*keys)

    def _by_shift(self, table: Table, *measures: Expression) -> Select[Any]:
        keys = (table.c.branch_id, table.c.shift_id)
        return select(*keys, *measures).where(*self.known(table)).group_by(*keys)


def _count(made: _Made, wanted: Wanted) -> Select[Any]:
    close = shift_close.c
    sold = made.receipts(sale, "gross_minor", "discounts_minor", "net_minor", "rounding_minor")
    returned, moved, paid = made.receipts(refund, "returns_minor", "rounding_minor"), made.moved(), made.paid()
    is_cash = paid.c.method == CASH
    methods = (
        select(
            paid.c.branch_id,
            paid.c.shift_id,
            func.count().label("methods"),
            func.sum(case((is_cash, paid.c.amount), else_=0)).label("cash"),
        )
        .group_by(paid.c.branch_id, paid.c.shift_id)
        .subquery()
    )
    claimed = _claimed(made, paid)
    opened = select(shift_open).where(*made.known(shift_open)).subquery()
    cash_in, cash_out = func.coalesce(moved.c.cash_in, 0), func.coalesce(moved.c.cash_out, 0)
    alike = and_(
        opened.c.float_minor.is_not(None),
        close.float_minor == opened.c.float_minor,
        close.receipts == func.coalesce(sold.c.receipts, 0),
        *(close[name] == func.coalesce(sold.c[name], 0) for name in ("gross_minor", "discounts_minor", "net_minor")),
        close.refunds == func.coalesce(returned.c.receipts, 0),
        close.returns_minor == func.coalesce(returned.c.returns_minor, 0),
        close.rounding_minor == func.coalesce(sold.c.rounding_minor, 0) - func.coalesce(returned.c.rounding_minor, 0),
        close.cash_in_minor == cash_in,
        close.cash_out_minor == cash_out,
        close.expected_cash_minor == opened.c.float_minor + func.coalesce(methods.c.cash, 0) + cash_in - cash_out,
        func.coalesce(claimed.c.claimed, 0) == func.coalesce(methods.c.methods, 0),
        func.coalesce(claimed.c.alike, 0) == func.coalesce(methods.c.methods, 0),
    )
    source: Any = shift_close
    for table, key in ((opened, "id"), (sold, "shift_id"), (returned, "shift_id"), (moved, "shift_id"),
                       (methods, "shift_id")):  # fmt: skip
        source = source.outerjoin(table, and_(table.c.branch_id == close.branch_id, table.c[key] == close.shift_id))
    source = source.outerjoin(claimed, and_(claimed.c.branch_id == close.branch_id, claimed.c.close_id == close.id))
    differing = func.sum(case((alike, 0), else_=1))
    measured = select(close.branch_id, close.register, func.max(close.last_receipt), func.count(), differing)
    shown = measured.select_from(source).where(wanted.condition, *made.known(shift_close))
    return shown.group_by(close.branch_id, close.register)


def _claimed(made: _Made, paid: Subquery) -> Subquery:
    """Of each Z-report how many methods it names with an amount, and of how many the payments make the same."""
    named = shift_close_method.c
    of_close = and_(shift_close.c.branch_id == named.branch_id, shift_close.c.id == named.close_id)
    is_same = and_(
        paid.c.branch_id == named.branch_id,
        paid.c.shift_id == shift_close.c.shift_id,
        paid.c.method == named.method,
        paid.c.amount == named.amount_minor,
    )
    return (
        select(named.branch_id, named.close_id, func.count().label("claimed"), func.count(paid.c.method).label("alike"))
        .select_from(shift_close_method.join(shift_close, of_close).outerjoin(paid, is_same))
        .where(named.amount_minor != 0, *made.known(shift_close))
        .group_by(named.branch_id, named.close_id)
        .subquery()
    )
