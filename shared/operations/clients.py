"""Clients' cards: what may be written into them, and finding and showing them. Alike at a branch and at HQ."""

from __future__ import annotations

import json
from collections import namedtuple
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, select

from shared.domain.business_time import format_us
from shared.domain.cards import Value, require_value
from shared.domain.clients import CONSENTS, normalize_field
from shared.domain.identifiers import format_id, is_id, parse_id, shorten
from shared.domain.records import RecordKind
from shared.errors import AlreadyExists, InvalidInput, NotFound
from shared.operations.cards import load_card, shown_fields
from shared.operations.client_finding import FOUND_MAX, Restriction, find_hits
from shared.operations.client_history import people_names
from shared.operations.tabular_files import parse_flag
from shared.storage.conflict_rows import conflicts_of_card
from shared.storage.tables import client
from shared.sync.card_merge import CardState
from shared.sync.hlc import wall_ms

_SUMMARISED = (
    *("id", "external_id", "name", "phones", "emails", "note", "do_not_contact", "client_group", "tier", "archived"),
    *("kind", "tags", "loyalty_number", "owner_id"),
)
_ROWS = select(*[client.c[name] for name in _SUMMARISED]).where(client.c.id.in_(bindparam("ids", expanding=True)))
_SummaryRow = namedtuple("_SummaryRow", _SUMMARISED)  # type: ignore[misc]
_LIST_SEPARATOR = ";"
COLUMNS = (
    *("external_id", "name", "phones", "emails", "note", "do_not_contact", "group", "tier"),
    *("tags", "loyalty_number", "birthday", "preferences", "address"),
)
_SEVERAL = frozenset({"phones", "emails", "tags"})
_ALIASES = {"id": "external_id", "phone": "phones", "email": "emails", "notes": "note"}


def client_fields(given: Mapping[str, Any], country: str) -> dict[str, Value]:
    """The fields of a card from what was typed, normalized. Raises InvalidInput.

    `given` may hold any field of a client; phones, emails and tags are sequences. None empties a field.
    """
    fields = {name: normalize_field(name, value, country) for name, value in given.items()}
    return {name: require_value(RecordKind.CLIENT, name, value) for name, value in fields.items()}


def client_from_row(values: Mapping[str, str], country: str) -> dict[str, Value]:
    """The fields of a card from a row of a file. Raises InvalidInput for unknown columns and bad values."""
    given: dict[str, Any] = {}
    for column, text in values.items():
        name = _ALIASES.get(column, column)
        if name not in COLUMNS:
            raise InvalidInput(f"There is no column “{shorten(column)}”.", f"There are: {', '.join(COLUMNS)}.")
        if name in _SEVERAL:
            given[name] = [part for part in text.replace(",", _LIST_SEPARATOR).split(_LIST_SEPARATOR) if part.strip()]
        elif name == "do_not_contact":
            given[name] = parse_flag(text)
        else:
            given[name] = text
    if "name" not in given and "external_id" not in given:
        raise InvalidInput("A client needs a name or an external id.")
    return client_fields(given, country)


def require_new_external_id(connection: Connection, external_id: Value) -> None:
    """Raises AlreadyExists when a client that is not archived has it."""
    if not isinstance(external_id, str):
        return
    found = find_by_external_id(connection, external_id)
    if found is not None:
        raise AlreadyExists(
            f"There is a client with the external id {external_id} already: {format_id(found)}.",
            "Edit that card, or use another external id.",
        )


def find_by_external_id(connection: Connection, external_id: str) -> bytes | None:
    """The client with that external id; the oldest card when there are several."""
    statement = (
        select(client.c.id)
        .where(client.c.external_id == external_id, client.c.archived.is_(False))
        .order_by(client.c.id)
        .limit(1)
    )
    return connection.execute(statement).scalar_one_or_none()


def resolve_client(connection: Connection, reference: str) -> bytes:
    """A client by id or external id. Raises NotFound."""
    found = parse_id(reference) if is_id(reference) else find_by_external_id(connection, reference)
    if found is None or load_card(connection, RecordKind.CLIENT, found) is None:
        raise NotFound(f"There is no client “{shorten(reference)}” here.", "Look with: client find TEXT")
    return found


def find_clients(
    connection: Connection,
    text: str,
    limit: int = FOUND_MAX,
    restriction: Restriction | None = None,
    with_recent: bool = False,
) -> list[dict[str, Any]]:
    """Rows of the clients that fit best, best first, see shared.operations.client_finding; archived ones last."""
    hits = find_hits(connection, text, limit, restriction, with_recent)
    rows = client_rows(connection, [hit.client_id for hit in hits])
    return [client_summary(rows[hit.client_id]) for hit in hits if hit.client_id in rows]


