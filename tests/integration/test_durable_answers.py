"""No answer precedes the disk: what `sell -` says is committed has been forced out before it is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.demo.chain import Branch
from tests.support.tills import asked_line, asked_lines
from tests.support.traces import Event, has_strace, trace_till

pytestmark = pytest.mark.skipif(not has_strace(), reason="strace is not installed, or may not trace here")
SALES = 25


@pytest.fixture
def events(branch: Branch, tmp_path: Path) -> list[Event]:
    """What a till did to sell some sales, a repeated one among them."""
    branch.sell([asked_line("warm-up")])
    return trace_till(branch.home, asked_lines(f"key-{number}" for number in range(SALES)), tmp_path / "trace")


def test_every_answer_is_preceded_by_a_forced_write_of_its_own(events: list[Event]) -> None:
    assert events.count(Event.ANSWERED) == SALES
    forced = 0
    for event in events:
        if event is Event.STORE_FORCED:
            forced += 1
        elif event is Event.ANSWERED:
            assert forced > 0, "an answer came without a forced write since the one before"
            forced = 0


def test_nothing_written_is_unforced_when_an_answer_is_given(events: list[Event]) -> None:
    is_unforced = False
    for event in events:
        if event is Event.STORE_WRITTEN:
            is_unforced = True
        elif event is Event.STORE_FORCED:
            is_unforced = False
        else:
            assert not is_unforced, "an answer was given before the log was forced out"
