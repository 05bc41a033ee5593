"""What an employee logs in with here: the head office's credential, or what he has chosen here since in its place.

As soon as the head office sets another password, what was chosen in place of the one before counts no more.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, select

from shared.operations.people import Credential, find_credential
from shared.operations.sessions import proof_of
from shared.storage.cursor_reading import Reader
from shared.storage.fact_tables import password_change

# Built once: every request of a page asks.
_CHOSEN: Final = (
    select(password_change.c.password_hash)
    .where(
        password_change.c.employee_id == bindparam("employee_id"),
        password_change.c.replaces == bindparam("replaces"),
    )
    .order_by(password_change.c.id.desc())
)
CHOSEN_IN_A_ROW_MAX = 1_000
"""Passwords that one employee chose here and the head office has not heard of."""


def standing_credential(reader: Reader, employee_id: bytes) -> Credential | None:
    """What counts now; None when the head office has given none, or taken it away."""
    known = find_credential(reader, employee_id)
    if known is None:
        return None
    stored = known.password_hash
    for _ in range(CHOSEN_IN_A_ROW_MAX):
        row = reader.execute(_CHOSEN, {"employee_id": employee_id, "replaces": proof_of(stored)}).first()
        if row is None:
            break
        stored = row[0]
    return known if stored == known.password_hash else Credential(stored, must_change=False)
