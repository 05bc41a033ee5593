"""What the lines of a basket cost: the one seam through which prices come. Looks nothing up.

For now: the list price, a price by hand, an amount that a labeller's code carries, and discounts by hand. Promotions
join here.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from branch_node.storage.baskets import BasketRow, LineRow
from shared.domain.money import extend_price

BASIS_POINTS = 10_000


class DiscountKind(StrEnum):
    """`percent` counts basis points, `amount` minor units."""

    PERCENT = "percent"
    AMOUNT = "amount"


class ManualDiscount(NamedTuple):
    """A discount that somebody gave. Whatever becomes of the goods, it is never more than `limit_basis_points` of them:
    what its giver was allowed."""

    kind: DiscountKind
    value: int
    limit_basis_points: int
    by: str
    reason: str


class AppliedDiscount(NamedTuple):
    """What a discount came to on one line. `source` is `line` or `basket`; a promotion's will be its name."""

    source: str
    amount_minor: int
    reason: str
    by: str


class PricedLine(NamedTuple):
    """A line with what it costs: net = gross − discounts. `gross_minor` is before discounts."""

    line: LineRow
    gross_minor: int
    discounts: tuple[AppliedDiscount, ...]

    @property
    def discount_minor(self) -> int:
        return sum(discount.amount_minor for discount in self.discounts)

    @property
    def net_minor(self) -> int:
        return self.gross_minor - self.discount_minor


class PricingClient(NamedTuple):
    """Who buys, as far as prices care."""

    reference: str
    client_id: bytes | None


def price_lines(
    lines: Sequence[LineRow], basket_discount: ManualDiscount | None, client: PricingClient | None, now_us: int
) -> tuple[PricedLine, ...]:
    """Prices the lines of one basket together, in their order. `client` and `now_us` are for promotions."""
    del client, now_us
    priced = [_price_line(line) for line in lines]
    if basket_discount is None:
        return tuple(priced)
    left = [line.net_minor for line in priced]
    parts = share_out(discount_of(basket_discount, sum(left)), left)
    return tuple(
        line._replace(discounts=(*line.discounts, _applied("basket", basket_discount, part))) if part else line
        for line, part in zip(priced, parts, strict=True)
    )


def gross_of(line: LineRow) -> int:
    """What a line costs before discounts."""
    if line.manual_price_minor is not None:
        return extend_price(line.manual_price_minor, line.quantity_thousandths)
    if line.embedded_amount_minor is not None:
        return line.embedded_amount_minor
    return extend_price(line.unit_price_minor or 0, line.quantity_thousandths)


def discount_of(discount: ManualDiscount, gross_minor: int) -> int:
    """What a discount takes off so much, rounded half to even and never beyond its limit."""
    allowed = gross_minor * discount.limit_basis_points // BASIS_POINTS
    if discount.kind is DiscountKind.PERCENT:
        whole, rest = divmod(gross_minor * discount.value, BASIS_POINTS)
        wanted = whole + (rest * 2 > BASIS_POINTS or (rest * 2 == BASIS_POINTS and whole % 2 == 1))
        # A limit that equals the discount must not take back what rounding gave.
        return min(wanted, gross_minor) if discount.value <= discount.limit_basis_points else min(wanted, allowed)
    return min(discount.value, allowed)


def share_of(discount: ManualDiscount, gross_minor: int) -> int:
    """How large a discount is in basis points of so much, rounded up."""
    if discount.kind is DiscountKind.PERCENT:
        return discount.value
    return -(-discount.value * BASIS_POINTS // gross_minor) if gross_minor else (BASIS_POINTS if discount.value else 0)


def share_out(amount_minor: int, weights: Sequence[int]) -> list[int]:
    """Splits an amount over weights exactly, each part within one of its due and none above its weight."""
    total = sum(weights)
    if total == 0:
        return [0] * len(weights)
    parts = [amount_minor * weight // total for weight in weights]
    rests = sorted(range(len(weights)), key=lambda index: (-(amount_minor * weights[index] % total), index))
    for index in rests[: amount_minor - sum(parts)]:
        parts[index] += 1
    return parts


def line_discount(line: LineRow) -> ManualDiscount | None:
    """The discount given on a line by hand."""
    return _discount(line)


def basket_discount(basket: BasketRow) -> ManualDiscount | None:
    """The discount given on a whole basket by hand."""
    return _discount(basket)


def _discount(row: LineRow | BasketRow) -> ManualDiscount | None:
    if row.discount_kind is None:
        return None
    return ManualDiscount(
        DiscountKind(row.discount_kind),
        row.discount_value or 0,
        row.discount_limit_basis_points or 0,
        row.discount_by or "",
        row.discount_reason or "",
    )


def _price_line(line: LineRow) -> PricedLine:
    gross = gross_of(line)
    discount = line_discount(line)
    amount = discount_of(discount, gross) if discount else 0
    return PricedLine(line, gross, (_applied("line", discount, amount),) if discount and amount else ())


def _applied(source: str, discount: ManualDiscount, amount_minor: int) -> AppliedDiscount:
    return AppliedDiscount(source, amount_minor, discount.reason, discount.by)
