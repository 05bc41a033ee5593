"""What the lines of a basket cost: the one seam through which prices come.

The list price, or the amount that a labeller's code carries; then promotions, and a price by hand, as
`shared.domain.promotions` has them; then the discounts that somebody gave, each within what its giver was allowed.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from branch_node.operations.price_lists import price_lists_in
from branch_node.storage.baskets import BasketRow, LineRow
from branch_node.storage.store import BranchStore
from shared.domain.business_time import local_moment
from shared.domain.money import THOUSAND, extend_price
from shared.domain.promotion_rules import BasketContext, Promotion
from shared.domain.promotions import REASON_SEPARATOR, BasketLine, LineDiscount, price_basket
from shared.domain.proration import BASIS_POINTS, divide_half_even, spread


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
    """What a discount came to on one line. `source` is `line`, `basket` or `manual_price`, or a promotion's code."""

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

    @property
    def reason(self) -> str:
        """The reasons that are printed under the line, each once."""
        return REASON_SEPARATOR.join(dict.fromkeys(each.reason for each in self.discounts if each.reason))


class Pricing(NamedTuple):
    """What prices depend on beside the lines: promotions, and when and to whom is sold."""

    promotions: Sequence[Promotion] = ()
    context: BasketContext = BasketContext(0)


NO_PROMOTIONS = Pricing()


def pricing_of(store: BranchStore, cursor: Any, basket: BasketRow, at_us: int) -> Pricing:
    """The promotions that a basket may get at a moment, as this snapshot has them."""
    cache = store.screen_nodes
    node, _ = cache.read(cursor)
    lists = price_lists_in(cursor, cache)
    context = lists.basket_context(local_moment(at_us, node.timezone), basket.client_id)
    return Pricing(lists.promotions_on(context.day), context)


def price_lines(
    lines: Sequence[LineRow], basket_discount: ManualDiscount | None, pricing: Pricing = NO_PROMOTIONS
) -> tuple[PricedLine, ...]:
    """Prices the lines of one basket together, in their order."""
    priced = price_basket([_basket_line(line) for line in lines], pricing.promotions, pricing.context)
    named = [
        _discount_line(PricedLine(line, each.gross_minor, tuple(_told(line, part) for part in each.discounts)))
        for line, each in zip(lines, priced.lines, strict=True)
    ]
    if basket_discount is None:
        return tuple(named)
    left = [line.net_minor for line in named]
    parts = spread(discount_of(basket_discount, sum(left)), left)
    return tuple(
        line._replace(discounts=(*line.discounts, _applied("basket", basket_discount, part))) if part else line
        for line, part in zip(named, parts, strict=True)
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
        wanted = divide_half_even(gross_minor * discount.value, BASIS_POINTS)
        # A limit that equals the discount must not take back what rounding gave.
        return min(wanted, gross_minor) if discount.value <= discount.limit_basis_points else min(wanted, allowed)
    return min(discount.value, allowed)


def share_of(discount: ManualDiscount, gross_minor: int) -> int:
    """How large a discount is in basis points of so much, rounded up."""
    if discount.kind is DiscountKind.PERCENT:
        return discount.value
    return -(-discount.value * BASIS_POINTS // gross_minor) if gross_minor else (BASIS_POINTS if discount.value else 0)


def price_share(line: LineRow) -> int:
    """How far a price by hand is below the listed one, in basis points rounded up: 0 when it is not, or none is listed.

    Of a piece whose code carries an amount, that amount is what is listed.
    """
    if line.manual_price_minor is None:
        return 0
    listed, asked = line.unit_price_minor or 0, line.manual_price_minor
    if line.embedded_amount_minor is not None:
        listed, asked = line.embedded_amount_minor, gross_of(line)
    return -(-(listed - asked) * BASIS_POINTS // listed) if asked < listed else 0


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


def _basket_line(line: LineRow) -> BasketLine:
    """A piece whose code carries an amount is one of that price, whatever it weighs."""
    quantity, price = line.quantity_thousandths, line.unit_price_minor or 0
    if line.embedded_amount_minor is not None and line.manual_price_minor is None:
        quantity, price = THOUSAND, line.embedded_amount_minor
    return BasketLine(str(line.line_id), line.sku, line.category, quantity, price, line.manual_price_minor)


def _told(line: LineRow, part: LineDiscount) -> AppliedDiscount:
    if part.promotion_id is None:
        return AppliedDiscount(part.code, part.amount_minor, line.manual_price_reason or "", line.manual_price_by or "")
    return AppliedDiscount(part.code, part.amount_minor, part.reason, "")


def _discount_line(priced: PricedLine) -> PricedLine:
    """Takes off what somebody gave on this line."""
    discount = line_discount(priced.line)
    amount = discount_of(discount, priced.net_minor) if discount else 0
    if not discount or not amount:
        return priced
    return priced._replace(discounts=(*priced.discounts, _applied("line", discount, amount)))


def _applied(source: str, discount: ManualDiscount, amount_minor: int) -> AppliedDiscount:
    return AppliedDiscount(source, amount_minor, discount.reason, discount.by)
