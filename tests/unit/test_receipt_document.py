"""Receipts, reports and slips as documents, and as JSON in the print queue."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.receipt_document import (
    DocumentKind,
    ReceiptDocument,
    ReceiptLine,
    ReceiptShift,
    as_reprint,
    cash_movement_document,
    moment_text,
    quantity_text,
    refund_document,
    sale_document,
    shift_document,
    test_page,
)
from shared.domain.receipt_json import document_from_json, document_to_json
from shared.domain.receipt_labels import method_label, total_text, vat_label
from shared.domain.receipt_rows import RowKind, receipt_rows
from shared.domain.sales import Payment
from shared.errors import DecodeError
from tests.support.receipts import BANANAS, MOMENT, SHOP, TEA, documents, paper_of, plain_document, sale_of
from tests.support.strategies import SOME

test_page.__test__ = False  # type: ignore[attr-defined]


def amounts(document: ReceiptDocument) -> dict[str, int]:
    """All named sums."""
    return {found.label: found.amount_minor for found in (*document.totals, *document.payments, *document.vat)}


def shift_of(**changes: Any) -> ReceiptShift:
    """A shift of three receipts."""
    values: dict[str, Any] = {
        "register": "1",
        "cashier": "anna",
        "opened_at": MOMENT,
        "moment": MOMENT,
        "currency": "RUB",
        "receipts": 3,
        "first_receipt": "1-000001",
        "last_receipt": "1-000003",
        "gross_minor": 31_000,
        "discounts_minor": 1_000,
        "net_minor": 30_000,
        "methods": (Payment("cash", 20_000), Payment("card", 10_000)),
        "float_minor": 5_000,
        "expected_cash_minor": 25_000,
        **changes,
    }
    return ReceiptShift(**values)


def test_the_sums_of_a_receipt_tie() -> None:
    document = sale_document(SHOP, sale_of(TEA, BANANAS, rounding_minor=-6))
    assert amounts(document) == {
        "Сумма": 27_996,
        "Скидки": -1_000,
        "Округление": -6,
        "ИТОГ": 26_990,
        "Наличные": 26_996,
        "в т.ч. НДС 20%": 3_833,
        "в т.ч. НДС 10%": 363,
    }


def test_a_receipt_without_discount_or_rounding_has_one_total() -> None:
    document = sale_document(SHOP, sale_of(BANANAS))
    assert [found.label for found in document.totals] == ["ИТОГ"]


def test_no_vat_is_said_beside_rates_and_left_out_alone() -> None:
    bag = ReceiptLine("Пакет", 1_000, 500)
    assert sale_document(SHOP, sale_of(bag)).vat == ()
    assert amounts(sale_document(SHOP, sale_of(bag, BANANAS)))["в т.ч. Без НДС"] == 500


@pytest.mark.parametrize(
    ("quantity", "amount", "price"),
    [(2_000, 24_000, 12_000), (333, 3_996, 12_000), (3_000, 1_000, None), (0, 0, None), (1_000, 0, 0)],
)
def test_a_unit_price_is_shown_only_when_it_multiplies_to_the_amount(
    quantity: int, amount: int, price: int | None
) -> None:
    (item,) = sale_document(SHOP, sale_of(ReceiptLine("Чай", quantity, amount))).items
    assert item.unit_price_minor == price


def test_a_unit_price_that_is_given_is_shown() -> None:
    (item,) = sale_document(SHOP, sale_of(ReceiptLine("Чай", 3_000, 1_000, unit_price_minor=333))).items
    assert item.unit_price_minor == 333


def test_a_line_without_a_name_shows_its_code() -> None:
    assert sale_document(SHOP, sale_of(ReceiptLine("", 1_000, 100, sku="4601"))).items[0].name == "4601"


def test_a_refund_names_the_receipt_and_the_reason() -> None:
    paper = paper_of(refund_document(SHOP, sale_of(TEA, receipt="1-000009"), "1-000001", "брак"))
    for text in ("Чек возврата", "К чеку 1-000001", "Причина: брак", "К ВОЗВРАТУ", "230.00 руб.", "Чек № 1-000009"):
        assert text in paper.words


def test_an_x_report_does_not_close_and_a_z_report_says_what_was_not_counted() -> None:
    x, z = (shift_document(SHOP, shift_of(), closes=closes) for closes in (False, True))
    assert (x.kind, z.kind) == (DocumentKind.X_REPORT, DocumentKind.Z_REPORT)
    assert x.closing_notes == ()
    assert z.closing_notes == ("Наличные не пересчитаны",)
    assert "Номера чеков: 1-000001 – 1-000003" in z.notes
    assert amounts(x)["Должно быть в кассе"] == 25_000


def test_a_z_report_shows_the_variance_and_what_is_unresolved() -> None:
    shift = shift_of(counted_cash_minor=24_900, cash_in_minor=700, cash_out_minor=300, unresolved=("карта 100.00",))
    paper = paper_of(shift_document(SHOP, shift, closes=True), 32)
    words = [" ".join(line.text.split()) for line in paper.lines]
    for text in (
        "Расхождение -1.00",
        "Внесено 7.00",
        "Изъято -3.00",
        "Не выяснено: карта 100.00",
        "Банковская карта 100.00",
    ):
        assert text in words


def test_a_shift_without_receipts_has_no_range() -> None:
    document = shift_document(SHOP, shift_of(receipts=0), closes=False)
    assert not any("Номера" in note for note in document.notes)


@pytest.mark.parametrize(("incoming", "title"), [(True, "Внесение наличных"), (False, "Изъятие наличных")])
def test_cash_moved_gets_a_slip_and_the_drawer(incoming: bool, title: str) -> None:
    document = cash_movement_document(SHOP, "1", "anna", MOMENT, "RUB", 50_000, "размен", incoming=incoming)
    paper = paper_of(document)
    assert title in paper.words
    assert "500.00 руб." in paper.words
    assert "Причина: размен" in paper.words
    assert paper.drawer_kicks == 1


def test_an_english_receipt_has_english_words() -> None:
    document = sale_document(SHOP.__class__("Chain", "Shop", "B7", "en"), sale_of(TEA))
    words = paper_of(document).words
    assert "TOTAL" in words
    assert "ИТОГ" not in words


def test_a_copy_differs_by_its_mark_alone() -> None:
    document = plain_document()
    assert [row for row in receipt_rows(as_reprint(document)) if "КОПИЯ" not in row.left] == receipt_rows(document)


def test_the_code_stands_below_everything_that_is_read() -> None:
    assert receipt_rows(plain_document())[-1].kind is RowKind.QR


@pytest.mark.parametrize(("quantity", "text"), [(2_000, "2"), (333, "0.333"), (1_500, "1.5"), (0, "0")])
def test_quantities_are_written_without_useless_digits(quantity: int, text: str) -> None:
    assert quantity_text(quantity) == text


@pytest.mark.parametrize(
    ("rate", "text"), [(2_000, "НДС 20%"), (750, "НДС 7.5%"), (0, "НДС 0%"), (1_667, "НДС 16.67%"), (None, "Без НДС")]
)
def test_rates_are_written_as_people_say_them(rate: int | None, text: str) -> None:
    assert vat_label(rate, "ru") == text


def test_words_that_are_not_known_stay_as_they_are() -> None:
    assert method_label("зачёт аванса", "ru") == "зачёт аванса"
    assert total_text(100, "BYN") == "1.00 BYN"
    assert moment_text(MOMENT) == "23.11.2026 19:00"


@SOME
@given(documents(st.text(max_size=40)))
def test_a_document_survives_the_queue(document: ReceiptDocument) -> None:
    assert document_from_json(document_to_json(document)) == document


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"kind":"sale"}'])
def test_what_is_no_document_is_refused(text: str) -> None:
    with pytest.raises(DecodeError):
        document_from_json(text)


def test_a_document_of_another_release_is_refused() -> None:
    text = document_to_json(plain_document())
    with pytest.raises(DecodeError):
        document_from_json(text[:-1] + ',"unknown_field":1}')
    with pytest.raises(DecodeError):
        document_from_json(text.replace('"kind":"sale"', '"kind":"sonnet"'))
