"""Deciding conflicts: one of the two values becomes an edit that has seen both; and taking the decision back."""

from __future__ import annotations

import json
from typing import Any, Literal

from sqlalchemy import Connection, select

from hq_server.operations.editing import HqEdit
from hq_server.storage.audience import TOLD_BY_MEMBERSHIP, audiences_of_card
from shared.clock import Ids
from shared.domain.cards import Value
from shared.domain.records import RecordKind
from shared.errors import NotFound
from shared.operations.cards import load_card, shown_fields
from shared.storage.tables import conflict
from shared.sync.card_merge import CardState

Side = Literal["older", "newer"]


def resolve_conflict(connection: Connection, ids: Ids, now_us: int, card_id: bytes, field: str, side: Side) -> Any:
    """Makes one side's value the card's; returns it. Raises NotFound when no such conflict is open."""
    statement = (
        select(conflict)
        .where(conflict.c.card_id == card_id, conflict.c.field == field, conflict.c.closed_at.is_(None))
        .order_by(conflict.c.detected_at.desc())
        .limit(1)
    )
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise NotFound("No such conflict is open.", "See: filial-hq sync conflicts")
    return _write(connection, ids, now_us, row, row.older_value if side == "older" else row.newer_value)


def undo_conflict(connection: Connection, ids: Ids, now_us: int, card_id: bytes, field: str) -> Any:
    """Gives the card the value that the last decision did not choose; returns it. Raises NotFound."""
    statement = (
        select(conflict)
        .where(conflict.c.card_id == card_id, conflict.c.field == field, conflict.c.closed_at.is_not(None))
        .order_by(conflict.c.closed_at.desc())
        .limit(1)
    )
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise NotFound("No conflict of this field was decided.", "See: filial-hq sync conflicts")
    shown = _shown(connection, row)
    other = row.newer_value if shown == _value(row.older_value) else row.older_value
    return _write(connection, ids, now_us, row, other)


def _write(connection: Connection, ids: Ids, now_us: int, row: Any, encoded: str) -> Any:
    value = _value(encoded)
    kind = RecordKind(row.kind)
    edit = HqEdit(connection, ids, now_us)
    prepared = edit.prepare(kind, row.card_id, {row.field: value})
    if prepared is None:
        return value
    audiences = None
    if kind not in TOLD_BY_MEMBERSHIP:
        state = load_card(connection, kind, row.card_id) or CardState()
        audiences = {row.card_id: audiences_of_card(connection, kind, row.card_id, state)[0]}
    edit.apply([prepared], audiences)
    return value


def _shown(connection: Connection, row: Any) -> Value:
    state = load_card(connection, row.kind, row.card_id)
    return None if state is None else shown_fields(row.kind, state).get(row.field)


def _value(encoded: str) -> Value:
    value = json.loads(encoded)
    if isinstance(value, dict):
        return bytes.fromhex(value["id"])
    return tuple(value) if isinstance(value, list) else value
