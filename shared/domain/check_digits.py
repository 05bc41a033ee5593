"""Check digits of trade item numbers, and of the weight or price inside a shop's own codes."""

from __future__ import annotations

GTIN_LENGTHS = (8, 12, 13, 14)

# What a digit becomes under each weighting factor (GS1 General Specifications, 7.9.2 and 7.9.3).
_TWO_MINUS = (0, 2, 4, 6, 8, 9, 1, 3, 5, 7)
_THREE = (0, 3, 6, 9, 2, 5, 8, 1, 4, 7)
_FIVE_PLUS = (0, 5, 1, 6, 2, 7, 3, 8, 4, 9)
_FIVE_MINUS = (0, 5, 9, 4, 8, 3, 7, 2, 6, 1)
_OF_FOUR = (_TWO_MINUS, _TWO_MINUS, _THREE, _FIVE_MINUS)
_OF_FIVE = (_FIVE_PLUS, _TWO_MINUS, _FIVE_MINUS, _FIVE_PLUS, _TWO_MINUS)


def is_digits(text: str) -> bool:
    """Whether it is ASCII digits and nothing else."""
    return text.isascii() and text.isdigit()


def check_digit(digits: str) -> str:
    """The last digit of a GTIN whose other digits these are: weights 3 and 1 in turn, from the right."""
    total = sum(int(digit) * (1 if number % 2 else 3) for number, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def has_check_digit(text: str) -> bool:
    """Whether it is a GTIN-8, -12, -13 or -14 as far as its digits tell."""
    return len(text) in GTIN_LENGTHS and is_digits(text) and check_digit(text[:-1]) == text[-1]


def value_check_digit(value: str) -> str | None:
    """The digit that guards a price or weight of four or five digits; None for other lengths."""
    if len(value) == 4:
        return str(sum(table[int(digit)] for table, digit in zip(_OF_FOUR, value)) * 3 % 10)
    if len(value) == 5:
        rest = -sum(table[int(digit)] for table, digit in zip(_OF_FIVE, value)) % 10
        return str(_FIVE_MINUS.index(rest))
    return None
