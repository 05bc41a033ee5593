"""Money as integers of minor units, quantities as integers of thousandths. There are no floats."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from shared.domain.identifiers import shorten
from shared.errors import InvalidInput

AMOUNT_MINOR_MAX = 10**15
"""The largest amount or discount of one line."""

TOTAL_MINOR_MAX = 2**53 - 1
BUDGET_MAX = 2**53 - 1
"""The largest budget, lease or part of one that is spent, in whatever the budget counts."""
"""The largest total of one sale: what every JSON reader still holds exactly."""

QUANTITY_THOUSANDTHS_MAX = 10**12
"""The largest quantity of one line: a billion pieces."""

NUMBER_DIGITS_MAX = 60
"""Digits and exponent of a number that anybody means."""

THOUSAND = 1_000

# ISO 4217 minor units other than 2.
_EXPONENTS = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "ISK": 0, "BHD": 3, "KWD": 3, "OMR": 3, "JOD": 3, "TND": 3}


def require_currency(code: object) -> str:
    """An ISO 4217 code. Raises InvalidInput."""
    if not isinstance(code, str) or len(code) != 3 or not code.isascii() or not code.isupper() or not code.isalpha():
        raise InvalidInput("A currency is three capital letters, as RUB or USD.")
    return code


def minor_digits(currency: str) -> int:
    """How many decimals the currency has."""
    return _EXPONENTS.get(currency, 2)


def format_minor(amount_minor: int, currency: str) -> str:
    """`148169` roubles' kopecks as `1481.69`: plain digits and a point, for files and tables."""
    digits = minor_digits(currency)
    if digits == 0:
        return str(amount_minor)
    whole, part = divmod(abs(amount_minor), 10**digits)
    return f"{'-' if amount_minor < 0 else ''}{whole}.{part:0{digits}d}"


def scale_exactly(value: Decimal, decimals: int) -> int | None:
    """The number times 10^decimals when that is whole and not absurd; None otherwise. Never rounds."""
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int) or len(digits) + abs(exponent) > NUMBER_DIGITS_MAX:
        return None
    number = int("".join(map(str, digits)))
    shift = exponent + decimals
    divisor = int(10 ** max(0, -shift))
    if number % divisor:
        return None
    scaled = number * int(10 ** max(0, shift)) // divisor
    return -scaled if sign else scaled


def parse_major(text: str, currency: str) -> int:
    """`1481.69` or `1 481,69` as minor units. Raises InvalidInput when it is not an amount of the currency."""
    cleaned = text.replace("\u00a0", "").replace("\u202f", "").replace(" ", "").replace(",", ".")
    try:
        value = Decimal(cleaned)
    except InvalidOperation:
        raise InvalidInput(f"“{shorten(text)}” is not an amount of money.", "Write it as 1481.69.") from None
    amount = scale_exactly(value, minor_digits(currency))
    if amount is None or abs(amount) > AMOUNT_MINOR_MAX:
        hint = f"{currency} has {minor_digits(currency)} decimals."
        raise InvalidInput(f"“{shorten(text)}” is not an amount in {currency}.", hint)
    return amount


def require_minor(value: object, what: str, maximum: int = AMOUNT_MINOR_MAX) -> int:
    """A whole number of minor units from 0 to the maximum. Raises InvalidInput."""
    if type(value) is not int:
        raise InvalidInput(f"{what} must be a whole number of minor units.")
    if value < 0:
        raise InvalidInput(f"{what} is negative.")
    if value > maximum:
        raise InvalidInput(f"{what} is larger than {maximum}.")
    return value


def parse_quantity(value: object, what: str) -> int:
    """A number ≥ 0 with at most three decimals as thousandths. Raises InvalidInput."""
    if type(value) is int:
        thousandths = value * THOUSAND
    elif isinstance(value, Decimal) and value.is_finite():
        scaled = scale_exactly(value, 3)
        if scaled is None:
            raise InvalidInput(f"{what} has more than three decimals, or is absurd.")
        thousandths = scaled
    else:
        raise InvalidInput(f"{what} must be a number.")
    if thousandths < 0:
        raise InvalidInput(f"{what} is negative.")
    if thousandths > QUANTITY_THOUSANDTHS_MAX:
        raise InvalidInput(f"{what} is larger than {QUANTITY_THOUSANDTHS_MAX // THOUSAND}.")
    return thousandths


def quantity_number(thousandths: int) -> int | float:
    """Thousandths as the plain number people read: 3, or 0.5."""
    whole, part = divmod(thousandths, THOUSAND)
    return whole if part == 0 else thousandths / THOUSAND


def extend_price(unit_price_minor: int, quantity_thousandths: int) -> int:
    """Price × quantity in minor units, rounded half to even. Both are ≥ 0."""
    whole, rest = divmod(unit_price_minor * quantity_thousandths, THOUSAND)
    if rest * 2 > THOUSAND or (rest * 2 == THOUSAND and whole % 2 == 1):
        whole += 1
    return whole
