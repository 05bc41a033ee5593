"""Tasks: when each asks for attention; clients without a next step; addresses of calendars, reminders seen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.column_types import Id, UtcTime
from shared.storage.migrations.records_0024 import order_tasks

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

# Of clients that a condition names, those for whom nothing is to be done. A trigger forgets a client, and adds it again
# when it still is without a next step.
_ADD = """
INSERT INTO client_without_step (owner_id, sort_key, client_id)
SELECT owner_id, sort_key, id FROM client c
WHERE {} AND owner_id IS NOT NULL AND NOT archived AND merged_into IS NULL AND no_next_step IS NULL
  AND NOT EXISTS (SELECT 1 FROM task t WHERE t.client_id = c.id AND t.next_at > 0);
"""


def _look_at(client: str) -> str:
    return f"DELETE FROM client_without_step WHERE client_id = {client};" + _ADD.format(f"id = {client}")


_TRIGGERS = (
    f"""
CREATE TRIGGER step_of_new_client AFTER INSERT ON client WHEN NEW.owner_id IS NOT NULL
BEGIN {_look_at("NEW.id")} END
""",
    f"""
CREATE TRIGGER step_of_changed_client AFTER UPDATE OF owner_id, sort_key, archived, merged_into, no_next_step ON client
WHEN OLD.owner_id IS NOT NEW.owner_id OR OLD.sort_key <> NEW.sort_key OR OLD.archived <> NEW.archived
  OR OLD.merged_into IS NOT NEW.merged_into OR OLD.no_next_step IS NOT NEW.no_next_step
BEGIN {_look_at("NEW.id")} END
""",
    """
CREATE TRIGGER step_of_gone_client AFTER DELETE ON client
BEGIN DELETE FROM client_without_step WHERE client_id = OLD.id; END
""",
    f"""
CREATE TRIGGER step_of_new_task AFTER INSERT ON task WHEN NEW.client_id IS NOT NULL AND NEW.next_at IS NOT NULL
BEGIN {_look_at("NEW.client_id")} END
""",
    f"""
CREATE TRIGGER step_of_changed_task AFTER UPDATE OF client_id, next_at ON task
WHEN OLD.client_id IS NOT NEW.client_id OR (OLD.next_at IS NULL) <> (NEW.next_at IS NULL)
BEGIN {_look_at("OLD.client_id")} {_look_at("NEW.client_id")} END
""",
    f"""
CREATE TRIGGER step_of_gone_task AFTER DELETE ON task WHEN OLD.client_id IS NOT NULL
BEGIN {_look_at("OLD.client_id")} END
""",
)


def upgrade() -> None:
    order_tasks()
    op.create_index("task_by_next", "task", ["assignee_id", "next_at"])
    op.create_index("task_by_client_next", "task", ["client_id", "next_at"])
    op.create_index("task_by_done", "task", ["done_by", "done_at"])
    op.create_table(
        "client_without_step",
        sa.Column("owner_id", Id(), nullable=False),
        sa.Column("sort_key", sa.Text(), nullable=False),
        sa.Column("client_id", Id(), nullable=False),
        sa.PrimaryKeyConstraint("owner_id", "sort_key", "client_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("client_without_step_by_client", "client_without_step", ["client_id"], unique=True)
    op.execute(_ADD.format("owner_id IS NOT NULL"))
    for trigger in _TRIGGERS:
        op.execute(trigger)
    op.create_table(
        "task_calendar",
        sa.Column("employee_id", Id(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("employee_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("task_calendar_by_token", "task_calendar", ["token_hash"], unique=True)
    op.create_table(
        "task_reminder",
        sa.Column("employee_id", Id(), nullable=False),
        sa.Column("task_id", Id(), nullable=False),
        sa.Column("seen_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("employee_id", "task_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("task_reminder_by_age", "task_reminder", ["seen_at"])
