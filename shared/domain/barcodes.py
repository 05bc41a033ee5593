"""What a scanner typed, understood: trade item numbers, weighed and priced goods, GS1 codes, receipts, client cards.

Nothing is looked up here. A code that is none of these stays the text that it is; rubbish is an `UnknownCode`, never an
error, because a till must go on.
"""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from shared.domain import gs1
from shared.domain.check_digits import check_digit, has_check_digit, is_digits, value_check_digit
from shared.domain.identifiers import is_encodable
from shared.domain.keyboard_layout import restore_layout
from shared.domain.sales import RECEIPT_NUMBER_DIGITS_MAX

CODE_SCANNED_CHARACTERS_MAX = 500
RECEIPT_REGISTER_CHARACTERS_MAX = 8
SCALE_RULES_MAX = 100

RECEIPT_PREFIX = "filial:1:"
_RECEIPT = re.compile(
    rf"([^\W_]{{1,{RECEIPT_REGISTER_CHARACTERS_MAX}}})-([0-9]{{6,{RECEIPT_NUMBER_DIGITS_MAX}}})", re.UNICODE
)
# What scanners put before codes that are no element strings when they say which kind it was.
_WHOLE_CODES = ("]E0", "]E4", "]C0", "]A0")
# A pack of tobacco has no identifiers: GTIN, serial number, the maximum price and what proves it.
_TOBACCO = re.compile(r"(\d{14})([!-z]{7})([!-z]{4})([!-z]{4})", re.ASCII)


class PlainCode(NamedTuple):
    """A code that names a product as a whole. `gtin` has 14 digits when the check digit is right, else it is empty."""

    text: str
    gtin: str = ""


class WeighedCode(NamedTuple):
    """A code that a scale printed: an item and its weight. `prefix` says which scale, or what kind of goods."""

    text: str
    prefix: str
    item: str
    grams: int


class PricedCode(NamedTuple):
    """A code that a scale or labeller printed: an item and what this piece of it costs."""

    text: str
    prefix: str
    item: str
    amount_minor: int


class Gs1Code(NamedTuple):
    """A GS1 code with a GTIN of 14 digits. `proof` is what proves a marked item, kept as it came; `text` has one
    separator (`\\x1d`) between elements whatever the scanner sent."""

    text: str
    gtin: str
    serial: str = ""
    lot: str = ""
    expiry: date | None = None
    weight_grams: int | None = None
    proof: tuple[tuple[str, str], ...] = ()


class ReceiptCode(NamedTuple):
    """A receipt: the reference inside its QR code, or register and number as printed."""

    text: str
    reference: str
    register: str = ""
    number: int = 0


class ClientCode(NamedTuple):
    """A client's card; `number` is what follows the prefix."""

    text: str
    number: str


class UnknownCode(NamedTuple):
    """Nothing that could be a code, shortened to what may be kept."""

    text: str


Code = PlainCode | WeighedCode | PricedCode | Gs1Code | ReceiptCode | ClientCode | UnknownCode


class ScaleValue(StrEnum):
    """What a shop's own code carries besides the item."""

    GRAMS = "grams"
    AMOUNT_MINOR = "amount_minor"


class ScaleRule(NamedTuple):
    """How EAN-13 codes of one prefix are made: prefix, item, perhaps a check digit of the value, value, check digit."""

    prefix: str
    value: ScaleValue
    item_digits: int = 5
    has_value_check: bool = False

    @property
    def value_digits(self) -> int:
        return 12 - len(self.prefix) - self.item_digits - self.has_value_check


class ScalePlan(NamedTuple):
    """The first rule whose prefix fits decides."""

    rules: tuple[ScaleRule, ...]


USUAL_SCALES = ScalePlan(
    (
        *(ScaleRule(str(prefix), ScaleValue.GRAMS) for prefix in range(20, 25)),
        *(ScaleRule(str(prefix), ScaleValue.AMOUNT_MINOR) for prefix in range(25, 29)),
    )
)
"""20–24 weigh, 25–28 are priced, 29 is left to whole codes of the shop's own."""


class CodePlan(NamedTuple):
    """What a chain has decided about its own codes."""

    scales: ScalePlan = USUAL_SCALES
    card_prefixes: tuple[str, ...] = ()


USUAL_PLAN = CodePlan()


