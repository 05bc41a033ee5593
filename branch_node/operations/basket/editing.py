"""Changing a basket by hand: quantities, prices and discounts within what the asker may do."""

from __future__ import annotations

from typing import Any, NamedTuple

from branch_node.operations.basket.desk import Desk, Done, Outcome, act
from branch_node.operations.basket.pricing import (
    DiscountKind,
    ManualDiscount,
    basket_discount,
    gross_of,
    line_discount,
    price_lines,
    price_share,
    share_of,
)
from branch_node.operations.basket.quantities import require_affordable, require_quantity
from branch_node.storage import basket_returns, baskets
from branch_node.storage.baskets import LineRow
from branch_node.storage.store import BranchStore
from shared.domain.money import require_minor
from shared.domain.percentages import format_percent
from shared.domain.proration import BASIS_POINTS
from shared.errors import InvalidInput, Refused

REASON_CHARACTERS_MAX = 200
ASK_A_MANAGER = "A manager can allow it."


class Limits(NamedTuple):
    """What a role may do at the till. `discount_basis_points_max` of 1 000 is ten per cent."""

    discount_basis_points_max: int
    may_set_price: bool
    may_remove: bool


NO_LIMITS = Limits(BASIS_POINTS, may_set_price=True, may_remove=True)


def set_quantity(
    store: BranchStore,
    basket_id: bytes,
    request_id: str,
    line_id: int,
    quantity_thousandths: int,
    authority: Limits = NO_LIMITS,
    tab_token: str | None = None,
) -> Done:
    """Sells so much of a line. Less than before is taking goods out. Raises InvalidInput, Refused, and as `act`."""
    require_quantity(quantity_thousandths)

    def work(desk: Desk) -> Done:
        line = desk.line(line_id)
        if line.is_single:
            raise Refused(f"{line.name} was weighed, or is one marked piece.", "Remove the line and scan again.")
        if quantity_thousandths < line.quantity_thousandths:
            _require_may_remove(authority)
        desk.put_line(line, require_affordable(line._replace(quantity_thousandths=quantity_thousandths)))
        return Done(Outcome.CHANGED, 0, line_id, line.name)

    return act(store, basket_id, request_id, "quantity", work, tab_token)


def remove_line(
    store: BranchStore,
    basket_id: bytes,
    request_id: str,
    line_id: int,
    authority: Limits = NO_LIMITS,
    tab_token: str | None = None,
) -> Done:
    """Takes a line out. Raises Refused, and what `act` does."""

    def work(desk: Desk) -> Done:
        _require_may_remove(authority)
        line = desk.line(line_id)
        desk.drop_line(line)
        return Done(Outcome.REMOVED, 0, line_id, line.name)

    return act(store, basket_id, request_id, "remove", work, tab_token)


def clear(
    store: BranchStore,
    basket_id: bytes,
    request_id: str,
    authority: Limits = NO_LIMITS,
    tab_token: str | None = None,
) -> Done:
    """Takes everything out: lines, what comes back, client, discount, unknown codes. Raises Refused, and as `act`."""

    def work(desk: Desk) -> Done:
        lines = baskets.read_lines(desk.cursor, desk.basket_id)
        if lines:
            _require_may_remove(authority)
        for line in lines:
            desk.drop_line(line)
        for row in basket_returns.read_returns(desk.cursor, desk.basket_id):
            desk.drop_return(row)
        for code, _ in baskets.waiting_unknown(desk.cursor, desk.basket_id):
            desk.mark_unknown(code, "dismissed")
        desk.change_basket(client=None, client_id=None, client_name=None, points=None, **_no_discount())
        return Done(Outcome.REMOVED, 0)

    return act(store, basket_id, request_id, "clear", work, tab_token)


def set_price(
    store: BranchStore,
    basket_id: bytes,
    request_id: str,
    line_id: int,
    unit_price_minor: int | None,
    authority: Limits,
    by: str,
    reason: str = "",
    tab_token: str | None = None,
) -> Done:
    """Sells a line at another price per unit; None for the list price again. `by` is whose authority it is.

    What it is below the list price counts as a discount, together with what the same person gives on the line and on
    the basket. Raises InvalidInput, Refused, and what `act` does.
    """
    if unit_price_minor is not None:
        require_minor(unit_price_minor, "The price")
    given = _require_reason(reason)

    def work(desk: Desk) -> Done:
        if not authority.may_set_price:
            raise Refused("Your role may not set prices.", ASK_A_MANAGER)
        line = desk.line(line_id)
        if unit_price_minor is None:
            if line.unit_price_minor is None and line.embedded_amount_minor is None:
                raise Refused(f"{line.name} has no list price.", "Set another price, or remove the line.")
            changed = line._replace(manual_price_minor=None, manual_price_by=None, manual_price_reason=None)
        else:
            changed = line._replace(
                manual_price_minor=unit_price_minor, manual_price_by=by, manual_price_reason=given or None
            )
            _require_price_within(desk, changed, _limit_of(authority))
        desk.put_line(line, require_affordable(changed))
        return Done(Outcome.CHANGED, 0, line_id, line.name)

    return act(store, basket_id, request_id, "price", work, tab_token)


