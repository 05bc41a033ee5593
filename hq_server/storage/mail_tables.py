"""What the head office alone knows of letters: attempts to send, how far a mailbox is read, letters of nobody known."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, PrimaryKeyConstraint, Table, Text

from hq_server.storage.tables import hq_metadata
from shared.storage.column_types import Id, UtcTime

# How often a letter was tried, and when it may be again.
mail_attempt = Table(
    "mail_attempt",
    hq_metadata,
    Column("letter_id", Id, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("letter_id"),
    sqlite_with_rowid=False,
)

# When this store was put in the place of a later one: what waits in it since before may have been sent.
mail_restore = Table(
    "mail_restore",
    hq_metadata,
    Column("restored_at", UtcTime, nullable=False, autoincrement=False),
    PrimaryKeyConstraint("restored_at"),
    sqlite_with_rowid=False,
)

# How far a mailbox is read. UIDs of another validity mean other letters.
mail_position = Table(
    "mail_position",
    hq_metadata,
    # user@host/mailbox
    Column("account", Text, nullable=False),
    Column("uid_validity", BigInteger, nullable=False),
    Column("last_uid", BigInteger, nullable=False),
    Column("read_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("account"),
    sqlite_with_rowid=False,
)

# Letters that no client could be found for, until a person says whose they are.
unmatched_letter = Table(
    "unmatched_letter",
    hq_metadata,
    # The id that the letter's card has when it is assigned.
    Column("id", Id, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    # Names of files, one a line.
    Column("files", Text, nullable=False),
    Column("is_automatic", Boolean, nullable=False),
    # open, assigned or dismissed
    Column("state", Text, nullable=False),
    Column("decided_at", UtcTime),
    Column("decided_by", Id),
    PrimaryKeyConstraint("id"),
    Index("unmatched_letter_by_state", "state", "received_at"),
    sqlite_with_rowid=False,
)
