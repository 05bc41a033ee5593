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
from shared.domain.permissions import LOCAL_ADMINISTRATOR, Actor, Permission, require
from shared.domain.promotion_rules import Promotion
from shared.domain.records import RecordKind
from shared.errors import AlreadyExists, InvalidInput, NotFound
from shared.operations.promotions import promotion_fields, promotion_of_row
from shared.storage.tables import promotion

_SETS = ("skus", "categories", "client_groups", "zones")
_DAYS = ("valid_from", "valid_to")
_TEXTS = ("code", "name", "type", "weekdays")
_NUMBERS = ("value", "n", "m", "minimum_minor", "priority")
_FLAGS = ("combinable", "per_basket", "archived")


def add_promotion(
    connection: Connection, ids: Ids, now_us: int, wanted: Promotion, actor: Actor = LOCAL_ADMINISTRATOR
) -> bytes:
    """Makes a promotion under a new id, which is returned; the one it has is not used.

    Raises AlreadyExists when a promotion that is not archived has the code, InvalidInput when it means nothing.
    """
    require(actor, Permission.CATALOG_EDIT)
    _require_codes(wanted)
    if _find(connection, wanted.code) is not None:
        raise AlreadyExists(f"There is a promotion {wanted.code} already.", "End it, or use another code.")
    promotion_id = ids.new_id()
    fields = promotion_fields(replace(wanted, promotion_id=promotion_id))
    _edit(connection, ids, now_us, actor, promotion_id, fields)
    return promotion_id


def change_promotion(
    connection: Connection, ids: Ids, now_us: int, code: str, wanted: Promotion, actor: Actor = LOCAL_ADMINISTRATOR
) -> bool:
    """Brings a promotion to what is wanted, under the code that it has; whether anything changed.

    Raises NotFound, and InvalidInput when it means nothing.
    """
    require(actor, Permission.CATALOG_EDIT)
    row = _require(connection, code)
    _require_codes(wanted)
    fields = promotion_fields(replace(wanted, promotion_id=row["id"], code=code))
    return _edit(connection, ids, now_us, actor, row["id"], fields)


def end_promotion(
    connection: Connection,
    ids: Ids,
    now_us: int,
    code: str,
    last_day: int | None,
    actor: Actor = LOCAL_ADMINISTRATOR,
) -> None:
    """Ends a promotion after a day, or at once: then it is archived and the code is free again. Raises NotFound."""
    require(actor, Permission.CATALOG_EDIT)
    row = _require(connection, code)
    if last_day is None:
        changes: dict[str, Value] = {"archived": True}
    elif row["valid_from"] is not None and last_day < row["valid_from"]:
        raise InvalidInput("The promotion would end before it begins.", "End it at once: leave the day out.")
    else:
        changes = {"valid_to": last_day}
    _edit(connection, ids, now_us, actor, row["id"], changes)


def read_promotions(connection: Connection, actor: Actor) -> list[Promotion]:
    """The promotions that are not archived and that this release understands, in the order in which they count."""
    require(actor, Permission.CATALOG_EDIT)
    rows = connection.execute(select(promotion).where(promotion.c.archived.is_(False))).mappings()
    found = [promotion_of_row({str(name): value for name, value in row.items()}) for row in rows]
    return sorted((each for each in found if each is not None), key=lambda each: each.order)


def require_promotion_of(connection: Connection, actor: Actor, code: str) -> Promotion:
    """The promotion of that code that is not archived. Raises NotPermitted, NotFound."""
    require(actor, Permission.CATALOG_EDIT)
    known = promotion_of_row({str(name): value for name, value in _require(connection, code).items()})
    if known is None:
        raise NotFound("This release cannot make sense of that promotion.", "Upgrade the head office.")
    return known


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


def _require_codes(wanted: Promotion) -> None:
    require_code(wanted.code, "The promotion's code")
    for name in _SETS:
        for text in getattr(wanted, name):
            require_code(text, f"One of the {name.replace('_', ' ')}")


def _edit(
    connection: Connection, ids: Ids, now_us: int, actor: Actor, promotion_id: bytes, changes: Mapping[str, Value]
) -> bool:
    edit = HqEdit(connection, ids, now_us, actor.employee_id)
    prepared = edit.prepare(RecordKind.PROMOTION, promotion_id, changes)
    return prepared is not None and edit.apply([prepared], {promotion_id: EVERYONE}) > 0


def _find(connection: Connection, code: str) -> Mapping[Any, Any] | None:
    statement = select(promotion).where(promotion.c.code == code, promotion.c.archived.is_(False))
    return connection.execute(statement.order_by(promotion.c.id)).mappings().first()


def _require(connection: Connection, code: str) -> Mapping[Any, Any]:
    row = _find(connection, code)
    if row is None:
        raise NotFound(f"There is no promotion “{shorten(code)}”.", "List them: filial-hq promotion list")
    return row
