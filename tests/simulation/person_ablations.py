"""The safeguards of clients with several cards, taken away: see tests.simulation.ablations. Seen in worlds with persons
only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from branch_node.operations.erased_twins import record_twins
from branch_node.sync_client import worker
from hq_server.operations import erasing
from hq_server.storage import audience, effects, merge
from hq_server.storage.erased_twins import are_twins_due, note_links
from hq_server.storage.late_work import follow_late_work
from hq_server.sync_server import gateway
from shared.operations import client_merging
from shared.storage.erasing import aliases_of
from tests.simulation.site import Site


@contextmanager
def a_person_is_one_card(site: Site) -> Iterator[None]:
    """An order erases the card that it names, whatever other cards the person has."""
    original = aliases_of

    def one_card(connection: Any, client_id: bytes) -> set[bytes]:
        right = original(connection, client_id)
        return {client_id} if site.acts(len(right) > 1) else right

    with patch.object(erasing, "aliases_of", one_card):
        yield


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
def merges_go_with_the_erased_card(site: Site) -> Iterator[None]:
    """What a late entry says of an erased card's merge is dropped with the rest of it."""
    original = note_links

    def drop_links(*arguments: Any) -> int:
        return 0 if site.acts(True) else original(*arguments)

    with patch.object(merge, "note_links", drop_links):
        yield


@contextmanager
def branches_keep_their_merges_to_themselves(site: Site) -> Iterator[None]:
    """A branch carries out an order before it has sent that the erased card was merged, and says nothing of it."""
    original = record_twins

    def say_nothing(transaction: Any, twins: Any) -> bool:
        return False if site.acts(bool(twins)) else original(transaction, twins)

    with patch.object(worker, "record_twins", say_nothing):
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
def undoing_overwrites(site: Site) -> Iterator[None]:
    """Taking a merge back gives every field back that the merge wrote, whatever was typed into it since."""
    original = client_merging._still_shows

    def still_shows(*arguments: Any) -> bool:
        right = original(*arguments)
        return True if site.acts(not right) else right

    with patch.object(client_merging, "_still_shows", still_shows):
        yield


@contextmanager
def late_work_stays(site: Site) -> Iterator[None]:
    """What arrives for an employee who was handed over stays with him."""
    original = follow_late_work

    def follow_nobody(connection: Any, following: Any, *rest: Any) -> int:
        return original(connection, None if site.acts(following is not None) else following, *rest)

    with patch.object(effects, "follow_late_work", follow_nobody):
        yield
