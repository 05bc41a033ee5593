"""Amounts of budgets as people write and read them: products in their units, everything else as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.budgets import amount_number, budget_id, owner_of_product, parse_amount, require_owner
from shared.domain.money import BUDGET_MAX
from shared.errors import InvalidInput
from tests.support.strategies import MANY

PRODUCT = owner_of_product("42")


@MANY
@given(st.integers(1, min(BUDGET_MAX, 10**12)))
def test_what_is_shown_can_be_written_again(amount: int) -> None:
    for owner in (PRODUCT, "gift:1"):
        assert parse_amount(owner, str(amount_number(owner, amount))) == amount


@pytest.mark.parametrize(("text", "thousandths"), [("3", 3_000), ("1.5", 1_500), ("0.001", 1)])
def test_of_a_product_units_are_written(text: str, thousandths: int) -> None:
    assert parse_amount(PRODUCT, text) == thousandths


@pytest.mark.parametrize(
    ("owner", "text"),
    [
        (PRODUCT, "0"),
        (PRODUCT, "0.0001"),
        (PRODUCT, "-1"),
        (PRODUCT, "1e3"),
        (PRODUCT, ""),
        ("gift:1", "1.5"),
        ("gift:1", "0"),
        ("gift:1", "٣"),
        ("gift:1", str(BUDGET_MAX + 1)),
        (PRODUCT, "9" * 19),
    ],
)
def test_anything_else_is_refused(owner: str, text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_amount(owner, text)


def test_an_owner_is_a_short_line_and_has_one_budget_a_chain() -> None:
    assert budget_id(b"c" * 16, PRODUCT) == budget_id(b"c" * 16, PRODUCT) != budget_id(b"d" * 16, PRODUCT)
    for bad in ("", " ", "a\nb", "x" * 201):
        with pytest.raises(InvalidInput):
            require_owner(bad)
