"""What the head office's pages are given when the program starts, and how they write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import Connection
from starlette.requests import Request

from hq_server.operations.founding import ChainRow, read_chain
from hq_server.operations.product_search import ProductIndex
from hq_server.settings import Settings
from hq_server.storage.feed import number_feed
from hq_server.storage.store import HqStore
from shared.clock import Clock, Ids
from shared.operations.passwords import PASSWORD_COST, HashCost
from shared.operations.people import day_in_zone

ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True)
class WebContext:
    """`check_store` raises when the store does not answer; `password_cost` is that of new passwords."""

    store: HqStore
    settings: Settings
    clock: Clock
    ids: Ids
    check_store: Callable[[], object]
    chain: ChainRow
    password_cost: HashCost = PASSWORD_COST
    products: ProductIndex = field(default_factory=ProductIndex)

    def change(self, act: Callable[[Connection, int], ResultT]) -> ResultT:
        """One operation in a transaction of its own, told its moment; what branches are to know is numbered after."""
        now_us = self.clock.now_us()
        with self.store.write() as connection:
            result = act(connection, now_us)
        number_feed(self.store, now_us)
        return result

    def today(self) -> int:
        """The day in the chain's zone, in days since 1970-01-01."""
        return day_in_zone(self.clock.now_us(), self.chain.timezone)


def make_context(
    store: HqStore,
    settings: Settings,
    clock: Clock,
    ids: Ids,
    check_store: Callable[[], object],
    password_cost: HashCost = PASSWORD_COST,
) -> WebContext:
    """The context of a chain's pages. What the chain was founded with never changes."""
    with store.read() as connection:
        chain = read_chain(connection)
    return WebContext(store, settings, clock, ids, check_store, chain, password_cost)


def context_of(request: Request) -> WebContext:
    """The context of the application that a request came to."""
    context: WebContext = request.app.state.context
    return context
