"""Schema 0023: tasks are found by when they were done, for the timeline of a client."""

from __future__ import annotations

from alembic import op


def index_done_tasks() -> None:
    """Creates the index."""
    op.create_index("task_by_client_done", "task", ["client_id", "done_at"])
