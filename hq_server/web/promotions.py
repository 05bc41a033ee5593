"""Promotions: now, coming and ended; each said in a sentence, also while it is being typed."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from hq_server.operations.card_changes import Noun, Subject
from hq_server.operations.paging import PAGE_ROWS_MAX
from hq_server.operations.products import categories_of_chain, zones_of_chain
from hq_server.operations.promotions import (
    add_promotion,
    change_promotion,
    end_promotion,
    read_promotions,
    require_promotion_of,
)
from hq_server.web import changes
from hq_server.web.context import context_of
from hq_server.web.forms import (
    Failure,
    amount_of,
    amount_text,
    day_of,
    day_text,
    is_ticked,
    or_again,
    status,
    texts_of,
    typed,
)
from hq_server.web.promotion_sentences import clock_text, sentence
from hq_server.web.signed_in import actor_of, guarded
from shared.domain.identifiers import NIL_ID, shorten
from shared.domain.percentages import format_percent, parse_percent
from shared.domain.permissions import Permission, require
from shared.domain.promotion_rules import Promotion, PromotionType, require_promotion
from shared.errors import FilialError, InvalidInput
from shared.web.error_texts import translate_error
from shared.web.pages import render
from shared.web.security import text_of
from shared.web.site import see_other
from shared.web.translations import lazy_text as _

TYPES: Final = (
    (PromotionType.PERCENT.value, _("so many per cent off")),
    (PromotionType.AMOUNT_OFF.value, _("a sum off")),
    (PromotionType.FIXED_PRICE.value, _("a fixed price")),
    (PromotionType.N_FOR_M.value, _("three for the price of two, and the like")),
)
WEEKDAYS: Final = (
    ("1", _("Monday")),
    ("2", _("Tuesday")),
    ("3", _("Wednesday")),
    ("4", _("Thursday")),
    ("5", _("Friday")),
    ("6", _("Saturday")),
    ("7", _("Sunday")),
)
NOTHING: Final[dict[str, Any]] = {
    "code": "",
    "name": "",
    "type": PromotionType.PERCENT.value,
    "percent": "",
    "amount": "",
    "n": "3",
    "m": "2",
    "categories": "",
    "skus": "",
    "client_groups": "",
    "zones": "",
    "valid_from": "",
    "valid_to": "",
    "weekdays": (),
    "time_from": "",
    "time_to": "",
    "minimum": "",
    "priority": "0",
    "exclusive": False,
    "per_basket": False,
}


def page(request: Request) -> Response:
    """`/promotions`."""
    context = context_of(request)
    with context.store.read() as connection:
        known = read_promotions(connection, actor_of(request))
        changed = changes.changes_of(request, connection, changes.ALL_PROMOTIONS)
    today = context.today()
    groups: dict[str, list[tuple[Promotion, str]]] = {"now": [], "coming": [], "ended": []}
    for promotion in known:
        groups[state_on(promotion, today)].append((promotion, sentence(promotion, context.chain.currency)))
    groups["ended"].sort(key=lambda each: -(each[0].valid_to or 0))
    shown = {name: each[:PAGE_ROWS_MAX] for name, each in groups.items()}
    left = sum(len(groups[name]) - len(shown[name]) for name in groups)
    return render(request, "promotions.html", groups=shown, left=left, changes=changed)


def state_on(promotion: Promotion, day: int) -> str:
    """`now`, `coming` or `ended`."""
    if promotion.valid_to is not None and promotion.valid_to < day:
        return "ended"
    return "coming" if promotion.valid_from is not None and promotion.valid_from > day else "now"


def form(request: Request, failure: Failure | None = None) -> Response:
    """`/promotions/edit?code=…`; without a code a new one."""
    context, actor = context_of(request), actor_of(request)
    require(actor, Permission.CATALOG_EDIT)
    code = request.query_params.get("code", "")
    known: Promotion | None = None
    changed: changes.ShownChanges | None = None
    with context.store.read() as connection:
        if code:
            known = require_promotion_of(connection, actor, code)
            changed = changes.changes_of(request, connection, Subject(Noun.PROMOTION, known.promotion_id))
        zones, categories = zones_of_chain(connection), categories_of_chain(connection)
    fields = typed(request, _fields(request, known) if known else NOTHING)
    said = sentence(known, context.chain.currency) if known and failure is None else ""
    return render(
        request,
        "promotion.html",
        status_code=status(failure),
        failure=failure,
        code=code,
        changes=changed,
        typed=fields,
        sentence=said or _said(request),
        types=TYPES,
        weekdays=WEEKDAYS,
        known_zones=zones,
        known_categories=categories,
        currency=context.chain.currency,
    )


def said_of_form(request: Request) -> Response:
    """POST: the sentence of what is typed so far, for htmx."""
    require(actor_of(request), Permission.CATALOG_EDIT)
    return render(request, "promotion.html", block="said", sentence=_said(request))


@or_again(form)
def save(request: Request) -> Response:
    """POST: a new promotion, or what one is to be."""
    context, actor = context_of(request), actor_of(request)
    code = request.query_params.get("code", "")
    wanted = promotion_of_form(request, code)

    def act(connection: Connection, now_us: int) -> None:
        if code:
            change_promotion(connection, context.ids, now_us, code, wanted, actor)
        else:
            add_promotion(connection, context.ids, now_us, wanted, actor)

    done = changes.change(request, act, changes.ALL_PROMOTIONS)
    return see_other(
        request,
        "/promotions",
        done.notice(_("“%(name)s” is saved. The tills learn it with the next contact.", name=wanted.name)),
    )


def end(request: Request) -> Response:
    """POST `code`, `on`: after that day, or at once when it is empty."""
    context, actor = context_of(request), actor_of(request)
    code, day = text_of(request, "code"), day_of(request, "on")
    done = changes.change(
        request,
        lambda connection, now_us: end_promotion(connection, context.ids, now_us, code, day, actor),
        changes.ALL_PROMOTIONS,
    )
    return see_other(request, "/promotions", done.notice(_("The promotion ends.")))


def promotion_of_form(request: Request, code: str = "") -> Promotion:
    """What the form says. Raises InvalidInput."""
    kind = _type(text_of(request, "type"))
    value = n = m = 0
    if kind is PromotionType.PERCENT:
        value = parse_percent(text_of(request, "percent"))
    elif kind is PromotionType.N_FOR_M:
        n, m = _count(request, "n"), _count(request, "m")
    else:
        value = _amount(request)
    minute_from, minute_to = _hours(text_of(request, "time_from"), text_of(request, "time_to"))
    return Promotion(
        promotion_id=NIL_ID,
        code=code or text_of(request, "code"),
        name=text_of(request, "name"),
        type=kind,
        value=value,
        n=n,
        m=m,
        skus=frozenset(texts_of(request, "skus")),
        categories=frozenset(texts_of(request, "categories")),
        client_groups=frozenset(texts_of(request, "client_groups")),
        zones=frozenset(texts_of(request, "zones")),
        valid_from=day_of(request, "valid_from", "The first day"),
        valid_to=day_of(request, "valid_to", "The last day"),
        weekdays="".join(sorted(texts_of(request, "weekdays"))),
        minute_from=minute_from,
        minute_to=minute_to,
        minimum_minor=amount_of(request, "minimum", "The least basket") or 0,
        combinable=not is_ticked(request, "exclusive"),
        priority=_count(request, "priority"),
        per_basket=is_ticked(request, "per_basket"),
    )


def _said(request: Request) -> str:
    """The sentence, or what keeps it from being one; nothing for a form that nobody has filled in."""
    if not text_of(request, "type"):
        return ""
    try:
        typed_so_far = promotion_of_form(request, text_of(request, "code") or "x")
        return sentence(
            require_promotion(typed_so_far) if typed_so_far.name else typed_so_far, context_of(request).chain.currency
        )
    except FilialError as error:
        return translate_error(error.message)


def _fields(request: Request, promotion: Promotion) -> dict[str, Any]:
    """A promotion as the form's fields."""
    kind, value = promotion.type, promotion.value
    sums = (PromotionType.AMOUNT_OFF, PromotionType.FIXED_PRICE)
    hours = promotion.minute_from is not None or promotion.minute_to is not None
    return {
        **NOTHING,
        "code": promotion.code,
        "name": promotion.name,
        "type": kind.value,
        "percent": format_percent(value).removesuffix(" %") if kind is PromotionType.PERCENT else "",
        "amount": amount_text(request, value) if kind in sums else "",
        "n": str(promotion.n or 3),
        "m": str(promotion.m or 2),
        **{
            name: ", ".join(sorted(getattr(promotion, name)))
            for name in ("categories", "skus", "client_groups", "zones")
        },
        "valid_from": day_text(promotion.valid_from),
        "valid_to": day_text(promotion.valid_to),
        "weekdays": tuple(promotion.weekdays),
        "time_from": clock_text(promotion.minute_from or 0) if hours else "",
        "time_to": clock_text(1_440 if promotion.minute_to is None else promotion.minute_to) if hours else "",
        "minimum": amount_text(request, promotion.minimum_minor or None),
        "priority": str(promotion.priority),
        "exclusive": not promotion.combinable,
        "per_basket": promotion.per_basket,
    }


