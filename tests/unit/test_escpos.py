"""Receipts as the paper shows them: bytes are read by a simulated printer, never compared."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from branch_node.devices.codepages import CODE_PAGES, printable
from branch_node.devices.escpos import drawer_kick, encode_code_pages, encode_document, require_profile
from branch_node.devices.escpos_simulator import CUT_MARK, EscposSimulator
from branch_node.devices.qr import qr_matrix
from branch_node.devices.receipt_text import pair, plain_text, receipt_page, wrap
from shared.domain.money import format_minor
from shared.domain.receipt_document import ReceiptDocument, as_reprint, drawer_document, sale_document
from shared.domain.receipt_labels import NOT_FISCAL_LINES, label
from shared.errors import DecodeError, InvalidInput
from tests.support.receipts import BANANAS, MOMENT, SHOP, TEA, documents, paper_of, plain_document, sale_of
from tests.support.strategies import SOME

COLUMNS = [32, 42, 48]
WIDTHS = st.sampled_from(COLUMNS)
PAGES = st.sampled_from(sorted(CODE_PAGES))


def spaceless(text: str) -> str:
    """What is written, wherever it is broken."""
    return "".join(text.split())


def test_a_receipt_reads_as_it_should() -> None:
    document = sale_document(SHOP, sale_of(TEA, BANANAS, rounding_minor=-6, change_minor=3_010))
    lines = [line.rstrip() for line in paper_of(document, 32).text.splitlines()]
    assert lines[:-5] == [
        '         Сеть "Ёлочка"',
        "      Магазин: Магазин № 7",
        "      СПб, Невский пр., 7",
        "-" * 32,
        "          Чек продажи",
        "Касса: 1          Чек № 1-000001",
        "Кассир: anna    23.11.2026 19:00",
        "-" * 32,
        'Чай чёрный байховый "Принцесса',
        'Нури" крупнолистовой',
        "  2 x 120.00              240.00",
        "  Скидка (акция)          -10.00",
        "  =                       230.00",
        "  НДС 20%                  38.33",
        "Бананы",
        "  0.333 x 120.00           39.96",
        "  НДС 10%                   3.63",
        "-" * 32,
        "Сумма                     279.96",
        "Скидки                    -10.00",
        "Округление                 -0.06",
        "ИТОГ                 269.90 руб.",
        "Наличные                  269.96",
        "Сдача                      30.10",
        "-" * 32,
        "в т.ч. НДС 20%             38.33",
        "в т.ч. НДС 10%              3.63",
        "-" * 32,
        "     НЕ ФИСКАЛЬНЫЙ ДОКУМЕНТ",
        "         NOT CERTIFIED",
        "      Спасибо за покупку!",
    ]
    assert lines[-1].startswith(f"- - {CUT_MARK}")


@SOME
@given(document=documents(), columns=WIDTHS, page=PAGES)
def test_every_word_is_on_the_paper_and_no_line_is_too_long(document: ReceiptDocument, columns: int, page: str) -> None:
    paper = paper_of(document, columns, page)
    assert paper.overflows == 0
    assert all(len(line.text) <= columns for line in paper.lines if line.alignment != "cut" and "[QR" not in line.text)
    written = spaceless(paper.words)
    header = document.header
    for text in (header.chain, header.branch, header.cashier, *header.lines, *document.footer, *document.notes):
        assert spaceless(printable(text, CODE_PAGES[page])) in written
    for item in document.items:
        assert spaceless(item.name) in written
        assert spaceless(item.reason) in written


@SOME
@given(document=documents(), columns=WIDTHS, page=PAGES)
def test_the_sums_printed_are_the_sums(document: ReceiptDocument, columns: int, page: str) -> None:
    lines = [line.text for line in paper_of(document, columns, page).lines]
    total = next(found for found in document.totals if found.strong)
    (printed,) = [line for line in lines if line.rstrip().endswith("руб.")]
    assert format_minor(total.amount_minor, "RUB") in printed
    for found in (*document.totals, *document.payments, *document.vat):
        amount = format_minor(found.amount_minor, "RUB")
        assert any(amount in line.split() for line in lines)
    assert sum(item.amount_minor for item in document.items) == total.amount_minor - _rounding(document)


def _rounding(document: ReceiptDocument) -> int:
    name = label("rounding", document.language)
    return sum(found.amount_minor for found in document.totals if found.label == name)


@SOME
@given(document=documents(st.text(max_size=60)), columns=WIDTHS, page=PAGES)
def test_no_text_whatever_reaches_the_printer_as_a_command(document: ReceiptDocument, columns: int, page: str) -> None:
    paper = paper_of(replace(document, opens_drawer=False), columns, page)
    assert (paper.drawer_kicks, paper.cuts, paper.overflows, len(paper.qr_codes)) == (0, 1, 0, 1)


@pytest.mark.parametrize("columns", COLUMNS)
def test_the_total_stands_out(columns: int) -> None:
    (total,) = [line for line in paper_of(plain_document(), columns).lines if line.text.startswith("ИТОГ")]
    assert total.bold
    assert total.tall


def test_everything_says_that_it_is_no_fiscal_document() -> None:
    for text in NOT_FISCAL_LINES:
        assert text in paper_of(plain_document()).words


def test_a_reprint_is_marked_at_both_ends_and_keeps_the_drawer_shut() -> None:
    document = replace(plain_document(), opens_drawer=True)
    mark = printable(label("reprint", "ru"), CODE_PAGES["cp866"])
    original, copy = paper_of(document), paper_of(as_reprint(document))
    assert (original.words.count(mark), original.drawer_kicks) == (0, 1)
    assert (copy.words.count(mark), copy.drawer_kicks) == (2, 0)


def test_a_printer_that_draws_codes_is_given_the_text() -> None:
    document = plain_document()
    (code,) = paper_of(document, 32).qr_codes
    assert code.text == document.qr
    assert len(qr_matrix(code.text)) * code.module_dots <= 32 * 12


@pytest.mark.parametrize("columns", COLUMNS)
def test_a_printer_that_draws_no_codes_is_given_the_same_picture(columns: int) -> None:
    document = plain_document()
    paper = paper_of(document, columns, qr="raster")
    assert paper.qr_codes == []
    (picture,) = paper.pictures
    matrix = qr_matrix(document.qr)
    scale = len(picture) // len(matrix)
    assert scale >= 2
    assert len(picture[0]) <= columns * 12
    shrunk = [[row[number * scale] == "1" for number in range(len(matrix))] for row in picture[::scale]]
    assert shrunk == [list(row) for row in matrix]


def test_a_drawer_document_opens_the_drawer_and_prints_nothing() -> None:
    paper = paper_of(drawer_document(SHOP, "1", "anna", MOMENT))
    assert (paper.drawer_kicks, paper.lines, paper.cuts) == (1, [], 0)
    assert encode_document(drawer_document(SHOP, "1", "anna", MOMENT), require_profile(48, "cp866")) == drawer_kick()


def test_the_code_page_slip_is_readable_in_every_set() -> None:
    paper = EscposSimulator(32)
    paper.feed(encode_code_pages(require_profile(32, "cp866")))
    assert paper.words.count("Съешь ещё этих мягких") == len(CODE_PAGES)


def test_the_wrong_code_page_is_seen_on_the_paper() -> None:
    data = encode_document(plain_document(), require_profile(48, "cp1251"))
    paper = EscposSimulator(48)
    paper.feed(data.replace(b"\x1bt\x2e", b"\x1bt\x11"))
    assert "Бананы" not in paper.words


def test_a_chinese_printer_is_taken_out_of_its_kanji_mode() -> None:
    paper = EscposSimulator(48)
    paper.feed(encode_document(plain_document(), require_profile(48, "cp866")).replace(b"\x1c.", b""))
    assert "Бананы" not in paper.words


@pytest.mark.parametrize(
    ("columns", "page", "qr"),
    [(23, "cp866", "native"), (65, "cp866", "native"), (48, "x", "native"), (48, "cp866", "x")],
)
def test_a_profile_that_no_printer_has_is_refused(columns: int, page: str, qr: str) -> None:
    with pytest.raises(InvalidInput):
        require_profile(columns, page, qr)


@pytest.mark.parametrize("data", [b"\x1bX", b"\x1d(k\x05\x00", b"\x1bt\xff", b"\x07", b"\x1d!\x11"])
def test_the_simulator_refuses_what_a_printer_would_not_understand(data: bytes) -> None:
    with pytest.raises(DecodeError):
        EscposSimulator(48).feed(data)


@SOME
@given(st.text("аб в", max_size=60), st.text("12.", max_size=40), WIDTHS)
def test_a_pair_never_loses_and_never_overflows(left: str, right: str, columns: int) -> None:
    lines = pair(left, right, columns)
    assert all(len(line) <= columns for line in lines)
    assert spaceless("".join(lines)) == spaceless(left + right)


def test_a_word_longer_than_the_paper_is_cut_and_goes_on() -> None:
    assert wrap("а" * 70, 32) == ["а" * 32, "а" * 32, "а" * 6]


def test_plain_text_and_page_show_the_same_receipt() -> None:
    document = plain_document()
    text = plain_text(document, 48)
    assert "Чай чёрный байховый «Принцесса Нури»" in text
    page = receipt_page(replace(document, footer=("<script>",)))
    assert "<script>" not in page
    assert "<svg" in page
    assert "style=" not in page
