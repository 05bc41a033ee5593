"""Scanning: what each code does to a basket, and that nothing blocks it."""

from __future__ import annotations

from threading import Thread

import pytest

from branch_node.operations import basket
from branch_node.operations.basket import Outcome
from branch_node.operations.basket.products import find_by_sku, find_product
from branch_node.operations.basket.unknown_codes import UNKNOWN_CODES_KEPT_MAX
from shared.domain.barcodes import CodePlan
from shared.domain.check_digits import check_digit
from shared.domain.sales import LINES_MAX
from shared.errors import BasketClosed, FilialError, InvalidInput, NotFound, Refused
from tests.support.basket_desk import Till, learn_client, learn_goods
from tests.support.shop import Shop

GTIN = "04601234567893"
EAN = GTIN[1:]


@pytest.fixture
def till(shop: Shop) -> Till:
    """A register with an empty basket, in a shop with milk, cheese, tea and flour."""
    learn_goods(shop, "milk", 9_990, name="Молоко 3,2%", barcode=EAN)
    learn_goods(shop, "cheese", 80_000, name="Сыр", barcode="2100123", unit="kg")
    learn_goods(shop, "tea", 5_000, barcode="036000291452", category="Drinks")
    learn_goods(shop, "flour", None, name="Мука", barcode="4006381333931")
    return Till(shop)


def scaled(body: str) -> str:
    return body + check_digit(body)


def test_a_scan_is_a_line_and_the_same_again_is_one_piece_more(till: Till) -> None:
    first, second = till.scan(EAN), till.scan(EAN)
    assert (first.outcome, second.outcome) == (Outcome.ADDED, Outcome.MERGED)
    assert first.line_id == second.line_id
    assert second.name == "Молоко 3,2%"
    assert till.lines() == [("milk", 2_000, 19_980)]


def test_scans_stay_in_the_order_of_their_arrival(till: Till) -> None:
    for code in (EAN, "tea", EAN, scaled("210012300500")):
        till.scan(code)
    assert [line.sku for line in till.view().lines] == ["milk", "tea", "cheese"]


def test_a_request_that_comes_again_does_nothing_again_and_is_told_the_same(till: Till) -> None:
    told = till.scan(EAN, "same")
    till.scan("tea")
    assert till.scan(EAN, "same") == told
    assert till.lines() == [("milk", 1_000, 9_990), ("tea", 1_000, 5_000)]


def test_one_request_id_may_serve_two_baskets(till: Till) -> None:
    other = Till(till.shop, "2")
    till.scan(EAN, "same")
    assert other.scan("tea", "same").outcome is Outcome.ADDED


def test_a_product_is_found_by_sku_and_by_every_writing_of_its_barcode(till: Till) -> None:
    for code in ("milk", EAN, GTIN, f"]E0{EAN}", f"]d201{GTIN}17270131"):
        till.scan(code)
    till.scan("0036000291452")
    assert till.lines() == [("milk", 5_000, 49_950), ("tea", 1_000, 5_000)]


def test_weighed_goods_are_lines_of_their_own(till: Till) -> None:
    till.scan(scaled("210012301250"))
    till.scan(scaled("210012300333"))
    assert till.lines() == [("cheese", 1_250, 100_000), ("cheese", 333, 26_640)]


def test_an_amount_inside_a_code_is_what_is_paid(till: Till) -> None:
    learn_goods(till.shop, "00042", 70_000, name="Cake")
    till.scan(scaled("250004235000"))
    (line,) = till.view().lines
    assert (line.sku, line.net_minor, line.quantity_thousandths, line.unit_price_minor) == ("00042", 35_000, 500, None)


def test_an_amount_inside_a_code_needs_no_list_price(till: Till) -> None:
    learn_goods(till.shop, "00043", None)
    till.scan(scaled("250004301000"))
    assert till.lines() == [("00043", 1_000, 1_000)]


def test_nothing_weighed_is_refused_and_leaves_the_basket_as_it_was(till: Till) -> None:
    with pytest.raises(InvalidInput, match="nothing was weighed"):
        till.scan(scaled("210012300000"), "again")
    assert till.lines() == []
    assert till.scan(EAN, "again").outcome is Outcome.ADDED


def test_a_product_with_the_very_text_wins_over_what_else_it_could_mean(till: Till) -> None:
    whole = scaled("210099900000")
    learn_goods(till.shop, "gift", 100, barcode=whole)
    learn_goods(till.shop, "1-000042", 200)
    till.scan(whole)
    till.scan("1-000042")
    assert till.lines() == [("gift", 1_000, 100), ("1-000042", 1_000, 200)]


def test_a_marked_piece_is_in_the_basket_once(till: Till) -> None:
    code = f"01{GTIN}21serial1234567\x1d93dGVz"
    first, again = till.scan(code), till.scan(code)
    till.scan(f"01{GTIN}21serial7654321\x1d93dGVz")
    assert (again.outcome, again.line_id) == (Outcome.SAME_PIECE, first.line_id)
    assert till.lines() == [("milk", 1_000, 9_990)] * 2


