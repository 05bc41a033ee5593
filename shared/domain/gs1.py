"""GS1 element strings – DataMatrix and GS1-128 as scanners type them – taken apart into their elements."""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping
from datetime import date

from shared.domain.check_digits import is_digits

ELEMENTS_MAX = 40
SEPARATOR = "\x1d"
"""How most scanners send FNC1 between elements."""

_OTHER_SEPARATORS = ("<GS>", "{GS}", "\u241d", "\\x1d")
_SYMBOLOGIES = ("]d2", "]C1", "]e0", "]Q3", "]J1")

# Length of the value of identifiers that need no separator, by their first two digits (GS1 General Specifications,
# 7.8.5: element strings with predefined length).
_PREDEFINED = {
    "00": 18, "01": 14, "02": 14, "03": 14, "04": 16, "11": 6, "12": 6, "13": 6, "14": 6, "15": 6, "16": 6, "17": 6,
    "18": 6, "19": 6, "20": 2, "31": 6, "32": 6, "33": 6, "34": 6, "35": 6, "36": 6, "41": 13,
}  # fmt: skip
# Digits of identifiers longer than two, by their first two.
_IDENTIFIER_LENGTHS = {
    "23": 3, "24": 3, "25": 3, "31": 4, "32": 4, "33": 4, "34": 4, "35": 4, "36": 4, "39": 4, "40": 3, "41": 3, "42": 3,
    "43": 4, "70": 4, "71": 3, "72": 4, "80": 4, "81": 4, "82": 4,
}  # fmt: skip
_BRACKETED = re.compile(r"\((\d{2,4})\)([^(]*(?:\((?!\d{2,4}\))[^(]*)*)")

# A scanner that drops every separator leaves the serial number and what proves it glued together. The lengths of the
# proofs, and of the serials of goods with a short proof, are those of the Russian marking system.
_GLUED_LONG = re.compile(r"(?P<serial>.{1,20}?)91(?P<key>.{4})92(?P<proof>.{44}|.{88})", re.DOTALL)
_GLUED_SHORT = re.compile(r"(?P<serial>.{13}|.{6})93(?P<key>.{4})(?:(?P<weight>310[0-5])(?P<value>\d{6}))?", re.DOTALL)


def is_element_string(text: str) -> bool:
    """Whether the scanner says so."""
    return text.startswith((*_SYMBOLOGIES, "(01)", "(02)")) or SEPARATOR in text


def may_be_element_string(text: str) -> bool:
    """Whether the scanner says so, or it begins as one does: with a GTIN that something follows."""
    return is_element_string(text) or (len(text) > 16 and text.startswith("01") and is_digits(text[2:16]))


def unify_separators(text: str) -> str:
    """The text with one kind of separator."""
    for other in _OTHER_SEPARATORS:
        text = text.replace(other, SEPARATOR)
    return text


def split_elements(text: str) -> Mapping[str, str] | None:
    """Values by application identifier, in their order; None when the text is no element string."""
    for symbology in _SYMBOLOGIES:
        text = text.removeprefix(symbology)
    text = text.strip(SEPARATOR)
    elements = _split_bracketed(text) if text.startswith("(") else _split_plain(text)
    return _unglue(elements) if elements else None


def _split_bracketed(text: str) -> dict[str, str] | None:
    elements: dict[str, str] = {}
    position = 0
    for match in _BRACKETED.finditer(text):
        if match.start() != position or match[1] in elements or len(elements) == ELEMENTS_MAX:
            return None
        elements[match[1]] = match[2].strip(SEPARATOR)
        position = match.end()
    return elements if position == len(text) and all(elements.values()) else None


def _split_plain(text: str) -> dict[str, str] | None:
    elements: dict[str, str] = {}
    while text:
        identifier = text[: _IDENTIFIER_LENGTHS.get(text[:2], 2)]
        rest = text[len(identifier) :]
        length = _PREDEFINED.get(text[:2])
        if length is None:
            value, _, text = rest.partition(SEPARATOR)
        else:
            value, text = rest[:length], rest[length:].removeprefix(SEPARATOR)
            if len(value) < length or not is_digits(value):
                return None
        known = is_digits(identifier) and len(identifier) >= 2
        if not known or not value or identifier in elements or len(elements) == ELEMENTS_MAX:
            return None
        elements[identifier] = value
    return elements


def _unglue(elements: dict[str, str]) -> dict[str, str]:
    serial = elements.get("21", "")
    long = _GLUED_LONG.fullmatch(serial)
    if long:
        return {**elements, "21": long["serial"], "91": long["key"], "92": long["proof"]}
    short = _GLUED_SHORT.fullmatch(serial)
    if short:
        weight = {short["weight"]: short["value"]} if short["weight"] else {}
        return {**elements, "21": short["serial"], "93": short["key"], **weight}
    return elements


def weight_grams(elements: Mapping[str, str]) -> int | None:
    """The net weight, from AI 310n: kilograms with n decimals. What is finer than a gram is rounded half up."""
    for decimals in range(6):
        value = elements.get(f"310{decimals}")
        if value is not None and len(value) == 6 and is_digits(value):
            unit = int(10**decimals)
            return (int(value) * 2_000 + unit) // (2 * unit)
    return None


def expiry(elements: Mapping[str, str]) -> date | None:
    """The last day of use: AI 17, else the date of 7003, else the best-before day of AI 15."""
    for value in (elements.get("17"), elements.get("7003", "")[:6], elements.get("15")):
        day = _parse_day(value or "")
        if day is not None:
            return day
    return None


def _parse_day(text: str) -> date | None:
    """YYMMDD of this century; day 00 is the month's last."""
    if len(text) != 6 or not is_digits(text):
        return None
    year, month, day = 2_000 + int(text[:2]), int(text[2:4]), int(text[4:])
    if not 1 <= month <= 12:
        return None
    last = calendar.monthrange(year, month)[1]
    return date(year, month, day or last) if day <= last else None
