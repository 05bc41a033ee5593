"""The tables that hold records: the same at a branch and at the head office.

Primary keys of facts start with `branch_id`, so that they can be distributed by it; cards are chain-wide. `received_at`
is when HQ took the row; at the branch that recorded it, it stays empty.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
)

from shared.storage.column_types import Id, UtcTime

record_metadata = MetaData()

ONLY_ON_DIALECT = "only_on_dialect"
"""In a constraint's `info`: the one dialect that has it."""


def _line_belongs_to_sale() -> ForeignKeyConstraint:
    """Kept where rows are written one by one. HQ copies whole decoded sales, where the check would cost a third."""
    constraint = ForeignKeyConstraint(
        ["branch_id", "sale_id"], ["sale.branch_id", "sale.id"], info={ONLY_ON_DIALECT: "sqlite"}
    )
    return constraint.ddl_if(dialect="sqlite")


sale = Table(
    "sale",
    record_metadata,
    Column("branch_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("command_id", Id, nullable=False),
    Column("shift_id", Id, nullable=False),
    Column("register", Text, nullable=False),
    Column("receipt_number", BigInteger, nullable=False),
    Column("cashier", Text, nullable=False),
    Column("client", Text),
    Column("client_id", Id),
    Column("sold_at", UtcTime, nullable=False),
    Column("utc_offset_seconds", Integer, nullable=False),
    Column("zone", Text, nullable=False),
    Column("business_date", Date, nullable=False),
    Column("hour", SmallInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("units_thousandths", BigInteger, nullable=False),
    Column("gross_minor", BigInteger, nullable=False),
    Column("discounts_minor", BigInteger, nullable=False),
    Column("net_minor", BigInteger, nullable=False),
    Column("change_minor", BigInteger, nullable=False),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("branch_id", "id"),
    sqlite_with_rowid=False,
)

sale_line = Table(
    "sale_line",
    record_metadata,
    Column("branch_id", Id, nullable=False),
    Column("sale_id", Id, nullable=False),
    Column("line_number", Integer, nullable=False),
    Column("sku", Text, nullable=False),
    Column("product_id", Id),
    Column("category", Text),
    Column("quantity_thousandths", BigInteger, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("discount_minor", BigInteger, nullable=False),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("branch_id", "sale_id", "line_number"),
    _line_belongs_to_sale(),
    sqlite_with_rowid=False,
)

payment = Table(
    "payment",
    record_metadata,
    Column("branch_id", Id, nullable=False),
    Column("sale_id", Id, nullable=False),
    Column("payment_number", Integer, nullable=False),
    Column("method", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("branch_id", "sale_id", "payment_number"),
    _line_belongs_to_sale(),
    sqlite_with_rowid=False,
)

shift_open = Table(
    "shift_open",
    record_metadata,
    Column("branch_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("command_id", Id, nullable=False),
    Column("register", Text, nullable=False),
    Column("cashier", Text, nullable=False),
    Column("opened_at", UtcTime, nullable=False),
    Column("utc_offset_seconds", Integer, nullable=False),
    Column("zone", Text, nullable=False),
    Column("business_date", Date, nullable=False),
    Column("implicit", Boolean, nullable=False),
    Column("float_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("branch_id", "id"),
    Index("shift_open_by_register", "branch_id", "register", "business_date"),
    sqlite_with_rowid=False,
)

shift_close = Table(
    "shift_close",
    record_metadata,
    Column("branch_id", Id, nullable=False),
    Column("shift_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("command_id", Id, nullable=False),
    Column("register", Text, nullable=False),
    Column("cashier", Text, nullable=False),
    Column("closed_at", UtcTime, nullable=False),
    Column("utc_offset_seconds", Integer, nullable=False),
    Column("zone", Text, nullable=False),
    Column("business_date", Date, nullable=False),
    Column("currency", Text, nullable=False),
    Column("receipts", Integer, nullable=False),
    Column("first_receipt", BigInteger, nullable=False),
    Column("last_receipt", BigInteger, nullable=False),
    Column("gross_minor", BigInteger, nullable=False),
    Column("discounts_minor", BigInteger, nullable=False),
    Column("net_minor", BigInteger, nullable=False),
    Column("float_minor", BigInteger, nullable=False),
    Column("expected_cash_minor", BigInteger, nullable=False),
    Column("counted_cash_minor", BigInteger),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("branch_id", "shift_id"),
    sqlite_with_rowid=False,
)

shift_close_method = Table(
    "shift_close_method",
    record_metadata,
    Column("branch_id", Id, nullable=False),
    Column("shift_id", Id, nullable=False),
    Column("method", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("branch_id", "shift_id", "method"),
    sqlite_with_rowid=False,
)

receipt_void = Table(
    "receipt_void",
    record_metadata,
    Column("branch_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("command_id", Id, nullable=False),
    Column("register", Text, nullable=False),
    Column("receipt_number", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("voided_at", UtcTime, nullable=False),
    Column("utc_offset_seconds", Integer, nullable=False),
    Column("zone", Text, nullable=False),
    Column("business_date", Date, nullable=False),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("branch_id", "id"),
    sqlite_with_rowid=False,
)

mode_switch = Table(
    "mode_switch",
    record_metadata,
    Column("branch_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("command_id", Id, nullable=False),
    Column("mode", Text, nullable=False),
    Column("when_unreachable", Text, nullable=False),
    Column("switched_at", UtcTime, nullable=False),
    Column("utc_offset_seconds", Integer, nullable=False),
    Column("zone", Text, nullable=False),
    Column("business_date", Date, nullable=False),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("branch_id", "id"),
    sqlite_with_rowid=False,
)

budget_spend = Table(
    "budget_spend",
    record_metadata,
    Column("branch_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("command_id", Id, nullable=False),
    Column("budget_id", Id, nullable=False),
    Column("lease_id", Id),
    Column("amount", BigInteger, nullable=False),
    Column("spent_at", UtcTime, nullable=False),
    Column("utc_offset_seconds", Integer, nullable=False),
    Column("zone", Text, nullable=False),
    Column("business_date", Date, nullable=False),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("branch_id", "id"),
    sqlite_with_rowid=False,
)

lease_return = Table(
    "lease_return",
    record_metadata,
    Column("branch_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("command_id", Id, nullable=False),
    Column("budget_id", Id, nullable=False),
    Column("lease_id", Id, nullable=False),
    Column("unused", BigInteger, nullable=False),
    Column("returned_at", UtcTime, nullable=False),
    Column("utc_offset_seconds", Integer, nullable=False),
    Column("zone", Text, nullable=False),
    Column("business_date", Date, nullable=False),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("branch_id", "id"),
    sqlite_with_rowid=False,
)

card = Table(
    "card",
    record_metadata,
    Column("kind", Integer, nullable=False),
    Column("id", Id, nullable=False),
    # Serialised CardState: every version that no edit saw.
    Column("state", LargeBinary, nullable=False),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("kind", "id"),
    sqlite_with_rowid=False,
)

client = Table(
    "client",
    record_metadata,
    Column("id", Id, nullable=False),
    Column("external_id", Text),
    Column("name", Text),
    # One phone or e-mail a line.
    Column("phones", Text),
    Column("emails", Text),
    Column("note", Text),
    Column("do_not_contact", Boolean, nullable=False),
    Column("archived", Boolean, nullable=False),
    # Folded for searching and sorting, so that both dialects agree without ICU.
    Column("sort_key", Text, nullable=False),
    Column("search_text", Text, nullable=False),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("id"),
    Index("client_by_external_id", "external_id"),
    Index("client_by_sort_key", "sort_key"),
    sqlite_with_rowid=False,
)

product = Table(
    "product",
    record_metadata,
    Column("id", Id, nullable=False),
    Column("sku", Text),
    Column("name", Text),
    Column("category", Text),
    Column("barcode", Text),
    Column("unit", Text),
    Column("archived", Boolean, nullable=False),
    Column("limited", Boolean, nullable=False, server_default="0"),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("id"),
    Index("product_by_sku", "sku"),
    sqlite_with_rowid=False,
)

price = Table(
    "price",
    record_metadata,
    Column("id", Id, nullable=False),
    Column("product_id", Id),
    Column("zone", Text),
    Column("amount_minor", BigInteger),
    Column("archived", Boolean, nullable=False),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("id"),
    Index("price_by_product", "product_id", "zone"),
    sqlite_with_rowid=False,
)

employee = Table(
    "employee",
    record_metadata,
    Column("id", Id, nullable=False),
    Column("code", Text),
    Column("name", Text),
    Column("archived", Boolean, nullable=False),
    # Days since 1970-01-01.
    Column("dismissed_on", BigInteger),
    Column("language", Text),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("id"),
    Index("employee_by_code", "code"),
    sqlite_with_rowid=False,
)

role = Table(
    "role",
    record_metadata,
    Column("id", Id, nullable=False),
    Column("code", Text),
    Column("name", Text),
    # One permission a line.
    Column("permissions", Text),
    Column("discount_basis_points_max", BigInteger),
    Column("refund_without_receipt_minor_max", BigInteger),
    Column("archived", Boolean, nullable=False),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("id"),
    sqlite_with_rowid=False,
)

position = Table(
    "position",
    record_metadata,
    Column("id", Id, nullable=False),
    Column("employee_id", Id),
    Column("role_code", Text),
    Column("reports_to", Id),
    # One branch's code a line; * for all.
    Column("branches", Text),
    # Days since 1970-01-01; the last day belongs to the position.
    Column("valid_from", BigInteger),
    Column("valid_to", BigInteger),
    Column("archived", Boolean, nullable=False),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("id"),
    Index("position_by_employee", "employee_id"),
    sqlite_with_rowid=False,
)

credential = Table(
    "credential",
    record_metadata,
    Column("id", Id, nullable=False),
    Column("employee_id", Id),
    # Argon2id in PHC format.
    Column("password_hash", Text),
    Column("must_change", Boolean, nullable=False),
    Column("archived", Boolean, nullable=False),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("id"),
    Index("credential_by_employee", "employee_id"),
    sqlite_with_rowid=False,
)

conflict = Table(
    "conflict",
    record_metadata,
    Column("kind", Integer, nullable=False),
    Column("card_id", Id, nullable=False),
    Column("field", Text, nullable=False),
    Column("older_command_id", Id, nullable=False),
    Column("newer_command_id", Id, nullable=False),
    Column("rule", Text, nullable=False),
    # JSON of the value, then who made it where and when.
    Column("older_value", Text, nullable=False),
    Column("older_author", Id, nullable=False),
    Column("older_branch_id", Id, nullable=False),
    Column("older_hlc", BigInteger, nullable=False),
    Column("newer_value", Text, nullable=False),
    Column("newer_author", Id, nullable=False),
    Column("newer_branch_id", Id, nullable=False),
    Column("newer_hlc", BigInteger, nullable=False),
    Column("shown_command_id", Id, nullable=False),
    Column("detected_at", UtcTime, nullable=False),
    # The edit that saw both, once there is one.
    Column("closed_by_command_id", Id),
    Column("closed_at", UtcTime),
    PrimaryKeyConstraint("kind", "card_id", "field", "older_command_id", "newer_command_id"),
    sqlite_with_rowid=False,
)
