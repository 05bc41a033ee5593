"""An erased person leaves entries: the chain verifies, sums stay, and nothing names the person any more."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.branch_facts import AuditEntry
from shared.domain.business_time import LocalMoment
from shared.domain.erasing import Erasing, require_reason, strike, texts_to_find
from shared.domain.interactions import Channel, ClientTransfer, Direction, Interaction
from shared.domain.records import STAND_IN_KINDS, Record, RecordKind
from shared.errors import DecodeError, InvalidInput
from shared.sync.card_merge import FieldPatch
from shared.sync.chain import EntryHeader, chain_entries
from shared.sync.messages import CardFull, NeighbourFact
from shared.wire.cards import encode_patch
from shared.wire.decoding import decode_entry
from shared.wire.entries import open_entry, prune_entry, seal_entry
from shared.wire.exchange import encode_feed_record
from shared.wire.payloads import decode_branch_fact, decode_sale, encode_branch_fact, encode_sale
from shared.wire.redacting import (
    Redacted,
    clients_of_feed_record,
    redact_entry,
)
from tests.support.journal import sale
from tests.support.strategies import SOME
from tests.unit.test_entries import GENESIS, INCARNATION

CLIENT, OTHER, TASK = b"c" * 16, b"o" * 16, b"t" * 16
PHONE, EMAIL = "+79161234567", "anna@example.org"
PERSON = Erasing(frozenset({CLIENT}), frozenset(), texts_to_find([PHONE, EMAIL]))
AT = LocalMoment(1_700_000_000_000_000, 10_800, "Europe/Moscow")


def entry(*records: Record) -> tuple[bytes, bytes]:
    """An entry's bytes and hash."""
    header = EntryHeader(0, len(records), 0, 1, 1 << 16, INCARNATION, b"m" * 16, b"a" * 16)
    return seal_entry(header, records, [bytes([n]) * 16 for n in range(len(records))], GENESIS.entry_hash)


def edit(kind: int, card_id: bytes, **fields: Any) -> Record:
    return Record(kind, card_id, encode_patch([FieldPatch(name, value) for name, value in fields.items()]))


def call(client_id: bytes = CLIENT) -> Record:
    fact = Interaction(client_id, Channel.CALL, Direction.OUT, "anna", AT, contact=PHONE, body="spoke")
    return Record(RecordKind.INTERACTION, b"i" * 16, encode_branch_fact(fact))


def transfer() -> Record:
    fact = ClientTransfer(CLIENT, None, b"e" * 16, b"h" * 16, "anna", AT, "moved away")
    return Record(RecordKind.CLIENT_TRANSFER, b"x" * 16, encode_branch_fact(fact))


def audited(detail: str) -> Record:
    fact = AuditEntry("drawer_opened", "1", "anna", None, 700, detail, AT)
    return Record(RecordKind.AUDIT_ENTRY, b"d" * 16, encode_branch_fact(fact))


def sold(client: str | None, client_id: bytes | None) -> Record:
    return Record(RecordKind.SALE, b"s" * 16, encode_sale(sale(1)._replace(client=client, client_id=client_id)))


def redacted(*records: Record, erasing: Erasing = PERSON) -> Redacted:
    data, entry_hash = entry(*records)
    found = redact_entry(data, erasing)
    assert found is not None
    assert chain_entries(INCARNATION, GENESIS, [open_entry(found.data).sealed]) == [entry_hash]
    return found


OF_THE_PERSON = {
    "the card": edit(RecordKind.CLIENT, CLIENT, name="Anna", phones=(PHONE,)),
    "a task": edit(RecordKind.TASK, TASK, client_id=CLIENT, title="Call Anna"),
    "a file": edit(RecordKind.ATTACHMENT, TASK, client_id=CLIENT, name="passport.jpg"),
    "a letter": edit(RecordKind.MAIL, TASK, client_id=CLIENT, address=EMAIL),
    "a call": call(),
    "a transfer": transfer(),
    "a record of a newer release": Record(99, b"n" * 16, b"\x0a\x10" + CLIENT),
}


@pytest.mark.parametrize("record", OF_THE_PERSON.values(), ids=OF_THE_PERSON)
def test_what_is_of_the_person_leaves_its_hash_alone(record: Record) -> None:
    other = edit(RecordKind.CLIENT, OTHER, name="Boris")
    found = redacted(record, other)
    assert found.gone == ((record.kind, record.record_id),)
    assert open_entry(found.data).records == [other]
    assert record.payload not in found.data
    assert PHONE.encode() not in found.data


def test_an_edit_of_a_task_that_is_known_to_belong_to_the_person_goes_too() -> None:
    record = edit(RecordKind.TASK, TASK, note="she has moved")
    data, _ = entry(record)
    assert redact_entry(data, PERSON) is None
    found = redacted(record, erasing=PERSON._replace(cards=frozenset({(RecordKind.TASK, TASK)})))
    assert found.gone == ((RecordKind.TASK, TASK),)


