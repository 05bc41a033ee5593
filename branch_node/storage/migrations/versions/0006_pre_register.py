"""Refunds, cash movements and the audit's entries; VAT, names and reasons on lines; more in a Z-report."""

from __future__ import annotations

from shared.storage.migrations.records_0006 import create_register_tables

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_register_tables()
