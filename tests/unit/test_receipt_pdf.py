"""Receipts as PDF: their text is text, on a roll and on A4."""

from __future__ import annotations

import io
from dataclasses import replace

import pypdf
import pytest

from branch_node.devices.pdf import POINTS_PER_MM, receipt_pdf
from shared.domain.receipt_document import ReceiptLine, as_reprint, drawer_document, sale_document
from shared.errors import InvalidInput
from tests.support.receipts import MOMENT, SHOP, plain_document, sale_of


def read(data: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(data))


def text_of(data: bytes) -> str:
    """All text of a PDF, without its line ends."""
    return " ".join(" ".join(page.extract_text() for page in read(data).pages).split())


@pytest.mark.parametrize("paper", ["roll", "a4"])
def test_a_receipt_can_be_read_and_searched(paper: str) -> None:
    text = text_of(receipt_pdf(plain_document(), paper))
    for words in ("«Принцесса Нури»", "Бананы", "ИТОГ", "269.96 ₽", "НЕ ФИСКАЛЬНЫЙ ДОКУМЕНТ", "1-000001"):
        assert words in text


def test_a_roll_is_as_long_as_its_receipt() -> None:
    long = sale_document(SHOP, sale_of(*(ReceiptLine(f"Чай № {number}", 1_000, 100) for number in range(100))))
    short_page, long_page = (read(receipt_pdf(document)).pages[0].mediabox for document in (plain_document(), long))
    assert round(short_page.width / POINTS_PER_MM) == round(long_page.width / POINTS_PER_MM) == 80
    assert long_page.height > 4 * short_page.height


def test_a_receipt_of_a_thousand_lines_goes_over_pages() -> None:
    long = sale_document(SHOP, sale_of(*(ReceiptLine(f"Чай № {number}.", 1_000, 100) for number in range(1_000))))
    assert len(read(receipt_pdf(long, "roll")).pages) == 3
    pages = read(receipt_pdf(long, "a4")).pages
    assert len(pages) > 30
    assert "Чай № 0." in pages[0].extract_text()
    assert "Чай № 999." in pages[-2].extract_text() + pages[-1].extract_text()


def test_a_name_wider_than_the_paper_is_not_lost() -> None:
    name = "Щ" * 300
    text = text_of(receipt_pdf(sale_document(SHOP, sale_of(ReceiptLine(name, 1_000, 100)))))
    assert text.count("Щ") == 300


def test_a_pair_that_does_not_fit_goes_over_two_lines() -> None:
    document = replace(plain_document(), title="x")
    header = replace(document.header, cashier="Ж" * 60)
    assert text_of(receipt_pdf(replace(document, header=header))).count("Ж") == 60


def test_a_copy_says_so() -> None:
    assert "КОПИЯ" in text_of(receipt_pdf(as_reprint(plain_document())))


def test_a_document_without_text_is_an_empty_page() -> None:
    assert text_of(receipt_pdf(drawer_document(SHOP, "1", "anna", MOMENT))) == ""


def test_other_paper_is_refused() -> None:
    with pytest.raises(InvalidInput):
        receipt_pdf(plain_document(), "letter")
