"""What a promotion would have done to the receipts of a day: reckoned by the till's own rules, nothing is written.

Every receipt is priced twice from what its goods cost before any discount: with the other promotions as they are saved
now, and with this one besides. The difference is what it would have cost. What was given by hand or paid with points
that day is left out of both, so “before” is not what was paid. The promotion's own first and last day do not count,
for it is tried on days before it begins; weekdays, hours, zones, groups of clients and the least basket do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, func, select, tuple_

from hq_server.operations.promotions import read_promotions
from hq_server.storage.branches import all_branches
from shared.domain.business_time import date_from_days
from shared.domain.identifiers import shorten
from shared.domain.money import THOUSAND, extend_price
from shared.domain.permissions import Actor, Permission, require
from shared.domain.promotion_rules import BasketContext, Promotion, require_promotion
from shared.domain.promotions import BasketLine, PricedBasket, price_basket
from shared.errors import NotFound
from shared.storage.tables import client, product, sale, sale_line

RECEIPTS_PREVIEWED_MAX = 5_000
EXAMPLES_SHOWN_MAX = 12
PRODUCTS_SHOWN_MAX = 10
_KEYS_PER_QUERY_MAX = 500
_MICROSECONDS, _DAY_SECONDS = 1_000_000, 86_400


class LineBothWays(NamedTuple):
    """A line of a receipt without the promotion and with it, in minor units."""

    sku: str
    name: str
    quantity_thousandths: int
    before_minor: int
    after_minor: int


class ReceiptBothWays(NamedTuple):
    """A receipt without the promotion and with it. `sold_at_us` is in UTC, `zone` the shop's."""

    branch_code: str
    register: str
    receipt_number: int
    sold_at_us: int
    zone: str
    lines: tuple[LineBothWays, ...]

    @property
    def before_minor(self) -> int:
        return sum(line.before_minor for line in self.lines)

    @property
    def after_minor(self) -> int:
        return sum(line.after_minor for line in self.lines)

    @property
    def cost_minor(self) -> int:
        """What the promotion takes off; below 0 when others would have given more."""
        return self.before_minor - self.after_minor


class Preview(NamedTuple):
    """Of a day: receipts there were and were looked at, those that the promotion touches, and what it costs.

    `products` are SKU, name and cost, the dearest first; `before_minor` is the worth of all that were looked at."""

    day: int
    receipts: int
    looked_at: int
    touched: int
    before_minor: int
    cost_minor: int
    products: tuple[tuple[str, str, int], ...]
    examples: tuple[ReceiptBothWays, ...]

    @property
    def average_minor(self) -> int:
        """What it costs on a receipt that it touches, rounded."""
        return round_half_up(self.cost_minor, self.touched)


def round_half_up(whole: int, parts: int) -> int:
    """A share in whole units; 0 of nothing."""
    return (2 * whole + parts) // (2 * parts) if parts else 0


def preview_promotion(
    connection: Connection, actor: Actor, wanted: Promotion, day: int, branch_codes: Sequence[str] = ()
) -> Preview:
    """Tries a promotion, saved or not, on the receipts of a business day of some branches, or of all.

    At most RECEIPTS_PREVIEWED_MAX receipts are looked at, the first of every register. Raises NotPermitted, NotFound,
    InvalidInput.
    """
    require(actor, Permission.CATALOG_EDIT)
    tried = replace(require_promotion(wanted), valid_from=None, valid_to=None)
    others = [each for each in read_promotions(connection, actor) if each.code != wanted.code]
    zones = _zones(connection, branch_codes)
    chosen = and_(sale.c.business_date == date_from_days(day), sale.c.branch_id.in_(list(zones)))
    count = connection.execute(select(func.count()).select_from(sale).where(chosen)).scalar_one()
    compared = [
        compare(receipt, others, tried, BasketContext(day, minute, group, zones[receipt.branch_id][1]))
        for receipt, minute, group in _receipts(connection, zones, chosen)
    ]
    return _preview(day, count, compared)


class SoldReceipt(NamedTuple):
    """A receipt as it is stored: its head, and lines with SKU, category, name, quantity and worth before discounts."""

    branch_id: bytes
    branch_code: str
    register: str
    receipt_number: int
    sold_at_us: int
    zone: str
    lines: tuple[tuple[str, str | None, str, int, int], ...]


Compared = tuple[ReceiptBothWays, bool]
"""A receipt both ways, and whether the promotion counted for it."""


def compare(receipt: SoldReceipt, others: Sequence[Promotion], tried: Promotion, context: BasketContext) -> Compared:
    """Prices a receipt with the other promotions, and with the tried one besides."""
    basket = [_basket_line(place, line) for place, line in enumerate(receipt.lines)]
    before, after = price_basket(basket, others, context), price_basket(basket, [*others, tried], context)
    lines = tuple(
        LineBothWays(sku, name, quantity, one.amount_minor, other.amount_minor)
        for (sku, _, name, quantity, _), one, other in zip(receipt.lines, before.lines, after.lines, strict=True)
    )
    head = receipt.branch_code, receipt.register, receipt.receipt_number, receipt.sold_at_us, receipt.zone
    return ReceiptBothWays(*head, lines), _counted(after, tried)


def _counted(priced: PricedBasket, tried: Promotion) -> bool:
    return any(
        discount.promotion_id == tried.promotion_id and discount.code == tried.code
        for line in priced.lines
        for discount in line.discounts
    )