def set_discount(
    store: BranchStore,
    basket_id: bytes,
    request_id: str,
    line_id: int | None,
    kind: DiscountKind | None,
    value: int,
    authority: Limits,
    by: str,
    reason: str = "",
    tab_token: str | None = None,
) -> Done:
    """Gives a discount on a line, or on the whole basket when `line_id` is None, instead of the one that was there.

    `kind` None takes it back; `value` counts basis points of a percent, else minor units. `by` is whose authority it
    is: what one person gives on a line and on the basket, and by a lower price, counts together. Raises InvalidInput,
    Refused, and as `act`.
    """
    if kind is DiscountKind.PERCENT and not 0 < require_minor(value, "The discount") <= BASIS_POINTS:
        raise InvalidInput("A discount is more than 0 and at most 100 %.")
    if kind is DiscountKind.AMOUNT and require_minor(value, "The discount") == 0:
        raise InvalidInput("A discount of nothing is none.", "Take the discount back instead.")
    given = _require_reason(reason)

    def work(desk: Desk) -> Done:
        discount = None if kind is None else ManualDiscount(kind, value, _limit_of(authority), by, given)
        if line_id is None:
            _discount_basket(desk, discount)
            return Done(Outcome.CHANGED, 0)
        line = desk.line(line_id)
        _discount_line(desk, line, discount)
        return Done(Outcome.CHANGED, 0, line_id, line.name)

    return act(store, basket_id, request_id, "discount", work, tab_token)


def _require_price_within(desk: Desk, line: LineRow, limit_basis_points: int) -> None:
    below = price_share(line)
    if below == 0:
        return
    by = line.manual_price_by or ""
    lines = baskets.read_lines(desk.cursor, desk.basket_id)
    given = _share_given(line_discount(line), by, gross_of(line))
    given += _share_given(basket_discount(desk.basket), by, _net_of(lines))
    _require_within(limit_basis_points, below + given)


def _discount_line(desk: Desk, line: LineRow, discount: ManualDiscount | None) -> None:
    if discount is not None:
        gross = gross_of(line)
        if discount.kind is DiscountKind.AMOUNT and discount.value > gross:
            raise InvalidInput(f"The discount {discount.value} is larger than the price {gross}.")
        other = basket_discount(desk.basket)
        lines = baskets.read_lines(desk.cursor, desk.basket_id)
        given = _price_share_given(line, discount.by) + _share_given(other, discount.by, _net_of(lines))
        _require_within(discount.limit_basis_points, share_of(discount, gross) + given)
    desk.put_line(line, line._replace(**_discount_columns(discount)))


def _discount_basket(desk: Desk, discount: ManualDiscount | None) -> None:
    if discount is not None:
        lines = baskets.read_lines(desk.cursor, desk.basket_id)
        net = _net_of(lines)
        if discount.kind is DiscountKind.AMOUNT and discount.value > net:
            raise InvalidInput(f"The discount {discount.value} is larger than the total {net}.")
        by = discount.by
        most = max(
            (_price_share_given(line, by) + _share_given(line_discount(line), by, gross_of(line)) for line in lines),
            default=0,
        )
        _require_within(discount.limit_basis_points, share_of(discount, net) + most)
    desk.change_basket(**_discount_columns(discount))


def _net_of(lines: list[LineRow]) -> int:
    return sum(line.net_minor for line in price_lines(lines, None))


def _share_given(discount: ManualDiscount | None, by: str, gross_minor: int) -> int:
    return share_of(discount, gross_minor) if discount is not None and discount.by == by else 0


def _price_share_given(line: LineRow, by: str) -> int:
    return price_share(line) if line.manual_price_by == by else 0


def _limit_of(authority: Limits) -> int:
    return min(BASIS_POINTS, max(0, authority.discount_basis_points_max))


def _require_within(limit_basis_points: int, basis_points: int) -> None:
    if basis_points > limit_basis_points:
        raise Refused(
            f"That is {format_percent(basis_points)} off; your role may give {format_percent(limit_basis_points)}.",
            ASK_A_MANAGER,
        )


def _require_may_remove(authority: Limits) -> None:
    if not authority.may_remove:
        raise Refused("Your role may not take goods out of a basket.", ASK_A_MANAGER)


def _require_reason(reason: str) -> str:
    text = " ".join(reason.split())
    if len(text) > REASON_CHARACTERS_MAX or not text.isprintable():
        raise InvalidInput(f"A reason has at most {REASON_CHARACTERS_MAX} printable characters.")
    return text


def _discount_columns(discount: ManualDiscount | None) -> dict[str, Any]:
    if discount is None:
        return _no_discount()
    return {
        "discount_kind": discount.kind.value,
        "discount_value": discount.value,
        "discount_limit_basis_points": discount.limit_basis_points,
        "discount_by": discount.by,
        "discount_reason": discount.reason or None,
    }


def _no_discount() -> dict[str, Any]:
    names = ("kind", "value", "limit_basis_points", "by", "reason")
    return {f"discount_{name}": None for name in names}
