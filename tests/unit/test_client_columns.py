"""Spreadsheets of clients as people keep them: columns guessed, phones repaired, bad cells named."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.client_columns import IGNORED, guess_mapping, read_birthday, read_row
from shared.errors import InvalidInput


def test_columns_are_known_by_their_headings_in_both_languages() -> None:
    columns = ["ФИО", "Телефон 1", "Телефон 2", "E-mail", "Дата_рождения", "№ карты", "Номер карты", "Прочее"]
    assert guess_mapping(columns, [], "RU") == {
        "ФИО": "name",
        "Телефон 1": "phones",
        "Телефон 2": "phones",
        "E-mail": "emails",
        "Дата_рождения": "birthday",
        "№ карты": IGNORED,
        "Номер карты": "loyalty_number",
        "Прочее": IGNORED,
    }


def test_a_column_without_a_telling_heading_is_known_by_what_is_in_it() -> None:
    rows = [
        {"a": "8 (912) 345-67-89", "b": "anna@example.com", "c": "Анна"},
        {"a": "+7 912 345 67 80", "b": "boris@example.com", "c": "Борис"},
        {"a": "нет", "b": "", "c": "Клара"},
    ]
    assert guess_mapping(["a", "b", "c"], rows, "RU") == {"a": "phones", "b": "emails", "c": IGNORED}


def test_a_field_is_given_to_one_column_only() -> None:
    assert guess_mapping(["Имя", "ФИО"], [], "RU") == {"Имя": "name", "ФИО": IGNORED}


@pytest.mark.parametrize(
    ("typed", "phones"),
    [
        ("8 (912) 345-67-89", ("+79123456789",)),
        ("79123456789", ("+79123456789",)),
        ("9123456789", ("+79123456789",)),
        ("'+7 912 345 67 89", ("+79123456789",)),
        ("79123456789.0", ("+79123456789",)),
        ("89123456789, 8(495)1234567 (рабочий)", ("+74951234567", "+79123456789")),
        ("84951234567 доб. 12", ("+74951234567",)),
        ("+49 30 123456", ("+4930123456",)),
    ],
)
def test_phones_are_repaired_however_they_were_kept(typed: str, phones: tuple[str, ...]) -> None:
    assert read_row({"т": typed, "и": "Анна"}, {"т": "phones", "и": "name"}, "RU").fields["phones"] == phones


@pytest.mark.parametrize(
    ("typed", "birthday"),
    [
        ("31.12.1985", "1985-12-31"),
        ("1985-12-31 00:00:00", "1985-12-31"),
        ("31/12/85", "1985-12-31"),
        ("01.02.05", "2005-02-01"),
        ("29.02", "--02-29"),
        ("1.3", "--03-01"),
    ],
)
def test_birthdays_are_read_in_the_ways_people_write_them(typed: str, birthday: str) -> None:
    assert read_birthday(typed) == birthday


@pytest.mark.parametrize("typed", ["30.02.1985", "вчера", "31.13", "1985", ""])
def test_a_day_that_there_is_not_is_named(typed: str) -> None:
    with pytest.raises(InvalidInput):
        read_birthday(typed)


def test_a_name_in_three_columns_is_one_name() -> None:
    mapping = {"f": "last_name", "i": "first_name", "o": "middle_name"}
    assert read_row({"i": "Анна", "f": "Иванова", "o": "Петровна"}, mapping, "RU").fields == {
        "name": "Иванова Анна Петровна"
    }


def test_what_is_wrong_in_a_row_is_said_with_the_columns_name() -> None:
    with pytest.raises(InvalidInput, match=r"^Почта: “anna” is not an e-mail address"):
        read_row({"Имя": "Анна", "Почта": "anna"}, {"Имя": "name", "Почта": "emails"}, "RU")
    with pytest.raises(InvalidInput, match="names nobody"):
        read_row({"Почта": " "}, {"Почта": "emails"}, "RU")


def test_somebody_without_a_name_is_called_by_the_phone() -> None:
    assert read_row({"т": "89123456789"}, {"т": "phones"}, "RU").fields["name"] == "+79123456789"


@given(st.dictionaries(st.sampled_from("abcdef"), st.text(max_size=30), max_size=6))
def test_any_cells_are_read_or_refused_with_a_sentence(values: dict[str, str]) -> None:
    fields = ("phones", "birthday", "consent_data", "tags", "kind", "tax_number")
    mapping = dict(zip("abcdef", fields, strict=True))
    with suppress(InvalidInput):
        assert isinstance(read_row(values, mapping, "RU").fields.get("name"), str)
