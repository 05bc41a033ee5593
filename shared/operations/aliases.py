"""Aliases as the cards say them: which client a merged card stands for, and all cards of one client.

Alike at a branch and at the head office. A card whose survivor is not known here stands for itself until it is.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, NamedTuple

from sqlalchemy import bindparam, select

from shared.domain.aliases import alias_group, survivor_of
from shared.storage.cursor_reading import Reader
from shared.storage.tables import client

GROUP_CARDS_MAX: Final = 200
"""Cards of one client that are followed; a client who was entered more often than this shows the first ones."""

_TARGETS = select(client.c.id, client.c.merged_into).where(client.c.id == bindparam("client"))
_LOSERS = select(client.c.id).where(client.c.merged_into == bindparam("client")).order_by(client.c.id)


class CardGroup(NamedTuple):
    """The card that survives, and all that stand for the same client, in the order of their ids."""

    survivor: bytes
    members: tuple[bytes, ...]


def find_survivor(reader: Reader, client_id: bytes) -> bytes:
    """The client that a card stands for here."""
    return survivor_of(client_id, _way(reader, client_id))


def cards_of_client(reader: Reader, client_id: bytes) -> tuple[bytes, ...]:
    """Every card that stands for the same client as this one: the survivor first, then by id."""
    way = _way(reader, client_id)
    survivor = survivor_of(client_id, way)
    merged_into = dict(way)
    waiting, walked = [survivor], set[bytes]()
    while waiting and len(walked) < GROUP_CARDS_MAX:
        target = waiting.pop()
        walked.add(target)
        for (loser,) in reader.execute(_LOSERS, {"client": target}):
            merged_into[loser] = target
            if loser not in walked:
                waiting.append(loser)
    group = alias_group(survivor, merged_into) | {client_id}
    return (survivor, *sorted(group - {survivor}))[:GROUP_CARDS_MAX]


def read_card_group(reader: Reader, client_id: bytes) -> CardGroup:
    """The cards of one client, in an order that is the same from whichever of them one asks."""
    cards = cards_of_client(reader, client_id)
    return CardGroup(cards[0], tuple(sorted(cards)))


def are_one(reader: Reader, one: bytes, other: bytes) -> bool:
    """Whether two cards stand for one client."""
    return find_survivor(reader, one) == find_survivor(reader, other)


def survivors(reader: Reader, client_ids: Collection[bytes]) -> dict[bytes, bytes]:
    """The clients that several cards stand for, by card."""
    return {client_id: find_survivor(reader, client_id) for client_id in client_ids}


def _way(reader: Reader, client_id: bytes) -> dict[bytes, bytes]:
    """Where a card leads, as far as the cards are known here."""
    way: dict[bytes, bytes] = {}
    current: bytes | None = client_id
    before: bytes | None = None
    while current is not None and current not in way:
        row = reader.execute(_TARGETS, {"client": current}).one_or_none()
        if row is None:
            if before is not None:
                del way[before]
            break
        before = current
        if row.merged_into is not None:
            way[current] = row.merged_into
        current = row.merged_into
    return way
