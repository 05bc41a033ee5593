"""The till's baskets, unknown codes, quick keys and claims of registers; products by barcode and by words."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.column_types import Id, UtcTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# Triggers note which products changed; their words are indexed together afterwards (branch_node.storage.product_words).
# A trigger that wrote to the full-text index itself would make it flush for every row: a catalogue took four times as
# long. The index knows the cases of Cyrillic letters but tells ё from е, so that is unified on the way in.
_NOTE = """
    INSERT INTO product_search (product_id, barcode, is_pending)
        VALUES (new.id, CASE WHEN new.archived THEN NULL ELSE new.barcode END, 1)
        ON CONFLICT (product_id) DO UPDATE SET barcode = excluded.barcode, is_pending = 1;
"""
_FORGET = "UPDATE product_search SET barcode = NULL, is_pending = 1 WHERE product_id = old.id;"
_WORDS = "replace(replace(concat_ws(' ', p.sku, p.name, p.barcode), 'ё', 'е'), 'Ё', 'Е')"
_CHANGED = " OR ".join(f"old.{name} IS NOT new.{name}" for name in ("sku", "name", "barcode", "archived"))


def upgrade() -> None:
    _create_baskets()
    _create_lists()
    _create_search()


def _create_baskets() -> None:
    op.create_table(
        "basket",
        sa.Column("id", Id(), nullable=False),
        sa.Column("register", sa.Text(), nullable=False),
        sa.Column("cashier", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("title", sa.Text()),
        sa.Column("client", sa.Text()),
        sa.Column("client_id", Id()),
        sa.Column("discount_kind", sa.Text()),
        sa.Column("discount_value", sa.BigInteger()),
        sa.Column("discount_limit_basis_points", sa.Integer()),
        sa.Column("discount_by", sa.Text()),
        sa.Column("discount_reason", sa.Text()),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("changed_at", UtcTime(), nullable=False),
        sa.Column("held_at", UtcTime()),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("next_line", sa.Integer(), nullable=False),
        sa.Column("next_action", sa.Integer(), nullable=False),
        sa.Column("sale_asked", sa.Text()),
        sa.Column("sale_asked_at", UtcTime()),
        sa.Column("sale_answer", sa.Text()),
        sa.Column("trouble", sa.Text()),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("basket_open_at", "basket", ["register"], unique=True, sqlite_where=sa.text("state = 'open'"))
    op.create_index("basket_by_state", "basket", ["state", "changed_at"])
    op.create_table(
        "basket_line",
        sa.Column("basket_id", Id(), nullable=False),
        sa.Column("line_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("product_id", Id()),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("category", sa.Text()),
        sa.Column("unit", sa.Text()),
        sa.Column("unit_price_minor", sa.BigInteger()),
        sa.Column("quantity_thousandths", sa.BigInteger(), nullable=False),
        sa.Column("manual_price_minor", sa.BigInteger()),
        sa.Column("manual_price_by", sa.Text()),
        sa.Column("manual_price_reason", sa.Text()),
        sa.Column("discount_kind", sa.Text()),
        sa.Column("discount_value", sa.BigInteger()),
        sa.Column("discount_limit_basis_points", sa.Integer()),
        sa.Column("discount_by", sa.Text()),
        sa.Column("discount_reason", sa.Text()),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("embedded_amount_minor", sa.BigInteger()),
        sa.Column("is_single", sa.Boolean(), nullable=False),
        sa.Column("serial", sa.Text()),
        sa.Column("expiry", sa.Date()),
        sa.PrimaryKeyConstraint("basket_id", "line_id"),
        sqlite_with_rowid=False,
    )


def _create_lists() -> None:
    op.create_table(
        "basket_action",
        sa.Column("basket_id", Id(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("inverse", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("undone", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("basket_id", "number"),
        sqlite_with_rowid=False,
    )
    op.create_index("basket_action_by_request", "basket_action", ["basket_id", "request_id"], unique=True)
    op.create_table(
        "basket_unknown",
        sa.Column("basket_id", Id(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("basket_id", "code"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "unknown_code",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("register", sa.Text(), nullable=False),
        sa.Column("basket_id", Id(), nullable=False),
        sa.Column("first_seen_at", UtcTime(), nullable=False),
        sa.Column("last_seen_at", UtcTime(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text()),
        sa.Column("amount_minor", sa.BigInteger()),
        sa.Column("request_state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("code"),
        sqlite_with_rowid=False,
    )
    op.create_index("unknown_code_by_request", "unknown_code", ["request_state", "last_seen_at"])
    op.create_table(
        "quick_key",
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("colour", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "register_claim",
        sa.Column("register", sa.Text(), nullable=False),
        sa.Column("tab_token", sa.Text(), nullable=False),
        sa.Column("claimed_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("register"),
        sqlite_with_rowid=False,
    )


def _create_search() -> None:
    op.create_table(
        "product_search",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("product_id", Id(), nullable=False),
        sa.Column("barcode", sa.Text()),
        sa.Column("is_pending", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("product_id"),
    )
    op.create_index("product_search_by_barcode", "product_search", ["barcode"])
    op.create_index("product_search_pending", "product_search", ["number"], sqlite_where=sa.text("is_pending"))
    op.execute(
        "CREATE VIRTUAL TABLE product_words USING fts5"
        "(words, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2', prefix='1 2 3')"
    )
    op.execute(
        "INSERT INTO product_search (product_id, barcode, is_pending) "
        "SELECT id, barcode, 0 FROM product WHERE NOT archived"
    )
    op.execute(
        f"INSERT INTO product_words (rowid, words) SELECT s.number, {_WORDS} "
        "FROM product_search s JOIN product p ON p.id = s.product_id"
    )
    op.execute(f"CREATE TRIGGER product_insert_is_searched AFTER INSERT ON product BEGIN {_NOTE} END")
    op.execute(f"CREATE TRIGGER product_update_is_searched AFTER UPDATE ON product WHEN {_CHANGED} BEGIN {_NOTE} END")
    op.execute(f"CREATE TRIGGER product_delete_is_searched AFTER DELETE ON product BEGIN {_FORGET} END")
