"""Tables of logging in, the same at a branch and at the head office. They are local: nothing of them is replicated."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, MetaData, PrimaryKeyConstraint, Table, Text

from shared.storage.column_types import Id, UtcTime

session_metadata = MetaData()

# Who is logged in. The token itself is with the browser alone.
session = Table(
    "session",
    session_metadata,
    Column("token_hash", LargeBinary, nullable=False),
    Column("id", Id, nullable=False),
    Column("employee_id", Id, nullable=False),
    # "password" or "pin".
    Column("method", Text, nullable=False),
    # SHA-256 over the stored password or PIN that opened it: when that changes or goes, so does the session.
    Column("proof", LargeBinary, nullable=False),
    # The paired browser that a PIN was given on.
    Column("pairing_id", Id),
    Column("created_at", UtcTime, nullable=False),
    Column("last_used_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("token_hash"),
    Index("session_by_employee", "employee_id"),
    sqlite_with_rowid=False,
)

# Attempts to log in that failed, by employee and by paired browser. A restart changes nothing of them.
log_in_failure = Table(
    "log_in_failure",
    session_metadata,
    # "employee" or "pairing".
    Column("scope", Text, nullable=False),
    Column("id", Id, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("last_failed_at", UtcTime, nullable=False),
    Column("locked_until", UtcTime, nullable=False),
    PrimaryKeyConstraint("scope", "id"),
    sqlite_with_rowid=False,
)
