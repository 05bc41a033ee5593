"""The table of what files consist of. Alike at a branch and at the head office."""

from __future__ import annotations

from sqlalchemy import Column, LargeBinary, PrimaryKeyConstraint, Table

from shared.storage.column_types import UtcTime
from shared.storage.fact_tables import record_metadata

# By its content: files that have a chunk in common keep it once. A row is too long for a table without row ids.
file_chunk = Table(
    "file_chunk",
    record_metadata,
    Column("sha256", LargeBinary, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("stored_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("sha256"),
)
