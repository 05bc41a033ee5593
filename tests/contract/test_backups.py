"""What HQ remembers of its backups, and what branches may therefore delete; what they hand back of its own cards."""

from __future__ import annotations

import pytest

from hq_server.storage.backups import backup_seq, mark_verified, note_backup, read_heads
from hq_server.storage.counters import read_counters
from hq_server.storage.hybrid_clock import next_hlc
from hq_server.storage.proposals import close_proposal, keep_proposals, open_proposals
from shared.domain.records import RecordKind
from shared.errors import ProtocolViolation
from shared.storage.card_rows import load_states
from shared.sync.card_merge import HQ_ORIGIN, CardState, FieldPatch, Stamp, merge_patch
from shared.sync.hlc import from_wall
from shared.sync.messages import CardForgotten, CardFull
from shared.wire.cards import decode_state, encode_state
from shared.wire.exchange import encode_feed_record
from tests.support.journal import sale as make_sale
from tests.support.office import Office


def state(value: str, branch_id: bytes = HQ_ORIGIN, command_id: bytes = b"c" * 16) -> bytes:
    stamp = Stamp(0, 1, command_id, b"a" * 16, branch_id)
    return encode_state(merge_patch(CardState(), stamp, [FieldPatch("name", value)], {}).state)


def test_the_second_newest_verified_backup_counts(office: Office) -> None:
    journal = office.journal("B1")
    seqs = []
    for number in range(1, 5):
        journal.add_sale(make_sale(number))
        office.merge(journal, journal.batch(after_seq=number - 1))
        office.clock.advance(60)
        with office.store.write() as connection:
            now_us = office.clock.now_us()
            backup_id = note_backup(connection, office.ids, now_us, False, None)
            if number != 3:
                mark_verified(connection, backup_id, now_us)
            seqs.append(backup_seq(connection, journal.branch_id, journal.incarnation))
            assert (journal.branch_id, journal.incarnation, number) in read_heads(connection)
    assert seqs == [0, 1, 1, 2]


def test_facts_are_counted_as_they_are_merged_and_once(office: Office) -> None:
    journal = office.journal("B1")
    for number in range(1, 4):
        journal.add_sale(make_sale(number))
    office.merge(journal, journal.batch())
    journal.add_sale(make_sale(1), command_id=journal.command_ids[0])
    office.merge(journal, journal.batch(after_seq=3))
    with office.store.read() as connection:
        (counter,) = read_counters(connection, journal.branch_id).values()
    assert counter.records == 3


def test_what_a_branch_hands_back_is_kept_when_it_is_hq_s_own_and_unknown(office: Office) -> None:
    branch_id = office.add_branch("B1").id
    lost = CardFull(RecordKind.PRODUCT, b"p" * 16, state("Milk"))
    foreign = CardFull(RecordKind.CLIENT, b"k" * 16, state("Мария", branch_id))
    with office.store.write() as connection:
        for _ in range(2):
            keep_proposals(connection, branch_id, tuple(encode_feed_record(card) for card in (lost, foreign)), 1)
        rows = open_proposals(connection)
        assert [(row.code, row.kind, row.card_id) for row in rows] == [("B1", RecordKind.PRODUCT, b"p" * 16)]
        close_proposal(connection, RecordKind.PRODUCT, b"p" * 16, 2)
        assert open_proposals(connection) == []


def test_a_proposed_edit_from_the_future_is_stamped_anew_and_still_replaces_what_it_saw(office: Office) -> None:
    branch_id = office.add_branch("B1").id
    first = Stamp(0, 1, b"1" * 16, b"a" * 16, branch_id)
    ahead = Stamp(0, from_wall(office.clock.now_us() + 10**12), b"2" * 16, b"a" * 16, branch_id)
    known = merge_patch(CardState(), first, [FieldPatch("name", "Anna")], {}).state
    edited = merge_patch(known, ahead, [FieldPatch("name", "Мария", (first.command_id,))], {}).state
    with office.store.write() as connection:
        for each in (known, edited):
            card = CardFull(RecordKind.CLIENT, b"k" * 16, encode_state(each))
            keep_proposals(connection, branch_id, (encode_feed_record(card),), office.clock.now_us())
        later = next_hlc(connection, office.clock.now_us())
        (kept,) = load_states(connection, [(RecordKind.CLIENT, b"k" * 16)]).values()
    (version,) = decode_state(kept).fields["name"].live
    assert version.value == "Мария"
    assert version.stamp.hlc < later < ahead.hlc


@pytest.mark.parametrize("data", [b"\xff", encode_feed_record(CardForgotten(RecordKind.CLIENT, b"k" * 16))])
def test_a_proposal_must_be_a_whole_card(office: Office, data: bytes) -> None:
    branch_id = office.add_branch("B1").id
    with pytest.raises(ProtocolViolation), office.store.write() as connection:
        keep_proposals(connection, branch_id, (data,), 1)
