"""Schema 0016: why goods moved, in words."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def add_movement_note() -> None:
    """Adds the column, empty for movements of before."""
    op.add_column("stock_movement", sa.Column("note", sa.Text(), nullable=True))
