"""Schema 0024: in which zone a task is due, when it asks for attention, and the indexes that lists of tasks need."""

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
    """Adds the column, fills it as the program would, and indexes it."""
    op.add_column("task", sa.Column("zone", sa.Text()))
    op.add_column("task", sa.Column("next_at", sa.BigInteger()))
    op.execute(_FILL)
    op.create_index("task_by_next", "task", ["assignee_id", "next_at"])
    op.create_index("task_by_client_next", "task", ["client_id", "next_at"])
    op.create_index("task_by_done", "task", ["done_by", "done_at"])
