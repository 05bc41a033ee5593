"""The timeline of a client at a branch: what was recorded here, and what other branches did with the client."""

from __future__ import annotations

from typing import NamedTuple

from branch_node.operations.contacting import ContactedClient, read_contacted
from branch_node.storage.store import BranchStore
from shared.domain.dictionaries import Dictionaries
from shared.domain.permissions import Actor
from shared.domain.timeline import Shown, TimelineKey, TimelinePage
from shared.operations.client_timeline import ENTRIES_SHOWN_MAX, read_cards, read_timeline
from shared.operations.dictionaries import read_dictionaries
from shared.storage.cursor_reading import CursorReader


class ClientTimeline(NamedTuple):
    """Whose timeline, a page of it, and the words that it uses."""

    client: ContactedClient
    page: TimelinePage
    words: Dictionaries
    branch_id: bytes
    zone: str


def read_client_timeline(
    store: BranchStore,
    actor: Actor,
    client_id: bytes,
    shown: Shown = Shown.ALL,
    after: TimelineKey | None = None,
    entries_max: int = ENTRIES_SHOWN_MAX,
) -> ClientTimeline:
    """The next entries of a client and of the cards merged with his. Raises NotPermitted, NotFound."""
    with store.read_cursor() as cursor:
        reader, node = CursorReader(cursor), store.screen_nodes.read(cursor)[0]
        found = read_contacted(reader, actor, client_id)
        cards = read_cards(reader, client_id)
        page = read_timeline(reader, cards, lambda _branch_id: "", shown, after, entries_max)
        words = read_dictionaries(reader, with_archived=True)
        return ClientTimeline(found, page, words, node.branch_id, node.timezone)
