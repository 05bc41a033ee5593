"""The first schema of the head office's store."""

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
        "chain",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("chain_id", Id(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("hlc", sa.BigInteger(), nullable=False),
        sa.Column("fleet_revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name="chain_is_one"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "branch",
        sa.Column("id", Id(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("price_zone", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("when_unreachable", sa.Text(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("revoked_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "branch_cursor",
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("incarnation", Id(), nullable=False),
        sa.Column("acknowledged_seq", sa.BigInteger(), nullable=False),
        sa.Column("acknowledged_hash", sa.LargeBinary(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("feed_epoch", Id(), nullable=False),
        sa.Column("feed_position", sa.BigInteger(), nullable=False),
        sa.Column("feed_hash", sa.LargeBinary(), nullable=False),
        sa.Column("head_seq", sa.BigInteger(), nullable=False),
        sa.Column("watermark", UtcTime(), nullable=True),
        sa.Column("last_seen_at", UtcTime(), nullable=True),
        sa.Column("skew_ms", sa.BigInteger(), nullable=True),
        sa.Column("release", sa.Text(), nullable=True),
        sa.Column("boot_id", Id(), nullable=True),
        sa.Column("instance_id", Id(), nullable=True),
        sa.Column("connected", sa.Boolean(), nullable=False),
        sa.Column("left_even", sa.Boolean(), nullable=False),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("branch_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "incarnation",
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.Column("parent_id", Id(), nullable=True),
        sa.Column("parent_seq", sa.BigInteger(), nullable=False),
        sa.Column("parent_hash", sa.LargeBinary(), nullable=True),
        sa.Column("first_seen_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("branch_id", "id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "enrolment_token",
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.Column("used_at", UtcTime(), nullable=True),
        sa.Column("public_key_hash", sa.LargeBinary(), nullable=True),
        sa.Column("certificate", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("secret_hash"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "certificate",
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("issued_at", UtcTime(), nullable=False),
        sa.Column("revoked_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("serial"),
        sqlite_with_rowid=False,
    )
    op.create_index("certificate_by_branch", "certificate", ["branch_id"], unique=False)
    op.create_table(
        "journal_entry",
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("incarnation", Id(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("entry_hash", sa.LargeBinary(), nullable=False),
        sa.Column("command_id", Id(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("branch_id", "incarnation", "seq"),
    )
    op.create_table(
        "command",
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("command_id", Id(), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("branch_id", "command_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "parked_entry",
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("incarnation", Id(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("command_id", Id(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("parked_at", UtcTime(), nullable=False),
        sa.Column("resolved_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("branch_id", "incarnation", "seq"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "client_audience",
        sa.Column("client_id", Id(), nullable=False),
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("since", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "branch_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "client_reference",
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("external_id", "branch_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "feed_outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("record_id", Id(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "feed",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("record_id", Id(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("running_hash", sa.LargeBinary(), nullable=False),
        sa.Column("numbered_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
    )
    op.create_index("feed_by_audience", "feed", ["audience", "position"], unique=False)
    op.create_table(
        "feed_head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("epoch", Id(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("running_hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("id = 1", name="feed_head_is_one"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "sales_by_month",
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("receipts", sa.BigInteger(), nullable=False),
        sa.Column(
            "units_thousandths",
            sa.Numeric(precision=30, scale=0, asdecimal=False).with_variant(sa.BigInteger(), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "gross_minor",
            sa.Numeric(precision=30, scale=0, asdecimal=False).with_variant(sa.BigInteger(), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "discounts_minor",
            sa.Numeric(precision=30, scale=0, asdecimal=False).with_variant(sa.BigInteger(), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "returns_minor",
            sa.Numeric(precision=30, scale=0, asdecimal=False).with_variant(sa.BigInteger(), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "net_minor",
            sa.Numeric(precision=30, scale=0, asdecimal=False).with_variant(sa.BigInteger(), "sqlite"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("branch_id", "month"),
        postgresql_with={"fillfactor": 70},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sales_by_day",
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("receipts", sa.BigInteger(), nullable=False),
        sa.Column(
            "units_thousandths",
            sa.Numeric(precision=30, scale=0, asdecimal=False).with_variant(sa.BigInteger(), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "gross_minor",
            sa.Numeric(precision=30, scale=0, asdecimal=False).with_variant(sa.BigInteger(), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "discounts_minor",
            sa.Numeric(precision=30, scale=0, asdecimal=False).with_variant(sa.BigInteger(), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "returns_minor",
            sa.Numeric(precision=30, scale=0, asdecimal=False).with_variant(sa.BigInteger(), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "net_minor",
            sa.Numeric(precision=30, scale=0, asdecimal=False).with_variant(sa.BigInteger(), "sqlite"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("branch_id", "business_date"),
        postgresql_with={"fillfactor": 70},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sales_by_hour",
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("hour", sa.SmallInteger(), nullable=False),
        sa.Column("cashier", sa.Text(), nullable=False),
        sa.Column("receipts", sa.BigInteger(), nullable=False),
        sa.Column(
            "units_thousandths",
            sa.Numeric(precision=30, scale=0, asdecimal=False).with_variant(sa.BigInteger(), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "gross_minor",
            sa.Numeric(precision=30, scale=0, asdecimal=False).with_variant(sa.BigInteger(), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "discounts_minor",
            sa.Numeric(precision=30, scale=0, asdecimal=False).with_variant(sa.BigInteger(), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "returns_minor",
            sa.Numeric(precision=30, scale=0, asdecimal=False).with_variant(sa.BigInteger(), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "net_minor",
            sa.Numeric(precision=30, scale=0, asdecimal=False).with_variant(sa.BigInteger(), "sqlite"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("branch_id", "business_date", "hour", "cashier"),
        postgresql_with={"fillfactor": 70},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sales_by_category",
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("receipts", sa.BigInteger(), nullable=False),
        sa.Column(
            "units_thousandths",
            sa.Numeric(precision=30, scale=0, asdecimal=False).with_variant(sa.BigInteger(), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "gross_minor",
            sa.Numeric(precision=30, scale=0, asdecimal=False).with_variant(sa.BigInteger(), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "discounts_minor",
            sa.Numeric(precision=30, scale=0, asdecimal=False).with_variant(sa.BigInteger(), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "returns_minor",
            sa.Numeric(precision=30, scale=0, asdecimal=False).with_variant(sa.BigInteger(), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "net_minor",
            sa.Numeric(precision=30, scale=0, asdecimal=False).with_variant(sa.BigInteger(), "sqlite"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("branch_id", "business_date", "category"),
        postgresql_with={"fillfactor": 70},
        sqlite_with_rowid=False,
    )
