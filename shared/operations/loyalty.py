"""The loyalty programme between its card, its row and the domain; entries of points as rows. Contains no arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from shared.domain.business_time import LocalMoment
from shared.domain.cards import TEXTS_MAX, Value, require_value
from shared.domain.loyalty import LoyaltyEntry, LoyaltyProgram, make_program
from shared.domain.records import RecordKind
from shared.errors import InvalidInput
from shared.storage.tables import loyalty_entry


def program_fields(program: LoyaltyProgram, name: str) -> dict[str, Value]:
    """The fields of a programme's card. Raises InvalidInput when it is too large."""
    if len(program.rules) > TEXTS_MAX:
        raise InvalidInput(f"A programme has at most {TEXTS_MAX} rules.")
    fields: dict[str, Value] = {
        "code": program.code,
        "name": name,
        "earn_basis_points": tuple(sorted(f"{tier}:{category}:{rate}" for tier, category, rate in program.rules)),
        "payable_share_basis_points_max": program.payable_share_basis_points_max,
        "expires_days": program.expires_days,
        "point_value_minor": program.point_value_minor,
        "archived": False,
    }
    return {field: require_value(RecordKind.LOYALTY_PROGRAM, field, value) for field, value in fields.items()}


def program_of_row(row: Mapping[Any, Any]) -> LoyaltyProgram | None:
    """The programme that a row of `loyalty_program` shows; None for one that this release cannot make sense of."""
    rules = (row["earn_basis_points"] or "").split("\n")
    try:
        return make_program(
            row["code"] or "",
            [rule for rule in rules if rule],
            row["payable_share_basis_points_max"] or 0,
            row["expires_days"] or 0,
            row["point_value_minor"] or 0,
        )
    except InvalidInput:
        return None


def points_of_sale(connection: Connection, sale_id: bytes) -> list[LoyaltyEntry]:
    """What is entered for a sale so far, at whatever branch, in the order of the entries' ids."""
    statement = select(loyalty_entry).where(loyalty_entry.c.sale_id == sale_id).order_by(loyalty_entry.c.id)
    return [
        LoyaltyEntry(
            row.client_id,
            row.kind,
            row.points,
            row.sale_id,
            row.refund_id,
            row.expires_on,
            row.reason,
            LocalMoment(row.made_at, row.utc_offset_seconds, row.zone),
        )
        for row in connection.execute(statement)
    ]
