"""Finding the last entry that a branch and HQ have in common, by asking about a few marks at a time.

HQ holds an entry together with all before it, so the positions it holds are a prefix of the branch's past: a search
among n positions takes about log(n) / log(64) questions. Position 0 is the beginning of the branch's first incarnation.
"""

from __future__ import annotations

from collections.abc import Sequence

from shared.sync.limits import MARKS_MAX
from shared.sync.messages import Mark


class Search:
    """The open interval in which the newest common position lies."""

    def __init__(self, head_position: int) -> None:
        self._held = -1  # the newest position HQ is known to hold; −1: none yet
        self._missing = head_position + 1  # the oldest position HQ is known not to hold
        self._asked: tuple[int, ...] = ()
        self._common: Mark | None = None

    def next_positions(self) -> tuple[int, ...]:
        """The positions to ask about, oldest first; empty when the search is over."""
        count = self._missing - self._held - 1
        if count <= 0:
            return ()
        if count <= MARKS_MAX:
            self._asked = tuple(range(self._held + 1, self._missing))
        else:
            steps = {self._held + 1 + (count - 1) * step // (MARKS_MAX - 1) for step in range(MARKS_MAX)}
            self._asked = tuple(sorted(steps))
        return self._asked

    def record_answer(self, marks: Sequence[Mark], index: int | None) -> bool:
        """Narrows the search; false when the answer fits no question."""
        if index is None:
            self._missing = self._asked[0]
            return True
        if index >= len(self._asked) or len(marks) != len(self._asked):
            return False
        self._held, self._common = self._asked[index], marks[index]
        if index + 1 < len(self._asked):
            self._missing = self._asked[index + 1]
        return True

    @property
    def common(self) -> Mark | None:
        """The newest mark HQ holds, once the search is over; None when it holds nothing."""
        return self._common

    @property
    def common_position(self) -> int:
        """Its position; −1 when HQ holds nothing."""
        return self._held
