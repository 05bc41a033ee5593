"""The index by which a record's entry is found in the branches' journals."""

from __future__ import annotations

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("journal_entry_by_command", "journal_entry", ["command_id"])
