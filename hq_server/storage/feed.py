"""The feed: HQ's ordered stream of what branches must know.

A transaction leaves what it wants told in the outbox. The sequencer, alone under the lock of the feed's head row,
numbers what is committed. So positions are in commit order, and a reader at position p has seen everything up to p: a
row that commits late is numbered late, never slipped in below a cursor (DESIGN §4, rule 3).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, select, update

from hq_server.storage.store import HqStore
from hq_server.storage.tables import feed, feed_compaction, feed_head, feed_outbox
from shared.domain.cards import OFFICE_FIELDS
from shared.domain.records import RecordKind
from shared.storage.card_rows import insert_rows, load_states
from shared.storage.client_index import has_noted, index_noted
from shared.storage.fact_rows import Row
from shared.storage.tables import erasure_work
from shared.sync.card_merge import CardState
from shared.sync.chain import NO_HASH
from shared.sync.limits import ORDERS_IN_WELCOME_MAX
from shared.sync.messages import CardChange, CardFull, FeedCursor, FeedRecord
from shared.wire.cards import decode_state, encode_state
from shared.wire.exchange import encode_feed_record

EVERYONE = "all"
NUMBERED_PER_TRANSACTION_MAX = 5_000
NUMBERING_US_MAX = 3_600_000_000
"""How long after it was committed an order is numbered in the feed, at most; told once too often does no harm."""


def audience_of_branch(branch_id: bytes) -> str:
    """What only this branch receives."""
    return f"branch:{branch_id.hex()}"


def audience_of_zone(price_zone: str) -> str:
    """What the branches of a price zone receive; the nameless zone is everyone."""
    return f"zone:{price_zone}" if price_zone else EVERYONE


# Built once: every tick, hello and merge asks.
_HEAD = select(feed_head.c.epoch, feed_head.c.position, feed_head.c.running_hash)
_LOCK_HEAD = _HEAD.with_for_update()
_MOVE_HEAD = update(feed_head).values(position=bindparam("at"), running_hash=bindparam("hash"))
_WAITING = select(feed_outbox).order_by(feed_outbox.c.id).limit(NUMBERED_PER_TRANSACTION_MAX)
_DELETE_NUMBERED = delete(feed_outbox).where(feed_outbox.c.id.in_(bindparam("ids", expanding=True)))
_HASH_AT = select(feed.c.running_hash).where(feed.c.position == bindparam("at"))
_NUMBERED_AT = select(feed.c.numbered_at).where(feed.c.position == bindparam("at"))
_ERASED_SINCE = (
    select(erasure_work.c.client_id)
    .where(erasure_work.c.applied_at >= bindparam("since", type_=erasure_work.c.applied_at.type))
    .order_by(erasure_work.c.applied_at.desc(), erasure_work.c.client_id)
    .limit(ORDERS_IN_WELCOME_MAX)
)
_COMPACTED_TO = select(feed_compaction.c.position)
_PIECE = (
    select(feed.c.position, feed.c.data)
    .where(
        feed.c.position > bindparam("after"),
        feed.c.position <= bindparam("end"),
        feed.c.audience.in_(bindparam("audiences", expanding=True)),
    )
    .order_by(feed.c.position)
    .limit(bindparam("rows"))
)


class Publication(NamedTuple):
    """A record on its way to an audience."""

    audience: str
    record: FeedRecord


def publish(connection: Connection, publications: Iterable[Publication]) -> int:
    """Leaves records in the outbox of this transaction; returns how many. What stays at the head office is left out
    here, where everything passes that a branch is told."""
    told = [(audience, without_office_fields(record)) for audience, record in publications]
    rows = [
        (audience, int(record.kind), record.card_id, encode_feed_record(record))
        for audience, record in told
        if record is not None
    ]
    insert_rows(connection, feed_outbox, ("audience", "kind", "record_id", "data"), rows)
    return len(rows)


def without_office_fields(record: FeedRecord) -> FeedRecord | None:
    """A record as branches are told it; None when nothing of it is for them."""
    own = OFFICE_FIELDS.get(int(record.kind))
    if own is None:
        return record
    if isinstance(record, CardChange):
        patches = tuple(patch for patch in record.patches if patch.field not in own)
        return CardChange(record.kind, record.card_id, record.stamp, patches) if patches else None
    if isinstance(record, CardFull):
        state = decode_state(record.state)
        fields = {name: field for name, field in state.fields.items() if name not in own}
        return CardFull(record.kind, record.card_id, encode_state(CardState(fields))) if fields else None
    return record


def number_feed(store: HqStore, now_us: int) -> FeedCursor:
    """Numbers what is committed, in transactions of its own; returns the feed's head. Clients whose cards were
    committed are indexed before, see shared.storage.client_index."""
    index_committed(store)
    while True:
        with store.write() as connection:
            head, numbered = _number_some(connection, store, now_us)
        if numbered < NUMBERED_PER_TRANSACTION_MAX:
            return head


def index_committed(store: HqStore) -> None:
    """Makes clients found by what their cards say now."""
    if store.dialect == "sqlite":
        return  # they are already
    with store.read() as connection:
        waits = has_noted(connection)
    while waits:
        with store.write() as connection:
            waits = index_noted(connection) > 0


def _number_some(connection: Connection, store: HqStore, now_us: int) -> tuple[FeedCursor, int]:
    epoch, position, running_hash = connection.execute(_LOCK_HEAD).one()
    waiting = connection.execute(_WAITING).all()
    rows: list[Row] = []
    for _, audience, kind, record_id, data in waiting:
        position += 1
        running_hash = next_hash(running_hash, audience, data)
        rows.append((position, audience, kind, record_id, data, running_hash, now_us))
    if rows:
        store.bulk.insert(connection, feed, rows)
        # By id, not by range: a smaller id may belong to a transaction that has not committed yet.
        connection.execute(_DELETE_NUMBERED, {"ids": [row[0] for row in waiting]})
        connection.execute(_MOVE_HEAD, {"at": position, "hash": running_hash})
    return FeedCursor(epoch, position, running_hash), len(rows)


def next_hash(running_hash: bytes, audience: str, data: bytes) -> bytes:
    """The feed's running hash after one more record: how HQ recognises a cursor of a feed it no longer has."""
    return hashlib.sha256(b"filial/feed/1\0" + running_hash + audience.encode() + b"\0" + data).digest()


