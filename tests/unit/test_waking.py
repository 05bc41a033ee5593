"""When the shell of a branch's session is to come back, whatever comes from HQ."""

from __future__ import annotations

from shared.sync.limits import GREETING_MS_MAX, SILENCE_MS_MAX, TICK_INTERVAL_MS
from tests.support.playbook import Wait
from tests.unit.test_branch_session import greeting, welcome


def test_the_shell_is_told_when_to_come_back() -> None:
    play = greeting()
    assert play.session.next_wake_at() == GREETING_MS_MAX
    play = play >> welcome()
    assert play.session.next_wake_at() == 0
    play = play.skip() >> Wait(7)
    assert play.session.next_wake_at() == 7 + TICK_INTERVAL_MS
    play = play.skip() >> Wait(SILENCE_MS_MAX - 8)
    assert play.session.next_wake_at() == SILENCE_MS_MAX
