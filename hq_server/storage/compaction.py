"""Compacting the feed in place: of all that an audience was told of a card, the last row alone stays and holds it all.

Folding never changes what a cursor means. The row that stays keeps its position and holds exactly what the rows up to
it said, nothing newer: a branch that took it and then meets a head office restored from a backup of that moment has no
more than its cursor claims. The rows folded into it keep their position and running hash, so every cursor that was
ever given is still recognised. So a new store reads one record a card however often it was edited, the same rows for
all, and a branch that was away for years goes on from where it stood (docs/sync-protocol.md §4).

Settings are not folded: what follows them in the feed depends on their order. A `forget` stays, and begins anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, select, update

from hq_server.storage.store import HqStore
from hq_server.storage.tables import feed, feed_compaction, feed_latest
from shared.domain.cards import rules_of
from shared.domain.records import RecordKind
from shared.errors import DecodeError
from shared.storage.card_rows import upsert_rows
from shared.sync.card_merge import CardState, merge_patch, merge_states
from shared.sync.limits import FEED_FOLDED_BYTES_MAX
from shared.sync.messages import CardChange, CardForgotten, CardFull, ChainAnswer, NeighbourFact
from shared.wire.cards import decode_state, encode_state
from shared.wire.exchange import decode_feed_record, encode_feed_record

COMPACTED_PER_TRANSACTION_MAX = 1_000
FOLDED = ""
"""The audience of a row that a later one holds: nobody's."""

_KEYS_PER_QUERY_MAX = 500

FeedKey = tuple[str, int, bytes]
"""Audience, kind and id of a card."""


class Compacted(NamedTuple):
    """What compacting did: rows looked at, and those of them or before them that are folded into a later one."""

    rows: int
    folded: int


def compact_feed(store: HqStore) -> Compacted:
    """Compacts the feed up to its head, in transactions of their own."""
    rows = folded = 0
    while True:
        done = compact_some(store)
        rows, folded = rows + done.rows, folded + done.folded
        if done.rows < COMPACTED_PER_TRANSACTION_MAX:
            return Compacted(rows, folded)


def compact_some(store: HqStore) -> Compacted:
    """Compacts the next rows, in one transaction; fewer than COMPACTED_PER_TRANSACTION_MAX when it is done."""
    with store.write() as connection:
        # Locked: two processes may compact, one after the other.
        after = connection.execute(select(feed_compaction.c.position).with_for_update()).scalar_one()
        rows = connection.execute(
            select(feed.c.position, feed.c.audience, feed.c.kind, feed.c.record_id, feed.c.data)
            .where(feed.c.position > after, feed.c.audience != FOLDED)
            .order_by(feed.c.position)
            .limit(COMPACTED_PER_TRANSACTION_MAX)
        ).all()
        if not rows:
            return Compacted(0, 0)
        folding = _Folding(connection, rows)
        folding.write(connection)
        connection.execute(update(feed_compaction).values(position=rows[-1].position))
    return Compacted(len(rows), len(folding.folded))


class _Folding:
    """What becomes of a stretch of rows and of those before them."""

    def __init__(self, connection: Connection, rows: Iterable[Any]) -> None:
        self.folded: list[int] = []
        self._changed: dict[int, bytes] = {}
        self._latest: dict[FeedKey, tuple[int, bytes]] = {}
        self._touched: set[FeedKey] = set()
        foldable = [row for row in rows if row.kind != RecordKind.BRANCH_SETTINGS]
        self._latest.update(_latest_rows(connection, {row.record_id for row in foldable}))
        for row in foldable:
            self._add((row.audience, row.kind, row.record_id), row.position, row.data)

    def _add(self, key: FeedKey, position: int, data: bytes) -> None:
        before = self._latest.get(key)
        if before is not None:
            whole = fold(before[1], data)
            if whole is not None:
                self.folded.append(before[0])
                self._changed.pop(before[0], None)
                if whole != data:
                    self._changed[position] = whole
                data = whole
        self._latest[key] = position, data
        self._touched.add(key)

    def write(self, connection: Connection) -> None:
        if self.folded:
            statement = update(feed).where(feed.c.position == bindparam("at")).values(audience=FOLDED, data=b"")
            connection.execute(statement, [{"at": position} for position in self.folded])
        if self._changed:
            statement = update(feed).where(feed.c.position == bindparam("at")).values(data=bindparam("whole"))
            connection.execute(statement, [{"at": at, "whole": whole} for at, whole in self._changed.items()])
        upsert_rows(connection, feed_latest, [(*key, self._latest[key][0]) for key in sorted(self._touched)])


def fold(earlier: bytes, later: bytes) -> bytes | None:
    """One feed record that says what two of one card say; None when both must stay.

    Both stay when the earlier is a `forget`, when one of them is not understood, or when the whole would be too large.
    """
    try:
        first, second = decode_feed_record(earlier), decode_feed_record(later)
        if isinstance(first, CardForgotten):
            return None
        told_whole = NeighbourFact | ChainAnswer
        if isinstance(first, told_whole) or isinstance(second, told_whole):
            return later  # a fact told again, or a newer answer
        if isinstance(second, CardForgotten):
            return later
        state = with_record(with_record(CardState(), first), second)
    except DecodeError:
        return None
    whole = encode_feed_record(CardFull(second.kind, second.card_id, encode_state(state)))
    return whole if len(whole) <= FEED_FOLDED_BYTES_MAX else None


def with_record(state: CardState, record: CardChange | CardFull) -> CardState:
    """A card after one more feed record. Raises DecodeError."""
    rules = rules_of(record.kind)
    if isinstance(record, CardChange):
        return merge_patch(state, record.stamp, record.patches, rules).state
    return merge_states(state, decode_state(record.state), rules).state


def _latest_rows(connection: Connection, record_ids: set[bytes]) -> dict[FeedKey, tuple[int, bytes]]:
    """By key, the newest row that was looked at before: its position and data."""
    found: dict[FeedKey, tuple[int, bytes]] = {}
    ordered = sorted(record_ids)
    for start in range(0, len(ordered), _KEYS_PER_QUERY_MAX):
        chunk = ordered[start : start + _KEYS_PER_QUERY_MAX]
        statement = (
            select(feed_latest, feed.c.data)
            .join(feed, feed.c.position == feed_latest.c.position)
            .where(feed_latest.c.record_id.in_(chunk))
        )
        for row in connection.execute(statement):
            found[row.audience, row.kind, row.record_id] = row.position, row.data
    return found