def read_head(connection: Connection) -> FeedCursor:
    """The newest position."""
    return FeedCursor(*connection.execute(_HEAD).one())


def hash_at(connection: Connection, position: int) -> bytes | None:
    """The running hash at a position; None when the feed never reached it."""
    if position == 0:
        return NO_HASH
    return connection.execute(_HASH_AT, {"at": position}).scalar_one_or_none()


def is_on_feed(connection: Connection, cursor: FeedCursor) -> bool:
    """Whether a cursor is one of this feed: given by it as it is, and not by one that a backup has put back."""
    if cursor.epoch != read_head(connection).epoch or cursor.folded_to > compacted_to(connection):
        return False
    return hash_at(connection, cursor.folded_to or cursor.position) == cursor.running_hash


def compacted_to(connection: Connection) -> int:
    """Up to which position the feed is compacted."""
    return int(connection.execute(_COMPACTED_TO).scalar_one())


def orders_since(connection: Connection, position: int) -> tuple[bytes, ...]:
    """Orders to erase persons that a reader at this position may not have heard of, as feed records."""
    at_us = connection.execute(_NUMBERED_AT, {"at": position}).scalar_one_or_none() or 0
    ids = connection.execute(_ERASED_SINCE, {"since": max(at_us - NUMBERING_US_MAX, 0)}).scalars().all()
    states = load_states(connection, [(int(RecordKind.ERASURE), client_id) for client_id in ids])
    return tuple(encode_feed_record(CardFull(*key, state)) for key, state in states.items())


class FeedRead(NamedTuple):
    """Records for one branch, and the cursor after everything scanned for them."""

    records: tuple[bytes, ...]
    cursor: FeedCursor


def read_feed(
    connection: Connection,
    audiences: Sequence[str],
    after: FeedCursor,
    records_max: int,
    bytes_max: int,
    until: int | None = None,
) -> FeedRead:
    """What these audiences receive after a position, within the limits; at least one record when there is one.

    `until` is the last position that is looked at; by default the feed's head.
    """
    head = read_head(connection)
    end = head.position if until is None else until
    records: list[bytes] = []
    reached = after.position
    size = 0
    limits = {"after": after.position, "end": end, "audiences": audiences, "rows": records_max + 1}
    for position, data in connection.execute(_PIECE, limits):
        size += len(data)
        if records and (len(records) == records_max or size > bytes_max):
            return FeedRead(tuple(records), _cursor_at(connection, head.epoch, reached))
        records.append(data)
        reached = position
    return FeedRead(tuple(records), head if end == head.position else _cursor_at(connection, head.epoch, end))


def _cursor_at(connection: Connection, epoch: bytes, position: int) -> FeedCursor:
    """A cursor amid a compacted stretch names its end: a feed that was never compacted so far has told more by then."""
    folded_to = compacted_to(connection)
    known = folded_to if position < folded_to else position
    running_hash = hash_at(connection, known)
    assert running_hash is not None
    return FeedCursor(epoch, position, running_hash, folded_to if position < folded_to else 0)
