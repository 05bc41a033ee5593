"""The tables that remember erasures: what is erased for ever, and how far this node has come. Nothing in them says who
the person was: an id that leads nowhere any more."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, Table

from shared.storage.column_types import Id, UtcTime
from shared.storage.fact_tables import record_metadata

# Cards of which nothing may be taken in any more: the client's own, and those that belonged to it.
erased_card = Table(
    "erased_card",
    record_metadata,
    Column("id", Id, nullable=False),
    Column("kind", Integer, nullable=False),
    Column("client_id", Id, nullable=False),
    PrimaryKeyConstraint("id", "kind"),
    Index("erased_card_by_client", "client_id"),
    sqlite_with_rowid=False,
)

# When an order was carried out here, and when its traces left the files; null while they may be there.
erasure_work = Table(
    "erasure_work",
    record_metadata,
    Column("client_id", Id, nullable=False),
    Column("applied_at", UtcTime, nullable=False),
    Column("scoured_at", UtcTime),
    PrimaryKeyConstraint("client_id"),
    sqlite_with_rowid=False,
)
