"""Why goods moved, in words."""

from __future__ import annotations

from shared.storage.migrations.records_0016 import add_movement_note

revision = "0012"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_movement_note()
