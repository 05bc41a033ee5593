"""Finding products by words, codes and slips of the keyboard; quick keys."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from branch_node.operations import basket
from branch_node.operations.basket.quick_keys import QUICK_KEYS_MAX
from branch_node.operations.budgets import store_grants
from branch_node.storage.basket_tables import SEARCH_TABLE
from branch_node.storage.product_words import has_unindexed
from shared.domain.records import RecordKind
from shared.errors import InvalidInput, NotFound, Refused
from shared.sync.messages import CardForgotten, LeaseGrant
from tests.support.basket_desk import learn_goods
from tests.support.shop import Shop


@pytest.fixture
def stocked(shop: Shop) -> Shop:
    """A shop with a few things that are alike."""
    learn_goods(shop, "M32", 9_990, name="Молоко «Весёлая ферма» 3,2% 1л", barcode="4601234567893")
    learn_goods(shop, "M25", 8_990, name="Молоко топлёное 2,5%")
    learn_goods(shop, "K1", 5_990, name="Каша молочная с Ёжиком")
    learn_goods(shop, "N1", 45_000, name="Кофе Nescafé Gold")
    learn_goods(shop, "S-17", None, name="Сыр-косичка")
    return shop


def found(shop: Shop, typed: str, limit: int = 20) -> list[str]:
    return [hit.product.sku for hit in basket.find_products(shop.store, typed, limit)]


@pytest.mark.parametrize(
    ("typed", "skus"),
    [
        ("молоко", ["M32", "M25"]),
        ("МОЛОКО ферма", ["M32"]),
        ("ферм мол", ["M32"]),
        ("молоч", ["K1"]),
        ("мол", ["M32", "M25", "K1"]),
        ("ежик", ["K1"]),
        ("ЁЖИК", ["K1"]),
        ("веселая", ["M32"]),
        ("топленое 2,5", ["M25"]),
        ("nescafe", ["N1"]),
        ("M25", ["M25"]),
        ("4601234567893", ["M32"]),
        ("460123", ["M32"]),
        ("s-17", ["S-17"]),
        ("косич", ["S-17"]),
        ("vjkjrj", ["M32", "M25"]),
        ("туысфау", ["N1"]),
        ("чай", []),
        ("молоко чай", []),
        ("", []),
        ("%*\"'(", []),
        ("AND OR NOT", []),
        ("мол* NEAR", []),
    ],
)
def test_what_is_typed_finds_what_is_meant(stocked: Shop, typed: str, skus: list[str]) -> None:
    assert found(stocked, typed) == skus


def test_the_price_is_that_of_the_branchs_own_zone(stocked: Shop) -> None:
    (hit,) = basket.find_products(stocked.store, "топленое")
    assert (hit.product.price_minor, hit.stock_thousandths) == (8_990, None)
    (unpriced,) = basket.find_products(stocked.store, "косичка")
    assert unpriced.product.price_minor is None


def test_of_limited_products_the_stock_is_what_is_lent(stocked: Shop) -> None:
    learn_goods(stocked, "T1", 100, name="Билет", limited=True)
    assert basket.find_products(stocked.store, "билет")[0].stock_thousandths == 0
    with stocked.store.write() as connection:
        grants = [
            LeaseGrant(b"%016d" % number, b"b" * 16, "product:T1", 2_000, stocked.clock.now_us() + offset)
            for number, offset in enumerate((10**9, 10**9, 0))
        ]
        incarnation = stocked.store.node()[1].incarnation
        store_grants(connection.connection.cursor(), stocked.store.ids, incarnation, tuple(grants))
    assert basket.find_products(stocked.store, "билет")[0].stock_thousandths == 4_000


def test_no_more_than_asked_for_are_found(stocked: Shop) -> None:
    assert found(stocked, "мол", 2) == ["M32", "M25"]


def test_a_product_is_found_under_its_new_name_alone(stocked: Shop) -> None:
    learn_goods(stocked, "M25", 8_990, name="Ряженка")
    assert found(stocked, "топленое") == []
    assert found(stocked, "ряженка") == ["M25"]
    learn_goods(stocked, "M25", 8_990, name="Ряженка", archived=True)
    assert found(stocked, "ряженка") == []
    learn_goods(stocked, "M25", 8_990, name="Ряженка", archived=False)
    assert found(stocked, "ряженка") == ["M25"]


def test_a_product_that_is_forgotten_is_found_no_more(stocked: Shop) -> None:
    card_id = stocked.one("SELECT id FROM product WHERE sku = 'M32'")
    stocked.learn(CardForgotten(RecordKind.PRODUCT, card_id))
    assert found(stocked, "молоко") == ["M25"]
    assert stocked.count("product_search") == stocked.count("product") == 4


def test_the_index_is_whole_after_any_change(stocked: Shop) -> None:
    for name in ("а", "б", "в"):
        learn_goods(stocked, "M25", 8_990, name=name)
    with stocked.store.write() as connection:
        connection.execute(text(f"INSERT INTO {SEARCH_TABLE} ({SEARCH_TABLE}) VALUES ('integrity-check')"))
    assert stocked.count("product_search") == stocked.count(SEARCH_TABLE) == 5


def test_what_no_feed_brought_is_indexed_when_it_is_looked_for(stocked: Shop) -> None:
    def change(statement: str) -> None:
        with stocked.store.write() as connection:
            connection.execute(text(statement))

    change("UPDATE product SET name = 'Ряженка', barcode = '777' WHERE sku = 'M25'")
    with stocked.store.read_cursor() as cursor:
        assert has_unindexed(cursor)
    assert found(stocked, "ряженка") == found(stocked, "777") == ["M25"]
    with stocked.store.read_cursor() as cursor:
        assert not has_unindexed(cursor)
    change("UPDATE product SET limited = 1")
    with stocked.store.read_cursor() as cursor:
        assert not has_unindexed(cursor)
    change("DELETE FROM product")
    assert found(stocked, "ряженка") == []
    assert stocked.count("product_search") == stocked.count(SEARCH_TABLE) == 0


def test_quick_keys_are_set_listed_and_cleared(stocked: Shop) -> None:
    basket.set_quick_key(stocked.store, 2, "M25")
    basket.set_quick_key(stocked.store, 1, "S-17", "Сыр", "#FFCC00")
    basket.set_quick_key(stocked.store, 2, "K1", "Каша")
    assert basket.list_quick_keys(stocked.store) == [
        basket.QuickKey(1, "S-17", "Сыр", "#ffcc00", None, True),
        basket.QuickKey(2, "K1", "Каша", "", 5_990, True),
    ]
    learn_goods(stocked, "K1", 5_990, archived=True)
    assert [key.is_known for key in basket.list_quick_keys(stocked.store)] == [True, False]
    basket.clear_quick_key(stocked.store, 1)
    basket.clear_quick_key(stocked.store, 1)
    assert [key.position for key in basket.list_quick_keys(stocked.store)] == [2]


def test_a_register_has_its_own_keys_before_those_of_all(stocked: Shop) -> None:
    store = stocked.store
    assert basket.add_quick_key(store, "M25", group="Молочное") == 1
    assert basket.add_quick_key(store, "K1", "Каша") == 2
    assert basket.add_quick_key(store, "M32", group="Молочное", register="2") == 1
    assert [key.sku for key in basket.keys_at(store, "1")] == ["M25", "K1"]
    at_two = basket.keys_at(store, "2")
    assert [(name, [key.sku for key in keys]) for name, keys in basket.grouped(at_two)] == [
        ("Молочное", ["M32", "M25"]),
        ("", ["K1"]),
    ]
    assert basket.version_of(at_two) != basket.version_of(basket.keys_at(store, "1"))
    learn_goods(stocked, "K1", 5_990, archived=True)
    assert [key.sku for key in basket.keys_at(store, "1")] == ["M25"]


def test_a_key_moves_within_its_group(stocked: Shop) -> None:
    store = stocked.store
    for sku, group in (("M25", "a"), ("K1", ""), ("M32", "a")):
        basket.add_quick_key(store, sku, group=group)
    assert basket.move_quick_key(store, 3, is_up=True) == 1
    assert [key.sku for key in basket.list_quick_keys(store)] == ["M32", "K1", "M25"]
    assert basket.move_quick_key(store, 1, is_up=True) == 1
    assert basket.move_quick_key(store, 2, is_up=False) == 2
    with pytest.raises(NotFound):
        basket.move_quick_key(store, 9, is_up=True)


def test_so_many_quick_keys_and_no_more(stocked: Shop) -> None:
    basket.set_quick_key(stocked.store, QUICK_KEYS_MAX, "M25")
    for position in range(1, QUICK_KEYS_MAX):
        assert basket.add_quick_key(stocked.store, "M25") == position
    with pytest.raises(Refused, match="200 quick keys"):
        basket.add_quick_key(stocked.store, "M25")


@pytest.mark.parametrize(
    ("position", "sku", "label", "colour"),
    [(0, "M25", "", ""), (201, "M25", "", ""), (1, "M25", "", "red"), (1, "M25", "x" * 41, ""), (1, "", "", "")],
)
def test_a_quick_key_that_cannot_be_is_refused(stocked: Shop, position: int, sku: str, label: str, colour: str) -> None:
    with pytest.raises(InvalidInput):
        basket.set_quick_key(stocked.store, position, sku, label, colour)
    with pytest.raises(NotFound):
        basket.set_quick_key(stocked.store, 1, "nothing")
