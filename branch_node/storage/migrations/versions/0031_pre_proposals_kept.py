"""Until where the feed shows whether HQ keeps what was handed back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sync_state", sa.Column("proposals_kept_by", sa.BigInteger(), nullable=False, server_default="0"))
