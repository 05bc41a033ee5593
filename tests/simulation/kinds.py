"""Which kinds of work a simulated world has beside the sales and edits of all: decided by its seed alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from tests.simulation.answer_actions import answer_actions, has_answers
from tests.simulation.central_actions import central_actions
from tests.simulation.client_actions import client_actions, has_clients
from tests.simulation.erasure_actions import erasure_actions, has_erasures
from tests.simulation.ledger_actions import has_ledgers, ledger_actions
from tests.simulation.person_actions import has_persons, person_actions
from tests.simulation.till_actions import has_tills, till_actions

if TYPE_CHECKING:
    from tests.simulation.world import World

DISTRIBUTED_EVERY = 3
"""In every so many worlds no branch is ever told to commit through HQ."""


class Kinds(NamedTuple):
    """Branches that work through HQ; cashiers' refunds, cash and closings; ledgers of goods and points; work with
    clients; persons who are erased; both, with every word naming whom it is about; answers of the chain."""

    is_mixed: bool
    has_tills: bool
    has_ledgers: bool
    has_clients: bool
    has_erasures: bool
    has_persons: bool
    has_answers: bool


def kinds_of(seed: int) -> Kinds:
    """Those of a seed's world."""
    persons = has_persons(seed)
    return Kinds(
        seed % DISTRIBUTED_EVERY != 0,
        has_tills(seed),
        has_ledgers(seed),
        has_clients(seed) or persons,
        has_erasures(seed) or persons,
        persons,
        has_answers(seed),
    )


def more_actions(world: World) -> list[tuple[Callable[[], None], float]]:
    """The actions of the world's kinds, with their weights."""
    kinds, found = world.kinds, list[tuple[Callable[[], None], float]]()
    makers = {
        central_actions: kinds.is_mixed,
        till_actions: kinds.has_tills,
        ledger_actions: kinds.has_ledgers,
        client_actions: kinds.has_clients and not kinds.has_persons,
        erasure_actions: kinds.has_erasures,
        person_actions: kinds.has_persons,
        answer_actions: kinds.has_answers,
    }
    for actions, has in makers.items():
        found += actions(world) if has else []
    return found
