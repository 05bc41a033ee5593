"""What a proposed card took the place of, so that taking it up can be taken back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.column_types import UtcTime

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("proposal", sa.Column("replaced", sa.LargeBinary()))
    op.add_column("proposal", sa.Column("taken_up", sa.LargeBinary()))
    op.add_column("proposal", sa.Column("reopened_at", UtcTime()))
