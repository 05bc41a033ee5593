"""What a client's card keeps of what people type: birthdays, tax numbers, tags, consents."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.cards import CARD_FIELDS, Value
from shared.domain.clients import (
    CONSENTS,
    inn_check_digit,
    normalize_birthday,
    normalize_field,
    normalize_tags,
    normalize_tax_number,
    require_consents,
)
from shared.domain.records import RecordKind
from shared.errors import InvalidInput


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("1984-02-29", "1984-02-29"),
        ("29.02.1984", "1984-02-29"),
        ("1.2.1984", "1984-02-01"),
        ("29.02", "--02-29"),
        ("--02-29", "--02-29"),
        ("31.12.", "--12-31"),
    ],
)
def test_a_birthday_is_kept_as_a_date_with_or_without_its_year(typed: str, kept: str) -> None:
    assert normalize_birthday(typed) == kept


@pytest.mark.parametrize(
    "typed", ["29.02.1983", "30.02", "--13-01", "1884-01-01", "1984", "--2-9", "31/12/1984", "١٢.12"]
)
def test_what_is_no_birthday_is_refused(typed: str) -> None:
    with pytest.raises(InvalidInput):
        normalize_birthday(typed)


@given(st.dates(min_value=date(1900, 1, 1)))
def test_every_day_is_kept_as_it_was_typed_and_kept_again(day: date) -> None:
    kept = normalize_birthday(day.strftime("%d.%m.") + f"{day.year:04}")
    assert kept == day.isoformat() == normalize_birthday(kept)


# Of well-known firms and of the tax office's own examples.
@pytest.mark.parametrize("number", ["7707083893", "7736050003", "7830002293", "500100732259", "773173084809"])
def test_sound_russian_tax_numbers_are_taken(number: str) -> None:
    assert normalize_tax_number(f" {number[:4]} {number[4:]} ", "RU") == number


@pytest.mark.parametrize(
    "number", ["7707083894", "500100732258", "500100732359", "770708389", "77070838930", "77O7083893"]
)
def test_a_wrong_digit_is_noticed(number: str) -> None:
    with pytest.raises(InvalidInput):
        normalize_tax_number(number, "RU")


@given(st.text("0123456789", min_size=9, max_size=9), st.integers(0, 8), st.integers(1, 9))
def test_one_digit_mistyped_is_always_noticed_unless_it_weighs_eleven(digits: str, place: int, by: int) -> None:
    number = digits + inn_check_digit(digits)
    wrong = digits[:place] + str((int(digits[place]) + by) % 10) + digits[place + 1 :]
    if inn_check_digit(wrong) != number[-1]:
        with pytest.raises(InvalidInput):
            normalize_tax_number(wrong + number[-1], "RU")
    assert normalize_tax_number(number, "RU") == number


def test_abroad_the_length_alone_is_looked_at() -> None:
    assert normalize_tax_number("DE 123456789", "DE") == "DE123456789"
    for wrong in ("1", "x" * 21, "12/34"):
        with pytest.raises(InvalidInput):
            normalize_tax_number(wrong, "DE")


def test_tags_are_a_set_without_signs_around() -> None:
    assert normalize_tags(["  VIP ", "#VIP", "", "loves  tea"]) == ("VIP", "loves tea")
    for wrong in (["x" * 41], ["a,b"], [f"tag {number}" for number in range(31)]):
        with pytest.raises(InvalidInput):
            normalize_tags(wrong)


@pytest.mark.parametrize("name", [name for name, spec in CARD_FIELDS[RecordKind.CLIENT].items() if spec.type == "text"])
def test_an_empty_text_empties_any_field(name: str) -> None:
    assert normalize_field(name, None, "RU") is None
    if name != "external_id":
        assert normalize_field(name, "   ", "RU") is None


def test_kind_and_language_are_of_few_words() -> None:
    assert normalize_field("kind", "company", "RU") == "company"
    assert normalize_field("language", "RU", "RU") == "ru"
    for name in ("kind", "language"):
        with pytest.raises(InvalidInput):
            normalize_field(name, "firm", "RU")


@pytest.mark.parametrize("consent", CONSENTS)
def test_a_consent_says_how_it_was_given_and_needs_no_reason_to_be_withdrawn(consent: tuple[str, str, str]) -> None:
    flag, source, _ = consent
    fields: dict[str, Value] = {flag: True}
    with pytest.raises(InvalidInput, match="How"):
        require_consents(fields)
    require_consents(fields | {source: "form"})
    require_consents({flag: False})


def test_whoever_is_not_to_be_contacted_says_why() -> None:
    with pytest.raises(InvalidInput, match="Why"):
        require_consents({"do_not_contact": True})
    require_consents({"do_not_contact": True, "do_not_contact_reason": "asked so"})
    require_consents({"do_not_contact": False})
