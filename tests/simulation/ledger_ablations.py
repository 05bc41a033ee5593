"""The safeguards of the ledgers, taken away: see tests.simulation.ablations. Seen in worlds with ledgers only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from branch_node.operations import budgets, loyalty, refunding
from hq_server.storage import effects
from hq_server.storage import loyalty as points
from shared.domain.loyalty import CLAWED_BACK, LoyaltyEntry
from tests.simulation.site import Site


@contextmanager
def points_stay_when_goods_come_back(site: Site) -> Iterator[None]:
    """A refund takes back nothing of what its sale earned."""
    original = loyalty.entries_of_refund

    def entries_of_refund(*arguments: Any) -> list[LoyaltyEntry]:
        right = original(*arguments)
        wrong = [entry for entry in right if entry.kind != CLAWED_BACK]
        return wrong if site.acts(wrong != right) else right

    with patch.object(refunding, "entries_of_refund", entries_of_refund):
        yield


@contextmanager
def leases_do_not_shrink(site: Site) -> Iterator[None]:
    """What is spent of a lease may be spent of it again."""
    original = budgets._take

    def take(transaction: Any, leases: Any, amount: int) -> Any:
        taken = original(transaction, leases, amount)
        for spent in taken:
            if site.acts(True):
                statement = "UPDATE lease SET spent = spent - ? WHERE lease_id = ?"
                transaction.cursor.execute(statement, (spent.amount, spent.lease_id))
        return taken

    with patch.object(budgets, "_take", take):
        yield


@contextmanager
def books_forget_claw_backs(site: Site) -> Iterator[None]:
    """HQ keeps the entry of a claw-back, and goes on lending the points."""
    original = points.apply_points

    def apply_points(connection: Any, facts: Any, now_us: int) -> None:
        kept = list(facts)
        rest = [each for each in kept if not (isinstance(each[1], LoyaltyEntry) and each[1].kind == CLAWED_BACK)]
        original(connection, rest if site.acts(len(rest) < len(kept)) else kept, now_us)

    with patch.object(effects, "apply_points", apply_points):
        yield


@contextmanager
def earlier_refunds_are_forgotten(site: Site) -> Iterator[None]:
    """What came back of a sale before does not lessen what may still come back of it."""
    original = refunding.find_sold

    def find_sold(*arguments: Any) -> Any:
        right = original(*arguments)
        wrong = right._replace(given_back=(), paid_back=())
        return wrong if site.acts(wrong != right) else right

    with patch.object(refunding, "find_sold", find_sold):
        yield
