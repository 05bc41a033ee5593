"""The client base: details of clients, tasks, interactions, letters, files."""

from __future__ import annotations

from shared.storage.migrations.records_0020 import create_client_base

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_client_base()
