"""The tables of the till's baskets: a branch's own, never replicated. What is sold from a basket becomes a record."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from branch_node.storage.tables import branch_metadata
from shared.storage.column_types import Id, UtcTime

SEARCH_TABLE = "product_words"
"""The full-text index of products. SQLite keeps it, and tables beside it whose names begin with this one."""

basket = Table(
    "basket",
    branch_metadata,
    Column("id", Id, nullable=False),
    Column("register", Text, nullable=False),
    Column("cashier", Text, nullable=False),
    # open, held, undecided (being paid, or nobody knows whether it is), paid, abandoned
    Column("state", Text, nullable=False),
    Column("title", Text),
    # The client's external id or id, as the sale will name it; and the card, when it was known.
    Column("client", Text),
    Column("client_id", Id),
    # A manual discount of the whole basket.
    Column("discount_kind", Text),
    Column("discount_value", BigInteger),
    Column("discount_limit_basis_points", Integer),
    Column("discount_by", Text),
    Column("discount_reason", Text),
    Column("created_at", UtcTime, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("held_at", UtcTime),
    # Grows with every action.
    Column("revision", Integer, nullable=False),
    # The next numbers to give.
    Column("next_line", Integer, nullable=False),
    Column("next_action", Integer, nullable=False),
    # What is to be sold, as JSON, from before the sale is asked for; then how it went.
    Column("sale_asked", Text),
    Column("sale_asked_at", UtcTime),
    Column("sale_answer", Text),
    # One sentence: why it is not known whether the basket is sold.
    Column("trouble", Text),
    # How many of the client's points are to pay a part of it, at most.
    Column("points", BigInteger),
    # How a client is shown whose card is not here.
    Column("client_name", Text),
    PrimaryKeyConstraint("id"),
    Index("basket_open_at", "register", unique=True, sqlite_where=text("state = 'open'")),
    Index("basket_by_state", "state", "changed_at"),
    sqlite_with_rowid=False,
)

basket_line = Table(
    "basket_line",
    branch_metadata,
    Column("basket_id", Id, nullable=False),
    Column("line_id", Integer, nullable=False),
    Column("position", Integer, nullable=False),
    Column("sku", Text, nullable=False),
    Column("product_id", Id),
    Column("name", Text, nullable=False),
    Column("category", Text),
    Column("unit", Text),
    # The list price when it was scanned; null when there was none.
    Column("unit_price_minor", BigInteger),
    Column("quantity_thousandths", BigInteger, nullable=False),
    Column("manual_price_minor", BigInteger),
    Column("manual_price_by", Text),
    Column("manual_price_reason", Text),
    Column("discount_kind", Text),
    Column("discount_value", BigInteger),
    Column("discount_limit_basis_points", Integer),
    Column("discount_by", Text),
    Column("discount_reason", Text),
    # The code as it was scanned, empty when the line was picked by hand.
    Column("code", Text, nullable=False),
    # What a labeller's code says that this piece costs.
    Column("embedded_amount_minor", BigInteger),
    # One piece of its own – weighed, or marked with a serial number: it is never merged with another.
    Column("is_single", Boolean, nullable=False),
    Column("serial", Text),
    Column("expiry", Date),
    PrimaryKeyConstraint("basket_id", "line_id"),
    sqlite_with_rowid=False,
)

# Goods that come back into a basket: some of a line of a receipt of this branch.
basket_return = Table(
    "basket_return",
    branch_metadata,
    Column("basket_id", Id, nullable=False),
    Column("sale_id", Id, nullable=False),
    Column("sale_line", Integer, nullable=False),
    # The receipt as printed, the goods as sold.
    Column("receipt", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("quantity_thousandths", BigInteger, nullable=False),
    # What it came to when it was taken in.
    Column("amount_minor", BigInteger, nullable=False),
    Column("authorised_by", Text),
    Column("reason", Text),
    PrimaryKeyConstraint("basket_id", "sale_id", "sale_line"),
    sqlite_with_rowid=False,
)

# What was done to a basket, once for every request id, and how to undo it.
basket_action = Table(
    "basket_action",
    branch_metadata,
    Column("basket_id", Id, nullable=False),
    Column("number", Integer, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    # JSON of what was there before, by what was touched.
    Column("inverse", Text, nullable=False),
    # JSON of what the asker was told.
    Column("result", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("undone", Boolean, nullable=False),
    PrimaryKeyConstraint("basket_id", "number"),
    Index("basket_action_by_request", "basket_id", "request_id", unique=True),
    sqlite_with_rowid=False,
)

# Codes that a basket met and that nobody has priced or waved away yet, and those that somebody has.
basket_unknown = Table(
    "basket_unknown",
    branch_metadata,
    Column("basket_id", Id, nullable=False),
    Column("code", Text, nullable=False),
    # waiting, priced, dismissed
    Column("state", Text, nullable=False),
    PrimaryKeyConstraint("basket_id", "code"),
    sqlite_with_rowid=False,
)

# Codes that no product has, or whose product has no price: each becomes a request to HQ.
unknown_code = Table(
    "unknown_code",
    branch_metadata,
    Column("code", Text, nullable=False),
    # unknown, no_price
    Column("problem", Text, nullable=False),
    Column("register", Text, nullable=False),
    Column("basket_id", Id, nullable=False),
    Column("first_seen_at", UtcTime, nullable=False),
    Column("last_seen_at", UtcTime, nullable=False),
    Column("times", Integer, nullable=False),
    # What a cashier called it and took for it, last.
    Column("name", Text),
    Column("amount_minor", BigInteger),
    # new, requested, closed
    Column("request_state", Text, nullable=False),
    PrimaryKeyConstraint("code"),
    Index("unknown_code_by_request", "request_state", "last_seen_at"),
    sqlite_with_rowid=False,
)

quick_key = Table(
    "quick_key",
    branch_metadata,
    # Empty for a key of every register.
    Column("register", Text, nullable=False, server_default=""),
    Column("position", Integer, nullable=False),
    Column("sku", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("colour", Text, nullable=False),
    Column("key_group", Text, nullable=False, server_default=""),
    PrimaryKeyConstraint("register", "position"),
    sqlite_with_rowid=False,
)

# Which browser tab has a register: the newest claim.
register_claim = Table(
    "register_claim",
    branch_metadata,
    Column("register", Text, nullable=False),
    Column("tab_token", Text, nullable=False),
    Column("claimed_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("register"),
    sqlite_with_rowid=False,
)

# A number for every product, its barcode indexed; `product_words` has the words under that number. Kept by triggers.
product_search = Table(
    "product_search",
    branch_metadata,
    Column("number", Integer, primary_key=True),
    Column("product_id", Id, nullable=False, unique=True),
    Column("barcode", Text),
    # Its words are not indexed as they are now.
    Column("is_pending", Boolean, nullable=False),
    Index("product_search_by_barcode", "barcode"),
    Index("product_search_pending", "number", sqlite_where=text("is_pending")),
)
