"""The hash chain: its bytes are fixed for ever, and it notices whatever is changed behind it."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import DecodeError
from shared.sync.chain import (
    HEADER_BYTES,
    NO_PARENT,
    EntryHeader,
    Head,
    Parent,
    SealedEntry,
    chain_entries,
    decode_header,
    encode_header,
    hash_entry,
    hash_genesis,
    hash_record,
    hash_records,
)
from tests.support.strategies import MANY, SOME, ids

# Computed by hand with SHA-256 over the layout that the module's docstring gives, not by the code under test.
INCARNATION, COMMAND, AUTHOR, BRANCH = (bytes(range(start, start + 16)) for start in (0, 16, 32, 48))
HEADER = EntryHeader(1, 2, 3, 7, 0x0091_A2B3_C4D5_E6F7, INCARNATION, COMMAND, AUTHOR)
HEADER_HEX = "0101000200000003000000000000000700" + "91a2b3c4d5e6f7" + INCARNATION.hex() + COMMAND.hex() + AUTHOR.hex()
FIRST_RECORD_HEX = "58139fc049af58ea5a3cc18d171675cec58b38deb751141883ec50b9ad554a5b"
SECOND_RECORD_HEX = "8c7b28010bdbe14d9c4101a62ef28b74366e6234b46f0a7cc870759481d908d8"
RECORDS_HEX = "45270ee578f77f041a76feb4fd32c9a91f83268d3c0edf7795792e965d133ca9"
GENESIS_HEX = "d9d6032465cc5c2d07602a622d1e85f4634013efd125ad4fc57530e26db7996f"
RESTORED_GENESIS_HEX = "bda30e1a344f45b59c5e3fcb73c8885c29f8965643ace06774404012b164aad0"
ENTRY_HEX = "33bb815548e7e780cd45c635827d113408837d11852c6f74e8f60f6b0f12f345"

headers = st.builds(
    EntryHeader,
    st.integers(0, 255),
    st.integers(0, 2**16 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**64 - 1),
    ids,
    ids,
    ids,
)


def test_the_layout_of_a_header_never_changes() -> None:
    assert encode_header(HEADER).hex() == HEADER_HEX


def test_the_hash_of_a_record_never_changes() -> None:
    assert hash_record(b"\xaa" * 16, 1, b"\xbb" * 16, b"a sale").hex() == FIRST_RECORD_HEX
    assert hash_record(b"\xcc" * 16, 100, b"\xdd" * 16, b"").hex() == SECOND_RECORD_HEX


def test_the_hash_over_the_records_never_changes() -> None:
    assert hash_records([bytes.fromhex(FIRST_RECORD_HEX), bytes.fromhex(SECOND_RECORD_HEX)]).hex() == RECORDS_HEX


def test_the_hash_an_incarnation_starts_from_never_changes() -> None:
    assert hash_genesis(BRANCH, INCARNATION).hex() == GENESIS_HEX
    parent = Parent(b"\xee" * 16, 9, b"\xff" * 32)
    assert hash_genesis(BRANCH, INCARNATION, parent).hex() == RESTORED_GENESIS_HEX


def test_the_hash_of_an_entry_never_changes() -> None:
    genesis, records = bytes.fromhex(GENESIS_HEX), bytes.fromhex(RECORDS_HEX)
    assert hash_entry(genesis, bytes.fromhex(HEADER_HEX), records).hex() == ENTRY_HEX


@MANY
@given(headers)
def test_a_header_is_read_as_it_was_written(header: EntryHeader) -> None:
    data = encode_header(header)
    assert len(data) == HEADER_BYTES
    assert decode_header(data) == header


@pytest.mark.parametrize("data", [b"", b"\1" * 71, b"\1" * 73, b"\0" * 72, b"\2" + b"\0" * 71])
def test_what_is_no_header_of_version_1_is_refused(data: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_header(data)


def test_the_chain_is_tied_to_its_branch_and_incarnation() -> None:
    first = hash_genesis(BRANCH, INCARNATION)
    assert hash_genesis(AUTHOR, INCARNATION) != first
    assert hash_genesis(BRANCH, AUTHOR) != first
    assert hash_genesis(BRANCH, INCARNATION, NO_PARENT) == first


class Part(NamedTuple):
    """A record as it is hashed."""

    salt: bytes
    kind: int
    record_id: bytes
    payload: bytes


class Link(NamedTuple):
    """An entry as it is chained."""

    header: bytes
    records: tuple[Part, ...]


GENESIS = Head(0, hash_genesis(BRANCH, INCARNATION))


def chain_of(links: list[Link]) -> list[bytes]:
    """The hashes of a chain, every record hashed anew. Raises DecodeError."""
    sealed = [
        SealedEntry(decode_header(link.header), link.header, [hash_record(*record) for record in link.records])
        for link in links
    ]
    return chain_entries(INCARNATION, GENESIS, sealed)


def make_links() -> list[Link]:
    """Three entries of two records each."""
    links = []
    for seq in (1, 2, 3):
        header = encode_header(EntryHeader(0, 2, 0, seq, seq << 16, INCARNATION, bytes([seq]) * 16, AUTHOR))
        records = tuple(Part(bytes([seq, n] * 8), n, bytes([n]) * 16, b"payload %d" % (seq * n)) for n in (1, 2))
        links.append(Link(header, records))
    return links


def flip(data: bytes, bit: int) -> bytes:
    """The same bytes with one bit turned."""
    place = bit % (len(data) * 8)
    return data[: place // 8] + bytes([data[place // 8] ^ 1 << place % 8]) + data[place // 8 + 1 :]


def is_noticed(links: list[Link]) -> bool:
    """Whether the chain refuses the links, or ends with another hash."""
    try:
        return chain_of(links)[-1] != chain_of(make_links())[-1]
    except DecodeError:
        return True


def test_an_untouched_chain_verifies() -> None:
    assert not is_noticed(make_links())


@MANY
@given(st.integers(0, 2), st.integers(0, HEADER_BYTES * 8 - 1))
def test_one_bit_turned_in_a_header_is_noticed(number: int, bit: int) -> None:
    links = make_links()
    links[number] = links[number]._replace(header=flip(links[number].header, bit))
    assert is_noticed(links)


@MANY
@given(st.integers(0, 2), st.integers(0, 1), st.sampled_from(["salt", "record_id", "payload"]), st.integers(0, 127))
def test_one_bit_turned_in_a_record_is_noticed(number: int, which: int, part: str, bit: int) -> None:
    links = make_links()
    records = list(links[number].records)
    change: dict[str, Any] = {part: flip(getattr(records[which], part), bit)}
    records[which] = records[which]._replace(**change)
    links[number] = links[number]._replace(records=tuple(records))
    assert is_noticed(links)


@SOME
@given(st.integers(0, 2), st.integers(0, 1), st.integers(0, 15))
def test_one_bit_turned_in_a_record_s_kind_is_noticed(number: int, which: int, bit: int) -> None:
    links = make_links()
    records = list(links[number].records)
    records[which] = records[which]._replace(kind=records[which].kind ^ 1 << bit)
    links[number] = links[number]._replace(records=tuple(records))
    assert is_noticed(links)


@pytest.mark.parametrize("order", [(1, 0, 2), (0, 2, 1), (2, 1, 0), (0, 1, 1), (0, 0, 1), (1, 2), (0, 2), (0, 1)])
def test_entries_in_another_order_or_number_are_noticed(order: tuple[int, ...]) -> None:
    links = make_links()
    assert is_noticed([links[number] for number in order])


@pytest.mark.parametrize("number", [0, 1, 2])
def test_records_in_another_order_are_noticed(number: int) -> None:
    links = make_links()
    links[number] = links[number]._replace(records=links[number].records[::-1])
    assert is_noticed(links)


def test_a_record_more_or_less_than_the_header_says_is_refused() -> None:
    for records in (make_links()[0].records[:1], make_links()[0].records * 2):
        with pytest.raises(DecodeError, match="names 2 records"):
            chain_of([make_links()[0]._replace(records=records)])


def test_bytes_cannot_move_from_one_field_of_a_record_to_the_next() -> None:
    assert hash_record(b"a" * 16, 1, b"b" * 16, b"bc") != hash_record(b"a" * 16, 1, b"b" * 15 + b"c", b"b")


def test_an_entry_of_another_incarnation_is_refused() -> None:
    sealed = [SealedEntry(HEADER._replace(seq=1), encode_header(HEADER), [b"h" * 32] * 2)]
    with pytest.raises(DecodeError, match="was expected"):
        chain_entries(AUTHOR, GENESIS, sealed)


def test_a_chain_can_be_checked_in_pieces() -> None:
    links = make_links()
    hashes = chain_of(links)
    last = SealedEntry(decode_header(links[2].header), links[2].header, [hash_record(*r) for r in links[2].records])
    assert chain_entries(INCARNATION, Head(2, hashes[1]), [last]) == hashes[2:]
    assert chain_entries(INCARNATION, Head(3, hashes[2]), []) == []
