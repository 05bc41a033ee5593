"""Runs of scheduled reports: when each was due, who works on it, and what became of every delivery."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, PrimaryKeyConstraint, Table, Text

from hq_server.storage.tables import hq_metadata
from shared.storage.column_types import Id, UtcTime

# A run of a template. Whoever holds the lease works on it; after the lease another may.
report_run = Table(
    "report_run",
    hq_metadata,
    Column("template_id", Id, nullable=False),
    Column("due_at", UtcTime, nullable=False),
    # waiting, done or failed
    Column("state", Text, nullable=False),
    # Somebody asked for it, no schedule did.
    Column("by_hand", Boolean, nullable=False),
    # It began long after it was due.
    Column("late", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", UtcTime, nullable=False),
    Column("holder", Id),
    Column("leased_until", UtcTime),
    Column("finished_at", UtcTime),
    # Why it failed, or waits.
    Column("reason", Text, nullable=False),
    # What the report said of its completeness, in the language of the template.
    Column("completeness", Text, nullable=False),
    PrimaryKeyConstraint("template_id", "due_at"),
    Index("report_run_by_state", "state", "next_attempt_at"),
    sqlite_with_rowid=False,
)

# Where a run is delivered to: a file in the folder, or an address.
report_delivery = Table(
    "report_delivery",
    hq_metadata,
    Column("template_id", Id, nullable=False),
    Column("due_at", UtcTime, nullable=False),
    # "folder", or an address
    Column("target", Text, nullable=False),
    # sending, done, failed or uncertain
    Column("state", Text, nullable=False),
    # A server's words, or the names of files.
    Column("words", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    PrimaryKeyConstraint("template_id", "due_at", "target"),
    sqlite_with_rowid=False,
)
