"""What was done at a till by hand reaches the head office with the sale, in either mode; charges and paper follow."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from branch_node.devices.payment_terminal import SimulatedTerminal
from branch_node.operations import basket
from branch_node.operations.basket import NO_LIMITS, BasketState, DiscountKind
from branch_node.operations.card_payments import ask, begin_attempt, require_attempt, reverse
from branch_node.operations.till_audit import ENTRIES_PER_BASKET_MAX
from branch_node.storage.print_jobs import list_jobs
from branch_node.storage.transaction import ReceiptTexts
from shared.domain.card_payments import AttemptState
from shared.domain.sales import Payment
from shared.domain.till_acts import MORE
from shared.errors import InDoubt, Refused
from shared.storage.tables import audit_entry, sale
from shared.sync.messages import ProcessingMode, WhenUnreachable
from tests.support.office import Office
from tests.support.pair import CentralWire, Node, Pair

PRICE = 1_000


@pytest.fixture(params=[ProcessingMode.DISTRIBUTED, ProcessingMode.CENTRALIZED])
def node(request: pytest.FixtureRequest, office: Office, tmp_path: Path) -> Node:
    pair = Pair(office, tmp_path)
    node = pair.join("B1")
    pair.set_mode("B1", request.param, WhenUnreachable.REFUSE)
    node.sync()
    node.store.printing = ReceiptTexts("ru")
    return node


@pytest.fixture
def filled(node: Node) -> bytes:
    basket_id = basket.open_basket(node.store, "1", "anna")
    for number in range(3):
        basket.price_unknown(node.store, basket_id, f"r{number}", f"X{number}", f"Umbrella {number}", PRICE)
    return basket_id


def pay(node: Node, basket_id: bytes, *payments: Payment, wire: CentralWire | None = None) -> None:
    node.clock.advance(60)
    given = payments or (Payment("cash", basket.view(node.store, basket_id).total_minor),)
    outcome = basket.pay(node.store, node.line(wire or CentralWire(node)).sell, basket_id, given)
    assert outcome.state is BasketState.PAID, outcome


def at_hq(node: Node) -> list[tuple[str, str, str | None, int]]:
    node.sync()
    columns = (audit_entry.c.action, audit_entry.c.cashier, audit_entry.c.authorised_by, audit_entry.c.amount_minor)
    return sorted((tuple(row) for row in node.pair.office.rows(select(*columns))), key=str)


def jobs(node: Node) -> list[str]:
    with node.store.read_cursor() as cursor:
        return [job.kind for job in list_jobs(cursor)]


def test_what_was_done_by_hand_arrives_with_the_sale(node: Node, filled: bytes) -> None:
    first, second, third = basket.view(node.store, filled).lines
    basket.remove_line(node.store, filled, "r10", first.line_id, NO_LIMITS)
    basket.set_price(node.store, filled, "r11", second.line_id, 900, NO_LIMITS, "boris", "scratched")
    basket.set_discount(node.store, filled, "r12", third.line_id, DiscountKind.PERCENT, 500, NO_LIMITS, "anna")
    assert at_hq(node) == []
    pay(node, filled)
    by_hand = [
        ("discount_by_hand", "anna", None, 0),
        ("line_removed", "anna", None, PRICE),
        ("price_changed", "anna", "boris", 900),
    ]
    found = at_hq(node)
    assert [each for each in found if each in by_hand] == by_hand
    assert node.verify() == ()
    assert jobs(node) == ["sale"]
    # Asked again with the same key, nothing is told twice.
    basket.pay(node.store, node.line(CentralWire(node)).sell, filled, [Payment("cash", 1_850)])
    assert (at_hq(node), jobs(node)) == (found, ["sale"])


def test_what_was_undone_is_not_told(node: Node, filled: bytes) -> None:
    line = basket.view(node.store, filled).lines[0]
    removed = basket.remove_line(node.store, filled, "r10", line.line_id, NO_LIMITS)
    basket.undo(node.store, filled, "r11", removed.action)
    pay(node, filled)
    assert "line_removed" not in [action for action, *_ in at_hq(node)]


def test_a_basket_that_is_given_up_is_told_once_with_what_it_was_worth(node: Node, filled: bytes) -> None:
    basket.abandon(node.store, filled, cashier="vera")
    basket.abandon(node.store, filled)
    assert ("basket_abandoned", "vera", None, 3 * PRICE) in at_hq(node)
    assert [action for action, *_ in at_hq(node)].count("basket_abandoned") == 1
    empty = basket.open_basket(node.store, "1", "anna")
    basket.abandon(node.store, empty)
    assert [action for action, *_ in at_hq(node)].count("basket_abandoned") == 1


def test_one_basket_tells_only_so_much(node: Node, filled: bytes) -> None:
    for number in range(ENTRIES_PER_BASKET_MAX + 5):
        basket.price_unknown(node.store, filled, f"a{number}", f"Y{number}", "Umbrella", PRICE)
        line = basket.view(node.store, filled).lines[-1]
        basket.remove_line(node.store, filled, f"b{number}", line.line_id, NO_LIMITS)
    pay(node, filled)
    found = at_hq(node)
    assert len(found) == ENTRIES_PER_BASKET_MAX + 1
    assert MORE in [action for action, *_ in found]


def test_a_charge_waits_for_the_head_office_and_is_used_once_it_has_decided(
    node: Node, filled: bytes, tmp_path: Path
) -> None:
    if node.store.node()[0].mode is ProcessingMode.DISTRIBUTED:
        pytest.skip("a branch that asks nobody is in no doubt")
    terminal = SimulatedTerminal(tmp_path / "terminal")
    attempt = begin_attempt(node.store, basket.sale_key(filled), "1", 3 * PRICE, "RUB")
    ask(node.store, terminal, attempt.reference)
    wire = CentralWire(node, "answer lost")
    card = Payment("card", 3 * PRICE)
    outcome = basket.pay(node.store, node.line(wire).sell, filled, [card])
    assert (outcome.state, jobs(node)) == (BasketState.UNDECIDED, [])
    with pytest.raises(Refused, match="asked about the sale"):
        reverse(node.store, terminal, attempt.reference)
    wire.fault = None
    pay(node, filled, card, wire=wire)
    assert require_attempt(node.store, attempt.reference).state is AttemptState.USED
    assert jobs(node) == ["sale"]
    assert node.pair.office.count(sale) == 1


def test_a_process_that_dies_between_question_and_answer_leaves_no_paper_and_loses_none(
    node: Node, filled: bytes
) -> None:
    if node.store.node()[0].mode is ProcessingMode.DISTRIBUTED:
        pytest.skip("a branch that asks nobody is in no doubt")
    with pytest.raises(InDoubt):
        node.line(CentralWire(node, "answer lost")).sell(
            basket.sale_request(node.store, filled, [Payment("cash", 3 * PRICE)])
        )
    assert jobs(node) == []
    node.clock.advance(120)
    node.line(CentralWire(node)).look_after()
    assert jobs(node) == ["sale"]
