"""Stock and points as ledgers; the rules by which points are earned; clients' tiers."""

from __future__ import annotations

from shared.storage.migrations.records_0013 import create_ledger_tables

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_ledger_tables()
