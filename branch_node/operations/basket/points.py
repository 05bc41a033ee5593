"""A client's points that pay a part of a basket: how many could, how many are to. Nothing is spent before the sale."""

from __future__ import annotations

import json
from typing import NamedTuple

from branch_node.operations.basket.desk import Desk, Done, Outcome, act
from branch_node.operations.loyalty import points_here, read_program
from branch_node.storage.baskets import BasketRow
from branch_node.storage.store import BranchStore
from shared.domain.loyalty import POINTS, payable_points_max
from shared.errors import InvalidInput, Refused
from shared.sync.messages import ProcessingMode


class PointsOffer(NamedTuple):
    """What points can pay of a basket. `known` is what this branch knows the client to have.

    `payable` can be spent here for sure; up to `payable_with_leave` the head office is asked about the one sale, and
    while it is away there is no sale by them. `chosen` are to pay, at `value_minor` each.
    """

    known: int
    payable: int
    payable_with_leave: int
    value_minor: int
    chosen: int

    @property
    def paid_minor(self) -> int:
        """What the chosen points pay."""
        return self.chosen * self.value_minor


def offer_points(store: BranchStore, basket: BasketRow, total_minor: int, credit_minor: int) -> PointsOffer | None:
    """What points can pay of a basket of that total, in which goods worth a credit come back; None without a client or
    a programme."""
    if basket.client_id is None:
        return None
    with store.look() as transaction:
        program = read_program(transaction)
        if program is None:
            return None
        node = transaction.node
        here = points_here(transaction.cursor, basket.client_id, transaction.now_us, node.timezone)
    known = max(0, here.balance.points, here.at_hand)
    is_central = node.mode is ProcessingMode.CENTRALIZED
    # Points never pay what goods that come back pay: nobody turns them into money.
    most = min(
        payable_points_max(program, total_minor, known), max(0, total_minor - credit_minor) // program.point_value_minor
    )
    payable = most if is_central else min(most, here.at_hand)
    if basket.sale_asked is not None:
        chosen = _frozen_minor(basket.sale_asked) // program.point_value_minor
    else:
        chosen = min(basket.points or 0, most)
    return PointsOffer(known, payable, most, program.point_value_minor, chosen)


def set_points(
    store: BranchStore, basket_id: bytes, request_id: str, points: int | None, tab_token: str | None = None
) -> Done:
    """So many points are to pay a part of the basket, or fewer should it come to less; None or 0 for none.

    Raises what `act` does.
    """

    def work(desk: Desk) -> Done:
        desk.change_basket(points=points or None)
        return Done(Outcome.POINTS, 0)

    return act(store, basket_id, request_id, "points", work, tab_token)


def require_points(offer: PointsOffer | None, points: int | None) -> int:
    """How many points are meant; None is as many as can be paid here for sure. Raises Refused, InvalidInput."""
    if offer is None:
        raise Refused("Points need a client, and a loyalty programme.", "Choose the client first: F4.")
    if points is None:
        if offer.payable == 0 and offer.payable_with_leave:
            raise Refused(
                "The head office has lent this branch no points of this client to spend now.",
                "Type how many to ask it about this one sale; or try again when it is online.",
            )
        if offer.payable == 0:
            raise Refused("This client has no points that could pay here.", "Take money.")
        return offer.payable
    if points > offer.payable_with_leave:
        raise InvalidInput(f"At most {offer.payable_with_leave} points can pay here.", "Type fewer.")
    return points


def _frozen_minor(asked: str) -> int:
    return sum(amount for method, amount in json.loads(asked)["payments"] if method == POINTS)
