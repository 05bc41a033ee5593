"""Taking an erased person out of entries: a record that is of the person leaves its hash, a fact that sums are made of
leaves itself without the words that name the person. The chain verifies as before: every hash stays.

What goes follows from the bytes alone, so that every node that erases the same person says the same afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from google.protobuf.message import Message

from shared.domain.erasing import Erasing, is_like_a_contact, strike
from shared.domain.records import (
    CLIENT_FACT_KINDS,
    CLIENT_KINDS,
    KNOWN_KINDS,
    STAND_IN_KINDS,
    Record,
    RecordKind,
)
from shared.errors import DecodeError
from shared.sync.chain import hash_record
from shared.sync.messages import CardChange, CardFull, NeighbourFact
from shared.wire.cards import decode_patch, decode_state
from shared.wire.exchange import decode_feed_record
from shared.wire.generated import records_pb2 as pb
from shared.wire.generated import sync_pb2
from shared.wire.parsing import parse_message

_MESSAGES: Final[dict[int, type[Message]]] = {
    int(RecordKind.SALE): pb.Sale,
    int(RecordKind.REFUND): pb.Refund,
    int(RecordKind.RECEIPT_VOID): pb.ReceiptVoid,
    int(RecordKind.CASH_MOVEMENT): pb.CashMovement,
    int(RecordKind.AUDIT_ENTRY): pb.AuditEntry,
    int(RecordKind.STOCK_MOVEMENT): pb.StockMovement,
    int(RecordKind.LOYALTY_ENTRY): pb.LoyaltyEntry,
}


class Redacted(NamedTuple):
    """An entry without a person. `gone` are records that left their hash, `stand_ins` those that others stand in for;
    `found` are cards that turned out to belong to the person."""

    data: bytes
    gone: tuple[tuple[int, bytes], ...]
    stand_ins: tuple[tuple[int, bytes], ...]
    found: frozenset[tuple[int, bytes]]


def redact_entry(data: bytes, erasing: Erasing) -> Redacted | None:
    """The entry without the persons; None when nothing in it is of them. Raises DecodeError when it is no entry."""
    if not any(needle in data for needle in erasing.needles):
        return None
    message = sync_pb2.Entry.FromString(data)
    gone, stand_ins, found = [], [], set()
    cards = set(erasing.cards)
    for record in message.records:
        if record.hash and not record.payload:
            continue
        key = record.kind, record.id
        if is_of(Record(record.kind, record.id, record.payload), erasing.clients, cards):
            if record.kind in CLIENT_KINDS and key not in cards:
                cards.add(key)
                found.add(key)
            _leave_hash(record, b"")
            gone.append(key)
        elif record.kind in STAND_IN_KINDS:
            without = without_person(record.kind, record.payload, erasing)
            if without is not None:
                _leave_hash(record, without)
                stand_ins.append(key)
    if not gone and not stand_ins:
        return None
    return Redacted(message.SerializeToString(), tuple(gone), tuple(stand_ins), frozenset(found))


def is_of(record: Record, clients: Iterable[bytes], cards: Iterable[tuple[int, bytes]]) -> bool:
    """Whether a record is of one of the persons, and of nothing else."""
    kind, record_id, payload = record
    if kind == RecordKind.CLIENT:
        return record_id in clients
    if kind in CLIENT_KINDS:
        return (kind, record_id) in cards or bool(clients_named(payload) & set(clients))
    if kind in CLIENT_FACT_KINDS or kind not in KNOWN_KINDS:
        # By its bytes: what cannot be decoded goes too.
        return any(client_id in payload for client_id in clients)
    return False


def clients_named(payload: bytes) -> set[bytes]:
    """The clients that an edit of a card that belongs to a client names."""
    try:
        patches = decode_patch(payload)
    except DecodeError:
        return set()
    return {patch.value for patch in patches if patch.field == "client_id" and isinstance(patch.value, bytes)}


def without_person(kind: int, payload: bytes, erasing: Erasing) -> bytes | None:
    """A fact's payload without the words that name the persons; None when there are none, or it cannot be read."""
    try:
        message = parse_message(_MESSAGES[kind], payload)
    except DecodeError:
        return None
    owner = getattr(message, "client_id", b"")
    changed = False
    if kind in (RecordKind.SALE, RecordKind.REFUND):
        if owner and owner not in erasing.clients:
            return None  # the phone may be another's as well
        name = message.client  # type: ignore[attr-defined]
        if owner and is_like_a_contact(name):
            message.client = ""  # type: ignore[attr-defined]
            changed = True
    changed |= _strike(message, erasing.texts)
    return message.SerializeToString() if changed else None


def clients_of_feed_record(data: bytes) -> set[bytes]:
    """The clients that a record of the feed is of, by its own words; a card that only belongs to one may not say."""
    try:
        record = decode_feed_record(data)
        if isinstance(record, NeighbourFact):
            return {record.client_id}
        if record.kind == RecordKind.CLIENT:
            return {record.card_id}
        if record.kind not in CLIENT_KINDS:
            return set()
        if isinstance(record, CardChange):
            return {p.value for p in record.patches if p.field == "client_id" and isinstance(p.value, bytes)}
        if isinstance(record, CardFull):
            known = decode_state(record.state).fields.get("client_id")
            return {v.value for v in known.live if isinstance(v.value, bytes)} if known else set()
    except DecodeError:
        pass
    return set()


def _strike(message: Message, texts: tuple[str, ...]) -> bool:
    """Takes words out of every text of a message; whether there were any."""
    changed = False
    for descriptor, value in list(message.ListFields()):
        if descriptor.type == descriptor.TYPE_STRING and isinstance(value, str):
            left = strike(value, texts)
            if left != value:
                setattr(message, descriptor.name, left)
                changed = True
        elif descriptor.type == descriptor.TYPE_MESSAGE:
            parts: Any = [value] if isinstance(value, Message) else value
            for part in parts:
                changed |= _strike(part, texts)
    return changed


def _leave_hash(record: sync_pb2.Record, stand_in: bytes) -> None:
    if not record.hash:
        record.hash = hash_record(record.salt, record.kind, record.id, record.payload)
    record.salt = b""
    record.payload = stand_in
