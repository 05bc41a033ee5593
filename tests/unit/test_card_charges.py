"""A charge that the terminal approved is one sale's or one refund's, in that operation's own transaction."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from branch_node.devices.payment_terminal import SimulatedTerminal
from branch_node.operations.card_payments import ask, begin_attempt, require_attempt, reverse, unresolved
from branch_node.operations.refund_request import parse_refund_request
from branch_node.operations.refunding import refund
from branch_node.operations.selling import SaleAnswer, sell
from shared.domain.card_payments import AttemptState
from shared.errors import NotFound, Refused
from tests.support.shop import Shop, request

AMOUNT = 700


@pytest.fixture
def terminal(tmp_path: Path) -> SimulatedTerminal:
    return SimulatedTerminal(tmp_path / "terminal")


def approve(shop: Shop, terminal: SimulatedTerminal, key: str = "k1", amount: int = AMOUNT, **more: Any) -> str:
    attempt = begin_attempt(shop.store, key, "1", amount, "RUB", **more)
    assert ask(shop.store, terminal, attempt.reference).state is AttemptState.APPROVED
    return attempt.reference


def pay_by_card(shop: Shop, key: str = "k1", amount: int = AMOUNT, references: tuple[str, ...] = ()) -> SaleAnswer:
    asked = request(key, amount, payments=[{"method": "card", "amount_minor": amount}])
    with shop.store.operation() as transaction:
        return sell(transaction, asked._replace(card_references=references))


@pytest.mark.parametrize("is_named", [False, True])
def test_a_sale_uses_its_charge(shop: Shop, terminal: SimulatedTerminal, is_named: bool) -> None:
    reference = approve(shop, terminal)
    sold = pay_by_card(shop, references=(reference,) if is_named else ())
    attempt = require_attempt(shop.store, reference)
    assert (attempt.state, attempt.record_id) == (AttemptState.USED, sold.sale_id)
    assert pay_by_card(shop, references=(reference,) if is_named else ()) == sold
    assert unresolved(shop.store) == []


def test_two_charges_of_one_amount_are_both_used(shop: Shop, terminal: SimulatedTerminal) -> None:
    both = (approve(shop, terminal, payment_number=1), approve(shop, terminal, payment_number=2))
    asked = request("k1", 2 * AMOUNT, payments=[{"method": "card", "amount_minor": AMOUNT}] * 2)
    with shop.store.operation() as transaction:
        sell(transaction, asked)
    assert {require_attempt(shop.store, reference).state for reference in both} == {AttemptState.USED}


def test_a_charge_of_another_amount_stops_the_sale(shop: Shop, terminal: SimulatedTerminal) -> None:
    reference = approve(shop, terminal, amount=AMOUNT - 1)
    for references in ((), (reference,)):
        with pytest.raises(Refused, match="approved"):
            pay_by_card(shop, references=references)
    assert shop.count("sale") == 0
    assert require_attempt(shop.store, reference).state is AttemptState.APPROVED


def test_a_charge_serves_one_sale_only(shop: Shop, terminal: SimulatedTerminal) -> None:
    reference = approve(shop, terminal)
    pay_by_card(shop, references=(reference,))
    with pytest.raises(Refused, match="used, not approved"):
        pay_by_card(shop, "k2", references=(reference,))
    with pytest.raises(Refused, match="of its own"):
        pay_by_card(shop, "k3", references=(reference, reference))
    with pytest.raises(NotFound):
        pay_by_card(shop, "k4", references=("nothing",))
    assert shop.count("sale") == 1


def test_a_charge_that_was_reversed_pays_for_nothing(shop: Shop, terminal: SimulatedTerminal) -> None:
    reference = approve(shop, terminal)
    reverse(shop.store, terminal, reference)
    with pytest.raises(Refused, match="reversed, not approved"):
        pay_by_card(shop, references=(reference,))


def test_a_payment_that_no_terminal_took_needs_no_charge(shop: Shop) -> None:
    assert pay_by_card(shop).receipt == "1-000001"


def test_a_sale_that_is_rolled_back_leaves_its_charge_free(shop: Shop, terminal: SimulatedTerminal) -> None:
    reference = approve(shop, terminal)

    def sell_and_fail() -> None:
        with shop.store.operation() as transaction:
            sell(transaction, request("k1", AMOUNT, payments=[{"method": "card", "amount_minor": AMOUNT}]))
            raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        sell_and_fail()
    assert require_attempt(shop.store, reference).state is AttemptState.APPROVED


def test_a_refund_uses_what_the_terminal_paid_back(shop: Shop, terminal: SimulatedTerminal) -> None:
    charge = approve(shop, terminal)
    pay_by_card(shop)
    back = approve(shop, terminal, "r1", refunds=charge)
    document = {"key": "r1", "register": "1", "cashier": "anna", "receipt": "1-000001"}
    with shop.store.operation() as transaction:
        given = refund(transaction, parse_refund_request(document))
    attempt = require_attempt(shop.store, back)
    assert (attempt.state, attempt.record_id) == (AttemptState.USED, given.refund_id)
