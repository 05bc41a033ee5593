"""Logging in and out, the first administrator's link, and one's own password."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hq_server.operations.authentication import LoggedIn, change_password, log_in, log_out
from hq_server.operations.first_log_in import found_administrator, require_first_log_in
from hq_server.web.context import context_of
from hq_server.web.forms import Failure, or_again, status, typed
from hq_server.web.signed_in import (
    PASSWORD_PAGE,
    actor_of,
    forget_session,
    guarded,
    look_up_actor,
    remember_session,
)
from shared.errors import InvalidInput
from shared.web.cookies import YEAR_SECONDS, read_cookie, set_cookie
from shared.web.pages import render
from shared.web.request_state import LANGUAGE_COOKIE, Notice, state_of
from shared.web.security import form_of, text_of
from shared.web.site import local_path, see_other
from shared.web.translations import LANGUAGES
from shared.web.translations import lazy_text as _


def page(request: Request, failure: Failure | None = None) -> Response:
    """`/login`; whoever is logged in goes on."""
    wanted = text_of(request, "next") or request.query_params.get("next", "/")
    if failure is None and look_up_actor(request) is not None:
        return see_other(request, local_path(wanted))
    ended = request.query_params.get("why") == "ended"
    fields = typed(request, {"code": ""})
    return render(
        request, "login.html", status_code=status(failure), failure=failure, wanted=wanted, ended=ended, typed=fields
    )


@or_again(page)
def enter(request: Request) -> Response:
    """POST `code`, `password`, `next`."""
    context = context_of(request)
    opened = log_in(
        context.store,
        context.settings,
        context.clock,
        context.ids,
        text_of(request, "code"),
        _password(request, "password"),
        context.password_cost,
    )
    return _go_in(request, opened, text_of(request, "next") or "/")


def leave(request: Request) -> Response:
    """POST: ends the session."""
    log_out(context_of(request).store, state_of(request).session)
    response = see_other(request, "/login", Notice(_("You are logged out.")))
    forget_session(request, response)
    return response


def first_page(request: Request, failure: Failure | None = None) -> Response:
    """`/first?token=…`: the form that makes the first administrator. Raises TokenRefused."""
    context = context_of(request)
    token = text_of(request, "token") or request.query_params.get("token", "")
    with context.store.read() as connection:
        require_first_log_in(connection, token, context.clock.now_us())
    fields = typed(request, {"code": "", "name": ""})
    return render(request, "first.html", status_code=status(failure), failure=failure, token=token, typed=fields)


@or_again(first_page)
def found(request: Request) -> Response:
    """POST `token`, `code`, `name`, `password`, `repeated`: the administrator, logged in."""
    context = context_of(request)
    code, password = text_of(request, "code"), new_password(request)
    context.change(
        lambda connection, now_us: found_administrator(
            connection,
            context.ids,
            now_us,
            text_of(request, "token"),
            code,
            text_of(request, "name"),
            password,
            context.password_cost,
        )
    )
    opened = log_in(context.store, context.settings, context.clock, context.ids, code, password, context.password_cost)
    return _go_in(request, opened, "/", Notice(_("You are the chain's administrator. Now hire your people.")))


def password_page(request: Request, failure: Failure | None = None) -> Response:
    """`/password`: one's own."""
    must_change = actor_of(request).must_change_password
    return render(request, "password.html", status_code=status(failure), failure=failure, must_change=must_change)


@or_again(password_page)
def set_password(request: Request) -> Response:
    """POST `old`, `password`, `repeated`: every other session of this person ends."""
    context = context_of(request)
    opened = change_password(
        context.store,
        context.settings,
        context.clock,
        context.ids,
        actor_of(request),
        _password(request, "old"),
        new_password(request),
        context.password_cost,
    )
    return _go_in(request, opened, "/", Notice(_("Your password is changed.")))


def new_password(request: Request) -> str:
    """A password that was typed twice. Raises InvalidInput."""
    password = _password(request, "password")
    if password != _password(request, "repeated"):
        raise InvalidInput("The two passwords differ.", "Type the same password twice.")
    return password


def _password(request: Request, name: str) -> str:
    """As it was typed: white space belongs to it."""
    value = form_of(request).get(name, "")
    return value if isinstance(value, str) else ""


def _go_in(request: Request, opened: LoggedIn, url: str, notice: Notice | None = None) -> Response:
    """The browser is told the session, and speaks its owner's language unless another was chosen in it.

    Whoever was logged in there before is not any more, also for whoever has kept the old cookie.
    """
    log_out(context_of(request).store, state_of(request).session)
    response = see_other(request, url, notice)
    remember_session(request, response, opened.token)
    language = opened.actor.language
    if language in LANGUAGES and not read_cookie(request, LANGUAGE_COOKIE):
        set_cookie(response, request, LANGUAGE_COOKIE, language, YEAR_SECONDS)
    return response


ROUTES = (
    Route("/login", page),
    Route("/login", enter, methods=["POST"]),
    Route("/first", first_page),
    Route("/first", found, methods=["POST"]),
    guarded("/logout", leave, "POST"),
    guarded(PASSWORD_PAGE, password_page),
    guarded(PASSWORD_PAGE, set_password, "POST"),
)