def _basket_line(place: int, line: tuple[str, str | None, str, int, int]) -> BasketLine:
    """A line at the unit price that its worth comes from; where there is none, one piece of that worth, as a till sells
    what a labeller weighed."""
    sku, category, _, quantity, gross = line
    if quantity > 0:
        unit = round_half_up(gross * THOUSAND, quantity)
        if extend_price(unit, quantity) == gross:
            return BasketLine(str(place), sku, category, quantity, unit)
    return BasketLine(str(place), sku, category, THOUSAND if gross else quantity, gross)


def _zones(connection: Connection, codes: Sequence[str]) -> dict[bytes, tuple[str, str]]:
    """By branch its code and price zone. Raises NotFound."""
    known = {row.code: row for row in all_branches(connection)}
    for code in codes:
        if code not in known:
            raise NotFound(f"There is no branch “{shorten(code)}”.", "Choose one that is offered.")
    return {known[code].id: (code, known[code].price_zone) for code in codes or known}


def _receipts(
    connection: Connection, zones: Mapping[bytes, tuple[str, str]], chosen: ColumnElement[bool]
) -> Iterable[tuple[SoldReceipt, int, str | None]]:
    """Receipts with the minute of their day and the group of their client."""
    order = (sale.c.receipt_number, sale.c.branch_id, sale.c.register, sale.c.id)
    heads = connection.execute(select(sale).where(chosen).order_by(*order).limit(RECEIPTS_PREVIEWED_MAX)).all()
    for start in range(0, len(heads), _KEYS_PER_QUERY_MAX):
        chunk = heads[start : start + _KEYS_PER_QUERY_MAX]
        lines, groups = _lines(connection, chunk), _groups(connection, chunk)
        for row in chunk:
            minute = (row.sold_at // _MICROSECONDS + row.utc_offset_seconds) % _DAY_SECONDS // 60
            found = tuple(lines.get((row.branch_id, row.id), ()))
            code = zones[row.branch_id][0]
            receipt = SoldReceipt(row.branch_id, code, row.register, row.receipt_number, row.sold_at, row.zone, found)
            yield receipt, minute, groups.get(row.client_id) or groups.get(row.client)


def _lines(connection: Connection, heads: Sequence[Any]) -> dict[tuple[bytes, bytes], list[Any]]:
    keys = [(row.branch_id, row.id) for row in heads]
    statement = select(sale_line).where(tuple_(sale_line.c.branch_id, sale_line.c.sale_id).in_(keys))
    rows = connection.execute(statement.order_by(sale_line.c.line_number)).all()
    names = _names(connection, {row.sku for row in rows if not row.name})
    found: dict[tuple[bytes, bytes], list[Any]] = {}
    for row in rows:
        line = (
            row.sku,
            row.category,
            row.name or names.get(row.sku) or row.sku,
            row.quantity_thousandths,
            row.amount_minor + row.discount_minor,
        )
        found.setdefault((row.branch_id, row.sale_id), []).append(line)
    return found


def _names(connection: Connection, skus: set[str]) -> dict[str, str]:
    """What products are called of which the receipt does not say it."""
    found: dict[str, str] = {}
    ordered = sorted(skus)
    for start in range(0, len(ordered), _KEYS_PER_QUERY_MAX):
        chunk = ordered[start : start + _KEYS_PER_QUERY_MAX]
        statement = select(product.c.sku, product.c.name).where(product.c.sku.in_(chunk), product.c.name.is_not(None))
        found |= {row.sku: row.name for row in connection.execute(statement.order_by(product.c.archived.desc()))}
    return found


def _groups(connection: Connection, heads: Sequence[Any]) -> dict[Any, str]:
    """The groups of the clients, as they are now, by card and by external id."""
    cards = sorted({row.client_id for row in heads if row.client_id is not None})
    names = sorted({row.client for row in heads if row.client is not None and row.client_id is None})
    found: dict[Any, str] = {}
    for column, values in ((client.c.id, cards), (client.c.external_id, names)):
        if values:
            statement = select(column, client.c.client_group).where(
                column.in_(values), client.c.client_group.is_not(None)
            )
            found |= {row[0]: row.client_group for row in connection.execute(statement)}
    return found


def _preview(day: int, receipts: int, compared: Sequence[Compared]) -> Preview:
    touched = [receipt for receipt, counted in compared if counted]
    by_product: dict[str, tuple[str, int]] = {}
    for receipt in touched:
        for line in receipt.lines:
            name, cost = by_product.get(line.sku, (line.name, 0))
            by_product[line.sku] = name, cost + line.before_minor - line.after_minor
    products = [(sku, name, cost) for sku, (name, cost) in by_product.items() if cost]
    products.sort(key=lambda each: (-each[2], each[0]))
    return Preview(
        day,
        receipts,
        len(compared),
        len(touched),
        sum(receipt.before_minor for receipt, _ in compared),
        sum(receipt.cost_minor for receipt, _ in compared),
        tuple(products[:PRODUCTS_SHOWN_MAX]),
        tuple(_spread_out(touched)),
    )


def _spread_out(receipts: Sequence[ReceiptBothWays]) -> list[ReceiptBothWays]:
    """Examples from the dearest to the cheapest, evenly: not twelve of the extreme."""
    ordered = sorted(
        receipts, key=lambda each: (-each.cost_minor, each.branch_code, each.register, each.receipt_number)
    )
    if len(ordered) <= EXAMPLES_SHOWN_MAX:
        return ordered
    last = len(ordered) - 1
    return [ordered[place * last // (EXAMPLES_SHOWN_MAX - 1)] for place in range(EXAMPLES_SHOWN_MAX)]
