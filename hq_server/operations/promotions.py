"""Promotions of the chain: made, listed and ended at the head office, and told to every branch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, select

from hq_server.operations.editing import HqEdit
from hq_server.storage.feed import EVERYONE
from shared.clock import Ids
from shared.domain.business_time import date_from_days
from shared.domain.cards import Value
from shared.domain.identifiers import require_code, shorten
from shared.domain.promotion_rules import Promotion
from shared.domain.records import RecordKind
from shared.errors import AlreadyExists, InvalidInput, NotFound
from shared.operations.promotions import promotion_fields
from shared.storage.tables import promotion

_SETS = ("skus", "categories", "client_groups", "zones")
_DAYS = ("valid_from", "valid_to")
_TEXTS = ("code", "name", "type", "weekdays")
_NUMBERS = ("value", "n", "m", "minimum_minor", "priority")
_FLAGS = ("combinable", "per_basket", "archived")


def add_promotion(connection: Connection, ids: Ids, now_us: int, wanted: Promotion) -> bytes:
    """Makes a promotion under a new id, which is returned; the one it has is not used.

    Raises AlreadyExists when a promotion that is not archived has the code, InvalidInput when it means nothing.
    """
    require_code(wanted.code, "The promotion's code")
    for name in _SETS:
        for text in getattr(wanted, name):
            require_code(text, f"One of the {name.replace('_', ' ')}")
    if _find(connection, wanted.code) is not None:
        raise AlreadyExists(f"There is a promotion {wanted.code} already.", "End it, or use another code.")
    promotion_id = ids.new_id()
    _edit(connection, ids, now_us, promotion_id, promotion_fields(replace(wanted, promotion_id=promotion_id)))
    return promotion_id


def end_promotion(connection: Connection, ids: Ids, now_us: int, code: str, last_day: int | None) -> None:
    """Ends a promotion after a day, or at once: then it is archived and the code is free again. Raises NotFound."""
    row = _require(connection, code)
    if last_day is None:
        changes: dict[str, Value] = {"archived": True}
    elif row["valid_from"] is not None and last_day < row["valid_from"]:
        raise InvalidInput("The promotion would end before it begins.", "End it at once: leave the day out.")
    else:
        changes = {"valid_to": last_day}
    _edit(connection, ids, now_us, row["id"], changes)


def list_promotions(connection: Connection, with_archived: bool = False) -> list[dict[str, Any]]:
    """The promotions in the order in which they count: those that may count first, archived ones last."""
    statement = select(promotion).order_by(promotion.c.archived, promotion.c.priority, promotion.c.code, promotion.c.id)
    if not with_archived:
        statement = statement.where(promotion.c.archived.is_(False))
    return [promotion_document(row) for row in connection.execute(statement).mappings()]


def show_promotion(connection: Connection, code: str) -> dict[str, Any]:
    """One promotion by its code. Raises NotFound."""
    return promotion_document(_require(connection, code))


def promotion_document(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A promotion with days as dates and sets as lists."""
    return {
        **{name: row[name] for name in (*_TEXTS, *_NUMBERS)},
        **{name: bool(row[name]) for name in _FLAGS},
        **{name: (row[name] or "").split("\n") if row[name] else [] for name in _SETS},
        **{name: None if row[name] is None else date_from_days(row[name]).isoformat() for name in _DAYS},
        "hours": _hours(row["minute_from"], row["minute_to"]),
    }


def _hours(minute_from: int | None, minute_to: int | None) -> str | None:
    if minute_from is None and minute_to is None:
        return None
    start, end = minute_from or 0, 24 * 60 if minute_to is None else minute_to
    return f"{start // 60:02d}:{start % 60:02d}-{end // 60:02d}:{end % 60:02d}"


def _edit(connection: Connection, ids: Ids, now_us: int, promotion_id: bytes, changes: Mapping[str, Value]) -> None:
    edit = HqEdit(connection, ids, now_us)
    prepared = edit.prepare(RecordKind.PROMOTION, promotion_id, changes)
    if prepared is not None:
        edit.apply([prepared], {promotion_id: EVERYONE})


def _find(connection: Connection, code: str) -> Mapping[Any, Any] | None:
    statement = select(promotion).where(promotion.c.code == code, promotion.c.archived.is_(False))
    return connection.execute(statement.order_by(promotion.c.id)).mappings().first()


def _require(connection: Connection, code: str) -> Mapping[Any, Any]:
    row = _find(connection, code)
    if row is None:
        raise NotFound(f"There is no promotion “{shorten(code)}”.", "List them: filial-hq promotion list")
    return row
