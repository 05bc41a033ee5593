"""Who works at this branch today, as people read it. Contains no password and no PIN."""

from __future__ import annotations

from typing import Any

from branch_node.operations.pins import find_pin
from branch_node.storage.store import BranchStore
from shared.operations.people import actor_on, all_employees, day_in_zone, find_credential


def list_staff(store: BranchStore) -> list[dict[str, Any]]:
    """By code: everybody with a position at this branch today, and what each can log in with."""
    node, _ = store.node()
    day = day_in_zone(store.clock.now_us(), node.timezone)
    rows = []
    with store.read() as connection:
        for person in all_employees(connection):
            actor = actor_on(connection, person, day, node.code)
            if actor is not None:
                rows.append(
                    {
                        "code": person.code,
                        "name": person.name,
                        "role": actor.role,
                        "password": find_credential(connection, person.employee_id) is not None,
                        "pin": find_pin(connection, person.employee_id) is not None,
                    }
                )
    return rows
