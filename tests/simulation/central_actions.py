"""What people do in a simulated chain whose branches may work through HQ, each with how often it happens."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from branch_node.operations.budgets import return_leases, want_lease
from branch_node.sync_client.processor import DOUBTFUL_AFTER_US
from hq_server.operations.fleet import set_mode
from hq_server.storage.feed import number_feed
from shared.errors import Refused
from shared.sync.messages import ProcessingMode, WhenUnreachable
from tests.simulation import central
from tests.simulation.central import BUDGET

if TYPE_CHECKING:
    from tests.simulation.world import World


def central_actions(world: World) -> list[tuple[Callable[[], None], float]]:
    """The actions, with their weights beside those of `World`."""

    def switch_mode() -> None:
        code = world.pick_place().row.code
        mode = world.random.choice((ProcessingMode.CENTRALIZED, ProcessingMode.CENTRALIZED, ProcessingMode.DISTRIBUTED))
        policy = world.random.choice(tuple(WhenUnreachable))
        with world.hq.store.write() as connection:
            set_mode(connection, world.hq.ids, world.clock.now_us(), code, mode, policy)
        world.tell_feed(number_feed(world.hq.store, world.clock.now_us()).position)

    def ask_again() -> None:
        """A cashier asks with the key that had no answer."""
        waiting = [each for each in world.undecided if each.place.is_alive]
        if waiting:
            chosen = world.random.choice(waiting)
            world.undecided.remove(chosen)
            world.sell_at(chosen.place, chosen.request)

    def look_after_doubts() -> None:
        place = world.pick_place()
        central.resolve(world, place)
        world.grew(place)

    def bring_late_question() -> None:
        """A question that nobody waits for any more arrives at HQ, perhaps not for the first time."""
        if world.late:
            central.deliver_commit(world, *world.random.choice(world.late))

    def outlive_question() -> None:
        """A question is slow on its way: everybody gives it up, then it arrives, then the cashier asks again."""
        slow = [question for question in world.late if question[0].is_alive]
        if not slow:
            return
        place, data = slow[-1]
        world.clock.advance(DOUBTFUL_AFTER_US / 1_000_000 + 1)
        central.resolve(world, place)
        central.deliver_commit(world, place, data)
        for waiting in [each for each in world.undecided if each.place is place]:
            world.undecided.remove(waiting)
            world.sell_at(place, waiting.request)

    def want_some() -> None:
        place = world.pick_place()
        returns = world.random.random() < 0.3
        with place.store.operation() as transaction:
            want_lease(transaction.cursor, place.ids, BUDGET, world.random.randrange(60))
        try:
            with place.store.operation() as transaction:
                if returns:
                    return_leases(transaction, BUDGET)
        except Refused as error:
            world.note(error.reason)
        world.grew(place)

    def spend() -> None:
        place = world.pick_place()
        central.spend(world, place, BUDGET, world.random.randrange(1, 20))
        world.grew(place)

    return [
        (switch_mode, 4),
        (ask_again, 4),
        (look_after_doubts, 2),
        (bring_late_question, 2),
        (outlive_question, 3),
        (want_some, 2),
        (spend, 8),
    ]
