"""What an import does with each row: whom it finds, which fields it sets, what is wrong with it. Writes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, select

from branch_node.operations.client_importing.kept import (
    ADDED,
    BAD,
    CHANGED,
    OVERWRITE,
    SAME,
    SKIP,
    SKIPPED,
    ImportSettings,
)
from shared.domain.cards import CARD_FIELDS, FieldType, Value
from shared.domain.client_columns import read_row
from shared.domain.identifiers import derived_id
from shared.domain.records import RecordKind
from shared.errors import FilialError
from shared.operations.clients import client_fields
from shared.storage.card_rows import load_states
from shared.storage.tables import client
from shared.sync.card_merge import shown_value
from shared.wire.cards import decode_state

_KEYS: Final = ("external_id", "loyalty_number", "tax_number")
_SETS: Final = frozenset(name for name, spec in CARD_FIELDS[RecordKind.CLIENT].items() if spec.type is FieldType.TEXTS)
_RULES = {name: spec.rule for name, spec in CARD_FIELDS[RecordKind.CLIENT].items()}

SOURCE: Final = "import"
"""The source of consents that a file says were given."""


class Planned(NamedTuple):
    """What becomes of one row. `changes` by field; `before` by field what there was and what there will be; of a bad
    row the column, if it is about one, and what is wrong."""

    row_number: int
    outcome: str
    reason: str = ""
    client_id: bytes | None = None
    changes: Mapping[str, Value] = {}
    before: Mapping[str, tuple[Value, Value]] = {}
    repaired: tuple[tuple[str, str], ...] = ()
    column: str = ""

    def before_json(self) -> str:
        """By field, what there was and what there will be."""
        pairs = {name: [_as_json(value) for value in pair] for name, pair in self.before.items()}
        return json.dumps(pairs, ensure_ascii=False)


@dataclass(slots=True)
class KnownClients:
    """Who is known by which number, phone and e-mail: of several the oldest card; not archived and merged ones."""

    by_key: dict[tuple[str, str], bytes] = field(default_factory=dict)

    @classmethod
    def load(cls, connection: Connection) -> KnownClients:
        """Everybody here."""
        known = cls()
        columns = [client.c[name] for name in (*_KEYS, "phones", "emails")]
        statement = select(client.c.id, *columns).where(client.c.archived.is_(False), client.c.merged_into.is_(None))
        for client_id, *numbers, phones, emails in connection.execute(statement.order_by(client.c.id)):
            fields: dict[str, Value] = dict(zip(_KEYS, numbers, strict=True))
            fields |= {"phones": _lines(phones), "emails": _lines(emails)}
            known.note(client_id, fields)
        return known

    def note(self, client_id: bytes, fields: Mapping[str, Value]) -> None:
        """This client is known by these fields from now on."""
        for key in _keys_of(fields):
            self.by_key.setdefault(key, client_id)

    def find(self, fields: Mapping[str, Value]) -> bytes | None:
        """The client that a row means: by a number first, then by phone, then by e-mail."""
        return next((self.by_key[key] for key in _keys_of(fields) if key in self.by_key), None)


def _keys_of(fields: Mapping[str, Value]) -> Iterable[tuple[str, str]]:
    for name in _KEYS:
        value = fields.get(name)
        if isinstance(value, str) and value:
            yield name, value
    for name in ("phones", "emails"):
        value = fields.get(name)
        if isinstance(value, tuple):
            yield from ((name, text) for text in value)


def _lines(text: str | None) -> tuple[str, ...]:
    return tuple(text.split("\n")) if text else ()


class Planner:
    """Plans rows one after the other: a row may mean a client that an earlier row of the file made."""

    def __init__(
        self, connection: Connection, import_id: bytes, settings: ImportSettings, country: str, now_us: int
    ) -> None:
        self._import_id = import_id
        self._settings = settings
        self._country = country
        self._now_us = now_us
        self._known = KnownClients.load(connection)
        # What earlier rows of this file will have made of a client.
        self._shown: dict[bytes, dict[str, Value]] = {}

    def forget_written(self) -> None:
        """What was planned so far is in the store by now."""
        self._shown.clear()

    def plan(self, connection: Connection, row_number: int, cells: Mapping[str, str]) -> Planned:
        """What becomes of a row."""
        try:
            read = read_row(cells, self._settings.mapping, self._country)
            fields = client_fields(self._with_common(read.fields), self._country)
        except FilialError as error:
            return Planned(row_number, BAD, error.message, column=getattr(error, "column", ""))
        repaired = tuple(read.repaired)
        found = self._known.find(fields)
        shown = self._shown_of(connection, found) if found is not None else {}
        if found is None or _are_others(shown, fields):
            client_id = derived_id("client-import", self._import_id, str(row_number).encode())
            before: dict[str, tuple[Value, Value]]
            before = {name: (None, value) for name, value in fields.items() if value not in (None, ())}
            self._note(client_id, {}, fields)
            return Planned(row_number, ADDED, "", client_id, fields, before, repaired)
        if self._settings.policy == SKIP:
            return Planned(row_number, SKIPPED, "", found, repaired=repaired)
        changes = {name: value for name, value in self._merged(shown, fields).items() if shown.get(name) != value}
        self._note(found, shown, changes)
        before = {name: (shown.get(name), value) for name, value in changes.items()}
        return Planned(row_number, CHANGED if changes else SAME, "", found, changes, before, repaired)

    def _with_common(self, fields: Mapping[str, Value]) -> dict[str, Value]:
        """What all clients of the file get, and where and when their consents came from."""
        whole = dict(fields)
        if self._settings.tag:
            tags = whole.get("tags")
            whole["tags"] = tuple(sorted({*(tags if isinstance(tags, tuple) else ()), self._settings.tag}))
        if self._settings.owner_id is not None:
            whole["owner_id"] = self._settings.owner_id
        for consent in ("consent_data", "consent_advertising"):
            if consent in whole:
                whole[f"{consent}_source"] = SOURCE
                whole[f"{consent}_at"] = self._now_us
        return whole

    def _merged(self, shown: Mapping[str, Value], fields: Mapping[str, Value]) -> dict[str, Value]:
        """The fields that a known client is to have: sets united; others as the policy says. A consent that was
        withdrawn, and the wish not to be contacted, are never taken away by a file."""
        merged: dict[str, Value] = {}
        for name, value in fields.items():
            held = shown.get(name)
            if name in _SETS:
                merged[name] = tuple(sorted({*_as_set(held), *_as_set(value)}))
            elif name == "do_not_contact":
                merged[name] = bool(held) or bool(value)
            elif name.startswith("consent_"):
                if shown.get(name.removesuffix("_source").removesuffix("_at")) is None:
                    merged[name] = value
            elif held in (None, "") or self._settings.policy == OVERWRITE:
                merged[name] = value
        return merged

    def _shown_of(self, connection: Connection, client_id: bytes) -> dict[str, Value]:
        known = self._shown.get(client_id)
        if known is None:
            key = (int(RecordKind.CLIENT), client_id)
            state = load_states(connection, [key]).get(key)
            fields = decode_state(state).fields if state else {}
            known = {name: shown_value(held.live, _RULES[name]) for name, held in fields.items() if name in _RULES}
        return known

    def _note(self, client_id: bytes, shown: Mapping[str, Value], changes: Mapping[str, Value]) -> None:
        self._shown[client_id] = {**shown, **changes}
        self._known.note(client_id, changes)


def _are_others(shown: Mapping[str, Value], fields: Mapping[str, Value]) -> bool:
    """Whether a number says that these are two people, though they share a phone or an e-mail."""
    return any(shown.get(name) and fields.get(name) and shown[name] != fields[name] for name in _KEYS)


def _as_set(value: Value) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()


def _as_json(value: Value) -> Any:
    return {"id": value.hex()} if isinstance(value, bytes) else value


def value_from_json(field_name: str, value: Any) -> Value:
    """A value of `before_json` as a card holds it."""
    if field_name in _SETS:
        return tuple(value or ())
    if isinstance(value, dict) and "id" in value:
        return bytes.fromhex(value["id"])
    kept: Value = value
    return kept
