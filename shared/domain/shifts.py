"""The period from opening to closing a till, and the Z-report that closes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from shared.domain.business_time import LocalMoment

DENOMINATIONS_MAX = 50
UNDECIDED_MAX = 10_000
"""Undecided receipts that one Z-report can name."""


@dataclass(frozen=True, slots=True)
class ShiftOpen:
    """A till was opened. An implicit shift is one that a sale opened because nobody had."""

    register: str
    cashier: str
    opened_at: LocalMoment
    business_date: date
    implicit: bool
    float_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class MethodTotal:
    """What one payment method took in a shift, change taken off the cash."""

    method: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Denomination:
    """So many notes or coins of one value were counted."""

    value_minor: int
    pieces: int


@dataclass(frozen=True, slots=True)
class ShiftClose:
    """A till was closed: the Z-report, with totals that HQ can compute again from the sales.

    Totals are over the sales and refunds of the shift, and over the `late` receipts of earlier shifts of the register
    that were confirmed since. `undecided` are receipt numbers of this shift of which nobody knew when it closed. `net`
    is what was sold: gross − discounts; what came back is `returns`.
    """

    shift_id: bytes
    register: str
    cashier: str
    closed_at: LocalMoment
    business_date: date
    currency: str
    receipts: int
    first_receipt: int
    last_receipt: int
    gross_minor: int
    discounts_minor: int
    net_minor: int
    methods: tuple[MethodTotal, ...]
    float_minor: int
    expected_cash_minor: int
    counted_cash_minor: int | None
    refunds: int = 0
    returns_minor: int = 0
    cash_in_minor: int = 0
    cash_out_minor: int = 0
    rounding_minor: int = 0
    undecided: tuple[int, ...] = ()
    late: tuple[int, ...] = ()
    late_minor: int = 0
    denominations: tuple[Denomination, ...] = ()
    signature: bytes = b""

    @property
    def cash_variance_minor(self) -> int | None:
        """Counted − expected; None when nobody counted."""
        return None if self.counted_cash_minor is None else self.counted_cash_minor - self.expected_cash_minor


def z_statement(branch_id: bytes, report: ShiftClose) -> bytes:
    """What the branch signs: which receipts a Z-report covers and what they come to (docs/sync-protocol.md §13).

    One line a value, in this order for ever; a value that is added later stands behind all others.
    """
    methods = ",".join(f"{total.method}={total.amount_minor}" for total in sorted(report.methods, key=_method_of))
    values = (
        branch_id.hex(),
        report.shift_id.hex(),
        report.register,
        report.business_date.isoformat(),
        report.closed_at.at_us,
        report.currency,
        report.first_receipt,
        report.last_receipt,
        report.receipts,
        report.refunds,
        report.gross_minor,
        report.discounts_minor,
        report.returns_minor,
        report.net_minor,
        report.rounding_minor,
        methods,
        report.float_minor,
        report.cash_in_minor,
        report.cash_out_minor,
        report.expected_cash_minor,
        report.counted_cash_minor,
        ",".join(map(str, report.undecided)),
        ",".join(map(str, report.late)),
        report.late_minor,
        ",".join(f"{counted.value_minor}:{counted.pieces}" for counted in report.denominations),
    )
    return "\n".join(["filial/z/1", *map(str, values)]).encode()


def _method_of(total: MethodTotal) -> str:
    return total.method
