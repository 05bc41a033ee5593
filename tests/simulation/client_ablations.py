"""The safeguards of the client base, taken away: see tests.simulation.ablations. Seen in worlds with clients only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from hq_server.storage import client_circle
from shared.operations import cards
from tests.simulation.site import Site


@contextmanager
def newcomers_are_told_the_card_alone(site: Site) -> Iterator[None]:
    """A branch that begins to know a client is told nothing that goes with the card."""
    original = client_circle.everything_of

    def everything_of(*arguments: Any) -> Any:
        right = original(*arguments)
        return [] if site.acts(bool(right)) else right

    with patch("hq_server.storage.audience.everything_of", everything_of):
        yield


@contextmanager
def facts_stay_where_they_were_recorded(site: Site) -> Iterator[None]:
    """The other branches that know a client are not told what one of them did."""
    original = client_circle.publications_of_facts

    def publications_of_facts(*arguments: Any) -> Any:
        right = original(*arguments)
        return [] if site.acts(bool(right)) else right

    with patch("hq_server.storage.effects.publications_of_facts", publications_of_facts):
        yield


@contextmanager
def edits_are_not_kept(site: Site) -> Iterator[None]:
    """Of edits that merge nobody remembers who made them."""
    original = cards._keep_history

    def keep_history(*arguments: Any) -> None:
        if not site.acts(True):
            original(*arguments)

    with patch.object(cards, "_keep_history", keep_history):
        yield
