"""Mail: attempts to send, positions in mailboxes, letters of nobody known."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.column_types import Id, UtcTime

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mail_attempt",
        sa.Column("letter_id", Id(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("letter_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "mail_restore",
        sa.Column("restored_at", UtcTime(), nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("restored_at"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "mail_position",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("uid_validity", sa.BigInteger(), nullable=False),
        sa.Column("last_uid", sa.BigInteger(), nullable=False),
        sa.Column("read_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("account"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "unmatched_letter",
        sa.Column("id", Id(), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("files", sa.Text(), nullable=False),
        sa.Column("is_automatic", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("decided_at", UtcTime()),
        sa.Column("decided_by", Id()),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("unmatched_letter_by_state", "unmatched_letter", ["state", "received_at"])
