"""Cards as rows: their states, and the tables that show what a card's fields fold to. Contains no merge rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Table, bindparam, select, tuple_

from shared.domain.cards import CARD_FIELDS, FieldType, Value
from shared.domain.records import RecordKind
from shared.domain.tasks import next_at_us
from shared.domain.text_folding import search_text, sort_key
from shared.storage.client_index import clients_changed
from shared.storage.client_keys import keep_keys
from shared.storage.cursor_reading import Reader
from shared.storage.fact_rows import Row
from shared.storage.tables import (
    attachment,
    card,
    client,
    credential,
    dictionary_term,
    employee,
    erasure,
    loyalty_program,
    mail,
    position,
    price,
    product,
    product_request,
    promotion,
    report_template,
    role,
    substitution,
    task,
    vat_rate,
)

CardKey = tuple[int, bytes]
_KEYS_PER_QUERY_MAX = 500


def upsert(table: Table, connection: Connection) -> Any:
    """INSERT … ON CONFLICT (primary key) DO UPDATE of every other column."""
    statement = _dialect_insert(table, connection)
    keys = [column.name for column in table.primary_key]
    changes = {column.name: statement.excluded[column.name] for column in table.columns if column.name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=changes)


def insert_missing(table: Table, connection: Connection) -> Any:
    """INSERT … ON CONFLICT DO NOTHING."""
    return _dialect_insert(table, connection).on_conflict_do_nothing()


def _dialect_insert(table: Table, connection: Connection) -> Any:
    """Only the dialect in use is loaded: a branch never needs the other."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as postgresql_insert

        return postgresql_insert(table)
    from sqlalchemy.dialects.sqlite import insert as sqlite_insert

    return sqlite_insert(table)


# Built once: every merge asks, and to build a statement takes as long as to run it.
_OF_KIND = select(card.c.id, card.c.state).where(card.c.kind == bindparam("kind"))
_STATE = _OF_KIND.where(card.c.id == bindparam("id"))
_STATES = _OF_KIND.where(card.c.id.in_(bindparam("ids", expanding=True)))


def lock_cards(connection: Connection, keys: Iterable[CardKey]) -> None:
    """Makes the rows exist and holds them until the transaction ends, in one order, so that merges never deadlock.

    SQLite needs nothing: its writer is alone.
    """
    if connection.dialect.name != "postgresql":
        return
    ordered = sorted(keys)
    for start in range(0, len(ordered), _KEYS_PER_QUERY_MAX):
        chunk = ordered[start : start + _KEYS_PER_QUERY_MAX]
        placeholders = [{"kind": kind, "id": card_id, "state": b""} for kind, card_id in chunk]
        connection.execute(insert_missing(card, connection), placeholders)
        statement = select(card.c.id).where(tuple_(card.c.kind, card.c.id).in_(chunk))
        connection.execute(statement.order_by(card.c.kind, card.c.id).with_for_update()).all()


def load_states(reader: Reader, keys: Iterable[CardKey]) -> dict[CardKey, bytes]:
    """The serialised states of the cards that exist."""
    by_kind: dict[int, list[bytes]] = {}
    for kind, card_id in keys:
        by_kind.setdefault(kind, []).append(card_id)
    found: dict[CardKey, bytes] = {}
    for kind, card_ids in by_kind.items():
        for start in range(0, len(card_ids), _KEYS_PER_QUERY_MAX):
            chunk = card_ids[start : start + _KEYS_PER_QUERY_MAX]
            if len(chunk) == 1:
                rows = reader.execute(_STATE, {"kind": kind, "id": chunk[0]})
            else:
                rows = reader.execute(_STATES, {"kind": kind, "ids": chunk})
            found.update({(kind, card_id): state for card_id, state in rows if state})
    return found


def save_states(connection: Connection, rows: Sequence[Row]) -> None:
    """Writes rows of `card`, in column order."""
    upsert_rows(connection, card, rows)


def save_projections(
    connection: Connection, kind: int, shown: Mapping[bytes, Mapping[str, Value]], received_at_us: int | None
) -> None:
    """Writes what the cards' fields fold to into the kind's own table, when this release has one for it."""
    projection = PROJECTIONS.get(kind)
    if projection is not None:
        table, row_of = projection
        rows = [(card_id, *row_of(values), received_at_us) for card_id, values in shown.items()]
        upsert_rows(connection, table, rows)
        if kind == RecordKind.CLIENT:
            clients_changed(connection, shown.keys())
    if kind == RecordKind.CLIENT:
        keep_keys(connection, shown)


