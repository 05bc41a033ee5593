"""Logging in and out, and one's own PIN: the pages of people who are not, or not yet, at work."""

from __future__ import annotations

from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from branch_node.operations.authentication import LoggedIn, log_in, log_in_by_pin, log_out
from branch_node.operations.pins import set_pin
from branch_node.operations.staff import list_staff
from branch_node.web.context import context_of
from branch_node.web.people import (
    actor_of,
    chosen_register,
    forget_session,
    guarded,
    open_to_all,
    pairing_of,
    pairing_token_of,
    recent_codes,
    remember_recent,
    remember_register,
    remember_session,
    signed_in,
)
from shared.domain.business_time import MICROSECONDS, from_us, require_zone
from shared.domain.identifiers import require_code
from shared.domain.permissions import Permission
from shared.errors import FilialError, InvalidInput, LockedOut, LogInRefused
from shared.operations.passwords import require_pin
from shared.web.error_texts import translate_error
from shared.web.pages import render
from shared.web.request_state import Notice, state_of
from shared.web.security import text_of
from shared.web.site import local_path, see_other
from shared.web.translations import gettext
from shared.web.translations import lazy_text as _

DEFAULT_REGISTER = "1"
PIN_PEOPLE_MAX = 12
"""Employees who are offered by name beside the keys; others type their code."""


class Colleague(NamedTuple):
    """Somebody who may log in by PIN."""

    code: str
    name: str


def page(request: Request) -> Response:
    """`/login`: keys for a PIN on a paired register, code and password anywhere."""
    if actor_of(request) is not None:
        return RedirectResponse(local_path(request.query_params.get("next", "/")), status_code=303)
    return _show(request, request.query_params.get("next", "/"), request.query_params.get("why", ""))


def enter(request: Request) -> Response:
    """POST `code` with `pin`, or with `password` and `register`; then to `next`."""
    is_pin = text_of(request, "method") == "pin"
    wanted = text_of(request, "next") or "/"
    try:
        logged_in = _log_in_by_pin(request) if is_pin else _log_in(request)
    except (LogInRefused, InvalidInput) as error:
        return _show(request, wanted, "", error, is_pin)
    # Whoever was logged in here before is not any more, also for whoever has kept the old cookie.
    log_out(context_of(request).store, state_of(request).session)
    response = see_other(request, wanted, _welcome(logged_in))
    remember_session(request, response, logged_in.token)
    if is_pin:
        remember_recent(request, response, logged_in.actor.code)
    else:
        remember_register(request, response, text_of(request, "register") or DEFAULT_REGISTER)
    return response


def leave(request: Request) -> Response:
    """POST: ends the session. What stands in the basket stays there."""
    token = state_of(request).session
    if token:
        log_out(context_of(request).store, token)
    response = see_other(request, "/login")
    forget_session(request, response)
    return response


def pin_page(request: Request) -> Response:
    """`/pin`: one's own; whoever may set PINs, those of others too."""
    return _show_pin(request, signed_in(request).code)


def choose_pin(request: Request) -> Response:
    """POST `code`, `pin` and `again`."""
    context, actor = context_of(request), signed_in(request)
    code, pin = text_of(request, "code") or actor.code, text_of(request, "pin")
    try:
        require_pin(pin, code)
        if pin != text_of(request, "again"):
            raise InvalidInput("The two PINs are not the same.", "Type the same PIN twice.")
        set_pin(context.store, context.settings, actor, code, pin)
    except FilialError as error:
        return _show_pin(request, code, error)
    return see_other(request, "/pin", Notice(_("The PIN of %(code)s is set.", code=code)))


def _log_in(request: Request) -> LoggedIn:
    context = context_of(request)
    require_code(text_of(request, "register") or DEFAULT_REGISTER, "The register's code")
    # A password may begin or end with a space: it is taken as it was typed.
    typed = _typed(request, "password")
    return log_in(context.store, context.settings, text_of(request, "code"), typed)


def _log_in_by_pin(request: Request) -> LoggedIn:
    context = context_of(request)
    code = text_of(request, "other_code") or text_of(request, "code")
    return log_in_by_pin(context.store, context.settings, pairing_token_of(request), code, text_of(request, "pin"))


def _typed(request: Request, name: str) -> str:
    value = request.scope["state"]["form"].get(name, "")
    return value if isinstance(value, str) else ""


def _welcome(logged_in: LoggedIn) -> Notice | None:
    if logged_in.actor.must_change_password:
        return Notice(_("Your password is one for the first time only: choose your own, under your name above."))
    return None


def _show(
    request: Request, wanted: str, why: str, error: FilialError | None = None, by_pin: bool | None = None
) -> Response:
    pairing = pairing_of(request)
    people = _colleagues(request) if pairing is not None else []
    return render(
        request,
        "login.html",
        status_code=200 if error is None else 403,
        failure=None if error is None else _failure(request, error),
        wanted=wanted,
        ended=why == "ended",
        paired_with=pairing.register if pairing is not None else "",
        people=people,
        register=chosen_register(request) or DEFAULT_REGISTER,
        code=text_of(request, "code") if error is not None else "",
        by_pin=bool(pairing) if by_pin is None else by_pin,
    )


def _colleagues(request: Request) -> list[Colleague]:
    """Who has a PIN: those who used it in this browser first."""
    recent = recent_codes(request)
    places = {code: place for place, code in enumerate(recent)}
    found = [Colleague(row["code"], row["name"]) for row in list_staff(context_of(request).store) if row["pin"]]
    found.sort(key=lambda each: places.get(each.code, len(places)))
    return found[:PIN_PEOPLE_MAX]


def _failure(request: Request, error: FilialError) -> dict[str, str]:
    if isinstance(error, LockedOut):
        context = context_of(request)
        zone = require_zone(context.store.node()[0].timezone)
        until = from_us(context.clock.now_us() + error.seconds * MICROSECONDS).astimezone(zone)
        hint = gettext("Try again at %(time)s.") % {"time": until.strftime("%H:%M:%S")}
        return {"message": gettext("Too many attempts have failed."), "hint": hint}
    return {"message": translate_error(error.message), "hint": translate_error(error.hint)}


def _show_pin(request: Request, code: str, error: FilialError | None = None) -> Response:
    actor = signed_in(request)
    values: dict[str, Any] = {"code": code, "may_set_others": actor.may(Permission.PIN_SET), "own_code": actor.code}
    failure = None if error is None else _failure(request, error)
    return render(request, "pin.html", status_code=200 if error is None else 422, failure=failure, **values)


ROUTES = (
    open_to_all("/login", page),
    open_to_all("/login", enter, methods=["POST"]),
    open_to_all("/logout", leave, methods=["POST"]),
    guarded("/pin", pin_page),
    guarded("/pin", choose_pin, methods=["POST"]),
)
