"""The table of what files consist of, at a branch and at the head office alike."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.column_types import UtcTime


def create_file_chunks() -> None:
    """Chunks by their hashes."""
    op.create_table(
        "file_chunk",
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("stored_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("sha256"),
    )
