"""What makes a client's card sound: phones in E.164, e-mails that look like e-mails, dates, tax numbers, consents."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from typing import Any, Final, NamedTuple

from shared.domain.cards import Value
from shared.domain.check_digits import is_digits
from shared.domain.identifiers import require_code, shorten
from shared.errors import InvalidInput

PHONE_END_DIGITS_MIN: Final = 3
TAG_CHARACTERS_MAX: Final = 40
TAGS_MAX: Final = 30
BIRTH_YEAR_MIN: Final = 1900
TAX_NUMBER_CHARACTERS_MIN: Final = 4
TAX_NUMBER_CHARACTERS_MAX: Final = 20

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_BIRTHDAY = re.compile(r"(?:(\d{4})|-)-(\d{2})-(\d{2})", re.ASCII)
_BIRTHDAY_TYPED = re.compile(r"(\d{1,2})\.(\d{1,2})(?:\.(\d{4}))?\.?", re.ASCII)
_LANGUAGE = re.compile(r"[a-z]{2}", re.ASCII)
_ANY_LEAP_YEAR = 2000
# Of a Russian tax number: what each digit weighs in the check digit behind them.
_INN_WEIGHTS = (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)
_SERVICE_CHARACTERS = re.compile(r"[^\d+]")


class ClientKind(StrEnum):
    """Whether a card is of somebody or of a firm. A card that says nothing is a person's."""

    PERSON = "person"
    COMPANY = "company"


class ConsentFields(NamedTuple):
    """The three fields of one consent: whether it is given, how, and when in microseconds of UTC."""

    given: str
    source: str
    at: str


DATA_CONSENT: Final = ConsentFields("consent_data", "consent_data_source", "consent_data_at")
ADVERTISING_CONSENT: Final = ConsentFields(
    "consent_advertising", "consent_advertising_source", "consent_advertising_at"
)
CONSENTS: Final = (DATA_CONSENT, ADVERTISING_CONSENT)


def normalize_field(name: str, value: Any, country: str) -> Value:
    """What a field of the card keeps of what was typed; of phones, e-mails and tags, several. None empties it.

    `country` is ISO 3166, of the branch. Raises InvalidInput.
    """
    match name:
        case "phones":
            return tuple(sorted({normalize_phone(phone, country) for phone in value or ()}))
        case "emails":
            return tuple(sorted({normalize_email(email) for email in value or ()}))
        case "tags":
            return normalize_tags(value or ())
        case "external_id":
            return None if value is None else require_code(value, "The client's external id")
    if not isinstance(value, str):
        return value  # type: ignore[no-any-return]
    text = value.strip()
    if not text:
        return None
    match name:
        case "birthday":
            return normalize_birthday(text)
        case "tax_number":
            return normalize_tax_number(text, country)
        case "loyalty_number":
            return require_code(text, "The number of the loyalty card")
        case "kind":
            return _require_kind(text)
        case "language":
            return _require_language(text)
    return text


def normalize_birthday(text: str) -> str:
    """`1984-02-29` or, without the year, `--02-29`; `29.02.1984` and `29.02` become that. Raises InvalidInput."""
    typed = _BIRTHDAY_TYPED.fullmatch(text)
    kept = _BIRTHDAY.fullmatch(text)
    if typed:
        day, month, year = typed[1], typed[2], typed[3]
    elif kept:
        year, month, day = kept[1], kept[2], kept[3]
    else:
        raise InvalidInput(
            f"“{shorten(text)}” is not a birthday.", "Write it as 31.12.1984, or 31.12 without the year."
        )
    try:
        found = date(int(year) if year else _ANY_LEAP_YEAR, int(month), int(day))
    except ValueError:
        raise InvalidInput(f"There is no such day: {shorten(text)}.", "Look at the day and the month.") from None
    if year and found.year < BIRTH_YEAR_MIN:
        raise InvalidInput(f"Nobody is that old: {shorten(text)}.", "Look at the year.")
    return found.isoformat() if year else f"--{found:%m-%d}"


def normalize_tax_number(text: str, country: str) -> str:
    """Without spaces. A Russian one has 10 digits (firms) or 12 (persons) and checks itself. Raises InvalidInput."""
    number = "".join(text.split())
    if country != "RU":
        letters = number.replace("-", "")
        if not letters.isalnum() or not TAX_NUMBER_CHARACTERS_MIN <= len(letters) <= TAX_NUMBER_CHARACTERS_MAX:
            raise InvalidInput(
                f"“{shorten(text)}” is not a tax number.",
                f"It has {TAX_NUMBER_CHARACTERS_MIN} to {TAX_NUMBER_CHARACTERS_MAX} letters and digits.",
            )
        return number
    if not is_digits(number) or len(number) not in (10, 12):
        raise InvalidInput(f"“{shorten(text)}” is not a tax number.", "A firm’s has 10 digits, a person’s 12.")
    guarded = (9,) if len(number) == 10 else (10, 11)
    if any(inn_check_digit(number[:place]) != number[place] for place in guarded):
        raise InvalidInput(f"The tax number {number} has a wrong digit.", "Compare it with the document.")
    return number


def inn_check_digit(digits: str) -> str:
    """The digit that follows the first 9, 10 or 11 digits of a Russian tax number."""
    weights = _INN_WEIGHTS[len(_INN_WEIGHTS) - len(digits) :]
    return str(sum(weight * int(digit) for weight, digit in zip(weights, digits, strict=True)) % 11 % 10)


def normalize_tags(texts: Iterable[str]) -> tuple[str, ...]:
    """Trimmed, each once. Raises InvalidInput."""
    tags = {" ".join(text.split()).lstrip("#") for text in texts} - {""}
    if len(tags) > TAGS_MAX:
        raise InvalidInput(f"A client has at most {TAGS_MAX} tags.", "Take some away.")
    for tag in tags:
        if len(tag) > TAG_CHARACTERS_MAX or "," in tag:
            raise InvalidInput(
                f"“{shorten(tag)}” is no tag.", f"A tag has at most {TAG_CHARACTERS_MAX} characters and no comma."
            )
    return tuple(sorted(tags))


def require_consents(given: dict[str, Value]) -> None:
    """A consent that is given says how, and whoever is not to be contacted says why. Raises InvalidInput.

    `given` are fields as they are to be; those that are not in it are not looked at.
    """
    for consent in CONSENTS:
        if given.get(consent.given) is True and not given.get(consent.source):
            raise InvalidInput("How was the consent given?", "Write it: a form, by phone, on the site.")
    if given.get("do_not_contact") is True and not given.get("do_not_contact_reason"):
        raise InvalidInput("Why is there to be no contact?", "Write the reason in a word or two.")


def _require_kind(text: str) -> str:
    if text not in frozenset(map(str, ClientKind)):
        raise InvalidInput(f"“{shorten(text)}” is no kind of client.", "A client is a person or a company.")
    return text


def _require_language(text: str) -> str:
    code = text.lower()
    if not _LANGUAGE.fullmatch(code):
        raise InvalidInput(f"“{shorten(text)}” is no language.", "Give its two letters, such as ru or en.")
    return code


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
