"""What the sale's page shows, read as of one moment: the basket, what is due, what waits, who stands there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from starlette.requests import Request

from branch_node.operations import basket
from branch_node.operations.basket import BasketGlance, BasketView, LineView, Returned, SoldAs, Undoable
from branch_node.operations.client_search import shown_client
from branch_node.operations.receipt_finding import exchange_of
from branch_node.operations.sale_actions import Entered, Till, limits_of, shift_of
from branch_node.operations.sale_payments import CARD, attempts_of, due_of
from branch_node.storage.card_attempts import CardAttempt
from branch_node.web.context import context_of
from branch_node.web.people import register_of, signed_in
from shared.domain.business_time import MICROSECONDS, from_us, require_zone
from shared.domain.card_payments import AttemptState
from shared.domain.identifiers import format_id, is_id, parse_id
from shared.domain.loyalty import POINTS
from shared.domain.permissions import Permission
from shared.domain.receipt_labels import method_label
from shared.domain.rounding import NO_ROUNDING, CashRounding, parse_cash_rounding
from shared.domain.sales import CASH
from shared.errors import FilialError, InvalidInput
from shared.web.error_texts import translate_error
from shared.web.formats import format_date, format_money, format_quantity
from shared.web.request_state import state_of
from shared.web.translations import gettext

TAB_HEADER = "X-Tab"
QUICK_KEYS_SHOWN_MAX = 60


class Remark(NamedTuple):
    """Something to be said of what was just done. `is_wrong`: it was not done. `receipt`: goods of it may come back."""

    text: str
    hint: str = ""
    is_wrong: bool = False
    receipt: str = ""


class ShiftClock(NamedTuple):
    """The shift's clock: since when, how long."""

    since: str
    hours: int
    minutes: int


def till_of(request: Request) -> Till:
    """Who asks, at which register, in which tab. Raises InvalidInput when the browser has no register."""
    register = register_of(request)
    if not register:
        raise InvalidInput("This browser belongs to no register.", "Log out, and log in with the register's number.")
    return Till(context_of(request).store, signed_in(request), register, request.headers.get(TAB_HEADER) or None)


def rounding_of(request: Request) -> CashRounding:
    """To which step cash is rounded here. Raises InvalidInput for a setting that is not understood."""
    context = context_of(request)
    currency = context.store.node()[0].currency
    return parse_cash_rounding(context.settings.cash_rounding).get(currency, NO_ROUNDING)


def basket_named(text: str) -> bytes | None:
    """The id that a form carries."""
    return parse_id(text) if is_id(text) else None


def read_board(
    request: Request, entered: Sequence[Entered] = (), sold_id: bytes | None = None, remarks: Sequence[Remark] = ()
) -> dict[str, Any]:
    """Everything that the page's template needs."""
    with context_of(request).store.one_snapshot():
        return _read_board(request, entered, sold_id, remarks)


def _read_board(
    request: Request, entered: Sequence[Entered], sold_id: bytes | None, remarks: Sequence[Remark]
) -> dict[str, Any]:
    till, context = till_of(request), context_of(request)
    store, node = till.store, context.store.node()[0]
    current = basket.current_basket(store, till.register)
    seen = None if current is None else basket.view(store, current)
    attempts = [] if current is None else attempts_of(till, current)
    rounding = rounding_of(request)
    sold = _sold(till, sold_id)
    return {
        "till": till,
        "actor": till.actor,
        "currency": node.currency,
        "zone": node.timezone,
        "seen": seen,
        "basket": "" if current is None else format_id(current),
        "lines": [] if seen is None else [_line(line, seen.currency) for line in seen.lines],
        "due": None if seen is None else due_of(seen, attempts, rounding),
        "returned": None if seen is None else _returned(seen.returned),
        "client": None if seen is None or seen.client is None else shown_client(till.actor, seen.client),
        "client_id": "" if seen is None or seen.client is None else format_id(seen.client.client_id),
        "charges": [_charge(each, node.currency) for each in attempts],
        "undo": _offer(till, seen, node.currency),
        "held": [_glance(each) for each in basket.held(store, till.register)],
        "undecided": [_glance(each) for each in basket.undecided(store, till.register)],
        **read_keys(till),
        "shift": _shift(till, node.timezone),
        "sold": sold,
        "exchanged": None if sold is None else exchange_of(store, sold.sale_id),
        "method_words": {name: method_label(name, state_of(request).language) for name in (CARD, CASH, POINTS)},
        "receipt_id": "" if sold is None else format_id(sold.sale_id),
        "sold_id": "" if sold is None or sold_id is None else format_id(sold_id),
        "remarks": [*(_remark(each) for each in entered if each.error is not None), *remarks, *_asides(entered)],
        "has_terminal": context.terminal is not None,
        "may": limits_of(till.actor),
        "may_open_shift": till.actor.may(Permission.SHIFT_OPEN),
        "last_line": _last_line(entered),
        "request_id": format_id(store.ids.new_id()),
    }


def read_keys(till: Till) -> dict[str, Any]:
    """The quick keys by their groups, and a text that is another one whenever they are."""
    keys = basket.keys_at(till.store, till.register)[:QUICK_KEYS_SHOWN_MAX]
    return {"key_groups": basket.grouped(keys), "keys_version": basket.version_of(keys)}


