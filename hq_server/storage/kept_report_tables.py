"""Answers of reports that take long, kept until the data they rest on has changed; and what branches were told."""

from __future__ import annotations

from sqlalchemy import Column, Date, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text

from hq_server.storage.tables import hq_metadata
from shared.storage.column_types import UtcTime

kept_report = Table(
    "kept_report",
    hq_metadata,
    # SHA-256 of the report's name and its parameters, in hexadecimal.
    Column("fingerprint", Text, nullable=False),
    Column("report", Text, nullable=False),
    # Canonical JSON of what was asked, with the days that a named period stood for.
    Column("parameters", Text, nullable=False),
    # waiting, running, done or failed
    Column("state", Text, nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    # How often it was begun since it was asked for: what ends the process each time is not tried for ever.
    Column("attempts", Integer, nullable=False),
    Column("done_basis_points", Integer, nullable=False),
    # Why it failed, in one sentence.
    Column("reason", Text),
    # The newest answer, which stays while a newer one is computed: compressed JSON, and the data it rests on.
    Column("answer", LargeBinary),
    Column("answer_bytes", Integer, nullable=False),
    Column("data_version", Text),
    Column("computed_at", UtcTime),
    PrimaryKeyConstraint("fingerprint"),
    Index("kept_report_by_state", "state", "asked_at"),
    sqlite_with_rowid=False,
)

# When branches were last told the answer to a question: see hq_server.operations.chain_answers.
chain_answer_run = Table(
    "chain_answer_run",
    hq_metadata,
    Column("question", Text, nullable=False),
    # The night that it was computed for, of the chain's zone.
    Column("night", Date, nullable=False),
    Column("computed_at", UtcTime, nullable=False),
    Column("branches", Integer, nullable=False),
    # Why there is none, in one sentence.
    Column("reason", Text),
    PrimaryKeyConstraint("question"),
    sqlite_with_rowid=False,
)
