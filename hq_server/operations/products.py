"""Products and their prices as the head office edits them; branches are told with the same commit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from hq_server.operations.editing import HqEdit
from hq_server.operations.founding import read_chain
from hq_server.storage.feed import EVERYONE, audience_of_zone
from hq_server.storage.tables import branch
from shared.clock import Ids
from shared.domain.cards import Value, require_value
from shared.domain.identifiers import derived_id, require_code, shorten
from shared.domain.money import require_minor
from shared.domain.permissions import Actor, Permission, require
from shared.domain.records import RecordKind
from shared.errors import AlreadyExists, InvalidInput, NotFound
from shared.operations.cards import CardEdit
from shared.storage.tables import price, product, vat_rate

NAME_CHARACTERS_MAX = 200


@dataclass(frozen=True, slots=True)
class ProductFields:
    """A product as people fill it in; empty texts are none."""

    sku: str
    name: str
    category: str = ""
    barcode: str = ""
    unit: str = ""
    vat_code: str = ""
    weighed: bool = False
    limited: bool = False
    archived: bool = False


@dataclass(frozen=True, slots=True)
class WantedPrice:
    """What a product costs in a zone, "" being everywhere. Days since 1970-01-01, both included; None is open."""

    amount_minor: int
    zone: str = ""
    valid_from: int | None = None
    valid_to: int | None = None


class PriceRow(NamedTuple):
    """A price that is there."""

    price_id: bytes
    zone: str
    amount_minor: int
    valid_from: int | None
    valid_to: int | None


def require_product(connection: Connection, actor: Actor, product_id: bytes) -> Any:
    """The product's row. Raises NotPermitted, NotFound."""
    require(actor, Permission.CATALOG_EDIT)
    row = connection.execute(select(product).where(product.c.id == product_id)).one_or_none()
    if row is None or row.sku is None:
        raise NotFound("There is no such product.", "Look for it among the products.")
    return row


def product_by_sku(connection: Connection, actor: Actor, sku: str) -> Any:
    """The product with that SKU that is not archived. Raises NotPermitted, NotFound."""
    require(actor, Permission.CATALOG_EDIT)
    row = _find(connection, "sku", sku)
    if row is None:
        raise NotFound(f"There is no product “{shorten(sku)}”.", "Look for it among the products.")
    return row


def prices_of(connection: Connection, product_id: bytes) -> list[PriceRow]:
    """The prices that were not taken away, by zone, the newest first."""
    statement = select(price.c.id, price.c.zone, price.c.amount_minor, price.c.valid_from, price.c.valid_to).where(
        price.c.product_id == product_id, price.c.archived.is_(False), price.c.amount_minor.is_not(None)
    )
    rows = [PriceRow(row[0], row[1] or "", *row[2:]) for row in connection.execute(statement)]
    return sorted(rows, key=lambda row: (row.zone, -(row.valid_from or 0), row.price_id))


def zones_of_chain(connection: Connection) -> list[str]:
    """The price zones that branches are in or prices are for, without the nameless one."""
    used = set(connection.execute(select(branch.c.price_zone).distinct()).scalars())
    used |= set(connection.execute(select(price.c.zone).distinct()).scalars())
    return sorted(zone for zone in used if zone)


def categories_of_chain(connection: Connection) -> list[str]:
    """The categories that products are in."""
    return sorted(found for found in connection.execute(select(product.c.category).distinct()).scalars() if found)


