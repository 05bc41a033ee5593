"""How HQ judges a hello: plain resume, restored store, copy, stranger, restored head office."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.domain.identifiers import NIL_ID
from shared.sync.chain import NO_HASH, Head, Parent, hash_genesis
from shared.sync.limits import PROTOCOL_MAX, PROTOCOL_MIN
from shared.sync.messages import FeedCursor, Hello, ProcessingMode, ResumeMode, WhenUnreachable
from shared.sync.recognition import HelloDecision, KnownBranch, KnownLife, LifeState, decide_hello

BRANCH, INCARNATION, EPOCH, FENCE = b"b" * 16, b"i" * 16, b"e" * 16, 7
PARENT = Parent(b"p" * 16, 3, b"h" * 32)


def head(seq: int) -> Head:
    return Head(seq, bytes([seq]) * 32)


def cursor(position: int) -> FeedCursor:
    return FeedCursor(EPOCH, position, bytes([position]) * 32 if position else NO_HASH)


def hello(seq: int = 3, feed: FeedCursor | None = None) -> Hello:
    return Hello(
        BRANCH, INCARNATION, head(seq), feed or FeedCursor(), 0, 0, 0, "1.0", NIL_ID, NIL_ID, 1, PROTOCOL_MAX, 1
    )


def known(
    acknowledged: int | None = 3,
    feed_head: int = 0,
    state: LifeState = LifeState.LIVE,
    confirmed_fence: int = 0,
    is_new: bool = False,
    holds_parent: bool = False,
) -> KnownBranch:
    """What HQ holds of the hello's incarnation up to an entry; None when it never saw it."""
    mode, policy = ProcessingMode.CENTRALIZED, WhenUnreachable.FALL_BACK
    life = None if acknowledged is None else KnownLife(head(acknowledged), confirmed_fence, state)
    return KnownBranch(BRANCH, is_new, life, holds_parent, FENCE, mode, policy, cursor(feed_head))


def decide(said: Hello, held: KnownBranch, is_on_feed: bool = False) -> HelloDecision:
    return decide_hello(said, held, is_on_feed)


def test_a_branch_that_is_ahead_goes_on_from_what_hq_holds() -> None:
    assert decide(hello(5), known(3)) == HelloDecision(ResumeMode.INCREMENTAL, head(3), cursor(0))
    assert decide(hello(3), known(3)).resume is ResumeMode.INCREMENTAL


def test_the_first_hello_of_a_branch_starts_a_chain() -> None:
    decision = decide(hello(5), known(None, is_new=True))
    assert decision.resume is ResumeMode.INCREMENTAL
    assert decision.is_first
    assert decision.acknowledged == Head(0, hash_genesis(BRANCH, INCARNATION))


def test_a_first_hello_that_continues_an_unknown_incarnation_must_find_what_hq_holds() -> None:
    decision = decide(replace(hello(5), parent=PARENT), known(None, is_new=True))
    assert decision.resume is ResumeMode.REPAIR
    assert not decision.is_first


def test_a_restored_store_that_was_rehomed_goes_on_as_a_new_incarnation() -> None:
    decision = decide(replace(hello(5), parent=PARENT), known(None, holds_parent=True))
    assert (decision.resume, decision.is_first) == (ResumeMode.INCREMENTAL, True)
    assert decision.acknowledged == Head(0, hash_genesis(BRANCH, INCARNATION, PARENT))


def test_a_stranger_s_store_is_quarantined_and_one_enrolled_in_place_of_a_lost_one_is_taken_in() -> None:
    assert decide(hello(5), known(None)).resume is ResumeMode.QUARANTINE
    decision = decide(hello(5), replace(known(None), is_replacing=True))
    assert (decision.resume, decision.is_first, decision.disowns_others) == (ResumeMode.INCREMENTAL, True, True)


def test_a_head_office_that_was_restored_takes_a_store_in_that_it_has_forgotten() -> None:
    decision = decide(replace(hello(5), last_fence=FENCE + 1), known(None))
    assert (decision.resume, decision.hq_restored) == (ResumeMode.INCREMENTAL, True)
    held = known(3)
    assert held.life is not None
    held = replace(held, life=replace(held.life, issued_fence=4))
    assert not decide(replace(hello(5), last_fence=4), held).hq_restored
    assert decide(replace(hello(5), last_fence=5), held).hq_restored


