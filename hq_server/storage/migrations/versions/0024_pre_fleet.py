"""The fleet: how branches stood, checks, alerts and who was told of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.column_types import Id, UtcTime

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "fleet_sample",
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("sampled_at", UtcTime(), nullable=False),
        sa.Column("connected", sa.Boolean(), nullable=False),
        sa.Column("waiting", sa.BigInteger(), nullable=False),
        sa.Column("watermark", UtcTime(), nullable=True),
        sa.Column("skew_ms", sa.BigInteger(), nullable=True),
        sa.Column("parked", sa.BigInteger(), nullable=False),
        sa.Column("feed_lag", sa.BigInteger(), nullable=False),
        sa.Column("is_hourly", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("branch_id", "sampled_at"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "fleet_verification",
        sa.Column("id", Id(), nullable=False),
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_at", UtcTime(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("begun_at", UtcTime(), nullable=True),
        sa.Column("finished_at", UtcTime(), nullable=True),
        sa.Column("entries", sa.BigInteger(), nullable=True),
        sa.Column("head_seq", sa.BigInteger(), nullable=True),
        sa.Column("sentences", sa.Text(), nullable=False),
        sa.Column("found", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "fleet_shift_audit",
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("audited_at", UtcTime(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("reports", sa.BigInteger(), nullable=False),
        sa.Column("differing", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("branch_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "fleet_alert_rule",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("threshold", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "fleet_alert_setting",
        sa.Column("id", sa.Integer(), primary_key=True, nullable=False),
        sa.Column("recipients", sa.Text(), nullable=False),
        sa.Column("webhook_url", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("changed_at", UtcTime(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.CheckConstraint("id = 1", name="fleet_alert_setting_is_one"),
    )
    op.create_table(
        "fleet_alert",
        sa.Column("id", Id(), nullable=False),
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("figure", sa.BigInteger(), nullable=False),
        sa.Column("raised_at", UtcTime(), nullable=False),
        sa.Column("lasts_since", UtcTime(), nullable=False),
        sa.Column("calm_since", UtcTime(), nullable=True),
        sa.Column("cleared_at", UtcTime(), nullable=True),
        sa.Column("told_at", UtcTime(), nullable=True),
        sa.Column("is_told", sa.Boolean(), nullable=False),
        sa.Column("delivered_at", UtcTime(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "fleet_message",
        sa.Column("id", Id(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("alerts", sa.Text(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", UtcTime(), nullable=True),
        sa.Column("delivered_at", UtcTime(), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "fleet_act",
        sa.Column("id", Id(), nullable=False),
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("done_at", UtcTime(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("fleet_sample_by_time", "fleet_sample", ["is_hourly", "sampled_at"])
    op.create_index("fleet_verification_by_branch", "fleet_verification", ["branch_id", "asked_at"])
    op.create_index("fleet_verification_by_state", "fleet_verification", ["state", "asked_at"])
    op.create_index("fleet_alert_by_branch", "fleet_alert", ["branch_id", "raised_at"])
    op.create_index("fleet_alert_by_time", "fleet_alert", ["cleared_at"])
    op.create_index("fleet_message_by_turn", "fleet_message", ["next_attempt_at"])
    op.create_index("fleet_act_by_branch", "fleet_act", ["branch_id", "done_at"])
