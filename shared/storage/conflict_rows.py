"""The conflict log: both values of every edit that did not see what it met, until an edit sees both."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, delete, or_, select, update

from shared.domain.cards import Value
from shared.storage.card_rows import CardKey, insert_missing
from shared.storage.tables import conflict
from shared.sync.card_merge import CardState, Conflict, FieldVersion, shown_version


def add_conflicts(
    connection: Connection, key: CardKey, conflicts: Iterable[Conflict], state: CardState, now_us: int
) -> None:
    """Logs conflicts; one that is known already stays as it is."""
    rows = [
        {
            "kind": key[0],
            "card_id": key[1],
            "field": found.field,
            "rule": str(found.rule),
            **_side("older", found.older),
            **_side("newer", found.newer),
            "shown_command_id": shown_version(state.fields[found.field].live, found.rule).version_id,
            "detected_at": now_us,
            "closed_by_command_id": None,
            "closed_at": None,
        }
        for found in conflicts
    ]
    if rows:
        connection.execute(insert_missing(conflict, connection), rows)


def close_conflicts(
    connection: Connection, key: CardKey, field: str, superseded: frozenset[bytes], closed_by: bytes, now_us: int
) -> None:
    """Closes the open conflicts of a field in which either version has been seen by an edit."""
    ids = list(superseded)
    connection.execute(
        update(conflict)
        .where(
            conflict.c.kind == key[0],
            conflict.c.card_id == key[1],
            conflict.c.field == field,
            conflict.c.closed_at.is_(None),
            or_(conflict.c.older_command_id.in_(ids), conflict.c.newer_command_id.in_(ids)),
        )
        .values(closed_by_command_id=closed_by, closed_at=now_us)
    )


def open_conflicts(connection: Connection) -> list[Any]:
    """The rows of conflicts that no edit has settled, oldest first."""
    statement = select(conflict).where(conflict.c.closed_at.is_(None)).order_by(conflict.c.detected_at)
    return list(connection.execute(statement))


def conflicts_of_card(connection: Connection, kind: int, card_id: bytes) -> list[Any]:
    """The same for one card."""
    statement = (
        select(conflict)
        .where(conflict.c.kind == kind, conflict.c.card_id == card_id, conflict.c.closed_at.is_(None))
        .order_by(conflict.c.detected_at)
    )
    return list(connection.execute(statement))


def encode_value(value: Value) -> str:
    """A field's value as JSON text, for people and programs."""
    if isinstance(value, bytes):
        return json.dumps({"id": value.hex()})
    return json.dumps(value, ensure_ascii=False)


def _side(side: str, version: FieldVersion) -> dict[str, Any]:
    stamp = version.stamp
    return {
        f"{side}_command_id": stamp.command_id,
        f"{side}_value": encode_value(version.value),
        f"{side}_author": stamp.author,
        f"{side}_branch_id": stamp.branch_id,
        f"{side}_hlc": stamp.hlc,
    }


def forget_conflicts(connection: Connection, kind: int, card_id: bytes) -> None:
    """Drops the conflicts of a card."""
    connection.execute(delete(conflict).where(conflict.c.kind == kind, conflict.c.card_id == card_id))
