"""What shops of a simulated chain enter into ledgers: goods that come, spoil and are counted; points earned and spent.

Only in every third world from seed 201 on: the worlds before them stay what the table of ablations and the tests know.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from branch_node.operations import stock
from branch_node.operations.budgets import return_leases, want_lease
from branch_node.operations.loyalty import points_here
from branch_node.operations.refund_request import parse_refund_request
from branch_node.operations.stock import Goods
from hq_server.operations.loyalty import set_program
from hq_server.storage.feed import number_feed
from shared.domain.identifiers import format_id
from shared.domain.loyalty import make_program, owner_of_client
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.errors import NotFound, Refused
from shared.operations.clients import find_by_external_id
from shared.storage.tables import client, sale, sale_line
from tests.simulation.places import Place
from tests.support.shop import request

if TYPE_CHECKING:
    from tests.simulation.world import World

LEDGERS_FROM, LEDGERS_EVERY = 201, 3
SKUS = ("100", "S0", "S1", "S2")
# A kopek of points for each ten paid; they pay half of a receipt.
EARNED, PAYABLE, POINT_MINOR = "*:*:1000", 5_000, 1


def has_ledgers(seed: int) -> bool:
    """Whether shops do so in a world."""
    return seed >= LEDGERS_FROM and seed % LEDGERS_EVERY == LEDGERS_FROM % LEDGERS_EVERY + 1


def ledger_actions(world: World) -> list[tuple[Callable[[], None], float]]:
    """The actions, with their weights beside those of `World`; makes the chain's loyalty programme."""
    _make_programme(world)
    return [*_goods_actions(world), *_points_actions(world)]


def _goods_actions(world: World) -> list[tuple[Callable[[], None], float]]:
    entered: dict[tuple[str, str], bytes] = {}
    asked: list[tuple[Place, Any, Goods, str]] = []

    def enter(place: Place, operation: Any, goods: Goods, key: str) -> None:
        try:
            with place.store.operation() as transaction:
                answer = operation(transaction, LOCAL_ADMINISTRATOR, "vera", [goods], key=key)
        except (NotFound, Refused) as error:
            world.note(error.reason)
            return
        world.grew(place)
        if entered.setdefault((place.name, key), answer.movement_id) != answer.movement_id:
            raise AssertionError(f"{place.name} entered {key} twice")

    def move(operation: Any, units: int) -> None:
        world.keys += 1
        goods = Goods(world.random.choice(SKUS), world.random.randrange(1, units) * 500)
        asked.append((world.pick_place(), operation, goods, f"goods{world.keys}"))
        enter(*asked[-1])

    def receive_goods() -> None:
        move(stock.receive, 60)

    def write_off_goods() -> None:
        move(stock.write_off, 6)

    def count_goods() -> None:
        move(stock.count, 60)

    def enter_goods_again() -> None:
        """Somebody sends a form again."""
        again = [each for each in asked[-12:] if each[0].is_alive]
        if again:
            enter(*world.random.choice(again))

    return [(receive_goods, 10), (write_off_goods, 6), (count_goods, 8), (enter_goods_again, 6)]


def _points_actions(world: World) -> list[tuple[Callable[[], None], float]]:
    def sell_goods() -> None:
        """Goods to a client, who may pay a part by points: what is at hand here, or more, with HQ's leave."""
        world.keys += 1
        place, quantity = world.pick_place(), world.random.randrange(1, 5)
        amount, points = world.random.randrange(2, 4_000) * quantity, 0
        whom = _pick_client(world, place)
        if world.random.random() < 0.5:
            at_hand = _points_at_hand(place, whom)
            more = world.random.randrange(200) if world.random.random() < 0.3 else 0
            points = min(at_hand + more, amount // 2)
        paid = [{"method": "cash", "amount_minor": amount - points}, {"method": "points", "amount_minor": points}]
        lines = [{"sku": world.random.choice(SKUS), "quantity": quantity, "amount_minor": amount}]
        world.sell_at(
            place, request(f"key{world.keys}", 1, client=whom, lines=lines, payments=paid[: 1 + (points > 0)])
        )

    def bring_goods_back() -> None:
        """Some of what was sold here, perhaps more than is left of it."""
        place = world.pick_place()
        with place.store.read() as connection:
            statement = select(sale.c.id, sale_line.c.quantity_thousandths).join(
                sale_line, sale_line.c.sale_id == sale.c.id
            )
            sold = list(connection.execute(statement.where(sale.c.client.is_not(None)).order_by(sale.c.id)))
        if not sold:
            return
        world.keys += 1
        sale_id, thousandths = world.random.choice(sold[-8:])
        document = {"key": f"back{world.keys}", "register": "1", "cashier": "vera", "sale": format_id(sale_id)}
        quantity = world.random.randrange(1, thousandths // 1_000 + 1)
        world.sell_at(place, parse_refund_request({**document, "lines": [{"line": 1, "quantity": quantity}]}))

    def want_points() -> None:
        """Points of a client are to be at hand here from now on, or go back."""
        place = world.pick_place()
        whom = _pick_client(world, place)
        amount, returns = world.random.randrange(1, 600), world.random.random() < 0.2
        with place.store.operation() as transaction:
            client_id = find_by_external_id(transaction.connection, whom)
            if client_id is None:
                return
            want_lease(transaction.cursor, place.ids, owner_of_client(client_id), amount)
        try:
            with place.store.operation() as transaction:
                if returns:
                    return_leases(transaction, owner_of_client(client_id))
        except Refused as error:
            world.note(error.reason)
        world.grew(place)

    return [(sell_goods, 110), (bring_goods_back, 50), (want_points, 24)]


def _make_programme(world: World) -> None:
    with world.hq.store.write() as connection:
        programme = make_program("main", [EARNED], PAYABLE, 0, POINT_MINOR)
        set_program(connection, world.hq.ids, world.clock.now_us(), programme, "Club")
    world.tell_feed(number_feed(world.hq.store, world.clock.now_us()).position)


def _pick_client(world: World, place: Place) -> str:
    """A client that is known there, if anybody is."""
    with place.store.read() as connection:
        known = sorted(filter(None, connection.execute(select(client.c.external_id)).scalars()))
    return world.random.choice(known) if known else "K0"


def _points_at_hand(place: Place, client: str) -> int:
    with place.store.look() as transaction:
        client_id = find_by_external_id(transaction.connection, client)
        if client_id is None:
            return 0
        return points_here(transaction.cursor, client_id, transaction.now_us, transaction.node.timezone).at_hand
