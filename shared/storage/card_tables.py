"""The tables that show what cards fold to, their states and their conflicts: alike at a branch and at the head office.

Cards are chain-wide: a primary key is the card's id.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from shared.storage.column_types import Id, UtcTime
from shared.storage.fact_tables import record_metadata

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
    # The field `group`, which SQL reserves.
    Column("client_group", Text),
    Column("tier", Text),
    Column("kind", Text),
    Column("birthday", Text),
    Column("preferences", Text),
    # One a line.
    Column("tags", Text),
    Column("address", Text),
    Column("language", Text),
    Column("tax_number", Text),
    Column("loyalty_number", Text),
    Column("company_id", Id),
    Column("position", Text),
    Column("owner_id", Id),
    Column("consent_data", Boolean, nullable=False, server_default="0"),
    Column("consent_data_source", Text),
    # Microseconds since 1970 in UTC.
    Column("consent_data_at", BigInteger),
    Column("consent_advertising", Boolean, nullable=False, server_default="0"),
    Column("consent_advertising_source", Text),
    Column("consent_advertising_at", BigInteger),
    Column("do_not_contact_reason", Text),
    Column("no_next_step", Text),
    Column("merged_into", Id),
    # One a line.
    Column("not_same_as", Text),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("id"),
    Index("client_by_external_id", "external_id"),
    Index("client_by_sort_key", "sort_key"),
    Index("client_by_owner", "owner_id", "sort_key"),
    Index("client_by_loyalty_number", "loyalty_number"),
    Index("client_by_company", "company_id"),
    Index("client_by_merged_into", "merged_into"),
    Index("client_put_away", "sort_key", sqlite_where=text("archived"), postgresql_where=text("archived")),
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
    Column("vat_code", Text),
    Column("weighed", Boolean, nullable=False, server_default="0"),
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
    Column("valid_from", BigInteger),
    Column("valid_to", BigInteger),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("id"),
    # In the order in which prices count, backwards: a sale reads the first that covers its day.
    Index("price_by_product", "product_id", "zone", "valid_from"),
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
    Column("client_scope", Text),
    # One a line.
    Column("hidden_fields", Text),
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

promotion = Table(
    "promotion",
    record_metadata,
    Column("id", Id, nullable=False),
    Column("code", Text),
    Column("name", Text),
    Column("type", Text),
    Column("value", BigInteger),
    Column("n", BigInteger),
    Column("m", BigInteger),
    # One a line, as a client's phones.
    Column("skus", Text),
    Column("categories", Text),
    Column("client_groups", Text),
    Column("zones", Text),
    Column("valid_from", BigInteger),
    Column("valid_to", BigInteger),
    Column("weekdays", Text),
    Column("minute_from", BigInteger),
    Column("minute_to", BigInteger),
    Column("minimum_minor", BigInteger),
    Column("combinable", Boolean, nullable=False),
    Column("per_basket", Boolean, nullable=False),
    Column("priority", BigInteger),
    Column("archived", Boolean, nullable=False),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("id"),
    Index("promotion_by_code", "code"),
    sqlite_with_rowid=False,
)

vat_rate = Table(
    "vat_rate",
    record_metadata,
    Column("id", Id, nullable=False),
    Column("code", Text),
    Column("rate_basis_points", BigInteger),
    Column("valid_from", BigInteger),
    Column("valid_to", BigInteger),
    Column("archived", Boolean, nullable=False),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("id"),
    Index("vat_rate_by_code", "code"),
    sqlite_with_rowid=False,
)

loyalty_program = Table(
    "loyalty_program",
    record_metadata,
    Column("id", Id, nullable=False),
    Column("code", Text),
    Column("name", Text),
    # tier:category:rate, one a line.
    Column("earn_basis_points", Text),
    Column("payable_share_basis_points_max", BigInteger),
    Column("expires_days", BigInteger),
    Column("point_value_minor", BigInteger),
    Column("archived", Boolean, nullable=False),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("id"),
    sqlite_with_rowid=False,
)

product_request = Table(
    "product_request",
    record_metadata,
    Column("id", Id, nullable=False),
    Column("code", Text),
    Column("problem", Text),
    Column("name", Text),
    Column("amount_minor", BigInteger),
    Column("register", Text),
    Column("times", BigInteger),
    # Microseconds since 1970 in UTC, whatever a branch's clock showed.
    Column("first_seen_at", BigInteger),
    Column("last_seen_at", BigInteger),
    Column("state", Text),
    Column("answered_at", BigInteger),
    Column("product_id", Id),
    Column("note", Text),
    Column("received_at", UtcTime),
    PrimaryKeyConstraint("id"),
    Index("product_request_by_code", "code"),
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
