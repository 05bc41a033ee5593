"""What an answer of the head office, or none, means for an operation that waits."""

from __future__ import annotations

import pytest

from shared.sync.central import (
    BREAK_MS_MAX,
    Answer,
    Committed,
    Decision,
    NeverAsked,
    NoAnswer,
    NotNow,
    Rejected,
    decide,
    digest_commands,
    next_break_ms,
)
from shared.sync.messages import WhenUnreachable

REFUSE, FALL_BACK = WhenUnreachable.REFUSE, WhenUnreachable.FALL_BACK
CONFIRM, VOID, KEEP, BACK = Decision.CONFIRM, Decision.VOID, Decision.KEEP, Decision.FALL_BACK


@pytest.mark.parametrize(
    ("answer", "refuse", "fall_back"),
    [
        (Committed(1), CONFIRM, CONFIRM),
        (Rejected("taken", "no"), VOID, VOID),
        (NeverAsked("no network"), VOID, BACK),
        (NotNow("synchronise first"), VOID, BACK),
        (NoAnswer("silence"), KEEP, BACK),
    ],
)
def test_the_table(answer: Answer, refuse: Decision, fall_back: Decision) -> None:
    assert decide(answer, REFUSE, in_doubt=False) is refuse
    assert decide(answer, FALL_BACK, in_doubt=False) is fall_back


def test_what_may_be_on_its_way_is_not_dropped() -> None:
    assert decide(NeverAsked("no network"), REFUSE, in_doubt=True) is KEEP
    assert decide(NotNow("synchronise first"), REFUSE, in_doubt=True) is KEEP


@pytest.mark.parametrize(("in_doubt", "decision"), [(False, VOID), (True, KEEP)])
def test_what_hq_alone_may_allow_does_not_fall_back(in_doubt: bool, decision: Decision) -> None:
    assert decide(NeverAsked("no network"), FALL_BACK, in_doubt, needs_leave=True) is decision
    assert decide(NoAnswer("silence"), FALL_BACK, in_doubt, needs_leave=True) is KEEP


def test_hq_is_asked_again_ever_more_rarely() -> None:
    pauses = [next_break_ms(failures) for failures in range(100)]
    assert pauses[:3] == [1_000, 2_000, 4_000]
    assert pauses == sorted(pauses)
    assert pauses[-1] == BREAK_MS_MAX


def test_a_digest_does_not_depend_on_the_order() -> None:
    ids = [bytes([number]) * 16 for number in range(1, 6)]
    assert digest_commands(ids) == digest_commands(reversed(ids))
    assert digest_commands([]) == b""
    assert digest_commands(ids[:4]) != digest_commands(ids)