def test_a_branch_behind_what_hq_holds_was_restored() -> None:
    decision = decide(hello(2), known(3))
    assert decision.resume is ResumeMode.REPAIR
    assert "ends at entry 2, but HQ holds 3" in decision.reason


def test_another_entry_under_the_same_number_is_a_restored_store() -> None:
    said = replace(hello(3), head=Head(3, b"x" * 32))
    assert decide(said, known(3)).resume is ResumeMode.REPAIR
    assert decide(replace(said, head=Head(4, b"x" * 32)), known(3)).resume is ResumeMode.INCREMENTAL


@pytest.mark.parametrize(
    ("last_fence", "confirmed_fence", "state", "resume"),
    [
        (4, 4, LifeState.LIVE, ResumeMode.INCREMENTAL),
        (5, 4, LifeState.LIVE, ResumeMode.INCREMENTAL),  # the welcome came, nothing after it
        (3, 4, LifeState.LIVE, ResumeMode.REPAIR),
        (0, 4, LifeState.LIVE, ResumeMode.INCREMENTAL),  # a release that keeps no fences
        (3, 4, LifeState.CLOSED, ResumeMode.REPAIR),
        (0, 4, LifeState.CLOSED, ResumeMode.REPAIR),
        (4, 4, LifeState.CLOSED, ResumeMode.QUARANTINE),
        (4, 4, LifeState.HEIR, ResumeMode.INCREMENTAL),
        (4, 4, LifeState.DISOWNED, ResumeMode.REPAIR),
    ],
)
def test_the_fence_of_its_last_session_tells_a_copy_from_the_store_itself(
    last_fence: int, confirmed_fence: int, state: LifeState, resume: ResumeMode
) -> None:
    decision = decide(replace(hello(3), last_fence=last_fence), known(3, 0, state, confirmed_fence))
    assert decision.resume is resume
    assert decision.quarantines is (resume is ResumeMode.QUARANTINE)


def test_a_quarantine_holds_until_it_is_lifted() -> None:
    decision = decide(hello(3), replace(known(3), quarantine="Two stores."))
    assert (decision.resume, decision.reason) == (ResumeMode.QUARANTINE, "Two stores.")
    assert not decision.quarantines


def test_a_feed_that_hq_does_not_know_is_lost() -> None:
    assert decide(hello(feed=cursor(4)), known(feed_head=9), is_on_feed=False).feed_lost
    assert not decide(hello(feed=cursor(4)), known(feed_head=9), is_on_feed=True).feed_lost
    assert not decide(hello(), known(feed_head=9)).feed_lost


@pytest.mark.parametrize(
    ("lowest", "highest"), [(PROTOCOL_MAX + 1, PROTOCOL_MAX + 3), (0, PROTOCOL_MIN - 1), (PROTOCOL_MAX + 1, 2**31)]
)
def test_a_branch_that_speaks_no_common_protocol_must_upgrade(lowest: int, highest: int) -> None:
    decision = decide(replace(hello(), protocol_min=lowest, protocol_max=highest), known())
    assert decision.resume is ResumeMode.UPGRADE
    assert f"{lowest}–{highest}" in decision.reason


def test_the_highest_common_protocol_is_spoken() -> None:
    assert decide(replace(hello(), protocol_max=PROTOCOL_MAX + 7), known()).protocol == PROTOCOL_MAX


def test_the_feed_goes_on_where_the_branch_is_when_hq_knows_that_place() -> None:
    said = hello(feed=cursor(4))
    assert decide(said, known(feed_head=9), is_on_feed=True).feed == cursor(4)


@pytest.mark.parametrize("claimed", [cursor(4), FeedCursor(), replace(cursor(0), running_hash=b"x" * 32)])
def test_the_feed_starts_over_when_hq_does_not_know_the_branch_s_place(claimed: FeedCursor) -> None:
    assert decide(hello(feed=claimed), known(feed_head=9), is_on_feed=False).feed == cursor(0)
