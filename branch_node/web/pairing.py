"""Pairing browsers with registers: a manager's page that makes codes, and the page of the browser that enters one."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from branch_node.operations.pairing import (
    CODE_VALID_SECONDS,
    PairingCode,
    list_pairings,
    make_pairing_code,
    pair_browser,
    revoke_pairings,
)
from branch_node.web.context import context_of
from branch_node.web.people import guarded, open_to_all, pairing_of, remember_pairing, signed_in
from shared.domain.identifiers import format_id
from shared.domain.permissions import Permission
from shared.errors import FilialError, TokenRefused
from shared.web.error_texts import translate_error
from shared.web.pages import render
from shared.web.request_state import Notice
from shared.web.security import text_of
from shared.web.site import see_other
from shared.web.translations import lazy_text as _


def page(request: Request) -> Response:
    """`/pairing`: the browsers that are paired."""
    return _show(request)


def make(request: Request) -> Response:
    """POST `register`: shows a code that one browser may trade within ten minutes. It is shown once, so no redirect."""
    context = context_of(request)
    return _show(request, make_pairing_code(context.store, signed_in(request), text_of(request, "register")))


def revoke(request: Request) -> Response:
    """POST `reference`: that browser is paired no more."""
    revoke_pairings(context_of(request).store, signed_in(request), text_of(request, "reference"))
    return see_other(request, "/pairing", Notice(_("The browser is paired no more.")))


def entry_page(request: Request) -> Response:
    """`/pair`: where this browser enters its code."""
    return _show_entry(request)


def pair(request: Request) -> Response:
    """POST `code`."""
    label = request.headers.get("user-agent", "")
    try:
        paired = pair_browser(context_of(request).store, text_of(request, "code"), label)
    except TokenRefused as error:
        return _show_entry(request, error)
    response = see_other(request, "/login", Notice(_("This browser is register %(code)s now.", code=paired.register)))
    remember_pairing(request, response, paired.token)
    return response


def _show(request: Request, made: PairingCode | None = None) -> Response:
    context = context_of(request)
    with context.store.read() as connection:
        pairings = list_pairings(connection)
    return render(
        request,
        "pairing.html",
        pairings=[(format_id(each.pairing_id), each) for each in pairings],
        made=made,
        minutes=CODE_VALID_SECONDS // 60,
        zone=context.store.node()[0].timezone,
    )


def _show_entry(request: Request, error: FilialError | None = None) -> Response:
    paired = pairing_of(request)
    failure = error and {
        "message": translate_error(error.message),
        "hint": str(_("Ask the manager for a new code.")),
    }
    return render(
        request,
        "pair.html",
        status_code=200 if error is None else 403,
        failure=failure,
        register=paired.register if paired is not None else "",
    )


ROUTES = (
    guarded("/pairing", page, Permission.REGISTER_PAIR),
    guarded("/pairing", make, Permission.REGISTER_PAIR, methods=["POST"]),
    guarded("/pairing/revoke", revoke, Permission.REGISTER_PAIR, methods=["POST"]),
    open_to_all("/pair", entry_page),
    open_to_all("/pair", pair, methods=["POST"]),
)
