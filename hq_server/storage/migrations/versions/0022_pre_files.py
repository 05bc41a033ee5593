"""What files of clients consist of."""

from __future__ import annotations

from shared.storage.migrations.records_0028 import create_file_chunks

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_file_chunks()