def client_rows(connection: Connection, client_ids: Collection[bytes]) -> dict[bytes, Any]:
    """The rows of these clients as `client_summary` takes them, by id."""
    if not client_ids:
        return {}
    if connection.dialect.name == "sqlite":
        # Through the driver: a search shows fifty rows at every key.
        cursor: Any = connection.connection.cursor()
        marks = ", ".join("?" * len(client_ids))
        rows = cursor.execute(f"SELECT {', '.join(_SUMMARISED)} FROM client WHERE id IN ({marks})", tuple(client_ids))
        return {row[0]: _SummaryRow._make(row) for row in rows}
    return {row.id: row for row in connection.execute(_ROWS, {"ids": list(client_ids)})}


def client_summary(row: Any) -> dict[str, Any]:
    """A row of the list."""
    return {
        "id": format_id(row.id),
        "external_id": row.external_id,
        "name": row.name,
        "phones": row.phones.split("\n") if row.phones else [],
        "emails": row.emails.split("\n") if row.emails else [],
        "note": row.note,
        "do_not_contact": bool(row.do_not_contact),
        "group": row.client_group,
        "tier": row.tier,
        "archived": bool(row.archived),
        "kind": row.kind,
        "tags": row.tags.split("\n") if row.tags else [],
        "loyalty_number": row.loyalty_number,
        "owner": None if row.owner_id is None else format_id(row.owner_id),
    }


def summary_of_state(client_id: bytes, state: CardState) -> dict[str, Any]:
    """The same of a card that is not stored here."""
    shown = shown_fields(RecordKind.CLIENT, state)
    return {
        "id": format_id(client_id),
        "external_id": shown.get("external_id"),
        "name": shown.get("name"),
        "phones": list(_texts(shown.get("phones"))),
        "emails": list(_texts(shown.get("emails"))),
        "note": shown.get("note"),
        "do_not_contact": bool(shown.get("do_not_contact")),
        "group": shown.get("group"),
        "tier": shown.get("tier"),
        "archived": bool(shown.get("archived")),
        "kind": shown.get("kind"),
        "tags": list(_texts(shown.get("tags"))),
        "loyalty_number": shown.get("loyalty_number"),
        "owner": format_id(owner) if isinstance(owner := shown.get("owner_id"), bytes) else None,
    }


def _texts(value: Value) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()


def client_card(connection: Connection, client_id: bytes, branch_names: Mapping[bytes, str]) -> dict[str, Any]:
    """A client with the open conflicts of its fields. `branch_names` are the branches known here, by id."""
    row = connection.execute(select(client).where(client.c.id == client_id)).one_or_none()
    if row is None:
        raise NotFound("There is no such client here.")
    return (
        client_summary(row)
        | client_details(connection, row)
        | {
            "conflicts": [
                conflict_document(found, branch_names)
                for found in conflicts_of_card(connection, RecordKind.CLIENT, client_id)
            ]
        }
    )


_DETAILS = (
    "kind", "birthday", "preferences", "address", "language", "tax_number", "loyalty_number", "position",
    "do_not_contact_reason", "no_next_step",
)  # fmt: skip


def client_details(connection: Connection, row: Any) -> dict[str, Any]:
    """What a card says beyond the row of a list. A consent without a moment was never asked for."""
    owners = people_names(connection, [row.owner_id] if row.owner_id else [])
    consents = {
        consent.given.removeprefix("consent_"): {
            "given": bool(getattr(row, consent.given)),
            "source": getattr(row, consent.source),
            "at": None if getattr(row, consent.at) is None else format_us(getattr(row, consent.at)),
        }
        for consent in CONSENTS
    }
    return {
        **{name: getattr(row, name) for name in _DETAILS},
        "tags": row.tags.split("\n") if row.tags else [],
        "owner": owners.get(row.owner_id) if row.owner_id else None,
        "company": None if row.company_id is None else format_id(row.company_id),
        "merged_into": None if row.merged_into is None else format_id(row.merged_into),
        "consents": consents,
    }


def conflict_document(row: Any, branch_names: Mapping[bytes, str]) -> dict[str, Any]:
    """A conflict with both values, who made them, where and when, the rule, and which is shown."""
    shown_is_newer = row.shown_command_id == row.newer_command_id
    return {
        "kind": RecordKind(row.kind).name.lower(),
        "card": format_id(row.card_id),
        "field": row.field,
        "rule": row.rule,
        "shown": "newer" if shown_is_newer else "older",
        **{
            side: {
                "value": json.loads(getattr(row, f"{side}_value")),
                "branch": branch_names.get(getattr(row, f"{side}_branch_id"), "another branch"),
                "at": format_us(wall_ms(getattr(row, f"{side}_hlc")) * 1_000),
            }
            for side in ("older", "newer")
        },
        "detected_at": format_us(row.detected_at),
    }
