"""Schema 0001: the tables of the first release's records."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.column_types import Id, UtcTime


def _belongs_to_sale() -> list[sa.ForeignKeyConstraint]:
    if op.get_bind().dialect.name != "sqlite":
        return []
    return [sa.ForeignKeyConstraint(["branch_id", "sale_id"], ["sale.branch_id", "sale.id"])]


def create_record_tables() -> None:
    """Creates them, empty."""
    op.create_table(
        "sale",
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.Column("command_id", Id(), nullable=False),
        sa.Column("shift_id", Id(), nullable=False),
        sa.Column("register", sa.Text(), nullable=False),
        sa.Column("receipt_number", sa.BigInteger(), nullable=False),
        sa.Column("cashier", sa.Text(), nullable=False),
        sa.Column("client", sa.Text(), nullable=True),
        sa.Column("client_id", Id(), nullable=True),
        sa.Column("sold_at", UtcTime(), nullable=False),
        sa.Column("utc_offset_seconds", sa.Integer(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("hour", sa.SmallInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("units_thousandths", sa.BigInteger(), nullable=False),
        sa.Column("gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("discounts_minor", sa.BigInteger(), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("change_minor", sa.BigInteger(), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("branch_id", "id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sale_line",
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("sale_id", Id(), nullable=False),
        sa.Column("line_number", sa.Integer(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("product_id", Id(), nullable=True),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("quantity_thousandths", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("discount_minor", sa.BigInteger(), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=True),
        *_belongs_to_sale(),
        sa.PrimaryKeyConstraint("branch_id", "sale_id", "line_number"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "payment",
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("sale_id", Id(), nullable=False),
        sa.Column("payment_number", sa.Integer(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=True),
        *_belongs_to_sale(),
        sa.PrimaryKeyConstraint("branch_id", "sale_id", "payment_number"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "shift_open",
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.Column("command_id", Id(), nullable=False),
        sa.Column("register", sa.Text(), nullable=False),
        sa.Column("cashier", sa.Text(), nullable=False),
        sa.Column("opened_at", UtcTime(), nullable=False),
        sa.Column("utc_offset_seconds", sa.Integer(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("implicit", sa.Boolean(), nullable=False),
        sa.Column("float_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("branch_id", "id"),
        sqlite_with_rowid=False,
    )
    op.create_index("shift_open_by_register", "shift_open", ["branch_id", "register", "business_date"], unique=False)
    op.create_table(
        "shift_close",
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("shift_id", Id(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.Column("command_id", Id(), nullable=False),
        sa.Column("register", sa.Text(), nullable=False),
        sa.Column("cashier", sa.Text(), nullable=False),
        sa.Column("closed_at", UtcTime(), nullable=False),
        sa.Column("utc_offset_seconds", sa.Integer(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("receipts", sa.Integer(), nullable=False),
        sa.Column("first_receipt", sa.BigInteger(), nullable=False),
        sa.Column("last_receipt", sa.BigInteger(), nullable=False),
        sa.Column("gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("discounts_minor", sa.BigInteger(), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("float_minor", sa.BigInteger(), nullable=False),
        sa.Column("expected_cash_minor", sa.BigInteger(), nullable=False),
        sa.Column("counted_cash_minor", sa.BigInteger(), nullable=True),
        sa.Column("received_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("branch_id", "shift_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "shift_close_method",
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("shift_id", Id(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("branch_id", "shift_id", "method"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "card",
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("kind", "id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "client",
        sa.Column("id", Id(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("phones", sa.Text(), nullable=True),
        sa.Column("emails", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("do_not_contact", sa.Boolean(), nullable=False),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("sort_key", sa.Text(), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("client_by_sort_key", "client", ["sort_key"], unique=False)
    op.create_index("client_by_external_id", "client", ["external_id"], unique=False)
    op.create_table(
        "product",
        sa.Column("id", Id(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("barcode", sa.Text(), nullable=True),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("product_by_sku", "product", ["sku"], unique=False)
    op.create_table(
        "price",
        sa.Column("id", Id(), nullable=False),
        sa.Column("product_id", Id(), nullable=True),
        sa.Column("zone", sa.Text(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("price_by_product", "price", ["product_id", "zone"], unique=False)
    op.create_table(
        "employee",
        sa.Column("id", Id(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("employee_by_code", "employee", ["code"], unique=False)
    op.create_table(
        "conflict",
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("card_id", Id(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("older_command_id", Id(), nullable=False),
        sa.Column("newer_command_id", Id(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("older_value", sa.Text(), nullable=False),
        sa.Column("older_author", Id(), nullable=False),
        sa.Column("older_branch_id", Id(), nullable=False),
        sa.Column("older_hlc", sa.BigInteger(), nullable=False),
        sa.Column("newer_value", sa.Text(), nullable=False),
        sa.Column("newer_author", Id(), nullable=False),
        sa.Column("newer_branch_id", Id(), nullable=False),
        sa.Column("newer_hlc", sa.BigInteger(), nullable=False),
        sa.Column("shown_command_id", Id(), nullable=False),
        sa.Column("detected_at", UtcTime(), nullable=False),
        sa.Column("closed_by_command_id", Id(), nullable=True),
        sa.Column("closed_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("kind", "card_id", "field", "older_command_id", "newer_command_id"),
        sqlite_with_rowid=False,
    )
