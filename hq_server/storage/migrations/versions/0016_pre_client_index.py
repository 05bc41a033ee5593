"""The words and numbers by which clients are found."""

from __future__ import annotations

from shared.storage.migrations.records_0022 import create_client_index

revision = "0016"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_client_index()
