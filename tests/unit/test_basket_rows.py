"""Rows of baskets: written, read back, told apart, and forgotten together."""

from __future__ import annotations

from typing import Any

from branch_node.storage import baskets
from branch_node.storage.baskets import ActionRow, LineRow
from tests.support.shop import Shop

ONE, OTHER = b"1" * 16, b"2" * 16
TEA = LineRow(1, 1, "tea", b"p" * 16, "Tea", None, None, 100, 1_000, code="tea")


def test_a_line_is_read_as_it_was_written(shop: Shop) -> None:
    with shop.store.write() as connection:
        cursor = connection.connection.cursor()
        line = LineRow(7, 3, "tea", b"p" * 16, "Tea", "Drinks", "pc", 1, 2, 3, "a", "b", "percent", 4, 5, "c", "d", "e")
        line = line._replace(embedded_amount_minor=6, is_single=True, serial="s", expiry="2027-01-31")
        baskets.put_line(cursor, ONE, line)
        assert baskets.read_line(cursor, ONE, 7) == line
        assert baskets.read_line(cursor, OTHER, 7) is None
        baskets.put_line(cursor, ONE, line._replace(sku="cake"))
        assert [row.sku for row in baskets.read_lines(cursor, ONE)] == ["cake"]


def test_only_a_plain_line_at_the_same_price_takes_another_piece(shop: Shop) -> None:
    unlike: tuple[dict[str, Any], ...] = (
        {"is_single": True},
        {"manual_price_minor": 5},
        {"discount_kind": "amount"},
        {"embedded_amount_minor": 5},
        {"unit_price_minor": 101},
        {"sku": "cake"},
    )
    with shop.store.write() as connection:
        cursor = connection.connection.cursor()
        for number, changes in enumerate(unlike, 1):
            baskets.put_line(cursor, ONE, TEA._replace(line_id=number, position=number)._replace(**changes))
        assert baskets.find_mergeable(cursor, ONE, "tea", 100) is None
        for number in (8, 9):
            baskets.put_line(cursor, ONE, TEA._replace(line_id=number, position=number))
        found = baskets.find_mergeable(cursor, ONE, "tea", 100)
        assert found is not None
        assert found.line_id == 9


def test_a_forgotten_basket_takes_everything_of_it_along_and_nothing_else(shop: Shop) -> None:
    with shop.store.write() as connection:
        cursor = connection.connection.cursor()
        for basket_id, register in ((ONE, "1"), (OTHER, "2")):
            baskets.add_basket(cursor, basket_id, register, "anna", 0)
            baskets.put_line(cursor, basket_id, TEA)
            baskets.add_action(cursor, basket_id, ActionRow(1, "r", "scan", "{}", "[]", 0, False))
            baskets.mark_unknown(cursor, basket_id, "x", "waiting")
        baskets.change_basket(cursor, ONE, {"state": "paid"})
        assert baskets.forget_baskets(cursor, ("paid", "abandoned"), 0, 10) == 0
        assert baskets.forget_baskets(cursor, ("paid", "abandoned"), 1, 10) == 1
        for table in ("basket_line", "basket_action", "basket_unknown"):
            assert cursor.execute(f"SELECT basket_id FROM {table}").fetchall() == [(OTHER,)]
        assert baskets.read_basket(cursor, ONE) is None
        assert baskets.open_basket_at(cursor, "2") is not None
