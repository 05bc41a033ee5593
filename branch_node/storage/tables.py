"""The tables that only a branch has. Together with the record tables of shared.storage they are its store."""

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
    Table,
    Text,
    text,
)

from shared.storage.column_types import Id, UtcTime

branch_metadata = MetaData()

# One row: who this node is. The settings come from HQ over the feed.
node = Table(
    "node",
    branch_metadata,
    Column("id", Integer, primary_key=True),
    Column("chain_id", Id, nullable=False),
    Column("chain_name", Text, nullable=False),
    Column("branch_id", Id, nullable=False),
    Column("code", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("price_zone", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("when_unreachable", Text, nullable=False),
    Column("hq_address", Text, nullable=False),
    # Grows with every change of this row, of a product or a client (by triggers), and with every new incarnation.
    Column("revision", Integer, nullable=False),
    Column("hlc_epoch", Integer, nullable=False),
    # The largest clock seen from outside; the journal's last entry may be ahead of it.
    Column("hlc_seen", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="node_is_one"),
)

# Every life of this store. Entry seq of an incarnation stands at journal position first_position + seq − 1.
incarnation = Table(
    "incarnation",
    branch_metadata,
    Column("number", Integer, primary_key=True),
    Column("id", Id, nullable=False, unique=True),
    Column("first_position", BigInteger, nullable=False),
    Column("genesis_hash", LargeBinary, nullable=False),
    Column("parent_id", Id),
    Column("parent_seq", BigInteger, nullable=False),
    Column("parent_hash", LargeBinary),
    Column("created_at", UtcTime, nullable=False),
)

journal = Table(
    "journal",
    branch_metadata,
    Column("position", Integer, primary_key=True),
    Column("entry_hash", LargeBinary, nullable=False),
    Column("hlc", BigInteger, nullable=False),
    # Rows the entry becomes, for cutting batches.
    Column("row_count", Integer, nullable=False),
    # The serialised Entry, as it is sent.
    Column("data", LargeBinary, nullable=False),
)

# A key that was given with an operation: it does nothing again, and the answer is made anew from the same record.
idempotency_key = Table(
    "idempotency_key",
    branch_metadata,
    Column("key", Text, nullable=False),
    Column("command_id", Id, nullable=False),
    Column("content_hash", LargeBinary, nullable=False),
    Column("record_id", Id, nullable=False),
    # 0 while HQ is being asked: the intent has the operation.
    Column("seq", BigInteger, nullable=False),
    Column("confirmed", Boolean, nullable=False),
    PrimaryKeyConstraint("key"),
    sqlite_with_rowid=False,
)

register = Table(
    "register",
    branch_metadata,
    Column("code", Text, nullable=False),
    Column("last_receipt_number", BigInteger, nullable=False),
    # The shift opened by hand that sales go to.
    Column("open_shift_id", Id),
    # The open implicit shift used last, and its day, so that a sale need not search for it.
    Column("implicit_shift_id", Id),
    Column("implicit_date", Date),
    PrimaryKeyConstraint("code"),
    sqlite_with_rowid=False,
)

# Operations that HQ is asked to commit and that are not in the journal yet (centralized mode).
intent = Table(
    "intent",
    branch_metadata,
    Column("command_id", Id, nullable=False),
    # The key that the operation came with, if it did.
    Column("key", Text),
    Column("register", Text),
    Column("receipt_number", BigInteger),
    Column("created_at", UtcTime, nullable=False),
    # A request may have left that nobody answered.
    Column("in_doubt", Boolean, nullable=False),
    # The serialised Entry, with neither seq nor incarnation.
    Column("data", LargeBinary, nullable=False),
    PrimaryKeyConstraint("command_id"),
    Index("intent_by_creation", "created_at"),
    sqlite_with_rowid=False,
)

# What this store may spend of budgets without HQ. Bound to an incarnation: a restored store spends nothing of it.
lease = Table(
    "lease",
    branch_metadata,
    Column("lease_id", Id, nullable=False),
    Column("budget_id", Id, nullable=False),
    Column("owner", Text, nullable=False),
    Column("incarnation", Id, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("spent", BigInteger, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("returned", Boolean, nullable=False),
    PrimaryKeyConstraint("lease_id"),
    Index("lease_by_owner", "owner"),
    sqlite_with_rowid=False,
)

# How much of a budget this store would like to be able to spend without HQ, and the next lease's id.
lease_wish = Table(
    "lease_wish",
    branch_metadata,
    Column("owner", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("lease_id", Id, nullable=False),
    PrimaryKeyConstraint("owner"),
    sqlite_with_rowid=False,
)

# What is to be printed, in the order of its id; written in the transaction of what it documents.
print_job = Table(
    "print_job",
    branch_metadata,
    Column("id", Integer, primary_key=True),
    Column("created_at", UtcTime, nullable=False),
    Column("kind", Text, nullable=False),
    Column("register", Text, nullable=False),
    Column("record_id", Id),
    # The document as JSON (shared.domain.receipt_json).
    Column("document", Text, nullable=False),
    # waiting, printing, printed, failed
    Column("state", Text, nullable=False),
    # Some of it may be on paper already: the next try is marked as a copy.
    Column("in_doubt", Boolean, nullable=False),
    # How often bytes of it left for the printer.
    Column("attempts", Integer, nullable=False),
    Column("last_problem", Text),
    Column("changed_at", UtcTime, nullable=False),
    Index("print_job_by_state", "state", "id"),
    sqlite_autoincrement=True,
)

# What the fiscal device is to be told, in the order of its id; written in the transaction of what it documents.
fiscal_job = Table(
    "fiscal_job",
    branch_metadata,
    Column("id", Integer, primary_key=True),
    Column("created_at", UtcTime, nullable=False),
    # open_shift, sale, refund, close_shift
    Column("kind", Text, nullable=False),
    Column("register", Text, nullable=False),
    # The sale, the refund, the shift that was closed; of an opened fiscal shift an id of its own.
    Column("record_id", Id, nullable=False),
    # The document as JSON (shared.domain.fiscal_documents); empty once it is signed.
    Column("document", Text, nullable=False),
    # waiting, signed, failed
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("last_problem", Text),
    # The device's answer as JSON.
    Column("sign", Text),
    Column("changed_at", UtcTime, nullable=False),
    Index("fiscal_job_by_state", "state", "id"),
    Index("fiscal_job_by_record", "record_id", "kind", unique=True),
    Index("fiscal_job_shifts", "register", "id", sqlite_where=text("kind IN ('open_shift', 'close_shift')")),
    sqlite_autoincrement=True,
)

# Card payments: committed before the terminal is asked, so that no charge is without a row here.
card_attempt = Table(
    "card_attempt",
    branch_metadata,
    Column("reference", Text, nullable=False),
    # The basket or sale it pays for, and which of its payments it is.
    Column("key", Text, nullable=False),
    Column("payment_number", Integer, nullable=False),
    Column("register", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    # The reference of the charge that is paid back; null for a charge.
    Column("refunds", Text),
    # begun, asked, unknown, approved, declined, used, reversing, reversed
    Column("state", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    # What the terminal said: the approval code, the masked card.
    Column("approval", Text),
    Column("card", Text),
    Column("problem", Text),
    # The record that used it.
    Column("record_id", Id),
    PrimaryKeyConstraint("reference"),
    Index("card_attempt_by_key", "key", "payment_number"),
    Index("card_attempt_by_state", "state", "register"),
    Index("card_attempt_by_record", "record_id"),
    sqlite_with_rowid=False,
)

# What is on hand of each product: derived, moved by triggers in the transaction of whatever writes lines of sales,
# refunds and movements. `filial-branch stock rebuild --compare` holds it against them.
stock_on_hand = Table(
    "stock_on_hand",
    branch_metadata,
    Column("sku", Text, nullable=False),
    Column("quantity_thousandths", BigInteger, nullable=False),
    # Some of it was received or counted here, so that the quantity means something.
    Column("is_kept", Boolean, nullable=False),
    PrimaryKeyConstraint("sku"),
    sqlite_with_rowid=False,
)

# One row: how far synchronisation has come.
sync_state = Table(
    "sync_state",
    branch_metadata,
    Column("id", Integer, primary_key=True),
    Column("acknowledged_seq", BigInteger, nullable=False),
    Column("acknowledged_hash", LargeBinary, nullable=False),
    Column("feed_epoch", Id, nullable=False),
    Column("feed_position", BigInteger, nullable=False),
    Column("feed_hash", LargeBinary, nullable=False),
    Column("skew_ms", BigInteger),
    Column("backup_seq", BigInteger, nullable=False),
    Column("connected", Integer, nullable=False),
    Column("last_sync_at", UtcTime),
    # One sentence: why HQ does not take this branch's entries, if it does not.
    Column("trouble", Text),
    # The newest session this store took part in, as HQ numbered it.
    Column("last_fence", BigInteger, nullable=False, server_default="0"),
    # How far this store has taken back what HQ holds of its other incarnations; null when there is nothing to take.
    Column("history_life", BigInteger),
    Column("history_seq", BigInteger),
    # How many entries HQ held of them when that began.
    Column("foreign_entries", BigInteger, nullable=False, server_default="0"),
    # HQ lost its feed: its own cards that this store holds are to be handed back.
    Column("proposals_wanted", Boolean, nullable=False, server_default="0"),
    # HQ keeps what was handed back last, unless it loses it before the feed is taken up to here. 0: the feed is.
    Column("proposals_kept_by", BigInteger, nullable=False, server_default="0"),
    # The journal is counted in record_counter up to this position.
    Column("counted_position", BigInteger, nullable=False, server_default="0"),
    # Payloads are pruned up to this position: HQ's second-newest verified backup holds them.
    Column("pruned_position", BigInteger, nullable=False, server_default="0"),
    # shared.sync.messages.FeedCursor
    Column("feed_folded_to", BigInteger, nullable=False, server_default="0"),
    # Requests in a row that HQ did not answer, and until when it is not asked again.
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("not_before", UtcTime, nullable=False, server_default="0"),
    CheckConstraint("id = 1", name="sync_state_is_one"),
)

# Entries that HQ holds but could not apply, as its acks said.
parked_entry = Table(
    "parked_entry",
    branch_metadata,
    Column("incarnation", Id, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("reported_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("incarnation", "seq"),
    sqlite_with_rowid=False,
)

# `sync run` beside a running `serve` asks it for a pass here.
pass_request = Table(
    "pass_request",
    branch_metadata,
    Column("id", Id, nullable=False),
    Column("wanted_at", UtcTime, nullable=False),
    Column("finished_at", UtcTime),
    Column("problem", Text),
    PrimaryKeyConstraint("id"),
    Index("pass_request_open", "finished_at"),
    sqlite_with_rowid=False,
)

# Entries of this branch's other incarnations, as HQ gave them back: kept in case HQ loses them.
# `held_at_hq`: seen since the history was last taken from the beginning.
history_entry = Table(
    "history_entry",
    branch_metadata,
    Column("incarnation", Id, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("command_id", Id, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("held_at_hq", Boolean, nullable=False, server_default="1"),
    PrimaryKeyConstraint("incarnation", "seq"),
    Index("history_entry_command", "command_id"),
)

# Count, additive fingerprint and money of every kind of fact that HQ has acknowledged, by business date.
record_counter = Table(
    "record_counter",
    branch_metadata,
    Column("kind", Integer, nullable=False),
    Column("business_date", Date, nullable=False),
    Column("records", BigInteger, nullable=False),
    Column("fingerprint", BigInteger, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    PrimaryKeyConstraint("kind", "business_date"),
    sqlite_with_rowid=False,
)

# What of it comes from entries whose payloads are pruned and cannot be counted again.
pruned_counter = Table(
    "pruned_counter",
    branch_metadata,
    Column("kind", Integer, nullable=False),
    Column("business_date", Date, nullable=False),
    Column("records", BigInteger, nullable=False),
    Column("fingerprint", BigInteger, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    PrimaryKeyConstraint("kind", "business_date"),
    sqlite_with_rowid=False,
)

# PINs are the branch's own: HQ never hears of them. Peppered by a key outside the store.
pin = Table(
    "pin",
    branch_metadata,
    Column("employee_id", Id, nullable=False),
    # Argon2id in PHC format, over HMAC-SHA-256 with the pepper.
    Column("pin_hash", Text, nullable=False),
    Column("set_at", UtcTime, nullable=False),
    Column("set_by", Id, nullable=False),
    PrimaryKeyConstraint("employee_id"),
    sqlite_with_rowid=False,
)

# A browser that belongs to a register; before it is paired, a code that waits for one.
pairing = Table(
    "pairing",
    branch_metadata,
    Column("id", Id, nullable=False),
    Column("register", Text, nullable=False),
    Column("code_hash", LargeBinary, nullable=False),
    Column("code_expires_at", UtcTime, nullable=False),
    Column("token_hash", LargeBinary),
    # What the browser says it is.
    Column("label", Text),
    Column("created_by", Id, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("paired_at", UtcTime),
    Column("revoked_at", UtcTime),
    PrimaryKeyConstraint("id"),
    Index("pairing_by_token", "token_hash"),
    Index("pairing_by_code", "code_hash"),
    sqlite_with_rowid=False,
)

# What an employee has seen of a client's card: so many edits, in the order in which they came here. Never replicated.
client_seen = Table(
    "client_seen",
    branch_metadata,
    Column("employee_id", Id, nullable=False),
    Column("client_id", Id, nullable=False),
    Column("edits", Integer, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("employee_id", "client_id"),
    sqlite_with_rowid=False,
)

# Whom an employee opened for service beyond the clients of the lists, by a full number: for a while they stay open.
client_opening = Table(
    "client_opening",
    branch_metadata,
    Column("employee_id", Id, nullable=False),
    Column("client_id", Id, nullable=False),
    Column("opened_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("employee_id", "client_id"),
    sqlite_with_rowid=False,
)
