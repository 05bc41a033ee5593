"""The arithmetic of a sale: totals, payments and change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.money import TOTAL_MINOR_MAX
from shared.domain.sales import CASH, Payment, SaleTotals, format_receipt, require_settled, total_lines
from shared.errors import InvalidInput
from tests.support.journal import line
from tests.support.strategies import MANY, SOME, sale_lines

handed_over = st.lists(
    st.builds(Payment, st.sampled_from([CASH, "card", "voucher"]), st.integers(0, 1_000)), max_size=5
)


@MANY
@given(st.integers(0, 2_000), handed_over)
def test_change_is_what_exceeds_the_total_and_never_more_than_the_cash(total: int, payments: list[Payment]) -> None:
    paid = sum(payment.amount_minor for payment in payments)
    cash = sum(payment.amount_minor for payment in payments if payment.method == CASH)
    if total <= paid <= total + cash:
        change = require_settled(total, payments)
        assert 0 <= change <= cash
        assert paid == total + change
    else:
        with pytest.raises(InvalidInput):
            require_settled(total, payments)


def test_exact_payments_leave_no_change() -> None:
    assert require_settled(100, [Payment("card", 60), Payment(CASH, 40)]) == 0
    assert require_settled(0, []) == 0


def test_cash_over_the_total_is_given_back() -> None:
    assert require_settled(100, [Payment("card", 60), Payment(CASH, 50), Payment(CASH, 10)]) == 20


def test_payments_below_the_total_are_refused() -> None:
    with pytest.raises(InvalidInput, match="come to 99"):
        require_settled(100, [Payment(CASH, 99)])


def test_a_card_is_never_charged_more_than_the_total() -> None:
    with pytest.raises(InvalidInput, match="only cash can exceed"):
        require_settled(100, [Payment("card", 101)])
    with pytest.raises(InvalidInput, match="only cash can exceed"):
        require_settled(100, [Payment("card", 120), Payment(CASH, 10)])


def test_a_method_counts_as_cash_only_by_its_exact_name() -> None:
    with pytest.raises(InvalidInput):
        require_settled(100, [Payment("Cash", 101)])


def test_a_total_that_json_readers_cannot_hold_is_refused() -> None:
    assert require_settled(TOTAL_MINOR_MAX, [Payment(CASH, TOTAL_MINOR_MAX)]) == 0
    with pytest.raises(InvalidInput, match="larger than"):
        require_settled(TOTAL_MINOR_MAX + 1, [Payment(CASH, TOTAL_MINOR_MAX + 1)])


@SOME
@given(st.lists(sale_lines, max_size=5))
def test_gross_is_net_before_discounts(lines: list[tuple[object, ...]]) -> None:
    totals = total_lines(lines)  # type: ignore[arg-type]
    assert totals.gross_minor == totals.net_minor + totals.discounts_minor


def test_totals_add_up_the_lines() -> None:
    lines = [line("1", 50, quantity=2, discount=5), line("1", 70), line("2", 0, quantity=0)]
    assert total_lines(lines) == SaleTotals(3_000, 125, 5, 120)


@pytest.mark.parametrize(("number", "text"), [(1, "1-000001"), (999_999, "1-999999"), (1_000_000, "1-1000000")])
def test_a_receipt_shows_its_register_and_six_digits_or_more(number: int, text: str) -> None:
    assert format_receipt("1", number) == text
