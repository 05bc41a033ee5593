"""How far the feed is compacted, where each audience last met a card, cursors amid a compacted
stretch, and a branch's settings by position."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.column_types import Id

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("branch_cursor", sa.Column("feed_folded_to", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_table(
        "feed_latest",
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("record_id", Id(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("record_id", "kind", "audience"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "feed_compaction",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint("id = 1", name="feed_compaction_is_one"),
    )
    op.create_index(
        "feed_of_settings",
        "feed",
        ["record_id", "position"],
        sqlite_where=sa.text("kind = 104"),
        postgresql_where=sa.text("kind = 104"),
    )
    # A database that holds no chain yet gets its row when one is founded.
    op.execute("INSERT INTO feed_compaction (id, position) SELECT 1, 0 FROM feed_head")
