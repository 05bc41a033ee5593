"""Shifts: which one a sale belongs to, and what closing one reports."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from branch_node.operations.cash import count_cash, move_cash
from branch_node.operations.refund_request import parse_refund_request
from branch_node.operations.refunding import refund
from branch_node.operations.shift_reports import summarize_shift
from branch_node.operations.shifts import close_shift, require_open_shift
from hq_server.operations.authority import Authority
from shared.certificates import is_signed_by, new_key, sign_statement
from shared.domain.records import RecordKind
from shared.domain.shifts import Denomination, MethodTotal, ShiftClose, z_statement
from shared.errors import InvalidInput, NotFound, Refused
from shared.operations import z_reports
from shared.storage.tables import shift_close
from shared.wire.payloads import decode_shift_close, decode_shift_open
from tests.support.shop import Shop

NEXT_MORNING = 12 * 3_600


def shift_of(shop: Shop, key: str) -> bytes:
    """The shift of the sale with that key."""
    statement = "SELECT s.shift_id FROM sale s JOIN idempotency_key k ON k.record_id = s.id WHERE k.key = ?"
    return bytes(shop.one(statement, key))


# Which shift.


def test_a_sale_opens_an_implicit_shift_when_nobody_opened_one(shop: Shop) -> None:
    shop.sell("k1")
    shop.sell("k2")
    assert shop.rows("SELECT register, business_date, implicit, float_minor FROM shift_open") == [
        ("1", "2026-11-23", 1, 0)
    ]
    assert shift_of(shop, "k1") == shift_of(shop, "k2")


def test_history_goes_to_one_implicit_shift_per_register_and_business_date(shop: Shop) -> None:
    days = ["2017-01-01", "2017-01-02", "2017-01-01", "2017-01-02", "2017-01-01"]
    for number, day in enumerate(days):
        for register in "12":
            shop.sell(f"k{number}-{register}", register=register, sold_at=f"{day}T12:00:00")
    assert shop.count("shift_open") == 4
    assert shift_of(shop, "k0-1") == shift_of(shop, "k2-1") == shift_of(shop, "k4-1")
    assert len({shift_of(shop, f"k{number}-{register}") for number in (0, 1) for register in "12"}) == 4


def test_live_sales_go_to_the_shift_that_was_opened_by_hand(shop: Shop) -> None:
    opened = shop.open_shift()
    shop.sell("k1")
    assert shift_of(shop, "k1") == opened.shift_id
    assert shop.count("shift_open") == 1


def test_history_does_not_go_to_the_shift_that_is_open_now(shop: Shop) -> None:
    opened = shop.open_shift()
    shop.sell("k1", sold_at="2026-11-22T23:59:59")
    assert shift_of(shop, "k1") != opened.shift_id


def test_a_shift_that_is_open_past_midnight_takes_the_sales_after_it(shop: Shop) -> None:
    opened = shop.open_shift()
    shop.clock.advance(NEXT_MORNING)
    shop.sell("k1")
    assert shift_of(shop, "k1") == opened.shift_id


def test_a_sale_minutes_ahead_across_midnight_goes_to_the_shift_that_is_open(shop: Shop) -> None:
    shop.clock.advance(5 * 3_600 - 60)
    opened = shop.open_shift()
    shop.sell("k1", sold_at="2026-11-24T00:02:00")
    assert shift_of(shop, "k1") == opened.shift_id


def test_a_shift_of_one_register_does_not_take_another_s_sales(shop: Shop) -> None:
    opened = shop.open_shift("1")
    shop.sell("k1", register="2")
    assert shift_of(shop, "k1") != opened.shift_id


def test_after_a_shift_is_closed_the_next_sale_opens_another(shop: Shop) -> None:
    shop.sell("k1")
    shop.close_shift()
    shop.sell("k2")
    shop.sell("k3")
    assert shift_of(shop, "k1") != shift_of(shop, "k2") == shift_of(shop, "k3")
    assert shop.count("shift_open") == 2


def test_closing_an_explicit_shift_goes_back_to_the_day_s_implicit_one(shop: Shop) -> None:
    shop.sell("k1")
    shop.open_shift()
    shop.sell("k2")
    shop.close_shift()
    shop.sell("k3")
    assert shift_of(shop, "k3") == shift_of(shop, "k1") != shift_of(shop, "k2")


# Opening.


def test_an_opened_shift_is_a_fact_with_its_float(shop: Shop) -> None:
    opened = shop.open_shift("1", 10_000)
    (entry,) = shop.entries()
    (record,) = entry.records
    fact = decode_shift_open(record.payload)
    assert (record.kind, record.record_id) == (RecordKind.SHIFT_OPEN, opened.shift_id)
    assert (fact.register, fact.cashier, fact.implicit, fact.float_minor) == ("1", "anna", False, 10_000)


def test_a_till_is_not_opened_twice(shop: Shop) -> None:
    shop.open_shift()
    with pytest.raises(Refused, match="open already"):
        shop.open_shift()
    assert shop.count("shift_open") == 1
    assert len(shop.entries()) == 1
    shop.close_shift()
    shop.open_shift()


@pytest.mark.parametrize("float_minor", [-1, 2**53])
def test_a_float_is_an_amount_within_its_limits(shop: Shop, float_minor: int) -> None:
    with pytest.raises(InvalidInput, match="float"):
        shop.open_shift("1", float_minor)


# Closing.


def test_a_till_that_is_not_open_cannot_be_closed(shop: Shop) -> None:
    with pytest.raises(NotFound):
        shop.close_shift()
    shop.open_shift()
    shop.close_shift()
    with pytest.raises(NotFound):
        shop.close_shift()


def test_closing_reports_what_the_shift_sold(shop: Shop) -> None:
    shop.open_shift("1", 1_000)
    shop.sell("k1", 100, payments=[{"method": "cash", "amount_minor": 150}])
    shop.sell(
        "k2",
        lines=[{"sku": "a", "quantity": 1, "amount_minor": 200, "discount_minor": 20}],
        payments=[{"method": "card", "amount_minor": 120}, {"method": "cash", "amount_minor": 80}],
    )
    shop.sell("k3", register="2")
    report = shop.close_shift(counted_minor=1_170)
    assert (report.receipts, report.first_receipt, report.last_receipt) == (2, 1, 2)
    assert (report.gross_minor, report.discounts_minor, report.net_minor) == (320, 20, 300)
    assert report.methods == (MethodTotal("card", 120), MethodTotal("cash", 180))
    assert (report.expected_cash_minor, report.cash_variance_minor) == (1_180, -10)
    assert (report.cashier, report.currency) == ("boris", "RUB")


def test_a_report_is_a_fact_that_says_what_its_rows_say(shop: Shop) -> None:
    shop.open_shift()
    shop.sell("k1")
    report = shop.close_shift()
    record = shop.entries()[-1].records[-1]
    assert record.kind == RecordKind.SHIFT_CLOSE
    assert decode_shift_close(record.payload) == report
    assert shop.rows("SELECT id, shift_id, receipts, net_minor, counted_cash_minor FROM shift_close") == [
        (record.record_id, report.shift_id, 1, 50, None)
    ]
    assert shop.rows("SELECT method, amount_minor FROM shift_close_method") == [("cash", 50)]
    assert shop.rows("SELECT row_count FROM journal ORDER BY position")[-1] == (2,)


def test_a_shift_that_sold_nothing_has_no_first_receipt(shop: Shop) -> None:
    shop.open_shift("1", 500)
    report = shop.close_shift(counted_minor=500)
    assert (report.receipts, report.first_receipt, report.last_receipt, report.methods) == (0, 0, 0, ())
    assert report.cash_variance_minor == 0


def test_nobody_has_to_count_the_cash(shop: Shop) -> None:
    shop.open_shift()
    assert shop.close_shift().cash_variance_minor is None


def test_counted_cash_is_an_amount(shop: Shop) -> None:
    shop.open_shift()
    with pytest.raises(InvalidInput, match="counted cash"):
        shop.close_shift(counted_minor=-1)
    assert shop.close_shift().receipts == 0


def test_today_s_implicit_shift_is_closed_when_none_is_open_by_hand(shop: Shop) -> None:
    shop.sell("k1")
    report = shop.close_shift()
    assert (report.receipts, report.shift_id) == (1, shift_of(shop, "k1"))


def test_a_shift_is_closed_for_the_date_it_was_opened_on(shop: Shop) -> None:
    opened = shop.open_shift()
    shop.clock.advance(NEXT_MORNING)
    report = shop.close_shift()
    assert report.business_date == opened.business_date
    assert report.closed_at.business_date > report.business_date


def test_looking_at_a_shift_does_not_close_it(shop: Shop) -> None:
    shop.open_shift()
    shop.sell("k1")
    with shop.store.operation() as transaction:
        opened = require_open_shift(transaction, "1")
        assert summarize_shift(transaction, opened, "anna", None).receipts == 1
    assert shop.count("shift_close") == 0
    assert len(shop.entries()) == 2


PAYMENTS = st.lists(st.tuples(st.sampled_from(["cash", "card", "voucher"]), st.integers(0, 500)), max_size=3)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(receipts=st.lists(st.tuples(st.integers(0, 300), PAYMENTS), max_size=4), counted=st.integers(0, 5_000))
def test_what_a_shift_took_is_what_it_sold(
    shop: Shop, receipts: list[tuple[int, list[tuple[str, int]]]], counted: int
) -> None:
    number = shop.count("sale")
    shop.open_shift("1", 700)
    for total, paid in receipts:
        number += 1
        payments = [{"method": method, "amount_minor": amount} for method, amount in paid]
        payments.append({"method": "cash", "amount_minor": total})  # covers it, whatever the others come to
        amount = total + sum(amount for method, amount in paid if method != "cash")
        shop.sell(f"k{number}", amount, payments=payments)
    report = shop.close_shift(counted_minor=counted)
    _check_report(report, len(receipts), counted)


def _check_report(report: ShiftClose, receipts: int, counted: int) -> None:
    assert report.receipts == receipts
    assert sum(total.amount_minor for total in report.methods) == report.net_minor
    assert report.last_receipt - report.first_receipt + 1 == receipts or receipts == 0
    taken = {total.method: total.amount_minor for total in report.methods}
    assert report.expected_cash_minor == 700 + taken.get("cash", 0)
    assert report.cash_variance_minor == counted - report.expected_cash_minor


# Cash, and what a Z-report says of it.


def move(shop: Shop, direction: str, amount: int, reason: str = "change") -> None:
    with shop.store.operation() as transaction:
        move_cash(transaction, "1", "anna", direction, amount, reason)


def test_cash_in_and_out_is_expected_in_the_drawer(shop: Shop) -> None:
    shop.open_shift(float_minor=1_000)
    shop.sell("k1", 300)
    move(shop, "in", 500)
    move(shop, "out", 200)
    move(shop, "pickup", 900)
    report = shop.close_shift(counted_minor=690)
    assert (report.cash_in_minor, report.cash_out_minor, report.expected_cash_minor) == (500, 1_100, 700)
    assert report.cash_variance_minor == -10


@pytest.mark.parametrize(
    ("direction", "amount", "reason", "match"),
    [
        ("out", 2_000, "bank", "only 13.00 in the drawer"),
        ("in", 0, "bank", "zero"),
        ("in", 100, " ", "for a reason"),
        ("sideways", 100, "bank", "Cash moves"),
        ("in", -5, "bank", "negative"),
    ],
)
def test_cash_that_cannot_move_so_is_refused(shop: Shop, direction: str, amount: int, reason: str, match: str) -> None:
    shop.open_shift(float_minor=1_000)
    shop.sell("k1", 300)
    with pytest.raises((InvalidInput, Refused), match=match):
        move(shop, direction, amount, reason)
    assert shop.count("cash_movement") == 0


def test_cash_moves_only_in_an_open_shift(shop: Shop) -> None:
    with pytest.raises(NotFound):
        move(shop, "in", 100)


def test_what_came_back_is_apart_from_what_was_sold(shop: Shop) -> None:
    shop.open_shift(float_minor=1_000)
    receipt = shop.sell("k1", 300).receipt
    shop.sell("k2", 100, payments=[{"method": "card", "amount_minor": 100}])
    with shop.store.operation() as transaction:
        asked = {"key": "r", "register": "1", "cashier": "anna", "receipt": receipt}
        refund(transaction, parse_refund_request(asked))
    report = shop.close_shift()
    assert (report.receipts, report.refunds, report.net_minor, report.returns_minor) == (2, 1, 400, 300)
    assert report.methods == (MethodTotal("card", 100), MethodTotal("cash", 0))
    assert (report.first_receipt, report.last_receipt, report.expected_cash_minor) == (1, 3, 1_000)


def test_a_z_report_is_signed_by_the_branch_over_everything_it_says(shop: Shop) -> None:
    key = new_key()
    shop.open_shift()
    shop.sell("k1", 300)
    with shop.store.operation() as transaction:
        report = close_shift(transaction, "1", "vera", 300, sign=lambda statement: sign_statement(key, statement))
    branch_id = shop.store.node()[0].branch_id
    certificate = Authority.found("Chain").issue_branch(key.public_key(), branch_id, "B7").certificate
    signer = x509.load_der_x509_certificate(certificate)
    assert is_signed_by(signer, report.signature, z_statement(branch_id, report))
    changed: list[dict[str, Any]] = [
        {"net_minor": 301},
        {"counted_cash_minor": 299},
        {"late": (2,)},
        {"methods": ()},
        {"denominations": (Denomination(100, 3),)},
    ]
    for change in changed:
        assert not is_signed_by(signer, report.signature, z_statement(branch_id, replace(report, **change)))
    assert not is_signed_by(signer, b"", z_statement(branch_id, report))


def test_counted_notes_and_coins_are_kept_with_the_report(shop: Shop) -> None:
    shop.open_shift()
    counted = (Denomination(500_000, 2), Denomination(10_000, 3))
    assert count_cash(counted) == 1_030_000
    with shop.store.operation() as transaction:
        close_shift(transaction, "1", "vera", count_cash(counted), counted)
    assert shop.one("SELECT denominations FROM shift_close") == "500000:2,10000:3"
    with shop.store.read() as connection:
        row = connection.execute(select(shift_close)).one()
    assert z_reports.report_of_row(row, ()).denominations == counted
    for wrong in [(Denomination(100, -1),), (Denomination(100, 1), Denomination(100, 2)), (Denomination(-1, 1),)]:
        with pytest.raises(InvalidInput):
            count_cash(wrong)
