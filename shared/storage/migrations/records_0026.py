"""Schema 0026: what is erased, and how far this node has come with it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.column_types import Id, UtcTime


def create_erasures() -> None:
    """Creates the tables that remember erasures, empty."""
    op.create_table(
        "erased_card",
        sa.Column("id", Id(), nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("client_id", Id(), nullable=False),
        sa.PrimaryKeyConstraint("id", "kind"),
        sqlite_with_rowid=False,
    )
    op.create_index("erased_card_by_client", "erased_card", ["client_id"])
    op.create_table(
        "erasure_work",
        sa.Column("client_id", Id(), nullable=False),
        sa.Column("applied_at", UtcTime(), nullable=False),
        sa.Column("scoured_at", UtcTime()),
        sa.PrimaryKeyConstraint("client_id"),
        sqlite_with_rowid=False,
    )
