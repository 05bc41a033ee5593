"""What the register asks of its price lists: products, prices and VAT on a day, and the promotions valid then.

Everything is remembered as long as the node's revision stays the same: triggers raise it with every change of a
product, price, promotion, VAT rate or client.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from branch_node.storage.transaction import BranchTransaction, NodeCache
from shared.domain.business_time import SECONDS_PER_DAY, LocalMoment, days_from_date
from shared.domain.promotions import BasketContext, BasketLine, ManualDiscount, Promotion
from shared.domain.vat import DatedVatRate, covers, rate_on
from shared.errors import InvalidInput
from shared.operations.promotions import promotion_of_row, vat_rate_of_row

REMEMBERED_ANSWERS_MAX = 50_000
"""Products and prices that a process remembers between sales."""

_PRODUCT_COLUMNS = "id, sku, name, category, barcode, unit, vat_code, weighed, limited"
_PRODUCT = f"SELECT {_PRODUCT_COLUMNS} FROM product WHERE sku = ? AND NOT archived ORDER BY id LIMIT 1"
_PRICE = """
SELECT amount_minor FROM price
WHERE product_id = ? AND zone IN (?, '') AND amount_minor IS NOT NULL AND NOT archived
  AND IFNULL(valid_from, ?3) <= ?3 AND IFNULL(valid_to, ?3) >= ?3
ORDER BY zone DESC, valid_from DESC, id DESC LIMIT 1
"""
_PROMOTIONS = "SELECT * FROM promotion WHERE NOT archived"
_VAT_RATES = "SELECT code, rate_basis_points, valid_from, valid_to FROM vat_rate WHERE NOT archived ORDER BY id"
_GROUP = "SELECT client_group FROM client WHERE id = ?"

_Answer = TypeVar("_Answer")


class ListedProduct(NamedTuple):
    """A product as the register needs it."""

    product_id: bytes
    sku: str
    name: str | None
    category: str | None
    barcode: str | None
    unit: str | None
    vat_code: str | None
    weighed: bool
    limited: bool


class PriceLists(NamedTuple):
    """The price lists as one transaction, or one snapshot, sees them. A day is days since 1970-01-01."""

    cursor: Any
    remembered: dict[tuple[object, ...], Any]
    price_zone: str

    def product(self, sku: str) -> ListedProduct | None:
        """The product of that SKU that is not archived, if there is one."""
        return self._remember(("product", sku), lambda: self._read_product(sku))

    def price_on(self, product_id: bytes, day: int) -> int | None:
        """The unit price in minor units: of the branch's zone before that of all, then the one that began last."""
        return self._remember(("price", product_id, day), lambda: self._read_price(product_id, day))

    def promotions_on(self, day: int) -> Sequence[Promotion]:
        """The promotions valid on a day in this branch's zone. Hours, groups and baskets are the basket's to tell."""
        return self._remember(("promotions", day), lambda: self._read_promotions(day))

    def vat_on(self, vat_code: str | None, day: int) -> DatedVatRate | None:
        """The rate of a product's VAT code on a day; None without a code, or when no rate covers the day.

        Both are sold without VAT; that a code has no rate is worth a warning.
        """
        rates = self._remember(("vat",), self._read_vat_rates)
        return None if vat_code is None else rate_on(rates, vat_code, day)

    def client_group(self, client_id: bytes | None) -> str | None:
        """The group of a client that is known here."""
        row = client_id and self.cursor.execute(_GROUP, (client_id,)).fetchone()
        return row[0] if row else None

    def basket_line(
        self,
        line_id: str,
        sku: str,
        quantity_thousandths: int,
        day: int,
        manual_price_minor: int | None = None,
        manual_discount: ManualDiscount | None = None,
    ) -> BasketLine:
        """A line as `price_basket` takes it. What is unknown or has no price is sold at the price set by hand.

        Raises InvalidInput when there is none.
        """
        product = self.product(sku)
        unit_price = None if product is None else self.price_on(product.product_id, day)
        if unit_price is None and manual_price_minor is None:
            what = "is unknown" if product is None else "has no price today"
            raise InvalidInput(f"The product {sku} {what}.", "Set a price by hand.")
        rate = None if product is None else self.vat_on(product.vat_code, day)
        return BasketLine(
            line_id=line_id,
            sku=sku,
            category=None if product is None else product.category,
            quantity_thousandths=quantity_thousandths,
            unit_price_minor=unit_price or 0,
            manual_price_minor=manual_price_minor,
            manual_discount=manual_discount,
            vat_rate_basis_points=None if rate is None else rate.rate_basis_points,
        )

    def basket_context(
        self, moment: LocalMoment, client_id: bytes | None, manual_discount: ManualDiscount | None = None
    ) -> BasketContext:
        """When, where and to whom a basket is sold, as `price_basket` takes it."""
        day = days_from_date(moment.business_date)
        minute = moment.local_seconds % SECONDS_PER_DAY // 60
        return BasketContext(day, minute, self.client_group(client_id), self.price_zone, manual_discount)

    def _remember(self, key: tuple[object, ...], read: Callable[[], _Answer]) -> _Answer:
        if key not in self.remembered:
            if len(self.remembered) >= REMEMBERED_ANSWERS_MAX:
                self.remembered.clear()
            self.remembered[key] = read()
        answer: _Answer = self.remembered[key]
        return answer

    def _read_product(self, sku: str) -> ListedProduct | None:
        row = self.cursor.execute(_PRODUCT, (sku,)).fetchone()
        return ListedProduct._make((*row[:7], bool(row[7]), bool(row[8]))) if row else None

    def _read_price(self, product_id: bytes, day: int) -> int | None:
        row = self.cursor.execute(_PRICE, (product_id, self.price_zone, day)).fetchone()
        return row[0] if row else None

    def _read_promotions(self, day: int) -> tuple[Promotion, ...]:
        rows = self.cursor.execute(_PROMOTIONS)
        names = [column[0] for column in rows.description]
        promotions = [promotion_of_row(dict(zip(names, row, strict=True))) for row in rows.fetchall()]
        return tuple(
            promotion
            for promotion in sorted(filter(None, promotions), key=lambda each: each.order)
            if covers(promotion.valid_from, promotion.valid_to, day)
            and (not promotion.zones or self.price_zone in promotion.zones)
        )

    def _read_vat_rates(self) -> tuple[DatedVatRate, ...]:
        names = ("code", "rate_basis_points", "valid_from", "valid_to")
        return tuple(vat_rate_of_row(dict(zip(names, row, strict=True))) for row in self.cursor.execute(_VAT_RATES))


def price_lists_of(transaction: BranchTransaction) -> PriceLists:
    """The price lists as an operation sees them, with what this process remembers of them."""
    return PriceLists(transaction.cursor, transaction.known.price_lists, transaction.node.price_zone)


def price_lists_in(cursor: Any, cache: NodeCache) -> PriceLists:
    """The same in a snapshot, for a screen. The cache is the caller's own, not the store's: that is for operations."""
    node, _ = cache.read(cursor)
    return PriceLists(cursor, cache.price_lists, node.price_zone)
