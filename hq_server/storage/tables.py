"""The tables that only the head office has. Keys of what branches sent start with `branch_id`."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)

from shared.domain.records import RecordKind
from shared.storage.column_types import Id, UtcTime

hq_metadata = MetaData()

# One row: the chain.
chain = Table(
    "chain",
    hq_metadata,
    Column("id", Integer, primary_key=True),
    Column("chain_id", Id, nullable=False),
    Column("name", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    # The clock of edits made at HQ.
    Column("hlc", BigInteger, nullable=False),
    # Grows when a branch is revoked or its settings change, so that a running server notices.
    Column("fleet_revision", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="chain_is_one"),
)

branch = Table(
    "branch",
    hq_metadata,
    Column("id", Id, nullable=False),
    Column("code", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("price_zone", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("when_unreachable", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("revoked_at", UtcTime),
    PrimaryKeyConstraint("id"),
    sqlite_with_rowid=False,
)

# How far each branch has come: the row a merge locks first.
branch_cursor = Table(
    "branch_cursor",
    hq_metadata,
    Column("branch_id", Id, nullable=False),
    # Nil before the first session.
    Column("incarnation", Id, nullable=False),
    Column("acknowledged_seq", BigInteger, nullable=False),
    Column("acknowledged_hash", LargeBinary, nullable=False),
    # Entries of all incarnations.
    Column("entries", BigInteger, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("feed_epoch", Id, nullable=False),
    Column("feed_position", BigInteger, nullable=False),
    Column("feed_hash", LargeBinary, nullable=False),
    # What the branch last said it has; at least what is acknowledged.
    Column("head_seq", BigInteger, nullable=False),
    Column("watermark", UtcTime),
    Column("last_seen_at", UtcTime),
    Column("skew_ms", BigInteger),
    Column("release", Text),
    Column("boot_id", Id),
    Column("instance_id", Id),
    Column("connected", Boolean, nullable=False),
    # The last stream ended on purpose, with both sides even.
    Column("left_even", Boolean, nullable=False),
    # One sentence: why the branch is not taken in, if it is not.
    Column("trouble", Text),
    # The newest session that a message proved to be on the branch's disk.
    Column("confirmed_fence", BigInteger, nullable=False, server_default="0"),
    # One sentence: why every hello is refused until an administrator names the heir.
    Column("quarantine", Text),
    # The branch was enrolled in place of a lost store: its next new incarnation disowns the others.
    Column("is_replacing", Boolean, nullable=False, server_default="0"),
    # shared.sync.messages.FeedCursor
    Column("feed_folded_to", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("branch_id"),
    sqlite_with_rowid=False,
)

incarnation = Table(
    "incarnation",
    hq_metadata,
    Column("branch_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("parent_id", Id),
    Column("parent_seq", BigInteger, nullable=False),
    Column("parent_hash", LargeBinary),
    Column("first_seen_at", UtcTime, nullable=False),
    # The order in which HQ first saw a branch's incarnations, from 1.
    Column("life", BigInteger, nullable=False, server_default="1"),
    # shared.sync.recognition.LifeState
    Column("state", SmallInteger, nullable=False, server_default="0"),
    Column("issued_fence", BigInteger, nullable=False, server_default="0"),
    Column("confirmed_fence", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("branch_id", "id"),
    sqlite_with_rowid=False,
)

enrolment_token = Table(
    "enrolment_token",
    hq_metadata,
    Column("secret_hash", LargeBinary, nullable=False),
    Column("branch_id", Id, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("used_at", UtcTime),
    # The key it was used with, and the certificate that was given: the same key may ask again.
    Column("public_key_hash", LargeBinary),
    Column("certificate", LargeBinary),
    PrimaryKeyConstraint("secret_hash"),
    sqlite_with_rowid=False,
)

certificate = Table(
    "certificate",
    hq_metadata,
    Column("serial", Text, nullable=False),
    Column("branch_id", Id, nullable=False),
    # "branch", or "bootstrap" for one that may only enrol.
    Column("purpose", Text, nullable=False),
    Column("issued_at", UtcTime, nullable=False),
    Column("revoked_at", UtcTime),
    PrimaryKeyConstraint("serial"),
    Index("certificate_by_branch", "branch_id"),
    sqlite_with_rowid=False,
)

# The chain's key, kept for ever: entry hash by (branch, incarnation, seq), with the bytes as they came.
journal_entry = Table(
    "journal_entry",
    hq_metadata,
    Column("branch_id", Id, nullable=False),
    Column("incarnation", Id, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("entry_hash", LargeBinary, nullable=False),
    Column("command_id", Id, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("branch_id", "incarnation", "seq"),
    # Where a record stands in its branch's journal.
    Index("journal_entry_by_command", "command_id"),
)

# The effects' key, kept for ever: a command takes effect once, whatever entries bring it.
command = Table(
    "command",
    hq_metadata,
    Column("branch_id", Id, nullable=False),
    Column("command_id", Id, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("branch_id", "command_id"),
    sqlite_with_rowid=False,
)

# What HQ decided about commands that a branch asked it to commit at once (centralized mode), kept for ever.
central_commit = Table(
    "central_commit",
    hq_metadata,
    Column("branch_id", Id, nullable=False),
    Column("command_id", Id, nullable=False),
    # False: rejected, or given up by the branch. It will not be committed any more.
    Column("committed", Boolean, nullable=False),
    Column("decided_at", UtcTime, nullable=False),
    # What the branch is told when it asks again: reason, explanation, hint.
    Column("reason", Text),
    Column("explanation", Text),
    Column("hint", Text),
    # Of what is committed: the hash over its records, and the serialised Entry until the branch's journal brings it.
    Column("records_hash", LargeBinary),
    Column("data", LargeBinary),
    Column("linked_at", UtcTime),
    PrimaryKeyConstraint("branch_id", "command_id"),
    Index(
        "central_commit_unlinked",
        "branch_id",
        "decided_at",
        sqlite_where=text("committed AND linked_at IS NULL"),
        postgresql_where=text("committed AND linked_at IS NULL"),
    ),
    sqlite_with_rowid=False,
)

# What may be spent in the chain: by HQ's leave at once, or out of leases that branches hold.
budget = Table(
    "budget",
    hq_metadata,
    Column("id", Id, nullable=False),
    # What it is for: a word, a colon and a name.
    Column("owner", Text, nullable=False, unique=True),
    Column("amount", BigInteger, nullable=False),
    # Spent without a lease or beyond one, spent of closed leases, and open leases whole.
    Column("committed", BigInteger, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("id"),
    sqlite_with_rowid=False,
)

budget_lease = Table(
    "budget_lease",
    hq_metadata,
    Column("branch_id", Id, nullable=False),
    Column("lease_id", Id, nullable=False),
    Column("budget_id", Id, nullable=False),
    Column("incarnation", Id, nullable=False),
    Column("amount", BigInteger, nullable=False),
    # As the journal has brought it; may be more than the amount.
    Column("spent", BigInteger, nullable=False),
    Column("granted_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("returned_at", UtcTime),
    PrimaryKeyConstraint("branch_id", "lease_id"),
    Index("budget_lease_by_budget", "budget_id"),
    sqlite_with_rowid=False,
)

parked_entry = Table(
    "parked_entry",
    hq_metadata,
    Column("branch_id", Id, nullable=False),
    Column("incarnation", Id, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("command_id", Id, nullable=False),
    # A stable word, then the evidence for people.
    Column("reason", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("parked_at", UtcTime, nullable=False),
    Column("resolved_at", UtcTime),
    PrimaryKeyConstraint("branch_id", "incarnation", "seq"),
    Index(
        "parked_entry_open",
        "branch_id",
        sqlite_where=text("resolved_at IS NULL"),
        postgresql_where=text("resolved_at IS NULL"),
    ),
    sqlite_with_rowid=False,
)

# Who knows a client: the branches that made or edited the card, or named its external id in a sale.
client_audience = Table(
    "client_audience",
    hq_metadata,
    Column("client_id", Id, nullable=False),
    Column("branch_id", Id, nullable=False),
    Column("since", UtcTime, nullable=False),
    PrimaryKeyConstraint("client_id", "branch_id"),
    sqlite_with_rowid=False,
)

client_reference = Table(
    "client_reference",
    hq_metadata,
    Column("external_id", Text, nullable=False),
    Column("branch_id", Id, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("external_id", "branch_id"),
    sqlite_with_rowid=False,
)

# Which branches were told of an employee: of card and positions for good, of the credential as long as `works_here`.
employee_audience = Table(
    "employee_audience",
    hq_metadata,
    Column("employee_id", Id, nullable=False),
    Column("branch_id", Id, nullable=False),
    Column("since", UtcTime, nullable=False),
    Column("works_here", Boolean, nullable=False),
    PrimaryKeyConstraint("employee_id", "branch_id"),
    sqlite_with_rowid=False,
)

# The link that makes the first administrator; the token itself was printed once.
first_log_in = Table(
    "first_log_in",
    hq_metadata,
    Column("token_hash", LargeBinary, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("used_at", UtcTime),
    PrimaryKeyConstraint("token_hash"),
    sqlite_with_rowid=False,
)

# What a transaction wants told to branches; the sequencer numbers it once it is committed.
feed_outbox = Table(
    "feed_outbox",
    hq_metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("audience", Text, nullable=False),
    Column("kind", Integer, nullable=False),
    Column("record_id", Id, nullable=False),
    # The serialised FeedRecord, as it is sent.
    Column("data", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)

feed = Table(
    "feed",
    hq_metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("audience", Text, nullable=False),
    Column("kind", Integer, nullable=False),
    Column("record_id", Id, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("running_hash", LargeBinary, nullable=False),
    Column("numbered_at", UtcTime, nullable=False),
    Index("feed_by_audience", "audience", "position"),
    # A branch's settings say which price zone it was in at a position.
    Index(
        "feed_of_settings",
        "record_id",
        "position",
        sqlite_where=text(f"kind = {int(RecordKind.BRANCH_SETTINGS)}"),
        postgresql_where=text(f"kind = {int(RecordKind.BRANCH_SETTINGS)}"),
    ),
)

# One row: the feed's newest position. `epoch` is one life of the feed.
feed_head = Table(
    "feed_head",
    hq_metadata,
    Column("id", Integer, primary_key=True),
    Column("epoch", Id, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("running_hash", LargeBinary, nullable=False),
    CheckConstraint("id = 1", name="feed_head_is_one"),
)

# Where compaction last met an audience's card: the row that holds all that was told of it up to there.
feed_latest = Table(
    "feed_latest",
    hq_metadata,
    Column("audience", Text, nullable=False),
    Column("kind", Integer, nullable=False),
    Column("record_id", Id, nullable=False),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("record_id", "kind", "audience"),
    sqlite_with_rowid=False,
)

# One row: up to which position the feed is compacted.
feed_compaction = Table(
    "feed_compaction",
    hq_metadata,
    Column("id", Integer, primary_key=True),
    Column("position", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="feed_compaction_is_one"),
)

# What a branch handed back of HQ's own cards after HQ had lost its feed.
proposal = Table(
    "proposal",
    hq_metadata,
    Column("branch_id", Id, nullable=False),
    Column("kind", Integer, nullable=False),
    Column("card_id", Id, nullable=False),
    # Serialised CardState.
    Column("state", LargeBinary, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("resolved_at", UtcTime),
    # Serialised CardState of the head office before it was taken up – b"" when it had none – and after.
    Column("replaced", LargeBinary),
    Column("taken_up", LargeBinary),
    # A decision about it was taken back.
    Column("reopened_at", UtcTime),
    PrimaryKeyConstraint("branch_id", "kind", "card_id"),
    Index(
        "proposal_open",
        "received_at",
        sqlite_where=text("resolved_at IS NULL"),
        postgresql_where=text("resolved_at IS NULL"),
    ),
    sqlite_with_rowid=False,
)

# Count, additive fingerprint and money of every kind of fact, by branch and business date (docs/sync-protocol.md §9).
record_counter = Table(
    "record_counter",
    hq_metadata,
    Column("branch_id", Id, nullable=False),
    Column("kind", Integer, nullable=False),
    Column("business_date", Date, nullable=False),
    Column("records", BigInteger, nullable=False),
    Column("fingerprint", BigInteger, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    PrimaryKeyConstraint("branch_id", "kind", "business_date"),
    postgresql_with={"fillfactor": 70},
    sqlite_with_rowid=False,
)

# Backups of this store: branches keep what the second-newest verified one does not hold.
backup = Table(
    "backup",
    hq_metadata,
    Column("id", Id, nullable=False),
    Column("taken_at", UtcTime, nullable=False),
    # Null until its copy was read back, or an administrator vouched for an external one.
    Column("verified_at", UtcTime),
    Column("is_external", Boolean, nullable=False),
    PrimaryKeyConstraint("id"),
    sqlite_with_rowid=False,
)

backup_head = Table(
    "backup_head",
    hq_metadata,
    Column("backup_id", Id, nullable=False),
    Column("branch_id", Id, nullable=False),
    Column("incarnation", Id, nullable=False),
    Column("seq", BigInteger, nullable=False),
    PrimaryKeyConstraint("backup_id", "branch_id", "incarnation"),
    sqlite_with_rowid=False,
)

# One import of the catalogue; its id is the command that edited the cards.
catalog_import = Table(
    "catalog_import",
    hq_metadata,
    Column("id", Id, nullable=False),
    Column("imported_at", UtcTime, nullable=False),
    Column("source", Text, nullable=False),
    Column("added", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("unchanged", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
    Column("reverted_at", UtcTime),
    PrimaryKeyConstraint("id"),
    sqlite_with_rowid=False,
)

# A catalogue's file between its preview and its import, so that any server process can go on.
catalog_upload = Table(
    "catalog_upload",
    hq_metadata,
    Column("id", Id, nullable=False),
    Column("uploaded_at", UtcTime, nullable=False),
    Column("author", Id, nullable=False),
    Column("source", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    PrimaryKeyConstraint("id"),
    sqlite_with_rowid=False,
)

# What a loyalty programme was after each change, for people who ask since when.
loyalty_program_change = Table(
    "loyalty_program_change",
    hq_metadata,
    Column("id", Id, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    # Code of who did it.
    Column("author", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("name", Text, nullable=False),
    # JSON of its rules; null: it was ended.
    Column("rules", Text),
    PrimaryKeyConstraint("id"),
    Index("loyalty_program_change_by_time", "changed_at"),
    sqlite_with_rowid=False,
)

catalog_import_change = Table(
    "catalog_import_change",
    hq_metadata,
    Column("import_id", Id, nullable=False),
    Column("kind", Integer, nullable=False),
    Column("card_id", Id, nullable=False),
    Column("field", Text, nullable=False),
    # The card did not exist before.
    Column("created", Boolean, nullable=False),
    # How people name the card.
    Column("label", Text, nullable=False),
    # JSON of what the field showed, and shows.
    Column("old_value", Text, nullable=False),
    Column("new_value", Text, nullable=False),
    PrimaryKeyConstraint("import_id", "kind", "card_id", "field"),
    sqlite_with_rowid=False,
)
