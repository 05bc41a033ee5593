"""Paying at the till by card and in cash together: a charge counts once, whatever the terminal says."""

from __future__ import annotations

from pathlib import Path

import pytest

from branch_node.devices.payment_terminal import Script, SimulatedTerminal
from branch_node.operations import basket, sale_actions, sale_payments
from branch_node.operations.client_search import find_at_till
from branch_node.operations.sale_actions import Entry, Till
from shared.domain.card_payments import AttemptState
from shared.domain.masking import mask_name, mask_phone
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.domain.rounding import CashRounding
from shared.errors import InvalidInput, Refused
from tests.support.basket_desk import learn_goods
from tests.support.shop import Shop


@pytest.fixture
def till(shop: Shop) -> Till:
    learn_goods(shop, "milk", 8_350)
    found = Till(shop.store, LOCAL_ADMINISTRATOR, "1")
    sale_actions.enter(found, [Entry("r1", "milk")])
    return found


@pytest.fixture
def terminal(tmp_path: Path) -> SimulatedTerminal:
    return SimulatedTerminal(tmp_path / "terminal")


def current(till: Till) -> bytes:
    found = basket.current_basket(till.store, "1")
    assert found
    return found


def test_a_card_pays_all_and_its_charge_belongs_to_the_sale(
    till: Till, shop: Shop, terminal: SimulatedTerminal
) -> None:
    basket_id = current(till)
    answer = sale_payments.pay_by_card(till, shop.processor.sell, terminal, basket_id, None)
    assert answer.outcome is not None
    assert answer.outcome.sold is not None
    assert shop.rows("SELECT state, record_id FROM card_attempt") == [("used", answer.outcome.sold.sale_id)]
    assert list(terminal.charges().values()) == [8_350]


def test_a_part_by_card_leaves_the_rest_for_cash(till: Till, shop: Shop, terminal: SimulatedTerminal) -> None:
    basket_id = current(till)
    assert sale_payments.pay_by_card(till, shop.processor.sell, terminal, basket_id, 5_000).outcome is None
    due = sale_payments.due_of(basket.view(till.store, basket_id), sale_payments.attempts_of(till, basket_id))
    assert (due.by_card_minor, due.left_minor) == (5_000, 3_350)
    paid = sale_payments.pay_cash(till, shop.processor.sell, basket_id, 4_000)
    assert paid.sold is not None
    assert paid.sold.change_minor == 650
    assert shop.rows("SELECT method, amount_minor FROM payment ORDER BY payment_number") == [
        ("card", 5_000),
        ("cash", 4_000),
    ]


def test_what_the_terminal_did_not_say_is_asked_and_never_charged_twice(
    till: Till, shop: Shop, terminal: SimulatedTerminal
) -> None:
    basket_id, sell = current(till), shop.processor.sell
    terminal.set_script([Script.TIME_OUT_AFTER_APPROVAL])
    unknown = sale_payments.pay_by_card(till, sell, terminal, basket_id, None)
    assert (unknown.attempt.state, unknown.outcome) == (AttemptState.UNKNOWN, None)
    with pytest.raises(Refused, match="not known"):
        sale_payments.pay_by_card(till, sell, terminal, basket_id, None)
    with pytest.raises(Refused, match="not known"):
        sale_payments.pay_cash(till, sell, basket_id, None)
    asked = sale_payments.ask_terminal_again(till, sell, terminal, basket_id, unknown.attempt.reference)
    assert asked.outcome is not None
    assert list(terminal.charges().values()) == [8_350]
    assert shop.count("sale") == 1


def test_a_declined_card_leaves_the_basket_open(till: Till, shop: Shop, terminal: SimulatedTerminal) -> None:
    terminal.set_script([Script.DECLINE])
    with pytest.raises(Refused, match="declined"):
        sale_payments.pay_by_card(till, shop.processor.sell, terminal, current(till), None)
    assert sale_payments.pay_cash(till, shop.processor.sell, current(till), None).sold is not None


def test_cash_is_rounded_as_the_branch_says(till: Till, shop: Shop) -> None:
    paid = sale_payments.pay_cash(till, shop.processor.sell, current(till), None, CashRounding(100))
    assert paid.sold is not None
    assert (paid.sold.total_minor, paid.sold.change_minor) in ((8_300, 0), (8_400, 0))


def test_more_than_is_due_is_not_taken_from_a_card(till: Till, shop: Shop, terminal: SimulatedTerminal) -> None:
    with pytest.raises(InvalidInput):
        sale_payments.pay_by_card(till, shop.processor.sell, terminal, current(till), 9_000)
    assert terminal.charges() == {}


def test_names_and_phones_are_masked() -> None:
    assert mask_name("Анна Петрова") == "А. Петр…"
    assert mask_name("Ли") == "Ли"
    assert mask_name("") == ""
    assert mask_phone("+79123454567") == "•••4567"


def test_nobody_is_found_by_nothing(till: Till) -> None:
    assert find_at_till(till.store, till.actor, "") == []
