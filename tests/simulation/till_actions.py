"""What cashiers do in a simulated chain besides selling: give back, move cash, close the till; each with how often.

The first sixty worlds, and every other one after them, go without: the table of ablations names their seeds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import select

from branch_node.operations.cash import move_cash
from branch_node.operations.refund_request import parse_refund_request
from branch_node.operations.shifts import close_shift
from shared.domain.branch_facts import CASH_DIRECTIONS
from shared.domain.identifiers import format_id
from shared.errors import NotFound, Refused
from shared.storage.tables import sale

if TYPE_CHECKING:
    from tests.simulation.world import World

TILLS_FROM = 61


def has_tills(seed: int) -> bool:
    """Whether cashiers do so in a world: in every other one."""
    return seed >= TILLS_FROM and seed % 2 == 1


def till_actions(world: World) -> list[tuple[Callable[[], None], float]]:
    """The actions, with their weights beside those of `World`."""

    def give_back() -> None:
        """Somebody brings back what was sold here, perhaps for the second time."""
        place = world.pick_place()
        with place.store.read() as connection:
            sold = list(connection.execute(select(sale.c.id).order_by(sale.c.id)).scalars())
        if not sold:
            return
        world.keys += 1
        asked = {"key": f"back{world.keys}", "register": "1", "cashier": "vera"}
        world.sell_at(place, parse_refund_request({**asked, "sale": format_id(world.random.choice(sold[-8:]))}))

    def move_some_cash() -> None:
        place = world.pick_place()
        direction = world.random.choice(CASH_DIRECTIONS)
        try:
            with place.store.operation() as transaction:
                move_cash(transaction, "1", "vera", direction, world.random.randrange(1, 500), "change")
        except (NotFound, Refused) as error:
            world.note(error.reason)
        world.grew(place)

    def close_till() -> None:
        place = world.pick_place()
        try:
            with place.store.operation() as transaction:
                close_shift(transaction, "1", "vera", None, carry_over=True)
        except NotFound as error:
            world.note(error.reason)
        world.grew(place)

    return [(give_back, 14), (move_some_cash, 4), (close_till, 5)]
