"""Entries as HQ understands them: every kind to its list, and what cannot be understood marked, not raised."""

from __future__ import annotations

import pytest

from shared.domain.records import Record, RecordKind
from shared.errors import DecodeError, NotForBranches, UnknownKind
from shared.sync.card_merge import FieldPatch
from shared.wire.cards import encode_patch
from shared.wire.decoding import DecodedEntry, decode_entry
from shared.wire.entries import open_entry
from shared.wire.payloads import encode_sale
from tests.support.clock import FakeClock, SeededIds
from tests.support.journal import JournalWriter, sale

ID = b"r" * 16
PATCHES = (FieldPatch("first_name", "Anna", ()),)
SALE = Record(RecordKind.SALE, ID, encode_sale(sale(1)))


def decoded(*records: Record) -> DecodedEntry:
    clock = FakeClock()
    journal = JournalWriter(b"b" * 16, SeededIds(clock), clock)
    journal.add(list(records))
    return decode_entry(open_entry(journal.entries[0]))


def test_records_go_to_the_list_of_their_kind() -> None:
    edit = Record(RecordKind.CLIENT, ID, encode_patch(PATCHES))
    entry = decoded(SALE, edit)
    assert entry.sales == [(ID, sale(1))]
    assert entry.patches == [(RecordKind.CLIENT, ID, PATCHES)]
    assert (entry.shift_opens, entry.shift_closes, entry.problem) == ([], [], None)


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        (Record(RecordKind.SALE, ID, b"\xff\xff"), DecodeError),
        (Record(RecordKind.SHIFT_OPEN, ID, b"\xff\xff"), DecodeError),
        (Record(RecordKind.SHIFT_CLOSE, ID, b"\xff\xff"), DecodeError),
        (Record(RecordKind.CLIENT, ID, b"\xff\xff"), DecodeError),
        (Record(9_999, ID, b"from the future"), UnknownKind),
        (Record(RecordKind.PRODUCT, ID, encode_patch(PATCHES)), NotForBranches),
        (Record(RecordKind.PRICE, ID, encode_patch(PATCHES)), NotForBranches),
    ],
)
def test_what_cannot_be_applied_marks_the_entry(record: Record, problem: type[DecodeError]) -> None:
    entry = decoded(SALE, record)
    assert isinstance(entry.problem, problem)
    assert entry.opened.records == [SALE, record], "the entry is kept as it came"
