"""Head office's side of a stream, as scripts; and how it judges a hello."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from shared.domain.identifiers import NIL_ID
from shared.domain.money import BUDGET_MAX
from shared.sync.chain import NO_HASH, Head
from shared.sync.hq_session import (
    Finish,
    FinishReason,
    GrantLeases,
    HqSession,
    MergeBatch,
    OpenSession,
    ReadFeed,
    Send,
    StoreFeedAck,
    StoreGoodbye,
    StoreTick,
)
from shared.sync.limits import (
    FEED_BATCH_BYTES_MAX,
    FEED_BATCH_RECORDS_MAX,
    GREETING_MS_MAX,
    LEASES_PER_MESSAGE_MAX,
    PROTOCOL_MAX,
    PUSH_BATCH_ENTRIES_MAX,
    SILENCE_MS_MAX,
    Credits,
)
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
    LeaseGrant,
    LeaseRequest,
    LeasesGranted,
    LeaseWish,
    ProcessingMode,
    ResumeMode,
    Tick,
    Undecodable,
    Welcome,
    WhenUnreachable,
)
from shared.sync.recognition import HelloDecision, KnownBranch, KnownLife
from tests.support.playbook import Playbook, Wait

BRANCH, INCARNATION, EPOCH = b"b" * 16, b"i" * 16, b"e" * 16
FENCE, NOW_US, SKEW_US = 5, 1_000_000_000, 2_500_000
CREDITS = Credits(2, 100, 5_000)
Fact = Callable[[HqSession], None]


def head(seq: int) -> Head:
    return Head(seq, bytes([seq]) * 32)


def cursor(position: int) -> FeedCursor:
    return FeedCursor(EPOCH, position, bytes([position]) * 32 if position else NO_HASH)


def hello(seq: int = 3, feed: FeedCursor | None = None) -> Hello:
    clock_us = NOW_US + SKEW_US
    return Hello(
        BRANCH, INCARNATION, head(seq), feed or FeedCursor(), clock_us, 0, 0, "1.0", NIL_ID, NIL_ID, 1, PROTOCOL_MAX, 1
    )


def known(acknowledged: int = 3, feed_head: int = 0) -> KnownBranch:
    mode, policy = ProcessingMode.CENTRALIZED, WhenUnreachable.FALL_BACK
    return KnownBranch(BRANCH, False, KnownLife(head(acknowledged), 0), False, FENCE, mode, policy, cursor(feed_head))


def welcome(decision: HelloDecision, feed_head: int = 0) -> Welcome:
    mode, policy = ProcessingMode.CENTRALIZED, WhenUnreachable.FALL_BACK
    return Welcome(
        decision.protocol,
        FENCE,
        decision.acknowledged,
        decision.resume,
        decision.reason,
        CREDITS,
        SKEW_US // 1_000,
        mode,
        policy,
        0,
        feed_head,
        NOW_US,
    )


def batch(first: int, last: int) -> Batch:
    return Batch(INCARNATION, first, (b"entry",) * (last - first + 1), head(last).entry_hash, last)


def feed(position: int, *records: bytes, feed_head: int | None = None, after: int = 0) -> Send:
    return Send(FeedBatch(records, cursor(position), feed_head or position, after))


def read(after: int) -> ReadFeed:
    return ReadFeed(cursor(after), FEED_BATCH_RECORDS_MAX, FEED_BATCH_BYTES_MAX)


def opened(decision: HelloDecision, feed_head: int = 0) -> Fact:
    return lambda session: session.record_opened(hello(), known(feed_head=feed_head), decision, NOW_US)


def merged(seq: int) -> Fact:
    return lambda session: session.record_merged(Ack(head(seq)))


def found(position: int, *records: bytes) -> Fact:
    return lambda session: session.record_feed_read(records, cursor(position))


def feed_grew(position: int) -> Fact:
    return lambda session: session.record_feed_head(position)


def tick_stored(number: int, entries: int, feed_head: int) -> Fact:
    return lambda session: session.record_tick_stored(Tick(number, 0, 0), entries, feed_head)


def going_on(acknowledged: int = 3, feed_from: int = 0) -> HelloDecision:
    return HelloDecision(ResumeMode.INCREMENTAL, head(acknowledged), cursor(feed_from))


def opening() -> Playbook[HqSession]:
    """A session that has heard hello and asks the store."""
    return Playbook(HqSession(BRANCH, 0, CREDITS)) >> hello() << OpenSession(hello())


def streaming(acknowledged: int = 3, feed_head: int = 0, feed_from: int = 0) -> Playbook[HqSession]:
    """A session that said welcome."""
    decision = going_on(acknowledged, feed_from)
    return opening() >> opened(decision, feed_head) << Send(welcome(decision, feed_head))


def violation(play: Playbook[HqSession], message: object) -> str:
    """What the session says about a message that breaks the protocol."""
    (finish,) = play.put(message)
    assert isinstance(finish, Finish)
    assert finish.reason is FinishReason.VIOLATION
    assert not play.session.is_streaming
    return finish.explanation


# Hello.


def test_a_hello_is_decided_by_the_store_and_answered_with_what_hq_holds() -> None:
    play = Playbook(HqSession(BRANCH, 0, CREDITS)) >> hello() << OpenSession(hello())
    assert play >> opened(going_on(2)) << Send(welcome(going_on(2)))
    assert play.session.is_streaming


def test_a_hello_of_another_branch_than_the_certificate_s_is_refused() -> None:
    play = Playbook(HqSession(b"x" * 16, 0, CREDITS))
    assert "certificate" in violation(play, hello())


def test_a_second_hello_is_a_violation() -> None:
    assert "second hello" in violation(opening(), hello())
    assert "second hello" in violation(streaming(), hello())


@pytest.mark.parametrize("message", [batch(1, 1), FeedAck(cursor(1)), Tick(1, 0, 0), Goodbye()])
def test_nothing_may_come_before_the_hello_is_answered(message: object) -> None:
    assert "before the hello" in violation(Playbook(HqSession(BRANCH, 0)), message)
    assert "before the hello" in violation(opening(), message)


def test_bytes_that_are_no_message_are_a_violation() -> None:
    assert violation(streaming(), Undecodable("garbage")) == "garbage"


def test_a_branch_that_is_not_taken_in_is_told_why() -> None:
    refusal = HelloDecision(ResumeMode.QUARANTINE, head(3), cursor(0), "Your store is a copy.")
    play = opening() >> opened(refusal, feed_head=9) << Send(welcome(refusal, 9))
    assert play << Finish(FinishReason.REFUSED, "Your store is a copy.")


# Push.


def test_a_batch_is_merged_under_the_session_s_fence_and_acknowledged() -> None:
    play = streaming() >> batch(4, 6) << MergeBatch(batch(4, 6), FENCE)
    assert play >> merged(6) << Send(Ack(head(6)))


def test_batches_are_handed_to_the_merge_in_order() -> None:
    play = streaming() >> batch(4, 4) << MergeBatch(batch(4, 4), FENCE) >> batch(5, 6) << MergeBatch(batch(5, 6), FENCE)
    assert play >> merged(4) << Send(Ack(head(4))) >> merged(6) << Send(Ack(head(6)))


@pytest.mark.parametrize("first", [1, 3, 5, 2**40])
def test_a_batch_that_leaves_a_gap_or_repeats_is_refused(first: int) -> None:
    assert "Entry 4 was expected" in violation(streaming(), replace(batch(4, 4), first_seq=first))


def test_a_batch_after_a_gap_is_refused_even_while_the_first_is_being_merged() -> None:
    play = streaming() >> batch(4, 5) << MergeBatch(batch(4, 5), FENCE)
    assert "Entry 6 was expected" in violation(play, batch(7, 7))


def test_an_empty_batch_is_refused() -> None:
    assert "empty" in violation(streaming(), replace(batch(4, 4), entries=()))


def test_a_batch_of_another_incarnation_is_refused() -> None:
    assert "incarnation" in violation(streaming(), replace(batch(4, 4), incarnation=b"x" * 16))


def test_more_batches_than_credits_are_refused() -> None:
    play = streaming() >> batch(4, 4) << MergeBatch(batch(4, 4), FENCE) >> batch(5, 5) << MergeBatch(batch(5, 5), FENCE)
    assert "More than 2 batches" in violation(play, batch(6, 6))


def test_an_ack_gives_the_credit_back() -> None:
    play = streaming() >> batch(4, 4) << MergeBatch(batch(4, 4), FENCE) >> batch(5, 5) << MergeBatch(batch(5, 5), FENCE)
    assert play >> merged(4) << Send(Ack(head(4))) >> batch(6, 6) << MergeBatch(batch(6, 6), FENCE)


def test_a_batch_of_too_many_entries_is_refused() -> None:
    full = replace(batch(4, 4), entries=(b"entry",) * PUSH_BATCH_ENTRIES_MAX)
    assert streaming() >> full << MergeBatch(full, FENCE)
    too_many = replace(full, entries=(b"entry",) * (PUSH_BATCH_ENTRIES_MAX + 1))
    assert f"{PUSH_BATCH_ENTRIES_MAX + 1} entries" in violation(streaming(), too_many)


# Feed.


def test_sales_are_merged_before_cards_are_read() -> None:
    session = streaming().session
    session.record_feed_head(2)
    session.receive_message(batch(4, 4), 0)
    assert session.commands() == [MergeBatch(batch(4, 4), FENCE), read(after=0)]


def test_the_feed_goes_on_from_the_branch_s_cursor() -> None:
    assert streaming(feed_head=9, feed_from=4) << read(after=4) >> found(9, b"a", b"b") << feed(9, b"a", b"b", after=4)


def test_a_feed_without_news_is_not_read() -> None:
    assert streaming(feed_head=4, feed_from=4) >> feed_grew(3) >> feed_grew(4)


def test_a_growing_feed_is_read_from_where_it_was_left() -> None:
    play = streaming() >> feed_grew(2) << read(after=0) >> feed_grew(5) >> found(2, b"a") << feed(2, b"a", feed_head=5)
    assert play << read(after=2) >> found(5, b"b") << feed(5, b"b", after=2)


def test_no_more_feed_batches_are_in_flight_than_the_window_allows() -> None:
    play = streaming(feed_head=9) << read(after=0) >> found(2, b"a") << feed(2, b"a", feed_head=9) << read(after=2)
    play = play >> found(4, b"b") << feed(4, b"b", feed_head=9, after=2) >> feed_grew(11)
    play = play >> FeedAck(cursor(2)) << StoreFeedAck(cursor(2)) << read(after=4)
    assert play >> FeedAck(cursor(4)) << StoreFeedAck(cursor(4)) >> found(11, b"c") << feed(11, b"c", after=4)


@pytest.mark.parametrize("position", [1, 3, 4])
def test_a_feed_ack_that_was_not_asked_for_is_a_violation(position: int) -> None:
    play = streaming(feed_head=4) << read(after=0) >> found(2, b"a") << feed(2, b"a", feed_head=4) << read(after=2)
    play = play >> found(4, b"b") << feed(4, b"b", after=2)
    assert f"position {position} " in violation(play, FeedAck(cursor(position)))


def test_a_stretch_that_holds_nothing_for_the_branch_is_no_message() -> None:
    assert streaming(feed_head=9) << read(after=0) >> found(5) << read(after=5) >> found(9)


def test_a_cursor_without_records_goes_only_with_a_tick() -> None:
    play = streaming(feed_head=9) << read(after=0) >> found(9)
    play = play >> Tick(1, 7, 3) << StoreTick(Tick(1, 7, 3), 7 - SKEW_US)
    play = play >> tick_stored(1, 3, 9) << Send(Checkpoint(1, 9, 3)) << feed(9)
    assert play >> FeedAck(cursor(9)) << StoreFeedAck(cursor(9)) >> tick_stored(2, 3, 9) << Send(Checkpoint(2, 9, 3))


def test_a_tick_waits_until_the_feed_is_scanned_up_to_its_checkpoint() -> None:
    play = streaming() >> tick_stored(1, 3, 9) << Send(Checkpoint(1, 9, 3)) << read(after=0)
    assert play >> found(5) << read(after=5) >> found(9) << feed(9)


def test_a_tick_needs_no_cursor_when_records_have_just_carried_it() -> None:
    play = streaming() >> tick_stored(1, 3, 9) << Send(Checkpoint(1, 9, 3)) << read(after=0)
    assert play >> found(9, b"a") << feed(9, b"a")


def test_a_read_that_does_not_advance_is_not_repeated() -> None:
    assert streaming(feed_head=9) << read(after=0) >> found(0)


# Ticks.


def test_a_watermark_is_stored_on_hq_s_clock() -> None:
    play = streaming() >> Tick(1, NOW_US + SKEW_US, 3)
    assert play << StoreTick(Tick(1, NOW_US + SKEW_US, 3), NOW_US)


@pytest.mark.parametrize(
    ("skew_at_most_us", "complete_to_us"),
    [(SKEW_US, NOW_US), (SKEW_US + 7, NOW_US - 7), (SKEW_US - 7, NOW_US), (-(10**9), NOW_US)],
)
def test_the_larger_of_two_skews_counts(skew_at_most_us: int, complete_to_us: int) -> None:
    tick = Tick(1, NOW_US + SKEW_US, 3, skew_at_most_us)
    assert streaming() >> tick << StoreTick(tick, complete_to_us)


def test_a_hello_that_was_long_under_way_does_not_move_the_watermark_ahead() -> None:
    said = replace(hello(), wall_clock_us=NOW_US)
    play = Playbook(HqSession(BRANCH, 0, CREDITS)) >> said << OpenSession(said)
    play = play >> (lambda session: session.record_opened(said, known(), going_on(), NOW_US + 5_000_000))
    (stored,) = play.skip().put(Tick(1, NOW_US + 6_000_000, 3))
    assert stored.complete_to_us <= NOW_US + 6_000_000


def test_a_tick_is_answered_with_what_hq_holds() -> None:
    assert streaming() >> tick_stored(4, 17, 0) << Send(Checkpoint(4, 0, 17))


# Ends.


def test_a_goodbye_is_remembered() -> None:
    assert streaming() >> Goodbye() << StoreGoodbye() << Finish(FinishReason.GOODBYE)


def test_leases_are_granted_one_question_at_a_time() -> None:
    wish = LeaseWish(b"l" * 16, "gift:1", 40)
    request, granted = LeaseRequest((wish,)), LeasesGranted((LeaseGrant(b"l" * 16, b"b" * 16, "gift:1", 30, NOW_US),))
    play = streaming() >> request << GrantLeases(request)
    assert "before the last one of its kind" in violation(play, request)
    play = streaming() >> request << GrantLeases(request)
    assert play >> (lambda session: session.record_leases_granted(granted)) << Send(granted)


@pytest.mark.parametrize("amount", [0, BUDGET_MAX + 1])
def test_a_wish_for_nothing_or_for_more_than_there_can_be_is_a_violation(amount: int) -> None:
    assert "lease" in violation(streaming(), LeaseRequest((LeaseWish(b"l" * 16, "gift:1", amount, held=True),)))


def test_too_many_wishes_are_a_violation() -> None:
    wishes = (LeaseWish(b"l" * 16, "gift:1", 1),) * (LEASES_PER_MESSAGE_MAX + 1)
    assert str(LEASES_PER_MESSAGE_MAX) in violation(streaming(), LeaseRequest(wishes))


def test_a_newer_session_takes_over() -> None:
    play = streaming() >> batch(4, 4) << MergeBatch(batch(4, 4), FENCE) >> HqSession.record_replaced
    assert play << Finish(FinishReason.REPLACED, "A newer session of this branch took over.") >> merged(4)


def test_what_the_store_finds_wrong_ends_the_session() -> None:
    play = streaming() >> (lambda session: session.record_violation("A wrong hash."))
    assert play << Finish(FinishReason.VIOLATION, "A wrong hash.")


def test_a_drain_is_announced_to_a_branch_that_was_welcome() -> None:
    def drain(session: HqSession) -> None:
        session.record_drain_wanted(500, "Restarting.")

    finish = Finish(FinishReason.DRAINED, "Restarting.")
    assert streaming() >> drain << Send(Drain(500, "Restarting.")) << finish
    assert opening() >> drain << finish


def test_a_branch_that_does_not_say_hello_is_given_up() -> None:
    finish = Finish(FinishReason.SILENCE, "The branch has been silent for too long.")
    assert Playbook(HqSession(BRANCH, 0)) >> Wait(GREETING_MS_MAX - 1) >> Wait(1) << finish >> Wait(1)


def test_a_branch_that_falls_silent_is_given_up() -> None:
    finish = Finish(FinishReason.SILENCE, "The branch has been silent for too long.")
    play = streaming() >> Wait(SILENCE_MS_MAX - 1) >> Tick(1, 0, 3) << StoreTick(Tick(1, 0, 3), -SKEW_US)
    assert play >> Wait(SILENCE_MS_MAX - 1) >> Wait(1) << finish


def test_a_finished_session_says_nothing_more() -> None:
    play = streaming(feed_head=3) << read(after=0) >> batch(4, 4) << MergeBatch(batch(4, 4), FENCE)
    play = play >> Goodbye() << StoreGoodbye() << Finish(FinishReason.GOODBYE)
    play = play >> merged(4) >> found(3, b"a") >> feed_grew(9) >> tick_stored(1, 3, 9) >> batch(5, 5) >> Goodbye()
    assert play >> Undecodable("late") >> hello() >> HqSession.record_replaced >> Wait(10**6)
    assert play.session.next_wake_at() is None


def test_the_shell_is_told_when_to_come_back() -> None:
    play = Playbook(HqSession(BRANCH, 0))
    assert play.session.next_wake_at() == GREETING_MS_MAX
    assert streaming().session.next_wake_at() == SILENCE_MS_MAX
