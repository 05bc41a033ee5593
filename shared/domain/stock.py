"""Movements of stock: goods that come and go other than by a sale or a refund, and counts of what is there.

On hand = Σ movements − Σ sold + Σ refunded, by branch and product. It may be negative: what was sold was there, so a
delivery was not entered, or a sale rang up something else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from shared.domain.business_time import LocalMoment

MOVEMENT_LINES_MAX = 1_000
STOCK_THOUSANDTHS_MAX = 10**15
"""The most that is on hand of a product, that is missing of it, or that moves at once."""


class MovementReason(StrEnum):
    """Why goods moved. The value is what the fact holds; it never changes."""

    RECEIVED = "received"
    WRITTEN_OFF = "written_off"
    COUNTED = "counted"
    RETURNED_TO_SUPPLIER = "returned_to_supplier"
    MOVED = "moved"


class MovementLine(NamedTuple):
    """How much of a product moved: more than 0 came, less went. `cost_minor` is what the whole line cost, if known.

    Of a count: what was counted, what was expected, and the difference as the quantity.
    """

    sku: str
    product_id: bytes | None
    quantity_thousandths: int
    cost_minor: int | None = None
    counted_thousandths: int | None = None
    expected_thousandths: int | None = None


@dataclass(frozen=True, slots=True)
class StockMovement:
    """Goods of one document moved. `document` is its number, empty when there is none; `note` says why, in words."""

    reason: str
    document: str
    register: str | None
    employee: str
    lines: tuple[MovementLine, ...]
    at: LocalMoment
    note: str = ""


def counted_line(
    sku: str, product_id: bytes | None, counted_thousandths: int, expected_thousandths: int
) -> MovementLine:
    """A line of a count: after it, what was counted is on hand."""
    difference = counted_thousandths - expected_thousandths
    return MovementLine(sku, product_id, difference, None, counted_thousandths, expected_thousandths)


def on_hand(moved: Iterable[int], sold: Iterable[int], refunded: Iterable[int]) -> int:
    """What is on hand, in thousandths, after so much moved, was sold and was given back."""
    return sum(moved) - sum(sold) + sum(refunded)
