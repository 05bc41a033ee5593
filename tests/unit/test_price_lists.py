"""What a register is told of prices, VAT and promotions on a day, and that it never remembers more than is true."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from branch_node.operations import price_lists
from branch_node.operations.price_lists import PriceLists, price_lists_in, price_lists_of
from branch_node.storage.store import BranchStore
from branch_node.storage.transaction import NodeCache
from shared.domain.business_time import days_from_date, parse_date
from shared.domain.identifiers import derived_id
from shared.domain.promotions import PromotionType
from shared.domain.records import RecordKind
from shared.operations.promotions import promotion_fields
from shared.sync.messages import CardForgotten
from tests.support.baskets import promotion
from tests.support.clock import SeededIds
from tests.support.shop import Shop, change


@contextmanager
def lists(shop: Shop) -> Iterator[PriceLists]:
    with shop.store.operation() as transaction:
        yield price_lists_of(transaction)


def price(shop: Shop, product_id: bytes, day: int) -> int | None:
    with lists(shop) as here:
        return here.price_on(product_id, day)


def learn_promotion(shop: Shop, code: str, **more: object) -> bytes:
    offer = promotion(code, PromotionType.PERCENT, 1_000, **more)
    shop.learn(change(RecordKind.PROMOTION, offer.promotion_id, **promotion_fields(offer)))
    return offer.promotion_id


def codes(shop: Shop, day: int) -> list[str]:
    with lists(shop) as here:
        return [each.code for each in here.promotions_on(day)]


def test_the_price_that_counts_is_of_the_zone_and_began_last(shop: Shop) -> None:
    shop.learn_settings(price_zone="north")
    product_id = shop.learn_product("1", everywhere=100)
    shop.learn_price(product_id, 90, valid_from=10, valid_to=20)
    shop.learn_price(product_id, 80, valid_from=15, valid_to=16)
    assert [price(shop, product_id, day) for day in (9, 10, 15, 17, 20, 21)] == [100, 90, 80, 90, 90, 100]
    shop.learn_price(product_id, 70, "north", valid_from=12, valid_to=18)
    assert [price(shop, product_id, day) for day in (11, 12, 15, 18, 19)] == [90, 70, 70, 70, 90]


def test_a_sale_takes_the_price_of_its_own_day(shop: Shop) -> None:
    product_id = shop.learn_product("1", everywhere=100)
    day = days_from_date(parse_date("2024-03-08", "day"))
    shop.learn_price(product_id, 40, valid_from=day, valid_to=day)
    moments = {"2024-03-07T23:59:59": 100, "2024-03-08T00:00:00": 40, "2024-03-09T00:00:00": 100}
    for sold_at, amount in moments.items():
        cash = [{"method": "cash", "amount_minor": amount}]
        answer = shop.sell(sold_at, lines=[{"sku": "1", "quantity": 1}], payments=cash, sold_at=sold_at)
        assert answer.total_minor == amount


def test_promotions_of_the_day_and_the_zone_come_in_their_order(shop: Shop) -> None:
    learn_promotion(shop, "late", priority=2, valid_from=5, valid_to=6)
    learn_promotion(shop, "b")
    learn_promotion(shop, "a", skus=frozenset(["1", "2"]), weekdays="67", minute_from=60, minute_to=120)
    learn_promotion(shop, "south", zones=frozenset(["south"]))
    assert [codes(shop, day) for day in (4, 5, 7)] == [["a", "b"], ["a", "b", "late"], ["a", "b"]]
    shop.learn_settings(price_zone="south")
    assert codes(shop, 4) == ["a", "b", "south"]


def test_a_promotion_comes_back_from_its_row_as_it_was_made(shop: Shop) -> None:
    made = promotion(
        "x",
        PromotionType.N_FOR_M,
        n=3,
        m=2,
        skus=frozenset(["1", "2"]),
        categories=frozenset(["food"]),
        client_groups=frozenset(["gold"]),
        valid_from=1,
        valid_to=9,
        weekdays="67",
        minute_from=60,
        minute_to=120,
        minimum_minor=500,
        combinable=False,
        priority=-3,
        per_basket=True,
    )
    shop.learn(change(RecordKind.PROMOTION, made.promotion_id, **promotion_fields(made)))
    with lists(shop) as here:
        assert list(here.promotions_on(5)) == [made]


def test_a_promotion_that_means_nothing_here_is_passed_over(shop: Shop) -> None:
    learn_promotion(shop, "good")
    shop.learn(change(RecordKind.PROMOTION, b"n" * 16, code="new", name="New", type="of a newer release"))
    shop.learn(change(RecordKind.PROMOTION, b"m" * 16, code="half", name="Half", type="n_for_m", n=2, m=0))
    assert codes(shop, 1) == ["good"]


def test_vat_is_the_rate_of_the_code_on_the_day(shop: Shop) -> None:
    shop.learn(
        change(RecordKind.PRODUCT, b"p" * 16, sku="1", vat_code="std", weighed=True),
        change(RecordKind.VAT_RATE, b"1" * 16, code="std", rate_basis_points=2_000, valid_to=99),
        change(RecordKind.VAT_RATE, b"2" * 16, code="std", rate_basis_points=2_200, valid_from=100),
        change(RecordKind.VAT_RATE, b"3" * 16, code="none"),
        change(RecordKind.VAT_RATE, b"4" * 16, code="old", rate_basis_points=1_800, archived=True),
    )
    with lists(shop) as here:
        product = here.product("1")
        assert product is not None
        assert (product.vat_code, product.weighed, product.limited) == ("std", True, False)
        rates = [here.vat_on(code, day) for code, day in (("std", 99), ("std", 100), ("none", 1), ("old", 1))]
        assert [rate and rate.rate_basis_points for rate in rates] == [2_000, 2_200, None, None]
        assert here.vat_on("none", 1) is not None
        assert here.vat_on(None, 1) is None
        assert here.product("2") is None


def test_every_change_by_another_process_is_seen_at_once(shop: Shop, tmp_path: Path) -> None:
    other = Shop(BranchStore(tmp_path / "branch.db", shop.clock, SeededIds(shop.clock, seed=7)), shop.clock)
    product_id = shop.learn_product("1", everywhere=100)
    assert (price(shop, product_id, 1), codes(shop, 1)) == (100, [])
    card_id = learn_promotion(other, "new")
    price_id = other.learn_price(product_id, 90, valid_from=0)
    assert (price(shop, product_id, 1), codes(shop, 1)) == (90, ["new"])
    other.learn(CardForgotten(RecordKind.PRICE, price_id), CardForgotten(RecordKind.PROMOTION, card_id))
    assert (price(shop, product_id, 1), codes(shop, 1)) == (100, [])
    with lists(shop) as here:
        assert here.vat_on("std", 1) is None
    other.learn(change(RecordKind.VAT_RATE, b"1" * 16, code="std", rate_basis_points=2_000))
    with lists(shop) as here:
        assert here.vat_on("std", 1) is not None
    other.store.close()


def test_what_is_asked_again_is_not_read_again(shop: Shop) -> None:
    product_id = shop.learn_product("1", everywhere=100)
    learn_promotion(shop, "a")
    with lists(shop) as here:
        first = here.promotions_on(1), here.product("1"), here.price_on(product_id, 1)
        blind = here._replace(cursor=None)
        assert (blind.promotions_on(1), blind.product("1"), blind.price_on(product_id, 1)) == first


def test_a_screen_reads_with_a_cache_of_its_own(shop: Shop) -> None:
    cache = NodeCache()
    product_id = shop.learn_product("1", everywhere=100)
    for amount in (100, 50):
        shop.learn_product("1", everywhere=amount)
        with shop.store.read_cursor() as cursor:
            assert price_lists_in(cursor, cache).price_on(product_id, 1) == amount


def test_a_register_that_remembers_too_much_forgets_and_answers_right(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(price_lists, "REMEMBERED_ANSWERS_MAX", 2)
    ids = {sku: shop.learn_product(sku, everywhere=number) for number, sku in enumerate("abcd")}
    with lists(shop) as here:
        for _ in range(2):
            assert [here.price_on(product_id, 1) for product_id in ids.values()] == [0, 1, 2, 3]


def test_the_group_of_a_client_is_told(shop: Shop) -> None:
    client_id = derived_id("client", b"900")
    shop.learn(change(RecordKind.CLIENT, client_id, external_id="900", group="gold"))
    with lists(shop) as here:
        assert here.client_group(client_id) == "gold"
        assert here.client_group(None) is None
        assert here.client_group(b"x" * 16) is None
