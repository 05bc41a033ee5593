"""The first schema of a branch's store."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.column_types import Id, UtcTime
from shared.storage.migrations.records_0001 import create_record_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_record_tables()
    op.create_table(
        "node",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("chain_id", Id(), nullable=False),
        sa.Column("chain_name", sa.Text(), nullable=False),
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("price_zone", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("when_unreachable", sa.Text(), nullable=False),
        sa.Column("hq_address", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("hlc_epoch", sa.Integer(), nullable=False),
        sa.Column("hlc_seen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name="node_is_one"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "incarnation",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.Column("first_position", sa.BigInteger(), nullable=False),
        sa.Column("genesis_hash", sa.LargeBinary(), nullable=False),
        sa.Column("parent_id", Id(), nullable=True),
        sa.Column("parent_seq", sa.BigInteger(), nullable=False),
        sa.Column("parent_hash", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("id"),
    )
    op.create_table(
        "journal",
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("entry_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hlc", sa.BigInteger(), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
    )
    op.create_table(
        "idempotency_key",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("command_id", Id(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("record_id", Id(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "register",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("last_receipt_number", sa.BigInteger(), nullable=False),
        sa.Column("open_shift_id", Id(), nullable=True),
        sa.Column("implicit_shift_id", Id(), nullable=True),
        sa.Column("implicit_date", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("code"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sync_state",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("acknowledged_seq", sa.BigInteger(), nullable=False),
        sa.Column("acknowledged_hash", sa.LargeBinary(), nullable=False),
        sa.Column("feed_epoch", Id(), nullable=False),
        sa.Column("feed_position", sa.BigInteger(), nullable=False),
        sa.Column("feed_hash", sa.LargeBinary(), nullable=False),
        sa.Column("skew_ms", sa.BigInteger(), nullable=True),
        sa.Column("backup_seq", sa.BigInteger(), nullable=False),
        sa.Column("connected", sa.Integer(), nullable=False),
        sa.Column("last_sync_at", UtcTime(), nullable=True),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.CheckConstraint("id = 1", name="sync_state_is_one"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "parked_entry",
        sa.Column("incarnation", Id(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("reported_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("incarnation", "seq"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "pass_request",
        sa.Column("id", Id(), nullable=False),
        sa.Column("wanted_at", UtcTime(), nullable=False),
        sa.Column("finished_at", UtcTime(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("pass_request_open", "pass_request", ["finished_at"], unique=False)
    _raise_revision_with_every_change()


def _raise_revision_with_every_change() -> None:
    """What a till remembers of products and clients holds as long as the node's revision: no writer can forget it."""
    for table in ("product", "client"):
        for event in ("INSERT", "UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_{event.lower()}_raises_revision AFTER {event} ON {table} "
                "BEGIN UPDATE node SET revision = revision + 1; END"
            )
