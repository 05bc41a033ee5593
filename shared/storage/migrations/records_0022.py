"""Schema 0022: the words and numbers by which clients are found. Those that are there are noted, to be indexed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.column_types import Id

_BY_BYTES = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def create_client_index() -> None:
    """Creates the index's tables, and notes every client."""
    op.create_table(
        "client_word",
        sa.Column("word", _BY_BYTES, nullable=False),
        sa.Column("client_id", Id(), nullable=False),
        sa.PrimaryKeyConstraint("word", "client_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("client_word_by_client", "client_word", ["client_id", "word"])
    op.create_table(
        "client_word_part",
        sa.Column("inner", sa.Boolean(), nullable=False),
        sa.Column("part", _BY_BYTES, nullable=False),
        sa.Column("word", _BY_BYTES, nullable=False),
        sa.PrimaryKeyConstraint("inner", "part", "word"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "client_word_typo",
        sa.Column("key", sa.BigInteger(), nullable=False),
        sa.Column("word", _BY_BYTES, nullable=False),
        sa.PrimaryKeyConstraint("key", "word"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "client_code",
        sa.Column("form", sa.Integer(), nullable=False),
        sa.Column("code", _BY_BYTES, nullable=False),
        sa.Column("client_id", Id(), nullable=False),
        sa.PrimaryKeyConstraint("form", "code", "client_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("client_code_by_client", "client_code", ["client_id"])
    op.create_table(
        "client_unindexed",
        sa.Column("client_id", Id(), nullable=False),
        sa.PrimaryKeyConstraint("client_id"),
        sqlite_with_rowid=False,
    )
    archived = sa.text("archived")
    op.create_index("client_put_away", "client", ["sort_key"], sqlite_where=archived, postgresql_where=archived)
    op.execute("INSERT INTO client_unindexed (client_id) SELECT id FROM client")