def parse_code(typed: str, plan: CodePlan = USUAL_PLAN) -> Code:
    """What was scanned or typed. Never raises."""
    text = gs1.unify_separators(restore_layout(typed.strip(" \t\r\n\0\x02\x03")))
    if not _is_code(text):
        return UnknownCode(_shown(text))
    if text.startswith(RECEIPT_PREFIX):
        return ReceiptCode(text, text[len(RECEIPT_PREFIX) :])
    if text.startswith(_WHOLE_CODES) and len(text) > 3:
        text = text[3:]
    for prefix in plan.card_prefixes:
        if prefix and text.startswith(prefix) and len(text) > len(prefix):
            return ClientCode(text, text[len(prefix) :])
    code = _parse_gs1(text) if gs1.may_be_element_string(text) else None
    if code is not None:
        return code
    if gs1.is_element_string(text):
        return UnknownCode(_shown(text))
    return _parse_digits(text, plan) if is_digits(text) else _parse_other(text)


def lookup_texts(code: Code) -> tuple[str, ...]:
    """Under what texts a product's card may hold this code, the likeliest first."""
    match code:
        case PlainCode(text, gtin):
            return tuple(dict.fromkeys((text, *gtin_texts(gtin))))
        case Gs1Code(_, gtin):
            return gtin_texts(gtin)
        case WeighedCode(_, prefix, item, _) | PricedCode(_, prefix, item, _):
            empty = (prefix + item).ljust(12, "0")
            return (empty + check_digit(empty), prefix + item, item, item.lstrip("0") or "0")
        case _:
            return (code.text,)


def gtin_texts(gtin: str) -> tuple[str, ...]:
    """A GTIN of 14 digits as it may be written elsewhere: EAN-13, UPC-A, EAN-8, GTIN-14."""
    if not gtin:
        return ()
    texts = [gtin[1:]] if gtin.startswith("0") else []
    if gtin.startswith("00"):
        texts.append(gtin[2:])
    if gtin.startswith("000000"):
        texts.append(gtin[6:])
    return (*texts, gtin)


def upc_to_ean(text: str) -> str | None:
    """A UPC-A as EAN-13; None when it is no UPC-A."""
    return f"0{text}" if len(text) == 12 and has_check_digit(text) else None


def ean_to_upc(text: str) -> str | None:
    """An EAN-13 that is a UPC-A, as such; None when it is not."""
    return text[1:] if len(text) == 13 and text.startswith("0") and has_check_digit(text) else None


def _is_code(text: str) -> bool:
    if not text or len(text) > CODE_SCANNED_CHARACTERS_MAX or not is_encodable(text):
        return False
    return text.replace(gs1.SEPARATOR, "").isprintable() and text.strip(f" {gs1.SEPARATOR}") != ""


def _shown(text: str) -> str:
    """Rubbish as it may be kept and shown."""
    flat = "".join(character if character.isprintable() else "·" for character in text[:CODE_SCANNED_CHARACTERS_MAX])
    return flat.encode("utf-8", "replace").decode()


def _parse_digits(text: str, plan: CodePlan) -> Code:
    if not has_check_digit(text):
        return PlainCode(text)
    if len(text) == 13:
        for rule in plan.scales.rules[:SCALE_RULES_MAX]:
            scaled = _parse_scaled(text, rule) if text.startswith(rule.prefix) else None
            if scaled is not None:
                return scaled
    return PlainCode(text, text.zfill(14))


def _parse_scaled(text: str, rule: ScaleRule) -> WeighedCode | PricedCode | None:
    if not rule.prefix or rule.item_digits < 1 or rule.value_digits < 1:
        return None
    item_end = len(rule.prefix) + rule.item_digits
    item, value = text[len(rule.prefix) : item_end], text[item_end + rule.has_value_check : 12]
    if rule.has_value_check and value_check_digit(value) != text[item_end]:
        return None
    if rule.value is ScaleValue.GRAMS:
        return WeighedCode(text, rule.prefix, item, int(value))
    return PricedCode(text, rule.prefix, item, int(value))


def _parse_gs1(text: str) -> Gs1Code | None:
    elements = gs1.split_elements(text)
    if elements is None:
        return None
    gtin = elements.get("01") or elements.get("02") or ""
    if len(gtin) != 14 or not has_check_digit(gtin):
        return None
    return Gs1Code(
        text,
        gtin,
        elements.get("21", ""),
        elements.get("10", ""),
        gs1.expiry(elements),
        gs1.weight_grams(elements),
        tuple((identifier, elements[identifier]) for identifier in ("91", "92", "93") if identifier in elements),
    )


def _parse_other(text: str) -> Code:
    receipt = _RECEIPT.fullmatch(text)
    if receipt:
        return ReceiptCode(text, text, receipt[1], int(receipt[2]))
    tobacco = _TOBACCO.fullmatch(text)
    if tobacco and has_check_digit(tobacco[1]):
        return Gs1Code(text, tobacco[1], tobacco[2], proof=(("93", tobacco[4]),))
    return PlainCode(text)