def test_a_card_that_turns_out_to_belong_to_the_person_is_named() -> None:
    found = redacted(edit(RecordKind.TASK, TASK, client_id=CLIENT), edit(RecordKind.TASK, TASK, note="later"))
    assert found.found == {(RecordKind.TASK, TASK)}
    assert len(found.gone) == 2


def test_a_sale_stays_with_the_card_as_a_pseudonym() -> None:
    data, _ = entry(sold("C-17", CLIENT))
    assert redact_entry(data, PERSON) is None


@pytest.mark.parametrize("number", [PHONE, EMAIL, "8 (916) 123-45-67"])
def test_of_a_sale_under_a_phone_the_same_sale_without_it_remains(number: str) -> None:
    found = redacted(sold(number, CLIENT))
    (record,) = open_entry(found.data).records
    before, after = decode_sale(sold(number, CLIENT).payload), decode_sale(record.payload)
    assert after == before._replace(client=None)
    assert (found.gone, found.stand_ins) == ((), ((RecordKind.SALE, b"s" * 16),))
    assert decode_entry(open_entry(found.data)).figures[0].amount_minor == 50


def test_a_sale_to_somebody_else_with_the_same_phone_is_left_alone() -> None:
    data, _ = entry(sold(PHONE, OTHER))
    assert redact_entry(data, PERSON) is None


def test_words_of_an_auditor_lose_the_phone_and_nothing_else() -> None:
    found = redacted(audited(f"opened by phone {PHONE}, 89161234567"))
    (record,) = open_entry(found.data).records
    fact = decode_branch_fact(record.kind, record.payload)
    assert isinstance(fact, AuditEntry)
    assert (fact.detail, fact.amount_minor) == ("opened by phone , 8", 700)


def test_erasing_twice_changes_nothing_more() -> None:
    found = redacted(call(), audited(EMAIL), sold(PHONE, CLIENT))
    assert redact_entry(found.data, PERSON) is None


def test_what_stands_in_is_pruned_as_anything() -> None:
    found = redacted(sold(PHONE, CLIENT))
    pruned = open_entry(prune_entry(found.data))
    assert pruned.records == []
    assert pruned.record_hashes == open_entry(found.data).record_hashes


@pytest.mark.parametrize("kind", sorted(set(map(int, RecordKind)) - STAND_IN_KINDS))
def test_nothing_stands_in_for_what_no_sum_is_made_of(kind: int) -> None:
    from shared.wire.generated import sync_pb2 as pb

    data, _ = entry(audited("x"))
    message = pb.Entry.FromString(data)
    message.records[0].CopyFrom(pb.Record(kind=kind, id=b"d" * 16, hash=b"h" * 32, payload=b"forged"))
    with pytest.raises(DecodeError, match="nothing else"):
        open_entry(message.SerializeToString())


def test_a_phone_is_looked_for_with_and_without_its_country() -> None:
    assert texts_to_find([PHONE, "Li"]) == ("+79161234567", "79161234567", "9161234567")
    assert strike("8 9161234567 and +79161234567", texts_to_find([PHONE])) == "8  and "


@SOME
@given(st.lists(st.sampled_from([*OF_THE_PERSON.values(), sold("C-1", OTHER), audited(PHONE)]), min_size=1))
def test_any_entry_verifies_and_is_free_of_the_person(records: list[Record]) -> None:
    data, _ = entry(*records)
    found = redact_entry(data, PERSON)
    after = found.data if found else data
    if found:
        redacted(*records)
    # A client's id that stands as the id of a hash is the pseudonym that stays.
    assert all(text.encode() not in after for text in PERSON.texts)


def test_the_feed_says_whose_its_records_are() -> None:
    fact = NeighbourFact(RecordKind.INTERACTION, b"i" * 16, b"b" * 16, "B1", CLIENT, call().payload)
    assert clients_of_feed_record(encode_feed_record(fact)) == {CLIENT}
    assert clients_of_feed_record(encode_feed_record(CardFull(RecordKind.CLIENT, CLIENT, b""))) == {CLIENT}
    assert clients_of_feed_record(encode_feed_record(CardFull(RecordKind.PRODUCT, CLIENT, b""))) == set()
    assert clients_of_feed_record(b"no record") == set()


@pytest.mark.parametrize("reason", ["", " ", "r" * 301, f"asked by {PHONE}", "asked by Anna Petrova"])
def test_a_reason_is_given_and_does_not_name_the_person(reason: str) -> None:
    with pytest.raises(InvalidInput):
        require_reason(reason, texts_to_find([PHONE], ["Anna Petrova", "Anna"]))


def test_a_reason_stays_as_it_was_written() -> None:
    assert require_reason(" asked  in a letter ", texts_to_find([PHONE], ["Anna"])) == "asked in a letter"
