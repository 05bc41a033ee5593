"""Why a branch has a record, or has not: audience, place in the feed, and how far the branch has come."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, select

from hq_server.storage.audience import members_of
from hq_server.storage.branches import BranchRow, branch_names, read_cursor
from hq_server.storage.feed import EVERYONE, audience_of_branch, audience_of_zone
from hq_server.storage.people import told_branches
from hq_server.storage.tables import client_audience, client_reference, feed
from shared.domain.business_time import format_us
from shared.domain.cards import Value
from shared.domain.identifiers import format_id, is_id, parse_id, shorten
from shared.domain.records import RecordKind
from shared.errors import NotFound
from shared.operations.cards import shown_fields
from shared.operations.people import positions_of
from shared.storage.fact_rows import BRANCH_FACT_TABLES
from shared.storage.tables import card, client, product, refund, sale, shift_close, shift_open
from shared.wire.cards import decode_state


def explain(connection: Connection, record: str, row: BranchRow) -> dict[str, Any]:
    """What HQ knows of a record and this branch; `record` is an id, a client's external id or a product's SKU.

    Raises NotFound.
    """
    record_id = _find(connection, record)
    fact = _explain_fact(connection, record_id, row)
    if fact is not None:
        return fact
    found = connection.execute(select(card.c.kind, card.c.state).where(card.c.id == record_id)).one_or_none()
    if found is None:
        raise NotFound(f"HQ holds no record “{shorten(record)}”.", "Give its id, a client's external id or a SKU.")
    kind = RecordKind(found.kind)
    shown = shown_fields(kind, decode_state(found.state))
    receives, reason = _audience(connection, kind, record_id, shown, row)
    position = _position(connection, kind, record_id, row)
    taken = read_cursor(connection, row.id).feed_position
    return {
        "record": format_id(record_id),
        "kind": kind.name.lower(),
        "branch": row.code,
        "receives": receives,
        "reason": reason,
        "feed_position": position,
        "branch_feed_position": taken,
        "has": receives and (position is None or position <= taken),
    }


def _find(connection: Connection, record: str) -> bytes:
    if is_id(record):
        return parse_id(record)
    for table, column in ((client, client.c.external_id), (product, product.c.sku)):
        found = connection.execute(select(table.c.id).where(column == record).limit(1)).scalar_one_or_none()
        if found is not None:
            return bytes(found)
    raise NotFound(f"HQ holds no record “{shorten(record)}”.", "Give its id, a client's external id or a SKU.")


def _explain_fact(connection: Connection, record_id: bytes, row: BranchRow) -> dict[str, Any] | None:
    for table in (sale, refund, shift_open, shift_close, *BRANCH_FACT_TABLES.values()):
        owner = connection.execute(
            select(table.c.branch_id, table.c.received_at).where(table.c.id == record_id)
        ).first()
        if owner is None:
            continue
        own = owner.branch_id == row.id
        code = branch_names(connection)[owner.branch_id]
        reason = f"It was recorded at branch {code}, and HQ received it at {format_us(owner.received_at)}."
        if not own:
            reason += " Facts stay with their branch and HQ."
        return {
            "record": format_id(record_id),
            "kind": table.name,
            "branch": row.code,
            "receives": own,
            "reason": reason,
            "feed_position": None,
            "branch_feed_position": read_cursor(connection, row.id).feed_position,
            "has": own,
        }
    return None


def _audience(
    connection: Connection, kind: RecordKind, record_id: bytes, shown: dict[str, Value], row: BranchRow
) -> tuple[bool, str]:
    match kind:
        case RecordKind.CLIENT:
            return _client_audience(connection, record_id, shown, row)
        case RecordKind.PRICE:
            zone = str(shown.get("zone") or "")
            if not zone:
                return True, "A price without a zone is for every branch."
            return zone == row.price_zone, (
                f"The price is for zone {zone}; the branch is in {row.price_zone or 'no zone'}."
            )
        case RecordKind.BRANCH_SETTINGS:
            return record_id == row.id, "Settings go to their own branch."
        case RecordKind.EMPLOYEE | RecordKind.POSITION:
            return _employee_audience(connection, record_id, shown, row)
        case RecordKind.CREDENTIAL:
            _, told = _employee_told(connection, record_id, shown)
            return told.get(row.id, False), "A password goes to the branches where its employee works, or will work."
        case _:
            return True, "It is for every branch."


def _employee_told(
    connection: Connection, record_id: bytes, shown: dict[str, Value]
) -> tuple[bytes, dict[bytes, bool]]:
    named = shown.get("employee_id")
    employee_id = named if isinstance(named, bytes) else record_id
    return employee_id, told_branches(connection, employee_id)


def _employee_audience(
    connection: Connection, record_id: bytes, shown: dict[str, Value], row: BranchRow
) -> tuple[bool, str]:
    employee_id, told = _employee_told(connection, record_id, shown)
    if row.id in told:
        return True, "The employee works or has worked at the branch."
    if not positions_of(connection, employee_id):
        return False, "The head office has not hired this employee: the card stays at HQ and at branches that made it."
    return False, "The employee has never worked at the branch."


def _client_audience(
    connection: Connection, record_id: bytes, shown: dict[str, Value], row: BranchRow
) -> tuple[bool, str]:
    since = connection.execute(
        select(client_audience.c.since).where(
            client_audience.c.client_id == record_id, client_audience.c.branch_id == row.id
        )
    ).scalar_one_or_none()
    if since is None:
        known = ", ".join(sorted(branch_names(connection)[member] for member in members_of(connection, record_id)))
        return (
            False,
            f"The branch has neither made or edited this client nor named it in a sale. Known at: {known or '–'}.",
        )
    external_id = str(shown.get("external_id") or "")
    named = (
        external_id != ""
        and connection.execute(
            select(client_reference.c.branch_id).where(
                client_reference.c.external_id == external_id, client_reference.c.branch_id == row.id
            )
        ).first()
    )
    how = f"it named {external_id} in a sale" if named else "it made or edited the card"
    return True, f"The branch knows this client since {format_us(since)}: {how}."


def _position(connection: Connection, kind: RecordKind, record_id: bytes, row: BranchRow) -> int | None:
    """Where the feed last told this branch of the record."""
    audiences = [EVERYONE, audience_of_branch(row.id), audience_of_zone(row.price_zone)]
    statement = select(func.max(feed.c.position)).where(
        feed.c.kind == int(kind), feed.c.record_id == record_id, feed.c.audience.in_(audiences)
    )
    position: int | None = connection.execute(statement).scalar_one()
    return position
