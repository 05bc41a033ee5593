"""The head office's tables of hand-overs: who handed over to whom, and which cards went with it."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, PrimaryKeyConstraint, Table, Text

from hq_server.storage.tables import hq_metadata
from shared.storage.column_types import Id, UtcTime

hand_over = Table(
    "hand_over",
    hq_metadata,
    Column("id", Id, nullable=False),
    Column("from_employee_id", Id, nullable=False),
    Column("to_employee_id", Id, nullable=False),
    Column("author", Id, nullable=False),
    Column("reason", Text, nullable=False),
    Column("began_at", UtcTime, nullable=False),
    # Late work of the predecessor follows until then.
    Column("ended_at", UtcTime),
    Column("is_undone", Boolean, nullable=False),
    PrimaryKeyConstraint("id"),
    Index("hand_over_by_predecessor", "from_employee_id"),
    sqlite_with_rowid=False,
)

hand_over_card = Table(
    "hand_over_card",
    hq_metadata,
    Column("hand_over_id", Id, nullable=False),
    Column("kind", Integer, nullable=False),
    Column("card_id", Id, nullable=False),
    # The edit by which it went over.
    Column("command_id", Id, nullable=False),
    # It arrived when everything else had gone over.
    Column("is_late", Boolean, nullable=False),
    PrimaryKeyConstraint("hand_over_id", "kind", "card_id"),
    sqlite_with_rowid=False,
)
