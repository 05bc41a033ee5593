"""Imports of clients from spreadsheets: a branch's own, never replicated. What is imported becomes edits of cards."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, Table, Text

from branch_node.storage.tables import branch_metadata
from shared.storage.column_types import Id, UtcTime

client_import = Table(
    "client_import",
    branch_metadata,
    Column("id", Id, nullable=False),
    # The file's name.
    Column("source", Text, nullable=False),
    # JSON: the file's columns in order, and which field each is.
    Column("columns", Text, nullable=False),
    Column("mapping", Text, nullable=False),
    # fill, overwrite or skip: what becomes of clients that are known
    Column("policy", Text, nullable=False),
    # Given to every client of the file; may be empty.
    Column("tag", Text, nullable=False),
    Column("owner_id", Id),
    # waiting, running, done, stopped, reverting or reverted
    Column("state", Text, nullable=False),
    # Why it stopped.
    Column("trouble", Text, nullable=False),
    Column("author", Id, nullable=False),
    Column("author_name", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    # Also a sign of life while it runs.
    Column("changed_at", UtcTime, nullable=False),
    Column("row_count", Integer, nullable=False),
    PrimaryKeyConstraint("id"),
    Index("client_import_by_time", "created_at"),
    sqlite_with_rowid=False,
)

client_import_row = Table(
    "client_import_row",
    branch_metadata,
    Column("import_id", Id, nullable=False),
    Column("row_number", Integer, nullable=False),
    # JSON: the cells by column.
    Column("cells", Text, nullable=False),
    # added, changed, same, skipped, bad or reverted; null while it waits
    Column("outcome", Text),
    # JSON: the column, and what is wrong with it.
    Column("reason", Text),
    Column("client_id", Id),
    # JSON: by field, what there was before and what the import made of it.
    Column("before", Text),
    PrimaryKeyConstraint("import_id", "row_number"),
    Index("client_import_row_by_outcome", "import_id", "outcome", "row_number"),
    sqlite_with_rowid=False,
)

client_import_mapping = Table(
    "client_import_mapping",
    branch_metadata,
    # The columns of a file, one a line.
    Column("columns", Text, nullable=False),
    Column("mapping", Text, nullable=False),
    PrimaryKeyConstraint("columns"),
    sqlite_with_rowid=False,
)
