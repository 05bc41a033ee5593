"""The period from opening to closing a till, and the Z-report that closes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from shared.domain.business_time import LocalMoment


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
class ShiftClose:
    """A till was closed: the Z-report, with totals that HQ can compute again from the sales."""

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

    @property
    def cash_variance_minor(self) -> int | None:
        """Counted − expected; None when nobody counted."""
        return None if self.counted_cash_minor is None else self.counted_cash_minor - self.expected_cash_minor
