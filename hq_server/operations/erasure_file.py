"""The file of orders beside the store: who was erased, when and why, and nothing that says who that was.

A backup that is put back knows nothing of the orders given after it was taken: this file does.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, select

from shared.domain.identifiers import NIL_ID, format_id, parse_id
from shared.errors import InvalidInput
from shared.storage.tables import erasure


class OrderLine(NamedTuple):
    """One order. `ordered_at_us` is UTC, `ordered_by` an employee's id."""

    reason: str
    ordered_at_us: int
    ordered_by: bytes


def read_orders(path: Path) -> dict[bytes, OrderLine]:
    """The orders of the file by client; none when there is no file. Raises InvalidInput when a line is no order."""
    if not path.exists():
        return {}
    orders: dict[bytes, OrderLine] = {}
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            line = json.loads(text)
            order = OrderLine(str(line["reason"]), int(line["ordered_at_us"]), parse_id(line["ordered_by"]))
            orders[parse_id(line["client"])] = order
        except (ValueError, KeyError, TypeError, InvalidInput):
            raise InvalidInput(f"Line {number} of {path} is no order.", "Restore the file, or move it aside.") from None
    return orders


def keep_orders(connection: Connection, path: Path) -> int:
    """Appends the store's orders that the file lacks, down to the disk; returns how many."""
    known = read_orders(path)
    lines = [_line(*each) for each in orders_of(connection).items() if each[0] not in known]
    if lines:
        descriptor = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        with open(descriptor, "a", encoding="utf-8") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
    return len(lines)


def orders_of(connection: Connection) -> dict[bytes, OrderLine]:
    """The orders that the store knows, oldest first."""
    rows = connection.execute(select(erasure).order_by(erasure.c.ordered_at, erasure.c.id))
    return {row.id: OrderLine(row.reason or "", row.ordered_at or 0, row.ordered_by or NIL_ID) for row in rows}


def missing_orders(connection: Connection, orders: Mapping[bytes, OrderLine]) -> dict[bytes, OrderLine]:
    """Those of the orders that the store does not know."""
    known = set(connection.execute(select(erasure.c.id)).scalars())
    return {client_id: order for client_id, order in orders.items() if client_id not in known}


def _line(client_id: bytes, order: OrderLine) -> str:
    return (
        json.dumps(
            {
                "client": format_id(client_id),
                "ordered_at_us": order.ordered_at_us,
                "ordered_by": format_id(order.ordered_by),
                "reason": order.reason,
            },
            ensure_ascii=False,
        )
        + "\n"
    )
