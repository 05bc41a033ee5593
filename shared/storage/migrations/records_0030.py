"""Schema 0030: interactions that take another one back, at a branch and at the head office alike."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def add_withdrawals() -> None:
    """Nothing stands in the new column of what is there: none of it takes anything back."""
    op.add_column("interaction", sa.Column("withdrawn", sa.Boolean(), nullable=True))