class Assortment:
    """One change of products inside the caller's transaction, by somebody who may make it."""

    def __init__(self, connection: Connection, ids: Ids, now_us: int, actor: Actor, edit: HqEdit | None = None) -> None:
        """`edit` is that of which the change is a part. Raises NotPermitted."""
        require(actor, Permission.CATALOG_EDIT)
        self._connection = connection
        self._ids = ids
        self._edit = edit or HqEdit(connection, ids, now_us, actor.employee_id)

    def add(self, wanted: ProductFields, priced: WantedPrice | None = None) -> bytes:
        """A new product, with its first price; returns the id. Raises InvalidInput, AlreadyExists."""
        fields = self._checked(wanted, None)
        product_id = self._ids.new_id()
        self._apply(RecordKind.PRODUCT, product_id, fields, EVERYONE)
        if priced is not None:
            self.set_price(product_id, priced)
        return product_id

    def change(self, product_id: bytes, wanted: ProductFields) -> bool:
        """Brings a product's fields to these; whether anything changed. Raises InvalidInput, AlreadyExists."""
        return self._apply(RecordKind.PRODUCT, product_id, self._checked(wanted, product_id), EVERYONE)

    def set_price(self, product_id: bytes, wanted: WantedPrice) -> bool:
        """The zone's price from a day on; of one zone and first day there is one. Raises InvalidInput."""
        require_minor(wanted.amount_minor, "The price")
        zone = require_code(wanted.zone, "The zone") if wanted.zone else ""
        first, last = wanted.valid_from, wanted.valid_to
        if first is not None and last is not None and last < first:
            raise InvalidInput("The price's period ends before it begins.")
        begins = () if first is None else (str(first).encode(),)
        price_id = derived_id("price", read_chain(self._connection).chain_id, product_id, zone.encode(), *begins)
        fields: dict[str, Value] = {
            "product_id": product_id,
            "zone": zone,
            "amount_minor": wanted.amount_minor,
            "valid_from": first,
            "valid_to": last,
            "archived": False,
        }
        return self._apply(RecordKind.PRICE, price_id, fields, audience_of_zone(zone))

    def remove_price(self, product_id: bytes, price_id: bytes) -> None:
        """Takes a price away. Raises NotFound."""
        found = next((row for row in prices_of(self._connection, product_id) if row.price_id == price_id), None)
        if found is None:
            raise NotFound("There is no such price.", "Load the page again.")
        self._apply(RecordKind.PRICE, price_id, {"archived": True}, audience_of_zone(found.zone))

    def give_barcode(self, product_id: bytes, barcode: str, replace: bool = False) -> bool:
        """Makes a code the product's barcode. Raises AlreadyExists when it has one and that is not to be replaced."""
        held = self._connection.execute(select(product.c.barcode).where(product.c.id == product_id)).scalar_one()
        if held and held != barcode and not replace:
            raise AlreadyExists(
                f"The product has the barcode {held}, and there is room for one.",
                "Tick “replace” when the old one is no longer used, or make a product of its own.",
            )
        require_free(self._connection, "barcode", barcode, product_id)
        return self._apply(RecordKind.PRODUCT, product_id, {"barcode": barcode}, EVERYONE)

    def _checked(self, wanted: ProductFields, product_id: bytes | None) -> dict[str, Value]:
        require_code(wanted.sku, "The SKU")
        if not wanted.name or len(wanted.name) > NAME_CHARACTERS_MAX or not wanted.name.isprintable():
            raise InvalidInput(f"A name must have 1 to {NAME_CHARACTERS_MAX} printable characters.")
        if wanted.category:
            require_code(wanted.category, "The category")
        if wanted.barcode:
            require_code(wanted.barcode, "The barcode")
        if wanted.unit:
            require_code(wanted.unit, "The unit")
        if wanted.vat_code and wanted.vat_code not in self._vat_codes():
            raise InvalidInput(
                f"There is no VAT rate “{shorten(wanted.vat_code)}”.", "Add it among the VAT rates first."
            )
        if not wanted.archived:
            require_free(self._connection, "sku", wanted.sku, product_id)
            require_free(self._connection, "barcode", wanted.barcode, product_id)
        texts = {name: getattr(wanted, name) or None for name in ("category", "barcode", "unit", "vat_code")}
        fields: dict[str, Value] = {"sku": wanted.sku, "name": wanted.name, **texts}
        fields |= {"weighed": wanted.weighed, "limited": wanted.limited, "archived": wanted.archived}
        return {name: require_value(RecordKind.PRODUCT, name, value) for name, value in fields.items()}

    def _vat_codes(self) -> set[str | None]:
        statement = select(vat_rate.c.code).where(vat_rate.c.archived.is_(False))
        return set(self._connection.execute(statement).scalars())

    def _apply(self, kind: RecordKind, card_id: bytes, fields: dict[str, Value], audience: str) -> bool:
        edit: CardEdit | None = self._edit.prepare(kind, card_id, fields)
        return edit is not None and self._edit.apply([edit], {card_id: audience}) > 0


def require_free(connection: Connection, column: str, text: str, product_id: bytes | None) -> None:
    """Raises AlreadyExists when another product, which is sold, has the SKU or the barcode."""
    row = _find(connection, column, text) if text else None
    if row is not None and row.id != product_id:
        raise AlreadyExists(
            f"The code {shorten(text)} belongs to “{shorten(row.name or row.sku)}”.",
            "Use another, or edit that product.",
        )


def _find(connection: Connection, column: str, text: str) -> Any:
    statement = select(product).where(product.c[column] == text, product.c.archived.is_(False))
    return connection.execute(statement.order_by(product.c.id)).first()
