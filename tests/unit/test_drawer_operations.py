"""What stands behind the drawer's pages: who may, which receipt it is, which charge was paid with, which Z-report."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from branch_node.operations.card_charges import require_charges
from branch_node.operations.drawer_actions import move_cash, open_till, x_report
from branch_node.operations.receipt_finding import find_receipt, list_receipts, read_reference
from branch_node.operations.z_reports import list_z_reports, read_z_report
from shared.domain.branch_facts import CashMovement
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.domain.sales import Payment
from shared.errors import KeyReused, NotFound, Refused
from tests.support.shop import Shop


def test_a_shift_s_report_is_found_again_as_it_was_signed(shop: Shop) -> None:
    opened = open_till(shop.store, LOCAL_ADMINISTRATOR, "1", 1_000)
    shop.sell("k1", 300)
    assert x_report(shop.store, LOCAL_ADMINISTRATOR, "1")[1].net_minor == 300
    report = shop.close_shift(counted_minor=1_290)
    with shop.store.operation() as transaction:
        (glance,) = list_z_reports(transaction)
        read = read_z_report(transaction, opened.shift_id)
        with pytest.raises(NotFound):
            read_z_report(transaction, b"x" * 16)
    assert (glance.shift_id, glance.net_minor, glance.variance_minor) == (opened.shift_id, 300, -10)
    assert read.report == report


def test_a_card_payment_names_a_charge_of_its_own(shop: Shop) -> None:
    paid = [Payment("card", 50), Payment("cash", 5)]
    with shop.store.read_cursor() as cursor:
        assert require_charges(cursor, "k", (), paid, "RUB") == []
        with pytest.raises(Refused, match="one charge of its own"):
            require_charges(cursor, "k", ("a", "b"), paid, "RUB")
        with pytest.raises(NotFound):
            require_charges(cursor, "k", ("a",), paid, "RUB")


def test_a_receipt_is_found_by_its_number_and_by_its_day(shop: Shop) -> None:
    answer = shop.sell("k1", 300)
    with shop.store.operation() as transaction:
        assert find_receipt(transaction, read_reference(transaction, answer.receipt)) == answer.sale_id
        # The number alone is of the register at hand.
        assert find_receipt(transaction, read_reference(transaction, "1", register="1")) == answer.sale_id
        (glance,) = list_receipts(transaction, date(2026, 11, 23))
        assert list_receipts(transaction, date(2026, 11, 22)) == []
    assert (glance.receipt, glance.total_minor, glance.is_refund, glance.came_back) == ("1-000001", 300, False, False)


def test_cash_moves_once_for_a_key_however_often_it_is_asked(shop: Shop) -> None:
    cashier = replace(LOCAL_ADMINISTRATOR, code="vera", permissions=frozenset())
    open_till(shop.store, LOCAL_ADMINISTRATOR, "1", 1_000)

    def move(amount_minor: int) -> CashMovement:
        details = ("out", amount_minor, "taxi", LOCAL_ADMINISTRATOR, "c1")
        return move_cash(shop.store, cashier, "1", *details)

    first = move(400)
    shop.clock.advance(60)
    assert move(400) == first
    assert (shop.count("cash_movement"), shop.count("audit_entry")) == (1, 1)
    with pytest.raises(KeyReused):
        move(300)
    shop.close_shift(counted_minor=600)
    assert move(400) == first
