"""Conflicts as lists: what each is about, every value with who said it, where and when, and what was decided."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select, tuple_

from hq_server.operations.conflicts import SIDES, Disputed, can_reopen, fields_of, seen_token, value_of
from hq_server.operations.paging import PAGE_ROWS_MAX, Page
from hq_server.operations.record_sight import Seen, Sight, ids_in, names_of_ids, title_of
from hq_server.storage.branches import branch_by_code, branch_names
from hq_server.storage.tables import command
from shared.domain.cards import MergeRule, rule_of
from shared.domain.permissions import Actor, Permission, require
from shared.domain.records import RecordKind
from shared.operations.cards import shown_fields
from shared.storage.card_rows import load_states
from shared.storage.tables import conflict
from shared.sync.card_merge import HQ_ORIGIN, CardState, FieldState, shown_version
from shared.sync.hlc import wall_ms
from shared.wire.cards import decode_state

DAY_US: Final = 86_400_000_000
ROWS_OF_FIELDS_MAX: Final = 5_000
"""How many rows of the log are read for a page: where many versions of a field met, there is one for each pair."""

_FIELD = (conflict.c.kind, conflict.c.card_id, conflict.c.field)


@dataclass(frozen=True, slots=True)
class ConflictFilter:
    """Which conflicts are asked for; what is empty does not matter. `days_min`: open for at least so many days."""

    branch_code: str = ""
    kind: int | None = None
    days_min: int = 0
    decided: bool = False


class ShownSide(NamedTuple):
    """One of the values. `at_us` is by the clock of who said it, `received_at_us` when the head office heard."""

    version: bytes
    seen: Seen
    author: str
    branch: str
    is_of_office: bool
    at_us: int
    received_at_us: int | None
    is_shown: bool


class Decision(NamedTuple):
    """What settled a conflict; `command_id` takes it back."""

    command_id: bytes
    at_us: int
    author: str
    may_undo: bool


class ShownConflict(NamedTuple):
    """A field of a card that several edits gave values, as the actor may see it. `now` is what is shown now."""

    disputed: Disputed
    title: str
    client_id: bytes | None
    rule: MergeRule
    sides: tuple[ShownSide, ...]
    now: Seen
    seen: str
    detected_at_us: int
    may_decide: bool
    decision: Decision | None


class ConflictPage(NamedTuple):
    """One page, and the names of whatever its values name by id."""

    page: Page[ShownConflict]
    names: Mapping[bytes, str]


class _Found(NamedTuple):
    """What was read for a page."""

    # By field; of decided ones by field and decision.
    rows: Mapping[Any, Sequence[Any]]
    states: Mapping[Disputed, CardState]
    arrivals: Mapping[tuple[bytes, bytes], int]
    origins: Mapping[tuple[Disputed, str], Any]
    names: Mapping[bytes, str]
    branches: Mapping[bytes, str]


def list_conflicts(
    connection: Connection, actor: Actor, wanted: ConflictFilter, now_us: int, page: int = 1
) -> ConflictPage:
    """Those that wait the longest first; of decided ones the newest. Raises NotPermitted, NotFound for a branch."""
    require(actor, Permission.RECORDS_REVIEW)
    groups, shown = _groups(connection, wanted, now_us, page)
    sight = Sight(actor)
    found = _read(connection, sight, groups, wanted.decided)
    rows = [_shown(sight, Disputed(*group[:3]), group, found) for group in groups]
    return ConflictPage(shown._replace(rows=rows), found.names)


def kinds_in_conflict(connection: Connection) -> list[int]:
    """The kinds of card of which conflicts are open."""
    statement = select(conflict.c.kind).where(conflict.c.closed_at.is_(None)).distinct()
    return sorted(connection.execute(statement).scalars())


def _groups(
    connection: Connection, wanted: ConflictFilter, now_us: int, number: int
) -> tuple[Sequence[Any], Page[ShownConflict]]:
    conditions: list[ColumnElement[bool]] = [_is_closed(wanted.decided)]
    if wanted.branch_code:
        branch_id = branch_by_code(connection, wanted.branch_code).id
        conditions.append(or_(conflict.c.older_branch_id == branch_id, conflict.c.newer_branch_id == branch_id))
    if wanted.kind is not None:
        conditions.append(conflict.c.kind == wanted.kind)
    if wanted.days_min:
        conditions.append(conflict.c.detected_at <= now_us - wanted.days_min * DAY_US)
    since, until = func.min(conflict.c.detected_at), func.max(conflict.c.closed_at)
    keys = (*_FIELD, conflict.c.closed_by_command_id)
    statement: Select[Any] = select(*_FIELD, since, until, conflict.c.closed_by_command_id)
    statement = statement.where(*conditions).group_by(*keys)
    total = connection.execute(select(func.count()).select_from(statement.subquery())).scalar_one()
    pages = max(1, -(-total // PAGE_ROWS_MAX))
    number = min(max(number, 1), pages)
    ordered = statement.order_by(until.desc() if wanted.decided else since, *_FIELD)
    rows = connection.execute(ordered.limit(PAGE_ROWS_MAX).offset((number - 1) * PAGE_ROWS_MAX)).all()
    return rows, Page((), number, pages, total)


def _read(connection: Connection, sight: Sight, groups: Sequence[Any], decided: bool) -> _Found:
    keys = [tuple(group[:3]) for group in groups]
    rows: list[Any] = []
    if keys:
        chosen = or_(*(and_(*(c == v for c, v in zip(_FIELD, key, strict=True))) for key in keys))
        statement = select(conflict).where(chosen).order_by(conflict.c.detected_at.desc()).limit(ROWS_OF_FIELDS_MAX)
        rows = list(connection.execute(statement))
    settled = {(*group[:3], group[5]) for group in groups}
    of_page = [
        row
        for row in rows
        if ((row.kind, row.card_id, row.field, row.closed_by_command_id) in settled if decided else not row.closed_at)
    ]
    by_field: Mapping[Any, Sequence[Any]] = _by_decision(of_page) if decided else fields_of(of_page)
    stored = load_states(connection, {(key[0], key[1]) for key in keys})
    states = {Disputed(*key): _state(stored.get((key[0], key[1]))) for key in keys}
    ids = {author for row in rows for author in (row.older_author, row.newer_author)}
    for disputed, state in states.items():
        ids |= ids_in(shown_fields(disputed.kind, state))
        ids |= {version.stamp.author for version in state.fields.get(disputed.field, FieldState()).live}
    ids |= {v for row in of_page for side in SIDES if isinstance(v := _side(row, side, "value"), bytes)}
    return _Found(
        by_field,
        states,
        _arrivals(connection, rows),
        _origins(rows),
        names_of_ids(connection, sight, ids),
        branch_names(connection),
    )


def _by_decision(rows: Iterable[Any]) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        found[Disputed(row.kind, row.card_id, row.field), row.closed_by_command_id].append(row)
    return found


def _shown(sight: Sight, disputed: Disputed, group: Any, found: _Found) -> ShownConflict:
    _, _, _, since, until, command_id = group
    rows = found.rows.get((disputed, command_id) if until is not None else disputed, ())
    state = found.states[disputed]
    known = state.fields.get(disputed.field, FieldState())
    rule = rule_of(disputed.kind, disputed.field)
    fields = shown_fields(disputed.kind, state)
    now = fields.get(disputed.field)
    shown_id = shown_version(known.live, rule).version_id if known.live else b""
    sides = _sides(sight, disputed, rows, found, shown_id)
    values = {_side(row, side, "value") for row in rows for side in SIDES}
    apart = sight.can_tell_apart(disputed.kind, disputed.field, values)
    may_decide = apart and (disputed.field != "merged_into" or sight.actor.may(Permission.CLIENT_MERGE))
    decision = None
    if until is not None:
        by = next((v.stamp.author for v in known.live if v.version_id == command_id), None)
        may_undo = may_decide and bool(rows) and can_reopen(command_id, known, rows)
        decision = Decision(command_id, until, "" if by is None else found.names.get(by, ""), may_undo)
    client_id = disputed.card_id if disputed.kind == RecordKind.CLIENT else fields.get("client_id")
    return ShownConflict(
        disputed,
        title_of(sight, disputed.kind, fields, found.names),
        client_id if isinstance(client_id, bytes) and sight.sees_clients else None,
        rule,
        sides,
        sight.value(disputed.kind, disputed.field, now),
        seen_token(known),
        since,
        may_decide,
        decision,
    )


def _sides(
    sight: Sight, disputed: Disputed, rows: Sequence[Any], found: _Found, shown_id: bytes
) -> tuple[ShownSide, ...]:
    sides: dict[bytes, tuple[int, ShownSide]] = {}
    for row in rows:
        for side in SIDES:
            version = _side(row, side, "command_id")
            said, of = _first_said(disputed, row, side, found)
            branch_id, hlc = _side(said, of, "branch_id"), _side(said, of, "hlc")
            at_us = wall_ms(hlc) * 1_000
            is_of_office = branch_id == HQ_ORIGIN
            heard = at_us if is_of_office else found.arrivals.get((branch_id, _side(said, of, "command_id")))
            shown = ShownSide(
                version,
                sight.value(disputed.kind, disputed.field, _side(row, side, "value")),
                found.names.get(_side(said, of, "author"), ""),
                found.branches.get(branch_id, ""),
                is_of_office,
                at_us,
                heard,
                version == shown_id or rows[0].rule == MergeRule.UNION,
            )
            sides[version] = (hlc, shown)
    return tuple(shown for _, shown in sorted(sides.values(), key=lambda each: each[0]))


def _first_said(disputed: Disputed, row: Any, side: Any, found: _Found) -> tuple[Any, Any]:
    """Who said a value first: what a decision that was taken back has said again is somebody else's word."""
    if _side(row, side, "branch_id") != HQ_ORIGIN:
        return row, side
    origin: tuple[Any, Any] = found.origins.get((disputed, getattr(row, f"{side}_value")), (row, side))
    return origin


