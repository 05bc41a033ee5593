"""What is known of a person before the person is erased: the cards that belong to it, and the words that name it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Connection, select

from shared.domain.cards import Value
from shared.domain.erasing import Erasing, is_like_a_contact, texts_to_find
from shared.domain.records import RecordKind
from shared.storage.card_rows import load_states
from shared.storage.erasing import cards_of_clients
from shared.storage.tables import card_edit, interaction, mail
from shared.wire.cards import decode_state

CONTACT_FIELDS = ("phones", "emails", "tax_number")
NAME_FIELDS = ("name", "address")
NAME_CHARACTERS_MIN = 3
_NUMBER_FIELDS = ("external_id", "loyalty_number")


def find_person(connection: Connection, client_ids: Iterable[bytes]) -> Erasing:
    """The persons with everything by which this node can find them. Asked before anything of them is deleted."""
    clients = frozenset(client_ids)
    contacts: set[str] = set()
    names: set[str] = set()
    for name, value in _values(connection, clients):
        texts = value if isinstance(value, tuple | list) else (value,)
        found = {text for text in texts if isinstance(text, str)}
        if name in CONTACT_FIELDS:
            contacts |= found
        elif name in NAME_FIELDS:
            names |= found
        elif name in _NUMBER_FIELDS:
            contacts |= {text for text in found if is_like_a_contact(text)}
    contacts |= {text for text in _used_contacts(connection, clients) if text}
    return Erasing(clients, frozenset(cards_of_clients(connection, clients)), texts_to_find(contacts, names))


def names_of(connection: Connection, client_ids: Iterable[bytes]) -> tuple[str, ...]:
    """Every name that the clients have or had here, of one word too: for places that speak of the clients alone."""
    found = {value for name, value in _values(connection, frozenset(client_ids)) if name == "name"}
    return tuple(sorted(each for each in found if isinstance(each, str) and len(each) >= NAME_CHARACTERS_MIN))


def _values(connection: Connection, clients: frozenset[bytes]) -> Iterator[tuple[str, Value | list[str]]]:
    """Every value that a field of the clients' cards has or had here."""
    kind = int(RecordKind.CLIENT)
    for state in load_states(connection, [(kind, client_id) for client_id in sorted(clients)]).values():
        for name, field in decode_state(state).fields.items():
            yield from ((name, version.value) for version in field.live)
    statement = select(card_edit.c.changes).where(card_edit.c.kind == kind, card_edit.c.card_id.in_(sorted(clients)))
    for changes in connection.execute(statement).scalars():
        known: dict[str, Any] = json.loads(changes)
        yield from known.items()


def _used_contacts(connection: Connection, clients: frozenset[bytes]) -> Iterator[str]:
    """Phones and addresses under which the clients were spoken with or written to."""
    for column, client_id in ((interaction.c.contact, interaction.c.client_id), (mail.c.address, mail.c.client_id)):
        statement = select(column).where(client_id.in_(sorted(clients)), column.is_not(None)).distinct()
        yield from connection.execute(statement).scalars()
