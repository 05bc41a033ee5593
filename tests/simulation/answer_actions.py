"""What HQ computes over the whole chain and tells its branches, in worlds of their own.

Only in every other world from seed 8001 on: the worlds before them stay what hunts, ablations and tests know.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hq_server.operations.chain_answers import tell_branches
from hq_server.storage.feed import number_feed
from shared.reports.branch_questions import QUESTIONS

if TYPE_CHECKING:
    from tests.simulation.world import World

ANSWERS_FROM, ANSWERS_EVERY = 8_001, 2
HOUR, LAG_MINUTES = 4, 15
ASKED = [question for question in QUESTIONS if question.report in ("margin", "rfm", "completeness", "abc-xyz")]
"""Of the branch itself, of its clients, and of all."""


def has_answers(seed: int) -> bool:
    """Whether HQ tells answers in a world."""
    return seed >= ANSWERS_FROM and seed % ANSWERS_EVERY == ANSWERS_FROM % ANSWERS_EVERY


def answer_actions(world: World) -> list[tuple[Callable[[], None], float]]:
    """The action, with its weight beside those of `World`."""

    def tell() -> None:
        tell_branches(world.hq.store, world.clock, world.random.choice(ASKED), HOUR, LAG_MINUTES)
        world.tell_feed(number_feed(world.hq.store, world.clock.now_us()).position)

    return [(tell, 6.0)]
