"""The tables of facts: the same at a branch and at the head office.

Primary keys start with `branch_id`, so that facts can be distributed by it. `received_at` is when HQ took the row; at
the branch that recorded it, it stays empty.
"""

from __future__ import annotations

from typing import Any

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
    text,
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


def where(condition: str) -> dict[str, Any]:
    """An index over the rows of which that is true."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


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
    Column("rounding_minor", BigInteger, nullable=False, server_default="0"),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("branch_id", "id"),
    # What a client bought: by the card where it was known, else by the number that was given.
    Index("sale_by_client_id", "client_id", "sold_at", **where("client_id IS NOT NULL")),
    Index("sale_by_client", "client", "sold_at", **where("client IS NOT NULL AND client_id IS NULL")),
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
    Column("vat_basis_points", Integer),
    Column("vat_minor", BigInteger, nullable=False, server_default="0"),
    # As printed, when it was known; and why there was a discount.
    Column("name", Text),
    Column("reason", Text),
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
    Column("id", Id, nullable=False),
    Column("command_id", Id, nullable=False),
    # Closed once, but by stores that did not know of each other: both facts stand.
    Column("shift_id", Id, nullable=False),
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
    Column("refunds", Integer, nullable=False, server_default="0"),
    Column("returns_minor", BigInteger, nullable=False, server_default="0"),
    Column("cash_in_minor", BigInteger, nullable=False, server_default="0"),
    Column("cash_out_minor", BigInteger, nullable=False, server_default="0"),
    Column("rounding_minor", BigInteger, nullable=False, server_default="0"),
    # Receipt numbers, with commas between them.
    Column("undecided", Text, nullable=False, server_default=""),
    Column("late", Text, nullable=False, server_default=""),
    Column("late_minor", BigInteger, nullable=False, server_default="0"),
    # `value_minor:pieces`, with commas between them.
    Column("denominations", Text, nullable=False, server_default=""),
    Column("signature", LargeBinary, nullable=False, server_default=""),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("branch_id", "id"),
    Index("shift_close_by_shift", "branch_id", "shift_id"),
    sqlite_with_rowid=False,
)

shift_close_method = Table(
    "shift_close_method",
    record_metadata,
    Column("branch_id", Id, nullable=False),
    Column("close_id", Id, nullable=False),
    Column("method", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("branch_id", "close_id", "method"),
    sqlite_with_rowid=False,
)

refund = Table(
    "refund",
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
    Column("refunded_at", UtcTime, nullable=False),
    Column("utc_offset_seconds", Integer, nullable=False),
    Column("zone", Text, nullable=False),
    Column("business_date", Date, nullable=False),
    Column("hour", SmallInteger, nullable=False),
    Column("currency", Text, nullable=False),
    # The sale whose goods came back, the branch that sold them when it was another, the receipt as printed.
    Column("sale_id", Id),
    Column("sale_branch_id", Id),
    Column("sale_receipt", Text),
    Column("authorised_by", Text),
    Column("reason", Text),
    Column("returns_minor", BigInteger, nullable=False),
    Column("rounding_minor", BigInteger, nullable=False),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("branch_id", "id"),
    Index("refund_by_sale", "sale_id"),
    Index("refund_by_client_id", "client_id", "refunded_at", **where("client_id IS NOT NULL")),
    Index("refund_by_client", "client", "refunded_at", **where("client IS NOT NULL AND client_id IS NULL")),
    sqlite_with_rowid=False,
)

refund_line = Table(
    "refund_line",
    record_metadata,
    Column("branch_id", Id, nullable=False),
    Column("refund_id", Id, nullable=False),
    Column("line_number", Integer, nullable=False),
    Column("sale_line", Integer, nullable=False),
    Column("sku", Text, nullable=False),
    Column("product_id", Id),
    Column("category", Text),
    Column("quantity_thousandths", BigInteger, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("discount_minor", BigInteger, nullable=False),
    Column("vat_basis_points", Integer),
    Column("vat_minor", BigInteger, nullable=False),
    Column("name", Text),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("branch_id", "refund_id", "line_number"),
    sqlite_with_rowid=False,
)

refund_payment = Table(
    "refund_payment",
    record_metadata,
    Column("branch_id", Id, nullable=False),
    Column("refund_id", Id, nullable=False),
    Column("payment_number", Integer, nullable=False),
    Column("method", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("branch_id", "refund_id", "payment_number"),
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

cash_movement = Table(
    "cash_movement",
    record_metadata,
    Column("branch_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("command_id", Id, nullable=False),
    Column("shift_id", Id, nullable=False),
    Column("register", Text, nullable=False),
    Column("cashier", Text, nullable=False),
    # in, out or pickup
    Column("direction", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("moved_at", UtcTime, nullable=False),
    Column("utc_offset_seconds", Integer, nullable=False),
    Column("zone", Text, nullable=False),
    Column("business_date", Date, nullable=False),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("branch_id", "id"),
    sqlite_with_rowid=False,
)

audit_entry = Table(
    "audit_entry",
    record_metadata,
    Column("branch_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("command_id", Id, nullable=False),
    Column("action", Text, nullable=False),
    Column("register", Text, nullable=False),
    Column("cashier", Text, nullable=False),
    Column("authorised_by", Text),
    Column("amount_minor", BigInteger, nullable=False),
    Column("detail", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("utc_offset_seconds", Integer, nullable=False),
    Column("zone", Text, nullable=False),
    Column("business_date", Date, nullable=False),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("branch_id", "id"),
    sqlite_with_rowid=False,
)

password_change = Table(
    "password_change",
    record_metadata,
    Column("branch_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("command_id", Id, nullable=False),
    Column("employee_id", Id, nullable=False),
    Column("password_hash", Text, nullable=False),
    # The proof of the hash that it takes the place of.
    Column("replaces", LargeBinary, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("utc_offset_seconds", Integer, nullable=False),
    Column("zone", Text, nullable=False),
    Column("business_date", Date, nullable=False),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("branch_id", "id"),
    Index("password_change_by_employee", "employee_id", "replaces"),
    sqlite_with_rowid=False,
)

stock_movement = Table(
    "stock_movement",
    record_metadata,
    Column("branch_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("command_id", Id, nullable=False),
    # received, written_off, counted, returned_to_supplier or moved
    Column("reason", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("register", Text),
    Column("employee", Text, nullable=False),
    # Why, in words.
    Column("note", Text),
    Column("moved_at", UtcTime, nullable=False),
    Column("utc_offset_seconds", Integer, nullable=False),
    Column("zone", Text, nullable=False),
    Column("business_date", Date, nullable=False),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("branch_id", "id"),
    sqlite_with_rowid=False,
)

stock_movement_line = Table(
    "stock_movement_line",
    record_metadata,
    Column("branch_id", Id, nullable=False),
    Column("movement_id", Id, nullable=False),
    Column("line_number", Integer, nullable=False),
    Column("sku", Text, nullable=False),
    Column("product_id", Id),
    Column("quantity_thousandths", BigInteger, nullable=False),
    Column("cost_minor", BigInteger),
    # Of a count.
    Column("counted_thousandths", BigInteger),
    Column("expected_thousandths", BigInteger),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("branch_id", "movement_id", "line_number"),
    sqlite_with_rowid=False,
)

loyalty_entry = Table(
    "loyalty_entry",
    record_metadata,
    Column("branch_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("command_id", Id, nullable=False),
    Column("client_id", Id, nullable=False),
    # earned, spent, clawed_back, given_back, expired or adjusted
    Column("kind", Text, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("sale_id", Id),
    Column("refund_id", Id),
    # The last day on which they count, in days since 1970-01-01.
    Column("expires_on", BigInteger),
    Column("reason", Text, nullable=False),
    Column("made_at", UtcTime, nullable=False),
    Column("utc_offset_seconds", Integer, nullable=False),
    Column("zone", Text, nullable=False),
    Column("business_date", Date, nullable=False),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("branch_id", "id"),
    Index("loyalty_entry_by_client", "client_id"),
    Index("loyalty_entry_by_sale", "sale_id"),
    sqlite_with_rowid=False,
)
