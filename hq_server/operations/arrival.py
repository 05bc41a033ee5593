"""How many branches have taken the latest change of some cards: where it stands in the feed, and how far each has read.

Read from the feed's compacted index and the stretch after it, so that it costs the same however long the feed is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, literal_column, select

from hq_server.operations.card_changes import Subject, cards_of, require_subject
from hq_server.storage.branches import all_branches
from hq_server.storage.feed import EVERYONE, audience_of_branch, audience_of_zone, compacted_to, read_head
from hq_server.storage.tables import branch_cursor, feed, feed_latest
from shared.domain.permissions import Actor
from shared.domain.records import RecordKind
from shared.storage.card_rows import CardKey

_CARDS_PER_QUERY_MAX = 500
MISSING_NAMED_MAX = 10


class Arrival(NamedTuple):
    """Of the branches that are told of the latest change, how many have it; codes of those that have not, some of them
    by MISSING_NAMED_MAX."""

    arrived: int
    told: int
    missing: tuple[str, ...]


def arrival_of(connection: Connection, actor: Actor, subject: Subject) -> Arrival | None:
    """Whether the latest change has arrived; None when no branch is told of it. Raises NotPermitted."""
    require_subject(connection, actor, subject)
    places = _places(connection, cards_of(connection, subject))
    if not places:
        return None
    epoch = read_head(connection).epoch
    cursors: dict[bytes, Any] = {row.branch_id: row for row in connection.execute(select(branch_cursor))}
    arrived, missing = 0, []
    for branch in all_branches(connection):
        audiences = {EVERYONE, audience_of_zone(branch.price_zone), audience_of_branch(branch.id)}
        needed = max((places[each] for each in audiences if each in places), default=None)
        if branch.revoked_at_us is not None or needed is None:
            continue
        cursor = cursors.get(branch.id)
        if cursor is not None and cursor.feed_epoch == epoch and cursor.feed_position >= needed:
            arrived += 1
        else:
            missing.append(branch.code)
    told = arrived + len(missing)
    return Arrival(arrived, told, tuple(missing[:MISSING_NAMED_MAX])) if told else None


def _places(connection: Connection, keys: Sequence[CardKey]) -> dict[str, int]:
    """By audience the newest position at which one of the cards is told."""
    found: dict[str, int] = {}
    compacted = compacted_to(connection)
    for kind, card_ids in _by_kind(keys):
        for start in range(0, len(card_ids), _CARDS_PER_QUERY_MAX):
            chunk = card_ids[start : start + _CARDS_PER_QUERY_MAX]
            for audience, at in connection.execute(_newest(kind, chunk, compacted)):
                found[audience] = max(found.get(audience, 0), at)
            if kind != RecordKind.BRANCH_SETTINGS:
                latest = select(feed_latest.c.audience, func.max(feed_latest.c.position)).where(
                    feed_latest.c.record_id.in_(chunk), feed_latest.c.kind == kind
                )
                for audience, at in connection.execute(latest.group_by(feed_latest.c.audience)):
                    found[audience] = max(found.get(audience, 0), at)
    return found


def _newest(kind: int, card_ids: Sequence[bytes], compacted: int) -> Any:
    """Settings are found by an index of their own, for which the kind must be written out; the others after what is
    compacted."""
    statement = select(feed.c.audience, func.max(feed.c.position)).where(feed.c.record_id.in_(card_ids))
    if kind == RecordKind.BRANCH_SETTINGS:
        statement = statement.where(feed.c.kind == literal_column(str(kind)))
    else:
        statement = statement.where(feed.c.kind == kind, feed.c.position > compacted)
    return statement.group_by(feed.c.audience)


def _by_kind(keys: Iterable[CardKey]) -> Iterable[tuple[int, list[bytes]]]:
    grouped: dict[int, list[bytes]] = {}
    for kind, card_id in keys:
        grouped.setdefault(kind, []).append(card_id)
    return grouped.items()
