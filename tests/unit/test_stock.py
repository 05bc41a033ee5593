"""Stock at a branch: goods received, written off and counted, sales that move it by themselves, what is below zero."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from branch_node.cli import commands
from branch_node.operations import stock
from branch_node.operations.refund_request import parse_refund_request
from branch_node.operations.stock import Goods, MovementAnswer
from branch_node.storage.stock import StockDifference, compare_stock, read_stock, rebuild_stock
from shared.cli.program import run_program
from shared.domain.permissions import LOCAL_ADMINISTRATOR, ROLES, Permission
from shared.domain.records import RecordKind
from shared.domain.stock import counted_line, on_hand
from shared.errors import InvalidInput, KeyReused, NotFound, NotPermitted, Refused
from shared.wire.payloads import decode_branch_fact
from tests.support.shop import Shop
from tests.support.strategies import SOME

MILK, BREAD = "952", "871"
_keys = itertools.count(1)


@pytest.fixture
def stocked(shop: Shop) -> Shop:
    """A shop with two products and ten of the first."""
    shop.learn_product(MILK, everywhere=89_90)
    shop.learn_product(BREAD, everywhere=45_00)
    do(shop, stock.receive, Goods(MILK, 10_000, 60_000))
    return shop


def do(shop: Shop, operation: Any, *goods: Goods, **given: Any) -> MovementAnswer:
    with shop.store.operation() as transaction:
        answer: MovementAnswer = operation(transaction, given.pop("actor", LOCAL_ADMINISTRATOR), "anna", goods, **given)
    return answer


def sell(shop: Shop, sku: str = MILK, quantity: int = 1) -> str:
    key = f"s{next(_keys)}"
    lines = [{"sku": sku, "quantity": quantity, "amount_minor": 100 * quantity}]
    return shop.sell(key, 100 * quantity, lines=lines).receipt


def give_back(shop: Shop, receipt: str, quantity: int | None = None) -> None:
    lines: list[dict[str, Any]] = [{"line": 1}] if quantity is None else [{"line": 1, "quantity": quantity}]
    document = {"key": f"r{next(_keys)}", "register": "1", "cashier": "anna", "receipt": receipt, "lines": lines}
    shop.processor.refund(parse_refund_request(document))


def left(shop: Shop, sku: str = MILK) -> int:
    return stock.on_hand(shop.store, LOCAL_ADMINISTRATOR, sku).quantity_thousandths


def differences(shop: Shop) -> list[StockDifference]:
    with shop.store.read_cursor() as cursor:
        return compare_stock(cursor)


def test_goods_that_came_are_on_hand_and_the_fact_says_so(stocked: Shop) -> None:
    assert left(stocked) == 10_000
    (record,) = [each for each in stocked.entries()[-1].records if each.kind == RecordKind.STOCK_MOVEMENT]
    fact: Any = decode_branch_fact(record.kind, record.payload)
    assert (fact.reason, fact.employee, fact.lines[0].quantity_thousandths, fact.lines[0].cost_minor) == (
        "received",
        "anna",
        10_000,
        60_000,
    )
    assert stocked.one("SELECT row_count FROM journal ORDER BY position DESC LIMIT 1") >= 2


def test_sales_and_refunds_move_stock_by_themselves(stocked: Shop) -> None:
    receipt = sell(stocked, MILK, 3)
    assert left(stocked) == 7_000
    give_back(stocked, receipt, 1)
    assert left(stocked) == 8_000
    give_back(stocked, receipt)
    assert left(stocked) == 10_000
    assert differences(stocked) == []


def test_what_is_written_off_returned_or_moved_away_goes(stocked: Shop) -> None:
    assert do(stocked, stock.write_off, Goods(MILK, 1_500)).on_hand == (8_500,)
    assert do(stocked, stock.return_to_supplier, Goods(MILK, 2_000)).on_hand == (6_500,)
    assert do(stocked, stock.move, Goods(MILK, 4_000), away=True).on_hand == (2_500,)
    assert do(stocked, stock.move, Goods(MILK, 500), away=False).on_hand == (3_000,)


def test_a_count_sets_what_is_on_hand_and_keeps_the_difference(stocked: Shop) -> None:
    sell(stocked, MILK, 2)
    answer = do(stocked, stock.count, Goods(MILK, 7_000), Goods(BREAD, 4_000))
    assert [
        (line.quantity_thousandths, line.counted_thousandths, line.expected_thousandths) for line in answer.lines
    ] == [
        (-1_000, 7_000, 8_000),
        (4_000, 4_000, 0),
    ]
    assert (left(stocked), left(stocked, BREAD)) == (7_000, 4_000)
    with pytest.raises(InvalidInput, match="counted twice"):
        do(stocked, stock.count, Goods(MILK, 1_000), Goods(MILK, 2_000))


def test_a_repeated_key_counts_once_and_tells_the_first_differences(stocked: Shop) -> None:
    first = do(stocked, stock.count, Goods(MILK, 7_000), key="count-1")
    sell(stocked, MILK, 1)
    again = do(stocked, stock.count, Goods(MILK, 7_000), key="count-1")
    assert (again.movement_id, again.lines, again.entry) == (first.movement_id, first.lines, first.entry)
    assert left(stocked) == 6_000
    with pytest.raises(KeyReused):
        do(stocked, stock.count, Goods(MILK, 8_000), key="count-1")
    assert stocked.count("stock_movement") == 2


def test_a_document_is_entered_once(stocked: Shop) -> None:
    do(stocked, stock.receive, Goods(MILK, 1_000), document="INV-7")
    with pytest.raises(Refused, match="INV-7 was entered already"):
        do(stocked, stock.receive, Goods(MILK, 1_000), document="INV-7")
    do(stocked, stock.return_to_supplier, Goods(MILK, 1_000), document="INV-7")
    assert left(stocked) == 10_000


def test_stock_goes_below_zero_and_is_reported(stocked: Shop) -> None:
    sell(stocked, BREAD, 4)
    sell(stocked, MILK, 11)
    found = stock.negatives(stocked.store, LOCAL_ADMINISTRATOR)
    assert [(each.sku, each.quantity_thousandths, each.is_kept) for each in found] == [
        (BREAD, -4_000, False),
        (MILK, -1_000, True),
    ]
    assert [each.sku for each in stock.all_on_hand(stocked.store, LOCAL_ADMINISTRATOR)] == [MILK]


@pytest.mark.parametrize(
    ("goods", "error"),
    [
        ((), InvalidInput),
        ((Goods(MILK, 0),), InvalidInput),
        ((Goods(MILK, -1),), InvalidInput),
        ((Goods(MILK, 1_000, -5),), InvalidInput),
        ((Goods("", 1_000),), InvalidInput),
        ((Goods("no such thing", 1_000),), NotFound),
        ((Goods(MILK, 1_000),) * 1_001, InvalidInput),
    ],
)
def test_what_cannot_be_received_is_refused_and_nothing_moves(
    stocked: Shop, goods: tuple[Goods, ...], error: type[Exception]
) -> None:
    with pytest.raises(error):
        do(stocked, stock.receive, *goods)
    assert (left(stocked), stocked.count("stock_movement")) == (10_000, 1)


def test_who_may_not_edit_stock_moves_nothing_and_who_may_not_view_it_sees_nothing(stocked: Shop) -> None:
    cashier = replace(LOCAL_ADMINISTRATOR, permissions=ROLES["cashier"].permissions)
    for operation in (stock.receive, stock.write_off, stock.count):
        with pytest.raises(NotPermitted):
            do(stocked, operation, Goods(MILK, 1_000), actor=cashier)
    assert stock.on_hand(stocked.store, cashier, MILK).quantity_thousandths == 10_000
    nobody = replace(LOCAL_ADMINISTRATOR, permissions=frozenset())
    for look in (stock.all_on_hand, stock.negatives):
        with pytest.raises(NotPermitted):
            look(stocked.store, nobody)
    assert Permission.STOCK_EDIT in ROLES["manager"].permissions


def test_a_wrong_stock_is_named_and_computed_anew(stocked: Shop) -> None:
    with stocked.store.write() as connection:
        connection.execute(text("UPDATE stock_on_hand SET quantity_thousandths = 7"))
    assert differences(stocked) == [StockDifference(MILK, 7, 10_000)]
    with stocked.store.write() as connection:
        assert rebuild_stock(connection.connection.cursor()) == 1
    assert differences(stocked) == []


def test_whoever_alters_or_takes_away_a_line_moves_the_stock_with_it(stocked: Shop) -> None:
    sell(stocked, MILK, 3)
    with stocked.store.write() as connection:
        connection.execute(text("UPDATE sale_line SET quantity_thousandths = 1000"))
        assert read_stock(connection.connection.cursor(), MILK).quantity_thousandths == 9_000
        connection.execute(text("UPDATE sale_line SET sku = 'other'"))
        assert read_stock(connection.connection.cursor(), MILK).quantity_thousandths == 10_000
        connection.execute(text("DELETE FROM stock_movement_line"))
        assert read_stock(connection.connection.cursor(), MILK) == (MILK, 0, False)
    assert differences(stocked) == []


@SOME
@given(st.lists(st.tuples(st.sampled_from("rsbwc"), st.integers(1, 9)), max_size=30))
def test_on_hand_is_what_moved_less_what_was_sold_plus_what_came_back(steps: list[tuple[str, int]]) -> None:
    moved, sold, back, expected = [0], [0], [0], 0
    for step, quantity in steps:
        match step:
            case "r":
                moved.append(quantity)
                expected += quantity
            case "w":
                moved.append(-quantity)
                expected -= quantity
            case "s":
                sold.append(quantity)
                expected -= quantity
            case "b":
                back.append(quantity)
                expected += quantity
            case _:
                line = counted_line(MILK, None, quantity, on_hand(moved, sold, back))
                moved.append(line.quantity_thousandths)
                expected = quantity
    assert on_hand(moved, sold, back) == expected


# The command line.


@pytest.fixture
def home(stocked: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FILIAL_HOME", str(tmp_path))
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str, exit_code: int = 0) -> Any:
    assert run_program(commands, ["stock", *arguments, "--json"]) == exit_code
    return json.loads(capsys.readouterr().out)


def test_a_delivery_is_entered_from_a_file_and_shown(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = home / "delivery.csv"
    file.write_text("sku;quantity;cost\n952;2,5;150.00\n871;4;\n")
    answer = run(capsys, "receive", str(file), "--employee", "anna", "--document", "INV-8")
    assert answer["lines"] == [
        {"sku": "952", "quantity": 2.5, "on_hand": 12.5, "cost_minor": 15_000},
        {"sku": "871", "quantity": 4, "on_hand": 4},
    ]
    assert run(capsys, "show", "952") == {"sku": "952", "on_hand": 12.5, "kept": True}
    assert [row["sku"] for row in run(capsys, "show")["stock"]] == ["871", "952"]
    assert run(capsys, "negatives")["stock"] == []
    assert run(capsys, "rebuild", "--compare")["differences"] == []
    assert run(capsys, "rebuild") == {"products": 2}
    assert run_program(commands, ["stock", "receive", str(file), "--employee", "anna", "--document", "INV-8"]) == 1
    assert "INV-8 was entered already" in capsys.readouterr().err


def test_a_line_that_cannot_be_read_is_named_and_nothing_is_entered(
    home: Path, stocked: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    file = home / "count.csv"
    file.write_text("sku,quantity\n952,3\n871,three\n")
    assert run_program(commands, ["stock", "count", str(file), "--employee", "anna"]) == 1
    assert "Line 3" in capsys.readouterr().err
    assert stocked.count("stock_movement") == 1


def test_why_goods_were_written_off_is_kept_and_belongs_to_the_key(
    home: Path, stocked: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    file = home / "spoilt.csv"
    file.write_text("sku,quantity\n952,1\n")
    for _ in range(2):
        run(capsys, "write-off", str(file), "--employee", "anna", "--note", "best before date", "--key", "k")
    assert stocked.rows("SELECT note FROM stock_movement WHERE reason = 'written_off'") == [("best before date",)]
    with pytest.raises(KeyReused):
        do(stocked, stock.write_off, Goods(MILK, 1_000), key="k", note="broken")
