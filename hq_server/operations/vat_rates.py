"""VAT rates of the chain: set and listed at the head office, and told to every branch."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from hq_server.operations.editing import HqEdit
from hq_server.storage.feed import EVERYONE
from shared.clock import Ids
from shared.domain.business_time import date_from_days
from shared.domain.cards import Value
from shared.domain.identifiers import derived_id, require_code
from shared.domain.permissions import LOCAL_ADMINISTRATOR, Actor, Permission, require
from shared.domain.records import RecordKind
from shared.domain.vat import DatedVatRate, require_vat_rate
from shared.errors import InvalidInput
from shared.storage.tables import vat_rate


def set_vat_rate(
    connection: Connection,
    ids: Ids,
    now_us: int,
    chain_id: bytes,
    rate: DatedVatRate,
    actor: Actor = LOCAL_ADMINISTRATOR,
) -> bool:
    """Sets what a code means from a day on; the same code and first day is edited. False when it changes nothing.

    A rate of None is “without VAT”. Raises InvalidInput.
    """
    require(actor, Permission.CATALOG_EDIT)
    require_code(rate.code, "The VAT rate's code")
    require_vat_rate(rate.rate_basis_points)
    if rate.valid_from is not None and rate.valid_to is not None and rate.valid_to < rate.valid_from:
        raise InvalidInput("The rate's period ends before it begins.")
    begins = () if rate.valid_from is None else (str(rate.valid_from).encode(),)
    rate_id = derived_id("vat_rate", chain_id, rate.code.encode(), *begins)
    changes: dict[str, Value] = {**rate._asdict(), "archived": False}
    edit = HqEdit(connection, ids, now_us, actor.employee_id)
    prepared = edit.prepare(RecordKind.VAT_RATE, rate_id, changes)
    if prepared is None:
        return False
    edit.apply([prepared], {rate_id: EVERYONE})
    return True


def list_vat_rates(connection: Connection, actor: Actor = LOCAL_ADMINISTRATOR) -> list[dict[str, Any]]:
    """The rates by code and first day. A rate is basis points, None without VAT; days are dates, None is open."""
    require(actor, Permission.CATALOG_EDIT)
    statement = select(vat_rate).where(vat_rate.c.archived.is_(False))
    rows = sorted(connection.execute(statement), key=lambda row: (row.code or "", row.valid_from or 0, row.id))
    return [
        {
            "code": row.code,
            "rate_basis_points": row.rate_basis_points,
            "valid_from": _date(row.valid_from),
            "valid_to": _date(row.valid_to),
        }
        for row in rows
    ]


def _date(day: int | None) -> str | None:
    return None if day is None else date_from_days(day).isoformat()
