"""Quick keys in groups, of the whole branch or of one register; baskets of clients whose card is elsewhere;
what the fiscal device is to be told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.column_types import Id, UtcTime

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.rename_table("quick_key", "quick_key_before")
    op.create_table(
        "quick_key",
        sa.Column("register", sa.Text(), nullable=False, server_default=""),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("colour", sa.Text(), nullable=False),
        sa.Column("key_group", sa.Text(), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("register", "position"),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO quick_key (position, sku, label, colour) SELECT position, sku, label, colour FROM quick_key_before"
    )
    op.drop_table("quick_key_before")
    op.add_column("basket", sa.Column("client_name", sa.Text()))
    op.create_table(
        "fiscal_job",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("register", sa.Text(), nullable=False),
        sa.Column("record_id", Id(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_problem", sa.Text()),
        sa.Column("sign", sa.Text()),
        sa.Column("changed_at", UtcTime(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("fiscal_job_by_state", "fiscal_job", ["state", "id"])
    op.create_index("fiscal_job_by_record", "fiscal_job", ["record_id", "kind"], unique=True)
    op.create_index(
        "fiscal_job_shifts",
        "fiscal_job",
        ["register", "id"],
        sqlite_where=sa.text("kind IN ('open_shift', 'close_shift')"),
    )
