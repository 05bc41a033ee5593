"""What people make of findings, and the indexes by which the head office finds what waits for them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.column_types import Id, UtcTime

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_verdict",
        sa.Column("id", Id(), nullable=False),
        sa.Column("command_id", Id(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("record_id", Id(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("author", Id(), nullable=False),
        sa.Column("given_at", UtcTime(), nullable=False),
        sa.Column("taken_back_at", UtcTime()),
        sa.Column("taken_back_by", Id()),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    subject = ["subject_kind", "branch_id", "record_id", "detail"]
    op.create_index("audit_verdict_by_subject", "audit_verdict", subject)
    op.create_index("audit_verdict_by_command", "audit_verdict", ["command_id"])
    op.create_index("audit_entry_by_day", "audit_entry", ["business_date"])
    op.create_index("refund_by_day", "refund", ["business_date"])
    _index_open("conflict_open", "conflict", "detected_at", "closed_at IS NULL")
    _index_open("parked_entry_open", "parked_entry", "branch_id", "resolved_at IS NULL")
    _index_open("proposal_open", "proposal", "received_at", "resolved_at IS NULL")


def _index_open(name: str, table: str, column: str, condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, [column], sqlite_where=where, postgresql_where=where)
