"""Promotions, VAT rates and prices with dates; what a till remembers of them holds until one of them changes."""

from __future__ import annotations

from alembic import op

from shared.storage.migrations.records_0008 import create_pricing_tables

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_pricing_tables()
    for table in ("price", "promotion", "vat_rate"):
        for event in ("INSERT", "UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_{event.lower()}_raises_revision AFTER {event} ON {table} "
                "BEGIN UPDATE node SET revision = revision + 1; END"
            )
