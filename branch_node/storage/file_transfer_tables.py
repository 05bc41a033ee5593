"""How far each file of a client has come on its way between this branch and the head office."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from branch_node.storage.tables import branch_metadata
from shared.storage.column_types import Id, UtcTime

# One row for every card of a file; triggers of the table `attachment` make, reopen and end it.
file_transfer = Table(
    "file_transfer",
    branch_metadata,
    Column("attachment_id", Id, nullable=False),
    # Both sides have every chunk.
    Column("is_even", Boolean, nullable=False),
    # When it is looked at again.
    Column("not_before", UtcTime, nullable=False),
    # How often in a row it could not be made even.
    Column("failures", Integer, nullable=False),
    # What has to move yet, as far as is known.
    Column("waiting_bytes", BigInteger, nullable=False),
    # What is wrong with it, in a sentence.
    Column("problem", Text),
    PrimaryKeyConstraint("attachment_id"),
    Index("file_transfer_open", "is_even", "not_before"),
    sqlite_with_rowid=False,
)
