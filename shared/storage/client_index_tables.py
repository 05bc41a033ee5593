"""The tables by which clients are found: derived from their cards, alike at a branch and at the head office.

Words are few beside clients: parts and typos are looked up among the words, and clients by whole words.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, PrimaryKeyConstraint, Table, Text

from shared.storage.column_types import Id
from shared.storage.fact_tables import record_metadata

# Prefixes are ranges of bytes, whatever language a database sorts in.
BY_BYTES = Text().with_variant(Text(collation="C"), "postgresql")

client_word = Table(
    "client_word",
    record_metadata,
    Column("word", BY_BYTES, nullable=False),
    Column("client_id", Id, nullable=False),
    PrimaryKeyConstraint("word", "client_id"),
    Index("client_word_by_client", "client_id", "word"),
    sqlite_with_rowid=False,
)

# See shared.domain.client_matching: beginnings_of, and parts_inside where it is inner.
client_word_part = Table(
    "client_word_part",
    record_metadata,
    Column("inner", Boolean, nullable=False),
    Column("part", BY_BYTES, nullable=False),
    Column("word", BY_BYTES, nullable=False),
    PrimaryKeyConstraint("inner", "part", "word"),
    sqlite_with_rowid=False,
)

client_word_typo = Table(
    "client_word_typo",
    record_metadata,
    # One of shared.domain.client_matching.typo_keys.
    Column("key", BigInteger, nullable=False),
    Column("word", BY_BYTES, nullable=False),
    PrimaryKeyConstraint("key", "word"),
    sqlite_with_rowid=False,
)

client_code = Table(
    "client_code",
    record_metadata,
    # A CodeForm.
    Column("form", Integer, nullable=False),
    Column("code", BY_BYTES, nullable=False),
    Column("client_id", Id, nullable=False),
    PrimaryKeyConstraint("form", "code", "client_id"),
    Index("client_code_by_client", "client_id"),
    sqlite_with_rowid=False,
)

# Clients whose cards changed since they were indexed.
client_unindexed = Table(
    "client_unindexed",
    record_metadata,
    Column("client_id", Id, nullable=False),
    PrimaryKeyConstraint("client_id"),
    sqlite_with_rowid=False,
)
