"""The safeguards of erasures, taken away: see tests.simulation.ablations. Seen in worlds with erasures only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from branch_node.storage import erasing as at_branches
from hq_server.storage import merge, proposals
from shared.operations import erased_arrivals
from shared.operations.erased_arrivals import Arrived
from tests.simulation.site import Site


@contextmanager
def late_entries_are_taken_whole(site: Site) -> Iterator[None]:
    """What a branch recorded of a person before it heard of the order is applied at HQ."""
    original = erased_arrivals.redact_arrivals

    def redact_arrivals(connection: Any, entries: Sequence[Any]) -> Arrived:
        if site.watching:
            right = original(connection, entries)
            site.acts(bool(right.erased))
            return right
        return Arrived(entries, frozenset())

    with patch.object(merge, "redact_arrivals", redact_arrivals):
        yield


@contextmanager
def orders_wait_for_a_decision(site: Site) -> Iterator[None]:
    """A restored HQ forgets the orders that branches hand back."""
    original = proposals._take_orders

    def take_orders(connection: Any, orders: Sequence[Any], now_us: int) -> None:
        if not site.acts(True):
            original(connection, orders, now_us)

    with patch.object(proposals, "_take_orders", take_orders):
        yield


@contextmanager
def the_journal_keeps_persons(site: Site) -> Iterator[None]:
    """A branch deletes the rows of a person and leaves its entries as they are."""
    original = at_branches._redact_everything

    def redact_everything(connection: Any, cursor: Any, erasing: Any, scan: Any) -> Any:
        return erasing if site.acts(True) else original(connection, cursor, erasing, scan)

    with patch.object(at_branches, "_redact_everything", redact_everything):
        yield
