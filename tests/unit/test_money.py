"""Money and quantities: exact integers, whatever way they come in."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.money import (
    AMOUNT_MINOR_MAX,
    QUANTITY_THOUSANDTHS_MAX,
    extend_price,
    format_minor,
    minor_digits,
    parse_major,
    parse_quantity,
    quantity_number,
    require_currency,
    require_minor,
)
from shared.errors import InvalidInput
from tests.support.strategies import MANY, SOME

currencies = st.sampled_from(["RUB", "USD", "JPY", "KWD"])
minors = st.integers(-AMOUNT_MINOR_MAX, AMOUNT_MINOR_MAX)
thousandths = st.integers(0, QUANTITY_THOUSANDTHS_MAX)


@MANY
@given(minors, currencies)
def test_an_amount_that_is_written_is_read_back_the_same(amount: int, currency: str) -> None:
    assert parse_major(format_minor(amount, currency), currency) == amount


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (148_169, "RUB", "1481.69"),
        (5, "RUB", "0.05"),
        (0, "RUB", "0.00"),
        (-5, "RUB", "-0.05"),
        (-123, "RUB", "-1.23"),
        (148_169, "JPY", "148169"),
        (148_169, "KWD", "148.169"),
        (7, "KWD", "0.007"),
    ],
)
def test_each_currency_is_written_with_its_own_decimals(amount: int, currency: str, text: str) -> None:
    assert format_minor(amount, currency) == text


@pytest.mark.parametrize("text", ["1481.69", "1481,69", "1 481,69", "1\u00a0481.69", "1\u202f481,69", "+1481.690"])
def test_an_amount_may_be_spelled_as_people_spell_it(text: str) -> None:
    assert parse_major(text, "RUB") == 148_169


@pytest.mark.parametrize(
    "text", ["", " ", "abc", "1.2.3", "1,481.69", "0.001", "12-3", "NaN", "sNaN", "Infinity", "10000000000000.01"]
)
def test_what_is_not_an_amount_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_major(text, "RUB")


def test_a_currency_without_decimals_takes_none() -> None:
    assert parse_major("148169", "JPY") == 148_169
    with pytest.raises(InvalidInput, match="JPY"):
        parse_major("1481.69", "JPY")


def test_an_amount_of_a_million_digits_is_refused() -> None:
    with pytest.raises(InvalidInput):
        parse_major("1e999999", "RUB")


def test_an_amount_with_a_far_decimal_is_refused() -> None:
    with pytest.raises(InvalidInput):
        parse_major("1.00000000000000000000000000000000001", "RUB")


@pytest.mark.parametrize("value", [0, 1, AMOUNT_MINOR_MAX])
def test_minor_units_within_the_limits_are_taken(value: int) -> None:
    assert require_minor(value, "amount") == value


@pytest.mark.parametrize("value", [-1, AMOUNT_MINOR_MAX + 1, True, 1.0, "1", None, Decimal(1), [1]])
def test_anything_but_a_whole_number_within_the_limits_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput, match=r"^amount "):
        require_minor(value, "amount")


def test_the_largest_amount_can_be_chosen() -> None:
    assert require_minor(7, "amount", 7) == 7
    with pytest.raises(InvalidInput, match="larger than 7"):
        require_minor(8, "amount", 7)


@MANY
@given(thousandths)
def test_a_quantity_with_three_decimals_is_exact(expected: int) -> None:
    assert parse_quantity(Decimal(expected).scaleb(-3), "quantity") == expected


@SOME
@given(thousandths, st.integers(1, 999), st.integers(1, 9))
def test_a_quantity_with_more_decimals_is_refused(whole: int, rest: int, places: int) -> None:
    value = Decimal(whole).scaleb(-3) + Decimal(rest * 10 + 1).scaleb(-6 - places)
    with pytest.raises(InvalidInput):
        parse_quantity(value, "quantity")


@pytest.mark.parametrize(
    ("value", "expected"),
    [(3, 3_000), (0, 0), (Decimal("3.0"), 3_000), (Decimal("0.500000"), 500), (Decimal("1E3"), 1_000_000)],
)
def test_a_quantity_may_be_spelled_in_any_way(value: object, expected: int) -> None:
    assert parse_quantity(value, "quantity") == expected


@pytest.mark.parametrize(
    "value",
    [-1, Decimal("-0.001"), 10**9 + 1, Decimal("1e400"), Decimal("NaN"), Decimal("Infinity"), 0.5, "3", None, True],
)
def test_what_is_not_a_quantity_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput, match=r"^quantity "):
        parse_quantity(value, "quantity")


def test_a_quantity_with_a_far_decimal_is_refused() -> None:
    with pytest.raises(InvalidInput):
        parse_quantity(Decimal("1.0000000000000000000000000000001"), "quantity")


def test_a_negative_quantity_of_a_million_digits_is_refused() -> None:
    with pytest.raises(InvalidInput):
        parse_quantity(Decimal("-1e999999"), "quantity")


@SOME
@given(thousandths)
def test_a_quantity_is_shown_as_the_number_it_is(quantity: int) -> None:
    shown = quantity_number(quantity)
    assert parse_quantity(shown if isinstance(shown, int) else Decimal(str(shown)), "quantity") == quantity
    assert isinstance(shown, int) == (quantity % 1_000 == 0)


@MANY
@given(st.integers(0, AMOUNT_MINOR_MAX), thousandths)
def test_price_times_quantity_is_rounded_half_to_even(price: int, quantity: int) -> None:
    exact = Decimal(price * quantity).scaleb(-3)
    assert extend_price(price, quantity) == exact.quantize(Decimal(1), ROUND_HALF_EVEN)


@SOME
@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_half_a_kopeck_goes_to_the_even_one(price: int, halves: int) -> None:
    exact = Decimal(price * halves * 500) / 1_000
    assert extend_price(price, halves * 500) == exact.quantize(Decimal(1), ROUND_HALF_EVEN)


def test_rounding_is_exact_where_floats_are_not() -> None:
    assert extend_price(AMOUNT_MINOR_MAX - 1, 1_001) == 1_000_999_999_999_999
    assert [extend_price(1, quantity) for quantity in (499, 500, 501, 1_500, 2_500)] == [0, 0, 1, 2, 2]


@pytest.mark.parametrize("code", ["RUB", "USD"])
def test_a_currency_is_three_capital_letters(code: str) -> None:
    assert require_currency(code) == code
    assert minor_digits(code) == 2


@pytest.mark.parametrize("code", ["rub", "RU", "RUBL", "R1B", "РУБ", "", None, 643])
def test_any_other_currency_code_is_refused(code: object) -> None:
    with pytest.raises(InvalidInput):
        require_currency(code)
