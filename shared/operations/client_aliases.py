"""Which cards stand for the same client, read from the store: the pure rules are in shared.domain.aliases."""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import bindparam, select, union_all

from shared.domain.aliases import alias_group, survivor_of
from shared.storage.cursor_reading import Reader
from shared.storage.tables import client

CARDS_OF_CLIENT_MAX: Final = 200
"""Cards that are followed; a client of more is shown with these."""

# Two questions in one statement: of an OR, SQLite looks at every card when hardly any is merged.
_NEIGHBOURS = union_all(
    select(client.c.id, client.c.merged_into).where(client.c.id.in_(bindparam("ids", expanding=True))),
    select(client.c.id, client.c.merged_into).where(client.c.merged_into.in_(bindparam("ids", expanding=True))),
)


class CardGroup(NamedTuple):
    """The card that survives, and all that stand for the same client, in the order of their ids."""

    survivor: bytes
    members: tuple[bytes, ...]


def read_card_group(reader: Reader, client_id: bytes) -> CardGroup:
    """The cards of one client. One query for a card that was never merged; a card that is not there is alone."""
    merged_into: dict[bytes, bytes] = {}
    known: set[bytes] = set()
    asked = {client_id}
    while asked and len(known) < CARDS_OF_CLIENT_MAX:
        known |= asked
        found: set[bytes] = set()
        for identity, target in reader.execute(_NEIGHBOURS, {"ids": sorted(asked)}):
            found.add(identity)
            if target is not None:
                merged_into[identity] = target
                found.add(target)
        asked = found - known
    survivor = survivor_of(client_id, merged_into)
    return CardGroup(survivor, tuple(sorted(alias_group(client_id, merged_into)))[:CARDS_OF_CLIENT_MAX])
