"""What an employee logs in with here: the head office's credential, or what he has chosen here since in its place.

As soon as the head office sets another password, what was chosen in place of the one before counts no more.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection

from shared.operations.people import Credential, find_credential
from shared.operations.sessions import proof_of

_CHOSEN: Final = """
SELECT password_hash FROM password_change WHERE employee_id = ? AND replaces = ? ORDER BY id DESC LIMIT 1
"""
CHOSEN_IN_A_ROW_MAX = 1_000
"""Passwords that one employee chose here and the head office has not heard of."""


def standing_credential(connection: Connection, employee_id: bytes) -> Credential | None:
    """What counts now; None when the head office has given none, or taken it away."""
    known = find_credential(connection, employee_id)
    if known is None:
        return None
    cursor: Any = connection.connection.cursor()
    stored = known.password_hash
    for _ in range(CHOSEN_IN_A_ROW_MAX):
        row = cursor.execute(_CHOSEN, (employee_id, proof_of(stored))).fetchone()
        if row is None:
            break
        stored = row[0]
    return known if stored == known.password_hash else Credential(stored, must_change=False)
