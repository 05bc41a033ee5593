"""The barcodes of invented goods: EAN-13 of the ranges that every shop may use for itself, so they are nobody's.

Weighed goods have the prefix 20, which the product reads as item and grams (`shared.domain.barcodes.USUAL_SCALES`);
goods by the piece have 29, which it leaves to whole codes of the shop's own.
"""

from __future__ import annotations

from shared.domain.check_digits import check_digit, is_digits

WEIGHED_PREFIX = "20"
PIECE_PREFIX = "29"
ITEM_DIGITS = 5
GRAMS_MAX = 99_999


def piece_barcode(item: str) -> str:
    """The EAN-13 of goods sold by the piece. `item` has five digits. Raises ValueError."""
    return _with_check_digit(PIECE_PREFIX + _require_item(item).rjust(12 - len(PIECE_PREFIX), "0"))


def weighed_barcode(item: str, grams: int = 0) -> str:
    """The EAN-13 that a scale prints; with no weight, as the product's card holds it. Raises ValueError."""
    if not 0 <= grams <= GRAMS_MAX:
        raise ValueError(f"A scale's code holds 0 to {GRAMS_MAX} g, not {grams}.")
    return _with_check_digit(f"{WEIGHED_PREFIX}{_require_item(item)}{grams:05d}")


def _require_item(item: str) -> str:
    if len(item) != ITEM_DIGITS or not is_digits(item):
        raise ValueError(f"An item has {ITEM_DIGITS} digits, not “{item}”.")
    return item


def _with_check_digit(digits: str) -> str:
    return digits + check_digit(digits)
