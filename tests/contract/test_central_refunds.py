"""Refunds and Z-reports where the head office is asked first: given once, never more than was sold, late ones named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from branch_node.operations.processing import commit_request
from branch_node.operations.refund_request import parse_refund_request
from branch_node.operations.refunding import RefundAnswer, begin_refund
from branch_node.operations.refunding import refund as refund_here
from branch_node.operations.selling import sell as sell_here
from branch_node.operations.shifts import close_shift
from hq_server.operations.refund_checks import OVER_REFUND, find_over_refunds
from hq_server.operations.shift_audit import UNSIGNED, audit_shifts
from shared.domain.records import Record, RecordKind
from shared.domain.shifts import ShiftClose
from shared.errors import HqUnreachable, InDoubt, NotFound, Refused
from shared.storage.tables import refund
from shared.sync.central import Committed, Rejected
from shared.sync.messages import WhenUnreachable
from shared.wire.entries import intend_entry, open_entry
from shared.wire.payloads import encode_refund, encode_shift_close
from tests.contract.test_centralized import centralized, sell
from tests.support.journal import line
from tests.support.journal import refund as make_refund
from tests.support.journal import sale as make_sale
from tests.support.journal import z_report as make_z_report
from tests.support.office import Office
from tests.support.pair import CentralWire, Node, Pair
from tests.support.shop import request

REFUSE = WhenUnreachable.REFUSE


@pytest.fixture
def pair(office: Office, tmp_path: Path) -> Pair:
    return Pair(office, tmp_path)


def close(node: Node, carry_over: bool = False) -> ShiftClose:
    with node.store.operation() as transaction:
        return close_shift(transaction, "1", "vera", None, carry_over=carry_over)


def give_back(node: Node, wire: CentralWire, key: str, /, **asked: object) -> RefundAnswer:
    node.clock.advance(1)
    document = {"key": key, "register": "1", "cashier": "anna", **asked}
    return node.line(wire).refund(parse_refund_request(document))


@pytest.mark.parametrize("fault", [None, "answer lost"])
def test_a_refund_is_at_hq_when_it_is_answered_and_is_given_once(pair: Pair, fault: str | None) -> None:
    node = centralized(pair, REFUSE)
    wire = CentralWire(node)
    receipt = sell(node, wire, "a").receipt
    wire.fault = fault
    if fault:
        with pytest.raises(InDoubt):
            give_back(node, wire, "r", receipt=receipt)
        # It may have been given: another one of the same receipt waits for what HQ says.
        wire.fault = None
        with pytest.raises(Refused, match="another refund"):
            give_back(node, wire, "r2", receipt=receipt)
        node.clock.advance(60)
    answer = give_back(node, wire, "r", receipt=receipt)
    assert (answer.receipt, answer.confirmed, pair.office.count(refund)) == ("1-000002", True, 1)
    with pytest.raises(Refused, match="given back already"):
        give_back(node, wire, "r2", receipt=receipt)
    node.sync()
    assert pair.office.count(refund) == 1
    assert pair.verify("B1") == () == node.verify()


def test_hq_commits_no_refund_of_more_than_was_sold(pair: Pair) -> None:
    node = centralized(pair, REFUSE)
    wire = CentralWire(node)
    sold = sell(node, wire, "a")
    # A store that does not know of the first refund: as after a restore.
    request_of = parse_refund_request({"key": "r1", "register": "1", "cashier": "anna", "receipt": sold.receipt})
    with node.store.operation() as transaction:
        first = begin_refund(transaction, request_of)
        question = commit_request(transaction, first)  # type: ignore[arg-type]
    assert isinstance(wire.commit(question), Committed)
    entry = open_entry(question.entry)
    again = replace(
        question, entry=intend_entry(entry.header._replace(command_id=b"c" * 16), entry.records, [b"s" * 16])
    )
    refused = wire.commit(again)
    assert isinstance(refused, Rejected)
    assert refused.reason == OVER_REFUND
    assert "only 0 can still be given back" in refused.explanation
    assert pair.office.count(refund) == 1


def test_a_receipt_confirmed_after_its_shift_counts_in_the_next_one_and_hq_agrees(pair: Pair) -> None:
    node = centralized(pair, REFUSE)
    wire = CentralWire(node)
    sell(node, wire, "a")
    wire.fault = "answer lost"
    with pytest.raises(InDoubt):
        sell(node, wire, "b")
    wire.fault = None
    with pytest.raises(Refused, match="1 receipts: 1-000002"):
        close(node)
    first = close(node, carry_over=True)
    assert (first.receipts, first.undecided, first.net_minor) == (1, (2,), 50)
    node.clock.advance(60)
    sell(node, wire, "b")
    sell(node, wire, "c")
    second = close(node)
    assert (second.receipts, second.late, second.late_minor, second.net_minor) == (2, (2,), 50, 100)
    sell(node, wire, "d")
    third = close(node)
    assert (third.receipts, third.late) == (1, ())
    node.sync()
    with pair.office.store.read() as connection:
        audits = audit_shifts(connection, None, None, None)
        assert [audit.differences for audit in audits] == [(), (), ()]
        assert {audit.signature for audit in audits} == {UNSIGNED}
    assert pair.verify("B1") == () == node.verify()


def test_hq_lists_what_two_stores_gave_back_without_knowing_of_each_other(office: Office) -> None:
    journal = office.journal("B1")
    sold = journal.add_sale(make_sale(1, [line("1", 50, quantity=2), line("2", 70)]))
    for number in (2, 3):
        back = make_refund(number, sold, [(1, line("1", 50, quantity=2))])
        journal.add([Record(RecordKind.REFUND, b"r%015d" % number, encode_refund(back))])
    office.merge(journal, journal.batch())
    with office.store.read() as connection:
        (case,) = find_over_refunds(connection)
    assert (case.receipt, case.line, case.sold_thousandths, case.refunded_thousandths) == ("1-000001", 1, 2_000, 4_000)


# Receipts of another branch.


def two_branches(pair: Pair) -> tuple[Node, Node, str]:
    """One that sold two pieces for 50 and told HQ, and another; neither is centralized."""
    seller, other = pair.join("B1"), pair.join("B2")
    with seller.store.operation() as transaction:
        milk = [{"sku": "milk", "quantity": 2, "amount_minor": 50}]
        receipt = sell_here(transaction, request("a", lines=milk)).receipt
    seller.sync()
    other.sync()
    return seller, other, receipt


def test_a_receipt_of_another_branch_comes_back_with_leave_of_hq(pair: Pair) -> None:
    seller, other, receipt = two_branches(pair)
    wire = CentralWire(other)
    one = [{"line": 1, "quantity": 1}]
    answer = give_back(other, wire, "r", branch="B1", receipt=receipt, lines=one)
    assert (answer.receipt, answer.total_minor, answer.confirmed) == ("1-000001", 25, True)
    assert give_back(other, wire, "r", branch="B1", receipt=receipt, lines=one) == answer
    rest = give_back(other, wire, "r2", branch="B1", receipt=receipt)
    assert rest.total_minor == 25
    with pytest.raises(Refused, match="given back already"):
        give_back(other, wire, "r3", branch="B1", receipt=receipt)
    other.sync()
    (first, _) = pair.office.rows(select(refund.c.sale_branch_id, refund.c.sale_receipt).order_by(refund.c.id))
    assert first == (seller.branch_id, receipt)
    assert pair.verify("B2") == () == other.verify()


def test_without_hq_another_branch_s_receipt_is_refused_with_a_way_out(pair: Pair) -> None:
    _, other, receipt = two_branches(pair)
    with pytest.raises(HqUnreachable) as refused:
        give_back(other, CentralWire(other, "unreachable"), "r", branch="B1", receipt=receipt)
    assert "without a receipt" in refused.value.hint
    with pytest.raises(NotFound):
        give_back(other, CentralWire(other), "r", branch="B1", receipt="1-000009")


def test_a_refund_elsewhere_in_doubt_is_asked_about_under_its_key(pair: Pair) -> None:
    _, other, receipt = two_branches(pair)
    wire = CentralWire(other, "answer lost")
    with pytest.raises(InDoubt):
        give_back(other, wire, "r", branch="B1", receipt=receipt)
    wire.fault = "unreachable"
    other.clock.advance(60)
    with pytest.raises(InDoubt):
        give_back(other, wire, "r", branch="B1", receipt=receipt)
    wire.fault = None
    other.clock.advance(60)
    assert give_back(other, wire, "r", branch="B1", receipt=receipt).confirmed
    assert pair.office.count(refund) == 1


def test_both_facts_stand_when_the_seller_gave_back_offline_meanwhile(pair: Pair) -> None:
    seller, other, receipt = two_branches(pair)
    with seller.store.operation() as transaction:
        asked = {"key": "r", "register": "1", "cashier": "anna", "receipt": receipt}
        refund_here(transaction, parse_refund_request(asked))
    give_back(other, CentralWire(other), "r", branch="B1", receipt=receipt)
    other.sync()
    seller.sync()
    assert pair.office.count(refund) == 2
    with pair.office.store.read() as connection:
        (case,) = find_over_refunds(connection)
    assert (case.receipt, case.sold_thousandths, case.refunded_thousandths) == (receipt, 2_000, 4_000)
    assert pair.verify("B1") == () == pair.verify("B2")


def test_two_stores_may_have_closed_one_shift_and_both_z_reports_stand(office: Office) -> None:
    journal = office.journal("B1")
    journal.add_sale(make_sale(1))
    closed = make_z_report(1, 50)
    for number, counted in enumerate((50, 40)):
        payload = encode_shift_close(replace(closed, counted_cash_minor=counted))
        journal.add([Record(RecordKind.SHIFT_CLOSE, b"z%015d" % number, payload)])
    assert office.merge(journal, journal.batch()).ack.outcomes == ()
    with office.store.read() as connection:
        audits = audit_shifts(connection, None, None, None)
    assert sorted(audit.report.counted_cash_minor or 0 for audit in audits) == [40, 50]
