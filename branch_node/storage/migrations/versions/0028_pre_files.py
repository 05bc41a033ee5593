"""What files of clients consist of, and how far each has come on its way between the branch and the head office."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.column_types import Id, UtcTime
from shared.storage.migrations.records_0028 import create_file_chunks

revision = "0028"
down_revision = "0026"
branch_labels = None
depends_on = None

_COLUMNS = "INSERT INTO file_transfer (attachment_id, is_even, not_before, failures, waiting_bytes)"
_OPEN = f"{_COLUMNS} VALUES (new.id, 0, 0, 0, COALESCE(new.size, 0))"
_AGAIN = (
    "ON CONFLICT (attachment_id) DO UPDATE SET is_even = 0, not_before = 0, failures = 0, problem = NULL, "
    "waiting_bytes = excluded.waiting_bytes"
)


def upgrade() -> None:
    create_file_chunks()
    op.create_table(
        "file_transfer",
        sa.Column("attachment_id", Id(), nullable=False),
        sa.Column("is_even", sa.Boolean(), nullable=False),
        sa.Column("not_before", UtcTime(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("waiting_bytes", sa.BigInteger(), nullable=False),
        sa.Column("problem", sa.Text()),
        sa.PrimaryKeyConstraint("attachment_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("file_transfer_open", "file_transfer", ["is_even", "not_before"])
    op.execute(
        "CREATE TRIGGER attachment_insert_opens_transfer AFTER INSERT ON attachment "
        f"WHEN new.chunks IS NOT NULL BEGIN {_OPEN} {_AGAIN}; END"
    )
    op.execute(
        "CREATE TRIGGER attachment_update_opens_transfer AFTER UPDATE OF chunks, size, sha256 ON attachment "
        "WHEN new.chunks IS NOT old.chunks OR new.size IS NOT old.size OR new.sha256 IS NOT old.sha256 "
        f"BEGIN {_OPEN} {_AGAIN}; END"
    )
    op.execute(
        "CREATE TRIGGER attachment_delete_ends_transfer AFTER DELETE ON attachment "
        "BEGIN DELETE FROM file_transfer WHERE attachment_id = old.id; END"
    )
    op.execute(f"{_COLUMNS} SELECT id, 0, 0, 0, COALESCE(size, 0) FROM attachment WHERE chunks IS NOT NULL")