def _type(text: str) -> PromotionType:
    try:
        return PromotionType(text)
    except ValueError:
        raise InvalidInput("No kind of promotion was chosen.", "Choose what is taken off.") from None


def _amount(request: Request) -> int:
    amount_minor = amount_of(request, "amount", "The amount")
    if amount_minor is None:
        raise InvalidInput("No amount was typed.", "Write it as 50.00.")
    return amount_minor


def _count(request: Request, name: str) -> int:
    text = text_of(request, name) or "0"
    if not text.isascii() or not text.removeprefix("-").isdigit() or len(text) > 7:
        raise InvalidInput(f"“{shorten(text)}” is not a whole number.", "Write it in digits.")
    return int(text)


def _hours(start: str, end: str) -> tuple[int | None, int | None]:
    """Two times of a day as minutes since midnight. Raises InvalidInput."""
    if not start and not end:
        return None, None
    first, last = _minute(start or "00:00"), _minute(end or "24:00")
    if first == last:
        raise InvalidInput("The hours begin when they end.", "Leave both out for the whole day.")
    return first, last


def _minute(text: str) -> int:
    hours, separator, minutes = text.partition(":")
    sound = separator and len(minutes) == 2 and f"{hours}{minutes}".isascii() and f"{hours}{minutes}".isdigit()
    minute = int(hours) * 60 + int(minutes) if sound and len(hours) <= 2 and int(minutes) < 60 else 9_999
    if minute > 1_440:
        raise InvalidInput(f"“{shorten(text)}” is no time of a day.", "Write it as 10:30.")
    return minute


ROUTES = (
    guarded("/promotions", page),
    guarded("/promotions/edit", form),
    guarded("/promotions/edit", save, "POST"),
    guarded("/promotions/sentence", said_of_form, "POST"),
    guarded("/promotions/end", end, "POST"),
)
