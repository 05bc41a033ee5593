"""Entries that still hold something of persons who are erased here: they are taken in without it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, select

from shared.domain.erasing import Erasing, texts_to_find
from shared.domain.interactions import ClientTransfer, Interaction
from shared.domain.loyalty import LoyaltyEntry
from shared.domain.records import CLIENT_KINDS, RecordKind
from shared.operations.erasing import CONTACT_FIELDS, NAME_FIELDS
from shared.storage.erasing import erased_among, note_erased
from shared.storage.tables import erased_card
from shared.wire.decoding import DecodedEntry, decode_entry
from shared.wire.entries import open_entry
from shared.wire.redacting import clients_named, redact_entry


class Link(NamedTuple):
    """What an edit of an erased card says: into which other it was merged, or, with None, that it is merged no more."""

    erased_id: bytes
    target: bytes | None
    command_id: bytes


class Arrived(NamedTuple):
    """Entries as they are taken in, and the clients of whom they held something although those are erased; `links` are
    what they say of merges of these, in their order."""

    entries: Sequence[DecodedEntry]
    erased: frozenset[bytes]
    links: tuple[Link, ...] = ()


def redact_arrivals(connection: Connection, entries: Sequence[DecodedEntry]) -> Arrived:
    """Takes erased clients out of entries that come from a branch which had not heard, before anything is applied."""
    named = set().union(*(_ids_of(entry) for entry in entries)) if entries else set()
    known = erased_among(connection, named)
    unread = [entry for entry in entries if entry.problem is not None]
    if unread:
        rows = connection.execute(select(erased_card)).all()
        known |= {(row.kind, row.id): row.client_id for row in rows if any(row.id in e.opened.data for e in unread)}
    if not known:
        return Arrived(entries, frozenset())
    clients = frozenset(known.values())
    erasing = Erasing(
        clients,
        frozenset(key for key in known if key[0] != RecordKind.CLIENT),
        texts_to_find(*_words(entries, clients)),
    )
    taken: list[DecodedEntry] = []
    concerned: set[bytes] = set()
    links: list[Link] = []
    for entry in entries:
        redacted = redact_entry(entry.opened.data, erasing)
        if redacted is None:
            taken.append(entry)
            continue
        for key in redacted.found:
            owner = min(_owners_named(entry, key) & erasing.clients)
            note_erased(connection, owner, [key])
            known[key] = owner
            erasing = erasing._replace(cards=erasing.cards | {key})
        concerned |= {client_id for client_id in erasing.clients if client_id in entry.opened.data}
        concerned |= {known[key] for key in redacted.gone if key in known}
        links += _links_of(entry, clients)
        taken.append(decode_entry(open_entry(redacted.data)))
    return Arrived(taken, frozenset(concerned), tuple(links))


def _links_of(entry: DecodedEntry, clients: frozenset[bytes]) -> list[Link]:
    return [
        Link(card_id, patch.value if isinstance(patch.value, bytes) else None, entry.opened.header.command_id)
        for kind, card_id, patches in entry.patches
        for patch in patches
        if kind == RecordKind.CLIENT and card_id in clients and patch.field == "merged_into"
    ]


def _words(entries: Sequence[DecodedEntry], clients: frozenset[bytes]) -> tuple[set[str], set[str]]:
    """What the entries themselves say that the clients are called: phones and addresses, and names."""
    contacts: set[str] = set()
    names: set[str] = set()
    for entry in entries:
        for kind, card_id, patches in entry.patches:
            if kind == RecordKind.CLIENT and card_id in clients:
                for patch in patches:
                    values = patch.value if isinstance(patch.value, tuple) else (patch.value,)
                    found = {value for value in values if isinstance(value, str)}
                    contacts |= found if patch.field in CONTACT_FIELDS else set()
                    names |= found if patch.field in NAME_FIELDS else set()
        for _, fact in entry.branch_facts:
            if isinstance(fact, Interaction) and fact.client_id in clients and fact.contact:
                contacts.add(fact.contact)
    return contacts, names


def _ids_of(entry: DecodedEntry) -> set[bytes]:
    """Ids by which an entry may be of an erased client."""
    ids: set[bytes | None] = set()
    for kind, card_id, patches in entry.patches:
        if kind == RecordKind.CLIENT or kind in CLIENT_KINDS:
            ids.add(card_id)
            ids |= {p.value for p in patches if p.field == "client_id" and isinstance(p.value, bytes)}
    for _, fact in entry.branch_facts:
        if isinstance(fact, Interaction | ClientTransfer | LoyaltyEntry):
            ids.add(fact.client_id)
    ids |= {sold.client_id for _, sold in entry.sales if sold.client}
    ids |= {refunded.client_id for _, refunded in entry.refunds if refunded.client}
    return {each for each in ids if each is not None}


def _owners_named(entry: DecodedEntry, key: tuple[int, bytes]) -> set[bytes]:
    """The clients that an entry names as a card's."""
    records = entry.opened.records
    return set().union(*(clients_named(r.payload) for r in records if (r.kind, r.record_id) == key))
