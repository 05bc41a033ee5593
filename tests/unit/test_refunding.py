"""Refunds at a branch: by receipt, never more than was sold, to the kopeck, once for every key."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from branch_node.operations.keys import known_key
from branch_node.operations.refund_request import parse_refund_request
from branch_node.operations.refunding import RefundAnswer, refund
from branch_node.operations.sale_request import parse_object
from shared.domain.identifiers import format_id
from shared.domain.records import RecordKind
from shared.errors import FilialError, InvalidInput, KeyReused, NotFound, Refused
from shared.wire.decoding import decode_entry
from tests.support.shop import Shop


def give_back(shop: Shop, key: str = "r1", /, **asked: Any) -> RefundAnswer:
    """Refunds in a transaction of its own."""
    document = {"key": key, "register": "1", "cashier": "vera", **asked}
    with shop.store.operation() as transaction:
        return refund(transaction, parse_refund_request(parse_object(json.dumps(document))))


def sell_two_lines(shop: Shop) -> str:
    lines = [
        {"sku": "milk", "quantity": 3, "amount_minor": 100, "discount_minor": 20},
        {"sku": "bread", "quantity": 1, "amount_minor": 55},
    ]
    paid = [{"method": "card", "amount_minor": 100}, {"method": "cash", "amount_minor": 60}]
    return shop.sell("k1", lines=lines, payments=paid).receipt


def paid_back(shop: Shop) -> dict[str, int]:
    return dict(shop.rows("SELECT method, SUM(amount_minor) FROM refund_payment GROUP BY method"))


def test_a_whole_receipt_comes_back_as_it_was_paid(shop: Shop) -> None:
    receipt = sell_two_lines(shop)
    answer = give_back(shop, receipt=receipt)
    assert (answer.receipt, answer.total_minor, answer.confirmed) == ("1-000002", 155, False)
    assert paid_back(shop) == {"card": 100, "cash": 55}
    entry = decode_entry(shop.entries()[answer.entry - 1])
    ((refund_id, fact),) = entry.refunds
    assert (refund_id, fact.sale_receipt, fact.cashier) == (answer.refund_id, receipt, "vera")
    assert [(line.sale_line, line.sku, line.amount_minor, line.discount_minor) for line in fact.lines] == [
        (1, "milk", 100, 20),
        (2, "bread", 55, 0),
    ]


def test_parts_of_a_line_sum_exactly_to_the_line(shop: Shop) -> None:
    receipt = sell_two_lines(shop)
    amounts = [
        give_back(shop, f"r{number}", receipt=receipt, lines=[{"line": 1, "quantity": 1}]).total_minor
        for number in range(3)
    ]
    assert sum(amounts) == 100
    assert all(abs(amount - 100 / 3) < 1 for amount in amounts)
    assert shop.one("SELECT SUM(discount_minor) FROM refund_line") == 20


def test_no_more_comes_back_than_was_sold(shop: Shop) -> None:
    receipt = sell_two_lines(shop)
    give_back(shop, "r1", receipt=receipt, lines=[{"line": 1, "quantity": 2}])
    with pytest.raises(InvalidInput, match="Of line 1"):
        give_back(shop, "r2", receipt=receipt, lines=[{"line": 1, "quantity": 2}])
    with pytest.raises(InvalidInput, match="no line 7"):
        give_back(shop, "r3", receipt=receipt, lines=[{"line": 7}])
    give_back(shop, "r4", receipt=receipt)
    with pytest.raises(Refused, match="given back already"):
        give_back(shop, "r5", receipt=receipt)
    assert shop.one("SELECT SUM(amount_minor) FROM refund_line") == 155
    assert paid_back(shop) == {"card": 100, "cash": 55}
    assert shop.one("SELECT last_receipt_number FROM register") == 3


@pytest.mark.parametrize("seed", range(12))
def test_refunding_everything_in_any_steps_returns_exactly_what_was_paid(shop: Shop, seed: int) -> None:
    choose = random.Random(seed)
    quantities = [choose.randint(1, 4) for _ in range(choose.randint(1, 3))]
    lines: list[dict[str, Any]] = [
        {"sku": str(number), "quantity": quantity, "amount_minor": choose.randint(0, 500)}
        for number, quantity in enumerate(quantities)
    ]
    total = sum(line["amount_minor"] for line in lines)
    card = choose.randint(0, total)
    paid = [{"method": "card", "amount_minor": card}, {"method": "cash", "amount_minor": total - card + 7}]
    sold = shop.sell("k", lines=lines, payments=paid)
    left = dict(enumerate(quantities, 1))
    while any(left.values()):
        line = choose.choice([number for number, quantity in left.items() if quantity])
        part = choose.randint(1, left[line])
        left[line] -= part
        key = f"r{line}-{left[line]}"
        give_back(shop, key, sale=format_id(sold.sale_id), lines=[{"line": line, "quantity": part}])
    back = paid_back(shop)
    assert sum(back.values()) == total
    assert back.get("card", 0) == card
    assert shop.one("SELECT SUM(amount_minor) FROM refund_line") == total


def test_a_key_gives_back_once(shop: Shop) -> None:
    receipt = sell_two_lines(shop)
    first = give_back(shop, receipt=receipt, lines=[{"line": 2}])
    assert give_back(shop, receipt=receipt, lines=[{"line": 2}]) == first
    with pytest.raises(KeyReused):
        give_back(shop, receipt=receipt, lines=[{"line": 1}])
    with pytest.raises(KeyReused):
        give_back(shop, "k1", receipt=receipt)
    with pytest.raises(KeyReused):
        shop.sell("r1")
    with shop.store.operation() as transaction, pytest.raises(KeyReused):
        known_key(transaction, "r1", b"other")
    assert shop.count("refund") == 1


def test_an_unknown_receipt_is_named(shop: Shop) -> None:
    with pytest.raises(NotFound, match="no receipt 1-000009"):
        give_back(shop, receipt="1-000009")
    with pytest.raises(InvalidInput, match="no receipt number"):
        give_back(shop, receipt="garbage")
    with pytest.raises(NotFound, match="no sale"):
        give_back(shop, sale=format_id(b"x" * 16))
    assert shop.count("journal") == 0


def test_goods_without_a_receipt_name_what_they_are(shop: Shop) -> None:
    shop.learn_product("milk", "Dairy", everywhere=90)
    answer = give_back(shop, lines=[{"sku": "milk", "quantity": 2, "amount_minor": 180}], authorised_by="boss")
    assert answer.total_minor == 180
    assert shop.rows("SELECT sale_line, category, amount_minor FROM refund_line") == [(0, "Dairy", 180)]
    assert shop.rows("SELECT sale_id, authorised_by FROM refund") == [(None, "boss")]


def test_payments_that_are_asked_for_must_come_to_the_same(shop: Shop) -> None:
    receipt = sell_two_lines(shop)
    with pytest.raises(InvalidInput, match="come to 50, what is given back to 55"):
        give_back(shop, receipt=receipt, lines=[{"line": 2}], payments=[{"method": "cash", "amount_minor": 50}])
    give_back(shop, receipt=receipt, lines=[{"line": 2}], payments=[{"method": "cash", "amount_minor": 55}])
    assert paid_back(shop) == {"cash": 55}


def test_a_refund_opens_an_implicit_shift_and_has_a_number_of_its_own(shop: Shop) -> None:
    sell_two_lines(shop)
    answer = give_back(shop, receipt="1-000001", register="2")
    assert answer.receipt == "2-000001"
    assert shop.kinds(answer.entry) == [RecordKind.EMPLOYEE, RecordKind.SHIFT_OPEN, RecordKind.REFUND]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "names a receipt"),
        ({"lines": [{"line": 1}]}, "names the receipt"),
        ({"receipt": "1-000001", "lines": [{"sku": "1"}]}, "no field “sku”"),
        ({"receipt": "1-000001", "lines": [{"line": 0}]}, "from 1"),
        ({"receipt": "1-000001", "lines": [{"line": True}]}, "from 1"),
        ({"receipt": "1-000001", "lines": [{"line": 1, "quantity": -1}]}, "negative"),
        ({"receipt": "1-000001", "lines": {}}, "must be a list"),
        ({"sale": "abc"}, "id of a sale"),
        ({"sale": 5}, "id of a sale"),
        ({"receipt": "1-000001", "reason": 5}, "reason must be a text"),
        ({"receipt": "1-000001", "discount": 5}, "no field “discount”"),
        ({"receipt": "1-000001", "refunded_at": 5}, "refunded_at must be"),
        ({"receipt": "1-000001", "key": ""}, "key must be"),
        ({"receipt": "1-000001", "payments": [{"method": "cash"}]}, "amount_minor"),
    ],
)
def test_a_bad_request_is_refused_with_its_reason(shop: Shop, changes: dict[str, Any], reason: str) -> None:
    document = {"key": "r", "register": "1", "cashier": "vera", **changes}
    with pytest.raises(FilialError, match=reason):
        parse_refund_request(parse_object(json.dumps(document)))