def upsert_rows(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Writes rows in column order, over those that are there.

    On SQLite the driver takes them as they are: a catalogue of 100 000 products is applied three times as fast.
    """
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        connection.connection.cursor().executemany(_sqlite_upsert(table), rows)
        return
    names = [column.name for column in table.columns]
    connection.execute(upsert(table, connection), [dict(zip(names, row, strict=True)) for row in rows])


def insert_rows(connection: Connection, table: Table, names: Sequence[str], rows: Sequence[Row]) -> None:
    """Adds rows that hold these columns, as fast as the dialect takes them without COPY."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        statement = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        connection.connection.cursor().executemany(statement, rows)
        return
    connection.execute(table.insert(), [dict(zip(names, row, strict=True)) for row in rows])


@lru_cache(maxsize=32)
def _sqlite_upsert(table: Table) -> str:
    names = [column.name for column in table.columns]
    keys = [column.name for column in table.primary_key]
    changes = ", ".join(f"{name} = excluded.{name}" for name in names if name not in keys)
    return (
        f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))}) "
        f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {changes}"
    )


def delete_card(connection: Connection, kind: int, card_id: bytes) -> None:
    """Forgets a card and what it shows."""
    connection.execute(card.delete().where(card.c.kind == kind, card.c.id == card_id))
    projection = PROJECTIONS.get(kind)
    if projection:
        table = projection[0]
        connection.execute(table.delete().where(table.c.id == card_id))
    if kind == RecordKind.CLIENT:
        clients_changed(connection, [card_id])
        keep_keys(connection, {card_id: {}})


def _client_row(values: Mapping[str, Value]) -> Row:
    name, external_id = _text(values, "name"), _text(values, "external_id")
    phones, emails = _texts(values, "phones"), _texts(values, "emails")
    return (
        external_id,
        name,
        "\n".join(phones) or None,
        "\n".join(emails) or None,
        _text(values, "note"),
        bool(values.get("do_not_contact")),
        bool(values.get("archived")),
        sort_key(name),
        search_text(name, external_id, *phones, *emails),
        _text(values, "group"),
        _text(values, "tier"),
        *_client_details(values),
    )


def _product_row(values: Mapping[str, Value]) -> Row:
    texts = (_text(values, field) for field in ("sku", "name", "category", "barcode", "unit"))
    flags = bool(values.get("archived")), bool(values.get("limited"))
    return (*texts, *flags, _text(values, "vat_code"), bool(values.get("weighed")))


def _price_row(values: Mapping[str, Value]) -> Row:
    return (
        _identity(values, "product_id"),
        _text(values, "zone"),
        _integer(values, "amount_minor"),
        bool(values.get("archived")),
        _integer(values, "valid_from"),
        _integer(values, "valid_to"),
    )


def _employee_row(values: Mapping[str, Value]) -> Row:
    return (
        _text(values, "code"),
        _text(values, "name"),
        bool(values.get("archived")),
        _integer(values, "dismissed_on"),
        _text(values, "language"),
    )


def _role_row(values: Mapping[str, Value]) -> Row:
    return (
        _text(values, "code"),
        _text(values, "name"),
        "\n".join(_texts(values, "permissions")) or None,
        _integer(values, "discount_basis_points_max"),
        _integer(values, "refund_without_receipt_minor_max"),
        bool(values.get("archived")),
        _text(values, "client_scope"),
        "\n".join(_texts(values, "hidden_fields")) or None,
    )


def _position_row(values: Mapping[str, Value]) -> Row:
    return (
        _identity(values, "employee_id"),
        _text(values, "role_code"),
        _identity(values, "reports_to"),
        "\n".join(_texts(values, "branches")) or None,
        _integer(values, "valid_from"),
        _integer(values, "valid_to"),
        bool(values.get("archived")),
    )


def _credential_row(values: Mapping[str, Value]) -> Row:
    return (
        _identity(values, "employee_id"),
        _text(values, "password_hash"),
        bool(values.get("must_change")),
        bool(values.get("archived")),
    )


def _promotion_row(values: Mapping[str, Value]) -> Row:
    sets = ("skus", "categories", "client_groups", "zones")
    return (
        *(_text(values, field) for field in ("code", "name", "type")),
        *(_integer(values, field) for field in ("value", "n", "m")),
        *("\n".join(_texts(values, field)) or None for field in sets),
        _integer(values, "valid_from"),
        _integer(values, "valid_to"),
        _text(values, "weekdays"),
        *(_integer(values, field) for field in ("minute_from", "minute_to", "minimum_minor")),
        bool(values.get("combinable")),
        bool(values.get("per_basket")),
        _integer(values, "priority"),
        bool(values.get("archived")),
    )


def _vat_rate_row(values: Mapping[str, Value]) -> Row:
    numbers = (_integer(values, field) for field in ("rate_basis_points", "valid_from", "valid_to"))
    return (_text(values, "code"), *numbers, bool(values.get("archived")))


