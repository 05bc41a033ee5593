"""Money, quantities, rates, dates and spans as people of the current language read them. No floats."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale
from babel.numbers import format_currency, format_decimal, format_percent, get_currency_symbol

from shared.domain.money import minor_digits
from shared.web.translations import current_language, gettext

AMOUNTS_KEPT_MAX = 8_192
"""Amounts whose texts are remembered, a megabyte."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


@lru_cache
def _locale(language: str) -> Locale:
    return Locale.parse(language)


def format_money(amount_minor: int, currency: str) -> str:
    """`148169` kopecks as `1 481,69 ₽` (ru) or `RUB 1,481.69` (en), with spaces that do not break."""
    return _money(amount_minor, currency, current_language())


# A page of the till has thirty amounts, most of them prices and notes that the last page had too.
@lru_cache(maxsize=AMOUNTS_KEPT_MAX)
def _money(amount_minor: int, currency: str, language: str) -> str:
    digits = minor_digits(currency)
    return format_currency(
        Decimal(amount_minor).scaleb(-digits),
        currency,
        _money_pattern(language, currency, digits),
        locale=_locale(language),
        # Our own table of decimals decides, as everywhere in the product, not the locale data's.
        currency_digits=False,
    )


@lru_cache
def _money_pattern(language: str, currency: str, digits: int) -> str:
    number = "#,##0" + ("." + "0" * digits if digits else "")
    if language == "ru":
        return f"{number}\u00a0¤"
    letters = get_currency_symbol(currency, locale=_locale(language))[-1].isalpha()
    return f"¤\u00a0{number}" if letters else f"¤{number}"


def format_quantity(quantity_thousandths: int) -> str:
    """`500` as `0,5` (ru) or `0.5` (en)."""
    return _quantity(quantity_thousandths, current_language())


@lru_cache(maxsize=AMOUNTS_KEPT_MAX)
def _quantity(quantity_thousandths: int, language: str) -> str:
    return format_decimal(
        Decimal(quantity_thousandths).scaleb(-3), locale=_locale(language), decimal_quantization=False
    )


def format_number(number: int) -> str:
    """A count: `12 000` (ru) or `12,000` (en)."""
    return _number(number, current_language())


@lru_cache(maxsize=AMOUNTS_KEPT_MAX)
def _number(number: int, language: str) -> str:
    return format_decimal(number, locale=_locale(language))


def format_rate(rate_basis_points: int) -> str:
    """`2000` as `20 %` (ru) or `20%` (en)."""
    return format_percent(
        Decimal(rate_basis_points).scaleb(-4), locale=_locale(current_language()), decimal_quantization=False
    )


def format_date(day: date) -> str:
    """`23.11.2026` (ru) or `23 Nov 2026` (en)."""
    # By hand: to read a pattern anew for every day of a list takes thirty times as long.
    if current_language() == "ru":
        return f"{day.day:02}.{day.month:02}.{day.year}"
    return f"{day.day} {_months()[day.month]} {day.year}"


@lru_cache
def _months() -> Mapping[int, str]:
    names: Mapping[int, str] = _locale("en").months["format"]["abbreviated"]
    return dict(names)


def format_moment(at_us: int, zone: str) -> str:
    """Microseconds of UTC as the wall clock of a zone showed them, to the minute."""
    local = (_EPOCH + timedelta(microseconds=at_us)).astimezone(ZoneInfo(zone))
    between = " " if current_language() == "ru" else ", "
    return f"{format_date(local)}{between}{local.hour:02}:{local.minute:02}"


def format_span(seconds: float) -> str:
    """A span in its largest whole unit: `40 s`, `4 min`, `3 h`, `2 d`."""
    whole = max(0, int(seconds))
    if whole < _MINUTE:
        return gettext("%(count)s s") % {"count": whole}
    if whole < _HOUR:
        return gettext("%(count)s min") % {"count": whole // _MINUTE}
    if whole < _DAY:
        return gettext("%(count)s h") % {"count": whole // _HOUR}
    return gettext("%(count)s d") % {"count": whole // _DAY}
