"""What people call the fields of the head office's cards, and their values: money, days, names instead of ids.

Contains no rules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from hq_server.web.names import HIDEABLE, PERMISSIONS, SCOPES
from hq_server.web.promotion_sentences import clock_text
from shared.domain.business_time import date_from_days
from shared.domain.cards import CARD_FIELDS, FieldType, Value
from shared.domain.loyalty import ANY
from shared.domain.permissions import ClientScope, parse_permissions
from shared.domain.positions import ALL_BRANCHES
from shared.domain.product_requests import RequestState
from shared.domain.promotion_rules import PromotionType
from shared.domain.records import RecordKind
from shared.domain.report_schedules import parse_schedule
from shared.errors import InvalidInput
from shared.reports.asks import ask_of_document
from shared.reports.registry import REPORTS
from shared.web.formats import format_date, format_money, format_number, format_rate
from shared.web.report_template_words import ask_in_words, say_schedule
from shared.web.translations import LazyText, current_language, gettext
from shared.web.translations import lazy_text as _

TEXT_SHOWN_MAX = 200
"""Characters of a value; longer ones end in …"""

_PERIOD: Final[Mapping[str, LazyText]] = {"valid_from": _("First day"), "valid_to": _("Last day")}

FIELD_NAMES: Final[Mapping[int, Mapping[str, LazyText]]] = {
    int(RecordKind.PRODUCT): {
        "name": _("Name"),
        "sku": _("SKU"),
        "barcode": _("Barcode"),
        "category": _("Category"),
        "unit": _("Unit"),
        "vat_code": _("VAT"),
        "weighed": _("sold by weight"),
        "limited": _("sell no more than the chain has"),
        "archived": _("no longer sold"),
    },
    int(RecordKind.PRICE): {
        "amount_minor": _("Price"),
        "zone": _("Price zone"),
        **_PERIOD,
        "archived": _("taken away"),
    },
    int(RecordKind.PROMOTION): {
        "name": _("Name"),
        "code": _("Code"),
        "type": _("Kind"),
        "value": _("What is taken off"),
        "n": _("Of so many"),
        "m": _("so many are paid"),
        "per_basket": _("for all the goods together, not each"),
        "categories": _("Categories"),
        "skus": _("SKUs"),
        "client_groups": _("Groups of clients"),
        "zones": _("Price zones"),
        "minimum_minor": _("When the basket comes to"),
        **_PERIOD,
        "weekdays": _("Only on"),
        "minute_from": _("From the hour"),
        "minute_to": _("to the hour"),
        "combinable": _("together with other promotions"),
        "priority": _("Order"),
        "archived": _("ended at once"),
    },
    int(RecordKind.EMPLOYEE): {
        "name": _("Full name"),
        "code": _("Code"),
        "language": _("Language"),
        "dismissed_on": _("First day without access"),
        "archived": _("taken away"),
    },
    int(RecordKind.POSITION): {
        "role_code": _("Role"),
        "branches": _("Branches"),
        "reports_to": _("Reports to"),
        **_PERIOD,
        "archived": _("taken away"),
    },
    int(RecordKind.ROLE): {
        "name": _("Name"),
        "code": _("Code"),
        "permissions": _("May"),
        "discount_basis_points_max": _("Largest discount by hand"),
        "refund_without_receipt_minor_max": _("Largest return without a receipt"),
        "client_scope": _("Whose clients the lists show"),
        "hidden_fields": _("Never shown of a client"),
        "archived": _("put away"),
    },
    int(RecordKind.DICTIONARY_TERM): {
        "name": _("In Russian"),
        "name_en": _("In English"),
        "is_target": _("target"),
        "place": _("Place in the list"),
        "archived": _("put away"),
    },
    int(RecordKind.PRODUCT_REQUEST): {
        "name": _("What a cashier called it"),
        "amount_minor": _("Sold at"),
        "state": _("What was answered"),
        "note": _("Why"),
    },
    int(RecordKind.REPORT_TEMPLATE): {
        "name": _("Name"),
        "report": _("Report"),
        "ask": _("What it asks"),
        "language": _("Language of the files and letters"),
        "is_shared": _("Others may run it too"),
        "roles": _("Roles"),
        "owner_id": _("Whose it is"),
        "schedule": _("Schedule"),
        "formats": _("As"),
        "recipients": _("To these addresses"),
        "to_folder": _("Into the folder of reports"),
        "wait_hours": _("Hours to wait for missing branches"),
        "archived": _("put away"),
    },
    int(RecordKind.VAT_RATE): {
        "code": _("Code"),
        "rate_basis_points": _("Rate"),
        **_PERIOD,
        "archived": _("taken away"),
    },
    int(RecordKind.LOYALTY_PROGRAM): {
        "name": _("Name"),
        "earn_basis_points": _("Points for the money paid"),
        "payable_share_basis_points_max": _("Points pay of a receipt, at most"),
        "expires_days": _("Points expire after so many days"),
        "point_value_minor": _("What a point is worth"),
        "archived": _("ended"),
    },
    int(RecordKind.BRANCH_SETTINGS): {
        "name": _("Name"),
        "code": _("Code"),
        "timezone": _("Time zone"),
        "price_zone": _("Price zone"),
        "mode": _("How it works"),
        "when_unreachable": _("When the head office does not answer"),
    },
}
"""What is shown of each kind of card, in the order in which people look for it; other fields are the program's own."""

