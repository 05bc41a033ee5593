"""The safeguards of clients with several cards, taken away: see tests.simulation.ablations. Seen in worlds with persons
only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from hq_server.operations import editing, proposals
from hq_server.storage import audience, effects
from hq_server.storage import proposals as kept_proposals
from hq_server.storage.erased_twins import are_twins_due
from hq_server.storage.late_work import follow_late_work
from hq_server.sync_server import gateway
from tests.simulation.site import Site


@contextmanager
def late_merges_erase_nobody(site: Site) -> Iterator[None]:
    """A card that is merged with an erased one after the order stays."""
    original = are_twins_due

    def never_due(connection: Any) -> bool:
        right = original(connection)
        return False if site.acts(right) else right

    with patch.object(gateway, "are_twins_due", never_due):
        yield


@contextmanager
def circles_stay_apart(site: Site) -> Iterator[None]:
    """Who begins to know one card of a client is not told of the others."""
    original = audience.welcome_others

    def welcome_others(*arguments: Any) -> Any:
        right = original(*arguments)
        return [] if site.acts(bool(right)) else right

    with patch.object(audience, "welcome_others", welcome_others):
        yield


@contextmanager
def late_work_stays(site: Site) -> Iterator[None]:
    """What arrives for an employee who was handed over stays with him."""
    original = follow_late_work

    def follow_nobody(connection: Any, following: Any, *rest: Any) -> int:
        return original(connection, None if site.acts(following is not None) else following, *rest)

    with ExitStack() as stack:
        for module in (effects, editing, kept_proposals, proposals):
            stack.enter_context(patch.object(module, "follow_late_work", follow_nobody))
        yield
