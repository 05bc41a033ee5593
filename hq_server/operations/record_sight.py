"""What of any card somebody sees who reviews records of the whole chain: values, names, and of clients only so much.

Contains no decisions about records.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Table, select

from hq_server.storage.tables import branch
from shared.domain.cards import Value
from shared.domain.client_masking import as_seen_by
from shared.domain.client_masking import hidden_fields as hidden_from
from shared.domain.permissions import Actor, ClientScope, Permission
from shared.domain.records import CLIENT_KINDS, RecordKind
from shared.operations.client_history import people_names
from shared.storage.tables import client, product

IDS_PER_QUERY_MAX: Final = 500

PLAIN_FIELDS: Final = frozenset(
    {
        "archived", "assignee_id", "branch_id", "client_id", "created_at", "created_by", "direction", "done_at",
        "done_by", "due_at", "due_has_time", "interaction_id", "in_reply_to", "media_type", "outcome", "previous_id",
        "purpose", "remind_minutes", "repeat", "size", "snoozed_until", "state", "type", "zone",
    }
)  # fmt: skip
"""Fields of a client’s tasks, files and letters that say nothing of the person; others are for who sees contacts."""

_NAMED_BY: Final = ("client_id", "employee_id", "product_id")
_NAMES: Final = ("name", "title", "code", "sku", "external_id")


class Seen(NamedTuple):
    """A value as somebody sees it."""

    value: Value
    is_hidden: bool = False


HIDDEN: Final = Seen(None, is_hidden=True)


class Sight(NamedTuple):
    """What one actor sees of the chain's records."""

    actor: Actor

    @property
    def sees_clients(self) -> bool:
        """Whether the clients of the whole chain are shown to the actor."""
        actor = self.actor
        everywhere = actor.client_scope is ClientScope.CHAIN and actor.may(Permission.REPORT_CHAIN)
        return everywhere and actor.may(Permission.CLIENT_VIEW)

    def value(self, kind: int, field: str, value: Value) -> Seen:
        """A field's value: whole, in part, or hidden."""
        if kind == RecordKind.CREDENTIAL and field == "password_hash":
            return Seen(None if value is None else hashlib.sha256(str(value).encode()).hexdigest()[:8])
        if kind != RecordKind.CLIENT and kind not in CLIENT_KINDS:
            return Seen(value)
        if not self.sees_clients:
            return HIDDEN
        if kind == RecordKind.CLIENT:
            return HIDDEN if field in hidden_from(self.actor) else Seen(as_seen_by(self.actor, field, value))
        plain = field in PLAIN_FIELDS or self.actor.may(Permission.CLIENT_CONTACTS)
        return Seen(value) if plain else HIDDEN

    def can_tell_apart(self, kind: int, field: str, values: Iterable[Value]) -> bool:
        """Whether the actor sees enough of different values to decide between them."""
        seen = [self.value(kind, field, value) for value in values]
        return not any(each.is_hidden for each in seen) and len({each.value for each in seen}) == len(seen)


def names_of_ids(connection: Connection, sight: Sight, ids: Collection[bytes]) -> Mapping[bytes, str]:
    """What people call employees, branches, products and clients, by id; clients as the actor may see them."""
    wanted = sorted(set(ids))
    names = people_names(connection, wanted)
    names |= {row.id: row.name or row.code for row in _rows(connection, branch, ("code", "name"), wanted)}
    names |= {row.id: row.name or row.sku or "" for row in _rows(connection, product, ("sku", "name"), wanted)}
    if sight.sees_clients:
        for row in _rows(connection, client, ("name",), wanted):
            names[row.id] = str(sight.value(RecordKind.CLIENT, "name", row.name).value or "")
    return names


def title_of(sight: Sight, kind: int, fields: Mapping[str, Value], names: Mapping[bytes, str]) -> str:
    """What a card is called; "" for one without a name, or whose name the actor may not see."""
    if kind != RecordKind.CLIENT:
        for field in _NAMED_BY:
            owner = fields.get(field)
            if isinstance(owner, bytes) and names.get(owner):
                return names[owner]
    for field in _NAMES:
        seen = sight.value(kind, field, fields.get(field))
        if seen.value and not seen.is_hidden:
            return str(seen.value)
    return ""


def ids_in(fields: Mapping[str, Value]) -> set[bytes]:
    """Whatever a card's fields name by id."""
    return {value for value in fields.values() if isinstance(value, bytes)}


def _rows(connection: Connection, table: Table, columns: tuple[str, ...], ids: list[bytes]) -> list[Any]:
    found: list[Any] = []
    for start in range(0, len(ids), IDS_PER_QUERY_MAX):
        chosen = table.c.id.in_(ids[start : start + IDS_PER_QUERY_MAX])
        found += connection.execute(select(table.c.id, *(table.c[name] for name in columns)).where(chosen))
    return found
