"""The fence of an incarnation's newest session, beside the newest that its store confirmed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("incarnation", sa.Column("issued_fence", sa.BigInteger(), nullable=False, server_default="0"))
