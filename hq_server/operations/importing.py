"""Importing the catalogue and clients at the head office: many rows, one transaction, bad rows named and left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, select

from hq_server.operations.catalog_rows import CatalogRow, price_label, read_catalog_row
from hq_server.operations.editing import HqEdit
from hq_server.storage.feed import EVERYONE, audience_of_zone
from shared.clock import Ids
from shared.domain.cards import Value
from shared.domain.identifiers import derived_id
from shared.domain.permissions import LOCAL_ADMINISTRATOR, Actor, Permission, require
from shared.domain.records import RecordKind
from shared.errors import FilialError
from shared.operations.cards import CardEdit, shown_fields
from shared.operations.clients import client_from_row
from shared.operations.tabular_files import FileRow
from shared.storage.card_rows import CardKey, load_states
from shared.storage.tables import client, product, vat_rate
from shared.sync.card_merge import CardState, FieldPatch
from shared.wire.cards import decode_state

_LOOKED_UP_PER_QUERY_MAX = 500


class FieldChange(NamedTuple):
    """A field that an import sets: of which row's card (`label` is how people name it), from what and to what.

    `created` says that the card is new.
    """

    row: int
    kind: RecordKind
    card_id: bytes
    label: str
    field: str
    old: Value
    new: Value
    created: bool


@dataclass(slots=True)
class ImportOutcome:
    """How many cards were added and changed and how, and which rows were left out and why.

    `import_id` is the command that wrote them; None for a preview, and when nothing was to be written.
    """

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    problems: list[dict[str, Any]] = field(default_factory=list)
    changes: list[FieldChange] = field(default_factory=list)
    import_id: bytes | None = None

    def counts(self) -> dict[str, int]:
        return {"added": self.added, "changed": self.changed, "unchanged": self.unchanged}


@dataclass(slots=True)
class _Wanted:
    """A card that a row asks for."""

    kind: RecordKind
    card_id: bytes
    fields: dict[str, Value]
    audience: str | None
    label: str = ""
    row: int = 0


def import_catalog(
    connection: Connection,
    ids: Ids,
    now_us: int,
    chain_id: bytes,
    currency: str,
    rows: Iterable[FileRow],
    preview: bool = False,
    actor: Actor = LOCAL_ADMINISTRATOR,
) -> ImportOutcome:
    """Products by SKU, and their prices by zone and first day. A known SKU is edited: only what a row names changes.

    A row that names what was archived brings it back. A preview writes nothing and says the same.
    """
    require(actor, Permission.CATALOG_EDIT)
    vat_codes = set(connection.execute(select(vat_rate.c.code).where(vat_rate.c.archived.is_(False))).scalars())

    def read(row: FileRow, known: Mapping[str, bytes]) -> list[_Wanted]:
        asked = read_catalog_row(row, currency, vat_codes)
        sku = str(asked.fields["sku"])
        product_id = known.get(sku) or ids.new_id()
        wanted = [_Wanted(RecordKind.PRODUCT, product_id, asked.fields, EVERYONE, sku)]
        if asked.amount_minor is not None:
            wanted.append(_price(chain_id, product_id, sku, asked))
        return wanted

    return _import(connection, ids, now_us, rows, product, "sku", read, preview, actor)


def _price(chain_id: bytes, product_id: bytes, sku: str, asked: CatalogRow) -> _Wanted:
    """A price with a first day is a card of its own; without one it is the zone's usual price."""
    begins = () if asked.valid_from is None else (str(asked.valid_from).encode(),)
    price_id = derived_id("price", chain_id, product_id, asked.zone.encode(), *begins)
    fields: dict[str, Value] = {"product_id": product_id, "zone": asked.zone, "amount_minor": asked.amount_minor}
    if asked.valid_from is not None:
        fields["valid_from"] = asked.valid_from
    if asked.valid_to is not None:
        fields["valid_to"] = asked.valid_to
    label = price_label(sku, asked.zone, asked.valid_from)
    return _Wanted(RecordKind.PRICE, price_id, fields, audience_of_zone(asked.zone), label)


def import_clients(
    connection: Connection, ids: Ids, now_us: int, country: str, rows: Iterable[FileRow]
) -> ImportOutcome:
    """Clients by external id. They reach the branches that know them."""

    def read(row: FileRow, known: Mapping[str, bytes]) -> list[_Wanted]:
        fields = client_from_row(row.values, country)
        external_id = fields.get("external_id")
        client_id = known.get(external_id) if isinstance(external_id, str) else None
        return [_Wanted(RecordKind.CLIENT, client_id or ids.new_id(), fields, None)]

    return _import(connection, ids, now_us, rows, client, "external_id", read, preview=False)


def _import(
    connection: Connection,
    ids: Ids,
    now_us: int,
    rows: Iterable[FileRow],
    table: Table,
    key_column: str,
    read: Callable[[FileRow, Mapping[str, bytes]], list[_Wanted]],
    preview: bool,
    actor: Actor = LOCAL_ADMINISTRATOR,
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
                card.row = row.number
                wanted[card.kind, card.card_id] = card
                key = card.fields.get(key_column)
                if isinstance(key, str):
                    known.setdefault(key, card.card_id)
        except FilialError as error:
            outcome.problems.append({"row": row.number, "reason": error.message})
    planned = _plan(connection, list(wanted.values()), outcome)
    if planned and not preview:
        edit = HqEdit(connection, ids, now_us, actor.employee_id)
        edits = [CardEdit(card.kind, card.card_id, edit.stamp, patches) for card, patches in planned]
        edit.apply(edits, {card.card_id: card.audience for card, _ in planned if card.audience is not None})
        outcome.import_id = edit.stamp.command_id
    return outcome


def _plan(
    connection: Connection, wanted: list[_Wanted], outcome: ImportOutcome
) -> list[tuple[_Wanted, tuple[FieldPatch, ...]]]:
    """What is to be written; counts it, and notes every field with its old and its new value."""
    stored = load_states(connection, [(card.kind, card.card_id) for card in wanted])
    planned = []
    for card in wanted:
        state_bytes = stored.get((card.kind, card.card_id))
        state = decode_state(state_bytes) if state_bytes else CardState()
        shown = shown_fields(card.kind, state)
        fields = dict(card.fields)
        if card.audience is not None and shown.get("archived"):
            fields["archived"] = False
        changed = {name: value for name, value in fields.items() if shown.get(name) != value}
        if not changed:
            outcome.unchanged += 1
            continue
        created = state_bytes is None
        outcome.added += created
        outcome.changed += not created
        for name, value in changed.items():
            old = shown.get(name)
            outcome.changes.append(
                FieldChange(card.row, card.kind, card.card_id, card.label, name, old, value, created)
            )
        planned.append((card, tuple(FieldPatch(name, value, state.seen(name)) for name, value in changed.items())))
    return planned


def _look_up(connection: Connection, table: Table, key_column: str, keys: list[str]) -> dict[str, bytes]:
    wanted = sorted({key for key in keys if key})
    found: dict[str, bytes] = {}
    for start in range(0, len(wanted), _LOOKED_UP_PER_QUERY_MAX):
        chunk = wanted[start : start + _LOOKED_UP_PER_QUERY_MAX]
        statement = select(table.c[key_column], table.c.id).where(table.c[key_column].in_(chunk)).order_by(table.c.id)
        for key, card_id in connection.execute(statement):
            found.setdefault(key, card_id)
    return found
