"""Importing the catalogue and clients at the head office: many rows, one transaction, bad rows named and left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, select

from hq_server.operations.editing import HqEdit
from hq_server.storage.feed import EVERYONE, audience_of_zone
from shared.clock import Ids
from shared.domain.cards import Value, require_value
from shared.domain.identifiers import derived_id, require_code, shorten
from shared.domain.money import parse_major, require_minor
from shared.domain.records import RecordKind
from shared.errors import FilialError, InvalidInput
from shared.operations.cards import CardEdit, shown_fields
from shared.operations.clients import client_from_row
from shared.operations.tabular_files import FileRow, parse_flag
from shared.storage.card_rows import CardKey, load_states
from shared.storage.tables import client, product
from shared.sync.card_merge import CardState, FieldPatch
from shared.wire.cards import decode_state

CATALOG_COLUMNS = ("sku", "name", "category", "barcode", "unit", "price", "price_minor", "zone", "limited")
_PRODUCT_FIELDS = ("sku", "name", "category", "barcode", "unit")
_LOOKED_UP_PER_QUERY_MAX = 500


@dataclass(slots=True)
class ImportOutcome:
    """How many cards were added and changed, and which rows were left out and why."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    problems: list[dict[str, Any]] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        return {"added": self.added, "changed": self.changed, "unchanged": self.unchanged}


@dataclass(slots=True)
class _Wanted:
    """A card that a row asks for."""

    kind: RecordKind
    card_id: bytes
    fields: dict[str, Value]
    audience: str | None


def import_catalog(
    connection: Connection, ids: Ids, now_us: int, chain_id: bytes, currency: str, rows: Iterable[FileRow]
) -> ImportOutcome:
    """Products by SKU, and their prices by zone. A known SKU is edited: only what a row names changes."""

    def read(row: FileRow, known: Mapping[str, bytes]) -> list[_Wanted]:
        fields, amount_minor, zone = _catalog_row(row, currency)
        sku = str(fields["sku"])
        product_id = known.get(sku) or ids.new_id()
        wanted = [_Wanted(RecordKind.PRODUCT, product_id, fields, EVERYONE)]
        if amount_minor is not None:
            price_id = derived_id("price", chain_id, product_id, zone.encode())
            price: dict[str, Value] = {"product_id": product_id, "zone": zone, "amount_minor": amount_minor}
            wanted.append(_Wanted(RecordKind.PRICE, price_id, price, audience_of_zone(zone)))
        return wanted

    return _import(connection, ids, now_us, rows, product, "sku", read)


def import_clients(
    connection: Connection, ids: Ids, now_us: int, country: str, rows: Iterable[FileRow]
) -> ImportOutcome:
    """Clients by external id. They reach the branches that know them."""

    def read(row: FileRow, known: Mapping[str, bytes]) -> list[_Wanted]:
        fields = client_from_row(row.values, country)
        external_id = fields.get("external_id")
        client_id = known.get(external_id) if isinstance(external_id, str) else None
        return [_Wanted(RecordKind.CLIENT, client_id or ids.new_id(), fields, None)]

    return _import(connection, ids, now_us, rows, client, "external_id", read)


def _import(
    connection: Connection,
    ids: Ids,
    now_us: int,
    rows: Iterable[FileRow],
    table: Table,
    key_column: str,
    read: Callable[[FileRow, Mapping[str, bytes]], list[_Wanted]],
) -> ImportOutcome:
    outcome = ImportOutcome()
    kept = list(rows)
    known = _look_up(connection, table, key_column, [row.values.get(key_column, "") for row in kept])
    wanted: dict[CardKey, _Wanted] = {}
    for row in kept:
        try:
            for card in read(row, known):
                before = wanted.get((card.kind, card.card_id))
                if before is not None:
                    card.fields = {**before.fields, **card.fields}
                wanted[card.kind, card.card_id] = card
                key = card.fields.get(key_column)
                if isinstance(key, str):
                    known.setdefault(key, card.card_id)
        except FilialError as error:
            outcome.problems.append({"row": row.number, "reason": error.message})
    _write(connection, ids, now_us, list(wanted.values()), outcome)
    return outcome


def _write(connection: Connection, ids: Ids, now_us: int, wanted: list[_Wanted], outcome: ImportOutcome) -> None:
    edit = HqEdit(connection, ids, now_us)
    stored = load_states(connection, [(card.kind, card.card_id) for card in wanted])
    edits: list[CardEdit] = []
    audiences: dict[bytes, str] = {}
    for card in wanted:
        state_bytes = stored.get((card.kind, card.card_id))
        state = decode_state(state_bytes) if state_bytes else CardState()
        shown = shown_fields(card.kind, state)
        patches = tuple(
            FieldPatch(name, value, state.seen(name)) for name, value in card.fields.items() if shown.get(name) != value
        )
        if not patches:
            outcome.unchanged += 1
            continue
        if state_bytes:
            outcome.changed += 1
        else:
            outcome.added += 1
        edits.append(CardEdit(card.kind, card.card_id, edit.stamp, patches))
        if card.audience is not None:
            audiences[card.card_id] = card.audience
    edit.apply(edits, audiences)


def _look_up(connection: Connection, table: Table, key_column: str, keys: list[str]) -> dict[str, bytes]:
    wanted = sorted({key for key in keys if key})
    found: dict[str, bytes] = {}
    for start in range(0, len(wanted), _LOOKED_UP_PER_QUERY_MAX):
        chunk = wanted[start : start + _LOOKED_UP_PER_QUERY_MAX]
        statement = select(table.c[key_column], table.c.id).where(table.c[key_column].in_(chunk)).order_by(table.c.id)
        for key, card_id in connection.execute(statement):
            found.setdefault(key, card_id)
    return found


def _catalog_row(row: FileRow, currency: str) -> tuple[dict[str, Value], int | None, str]:
    values = row.values
    unknown = sorted(values.keys() - set(CATALOG_COLUMNS))
    if unknown:
        raise InvalidInput(f"There is no column “{shorten(unknown[0])}”.", f"There are: {', '.join(CATALOG_COLUMNS)}.")
    fields: dict[str, Value] = {"sku": require_code(values.get("sku"), "sku")}
    for name in _PRODUCT_FIELDS[1:]:
        if name in values:
            fields[name] = require_value(RecordKind.PRODUCT, name, values[name])
    if "limited" in values:
        fields["limited"] = parse_flag(values["limited"])
    if "category" in values:
        require_code(values["category"], "category")
    zone = require_code(values["zone"], "zone") if "zone" in values else ""
    return fields, _price(values, currency), zone


def _price(values: Mapping[str, str], currency: str) -> int | None:
    if "price_minor" in values:
        text = values["price_minor"]
        if not text.isascii() or not text.isdigit():
            raise InvalidInput(f"price_minor “{shorten(text)}” is not a whole number of minor units.")
        return require_minor(int(text), "price_minor")
    if "price" in values:
        return require_minor(parse_major(values["price"], currency), "price")
    return None