MODES: Final[Mapping[str, LazyText]] = {
    "distributed": _("by itself: it sells at once and tells the head office later"),
    "centralized": _("through the head office: each sale is confirmed there first"),
}
POLICIES: Final[Mapping[str, LazyText]] = {
    "refuse": _("it waits: nothing is sold until the head office answers"),
    "fall_back": _("it goes on by itself, and tells the head office later"),
}
PROMOTION_TYPES: Final[Mapping[str, LazyText]] = {
    PromotionType.PERCENT.value: _("so many per cent off"),
    PromotionType.AMOUNT_OFF.value: _("a sum off"),
    PromotionType.FIXED_PRICE.value: _("a fixed price"),
    PromotionType.N_FOR_M.value: _("three for the price of two, and the like"),
}
ANSWERS: Final[Mapping[str, LazyText]] = {
    RequestState.ANSWERED.value: _("with a product"),
    RequestState.DECLINED.value: _("nothing is to be sold by it"),
}
LANGUAGES: Final[Mapping[str, str]] = {"ru": "Русский", "en": "English"}
_WEEKDAYS: Final = (_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday"))


class Words(NamedTuple):
    """What values are said with: the chain's currency, and names by id and by code."""

    currency: str
    people: Mapping[bytes, str]
    roles: Mapping[str, str]


def field_name(kind: int, field: str) -> str:
    """What people call a field."""
    return str(FIELD_NAMES.get(kind, {}).get(field, field))


def value_text(words: Words, kind: int, field: str, value: Value, shown: Mapping[str, Value]) -> str:
    """A value as people say it; "" for none. `shown` is what the card shows: an amount of a promotion depends on its
    kind."""
    if value is None or value == "" or value == ():
        return ""
    own = _OWN.get((kind, field)) or _OF_ANY.get(field)
    if own is not None:
        return own(words, value, shown)
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, bytes):
        return words.people.get(value, gettext("somebody who is not known any more"))
    text = ", ".join(value) if isinstance(value, tuple) else format_number(value) if isinstance(value, int) else value
    return text if len(text) <= TEXT_SHOWN_MAX else f"{text[: TEXT_SHOWN_MAX - 1]}…"


def says_nothing(kind: int, field: str, value: Value) -> bool:
    """Whether a new card's value is what every card begins with."""
    spec = CARD_FIELDS[RecordKind(kind)].get(field)
    if field == "combinable":
        return value is True
    return value in (None, "", (), False) or (value == 0 and spec is not None and spec.type is FieldType.INTEGER)


_Say = Callable[[Words, Any, Mapping[str, Value]], str]


def _day(_words: Words, value: Any, _shown: Mapping[str, Value]) -> str:
    return format_date(date_from_days(value))


def _money(words: Words, value: Any, _shown: Mapping[str, Value]) -> str:
    return format_money(value, words.currency)


def _rate(_words: Words, value: Any, _shown: Mapping[str, Value]) -> str:
    return format_rate(value)


def _minute(_words: Words, value: Any, _shown: Mapping[str, Value]) -> str:
    return clock_text(value)


def _among(names: Mapping[Any, object]) -> _Say:
    return lambda _words, value, _shown: str(names.get(value, value))


def _taken_off(words: Words, value: Any, shown: Mapping[str, Value]) -> str:
    return format_rate(value) if shown.get("type") == PromotionType.PERCENT else format_money(value, words.currency)


def _permissions(_words: Words, value: Any, _shown: Mapping[str, Value]) -> str:
    known = parse_permissions(tuple(value))
    return ", ".join(str(PERMISSIONS.get(each, each)) for each in PERMISSIONS if each in known)


def _hidden(_words: Words, value: Any, _shown: Mapping[str, Value]) -> str:
    return ", ".join(str(HIDEABLE.get(each, each)) for each in value)


