"""What the head office keeps of its fleet: how each branch stood, what was checked, and who was told of what."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from hq_server.storage.tables import hq_metadata
from shared.storage.column_types import Id, UtcTime

# How a branch stood at a moment. All are kept for two days, then one an hour (hq_server.operations.fleet_history).
fleet_sample = Table(
    "fleet_sample",
    hq_metadata,
    Column("branch_id", Id, nullable=False),
    Column("sampled_at", UtcTime, nullable=False),
    Column("connected", Boolean, nullable=False),
    # Entries that the branch had said it has and HQ did not hold.
    Column("waiting", BigInteger, nullable=False),
    Column("watermark", UtcTime),
    Column("skew_ms", BigInteger),
    Column("parked", BigInteger, nullable=False),
    Column("feed_lag", BigInteger, nullable=False),
    # The first of its hour.
    Column("is_hourly", Boolean, nullable=False),
    PrimaryKeyConstraint("branch_id", "sampled_at"),
    Index("fleet_sample_by_time", "is_hourly", "sampled_at"),
    sqlite_with_rowid=False,
)

# A check of a branch that somebody asked for, and what it found.
fleet_verification = Table(
    "fleet_verification",
    hq_metadata,
    Column("id", Id, nullable=False),
    # Nil: what belongs to no single branch.
    Column("branch_id", Id, nullable=False),
    # verify, deep or repair
    Column("kind", Text, nullable=False),
    # waiting, running, sound, unsound or failed
    Column("state", Text, nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    # Code of who asked.
    Column("asked_by", Text, nullable=False),
    Column("begun_at", UtcTime),
    Column("finished_at", UtcTime),
    Column("entries", BigInteger),
    Column("head_seq", BigInteger),
    # JSON: the first of the sentences that it found; `found` is how many there were.
    Column("sentences", Text, nullable=False),
    Column("found", BigInteger, nullable=False),
    PrimaryKeyConstraint("id"),
    Index("fleet_verification_by_branch", "branch_id", "asked_at"),
    Index("fleet_verification_by_state", "state", "asked_at"),
    sqlite_with_rowid=False,
)

# The Z-reports of a branch against HQ's sums, as they were when HQ held so many of its entries.
fleet_shift_audit = Table(
    "fleet_shift_audit",
    hq_metadata,
    Column("branch_id", Id, nullable=False),
    Column("audited_at", UtcTime, nullable=False),
    Column("entries", BigInteger, nullable=False),
    Column("reports", BigInteger, nullable=False),
    Column("differing", BigInteger, nullable=False),
    PrimaryKeyConstraint("branch_id"),
    sqlite_with_rowid=False,
)

# From which figure on people are told; a kind without a row is as hq_server.operations.fleet_rules has it.
fleet_alert_rule = Table(
    "fleet_alert_rule",
    hq_metadata,
    Column("kind", Text, nullable=False),
    Column("is_on", Boolean, nullable=False),
    Column("threshold", BigInteger, nullable=False),
    PrimaryKeyConstraint("kind"),
    sqlite_with_rowid=False,
)

# One row: who is told. The webhook's secret is a file in the folder.
fleet_alert_setting = Table(
    "fleet_alert_setting",
    hq_metadata,
    Column("id", Integer, primary_key=True),
    # Addresses, one a line.
    Column("recipients", Text, nullable=False),
    Column("webhook_url", Text, nullable=False),
    # Of the letters: ru or en.
    Column("language", Text, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("changed_by", Text, nullable=False),
    CheckConstraint("id = 1", name="fleet_alert_setting_is_one"),
)

# One trouble of one branch, from the moment it was seen until it was over.
fleet_alert = Table(
    "fleet_alert",
    hq_metadata,
    Column("id", Id, nullable=False),
    Column("branch_id", Id, nullable=False),
    Column("kind", Text, nullable=False),
    # As it was last seen: minutes, entries, seconds, reports, days or records.
    Column("figure", BigInteger, nullable=False),
    Column("raised_at", UtcTime, nullable=False),
    # Since when it has lasted without a pause.
    Column("lasts_since", UtcTime, nullable=False),
    # Since when it has not been seen.
    Column("calm_since", UtcTime),
    Column("cleared_at", UtcTime),
    # When a message about it was last written.
    Column("told_at", UtcTime),
    # People were told of it, and not yet that it is over.
    Column("is_told", Boolean, nullable=False),
    # When such a message last arrived, and what went wrong with the last one.
    Column("delivered_at", UtcTime),
    Column("error", Text),
    PrimaryKeyConstraint("id"),
    Index("fleet_alert_by_branch", "branch_id", "raised_at"),
    Index("fleet_alert_by_time", "cleared_at"),
    sqlite_with_rowid=False,
)

# What is to be told to one recipient.
fleet_message = Table(
    "fleet_message",
    hq_metadata,
    Column("id", Id, nullable=False),
    # email or webhook
    Column("channel", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    # JSON: the alerts it is about, as UUIDs.
    Column("alerts", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    # Null once it was delivered or given up.
    Column("next_attempt_at", UtcTime),
    Column("delivered_at", UtcTime),
    # What the other side said last.
    Column("words", Text, nullable=False),
    PrimaryKeyConstraint("id"),
    Index("fleet_message_by_turn", "next_attempt_at"),
    sqlite_with_rowid=False,
)

# What somebody did to a branch from the pages.
fleet_act = Table(
    "fleet_act",
    hq_metadata,
    Column("id", Id, nullable=False),
    # Nil: not of one branch.
    Column("branch_id", Id, nullable=False),
    Column("done_at", UtcTime, nullable=False),
    Column("author", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("detail", Text, nullable=False),
    PrimaryKeyConstraint("id"),
    Index("fleet_act_by_branch", "branch_id", "done_at"),
    sqlite_with_rowid=False,
)
