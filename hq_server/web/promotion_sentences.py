"""What a promotion does, in one sentence: −10% on Tea, from 1 to 30 November, for clients of the group regular.

Contains no rules: those are in shared.domain.promotion_rules.
"""

from __future__ import annotations

from collections.abc import Iterable

from babel.dates import format_date as babel_date
from babel.dates import get_day_names

from shared.domain.business_time import date_from_days
from shared.domain.promotion_rules import Promotion, PromotionType
from shared.web.formats import format_money, format_rate
from shared.web.translations import current_language, gettext

NAMES_SHOWN_MAX = 5


def sentence(promotion: Promotion, currency: str) -> str:
    """For people who check that they typed what they meant."""
    parts = [f"{_what(promotion, currency)} {_on(promotion)}", *_when(promotion), *_for_whom(promotion, currency)]
    said = ", ".join(part for part in parts if part)
    if not promotion.combinable:
        said += ". " + gettext("It is not combined with other promotions: what is better for the client counts")
    return said + "."


def _what(promotion: Promotion, currency: str) -> str:
    match promotion.type:
        case PromotionType.PERCENT:
            return f"−{format_rate(promotion.value)}"
        case PromotionType.AMOUNT_OFF:
            amount = f"−{format_money(promotion.value, currency)}"
            each = gettext("off all of it together") if promotion.per_basket else gettext("off each")
            return f"{amount} {each}"
        case PromotionType.FIXED_PRICE:
            amount = format_money(promotion.value, currency)
            text = gettext("%(amount)s for all of it together") if promotion.per_basket else gettext("%(amount)s each")
            return text % {"amount": amount}
        case PromotionType.N_FOR_M:
            return gettext("%(n)s for the price of %(m)s") % {"n": promotion.n, "m": promotion.m}


def _on(promotion: Promotion) -> str:
    names = [*sorted(promotion.categories), *sorted(promotion.skus)]
    if not names:
        return gettext("on everything")
    return gettext("on %(names)s") % {"names": _listed(names)}


def _when(promotion: Promotion) -> Iterable[str]:
    yield _period(promotion.valid_from, promotion.valid_to)
    if promotion.weekdays:
        names = get_day_names("abbreviated", locale=current_language())
        days = ", ".join(names[int(digit) - 1] for digit in sorted(set(promotion.weekdays)))
        yield gettext("on %(days)s only") % {"days": days}
    if promotion.minute_from is not None or promotion.minute_to is not None:
        start, end = promotion.minute_from or 0, 1_440 if promotion.minute_to is None else promotion.minute_to
        yield gettext("from %(start)s to %(end)s o’clock") % {"start": clock_text(start), "end": clock_text(end)}


def _period(first: int | None, last: int | None) -> str:
    if first is not None and last is not None:
        return gettext("from %(first)s to %(last)s") % {"first": _day(first), "last": _day(last)}
    if first is not None:
        return gettext("from %(first)s on") % {"first": _day(first)}
    if last is not None:
        return gettext("until %(last)s") % {"last": _day(last)}
    return gettext("without an end")


def _for_whom(promotion: Promotion, currency: str) -> Iterable[str]:
    if promotion.client_groups:
        yield gettext("for clients of the group %(groups)s") % {"groups": _listed(sorted(promotion.client_groups))}
    if promotion.zones:
        yield gettext("in the price zone %(zones)s") % {"zones": _listed(sorted(promotion.zones))}
    if promotion.minimum_minor:
        amount = format_money(promotion.minimum_minor, currency)
        yield gettext("when the basket comes to %(amount)s or more") % {"amount": amount}


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:NAMES_SHOWN_MAX])
    left = len(names) - NAMES_SHOWN_MAX
    return gettext("%(names)s and %(count)s more") % {"names": shown, "count": left} if left > 0 else shown


def _day(day: int) -> str:
    return str(babel_date(date_from_days(day), "d MMMM y", locale=current_language()))


def clock_text(minute: int) -> str:
    """Minutes since midnight as `08:30`."""
    return f"{minute // 60:02d}:{minute % 60:02d}"
