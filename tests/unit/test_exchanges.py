"""The laws of exchanges: both halves balance, nothing is lost by going round, a card's money never becomes cash."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.exchanges import EXCHANGE, comes_back_by, exchanged, is_exchange, settle_exchange
from shared.domain.receipt_labels import method_label
from shared.domain.refunds import refund_payments
from shared.domain.sales import Payment

AMOUNTS = st.integers(0, 10_000)
PAID = st.builds(
    lambda card, points, cash: tuple(
        Payment(method, amount) for method, amount in (("card", card), ("points", points), ("cash", cash)) if amount
    ),
    AMOUNTS,
    AMOUNTS,
    AMOUNTS,
)


def total(payments: tuple[Payment, ...]) -> int:
    return sum(payment.amount_minor for payment in payments)


def by(payments: tuple[Payment, ...]) -> Counter[str]:
    """Money by method; what goods settled is no money."""
    sums: Counter[str] = Counter()
    for method, amount in payments:
        if not is_exchange(method):
            sums[method] += amount
    return sums


def test_a_method_is_remembered_through_the_exchange() -> None:
    for method in ("cash", "card", "certificate", "exchange"):
        assert comes_back_by(exchanged(method)) == method
        assert is_exchange(exchanged(method))
    assert exchanged("cash") == EXCHANGE
    assert comes_back_by("card") == "card"
    assert comes_back_by("exchange:") == "cash"
    assert not is_exchange("exchanged")
    # A name too long to be remembered is exchanged as cash.
    assert exchanged("x" * 60) == EXCHANGE


@pytest.mark.parametrize(
    ("method", "words"),
    [("exchange", "Обмен"), ("exchange:card", "Обмен (банковская карта)"), ("exchange:x", "Обмен (x)")],
)
def test_the_method_has_words(method: str, words: str) -> None:
    assert method_label(method, "ru") == words


@given(proposed=PAID, due_minor=AMOUNTS)
def test_both_halves_balance_and_points_stay_points(proposed: tuple[Payment, ...], due_minor: int) -> None:
    settled = settle_exchange(proposed, due_minor, "points")
    assert total(settled.refund_payments) == total(proposed)
    assert settled.settled_minor == min(due_minor, total(proposed) - by(proposed)["points"])
    assert [each for each in settled.refund_payments if is_exchange(each.method)] == list(settled.sale_payments)
    assert total(settled.paid_out) + settled.settled_minor == total(proposed)
    assert by(settled.paid_out)["points"] == by(proposed)["points"]
    assert all(payment.amount_minor > 0 for payment in settled.refund_payments)
    # To the card first: cash goes out only when all that was paid by card does.
    if by(settled.paid_out)["cash"]:
        assert by(settled.paid_out)["card"] == by(proposed)["card"]


@given(paid=PAID.filter(bool), data=st.data())
def test_an_exchange_and_then_refunds_of_everything_return_exactly_what_was_paid(
    paid: tuple[Payment, ...], data: st.DataObject
) -> None:
    sold = total(paid)
    part = data.draw(st.integers(1, sold))
    proposed = refund_payments(paid, 0, (), sold, 0, part).payments
    price = data.draw(st.integers(1, 20_000))
    settled = settle_exchange(proposed, price, "points")
    rest = price - settled.settled_minor
    by_card = data.draw(st.integers(0, rest))
    more = tuple(Payment(method, amount) for method, amount in (("card", by_card), ("cash", rest - by_card)) if amount)
    assert total((*settled.sale_payments, *more)) == price
    left = refund_payments(paid, 0, settled.refund_payments, sold, part, sold - part).payments
    again = refund_payments((*settled.sale_payments, *more), 0, (), price, 0, price).payments
    assert not any(is_exchange(payment.method) for payment in (*left, *again))
    assert by((*paid, *more)) == by((*settled.paid_out, *left, *again))
