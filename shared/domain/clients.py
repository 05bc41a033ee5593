"""What makes a client's card sound: phones in E.164, e-mails that look like e-mails."""

from __future__ import annotations

import re
from typing import Final

from shared.domain.identifiers import shorten
from shared.errors import InvalidInput

PHONE_END_DIGITS_MIN: Final = 3

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_SERVICE_CHARACTERS = re.compile(r"[^\d+]")


def normalize_phone(text: str, country: str) -> str:
    """`8 (912) 345-67-89` in Russia as `+79123456789`. `country` is ISO 3166. Raises InvalidInput."""
    import phonenumbers  # 60 ms: only when a phone is typed

    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        raise InvalidInput(f"“{shorten(text)}” is not a phone number.", "Write it as +7 912 345-67-89.") from None
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise InvalidInput(
            f"“{shorten(text)}” has too few or too many digits for a phone number.", "Write it as +7 912 345-67-89."
        )
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def normalize_email(text: str) -> str:
    """Trimmed and lower-cased. Raises InvalidInput."""
    email = text.strip().lower()
    if not _EMAIL.fullmatch(email) or len(email) > 254:
        raise InvalidInput(f"“{shorten(text)}” is not an e-mail address.")
    return email


def phone_digits(text: str) -> str:
    """The digits of what was typed, for finding a phone by its end."""
    return _SERVICE_CHARACTERS.sub("", text).lstrip("+")


def ends_a_phone(text: str) -> bool:
    """Whether somebody typed the last digits of a phone, and no name."""
    return len(phone_digits(text)) >= PHONE_END_DIGITS_MIN and not any(letter.isalpha() for letter in text)
