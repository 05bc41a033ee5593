"""What a till asks for: taken exactly as meant, or refused in one line."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from branch_node.operations.sale_request import (
    KEY_CHARACTERS_MAX,
    LINE_BYTES_MAX,
    LineRequest,
    SaleRequest,
    parse_object,
    parse_sale_request,
)
from shared.domain.money import AMOUNT_MINOR_MAX
from shared.domain.sales import LINES_MAX, PAYMENTS_MAX, Payment
from shared.errors import InvalidInput
from tests.support.strategies import MANY
from tests.support.tills import asked

LINE = {"sku": "100", "quantity": 1, "amount_minor": 50}
CASH = {"method": "cash", "amount_minor": 50}


def parse(text: str | bytes) -> SaleRequest:
    return parse_sale_request(parse_object(text))


def with_line(**changes: Any) -> dict[str, Any]:
    """A sale whose line is changed; None removes a field."""
    line = {name: value for name, value in {**LINE, **changes}.items() if value is not ...}
    return asked("k1", lines=[line])


def refusal(document: dict[str, Any]) -> str:
    """Why a sale is refused; the reason must be one printable line that says something."""
    with pytest.raises(InvalidInput) as refused:
        parse_sale_request(parse_object(json.dumps(document)))
    assert refused.value.message.isprintable()
    assert 0 < len(refused.value.message) < 300
    return refused.value.message


# What is taken.


def test_a_sale_is_taken_as_it_is_asked() -> None:
    taken = parse(
        '{"key": "k1", "register": "1", "cashier": "anna", "sold_at": "2017-01-01T11:53:26", "client": "900", '
        '"lines": [{"sku": "1095275", "quantity": 0.5, "amount_minor": 50, "discount_minor": 3}], '
        '"payments": [{"method": "cash", "amount_minor": 50}, {"method": "card", "amount_minor": 0}]}'
    )
    assert taken[:5] == ("k1", "1", "anna", "2017-01-01T11:53:26", "900")
    assert taken.lines == (LineRequest("1095275", 500, 50, 3),)
    assert taken.payments == (Payment("cash", 50), Payment("card", 0))


def test_what_is_optional_may_be_left_out() -> None:
    taken = parse_sale_request({**asked("k1"), "lines": [{"sku": "100", "quantity": 1}]})
    assert (taken.sold_at, taken.client) == (None, None)
    assert taken.lines == (LineRequest("100", 1_000, None, 0),)


@pytest.mark.parametrize("key", ["k", "k" * KEY_CHARACTERS_MAX, "ключ 🔑", "two\nlines", " "])
def test_a_key_is_any_text_of_its_length(key: str) -> None:
    assert parse_sale_request(asked(key)).key == key


def test_the_largest_sale_is_taken() -> None:
    document = asked("k1", lines=[LINE] * LINES_MAX, payments=[CASH] * PAYMENTS_MAX)
    taken = parse_sale_request(document)
    assert (len(taken.lines), len(taken.payments)) == (LINES_MAX, PAYMENTS_MAX)
    assert parse_sale_request(with_line(amount_minor=AMOUNT_MINOR_MAX)).lines[0].amount_minor == AMOUNT_MINOR_MAX


def test_a_line_of_nothing_for_nothing_is_taken() -> None:
    taken = parse_sale_request(with_line(quantity=0, amount_minor=0))
    assert taken.lines == (LineRequest("100", 0, 0, 0),)


def test_a_sale_may_be_free_and_paid_by_nobody() -> None:
    assert parse_sale_request(asked("k1", payments=[])).payments == ()


# What is refused.


@pytest.mark.parametrize(
    "line",
    [
        "",
        "   ",
        "not json",
        "{",
        "{}}",
        "{} {}",
        "[]",
        "1",
        "null",
        '"text"',
        "{'key': 1}",
        '{"key": NaN}',
        '{"key": -Infinity}',
        '{"key": "a", "key": "b"}',
        '{"lines": [{"sku": "1", "sku": "2"}]}',
        "[" * 100_000,
        '{"quantity": ' + "9" * 10_000 + "}",
        "\ufeff{}",
        b"\xff\xfe{}",
        b'{"key": "\xd0"}',
        " " * (LINE_BYTES_MAX + 1),
        b" " * (LINE_BYTES_MAX + 1),
    ],
    ids=lambda line: repr(line[:20]),
)
def test_what_is_no_json_object_is_refused(line: str | bytes) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_object(line)
    assert refused.value.message.isprintable()


@pytest.mark.parametrize("number", ["1e99999999999999999999", "1e-99999999999999999999"])
def test_a_number_beyond_all_decimals_is_refused(number: str) -> None:
    with pytest.raises(InvalidInput):
        parse_object(f'{{"quantity": {number}}}')


def test_a_time_that_cannot_be_encoded_is_refused() -> None:
    assert "sold_at" in refusal(asked("k1", sold_at="\ud800"))


@pytest.mark.parametrize("name", ["key", "register", "cashier", "lines", "payments"])
@pytest.mark.parametrize("value", [None, "", 5, True, {}, ...])
def test_a_required_field_that_is_missing_or_of_another_type_is_refused(name: str, value: Any) -> None:
    document = {**asked("k1"), name: value}
    if value is ...:
        del document[name]
    assert name in refusal(document)


@pytest.mark.parametrize("name", ["sold_at", "client"])
@pytest.mark.parametrize("value", [5, True, [], {}])
def test_an_optional_field_of_another_type_is_refused(name: str, value: Any) -> None:
    assert name in refusal({**asked("k1"), name: value})


@pytest.mark.parametrize("key", ["", "k" * (KEY_CHARACTERS_MAX + 1), "a\0b", "\ud800"])
def test_a_key_that_cannot_be_kept_is_refused(key: str) -> None:
    assert "key" in refusal(asked(key))


@pytest.mark.parametrize("code", ["", " 1", "1 ", "a\nb", "\0", "\ud800", "x" * 65, ["1"]])
@pytest.mark.parametrize("name", ["register", "cashier", "client"])
def test_a_code_that_cannot_be_printed_is_refused(name: str, code: Any) -> None:
    assert name in refusal({**asked("k1"), name: code})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sku": ...}, "sku"),
        ({"sku": ""}, "sku"),
        ({"sku": 100}, "sku"),
        ({"quantity": ...}, "quantity"),
        ({"quantity": "1"}, "quantity"),
        ({"quantity": True}, "quantity"),
        ({"quantity": -1}, "negative"),
        ({"quantity": -0.001}, "negative"),
        ({"quantity": 0.0001}, "three decimals"),
        ({"quantity": 1e300}, "quantity"),
        ({"quantity": 10**10}, "larger"),
        ({"amount_minor": -1}, "negative"),
        ({"amount_minor": 0.5}, "whole number"),
        ({"amount_minor": 50.0}, "whole number"),
        ({"amount_minor": "50"}, "whole number"),
        ({"amount_minor": True}, "whole number"),
        ({"amount_minor": AMOUNT_MINOR_MAX + 1}, "larger"),
        ({"discount_minor": -1}, "negative"),
        ({"discount_minor": AMOUNT_MINOR_MAX + 1}, "larger"),
        ({"price": 5}, "no field"),
    ],
    ids=str,
)
def test_a_line_that_cannot_be_sold_is_refused_by_its_number(changes: dict[str, Any], words: str) -> None:
    reason = refusal(with_line(**changes))
    assert "lines[1]" in reason
    assert words in reason


def test_the_second_line_is_named_when_the_second_is_wrong() -> None:
    assert "lines[2]" in refusal(asked("k1", lines=[LINE, {}]))


@pytest.mark.parametrize(
    "payment",
    [
        {},
        {"method": "cash"},
        {"amount_minor": 50},
        {"method": "", "amount_minor": 50},
        {"method": 5, "amount_minor": 50},
        {"method": "cash", "amount_minor": -1},
        {"method": "cash", "amount_minor": 0.5},
        {"method": "cash", "amount_minor": None},
        {"method": "cash", "amount_minor": AMOUNT_MINOR_MAX + 1},
        {"method": "cash", "amount_minor": 1, "currency": "USD"},
        None,
        "cash",
        [],
    ],
    ids=str,
)
def test_a_payment_that_is_none_is_refused_by_its_number(payment: Any) -> None:
    assert "payments[1]" in refusal(asked("k1", payments=[payment]))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"lines": []}, "at least one line"),
        ({"lines": [LINE] * (LINES_MAX + 1)}, "1001 items"),
        ({"payments": [CASH] * (PAYMENTS_MAX + 1)}, "21 items"),
        ({"lines": [None]}, "must be an object"),
        ({"lines": {"sku": "1"}}, "must be a list"),
        ({"currency": "USD"}, "no field “currency”"),
        ({"a\nb\ud800" * 100: 1}, "no field"),
    ],
    ids=lambda value: str(value)[:40].encode("ascii", "replace").decode(),
)
def test_a_sale_of_another_shape_is_refused(changes: dict[str, Any], words: str) -> None:
    assert words in refusal({**asked("k1"), **changes})


@MANY
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["key", "register", "cashier", "lines", "payments", "sku"]), inner)
        ),
    )
)
def test_no_document_at_all_leads_to_anything_but_a_sale_or_a_refusal(document: Any) -> None:
    with pytest.raises(InvalidInput):
        parse_sale_request(parse_object(json.dumps(document)))


# The content of a key.


def content(**changes: Any) -> bytes:
    return parse_sale_request(parse_object(json.dumps(asked("k1", **changes)))).content_hash


PAID = '"payments":[{"method":"cash","amount_minor":50}]'
BASE = (
    '{"key":"k1","register":"1","cashier":"anna","lines":[{"sku":"100","quantity":1,"amount_minor":50}],' + PAID + "}"
)


@pytest.mark.parametrize(
    "spelling",
    [
        BASE.replace(":", " : ").replace(",", " ,\n"),
        BASE.replace('"quantity":1', '"quantity":1.0'),
        BASE.replace('"quantity":1', '"quantity":1.000'),
        BASE.replace('"quantity":1', '"quantity":10e-1'),
        BASE.replace('"amount_minor":50}],"p', '"amount_minor":50,"discount_minor":0}],"p'),
        BASE.replace('"cashier":"anna"', '"client":null,"sold_at":null,"cashier":"\\u0061nna"'),
        "{" + PAID + "," + BASE[1:].replace("," + PAID, ""),
        BASE.replace('"k1"', '"another key"'),
    ],
)
def test_another_spelling_of_the_same_content_has_the_same_hash(spelling: str) -> None:
    assert parse(spelling).content_hash == parse(BASE).content_hash


@pytest.mark.parametrize(
    "changes",
    [
        {"register": "2"},
        {"cashier": "boris"},
        {"client": "900"},
        {"sold_at": "2017-01-01T11:53:26"},
        {"lines": [{**LINE, "sku": "101"}]},
        {"lines": [{**LINE, "quantity": 1.001}]},
        {"lines": [{**LINE, "amount_minor": 51}]},
        {"lines": [{**LINE, "discount_minor": 1}]},
        {"lines": [{"sku": "100", "quantity": 1}]},
        {"lines": [LINE, LINE]},
        {"payments": [{**CASH, "method": "card"}]},
        {"payments": [{**CASH, "amount_minor": 51}]},
        {"payments": [CASH, CASH]},
        {"payments": []},
    ],
    ids=str,
)
def test_other_content_has_another_hash(changes: dict[str, Any]) -> None:
    assert content(**changes) != content()


def test_the_hash_of_content_never_changes() -> None:
    # It is stored with every key: by another hash, a till that asks again after an upgrade would be refused.
    written = '["1", "anna", null, null, [["100", 1000, 50, 0]], [["cash", 50]]]'
    assert content() == hashlib.sha256(written.encode()).digest()
