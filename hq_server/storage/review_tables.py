"""What the head office keeps of reviews: verdicts, and indexes of replicated tables that only it has.

It looks through what all branches brought; a branch has no such lists.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table, Text

from hq_server.storage.tables import hq_metadata
from shared.storage.column_types import Id, UtcTime

# What somebody made of a finding: never overwritten, another follows; taking one back marks it.
audit_verdict = Table(
    "audit_verdict",
    hq_metadata,
    Column("id", Id, nullable=False),
    # Those that one act gave together have it in common.
    Column("command_id", Id, nullable=False),
    # What is judged: see hq_server.operations.verdicts.Subject.
    Column("subject_kind", Text, nullable=False),
    Column("branch_id", Id, nullable=False),
    Column("record_id", Id, nullable=False),
    Column("detail", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("author", Id, nullable=False),
    Column("given_at", UtcTime, nullable=False),
    Column("taken_back_at", UtcTime),
    Column("taken_back_by", Id),
    PrimaryKeyConstraint("id"),
    Index("audit_verdict_by_subject", "subject_kind", "branch_id", "record_id", "detail"),
    Index("audit_verdict_by_command", "command_id"),
    sqlite_with_rowid=False,
)

REVIEW_INDEXES: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    # Partial: of the open ones alone.
    "conflict_open": ("conflict", ("detected_at",)),
    "audit_entry_by_day": ("audit_entry", ("business_date",)),
    "refund_by_day": ("refund", ("business_date",)),
}
"""Table and columns by name."""
