"""Phones and e-mails: many spellings, one stored form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.clients import normalize_email, normalize_phone, phone_digits
from shared.errors import InvalidInput
from tests.support.strategies import SOME


@pytest.mark.parametrize(
    "text",
    ["8 (912) 345-67-89", "+7 912 345 67 89", "79123456789", "9123456789", "8-912-345-67-89", " +7(912)3456789 "],
)
def test_every_spelling_of_a_russian_phone_is_one_number(text: str) -> None:
    assert normalize_phone(text, "RU") == "+79123456789"


@SOME
@given(st.integers(9_000_000_000, 9_999_999_999))
def test_a_normalized_phone_stays_as_it_is_in_any_country(number: int) -> None:
    normalized = normalize_phone(f"8{number}", "RU")
    assert normalized == f"+7{number}"
    assert normalize_phone(normalized, "DE") == normalized


def test_a_phone_with_its_country_code_needs_no_country() -> None:
    assert normalize_phone("+49 30 901820", "RU") == "+4930901820"


@pytest.mark.parametrize("text", ["", "abc", "12", "+7 912", "+7 912 345 67 89 00 11 22", "phone unknown", "+"])
def test_what_is_no_phone_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        normalize_phone(text, "RU")


@pytest.mark.parametrize("text", ["345-67-89", "8 (912) 345"])
def test_a_phone_without_its_area_code_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        normalize_phone(text, "RU")


@pytest.mark.parametrize("text", ["Anna@Example.COM", "  anna@example.com\n"])
def test_an_e_mail_is_trimmed_and_lower_case(text: str) -> None:
    assert normalize_email(text) == "anna@example.com"


@pytest.mark.parametrize(
    "text", ["", "anna", "anna@", "@b.c", "anna@example", "a b@c.d", "a@b@c.d", "a" * 250 + "@b.cd"]
)
def test_what_is_no_e_mail_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        normalize_email(text)


@pytest.mark.parametrize("normalize", [normalize_email, lambda text: normalize_phone(text, "RU")])
def test_a_refusal_is_one_printable_line_whatever_was_typed(normalize: object) -> None:
    with pytest.raises(InvalidInput) as refusal:
        normalize("not\none line" * 100)  # type: ignore[operator]
    assert refusal.value.message.isprintable()
    assert len(refusal.value.message) < 200


@pytest.mark.parametrize(
    ("text", "digits"), [("67-89", "6789"), ("+7 (912)", "7912"), ("Anna", ""), ("", ""), ("8 912", "8912")]
)
def test_only_digits_are_left_of_a_phone_s_end(text: str, digits: str) -> None:
    assert phone_digits(text) == digits