def _loyalty_program_row(values: Mapping[str, Value]) -> Row:
    return (
        _text(values, "code"),
        _text(values, "name"),
        "\n".join(_texts(values, "earn_basis_points")) or None,
        *(_integer(values, field) for field in ("payable_share_basis_points_max", "expires_days", "point_value_minor")),
        bool(values.get("archived")),
    )


def _product_request_row(values: Mapping[str, Value]) -> Row:
    return (
        *(_text(values, field) for field in ("code", "problem", "name")),
        _integer(values, "amount_minor"),
        _text(values, "register"),
        *(_integer(values, field) for field in ("times", "first_seen_at", "last_seen_at")),
        _text(values, "state"),
        _integer(values, "answered_at"),
        _identity(values, "product_id"),
        _text(values, "note"),
    )


def _integer(values: Mapping[str, Value], field: str) -> int | None:
    value = values.get(field)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(values: Mapping[str, Value], field: str) -> str | None:
    value = values.get(field)
    return value if isinstance(value, str) else None


def _identity(values: Mapping[str, Value], field: str) -> bytes | None:
    value = values.get(field)
    return value if isinstance(value, bytes) else None


def _texts(values: Mapping[str, Value], field: str) -> tuple[str, ...]:
    value = values.get(field)
    return value if isinstance(value, tuple) else ()


RowOf = Callable[[Mapping[str, Value]], Row]
"""From the fields shown to a row's columns between `id` and `received_at`."""

_READERS: dict[FieldType, Callable[[Mapping[str, Value], str], Any]] = {
    FieldType.TEXT: _text,
    FieldType.INTEGER: _integer,
    FieldType.FLAG: lambda values, field: bool(values.get(field)),
    FieldType.ID: _identity,
    FieldType.TEXTS: lambda values, field: "\n".join(_texts(values, field)) or None,
}


def _as_named(kind: RecordKind, fields: Iterable[str] | None = None) -> RowOf:
    """Each field in the column of its name, in the order of the fields; sets of texts one a line."""
    specs = CARD_FIELDS[kind]
    readers = [(field, _READERS[specs[field].type]) for field in fields or specs]
    return lambda values: tuple([read(values, field) for field, read in readers])


_task_fields = _as_named(RecordKind.TASK)


def _task_row(values: Mapping[str, Value]) -> Row:
    due_at, snoozed_until = _integer(values, "due_at"), _integer(values, "snoozed_until")
    next_at = next_at_us(values.get("state"), bool(values.get("archived")), due_at, snoozed_until)
    return (*_task_fields(values), next_at)


_CLIENT_FIELDS = list(CARD_FIELDS[RecordKind.CLIENT])
_BEHIND_TIER = _CLIENT_FIELDS[_CLIENT_FIELDS.index("tier") + 1 :]
_client_details = _as_named(RecordKind.CLIENT, _BEHIND_TIER)
"""The fields of a client behind `tier`."""

PROJECTIONS: dict[int, tuple[Table, RowOf]] = {
    RecordKind.CLIENT: (client, _client_row),
    RecordKind.PRODUCT: (product, _product_row),
    RecordKind.PRICE: (price, _price_row),
    RecordKind.EMPLOYEE: (employee, _employee_row),
    RecordKind.PROMOTION: (promotion, _promotion_row),
    RecordKind.VAT_RATE: (vat_rate, _vat_rate_row),
    RecordKind.LOYALTY_PROGRAM: (loyalty_program, _loyalty_program_row),
    RecordKind.PRODUCT_REQUEST: (product_request, _product_request_row),
    RecordKind.ROLE: (role, _role_row),
    RecordKind.POSITION: (position, _position_row),
    RecordKind.CREDENTIAL: (credential, _credential_row),
    RecordKind.TASK: (task, _task_row),
    RecordKind.DICTIONARY_TERM: (dictionary_term, _as_named(RecordKind.DICTIONARY_TERM)),
    RecordKind.ATTACHMENT: (attachment, _as_named(RecordKind.ATTACHMENT)),
    RecordKind.ERASURE: (erasure, _as_named(RecordKind.ERASURE)),
    RecordKind.MAIL: (mail, _as_named(RecordKind.MAIL)),
    RecordKind.SUBSTITUTION: (substitution, _as_named(RecordKind.SUBSTITUTION)),
    RecordKind.REPORT_TEMPLATE: (report_template, _as_named(RecordKind.REPORT_TEMPLATE)),
}


def read_cards_after(connection: Connection, after: CardKey, limit: int) -> list[tuple[int, bytes, bytes]]:
    """The next cards in the order of their keys: kind, id and serialised state."""
    statement = (
        select(card.c.kind, card.c.id, card.c.state)
        .where(tuple_(card.c.kind, card.c.id) > tuple_(after[0], after[1]))
        .order_by(card.c.kind, card.c.id)
        .limit(limit)
    )
    return [(row[0], row[1], row[2]) for row in connection.execute(statement)]
