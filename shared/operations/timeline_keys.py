"""Which entries stand on a page of a client's timeline: one statement over all that is known of the client's cards.

Each source gives at most a page by its own index; what they are is read afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Integer,
    and_,
    bindparam,
    cast,
    literal_column,
    null,
    or_,
    select,
    union_all,
)

from shared.domain import timeline
from shared.domain.business_time import LATEST_US
from shared.domain.identifiers import ID_BYTES
from shared.domain.records import RecordKind
from shared.domain.tasks import TaskState
from shared.domain.timeline import Asked, TimelineKey
from shared.storage.column_types import Id, UtcTime
from shared.storage.cursor_reading import Reader
from shared.storage.dialect_functions import moment_us
from shared.storage.tables import card_edit, client_transfer, interaction, mail, neighbour_fact, refund, sale, task
from shared.sync.hlc import COUNTER_BITS

FIRST: Final = TimelineKey(LATEST_US, max(timeline.SOURCES) + 1, b"\xff" * ID_BYTES)
"""Before the first page."""

_RECEIPTS: Final = (RecordKind.SALE, RecordKind.REFUND)
_NOTHING: Final = null()
_CHANGED: Final = ('%"consent\\_%', '%"do\\_not\\_contact%', '%"merged\\_into"%')


class KeyRow(NamedTuple):
    """An entry by its place; `kind` is the record's kind of what another branch recorded, else None."""

    at_us: int
    source: int
    id: bytes
    branch_id: bytes | None
    kind: int | None

    @property
    def key(self) -> TimelineKey:
        return TimelineKey(self.at_us, self.source, self.id)


def read_keys(
    reader: Reader,
    members: Sequence[bytes],
    names: Sequence[str],
    asked: Asked,
    after: TimelineKey | None,
    rows_max: int,
) -> list[KeyRow]:
    """The next entries, newest first. `members` are the client's cards, `names` the numbers that sales may give."""
    key = after or FIRST
    parameters: dict[str, Any] = {
        "members": members,
        "names": names,
        "channels": sorted(asked.channels),
        "before_time": key.at_us,
        "before_us": key.at_us,
        "source": key.source,
        "id": key.id,
        "size": rows_max,
    }
    statement = _statement(asked.sources, asked.told, asked.channels == timeline.ASKED[timeline.Shown.ALL].channels)
    return [KeyRow(*row) for row in reader.execute(statement, parameters)]


@lru_cache(maxsize=32)
def _statement(sources: frozenset[int], told: bool, all_channels: bool) -> CompoundSelect[Any]:
    parts = [build(told, all_channels) for source, build in _BUILDERS.items() if source in sources]
    united = union_all(*parts)
    return united.order_by(literal_column("1").desc(), literal_column("2").desc(), literal_column("3").desc()).limit(
        bindparam("size", type_=Integer)
    )


def _part(source: int, moment: Any, at_us: Any, identity: Any, branch_id: Any, kind: Any, *matches: Any) -> Any:
    """One source's newest entries before the key."""
    is_time = isinstance(getattr(moment, "type", None), UtcTime)
    before: Any = bindparam("before_time", type_=UtcTime()) if is_time else bindparam("before_us", type_=BigInteger())
    number: ColumnElement[int] = literal_column(str(source), Integer)
    later = or_(
        moment < before,
        number < bindparam("source", type_=Integer()),
        and_(number == bindparam("source", type_=Integer()), identity < bindparam("id", type_=Id())),
    )
    inner = (
        select(
            at_us.label("at_us"),
            number.label("source"),
            identity.label("id"),
            # PostgreSQL wants to know of what type nothing is.
            (cast(branch_id, Id()) if branch_id is _NOTHING else branch_id).label("branch_id"),
            (cast(kind, Integer()) if kind is _NOTHING else kind).label("kind"),
        )
        .where(*matches, moment <= before, later)
        .order_by(moment.desc(), identity.desc())
        .limit(bindparam("size", type_=Integer))
        .subquery()
    )
    return select(inner)


def _of_members(column: Any) -> Any:
    return column.in_(bindparam("members", type_=Id(), expanding=True))


def _receipts(source: int, table: Any, moment: Any, by_name: bool) -> Any:
    named = and_(
        table.c.client.in_(bindparam("names", expanding=True)), table.c.client_id.is_(None), table.c.client.is_not(None)
    )
    matches = named if by_name else and_(_of_members(table.c.client_id), table.c.client_id.is_not(None))
    return _part(source, moment, moment_us(moment), table.c.id, table.c.branch_id, _NOTHING, matches)


def _interactions(told: bool, all_channels: bool) -> Any:
    at = interaction.c.at
    matches = [_of_members(interaction.c.client_id)]
    if not all_channels:
        matches.append(interaction.c.channel.in_(bindparam("channels", expanding=True)))
    if told:
        matches.append(interaction.c.told != "")
    found = interaction.c
    return _part(timeline.INTERACTION, at, moment_us(at), found.id, found.branch_id, _NOTHING, *matches)


def _transfers(_told: bool, _all: bool) -> Any:
    found = client_transfer.c
    matches = _of_members(found.client_id)
    return _part(timeline.TRANSFER, found.at, moment_us(found.at), found.id, found.branch_id, _NOTHING, matches)


def _neighbours(_told: bool, _all: bool) -> Any:
    found = neighbour_fact.c
    matches = _of_members(found.client_id)
    return _part(timeline.NEIGHBOUR, found.at, moment_us(found.at), found.id, found.branch_id, found.kind, matches)


def _changes(_told: bool, _all: bool) -> Any:
    found = card_edit.c
    at_us = (found.hlc // (1 << COUNTER_BITS)) * 1_000
    changed = or_(*(found.changes.like(pattern, escape="\\") for pattern in _CHANGED))
    matches = and_(found.kind == int(RecordKind.CLIENT), _of_members(found.card_id), changed)
    return _part(timeline.CHANGE, at_us, at_us, found.command_id, found.branch_id, _NOTHING, matches)


def _tasks(_told: bool, _all: bool) -> Any:
    found = task.c
    matches = and_(_of_members(found.client_id), found.state == str(TaskState.DONE), found.archived.is_(False))
    return _part(timeline.TASK, found.done_at, found.done_at, found.id, _NOTHING, _NOTHING, matches)


def _letters(told: bool, _all: bool) -> Any:
    found = mail.c
    matches = and_(_of_members(found.client_id), found.archived.is_(False))
    if told:
        matches = and_(matches, found.direction == "out")
    return _part(timeline.LETTER, found.created_at, found.created_at, found.id, _NOTHING, _NOTHING, matches)


_BUILDERS: Final = {
    timeline.SALE: lambda _told, _all: _receipts(timeline.SALE, sale, sale.c.sold_at, False),
    timeline.SALE_BY_NAME: lambda _told, _all: _receipts(timeline.SALE_BY_NAME, sale, sale.c.sold_at, True),
    timeline.REFUND: lambda _told, _all: _receipts(timeline.REFUND, refund, refund.c.refunded_at, False),
    timeline.REFUND_BY_NAME: lambda _told, _all: _receipts(timeline.REFUND_BY_NAME, refund, refund.c.refunded_at, True),
    timeline.TRANSFER: _transfers,
    timeline.CHANGE: _changes,
    timeline.LETTER: _letters,
    timeline.TASK: _tasks,
    timeline.NEIGHBOUR: _neighbours,
    timeline.INTERACTION: _interactions,
}
