"""Facts as rows: every value in the column that is named after it."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from sqlalchemy import Table

from shared.domain.sales import Refund, Sale, total_lines
from shared.domain.shifts import ShiftClose, ShiftOpen
from shared.storage.fact_rows import (
    FACT_TABLES,
    RowsByTable,
    add_refund_rows,
    add_sale_rows,
    add_shift_close_rows,
    add_shift_open_rows,
    new_rows,
)
from shared.storage.tables import (
    payment,
    refund,
    refund_line,
    refund_payment,
    sale,
    sale_line,
    shift_close,
    shift_close_method,
    shift_open,
)
from tests.support.clock import START_US
from tests.support.strategies import SOME, refunds, sales, shift_closes, shift_opens

BRANCH, RECORD, COMMAND = b"b" * 16, b"r" * 16, b"c" * 16


def named(rows: RowsByTable, table: Table) -> list[dict[str, Any]]:
    """The rows as dictionaries by column."""
    names = [column.name for column in table.columns]
    return [dict(zip(names, row, strict=True)) for row in rows[table]]


@SOME
@given(sales)
def test_a_sale_s_row_holds_what_the_sale_says(fact: Sale) -> None:
    rows = new_rows()
    totals = add_sale_rows(rows, BRANCH, RECORD, COMMAND, fact, START_US)
    (row,) = named(rows, sale)
    plain = fact._asdict()
    assert {name: row[name] for name in plain.keys() & row.keys() - {"sold_at"}} == {
        name: plain[name] for name in plain.keys() & row.keys() - {"sold_at"}
    }
    assert (row["branch_id"], row["id"], row["command_id"], row["received_at"]) == (BRANCH, RECORD, COMMAND, START_US)
    assert (row["sold_at"], row["utc_offset_seconds"], row["zone"], row["hour"]) == (*fact.sold_at, fact.sold_at.hour)
    assert totals == total_lines(fact.lines)
    assert {name: row[name] for name in totals._asdict()} == totals._asdict()


@SOME
@given(sales)
def test_lines_and_payments_are_numbered_from_1_in_their_order(fact: Sale) -> None:
    rows = new_rows()
    add_sale_rows(rows, BRANCH, RECORD, COMMAND, fact, None)
    lines, payments = named(rows, sale_line), named(rows, payment)
    assert [row["line_number"] for row in lines] == list(range(1, len(fact.lines) + 1))
    assert [row["payment_number"] for row in payments] == list(range(1, len(fact.payments) + 1))
    for row, line in zip(lines, fact.lines, strict=True):
        assert line._asdict().items() <= row.items()
        assert (row["branch_id"], row["sale_id"], row["received_at"]) == (BRANCH, RECORD, None)
    assert [(row["method"], row["amount_minor"]) for row in payments] == list(map(tuple, fact.payments))


@SOME
@given(refunds)
def test_a_refund_s_rows_hold_what_the_refund_says(fact: Refund) -> None:
    rows = new_rows()
    add_refund_rows(rows, BRANCH, RECORD, COMMAND, fact, START_US)
    (row,) = named(rows, refund)
    assert (row["refunded_at"], row["utc_offset_seconds"], row["zone"]) == fact.refunded_at
    for name in ("register", "receipt_number", "sale_id", "sale_receipt", "authorised_by", "rounding_minor"):
        assert row[name] == getattr(fact, name)
    assert row["returns_minor"] == sum(each.amount_minor for each in fact.lines)
    for each, line in zip(named(rows, refund_line), fact.lines, strict=True):
        assert {name: each[name] for name in line._fields} == line._asdict()
    paid = [(each["method"], each["amount_minor"]) for each in named(rows, refund_payment)]
    assert paid == list(map(tuple, fact.payments))


@SOME
@given(shift_opens)
def test_an_opened_shift_s_row_holds_what_the_shift_says(fact: ShiftOpen) -> None:
    rows = new_rows()
    add_shift_open_rows(rows, BRANCH, RECORD, COMMAND, fact, START_US)
    (row,) = named(rows, shift_open)
    assert (row["opened_at"], row["utc_offset_seconds"], row["zone"]) == fact.opened_at
    for name in ("register", "cashier", "business_date", "implicit", "float_minor", "currency"):
        assert row[name] == getattr(fact, name)
    assert (row["branch_id"], row["id"], row["command_id"], row["received_at"]) == (BRANCH, RECORD, COMMAND, START_US)


@SOME
@given(shift_closes)
def test_a_closed_shift_s_rows_hold_what_the_report_says(fact: ShiftClose) -> None:
    rows = new_rows()
    add_shift_close_rows(rows, BRANCH, RECORD, COMMAND, fact, START_US)
    (row,) = named(rows, shift_close)
    assert (row["closed_at"], row["utc_offset_seconds"], row["zone"]) == fact.closed_at
    apart = {"branch_id", "id", "command_id", "closed_at", "utc_offset_seconds", "zone", "received_at"}
    texts = {"undecided", "late", "denominations"}
    assert {name: row[name] for name in row.keys() - apart - texts} == {
        name: getattr(fact, name) for name in row.keys() - apart - texts
    }
    assert [row["undecided"], row["late"]] == [",".join(map(str, fact.undecided)), ",".join(map(str, fact.late))]
    assert row["denominations"] == ",".join(f"{one.value_minor}:{one.pieces}" for one in fact.denominations)
    methods = named(rows, shift_close_method)
    assert [(m["close_id"], m["method"], m["amount_minor"]) for m in methods] == [
        (RECORD, total.method, total.amount_minor) for total in fact.methods
    ]


def test_every_table_of_facts_has_its_list_and_parents_come_first() -> None:
    rows = new_rows()
    assert list(rows) == list(FACT_TABLES)
    assert list(rows).index(sale) < min(list(rows).index(sale_line), list(rows).index(payment))
    assert all(found == [] for found in rows.values())
