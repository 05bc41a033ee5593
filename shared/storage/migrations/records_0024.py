"""Schema 0024: in which zone a task is due, and when it asks for attention."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

NO_DATE_US = 4_102_444_800_000_001
"""shared.domain.tasks.NO_DATE_US at the time of this step."""

_FILL = f"""
UPDATE task SET next_at = CASE
    WHEN due_at IS NULL AND snoozed_until IS NULL THEN {NO_DATE_US}
    WHEN due_at IS NULL OR snoozed_until > due_at THEN snoozed_until
    ELSE due_at END
WHERE NOT archived AND COALESCE(state, '') NOT IN ('done', 'cancelled')
"""


def order_tasks() -> None:
    """Adds the columns, filled as the program would."""
    op.add_column("task", sa.Column("zone", sa.Text()))
    op.add_column("task", sa.Column("next_at", sa.BigInteger()))
    op.execute(_FILL)
