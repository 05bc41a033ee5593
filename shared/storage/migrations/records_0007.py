"""Schema 0007: roles, positions and credentials, when an employee was dismissed, and the local tables of logging in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.column_types import Id, UtcTime


def create_people_tables() -> None:
    """Creates them, empty."""
    op.add_column("employee", sa.Column("dismissed_on", sa.BigInteger(), nullable=True))
    op.add_column("employee", sa.Column("language", sa.Text(), nullable=True))
    op.create_table(
        "role",
        sa.Column("id", Id(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("permissions", sa.Text(), nullable=True),
        sa.Column("discount_basis_points_max", sa.BigInteger(), nullable=True),
        sa.Column("refund_without_receipt_minor_max", sa.BigInteger(), nullable=True),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "position",
        sa.Column("id", Id(), nullable=False),
        sa.Column("employee_id", Id(), nullable=True),
        sa.Column("role_code", sa.Text(), nullable=True),
        sa.Column("reports_to", Id(), nullable=True),
        sa.Column("branches", sa.Text(), nullable=True),
        sa.Column("valid_from", sa.BigInteger(), nullable=True),
        sa.Column("valid_to", sa.BigInteger(), nullable=True),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("position_by_employee", "position", ["employee_id"], unique=False)
    op.create_table(
        "credential",
        sa.Column("id", Id(), nullable=False),
        sa.Column("employee_id", Id(), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("must_change", sa.Boolean(), nullable=False),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("credential_by_employee", "credential", ["employee_id"], unique=False)


def create_log_in_tables() -> None:
    """Creates them, empty."""
    op.create_table(
        "session",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.Column("employee_id", Id(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("proof", sa.LargeBinary(), nullable=False),
        sa.Column("pairing_id", Id(), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("last_used_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash"),
        sqlite_with_rowid=False,
    )
    op.create_index("session_by_employee", "session", ["employee_id"], unique=False)
    op.create_table(
        "log_in_failure",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_failed_at", UtcTime(), nullable=False),
        sa.Column("locked_until", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "id"),
        sqlite_with_rowid=False,
    )
