"""Papers follow the commit: what is sold, given back, moved or closed today is queued with it, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from branch_node.devices.escpos import require_profile
from branch_node.devices.print_queue import PrintQueue
from branch_node.devices.printers import open_printer
from branch_node.devices.receipt_text import plain_text
from branch_node.operations.cash import move_cash
from branch_node.operations.employees import ensure_employee
from branch_node.operations.receipt_printing import queue_copy, queue_drawer
from branch_node.operations.refund_request import parse_refund_request
from branch_node.operations.refunding import refund
from branch_node.operations.selling import sell
from branch_node.storage.print_jobs import list_jobs
from branch_node.storage.transaction import ReceiptTexts
from shared.domain.identifiers import derived_id
from shared.domain.receipt_document import DocumentKind, ReceiptDocument
from shared.domain.receipt_json import document_from_json
from shared.domain.records import RecordKind
from shared.errors import InvalidInput, PrinterUnreachable
from shared.operations.people import employee_id
from tests.support.shop import Shop, change, request

TEXTS = ReceiptTexts("ru", ("ООО «Ромашка»",), ("Спасибо!",))
YESTERDAY = "2026-11-22T12:00:00"


@pytest.fixture
def printing(shop: Shop) -> Shop:
    """A shop with a printer."""
    shop.store.printing = TEXTS
    return shop


def papers(shop: Shop) -> list[ReceiptDocument]:
    with shop.store.read_cursor() as cursor:
        return [document_from_json(job.document) for job in list_jobs(cursor)]


def text_of(shop: Shop, number: int = -1) -> str:
    return plain_text(papers(shop)[number], 48)


def give_back(shop: Shop, key: str = "r1", **asked: Any) -> None:
    document = {"key": key, "register": "1", "cashier": "anna", **asked}
    with shop.store.operation() as transaction:
        refund(transaction, parse_refund_request(document))


def test_without_a_printer_nothing_is_queued(shop: Shop) -> None:
    shop.open_shift(float_minor=100)
    shop.sell()
    shop.close_shift()
    assert papers(shop) == []


def test_a_sale_of_today_is_queued_with_the_names_of_goods_and_people(printing: Shop) -> None:
    node, _ = printing.store.node()
    printing.learn(
        change(RecordKind.PRODUCT, derived_id("product", b"100"), sku="100", name="Чай «Ёлочка»"),
        change(RecordKind.EMPLOYEE, employee_id(node.chain_id, "anna"), code="anna", name="Анна Белова"),
    )
    printing.sell("k1", 12_345)
    (paper,) = papers(printing)
    assert (paper.kind, paper.opens_drawer, paper.header.receipt) == (DocumentKind.SALE, True, "1-000001")
    text = text_of(printing)
    for words in ("Чай «Ёлочка»", "Анна Белова", "123.45", "ООО «Ромашка»", "Спасибо!", "Наличные"):
        assert words in text


def test_a_card_does_not_open_the_drawer(printing: Shop) -> None:
    printing.sell("k1", 50, payments=[{"method": "card", "amount_minor": 50}])
    assert papers(printing)[0].opens_drawer is False


def test_history_and_repeated_keys_are_not_printed(printing: Shop) -> None:
    printing.sell("old", sold_at=YESTERDAY)
    assert papers(printing) == []
    printing.sell("k1")
    printing.sell("k1")
    assert len(papers(printing)) == 1


def test_what_is_rolled_back_is_never_printed(printing: Shop) -> None:
    def sell_and_fail() -> None:
        with printing.store.operation() as transaction:
            sell(transaction, request("k1"))
            raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        sell_and_fail()
    assert (papers(printing), printing.count("sale")) == ([], 0)


def test_a_refund_names_the_receipt_it_belongs_to(printing: Shop) -> None:
    printing.sell("k1", 700)
    give_back(printing, receipt="1-000001", reason="не подошло")
    assert papers(printing)[-1].kind is DocumentKind.REFUND
    assert "К чеку 1-000001" in text_of(printing)
    assert "не подошло" in text_of(printing)
    assert "К ВОЗВРАТУ" in text_of(printing)


def test_float_cash_and_z_report_are_printed_in_their_order(printing: Shop) -> None:
    printing.open_shift(float_minor=10_000)
    printing.sell("k1", 700)
    with printing.store.operation() as transaction:
        move_cash(transaction, "1", "anna", "out", 5_000, "на такси")
    printing.close_shift(counted_minor=5_600)
    kinds = [paper.kind for paper in papers(printing)]
    assert kinds == [DocumentKind.CASH_IN, DocumentKind.SALE, DocumentKind.CASH_OUT, DocumentKind.Z_REPORT]
    text = text_of(printing)
    for label, amount in (
        ("Должно быть в кассе", "57.00"),
        ("Пересчитано", "56.00"),
        ("Расхождение", "-1.00"),
        ("Изъято", "-50.00"),
    ):
        assert any(label in line and line.rstrip().endswith(amount) for line in text.splitlines()), (label, text)


def test_a_z_report_on_paper_adds_up_with_refunds_and_rounding(printing: Shop) -> None:
    printing.open_shift()
    with printing.store.operation() as transaction:
        rounded = request("k1", 150, payments=[{"method": "cash", "amount_minor": 100}])
        sell(transaction, rounded._replace(rounding_minor=-50))
    printing.sell("k2", 300, payments=[{"method": "card", "amount_minor": 300}])
    give_back(printing, receipt="1-000002")
    printing.close_shift(counted_minor=100)
    paper = papers(printing)[-1]
    totals = [total.amount_minor for total in paper.totals]
    assert totals == [450, 0, -300, 150, -50]
    assert sum(taken.amount_minor for taken in paper.payments[:2]) == totals[-2] + totals[-1] == 100


def test_a_copy_is_marked_and_leaves_the_drawer_shut(printing: Shop) -> None:
    sold = printing.sell("k1")
    with printing.store.operation() as transaction:
        assert queue_copy(transaction, papers(printing)[0], sold.sale_id)
    assert (papers(printing)[1].reprint, papers(printing)[1].opens_drawer) == (True, False)
    with printing.store.operation() as transaction:
        assert queue_drawer(transaction, "1", "anna")
    assert papers(printing)[2].kind is DocumentKind.DRAWER


def test_whoever_prints_is_woken_once_the_operation_is_committed(printing: Shop) -> None:
    seen: list[int] = []
    printing.store.wake_printer = lambda: seen.append(printing.count("sale"))
    printing.sell("k1")
    assert seen == [1]
    with printing.store.operation() as transaction:
        ensure_employee(transaction, "boris")
    with pytest.raises(InvalidInput):
        printing.sell("k2", payments=[])
    assert seen == [1]


def test_a_dead_printer_stops_no_sale_and_prints_all_when_it_is_back(printing: Shop, tmp_path: Path) -> None:
    class Dead:
        name = "dead"

        def print(self, _data: bytes) -> None:
            raise PrinterUnreachable("nobody answers")

    profile = require_profile(48, "cp866", "native")
    for number in range(3):
        printing.sell(f"k{number}")
        assert PrintQueue(printing.store, Dead(), profile).print_waiting().problem == "nobody answers"
    printer = open_printer(f"simulator:{tmp_path / 'paper.txt'}", 48)
    assert printer is not None
    assert PrintQueue(printing.store, printer, profile).print_waiting().printed == 3
    paper = (tmp_path / "paper.txt").read_text()
    assert [paper.count(f"1-00000{number}") > 0 for number in (1, 2, 3)] == [True, True, True]