def _last_line(entered: Sequence[Entered]) -> str:
    """The line that was touched last: the page chooses it."""
    numbers = [each.done.line_id for each in entered if each.done is not None and each.done.line_id is not None]
    return str(numbers[-1]) if numbers else ""


def _line(line: LineView, currency: str) -> dict[str, Any]:
    """A line with what is said below its name."""
    notes = []
    if line.is_priced_by_hand:
        notes.append(gettext("price by hand"))
    for discount in line.discounts:
        # A sign that says itself what it is: − and the amount, then why.
        why = discount.reason or (gettext("discount") if discount.source in ("line", "basket") else discount.source)
        notes.append(f"−{format_money(discount.amount_minor, currency)} {why}")
    if line.expiry:
        notes.append(gettext("best before %(day)s") % {"day": format_date(date.fromisoformat(line.expiry))})
    return {"line": line, "notes": notes, "quantity": format_quantity(line.quantity_thousandths)}


def _returned(returned: Returned | None) -> dict[str, Any] | None:
    """What comes back, with what is in the way of it."""
    if returned is None:
        return None
    return {
        "receipt": returned.receipt,
        "lines": returned.lines,
        "amount_minor": sum(line.amount_minor for line in returned.lines),
        "points_minor": returned.points_minor,
        "problem": translate_error(returned.problem) if returned.problem else "",
        "hint": translate_error(returned.hint) if returned.hint else "",
    }


def _glance(glance: BasketGlance) -> dict[str, Any]:
    name = glance.title or glance.first_name or gettext("empty")
    return {"id": format_id(glance.basket_id), "name": name, "glance": glance}


def _offer(till: Till, seen: BasketView | None, currency: str) -> dict[str, Any] | None:
    """What the bar offers to undo: the last thing that was done."""
    now_us = till.store.clock.now_us()
    glance = basket.given_up(till.store, till.register, now_us - basket.UNDO_SECONDS * MICROSECONDS)
    action = seen.undo[0] if seen is not None and seen.undo else None
    if glance is not None and (action is None or action.at_us <= glance.changed_at_us):
        name = f"{_glance(glance)['name']}, {format_money(glance.total_minor, currency)}"
        text = gettext("given up: %(name)s") % {"name": name}
        return _bar("/sale/take-back", glance.basket_id, text, now_us - glance.changed_at_us)
    return None if seen is None or action is None else _undo(seen, action, now_us)


def _bar(url: str, basket_id: bytes, text: str, age_us: int, action: int = 0) -> dict[str, Any]:
    left = max(1, basket.UNDO_SECONDS - age_us // MICROSECONDS)
    return {"url": url, "basket": format_id(basket_id), "action": action, "text": text, "seconds": left}


def _undo(seen: BasketView, action: Undoable, now_us: int) -> dict[str, Any]:
    texts = {
        "added": gettext("added: %(name)s"),
        "merged": gettext("one more: %(name)s"),
        "removed": gettext("removed: %(name)s"),
        "returned": gettext("comes back: %(name)s"),
        "changed": gettext("changed: %(name)s"),
        # A name in full is for those who may see it; the client stands beside the total.
        "client": gettext("client chosen"),
        "points": gettext("paid by points, or not"),
        "unknown": gettext("unknown code"),
        "no_price": gettext("no price: %(name)s"),
    }
    name = action.name or gettext("the basket")
    text = texts.get(action.outcome.value, gettext("changed: %(name)s"))
    return _bar("/sale/undo", seen.basket_id, text % {"name": name}, now_us - action.at_us, action.action)


def _charge(attempt: CardAttempt, currency: str) -> dict[str, Any]:
    return {
        "reference": attempt.reference,
        "amount": format_money(attempt.amount_minor, currency),
        "is_approved": attempt.state is AttemptState.APPROVED,
        "card": attempt.card or "",
    }


def _shift(till: Till, zone: str) -> ShiftClock | None:
    shift = shift_of(till)
    if shift is None:
        return None
    opened = from_us(shift.opened_at_us).astimezone(require_zone(zone))
    open_for = max(timedelta(0), from_us(till.store.clock.now_us()) - from_us(shift.opened_at_us))
    minutes = int(open_for.total_seconds()) // 60
    return ShiftClock(opened.strftime("%H:%M"), minutes // 60, minutes % 60)


def _sold(till: Till, sold_id: bytes | None) -> SoldAs | None:
    """The receipt that is shown until the next scan. It may be long gone: then nothing is shown."""
    if sold_id is None:
        return None
    try:
        seen = basket.view(till.store, sold_id)
    except FilialError:
        return None
    return seen.sold if seen.register == till.register else None


def _remark(entered: Entered) -> Remark:
    error = entered.error
    assert error is not None
    return Remark(f"{entered.entry.text}: {translate_error(error.message)}", translate_error(error.hint), True)


def _asides(entered: Sequence[Entered]) -> list[Remark]:
    """What a scan meant besides goods."""
    said = []
    for each in entered:
        outcome = "" if each.done is None else each.done.outcome.value
        if outcome == "same_piece":
            text = gettext("This very piece is in the basket already: %(name)s")
            said.append(Remark(text % {"name": each.done.name if each.done else ""}))
        if outcome == "unknown_client":
            said.append(Remark(gettext("No client has this card."), gettext("Look for the client by phone: F4.")))
        if outcome == "receipt" and each.done is not None:
            number = each.done.reference
            said.append(Remark(gettext("That is a receipt: %(number)s") % {"number": number}, receipt=number))
    return said
