"""The messages of the stream as bytes: whatever is said is understood, and whatever is not a message says so."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.identifiers import NIL_ID
from shared.errors import DecodeError
from shared.sync.chain import NO_HASH, NO_PARENT, Head, Parent
from shared.sync.limits import Credits
from shared.sync.messages import (
    Ack,
    Batch,
    BranchMessage,
    CardFull,
    EntryOutcome,
    FeedAck,
    FeedCursor,
    FeedRecord,
    Goodbye,
    Hello,
    HistoryCursor,
    HistoryRequest,
    HqMessage,
    Mark,
    Marks,
    ProcessingMode,
    ResumeMode,
    Tick,
    Undecodable,
    VerifyReply,
    VerifyRequest,
    Welcome,
    WhenUnreachable,
)
from shared.wire.exchange import (
    decode_branch_message,
    decode_feed_record,
    decode_hq_message,
    encode_branch_message,
    encode_feed_record,
    encode_hq_message,
)
from shared.wire.generated import sync_pb2 as pb
from shared.wire.parsing import NUMBER_MAX
from shared.wire.verification import (
    decode_verify_reply,
    decode_verify_request,
    encode_verify_reply,
    encode_verify_request,
)
from tests.support.strategies import (
    MANY,
    SOME,
    branch_messages,
    damaged,
    feed_records,
    heads,
    hq_messages,
    ids,
)

HEAD = Head(3, b"h" * 32)
HELLO = Hello(b"b" * 16, b"i" * 16, HEAD, FeedCursor(), 0, 0, 0, "1.0", NIL_ID, NIL_ID, 1, 1, 1)
WELCOME = Welcome(
    1,
    5,
    HEAD,
    ResumeMode.INCREMENTAL,
    "",
    Credits(),
    0,
    ProcessingMode.CENTRALIZED,
    WhenUnreachable.FALL_BACK,
    0,
    0,
    0,
)

verify_requests = st.builds(VerifyRequest, ids, heads)
verify_replies = st.builds(VerifyReply, st.integers(0, 2**64 - 1), ids, heads, st.integers(0, 2**32 - 1))


@MANY
@given(branch_messages)
def test_what_a_branch_says_is_understood(message: BranchMessage) -> None:
    assert decode_branch_message(encode_branch_message(message)) == message


@MANY
@given(hq_messages)
def test_what_head_office_says_is_understood(message: HqMessage) -> None:
    assert decode_hq_message(encode_hq_message(message)) == message


@MANY
@given(feed_records)
def test_a_feed_record_is_read_as_it_was_written(record: FeedRecord) -> None:
    assert decode_feed_record(encode_feed_record(record)) == record


@SOME
@given(verify_requests, verify_replies)
def test_a_verification_is_understood(request: VerifyRequest, reply: VerifyReply) -> None:
    assert decode_verify_request(encode_verify_request(request)) == request
    assert decode_verify_reply(encode_verify_reply(reply)) == reply


@pytest.mark.parametrize("encode", [encode_branch_message, encode_hq_message])
def test_an_undecodable_message_is_never_sent(encode: Callable[[Any], bytes]) -> None:
    with pytest.raises(ValueError, match="never sent"):
        encode(Undecodable("garbage"))


# Bytes that are no message.

STREAM_DECODERS: list[Callable[[bytes], object]] = [decode_branch_message, decode_hq_message, decode_verify_request]


@pytest.mark.parametrize("decode", STREAM_DECODERS)
@MANY
@given(data=st.binary(max_size=200))
def test_random_bytes_become_undecodable_and_never_an_exception(decode: Callable[[bytes], object], data: bytes) -> None:
    decode(data)


@MANY
@given(damaged(branch_messages.map(encode_branch_message)), damaged(hq_messages.map(encode_hq_message)))
def test_damaged_messages_become_undecodable_and_never_an_exception(from_branch: bytes, from_hq: bytes) -> None:
    for decoded in (decode_branch_message(from_branch), decode_hq_message(from_hq)):
        assert not isinstance(decoded, Undecodable) or decoded.reason


@MANY
@given(damaged(feed_records.map(encode_feed_record)), damaged(verify_replies.map(encode_verify_reply)))
def test_damaged_records_and_replies_are_refused_as_undecodable(record: bytes, reply: bytes) -> None:
    with suppress(DecodeError):
        decode_feed_record(record)
    with suppress(DecodeError):
        decode_verify_reply(reply)


@pytest.mark.parametrize("data", [b"", b"\xff", b"\x7a\x00"])
def test_a_message_of_an_unknown_kind_is_undecodable(data: bytes) -> None:
    assert isinstance(decode_branch_message(data), Undecodable)
    assert isinstance(decode_hq_message(data), Undecodable)


def test_what_the_other_side_says_is_not_taken_for_one_s_own() -> None:
    assert not isinstance(decode_hq_message(encode_branch_message(HELLO)), Hello)
    assert not isinstance(decode_branch_message(encode_hq_message(WELCOME)), Welcome)


def broken_hello(**changes: Any) -> object:
    request = pb.ExchangeRequest.FromString(encode_branch_message(HELLO))
    for name, value in changes.items():
        setattr(request.hello, name, value)
    return decode_branch_message(request.SerializeToString())


@pytest.mark.parametrize(
    "changes", [{"branch_id": b""}, {"incarnation": b"x" * 15}, {"boot_id": b"x"}, {"instance_id": b"x" * 17}], ids=str
)
def test_a_hello_without_sound_ids_is_undecodable(changes: dict[str, Any]) -> None:
    assert isinstance(broken_hello(**changes), Undecodable)


def test_a_hello_without_a_sound_head_is_undecodable() -> None:
    request = pb.ExchangeRequest.FromString(encode_branch_message(HELLO))
    request.hello.head.hash = b"short"
    assert isinstance(decode_branch_message(request.SerializeToString()), Undecodable)
    request.hello.ClearField("head")
    assert isinstance(decode_branch_message(request.SerializeToString()), Undecodable)


def test_a_release_s_name_is_cut_to_its_limit() -> None:
    said = broken_hello(release="1\0." + "9" * 500)
    assert isinstance(said, Hello)
    assert len(said.release) < 70
    assert "\0" not in said.release


# Absent fields.


def test_a_parent_is_sent_only_when_there_is_one() -> None:
    assert not pb.ExchangeRequest.FromString(encode_branch_message(HELLO)).hello.HasField("parent")
    said = decode_branch_message(encode_branch_message(HELLO))
    assert isinstance(said, Hello)
    assert said.parent == NO_PARENT


def test_a_branch_that_took_nothing_of_the_feed_may_leave_the_cursor_out() -> None:
    request = pb.ExchangeRequest(feed_ack=pb.FeedAck())
    assert decode_branch_message(request.SerializeToString()) == FeedAck(FeedCursor(NIL_ID, 0, NO_HASH))


def test_a_goodbye_and_a_tick_of_zeros_are_messages() -> None:
    assert decode_branch_message(encode_branch_message(Goodbye())) == Goodbye()
    assert decode_branch_message(encode_branch_message(Tick(0, 0, 0))) == Tick(0, 0, 0)


# Numbers that no store can hold.


@pytest.mark.parametrize(
    ("message", "path"),
    [
        (HELLO, "hello.head.seq"),
        (HELLO, "hello.feed.position"),
        (HELLO, "hello.feed.folded_to"),
        (HELLO, "hello.last_fence"),
        (HELLO, "hello.hlc"),
        (replace(HELLO, parent=Parent(b"p" * 16, 3, b"h" * 32)), "hello.parent.seq"),
        (Tick(1, 0, 0), "tick.head_seq"),
        (FeedAck(FeedCursor(b"e" * 16, 3, b"h" * 32)), "feed_ack.cursor.position"),
        (Batch(b"i" * 16, 1, (), b"h" * 32, 1), "batch.first_seq"),
        (Marks((Mark(b"i" * 16, 1, b"h" * 32),)), "marks.marks.0.seq"),
        (HistoryRequest(HistoryCursor(1, 2)), "history.after.life"),
    ],
)
def test_a_number_beyond_what_a_column_holds_is_undecodable(message: BranchMessage, path: str) -> None:
    request: Any = pb.ExchangeRequest.FromString(encode_branch_message(message))
    *owners, name = path.split(".")
    target = request
    for owner in owners:
        target = target[int(owner)] if owner.isdigit() else getattr(target, owner)
    for number in (NUMBER_MAX, NUMBER_MAX + 1, 2**64 - 1):
        setattr(target, name, number)
        decoded = decode_branch_message(request.SerializeToString())
        assert isinstance(decoded, Undecodable) == (number > NUMBER_MAX)
        assert not isinstance(decoded, Undecodable) or f"in {name}" in decoded.reason


# A welcome from another release.


def changed_welcome(**changes: Any) -> object:
    response = pb.ExchangeResponse.FromString(encode_hq_message(WELCOME))
    for name, value in changes.items():
        setattr(response.welcome, name, value)
    return decode_hq_message(response.SerializeToString())


@pytest.mark.parametrize("resume", [0, 99])
def test_an_unknown_resume_mode_is_undecodable(resume: int) -> None:
    assert isinstance(changed_welcome(resume=resume), Undecodable)


def test_an_unknown_mode_or_policy_is_taken_for_the_careful_one() -> None:
    said = changed_welcome(mode=99, when_unreachable=99)
    assert said == replace(WELCOME, mode=ProcessingMode.DISTRIBUTED, when_unreachable=WhenUnreachable.REFUSE)


def test_credits_are_never_zero() -> None:
    response = pb.ExchangeResponse.FromString(encode_hq_message(WELCOME))
    response.welcome.ClearField("credits")
    said = decode_hq_message(response.SerializeToString())
    assert isinstance(said, Welcome)
    assert said.credits == Credits(1, 1, 1)


# Outcomes and feed records.


def test_an_outcome_is_parked_or_duplicate_never_both() -> None:
    both = EntryOutcome(4, duplicate=True, parked_reason="unknown_kind")
    ack = decode_hq_message(encode_hq_message(Ack(HEAD, (both,))))
    assert ack == Ack(HEAD, (EntryOutcome(4, parked_reason="unknown_kind"),))


def test_an_outcome_parked_without_a_reason_is_still_parked() -> None:
    parked = Ack(HEAD, (EntryOutcome(4, parked_reason=""),))
    assert decode_hq_message(encode_hq_message(parked)) == parked


@pytest.mark.parametrize("data", [pb.FeedRecord(kind=100, id=b"c" * 16).SerializeToString(), b"", b"\xff"])
def test_a_feed_record_without_a_known_body_is_refused(data: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_feed_record(data)


def test_an_empty_state_is_a_full_record_all_the_same() -> None:
    assert decode_feed_record(encode_feed_record(CardFull(100, b"c" * 16, b""))) == CardFull(100, b"c" * 16, b"")