def test_a_scanner_on_the_russian_layout_is_understood(till: Till) -> None:
    assert till.scan("ьшдл").outcome is Outcome.ADDED
    assert till.lines() == [("milk", 1_000, 9_990)]


@pytest.mark.parametrize("text", ["4607001771562", "nonsense", "]d2broken", "", "a\x07b", "ф" * 600])
def test_an_unknown_code_blocks_nothing_and_is_asked_about(till: Till, text: str) -> None:
    done = till.scan(text)
    till.scan(EAN)
    assert done.outcome is Outcome.UNKNOWN
    assert [waiting.code for waiting in till.view().unknown] == [done.reference]
    (seen,) = basket.unknown_codes(till.shop.store)
    assert (seen.code, seen.problem, seen.times, seen.register) == (done.reference, "unknown", 1, "1")
    assert till.lines() == [("milk", 1_000, 9_990)]


def test_an_unknown_code_is_one_request_however_often_it_is_seen(till: Till) -> None:
    till.scan("X-1")
    till.shop.clock.advance(60)
    Till(till.shop, "2").scan("X-1")
    (seen,) = basket.unknown_codes(till.shop.store)
    assert (seen.times, seen.register) == (2, "2")
    assert seen.last_seen_at_us - seen.first_seen_at_us == 60_000_000
    basket.mark_requested(till.shop.store, "X-1", "requested")
    till.scan("X-1")
    assert basket.unknown_codes(till.shop.store) == []
    basket.mark_requested(till.shop.store, "X-1", "closed")
    till.scan("X-1")
    assert [seen.times for seen in basket.unknown_codes(till.shop.store)] == [4]


def test_requests_are_marked_only_as_what_they_can_be(till: Till) -> None:
    with pytest.raises(InvalidInput):
        basket.mark_requested(till.shop.store, "X-1", "lost")
    with pytest.raises(NotFound):
        basket.mark_requested(till.shop.store, "X-1", "closed")


def test_the_oldest_unknown_codes_are_forgotten(till: Till) -> None:
    with till.shop.store.write() as connection:
        rows = [(f"old{number}", number) for number in range(UNKNOWN_CODES_KEPT_MAX)]
        connection.connection.cursor().executemany(
            "INSERT INTO unknown_code VALUES (?1, 'unknown', '1', x'00', ?2, ?2, 1, NULL, NULL, 'new')", rows
        )
    till.scan("X-1")
    assert till.shop.count("unknown_code") == UNKNOWN_CODES_KEPT_MAX
    assert till.shop.rows("SELECT code FROM unknown_code WHERE code IN ('X-1', 'old0')") == [("X-1",)]


def test_a_cashier_prices_an_unknown_code(till: Till) -> None:
    till.scan("X-1")
    done = till.do(basket.price_unknown, "X-1", "  Зонт  чёрный ", 59_900)
    assert till.view().unknown == ()
    assert till.lines() == [("X-1", 1_000, 59_900)]
    (seen,) = basket.unknown_codes(till.shop.store)
    assert (seen.name, seen.amount_minor) == ("Зонт чёрный", 59_900)
    assert till.pay().sold is not None
    assert till.shop.rows("SELECT sku, product_id, amount_minor FROM sale_line") == [("X-1", None, 59_900)]
    assert done.name == "Зонт чёрный"


def test_a_product_without_a_price_waits_for_one(till: Till) -> None:
    assert till.scan("4006381333931").outcome is Outcome.NO_PRICE
    assert till.view().unknown == (basket.WaitingCode("4006381333931", "no_price"),)
    till.do(basket.price_unknown, "4006381333931", "Мука", 7_000)
    (line,) = till.view().lines
    assert (line.sku, line.net_minor, line.is_priced_by_hand) == ("flour", 7_000, True)


def test_an_unknown_code_is_waved_away(till: Till) -> None:
    till.scan("X-1")
    till.do(basket.dismiss_unknown, "X-1")
    assert till.view().unknown == ()
    with pytest.raises(NotFound):
        till.do(basket.dismiss_unknown, "X-2")


@pytest.mark.parametrize(("code", "name", "amount"), [("", "a", 1), ("x", " ", 1), ("x", "a", -1), ("x", "a\0", 1)])
def test_what_cannot_be_sold_under_a_code_is_refused(till: Till, code: str, name: str, amount: int) -> None:
    with pytest.raises(InvalidInput):
        till.do(basket.price_unknown, code, name, amount)


def test_a_receipt_is_named_and_changes_nothing(till: Till) -> None:
    done = till.scan("1-000042")
    assert (done.outcome, done.reference) == (Outcome.RECEIPT, "1-000042")
    assert till.scan("filial:1:abc").reference == "abc"
    assert till.lines() == []
    assert till.view().undo == ()


