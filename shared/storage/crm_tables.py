"""The tables of the client base beside the client's own: tasks, dictionaries, files, letters, erasures, interactions,
every edit of a card, and what other branches did with a client. Alike at a branch and at the head office."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)

from shared.storage.column_types import Id, UtcTime
from shared.storage.fact_tables import record_metadata, where

# ---- What cards show. Moments are microseconds since 1970 in UTC.

task = Table(
    "task",
    record_metadata,
    Column("id", Id, nullable=False),
    Column("client_id", Id),
    Column("type", Text),
    Column("title", Text),
    Column("note", Text),
    Column("assignee_id", Id),
    Column("branch_id", Id),
    Column("due_at", BigInteger),
    Column("due_has_time", Boolean, nullable=False),
    Column("zone", Text),
    Column("repeat", Text),
    Column("snoozed_until", BigInteger),
    Column("remind_minutes", BigInteger),
    Column("state", Text),
    Column("outcome", Text),
    Column("done_at", BigInteger),
    Column("done_by", Id),
    Column("previous_id", Id),
    Column("created_by", Id),
    Column("archived", Boolean, nullable=False),
    # Derived: see shared.domain.tasks.next_at_us. None is closed.
    Column("next_at", BigInteger),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("id"),
    Index("task_by_assignee", "assignee_id", "state", "due_at"),
    Index("task_by_client", "client_id", "state", "due_at"),
    Index("task_by_state", "state", "due_at"),
    Index("task_by_done_at", "done_at", **where("done_at IS NOT NULL")),
    # The timeline of a client.
    Index("task_by_client_done", "client_id", "done_at"),
    sqlite_with_rowid=False,
)

dictionary_term = Table(
    "dictionary_term",
    record_metadata,
    Column("id", Id, nullable=False),
    Column("dictionary", Text),
    Column("code", Text),
    Column("name", Text),
    Column("name_en", Text),
    Column("is_target", Boolean, nullable=False),
    Column("place", BigInteger),
    Column("archived", Boolean, nullable=False),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("id"),
    sqlite_with_rowid=False,
)

attachment = Table(
    "attachment",
    record_metadata,
    Column("id", Id, nullable=False),
    Column("client_id", Id),
    Column("interaction_id", Id),
    Column("name", Text),
    Column("media_type", Text),
    # Bytes.
    Column("size", BigInteger),
    Column("sha256", Text),
    # Hexadecimal hashes of the chunks, in order.
    Column("chunks", Text),
    Column("archived", Boolean, nullable=False),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("id"),
    Index("attachment_by_client", "client_id"),
    Index("attachment_by_interaction", "interaction_id"),
    sqlite_with_rowid=False,
)

erasure = Table(
    "erasure",
    record_metadata,
    # The client's.
    Column("id", Id, nullable=False),
    Column("reason", Text),
    Column("ordered_at", BigInteger),
    Column("ordered_by", Id),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("id"),
    sqlite_with_rowid=False,
)

mail = Table(
    "mail",
    record_metadata,
    Column("id", Id, nullable=False),
    Column("client_id", Id),
    # out or in
    Column("direction", Text),
    # service or advertising
    Column("purpose", Text),
    Column("address", Text),
    Column("subject", Text),
    Column("body", Text),
    Column("created_at", BigInteger),
    Column("created_by", Id),
    Column("in_reply_to", Id),
    Column("override_reason", Text),
    Column("state", Text),
    Column("detail", Text),
    Column("decided_at", BigInteger),
    Column("message_id", Text),
    Column("archived", Boolean, nullable=False),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("id"),
    Index("mail_by_client", "client_id", "created_at"),
    Index("mail_by_state", "state", "created_at"),
    Index("mail_by_message_id", "message_id"),
    sqlite_with_rowid=False,
)

substitution = Table(
    "substitution",
    record_metadata,
    Column("id", Id, nullable=False),
    Column("employee_id", Id),
    Column("substitute_id", Id),
    # Days since 1970-01-01, both included.
    Column("valid_from", BigInteger),
    Column("valid_to", BigInteger),
    Column("reason", Text),
    Column("archived", Boolean, nullable=False),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("id"),
    Index("substitution_by_employee", "employee_id"),
    sqlite_with_rowid=False,
)

# ---- Facts.

interaction = Table(
    "interaction",
    record_metadata,
    Column("branch_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("command_id", Id, nullable=False),
    Column("client_id", Id, nullable=False),
    # call, email, message, visit, service_request or note
    Column("channel", Text, nullable=False),
    # in, out or nothing
    Column("direction", Text, nullable=False),
    Column("employee", Text, nullable=False),
    # The phone or address that was used.
    Column("contact", Text, nullable=False),
    Column("reached", Boolean),
    # The code of an outcome.
    Column("outcome", Text, nullable=False),
    Column("duration_seconds", BigInteger, nullable=False),
    Column("subject", Text, nullable=False),
    # What was said, and what the client was told.
    Column("body", Text, nullable=False),
    Column("told", Text, nullable=False),
    # The task that it was about, and the one that follows from it.
    Column("task_id", Id),
    Column("next_task_id", Id),
    # The interaction that it takes the place of.
    Column("corrects_id", Id),
    # True where that one is taken back; nothing everywhere else.
    Column("withdrawn", Boolean),
    # Of the branch's day.
    Column("hour", SmallInteger, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("utc_offset_seconds", Integer, nullable=False),
    Column("zone", Text, nullable=False),
    Column("business_date", Date, nullable=False),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("branch_id", "id"),
    Index("interaction_by_client", "client_id", "at"),
    Index("interaction_by_day", "business_date", "employee"),
    Index("interaction_by_corrected", "corrects_id", **where("corrects_id IS NOT NULL")),
    sqlite_with_rowid=False,
)

interaction_point = Table(
    "interaction_point",
    record_metadata,
    Column("branch_id", Id, nullable=False),
    Column("interaction_id", Id, nullable=False),
    Column("point_number", Integer, nullable=False),
    # Codes of the dictionaries; nothing where nothing was said.
    Column("theme", Text, nullable=False),
    Column("competitor", Text, nullable=False),
    # positive, neutral, negative or nothing
    Column("sentiment", Text, nullable=False),
    Column("quote", Text, nullable=False),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("branch_id", "interaction_id", "point_number"),
    sqlite_with_rowid=False,
)

client_transfer = Table(
    "client_transfer",
    record_metadata,
    Column("branch_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("command_id", Id, nullable=False),
    Column("client_id", Id, nullable=False),
    Column("from_employee_id", Id),
    Column("to_employee_id", Id),
    # One hand-over of many clients.
    Column("hand_over_id", Id, nullable=False),
    # The hand-over that this one takes back.
    Column("undoes_id", Id),
    Column("employee", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("utc_offset_seconds", Integer, nullable=False),
    Column("zone", Text, nullable=False),
    Column("business_date", Date, nullable=False),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("branch_id", "id"),
    Index("client_transfer_by_client", "client_id", "at"),
    Index("client_transfer_by_hand_over", "hand_over_id"),
    sqlite_with_rowid=False,
)

# ---- What is derived from what arrives.

client_key = Table(
    "client_key",
    record_metadata,
    # What clients are compared by: see shared.domain.duplicates.keys_of.
    Column("key", Text, nullable=False),
    Column("client_id", Id, nullable=False),
    # The same where another client has it too and the two are to be compared; nothing otherwise.
    Column("shared_key", Text),
    PrimaryKeyConstraint("key", "client_id"),
    Index("client_key_by_client", "client_id"),
    Index(
        "client_key_shared",
        "shared_key",
        sqlite_where=text("shared_key IS NOT NULL"),
        postgresql_where=text("shared_key IS NOT NULL"),
    ),
    sqlite_with_rowid=False,
)

card_edit = Table(
    "card_edit",
    record_metadata,
    Column("kind", Integer, nullable=False),
    Column("card_id", Id, nullable=False),
    # The edit, and where it was made: a version's identity.
    Column("command_id", Id, nullable=False),
    Column("branch_id", Id, nullable=False),
    Column("hlc_epoch", BigInteger, nullable=False),
    Column("hlc", BigInteger, nullable=False),
    Column("author", Id, nullable=False),
    # JSON: the new value of each field.
    Column("changes", Text, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("kind", "card_id", "command_id", "branch_id"),
    sqlite_with_rowid=False,
)

neighbour_fact = Table(
    "neighbour_fact",
    record_metadata,
    # The branch where it was recorded.
    Column("branch_id", Id, nullable=False),
    Column("kind", Integer, nullable=False),
    Column("id", Id, nullable=False),
    Column("client_id", Id, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("branch_code", Text, nullable=False),
    # A message of records.proto.
    Column("payload", LargeBinary, nullable=False),
    PrimaryKeyConstraint("branch_id", "kind", "id"),
    Index("neighbour_fact_by_client", "client_id", "at"),
    sqlite_with_rowid=False,
)

report_template = Table(
    "report_template",
    record_metadata,
    Column("id", Id, nullable=False),
    Column("name", Text),
    Column("report", Text),
    Column("ask", Text),
    Column("roles", Text),
    Column("is_shared", Boolean, nullable=False),
    Column("owner_id", Id),
    Column("language", Text),
    Column("schedule", Text),
    Column("scheduled_at", BigInteger),
    Column("formats", Text),
    Column("recipients", Text),
    Column("to_folder", Boolean, nullable=False),
    Column("wait_hours", BigInteger),
    Column("archived", Boolean, nullable=False),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("id"),
    sqlite_with_rowid=False,
)
