"""Requests to the head office about codes that no product has."""

from __future__ import annotations

from shared.storage.migrations.records_0014 import create_product_request_table

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_product_request_table()