def _origins(rows: Iterable[Any]) -> dict[tuple[Disputed, str], Any]:
    origins: dict[tuple[Disputed, str], Any] = {}
    for row in sorted(rows, key=lambda each: each.detected_at):
        for side in SIDES:
            key = Disputed(row.kind, row.card_id, row.field), getattr(row, f"{side}_value")
            if _side(row, side, "branch_id") != HQ_ORIGIN:
                origins.setdefault(key, (row, side))
    return origins


def _arrivals(connection: Connection, rows: Iterable[Any]) -> dict[tuple[bytes, bytes], int]:
    """When the head office heard of edits that branches made, by branch and edit."""
    edits = sorted({(_side(row, side, "branch_id"), _side(row, side, "command_id")) for row in rows for side in SIDES})
    found: dict[tuple[bytes, bytes], int] = {}
    for start in range(0, len(edits), PAGE_ROWS_MAX):
        chosen = tuple_(command.c.branch_id, command.c.command_id).in_(edits[start : start + PAGE_ROWS_MAX])
        for row in connection.execute(select(command).where(chosen)):
            found[row.branch_id, row.command_id] = row.received_at
    return found


def _side(row: Any, side: Any, name: str) -> Any:
    value = getattr(row, f"{side}_{name}")
    return value_of(value) if name == "value" else value


def _state(stored: bytes | None) -> CardState:
    return CardState() if stored is None else decode_state(stored)


def _is_closed(decided: bool) -> ColumnElement[bool]:
    return conflict.c.closed_at.is_not(None) if decided else conflict.c.closed_at.is_(None)
