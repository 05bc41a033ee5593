"""Schema 0006: refunds, cash movements, the audit's entries; VAT, names and reasons on lines; more in a Z-report."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.column_types import Id, UtcTime

_CLOSED = (
    ("branch_id", Id),
    ("id", Id),
    ("command_id", Id),
    ("shift_id", Id),
    ("register", sa.Text),
    ("cashier", sa.Text),
    ("closed_at", UtcTime),
    ("utc_offset_seconds", sa.Integer),
    ("zone", sa.Text),
    ("business_date", sa.Date),
    ("currency", sa.Text),
    ("receipts", sa.Integer),
    ("first_receipt", sa.BigInteger),
    ("last_receipt", sa.BigInteger),
    ("gross_minor", sa.BigInteger),
    ("discounts_minor", sa.BigInteger),
    ("net_minor", sa.BigInteger),
    ("float_minor", sa.BigInteger),
    ("expected_cash_minor", sa.BigInteger),
)
_NEW = (
    ("refunds", sa.Integer, "0"),
    ("returns_minor", sa.BigInteger, "0"),
    ("cash_in_minor", sa.BigInteger, "0"),
    ("cash_out_minor", sa.BigInteger, "0"),
    ("rounding_minor", sa.BigInteger, "0"),
    ("undecided", sa.Text, ""),
    ("late", sa.Text, ""),
    ("late_minor", sa.BigInteger, "0"),
    ("denominations", sa.Text, ""),
)


def create_register_tables() -> None:
    """Creates the tables, empty, and adds what sales and closed shifts did not have."""
    _create_refunds()
    _create_small_facts()
    op.add_column("sale", sa.Column("rounding_minor", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("sale_line", sa.Column("vat_basis_points", sa.Integer()))
    op.add_column("sale_line", sa.Column("vat_minor", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("sale_line", sa.Column("name", sa.Text()))
    op.add_column("sale_line", sa.Column("reason", sa.Text()))
    _recreate_shift_closes()


def _recreate_shift_closes() -> None:
    """A Z-report is known by its own id: two stores of one branch may have closed one shift."""
    op.rename_table("shift_close", "old_shift_close")
    op.rename_table("shift_close_method", "old_shift_close_method")
    op.create_table(
        "shift_close",
        *[sa.Column(name, kind(), nullable=False) for name, kind in _CLOSED],
        sa.Column("counted_cash_minor", sa.BigInteger()),
        *[sa.Column(name, kind(), nullable=False, server_default=default) for name, kind, default in _NEW],
        sa.Column("signature", sa.LargeBinary(), nullable=False, server_default=_no_bytes()),
        sa.Column("received_at", UtcTime()),
        # Named: the old tables have their keys' names still.
        sa.PrimaryKeyConstraint("branch_id", "id", name="shift_close_key"),
        sqlite_with_rowid=False,
    )
    op.create_index("shift_close_by_shift", "shift_close", ["branch_id", "shift_id"])
    op.create_table(
        "shift_close_method",
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("close_id", Id(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("received_at", UtcTime()),
        sa.PrimaryKeyConstraint("branch_id", "close_id", "method", name="shift_close_method_key"),
        sqlite_with_rowid=False,
    )
    kept = ", ".join([*(name for name, _ in _CLOSED), "counted_cash_minor", "received_at"])
    op.execute(f"INSERT INTO shift_close ({kept}) SELECT {kept} FROM old_shift_close")
    op.execute(
        "INSERT INTO shift_close_method SELECT m.branch_id, c.id, m.method, m.amount_minor, m.received_at "
        "FROM old_shift_close_method m JOIN old_shift_close c ON c.branch_id = m.branch_id AND c.shift_id = m.shift_id"
    )
    op.drop_table("old_shift_close_method")
    op.drop_table("old_shift_close")


def _no_bytes() -> sa.TextClause:
    return sa.text("''::bytea" if op.get_bind().dialect.name == "postgresql" else "x''")


def _create_refunds() -> None:
    op.create_table(
        "refund",
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.Column("command_id", Id(), nullable=False),
        sa.Column("shift_id", Id(), nullable=False),
        sa.Column("register", sa.Text(), nullable=False),
        sa.Column("receipt_number", sa.BigInteger(), nullable=False),
        sa.Column("cashier", sa.Text(), nullable=False),
        sa.Column("client", sa.Text()),
        sa.Column("client_id", Id()),
        sa.Column("refunded_at", UtcTime(), nullable=False),
        sa.Column("utc_offset_seconds", sa.Integer(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("hour", sa.SmallInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("sale_id", Id()),
        sa.Column("sale_branch_id", Id()),
        sa.Column("sale_receipt", sa.Text()),
        sa.Column("authorised_by", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("returns_minor", sa.BigInteger(), nullable=False),
        sa.Column("rounding_minor", sa.BigInteger(), nullable=False),
        sa.Column("received_at", UtcTime()),
        sa.PrimaryKeyConstraint("branch_id", "id"),
        sqlite_with_rowid=False,
    )
    op.create_index("refund_by_sale", "refund", ["sale_id"])
    op.create_table(
        "refund_line",
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("refund_id", Id(), nullable=False),
        sa.Column("line_number", sa.Integer(), nullable=False),
        sa.Column("sale_line", sa.Integer(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("product_id", Id()),
        sa.Column("category", sa.Text()),
        sa.Column("quantity_thousandths", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("discount_minor", sa.BigInteger(), nullable=False),
        sa.Column("vat_basis_points", sa.Integer()),
        sa.Column("vat_minor", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text()),
        sa.Column("received_at", UtcTime()),
        sa.PrimaryKeyConstraint("branch_id", "refund_id", "line_number"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "refund_payment",
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("refund_id", Id(), nullable=False),
        sa.Column("payment_number", sa.Integer(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("received_at", UtcTime()),
        sa.PrimaryKeyConstraint("branch_id", "refund_id", "payment_number"),
        sqlite_with_rowid=False,
    )


def _create_small_facts() -> None:
    op.create_table(
        "cash_movement",
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.Column("command_id", Id(), nullable=False),
        sa.Column("shift_id", Id(), nullable=False),
        sa.Column("register", sa.Text(), nullable=False),
        sa.Column("cashier", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("moved_at", UtcTime(), nullable=False),
        sa.Column("utc_offset_seconds", sa.Integer(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("received_at", UtcTime()),
        sa.PrimaryKeyConstraint("branch_id", "id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "audit_entry",
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.Column("command_id", Id(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("register", sa.Text(), nullable=False),
        sa.Column("cashier", sa.Text(), nullable=False),
        sa.Column("authorised_by", sa.Text()),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("utc_offset_seconds", sa.Integer(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("received_at", UtcTime()),
        sa.PrimaryKeyConstraint("branch_id", "id"),
        sqlite_with_rowid=False,
    )
