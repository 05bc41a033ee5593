"""Character sets of printers: Cyrillic arrives as Cyrillic, what a set lacks arrives as something readable."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from branch_node.devices.codepages import CODE_PAGES, CodePage, encode_text, printable, require_code_page
from shared.errors import InvalidInput
from tests.support.strategies import MANY

PAGES = sorted(CODE_PAGES.values())
RUSSIAN = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"
RUSSIAN_LETTERS = RUSSIAN + RUSSIAN.upper()
CYRILLIC_LETTERS = [
    chr(code)
    for code in (*range(0x400, 0x530), *range(0x1C80, 0x1C89), *range(0x2DE0, 0x2E00), *range(0xA640, 0xA6A0))
    if unicodedata.category(chr(code)).startswith("L")
]


@pytest.mark.parametrize("page", PAGES)
def test_every_russian_letter_is_printed_as_itself(page: CodePage) -> None:
    assert encode_text(RUSSIAN_LETTERS, page).decode(page.codec) == RUSSIAN_LETTERS


@pytest.mark.parametrize("page", PAGES)
def test_no_cyrillic_letter_becomes_a_question_mark(page: CodePage) -> None:
    assert [letter for letter in CYRILLIC_LETTERS if "?" in printable(letter, page)] == []


@pytest.mark.parametrize("page", PAGES)
@MANY
@given(text=st.text(max_size=50))
def test_any_text_can_be_printed_one_byte_a_character_and_without_control(page: CodePage, text: str) -> None:
    data = encode_text(text, page)
    assert len(data) == len(printable(text, page))
    assert not any(byte < 0x20 or byte == 0x7F for byte in data)
    assert printable(printable(text, page), page) == printable(text, page)


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("«Ёлка» – 100 ₽", '"Ёлка" - 100 руб.'),
        ("Crème brûlée", "Creme brulee"),
        ("Қазақстан, Ұлытау", "Казакстан, Улытау"),
        ("Їжак і ґанок", "Їжак i ганок"),
        ("й", "й"),
        ("№ 5… ×2", "№ 5... x2"),
        ("№\u00a05", "№\u00a05"),
        ("\x1bp\x00 чай\n", " p  чай "),
        ("чай ☕", "чай ?"),
    ],
)
def test_what_cp866_lacks_is_replaced(given_text: str, expected: str) -> None:
    assert printable(given_text, CODE_PAGES["cp866"]) == expected


def test_cp1251_keeps_what_it_has() -> None:
    assert printable("«Ёлка» – 100 €", CODE_PAGES["cp1251"]) == "«Ёлка» – 100 €"


@pytest.mark.parametrize("name", ["cp866", "PC866", "866", "WPC1251", "windows-1251", "pc855"])
def test_a_code_page_is_known_by_its_usual_names(name: str) -> None:
    assert require_code_page(name).name[2:] in name


def test_an_unknown_code_page_is_refused() -> None:
    with pytest.raises(InvalidInput, match="koi8"):
        require_code_page("koi8-r")
