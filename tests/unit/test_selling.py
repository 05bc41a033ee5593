"""Selling: a key sells once, a receipt has its number, and a refused sale leaves nothing behind."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from branch_node.cli.sell import answer_line
from branch_node.operations.sale_request import parse_sale_request
from branch_node.operations.selling import sell
from shared.domain.business_time import days_from_date
from shared.domain.identifiers import NIL_ID, derived_id, format_id
from shared.domain.records import RecordKind
from shared.errors import InvalidInput, KeyReused
from shared.wire.payloads import decode_sale
from tests.support.clock import START_US
from tests.support.shop import Shop, change, request
from tests.support.tills import asked_line

CASH_50 = [{"method": "cash", "amount_minor": 50}]


def lines(*skus: str, **fields: Any) -> list[dict[str, Any]]:
    """Lines without amounts: the price list decides."""
    return [{"sku": sku, "quantity": 1, **fields} for sku in skus]


# Receipts.


def test_a_sale_is_answered_with_its_receipt_and_entry(shop: Shop) -> None:
    answer = shop.sell("k1")
    assert answer.receipt == "1-000001"
    assert (answer.key, answer.total_minor, answer.entry, answer.confirmed) == ("k1", 50, 1, False)
    assert answer.as_json()["status"] == "committed"
    assert shop.one("SELECT id FROM sale") == answer.sale_id


def test_each_register_counts_its_own_receipts_without_gaps(shop: Shop) -> None:
    answers = [shop.sell(f"k{number}", register=register) for number, register in enumerate("112122")]
    assert [answer.receipt[-1] for answer in answers] == ["1", "2", "1", "3", "2", "3"]
    assert [answer.entry for answer in answers] == [1, 2, 3, 4, 5, 6]


def test_a_refused_sale_takes_no_receipt_number_and_no_entry(shop: Shop) -> None:
    first = shop.sell("k1")
    for number in range(3):
        with pytest.raises(InvalidInput):
            shop.sell(f"bad{number}", lines=lines("unknown"))
    second = shop.sell("k2")
    assert (first.receipt, second.receipt) == ("1-000001", "1-000002")
    assert second.entry == 2
    assert len(shop.entries()) == 2


def test_a_sale_that_fails_late_takes_no_receipt_number(shop: Shop) -> None:
    shop.sell("k1")
    with pytest.raises(RuntimeError):
        sell_and_fail(shop)
    assert shop.sell("k3").receipt == "1-000002"
    assert shop.rows("SELECT key FROM idempotency_key ORDER BY key") == [("k1",), ("k3",)]


def sell_and_fail(shop: Shop) -> None:
    with shop.store.operation() as transaction:
        assert sell(transaction, request("k2")).receipt == "1-000002"
        raise RuntimeError("the printer burns")


# Keys.


def test_a_key_that_was_committed_sells_nothing_again_and_returns_its_first_answer(shop: Shop) -> None:
    first = shop.sell("k1")
    shop.sell("k2")
    shop.clock.advance(3_600)
    assert shop.sell("k1") == first
    assert (shop.count("sale"), shop.count("journal")) == (2, 2)


def test_a_key_with_other_content_is_refused(shop: Shop) -> None:
    shop.sell("k1", 50)
    with pytest.raises(KeyReused):
        shop.sell("k1", 51)
    assert shop.count("sale") == 1


def test_a_refused_key_may_be_tried_again(shop: Shop) -> None:
    with pytest.raises(InvalidInput):
        shop.sell("k1", lines=lines("milk"))
    shop.learn_product("milk", everywhere=50)
    assert shop.sell("k1", lines=lines("milk")).total_minor == 50


def test_the_first_answer_stays_after_prices_and_clients_changed(shop: Shop) -> None:
    shop.learn_product("milk", everywhere=50)
    first = shop.sell("k1", lines=lines("milk"))
    shop.learn_product("milk", everywhere=70)
    assert shop.sell("k1", lines=lines("milk")) == first


# Prices.


def test_an_amount_that_is_given_is_taken_as_it_is(shop: Shop) -> None:
    shop.learn_product("milk", everywhere=80)
    assert shop.sell("k1", lines=lines("milk", amount_minor=50)).total_minor == 50


def test_an_unknown_product_sells_for_a_given_amount_without_category(shop: Shop) -> None:
    shop.sell("k1", lines=lines("mystery", amount_minor=50))
    assert shop.rows("SELECT sku, product_id, category FROM sale_line") == [("mystery", None, None)]


def test_an_unknown_product_without_an_amount_is_refused_by_its_line(shop: Shop) -> None:
    with pytest.raises(InvalidInput, match=r"lines\[2\].*bread is unknown"):
        shop.sell("k1", lines=[*lines("milk", amount_minor=50), *lines("bread")])


def test_a_product_without_a_price_is_refused(shop: Shop) -> None:
    shop.learn_product("milk")
    with pytest.raises(InvalidInput, match="no price"):
        shop.sell("k1", lines=lines("milk"))


def test_the_price_list_decides_when_no_amount_is_given(shop: Shop) -> None:
    shop.learn_product("cheese", "Dairy", everywhere=33_333)
    answer = shop.sell("k1", lines=lines("cheese", quantity=1.5), payments=[{"method": "card", "amount_minor": 50_000}])
    assert answer.total_minor == 50_000
    assert shop.rows("SELECT category, amount_minor, quantity_thousandths FROM sale_line") == [("Dairy", 50_000, 1_500)]


@pytest.mark.parametrize(("zone", "price"), [("", 50), ("north", 40), ("south", 50)])
def test_a_price_of_the_branch_s_zone_goes_before_the_one_for_all(shop: Shop, zone: str, price: int) -> None:
    shop.learn_settings(price_zone=zone)
    shop.learn_product("milk", everywhere=50, north=40, east=99)
    paid = [{"method": "cash", "amount_minor": price}]
    assert shop.sell("k1", lines=lines("milk"), payments=paid).total_minor == price


def test_an_archived_price_or_product_does_not_sell(shop: Shop) -> None:
    product_id = shop.learn_product("milk", everywhere=50)
    shop.learn(change(RecordKind.PRODUCT, product_id, archived=True))
    with pytest.raises(InvalidInput, match="unknown"):
        shop.sell("k1", lines=lines("milk"))


def test_a_discount_is_taken_off_the_list_price(shop: Shop) -> None:
    shop.learn_product("milk", everywhere=60)
    assert shop.sell("k1", lines=lines("milk", discount_minor=10)).total_minor == 50
    assert shop.rows("SELECT gross_minor, discounts_minor, net_minor FROM sale") == [(60, 10, 50)]


def test_a_discount_larger_than_the_list_price_is_refused(shop: Shop) -> None:
    shop.learn_product("milk", everywhere=60)
    with pytest.raises(InvalidInput, match="discount 61 is larger"):
        shop.sell("k1", lines=lines("milk", discount_minor=61))


def test_a_line_beyond_the_largest_amount_is_refused(shop: Shop) -> None:
    shop.learn_product("gold", everywhere=10**13)
    with pytest.raises(InvalidInput, match="price × quantity"):
        shop.sell("k1", lines=lines("gold", quantity=1_000))


# Payments.


def test_cash_over_the_total_comes_back_as_change(shop: Shop) -> None:
    shop.sell("k1", 50, payments=[{"method": "cash", "amount_minor": 80}])
    assert shop.one("SELECT change_minor FROM sale") == 30
    assert shop.one("SELECT amount_minor FROM payment") == 80


def test_payments_that_do_not_settle_the_total_are_refused(shop: Shop) -> None:
    for paid in ([], [{"method": "cash", "amount_minor": 49}], [{"method": "card", "amount_minor": 51}]):
        with pytest.raises(InvalidInput, match="payments come to"):
            shop.sell("k1", 50, payments=paid)
    assert shop.count("sale") == 0


def test_a_sale_of_nothing_is_a_receipt(shop: Shop) -> None:
    assert shop.sell("k1", 0, payments=[]).receipt == "1-000001"
    assert shop.count("payment") == 0


def test_the_same_product_may_stand_on_several_lines(shop: Shop) -> None:
    shop.sell("k1", lines=[*lines("milk", amount_minor=20), *lines("milk", amount_minor=30)], payments=CASH_50)
    assert shop.rows("SELECT line_number, sku FROM sale_line ORDER BY 1") == [(1, "milk"), (2, "milk")]


# Clients.


def test_a_known_client_is_linked_and_an_unknown_one_only_named(shop: Shop) -> None:
    shop.learn(change(RecordKind.CLIENT, b"k" * 16, external_id="900", name="Anna"))
    shop.sell("k1", client="900")
    shop.sell("k2", client="901")
    shop.sell("k3")
    assert shop.rows("SELECT client, client_id FROM sale ORDER BY receipt_number") == [
        ("900", b"k" * 16),
        ("901", None),
        (None, None),
    ]
    assert shop.count("client") == 1


def test_an_archived_client_is_not_linked(shop: Shop) -> None:
    shop.learn(change(RecordKind.CLIENT, b"k" * 16, external_id="900", archived=True))
    shop.sell("k1", client="900")
    assert shop.one("SELECT client_id FROM sale") is None


# Time.


def test_a_sale_without_a_time_is_sold_now(shop: Shop) -> None:
    shop.sell("k1")
    assert shop.rows("SELECT sold_at, business_date, hour, zone FROM sale") == [
        (START_US, "2026-11-23", 19, "Europe/Moscow")
    ]


def test_a_time_without_a_zone_is_the_branch_s_own(shop: Shop) -> None:
    shop.sell("k1", sold_at="2017-01-01T23:53:26")
    assert shop.rows("SELECT business_date, hour, utc_offset_seconds FROM sale") == [("2017-01-01", 23, 10_800)]


def test_a_sale_may_be_five_minutes_ahead_and_no_more(shop: Shop) -> None:
    shop.sell("k1", sold_at="2026-11-23T19:05:00")
    with pytest.raises(InvalidInput, match="5 minutes ahead"):
        shop.sell("k2", sold_at="2026-11-23T19:05:00.000001")
    with pytest.raises(InvalidInput, match="5 minutes ahead"):
        shop.sell("k2", sold_at="2026-11-24")


def test_the_business_date_stays_when_the_branch_s_zone_changes(shop: Shop) -> None:
    shop.sell("k1", sold_at="2017-01-01T23:53:26")
    shop.learn_settings(timezone="Asia/Vladivostok")
    shop.sell("k2", sold_at="2017-01-01T23:53:26")
    dates = shop.rows("SELECT business_date, zone FROM sale ORDER BY receipt_number")
    assert dates == [("2017-01-01", "Europe/Moscow"), ("2017-01-01", "Asia/Vladivostok")]


def test_a_sale_at_the_end_of_the_era_is_refused_not_failed(shop: Shop) -> None:
    for text in ("2099-12-31T23:59:59", "1970-01-01T00:00:00", "9999-12-31"):
        with pytest.raises(InvalidInput):
            shop.sell("k1", sold_at=text)


def test_a_register_far_behind_sells_history_in_any_order(shop: Shop) -> None:
    for number, day in enumerate(["2017-03-02", "2017-03-01", "2017-03-03"]):
        shop.sell(f"k{number}", sold_at=f"{day}T12:00:00")
    assert [row[0] for row in shop.rows("SELECT business_date FROM sale ORDER BY receipt_number")] == [
        "2017-03-02",
        "2017-03-01",
        "2017-03-03",
    ]


# The entry.


def test_a_sale_s_entry_says_what_its_rows_say(shop: Shop) -> None:
    shop.learn_product("milk", "Dairy", everywhere=50)
    answer = shop.sell("k1", lines=lines("milk"), client="900")
    (entry,) = shop.entries()
    assert [record.kind for record in entry.records] == [RecordKind.EMPLOYEE, RecordKind.SHIFT_OPEN, RecordKind.SALE]
    record = entry.records[-1]
    sale = decode_sale(record.payload)
    assert record.record_id == answer.sale_id
    assert (sale.receipt_number, sale.client, sale.lines[0].category) == (1, "900", "Dairy")
    assert sale.shift_id == entry.records[1].record_id


def test_a_second_sale_s_entry_holds_the_sale_alone(shop: Shop) -> None:
    shop.sell("k1")
    shop.sell("k2")
    assert shop.kinds(2) == [RecordKind.SALE]


def test_a_sale_s_author_is_its_cashier(shop: Shop) -> None:
    shop.sell("k1", cashier="anna")
    shop.sell("k2", cashier="boris")
    shop.sell("k3", cashier="anna")
    anna, boris, again = (entry.header.author for entry in shop.entries())
    assert anna == again != boris
    assert NIL_ID not in (anna, boris)


def test_the_rows_of_an_entry_are_counted_for_cutting_batches(shop: Shop) -> None:
    shop.sell("k1")
    shop.sell("k2", lines=[*lines("a", amount_minor=25), *lines("b", amount_minor=25)], payments=CASH_50)
    assert shop.rows("SELECT row_count FROM journal ORDER BY position") == [(5,), (4,)]


def test_stamps_grow_even_when_the_clock_is_set_back(shop: Shop) -> None:
    shop.sell("k1")
    shop.clock.advance(-86_400)
    shop.sell("k2")
    first, second = (entry.header.hlc for entry in shop.entries())
    assert second == first + 1


def test_a_sale_too_large_for_an_entry_is_refused_whole(shop: Shop) -> None:
    shop.learn_product("milk", "я" * 2_000, everywhere=1)
    with pytest.raises(Exception, match="One operation may change"):
        shop.sell("k1", lines=lines("milk") * 1_000, payments=[{"method": "cash", "amount_minor": 1_000}])
    assert [shop.count(table) for table in ("sale", "sale_line", "journal", "idempotency_key")] == [0, 0, 0, 0]


def test_the_vat_of_a_line_is_stamped_at_the_rate_of_its_day(shop: Shop) -> None:
    shop.learn_product("milk", everywhere=110)
    milk = derived_id("product", b"milk")
    assert shop.learn(change(RecordKind.PRODUCT, milk, vat_code="food")) == []
    for number, (rate, since) in enumerate([(1_000, None), (2_000, days_from_date(date(2026, 11, 1)))]):
        vat = derived_id("vat", b"%d" % number)
        assert shop.learn(change(RecordKind.VAT_RATE, vat, code="food", rate_basis_points=rate, valid_from=since)) == []
    paid = [{"method": "cash", "amount_minor": 110}]
    for key, sold_at in (("k1", "2026-10-31T12:00:00"), ("k2", "2026-11-01T12:00:00")):
        shop.sell(key, lines=[{"sku": "milk", "quantity": 1}], payments=paid, sold_at=sold_at)
    stamped = "SELECT vat_basis_points, vat_minor FROM sale_line JOIN sale ON sale.id = sale_id ORDER BY sold_at"
    assert shop.rows(stamped) == [(1_000, 10), (2_000, 18)]


# `sell -`.


def sold(shop: Shop, line: bytes) -> dict[str, Any]:
    return answer_line(shop.processor, line, lambda processor, document: processor.sell(parse_sale_request(document)))


def test_a_refused_line_is_answered_with_its_key_and_reason(shop: Shop) -> None:
    answer = sold(shop, asked_line("k1", payments=[]).encode())
    assert (answer["key"], answer["status"]) == ("k1", "refused")
    assert "payments come to 0" in answer["reason"]


def test_a_line_without_a_usable_key_is_answered_without_one(shop: Shop) -> None:
    for line in (b"garbage", b'{"key": 5}', b'{"key": "' + b"k" * 300 + b'"}'):
        assert sold(shop, line)["key"] is None


def test_every_answer_can_be_written_as_utf_8(shop: Shop) -> None:
    answer = sold(shop, asked_line("KEY").replace("KEY", "\\ud800").encode())
    assert answer["status"] == "refused"
    assert json.dumps(answer, ensure_ascii=False).encode()


def test_a_client_without_a_number_is_named_by_id(shop: Shop) -> None:
    client_id = derived_id("client", b"boris")
    shop.learn(change(RecordKind.CLIENT, client_id, name="Boris"))
    shop.sell("k1", client=format_id(client_id))
    shop.sell("k2", client=format_id(b"x" * 16))
    assert shop.rows("SELECT client_id FROM sale ORDER BY receipt_number") == [(client_id,), (None,)]
