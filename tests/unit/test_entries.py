"""Journal entries as bytes: sealed once, opened anywhere, and verifiable even after a record was erased."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.records import Record
from shared.errors import DecodeError
from shared.sync.chain import ENTRY_BYTES_MAX, RECORDS_PER_ENTRY_MAX, EntryHeader, Head, chain_entries, hash_genesis
from shared.wire.entries import OpenedEntry, Sealed, open_entry, seal_entry
from shared.wire.generated import sync_pb2 as pb
from tests.support.strategies import MANY, SOME, damaged, ids

BRANCH, INCARNATION = b"b" * 16, b"i" * 16
GENESIS = Head(0, hash_genesis(BRANCH, INCARNATION))

records = st.lists(st.builds(Record, st.integers(1, 65_535), ids, st.binary(max_size=50)), max_size=5)


def header(count: int, seq: int = 1) -> EntryHeader:
    return EntryHeader(0, count, 0, seq, seq << 16, INCARNATION, b"c" * 16, b"a" * 16)


def seal(kept: list[Record], seq: int = 1, previous: bytes = GENESIS.entry_hash) -> Sealed:
    return seal_entry(header(len(kept), seq), kept, [bytes([n]) * 16 for n in range(len(kept))], previous)


def chain(*entries: OpenedEntry) -> list[bytes]:
    return chain_entries(INCARNATION, GENESIS, [entry.sealed for entry in entries])


@MANY
@given(records)
def test_an_entry_is_opened_as_it_was_sealed(kept: list[Record]) -> None:
    sealed = seal(kept)
    opened = open_entry(sealed.data)
    assert opened.records == kept
    assert opened.header == header(len(kept))
    assert opened.data == sealed.data
    assert chain(opened) == [sealed.entry_hash]


def test_the_bytes_of_an_entry_never_change() -> None:
    sealed = seal([Record(1, b"r" * 16, b"payload")])
    fixed = "010000010000000000000000000000010000000000010000"
    ids_in_header = (INCARNATION + b"c" * 16 + b"a" * 16).hex()
    record = "08011210" + (b"r" * 16).hex() + "1a10" + "00" * 16 + "2207" + b"payload".hex()
    assert sealed.data.hex() == "0a48" + fixed + ids_in_header + "122f" + record


@SOME
@given(records.filter(len), st.data())
def test_a_chain_verifies_after_a_record_was_erased(kept: list[Record], data: st.DataObject) -> None:
    sealed = seal(kept)
    place = data.draw(st.integers(0, len(kept) - 1))
    erased = open_entry(erase(sealed.data, place))
    assert chain(erased) == [sealed.entry_hash]
    assert erased.records == kept[:place] + kept[place + 1 :]


def erase(entry: bytes, place: int) -> bytes:
    """The entry with a record's hash in place of its salt and payload."""
    message = pb.Entry.FromString(entry)
    kept = open_entry(entry).record_hashes[place]
    message.records[place].CopyFrom(pb.Record(kind=message.records[place].kind, hash=kept))
    return message.SerializeToString()


def test_erasing_with_another_hash_is_noticed() -> None:
    first, second = seal([Record(1, b"r" * 16, b"one")]), seal([Record(1, b"r" * 16, b"two")])
    message = pb.Entry.FromString(first.data)
    message.records[0].CopyFrom(pb.Record(kind=1, hash=open_entry(second.data).record_hashes[0]))
    assert chain(open_entry(message.SerializeToString())) != [first.entry_hash]


def test_the_salt_hides_equal_records_from_each_other() -> None:
    twice = open_entry(seal([Record(1, b"r" * 16, b"same")] * 2).data)
    assert twice.record_hashes[0] != twice.record_hashes[1]


@MANY
@given(st.binary(max_size=200))
def test_random_bytes_are_no_entry(data: bytes) -> None:
    with pytest.raises(DecodeError):
        open_entry(data)


@MANY
@given(damaged(records.map(lambda kept: seal(kept).data)))
def test_a_damaged_entry_is_refused_or_has_another_hash_or_says_the_same(data: bytes) -> None:
    try:
        opened = open_entry(data)
        hashes = chain(opened)
    except DecodeError:
        return
    assert seal_like(opened).entry_hash == hashes[0]


def seal_like(opened: OpenedEntry) -> Sealed:
    """Seals what was opened, with its own salts: what the bytes say is what the hash covers."""
    message = pb.Entry.FromString(opened.data)
    kept = [record for record in message.records if not record.hash]
    if len(kept) != len(message.records):
        return Sealed(opened.data, chain(opened)[0])
    salts = [record.salt for record in kept]
    return seal_entry(opened.header, opened.records, salts, GENESIS.entry_hash)


def damage_record(**changes: object) -> bytes:
    message = pb.Entry.FromString(seal([Record(1, b"r" * 16, b"payload")]).data)
    for name, value in changes.items():
        setattr(message.records[0], name, value)
    return message.SerializeToString()


@pytest.mark.parametrize(
    "changes",
    [
        {"salt": b""},
        {"salt": b"s" * 15},
        {"kind": 0},
        {"kind": 65_536},
        {"id": b""},
        {"id": b"r" * 17},
        {"hash": b"h" * 32},
        {"hash": b"h" * 31, "salt": b"", "payload": b""},
        {"hash": b"h" * 32, "salt": b"", "kind": 100},
        {"hash": b"h" * 32, "payload": b""},
    ],
    ids=str,
)
def test_a_record_that_is_neither_whole_nor_erased_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(DecodeError):
        open_entry(damage_record(**changes))


def test_an_entry_has_a_most_of_records() -> None:
    most = [Record(1, b"r" * 16, b"")] * RECORDS_PER_ENTRY_MAX
    salts = [b"s" * 16] * (RECORDS_PER_ENTRY_MAX + 1)
    assert len(open_entry(seal_entry(header(len(most)), most, salts[1:], GENESIS.entry_hash).data).records) == 1_000
    with pytest.raises(DecodeError, match="1000 records"):
        seal_entry(header(1_001), [*most, most[0]], salts, GENESIS.entry_hash)


def test_an_entry_of_more_records_than_allowed_is_not_opened() -> None:
    message = pb.Entry.FromString(seal([Record(1, b"r" * 16, b"")]).data)
    message.records.extend([message.records[0]] * RECORDS_PER_ENTRY_MAX)
    with pytest.raises(DecodeError, match="1001 records"):
        open_entry(message.SerializeToString())


def test_an_entry_has_a_most_of_bytes() -> None:
    with pytest.raises(DecodeError, match="bytes"):
        seal([Record(1, b"r" * 16, b"x" * ENTRY_BYTES_MAX)])
    with pytest.raises(DecodeError, match="the limit is"):
        open_entry(b"\0" * (ENTRY_BYTES_MAX + 1))


def test_every_record_needs_a_salt() -> None:
    with pytest.raises(ValueError, match="zip"):
        seal_entry(header(2), [Record(1, b"r" * 16, b"")] * 2, [b"s" * 16], GENESIS.entry_hash)