def test_a_scanned_card_names_the_client(till: Till) -> None:
    learn_client(till.shop, "Анна", "CARD-7")
    learn_client(till.shop, "Борис", "8")
    plan = CodePlan(card_prefixes=("CARD-",))
    assert till.scan("CARD-7", plan=plan).outcome is Outcome.CLIENT
    till.scan("CARD-8", plan=plan)
    client = till.view().client
    assert client is not None
    assert (client.name, client.reference) == ("Борис", "8")
    assert till.scan("CARD-9", plan=plan).outcome is Outcome.UNKNOWN_CLIENT
    assert till.view().client == client


def test_a_product_is_added_by_hand(till: Till) -> None:
    till.do(basket.add_product, "tea", 2_500)
    assert till.lines() == [("tea", 2_500, 12_500)]
    with pytest.raises(NotFound):
        till.do(basket.add_product, "coffee")


def test_another_price_is_another_line(till: Till) -> None:
    till.scan("tea")
    learn_goods(till.shop, "tea", 6_000)
    till.scan("tea")
    assert till.lines() == [("tea", 1_000, 5_000), ("tea", 1_000, 6_000)]


@pytest.mark.parametrize("quantity", [0, -1, 10**12 + 1])
def test_a_quantity_must_be_one(till: Till, quantity: int) -> None:
    with pytest.raises(InvalidInput):
        till.scan(EAN, quantity_thousandths=quantity)


def test_a_line_that_would_cost_too_much_is_refused(till: Till) -> None:
    till.scan("cheese", quantity_thousandths=10**12)
    with pytest.raises(InvalidInput):
        till.scan("cheese")
    learn_goods(till.shop, "house", 10**13)
    with pytest.raises(InvalidInput, match="larger than"):
        till.scan("house", quantity_thousandths=10**9)


def test_a_basket_has_no_more_lines_than_a_receipt(till: Till) -> None:
    till.scan(scaled("210012300500"))
    with till.shop.store.write() as connection:
        connection.connection.cursor().execute(
            "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO basket_line "
            "(basket_id, line_id, position, sku, name, unit_price_minor, quantity_thousandths, code, is_single) "
            "SELECT basket_id, -i, i, 'x' || i, name, 1, 1000, '', 0 FROM basket_line, n",
            (LINES_MAX,),
        )
    assert len(till.view().lines) == LINES_MAX
    with pytest.raises(Refused, match="1000 lines"):
        till.scan(EAN)


def test_nothing_is_scanned_into_a_basket_that_is_none(till: Till) -> None:
    with pytest.raises(NotFound):
        basket.scan(till.shop.store, b"x" * 16, "r", EAN)
    with pytest.raises(InvalidInput):
        till.do(basket.add_product, "tea", request="x" * 65)
    basket.abandon(till.shop.store, till.basket_id)
    with pytest.raises(BasketClosed):
        till.scan(EAN)


def test_two_hundred_scans_of_which_many_come_twice_are_two_hundred_lines_in_order(till: Till) -> None:
    codes = [f"sku{number:03d}" for number in range(200)]
    with till.shop.store.write() as connection:
        connection.connection.cursor().executemany(
            "INSERT INTO product (id, sku, name, archived) VALUES (?1, ?2, ?2, 0)",
            [(code.encode().ljust(16), code) for code in codes],
        )
        connection.connection.cursor().execute(
            "INSERT INTO price (id, product_id, zone, amount_minor, archived) SELECT id, id, '', 100, 0 FROM product"
        )
    for number, code in enumerate(codes):
        till.scan(code, f"scan-{code}")
        # A browser that heard nothing sends its queue again.
        for late in codes[max(0, number - 3) : number + 1 : 2]:
            till.scan(late, f"scan-{late}")
    assert till.lines() == [(code, 1_000, 100) for code in codes]
    assert till.view().revision == 200


def test_archived_products_are_found_no_more(till: Till) -> None:
    learn_goods(till.shop, "milk", 9_990, archived=True)
    with till.shop.store.read_cursor() as cursor:
        assert find_by_sku(cursor, "milk") is None
        assert find_product(cursor, [EAN]) is None
    assert till.scan(EAN).outcome is Outcome.UNKNOWN


def test_two_threads_that_send_the_same_queue_scan_each_code_once(till: Till) -> None:
    codes = ["milk", "tea", "cheese"] * 10
    refused: list[FilialError] = []

    def send() -> None:
        try:
            for number, code in enumerate(codes):
                till.scan(code, f"queue-{number}")
        except FilialError as error:
            refused.append(error)

    threads = [Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == []
    assert sorted(till.lines()) == [("cheese", 10_000, 800_000), ("milk", 10_000, 99_900), ("tea", 10_000, 50_000)]
    assert till.view().revision == len(codes)
