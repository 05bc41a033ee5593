"""Handing HQ's own cards back to it after it lost its feed."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection

from shared.storage.card_rows import read_cards_after
from shared.sync.limits import PROPOSALS_PER_MESSAGE_MAX
from shared.sync.messages import CardFull
from shared.wire.exchange import encode_feed_record


class ProposalsRead(NamedTuple):
    """Serialised full records, the key of the last, and whether that was the last of all."""

    records: tuple[bytes, ...]
    last_key: tuple[int, bytes]
    done: bool


def read_proposals(connection: Connection, after: tuple[int, bytes]) -> ProposalsRead:
    """The next cards after a key. Those that only HQ edits, and those that both do: HQ keeps what it does not know."""
    rows = read_cards_after(connection, after, PROPOSALS_PER_MESSAGE_MAX)
    records = tuple(encode_feed_record(CardFull(kind, card_id, state)) for kind, card_id, state in rows)
    last_key = (rows[-1][0], rows[-1][1]) if rows else after
    return ProposalsRead(records, last_key, len(rows) < PROPOSALS_PER_MESSAGE_MAX)