def _branches(_words: Words, value: Any, _shown: Mapping[str, Value]) -> str:
    return gettext("all branches") if ALL_BRANCHES in value else ", ".join(value)


def _role(words: Words, value: Any, _shown: Mapping[str, Value]) -> str:
    return words.roles.get(value, value)


def _weekdays(_words: Words, value: Any, _shown: Mapping[str, Value]) -> str:
    return ", ".join(str(_WEEKDAYS[int(digit) - 1]).lower() for digit in value if digit in "1234567")


def _earned(_words: Words, value: Any, _shown: Mapping[str, Value]) -> str:
    said = []
    for rule in value:
        tier, category, rate = ([*rule.split(":"), "", ""])[:3]
        whom = gettext("everybody") if tier == ANY else gettext("tier %(tier)s") % {"tier": tier}
        what = gettext("on everything") if category == ANY else gettext("on %(category)s") % {"category": category}
        said.append(f"{whom}, {what}: {format_rate(int(rate)) if rate.isdigit() else rate}")
    return "; ".join(said)


def _report(_words: Words, value: Any, _shown: Mapping[str, Value]) -> str:
    return gettext(REPORTS[value].title) if value in REPORTS else str(value)


def _asked(_words: Words, value: Any, shown: Mapping[str, Value]) -> str:
    try:
        return ask_in_words(str(shown.get("report")), ask_of_document(value))
    except InvalidInput:
        return str(value)


def _roles(words: Words, value: Any, _shown: Mapping[str, Value]) -> str:
    return ", ".join(words.roles.get(each, each) for each in value)


def _schedule(_words: Words, value: Any, _shown: Mapping[str, Value]) -> str:
    try:
        return say_schedule(parse_schedule(value))
    except InvalidInput:
        return str(value)


_OF_ANY: Final[Mapping[str, _Say]] = {
    "valid_from": _day,
    "valid_to": _day,
    "dismissed_on": _day,
    "amount_minor": _money,
    "minimum_minor": _money,
    "point_value_minor": _money,
    "refund_without_receipt_minor_max": _money,
    "rate_basis_points": _rate,
    "discount_basis_points_max": _rate,
    "payable_share_basis_points_max": _rate,
    "minute_from": _minute,
    "minute_to": _minute,
    "mode": _among(MODES),
    "when_unreachable": _among(POLICIES),
    "language": _among(LANGUAGES),
    "permissions": _permissions,
    "hidden_fields": _hidden,
    "client_scope": _among({str(scope): SCOPES[scope] for scope in ClientScope}),
    "branches": _branches,
    "role_code": _role,
    "weekdays": _weekdays,
    "earn_basis_points": _earned,
    "schedule": _schedule,
}
_OWN: Final[Mapping[tuple[int, str], _Say]] = {
    (int(RecordKind.PROMOTION), "type"): _among(PROMOTION_TYPES),
    (int(RecordKind.PROMOTION), "value"): _taken_off,
    (int(RecordKind.PRODUCT_REQUEST), "state"): _among(ANSWERS),
    (int(RecordKind.REPORT_TEMPLATE), "report"): _report,
    (int(RecordKind.REPORT_TEMPLATE), "ask"): _asked,
    (int(RecordKind.REPORT_TEMPLATE), "roles"): _roles,
    (int(RecordKind.REPORT_TEMPLATE), "formats"): lambda _words, value, _shown: ", ".join(value).upper(),
}


def card_title(words: Words, kind: int, shown: Mapping[str, Value]) -> str:
    """Which card of a subject a change is of; "" where the page is about that card alone."""

    def said(field: str) -> str:
        return value_text(words, kind, field, shown.get(field), shown)

    match kind:
        case RecordKind.PRICE:
            where = said("zone") or gettext("everywhere")
            since = shown.get("valid_from")
            if since is None:
                return gettext("The usual price, %(where)s") % {"where": where}
            return gettext("The price from %(day)s on, %(where)s") % {"day": said("valid_from"), "where": where}
        case RecordKind.POSITION:
            return gettext("Position: %(role)s") % {"role": said("role_code")}
        case RecordKind.DICTIONARY_TERM:
            first, second = ("name", "name_en") if current_language() == "ru" else ("name_en", "name")
            return (
                f"“{said(first) or said(second)}”" if current_language() != "ru" else f"«{said(first) or said(second)}»"
            )
        case RecordKind.VAT_RATE:
            return gettext("Rate %(code)s") % {"code": said("code")}
        case RecordKind.PROMOTION:
            return said("name")
        case RecordKind.PRODUCT_REQUEST:
            return gettext("The request about %(code)s") % {"code": shown.get("code")}
    return ""
