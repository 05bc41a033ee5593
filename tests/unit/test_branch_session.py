"""The branch's side of a stream, as scripts: what HQ says or the store finds, and what the branch does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from shared.domain.identifiers import NIL_ID
from shared.sync.branch_commands import (
    ApplyFeed,
    CompareHistory,
    Finish,
    FinishReason,
    PassDone,
    ReadEntries,
    ReadHead,
    ReadMarks,
    Send,
    StoreAcknowledged,
    StoreWelcome,
)
from shared.sync.branch_session import BranchSession
from shared.sync.chain import Head
from shared.sync.limits import GREETING_MS_MAX, SILENCE_MS_MAX, TICK_INTERVAL_MS, Credits
from shared.sync.messages import (
    Ack,
    Batch,
    Checkpoint,
    Drain,
    FeedAck,
    FeedBatch,
    FeedCursor,
    Goodbye,
    Hello,
    ProcessingMode,
    ResumeMode,
    Tick,
    Undecodable,
    Welcome,
    WhenUnreachable,
)
from tests.support.playbook import Playbook, Wait

BRANCH, INCARNATION = b"b" * 16, b"i" * 16
ROWS, BYTES = 100, 5_000
Fact = Callable[[BranchSession], None]


def head(seq: int) -> Head:
    return Head(seq, bytes([seq]) * 32)


def hello(seq: int) -> Hello:
    return Hello(BRANCH, INCARNATION, head(seq), FeedCursor(), 0, 0, 0, "1.0", NIL_ID, NIL_ID, 1, 1, 1)


def welcome(
    acknowledged: int = 0, batches: int = 2, resume: ResumeMode = ResumeMode.INCREMENTAL, reason: str = ""
) -> Welcome:
    credits = Credits(batches, ROWS, BYTES)
    mode, policy = ProcessingMode.DISTRIBUTED, WhenUnreachable.REFUSE
    return Welcome(1, 5, head(acknowledged), resume, reason, credits, 0, mode, policy, 0, 0, 0)


def batch(first: int, last: int, head_seq: int) -> Batch:
    return Batch(INCARNATION, first, entries(first, last), head(last).entry_hash, head_seq)


def entries(first: int, last: int) -> tuple[bytes, ...]:
    return tuple(b"entry %d" % seq for seq in range(first, last + 1))


def read(after: int) -> ReadEntries:
    return ReadEntries(after, ROWS, BYTES)


def cursor(position: int) -> FeedCursor:
    return FeedCursor(b"e" * 16, position, bytes([position]) * 32)


def feed(position: int, *records: bytes, after: int = 0) -> FeedBatch:
    return FeedBatch(records, cursor(position), position, after)


def history(own_hash: bytes | None) -> Fact:
    return lambda session: session.record_history(own_hash)


def found(first: int, last: int) -> Fact:
    return lambda session: session.record_entries(entries(first, last), head(last).entry_hash)


def appended(seq: int) -> Fact:
    return lambda session: session.record_appended(seq)


def head_read(seq: int, clock_us: int) -> Fact:
    return lambda session: session.record_head(seq, clock_us)


def applied(position: int) -> Fact:
    return lambda session: session.record_feed_applied(cursor(position))


def pass_wanted(seq: int) -> Fact:
    return lambda session: session.record_pass_wanted(seq)


def greeting(seq: int = 0) -> Playbook[BranchSession]:
    """A session that has said hello."""
    return Playbook(BranchSession(hello(seq), 0)) << Send(hello(seq))


def streaming(seq: int = 0, acknowledged: int = 0, batches: int = 2) -> Playbook[BranchSession]:
    """A session that was welcome and whose history agrees."""
    play = greeting(seq) >> welcome(acknowledged, batches)
    return play.skip() >> history(head(acknowledged).entry_hash)


def even(seq: int = 0) -> Playbook[BranchSession]:
    """A session with nothing to send and nothing due."""
    play = streaming(seq, acknowledged=seq) >> Wait(0)
    return play.skip() >> head_read(seq, 1_000) << Send(Tick(1, 1_000, seq))


# Hello and welcome.


def test_a_session_says_hello_first_and_nothing_until_it_is_welcome() -> None:
    assert (
        Playbook(BranchSession(hello(3), 0))
        << Send(hello(3))
        >> appended(4)
        >> head_read(4, 7)
        >> Wait(GREETING_MS_MAX - 1)
    )


def test_a_welcome_is_remembered_and_history_compared_before_anything_is_sent() -> None:
    assert (
        greeting(3)
        >> welcome(acknowledged=1)
        << StoreWelcome(welcome(acknowledged=1))
        << CompareHistory(head(1))
        >> appended(4)
        >> history(head(1).entry_hash)
        << read(after=1)
    )


@pytest.mark.parametrize("own_hash", [None, b"x" * 32])
def test_another_entry_under_the_acknowledged_number_ends_the_session(own_hash: bytes | None) -> None:
    play = greeting(3) >> welcome(acknowledged=2)
    play.skip()
    assert play >> history(own_hash) << ReadMarks(())
    assert not play.session.is_streaming


def test_a_branch_does_not_call_itself_even_before_history_was_compared() -> None:
    play = (greeting(1) >> welcome(acknowledged=1)).skip() >> Wait(0) << ReadHead() >> head_read(1, 50)
    assert play >> history(b"x" * 32) << ReadMarks(())


@pytest.mark.parametrize("resume", [ResumeMode.QUARANTINE, ResumeMode.UPGRADE, ResumeMode.SNAPSHOT])
def test_any_other_answer_ends_the_session_with_hq_s_reason(resume: ResumeMode) -> None:
    refusal = welcome(resume=resume, reason="Your store is a copy.")
    assert (
        greeting(3)
        >> refusal
        << StoreWelcome(refusal)
        << Finish(FinishReason.REFUSED, "Your store is a copy.")
        >> appended(4)
        >> Wait(SILENCE_MS_MAX)
    )


def test_a_refusal_without_a_reason_names_the_answer() -> None:
    refusal = welcome(resume=ResumeMode.UPGRADE)
    play = greeting() >> refusal
    assert play << StoreWelcome(refusal) << Finish(FinishReason.REFUSED, "HQ answered upgrade.")


def test_a_second_welcome_is_a_violation() -> None:
    assert streaming() >> welcome() << Finish(FinishReason.VIOLATION, "HQ sent a second welcome.")


def test_bytes_that_are_no_message_are_a_violation() -> None:
    assert streaming() >> Undecodable("garbage") << Finish(FinishReason.VIOLATION, "garbage")


@pytest.mark.parametrize("message", [Ack(head(1)), feed(3), Checkpoint(1, 3, 0)])
def test_what_comes_before_the_welcome_changes_nothing(message: object) -> None:
    assert greeting(3) >> message


# Push.


def test_whole_batches_are_sent_from_the_acknowledged_entry_on() -> None:
    assert (
        streaming(5, acknowledged=2)
        << read(after=2)
        >> found(3, 4)
        << Send(batch(3, 4, head_seq=5))
        << read(after=4)
        >> found(5, 5)
        << Send(batch(5, 5, head_seq=5))
    )


def test_no_more_batches_are_in_flight_than_there_are_credits() -> None:
    assert (
        streaming(9, batches=2)
        << read(after=0)
        >> found(1, 3)
        << Send(batch(1, 3, head_seq=9))
        << read(after=3)
        >> found(4, 6)
        << Send(batch(4, 6, head_seq=9))
        >> appended(10)
        >> Ack(head(3))
        << StoreAcknowledged(Ack(head(3)))
        << read(after=6)
        >> found(7, 10)
        << Send(batch(7, 10, head_seq=10))
    )


def test_the_store_is_asked_for_one_batch_at_a_time() -> None:
    assert streaming(5) << read(after=0) >> appended(6) >> appended(7) >> found(1, 7) << Send(batch(1, 7, head_seq=7))


def test_a_read_that_finds_nothing_is_not_repeated_until_the_journal_grows() -> None:
    assert (
        streaming(1)
        << read(after=0)
        >> (lambda session: session.record_entries((), b""))
        >> appended(2)
        << read(after=0)
    )


def test_a_batch_may_hold_entries_newer_than_the_head_that_was_known() -> None:
    assert (
        streaming(1)
        << read(after=0)
        >> found(1, 3)
        << Send(Batch(INCARNATION, 1, entries(1, 3), head(3).entry_hash, 1))
    )


def test_an_even_branch_sends_a_new_entry_at_once() -> None:
    assert even(3) >> appended(4) << read(after=3) >> found(4, 4) << Send(batch(4, 4, head_seq=4))


# Acknowledgement.


def test_an_ack_moves_the_acknowledged_head() -> None:
    play = streaming(3) << read(after=0) >> found(1, 3) << Send(batch(1, 3, head_seq=3))
    assert play >> Ack(head(3)) << StoreAcknowledged(Ack(head(3)))
    assert play.session.acknowledged == head(3)


def test_an_ack_covers_earlier_batches_whose_acks_did_not_come() -> None:
    play = streaming(4) << read(after=0) >> found(1, 2) << Send(batch(1, 2, head_seq=4)) << read(after=2)
    play = play >> found(3, 4) << Send(batch(3, 4, head_seq=4))
    assert play >> Ack(head(4)) << StoreAcknowledged(Ack(head(4)))


@pytest.mark.parametrize("wrong", [Head(2, b"x" * 32), head(1), head(3), head(0), Head(2**40, b"x" * 32)])
def test_an_ack_of_what_was_not_sent_so_is_a_violation(wrong: Head) -> None:
    play = streaming(2) << read(after=0) >> found(1, 2) << Send(batch(1, 2, head_seq=2))
    (finish,) = play.put(Ack(wrong))
    assert finish.reason is FinishReason.VIOLATION
    assert str(wrong.seq) in finish.explanation
    assert play.session.acknowledged == head(0)


def test_a_repeated_ack_is_a_violation() -> None:
    play = streaming(2) << read(after=0) >> found(1, 2) << Send(batch(1, 2, head_seq=2))
    play = play >> Ack(head(2)) << StoreAcknowledged(Ack(head(2)))
    (finish,) = play.put(Ack(head(2)))
    assert finish.reason is FinishReason.VIOLATION


# Feed.


def test_a_feed_batch_is_acknowledged_once_it_is_applied() -> None:
    play = even() >> feed(2, b"a", b"b") << ApplyFeed(feed(2, b"a", b"b")) >> applied(2) << Send(FeedAck(cursor(2)))
    assert play
    assert play.session.feed == cursor(2)


def test_a_stretch_of_the_feed_that_is_missing_ends_the_stream() -> None:
    play = even() >> feed(2, b"a") << ApplyFeed(feed(2, b"a"))
    (finish,) = play.put(feed(6, b"c", after=4))
    assert finish.reason is FinishReason.VIOLATION


def test_feed_batches_are_applied_one_at_a_time_in_order() -> None:
    assert (
        even()
        >> feed(2, b"a")
        << ApplyFeed(feed(2, b"a"))
        >> feed(4, b"b", after=2)
        >> feed(6, after=4)
        >> applied(2)
        << Send(FeedAck(cursor(2)))
        << ApplyFeed(feed(4, b"b", after=2))
        >> applied(4)
        << Send(FeedAck(cursor(4)))
        << ApplyFeed(feed(6, after=4))
        >> applied(6)
        << Send(FeedAck(cursor(6)))
    )


def test_sales_go_before_cards() -> None:
    (session := even(3).session).receive_message(feed(5, b"price"), 0)
    session.record_appended(4)
    assert session.commands() == [read(3), ApplyFeed(feed(5, b"price"))]


def test_feed_and_push_go_on_beside_each_other() -> None:
    assert (
        streaming(1)
        << read(after=0)
        >> feed(2, b"a")
        << ApplyFeed(feed(2, b"a"))
        >> found(1, 1)
        << Send(batch(1, 1, head_seq=1))
        >> applied(2)
        << Send(FeedAck(cursor(2)))
    )


# Ticks.


def test_a_tick_says_that_nothing_older_than_the_clock_before_the_head_waits() -> None:
    assert streaming(3, acknowledged=3) >> Wait(0) << ReadHead() >> head_read(3, 77) << Send(Tick(1, 77, 3))


def test_a_branch_that_is_not_even_says_nothing_until_it_is() -> None:
    play = streaming(3) << read(after=0) >> Wait(0) << ReadHead() >> head_read(3, 77) >> found(1, 3)
    play = play << Send(batch(1, 3, head_seq=3))
    assert play >> Ack(head(3)) << StoreAcknowledged(Ack(head(3))) << Send(Tick(1, 77, 3))


def test_a_tick_speaks_of_the_head_it_read_even_while_the_journal_grows() -> None:
    play = streaming(1) << read(after=0) >> Wait(0) << ReadHead() >> head_read(1, 77) >> found(1, 1)
    play = play << Send(batch(1, 1, head_seq=1)) >> appended(2) << read(after=1) >> found(2, 2)
    play = play << Send(batch(2, 2, head_seq=2)) >> Wait(TICK_INTERVAL_MS) << ReadHead() >> head_read(2, 99)
    assert play >> Ack(head(1)) << StoreAcknowledged(Ack(head(1))) << Send(Tick(1, 77, 1))


def test_ticks_come_at_intervals() -> None:
    play = even() >> Wait(TICK_INTERVAL_MS - 1) >> Wait(1) << ReadHead() >> head_read(0, 99) << Send(Tick(2, 99, 0))
    assert play >> Wait(TICK_INTERVAL_MS - 1) >> Wait(1) << ReadHead()


def test_a_head_beyond_what_was_acknowledged_is_pushed_first() -> None:
    play = even(1) >> Wait(TICK_INTERVAL_MS) << ReadHead() >> head_read(2, 99) << read(after=1) >> found(2, 2)
    play = play << Send(batch(2, 2, head_seq=2))
    assert play >> Ack(head(2)) << StoreAcknowledged(Ack(head(2))) << Send(Tick(2, 99, 2))


def test_a_tick_says_how_far_the_branch_s_clock_may_be_ahead() -> None:
    said = replace(welcome(), hq_clock_us=1_000)
    play = greeting() >> said << StoreWelcome(said) << CompareHistory(head(0))
    play = play >> (lambda session: session.record_welcome_stored(1_250)) >> history(head(0).entry_hash)
    assert play >> Wait(0) << ReadHead() >> head_read(0, 77) << Send(Tick(1, 77, 0, skew_at_most_us=250))


# A pass.


def test_a_pass_is_done_when_both_sides_are_even() -> None:
    assert (
        even(3)
        >> pass_wanted(3)
        << ReadHead()
        >> head_read(3, 99)
        << Send(Tick(2, 99, 3))
        >> Checkpoint(2, 4, 3)
        >> feed(4)
        << ApplyFeed(feed(4))
        >> applied(4)
        << Send(FeedAck(cursor(4)))
        << PassDone()
    )


def test_a_pass_with_nothing_new_in_the_feed_is_done_by_the_checkpoint() -> None:
    assert (
        even(3)
        >> pass_wanted(3)
        << ReadHead()
        >> head_read(3, 99)
        << Send(Tick(2, 99, 3))
        >> Checkpoint(2, 0, 3)
        << PassDone()
    )


def test_a_pass_is_not_done_by_the_checkpoint_of_an_earlier_tick() -> None:
    assert even(3) >> pass_wanted(3) << ReadHead() >> head_read(3, 99) << Send(Tick(2, 99, 3)) >> Checkpoint(1, 0, 3)


def test_a_pass_is_not_done_while_the_feed_is_behind_the_checkpoint() -> None:
    play = even(3) >> pass_wanted(3) << ReadHead() >> head_read(3, 99) << Send(Tick(2, 99, 3)) >> Checkpoint(2, 4, 3)
    assert play >> feed(3) << ApplyFeed(feed(3)) >> applied(3) << Send(FeedAck(cursor(3)))


def test_a_pass_waits_for_the_entries_it_was_asked_for() -> None:
    play = streaming(2) << read(after=0) >> pass_wanted(2) << ReadHead() >> head_read(2, 50) >> found(1, 1)
    play = play << Send(batch(1, 1, head_seq=2)) << read(after=1) >> found(2, 2) << Send(batch(2, 2, head_seq=2))
    play = play >> Ack(head(1)) << StoreAcknowledged(Ack(head(1)))
    play = play >> Ack(head(2)) << StoreAcknowledged(Ack(head(2))) << Send(Tick(1, 50, 2))
    assert play >> Checkpoint(1, 0, 2) << PassDone()


def test_a_tick_read_before_the_pass_was_asked_for_leads_to_another() -> None:
    play = streaming(1) << read(after=0) >> Wait(0) << ReadHead() >> head_read(1, 50) >> found(1, 1)
    play = play << Send(batch(1, 1, head_seq=1)) >> pass_wanted(2) << ReadHead() >> head_read(2, 60) << read(after=1)
    play = play >> Ack(head(1)) << StoreAcknowledged(Ack(head(1))) << Send(Tick(1, 50, 1)) << ReadHead()
    play = play >> Checkpoint(1, 0, 1) >> head_read(2, 70) >> found(2, 2) << Send(batch(2, 2, head_seq=2))
    play = play >> Ack(head(2)) << StoreAcknowledged(Ack(head(2))) << Send(Tick(2, 70, 2))
    assert play >> Checkpoint(2, 0, 2) << PassDone()


def test_a_pass_that_was_wanted_before_the_welcome_is_done_too() -> None:
    play = greeting(1) >> pass_wanted(1) << ReadHead() >> head_read(1, 50) >> welcome(acknowledged=1)
    play.skip()
    play = play >> history(head(1).entry_hash) << Send(Tick(1, 50, 1))
    assert play >> Checkpoint(1, 0, 1) << PassDone()


def test_two_who_want_a_pass_share_the_later_one() -> None:
    play = even(1) >> pass_wanted(1) << ReadHead() >> pass_wanted(1) << ReadHead() >> head_read(1, 50)
    play = play << Send(Tick(2, 50, 1)) >> head_read(1, 60) << Send(Tick(3, 60, 1))
    assert play >> Checkpoint(2, 0, 1) << PassDone() >> Checkpoint(3, 0, 1)


# Ends.


def test_hq_that_does_not_answer_the_hello_is_given_up() -> None:
    assert (
        greeting()
        >> Wait(GREETING_MS_MAX - 1)
        >> Wait(1)
        << Finish(FinishReason.SILENCE, "HQ did not answer the hello.")
        >> Wait(GREETING_MS_MAX)
    )


def test_hq_that_falls_silent_is_given_up() -> None:
    play = even()
    while play.now_ms < SILENCE_MS_MAX - TICK_INTERVAL_MS:
        play = (play >> Wait(TICK_INTERVAL_MS)).skip()
    assert play >> Wait(TICK_INTERVAL_MS) << Finish(FinishReason.SILENCE, "HQ has been silent for too long.")


def test_any_message_shows_that_hq_is_there() -> None:
    play = even() >> Wait(SILENCE_MS_MAX - 1) << ReadHead() >> Checkpoint(1, 0, 0)
    assert play >> Wait(SILENCE_MS_MAX - 1) << ReadHead()
    assert play.session.is_streaming


def test_a_drain_ends_the_session_with_hq_s_delay() -> None:
    assert even() >> Drain(5_000, "Restarting.") << Finish(FinishReason.DRAINED, "Restarting.", 5_000)


def test_a_goodbye_is_said_before_the_stream_is_closed() -> None:
    assert even() >> BranchSession.record_goodbye << Send(Goodbye()) << Finish(FinishReason.GOODBYE)


def test_nobody_says_goodbye_who_was_not_welcome() -> None:
    assert greeting() >> BranchSession.record_goodbye << Finish(FinishReason.GOODBYE)


def test_a_finished_session_says_nothing_more() -> None:
    play = streaming(2) << read(after=0) >> feed(1, b"a") << ApplyFeed(feed(1, b"a"))
    play = play >> BranchSession.record_goodbye << Send(Goodbye()) << Finish(FinishReason.GOODBYE)
    play = play >> found(1, 2) >> applied(1) >> Ack(head(2)) >> feed(2) >> welcome() >> Drain(1, "") >> Wait(10**6)
    assert play >> appended(5) >> head_read(5, 9) >> history(None) >> BranchSession.record_goodbye
    assert play.session.next_wake_at() is None
