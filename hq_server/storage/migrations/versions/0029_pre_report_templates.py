"""Templates of reports."""

from __future__ import annotations

from shared.storage.migrations.records_0032 import create_report_templates

revision = "0029"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_report_templates()
