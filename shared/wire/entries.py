"""Journal entries as bytes: sealed once when they are recorded, opened where they arrive, forwarded unchanged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from shared.domain.erasing import is_like_a_contact
from shared.domain.identifiers import NIL_ID
from shared.domain.records import CLIENT_FACT_KINDS, KNOWN_KINDS, STAND_IN_KINDS, Record, RecordKind
from shared.errors import DecodeError
from shared.sync.chain import (
    ENTRY_BYTES_MAX,
    FLAG_CONFIRMED,
    FLAG_REHOMED,
    HASH_BYTES,
    NO_HASH,
    RECORDS_PER_ENTRY_MAX,
    SALT_BYTES,
    EntryHeader,
    SealedEntry,
    decode_header,
    encode_header,
    hash_entry,
    hash_record,
    hash_records,
)
from shared.wire.generated import records_pb2
from shared.wire.generated import sync_pb2 as pb
from shared.wire.parsing import parse_message, require_id

_KIND_MAX = 65_535

_PRUNED_KINDS = KNOWN_KINDS - STAND_IN_KINDS - CLIENT_FACT_KINDS
"""Of which no erasure changes what was counted. Of sales most are pruned, too."""


class Sealed(NamedTuple):
    """An entry's bytes and its hash in the chain."""

    data: bytes
    entry_hash: bytes


class OpenedEntry(NamedTuple):
    """An entry as it came. `records` leaves out those whose payload was erased; `record_hashes` has them all.

    Of a fact that named an erased person, `records` has what stands in for it: the same without the name.
    """

    header: EntryHeader
    header_bytes: bytes
    record_hashes: list[bytes]
    records: list[Record]
    data: bytes

    @property
    def sealed(self) -> SealedEntry:
        return SealedEntry(self.header, self.header_bytes, self.record_hashes)


def seal_entry(header: EntryHeader, records: Sequence[Record], salts: Sequence[bytes], previous_hash: bytes) -> Sealed:
    """Serialises an entry for ever and hashes it onto the chain. Raises DecodeError when it would be too large."""
    header_bytes = encode_header(header)
    message = pb.Entry(header=header_bytes)
    hashes = []
    for (kind, record_id, payload), salt in zip(records, salts, strict=True):
        message.records.add(kind=kind, id=record_id, salt=salt, payload=payload)
        hashes.append(hash_record(salt, kind, record_id, payload))
    data = message.SerializeToString()
    if len(data) > ENTRY_BYTES_MAX or len(records) > RECORDS_PER_ENTRY_MAX:
        raise DecodeError(f"One operation may change {RECORDS_PER_ENTRY_MAX} records and {ENTRY_BYTES_MAX} bytes.")
    return Sealed(data, hash_entry(previous_hash, header_bytes, hash_records(hashes)))


def reseal_entry(data: bytes, incarnation: bytes, seq: int, previous_hash: bytes) -> Sealed:
    """The same operation as an entry of another incarnation: its records, salts, clock and command id stay."""
    return _place_entry(data, FLAG_REHOMED, incarnation, seq, previous_hash)


def intend_entry(header: EntryHeader, records: Sequence[Record], salts: Sequence[bytes]) -> bytes:
    """An operation as an entry that is not in a chain yet. Raises DecodeError when it would be too large."""
    return seal_entry(header._replace(seq=0, incarnation=NIL_ID), records, salts, NO_HASH).data


def place_intent(data: bytes, confirmed: bool, incarnation: bytes, seq: int, previous_hash: bytes) -> Sealed:
    """An intended entry in its place in the chain; `confirmed`: HQ has committed it."""
    return _place_entry(data, FLAG_CONFIRMED if confirmed else 0, incarnation, seq, previous_hash)


def _place_entry(data: bytes, flags: int, incarnation: bytes, seq: int, previous_hash: bytes) -> Sealed:
    opened = open_entry(data)
    header = opened.header._replace(flags=opened.header.flags | flags, incarnation=incarnation, seq=seq)
    header_bytes = encode_header(header)
    message = pb.Entry.FromString(data)
    message.header = header_bytes
    sealed = hash_entry(previous_hash, header_bytes, hash_records(opened.record_hashes))
    return Sealed(message.SerializeToString(), sealed)


def prune_entry(data: bytes) -> bytes:
    """The entry without payloads, but for those that an erasure may have to change: the chain still verifies."""
    opened = open_entry(data)
    message = pb.Entry.FromString(data)
    for record, record_hash in zip(message.records, opened.record_hashes, strict=True):
        if record.kind in _PRUNED_KINDS or (record.kind == RecordKind.SALE and _is_nameless(record.payload)):
            record.CopyFrom(pb.Record(kind=record.kind, id=record.id, hash=record_hash))
    return message.SerializeToString()


def _is_nameless(payload: bytes) -> bool:
    """Whether a sale says of nobody who he is: no phone or name as the client's number, no words."""
    try:
        message = parse_message(records_pb2.Sale, payload)
    except DecodeError:
        return True
    return not (
        is_like_a_contact(message.client) or " " in message.client or any(line.reason for line in message.lines)
    )


def header_of(data: bytes) -> EntryHeader:
    """An entry's header alone."""
    return decode_header(pb.Entry.FromString(data).header)


def identities(data: bytes) -> list[tuple[int, bytes]]:
    """Kinds and ids of an entry's records, those of pruned ones too."""
    return [(record.kind, record.id) for record in pb.Entry.FromString(data).records]


def open_entry(data: bytes) -> OpenedEntry:
    """Parses an entry and hashes its records. Payloads stay as they are. Raises DecodeError."""
    if len(data) > ENTRY_BYTES_MAX:
        raise DecodeError(f"An entry of {len(data)} bytes came; the limit is {ENTRY_BYTES_MAX}.")
    message = parse_message(pb.Entry, data)
    if len(message.records) > RECORDS_PER_ENTRY_MAX:
        raise DecodeError(f"An entry of {len(message.records)} records came; the limit is {RECORDS_PER_ENTRY_MAX}.")
    hashes: list[bytes] = []
    records: list[Record] = []
    for record in message.records:
        kind, record_id, salt, payload, erased = record.kind, record.id, record.salt, record.payload, record.hash
        if erased:
            if len(erased) != HASH_BYTES or salt or (payload and kind not in STAND_IN_KINDS):
                raise DecodeError("An erased record must hold a hash of 32 bytes and nothing else.")
            hashes.append(erased)
            if payload:
                records.append(Record(kind, require_id(record_id), payload))
            continue
        if len(salt) != SALT_BYTES or not 0 < kind <= _KIND_MAX:
            raise DecodeError("A record has no salt of 16 bytes or no kind.")
        hashes.append(hash_record(salt, kind, require_id(record_id), payload))
        records.append(Record(kind, record_id, payload))
    header_bytes = message.header
    return OpenedEntry(decode_header(header_bytes), header_bytes, hashes, records, data)
