"""The timeline of a client at the head office: what every branch recorded, for whoever may look at the whole chain."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, select

from hq_server.storage.branches import branch_names
from shared.domain.dictionaries import Dictionaries
from shared.domain.permissions import LOCAL_ADMINISTRATOR, Actor, Permission, require
from shared.domain.timeline import Shown, TimelineKey, TimelinePage
from shared.errors import NotFound
from shared.operations.client_timeline import ENTRIES_SHOWN_MAX, read_cards, read_timeline
from shared.operations.dictionaries import read_dictionaries
from shared.storage.tables import client


class ChainTimeline(NamedTuple):
    """A page of it, and the words that it uses."""

    page: TimelinePage
    words: Dictionaries


def read_client_timeline(
    connection: Connection,
    client_id: bytes,
    shown: Shown = Shown.ALL,
    after: TimelineKey | None = None,
    entries_max: int = ENTRIES_SHOWN_MAX,
    actor: Actor = LOCAL_ADMINISTRATOR,
) -> ChainTimeline:
    """The next entries of a client and of the cards merged with his. Raises NotPermitted, NotFound."""
    require(actor, Permission.CLIENT_VIEW)
    require(actor, Permission.REPORT_CHAIN)
    if connection.execute(select(client.c.id).where(client.c.id == client_id)).one_or_none() is None:
        raise NotFound("There is no such client here.", "Look for them by phone or name.")
    names = branch_names(connection)
    cards = read_cards(connection, client_id)
    page = read_timeline(connection, cards, lambda branch_id: names.get(branch_id, ""), shown, after, entries_max)
    return ChainTimeline(page, read_dictionaries(connection, with_archived=True))
