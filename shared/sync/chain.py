"""The journal's hash chain: the fixed header of an entry, the salted hashes of its records, and their verification.

    record hash  = SHA-256("filial/record/1\\0"  ‖ salt ‖ kind ‖ record id ‖ payload)
    records hash = SHA-256("filial/records/1\\0" ‖ record hash ‖ record hash ‖ …)
    entry hash   = SHA-256("filial/entry/1\\0"   ‖ previous entry hash ‖ header ‖ records hash)
    genesis hash = SHA-256("filial/genesis/1\\0" ‖ branch ‖ incarnation ‖ parent’s incarnation ‖ its seq ‖ its hash)

One record and its salt can be erased, and payloads pruned: the chain still verifies from the record hashes that stay.
The byte layout is docs/sync-protocol.md §3; it can never change for version 1.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from shared.domain.identifiers import ID_BYTES, NIL_ID
from shared.errors import DecodeError

HASH_BYTES = 32
SALT_BYTES = 16
NO_HASH = bytes(HASH_BYTES)
HEADER_VERSION = 1

RECORDS_PER_ENTRY_MAX = 1_000
ENTRY_BYTES_MAX = 1_048_576

# version, flags, record count, epoch, seq, hlc, incarnation, command id, author
_HEADER = struct.Struct(">BBHIQQ16s16s16s")
HEADER_BYTES = _HEADER.size

_RECORD_PREFIX = struct.Struct(">H16s")
_GENESIS = struct.Struct(">16s16s16sQ32s")

FLAG_CONFIRMED = 0b0000_0001
"""HQ had committed the effects before the entry was journaled (centralized mode)."""

FLAG_REHOMED = 0b0000_0010
"""The entry was first journaled under another incarnation."""


class EntryHeader(NamedTuple):
    """The fixed part of an entry. `hlc_epoch` orders before `hlc`."""

    flags: int
    record_count: int
    hlc_epoch: int
    seq: int
    hlc: int
    incarnation: bytes
    command_id: bytes
    author: bytes


class Parent(NamedTuple):
    """Where an incarnation branched off: the parent incarnation, its last common seq, and that entry's hash."""

    incarnation: bytes = NIL_ID
    seq: int = 0
    entry_hash: bytes = NO_HASH


NO_PARENT = Parent()


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of a chain; seq 0 and the genesis hash when there is none."""

    seq: int
    entry_hash: bytes


def encode_header(header: EntryHeader) -> bytes:
    """The 72 bytes of a header."""
    return _HEADER.pack(HEADER_VERSION, *header)


def decode_header(data: bytes) -> EntryHeader:
    """Raises DecodeError when it is not a header of version 1."""
    if len(data) != HEADER_BYTES:
        raise DecodeError(f"An entry header has {HEADER_BYTES} bytes, this one has {len(data)}.")
    version, *fields = _HEADER.unpack(data)
    if version != HEADER_VERSION:
        raise DecodeError(f"Entry header version {version} is not known to this release.", "Upgrade this node.")
    return EntryHeader(*fields)


def hash_record(salt: bytes, kind: int, record_id: bytes, payload: bytes) -> bytes:
    """The salted hash of one record."""
    return hashlib.sha256(b"filial/record/1\0" + salt + _RECORD_PREFIX.pack(kind, record_id) + payload).digest()


def hash_records(record_hashes: Iterable[bytes]) -> bytes:
    """The hash over the record hashes, in the entry's order."""
    return hashlib.sha256(b"filial/records/1\0" + b"".join(record_hashes)).digest()


def hash_entry(previous_hash: bytes, header: bytes, records_hash: bytes) -> bytes:
    """The hash that the next entry covers."""
    return hashlib.sha256(b"filial/entry/1\0" + previous_hash + header + records_hash).digest()


def hash_genesis(branch_id: bytes, incarnation: bytes, parent: Parent = NO_PARENT) -> bytes:
    """What the first entry of an incarnation covers instead of a previous hash: it ties the chain to its branch."""
    packed = _GENESIS.pack(branch_id, incarnation, parent.incarnation, parent.seq, parent.entry_hash)
    return hashlib.sha256(b"filial/genesis/1\0" + packed).digest()


class SealedEntry(NamedTuple):
    """An entry whose header and record hashes are known: enough to check the chain."""

    header: EntryHeader
    header_bytes: bytes
    record_hashes: Sequence[bytes]


def chain_entries(incarnation: bytes, previous: Head, entries: Sequence[SealedEntry]) -> list[bytes]:
    """The hash of each entry, when they follow `previous` without a gap. Raises DecodeError otherwise."""
    hashes = []
    seq, entry_hash = previous.seq, previous.entry_hash
    for header, header_bytes, record_hashes in entries:
        seq += 1
        if header.seq != seq or header.incarnation != incarnation:
            raise DecodeError(f"Entry {seq} was expected, entry {header.seq} came.")
        if header.record_count != len(record_hashes):
            raise DecodeError(f"Entry {seq} names {header.record_count} records and holds {len(record_hashes)}.")
        entry_hash = hash_entry(entry_hash, header_bytes, hash_records(record_hashes))
        hashes.append(entry_hash)
    return hashes


assert HEADER_BYTES == 72
assert ID_BYTES == 16
