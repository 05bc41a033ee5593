"""A cursor amid a stretch of the feed that HQ has compacted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sync_state", sa.Column("feed_folded_to", sa.BigInteger(), nullable=False, server_default="0"))
