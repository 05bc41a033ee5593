"""`/account`: one's own password, changed here with no network; and the way to one's own PIN."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from branch_node.operations.own_password import change_own_password, changes_at_head_office
from branch_node.web.context import context_of
from branch_node.web.leave import failure_of, status_with
from branch_node.web.people import guarded, remember_session, signed_in
from shared.errors import FilialError, InvalidInput
from shared.web.pages import render
from shared.web.request_state import Notice
from shared.web.security import form_of
from shared.web.site import see_other
from shared.web.translations import lazy_text as _


def page(request: Request) -> Response:
    """`/account`."""
    return _show(request)


def change(request: Request) -> Response:
    """POST `old`, `password` and `repeated`: every other session of this person here ends."""
    context, new = context_of(request), _typed(request, "password")
    try:
        if new != _typed(request, "repeated"):
            raise InvalidInput("The two passwords differ.", "Type the same password twice.")
        opened = change_own_password(
            context.store, context.settings, signed_in(request), _typed(request, "old"), new, context.password_cost
        )
    except FilialError as error:
        return _show(request, error)
    response = see_other(request, "/account", Notice(_("Your password is changed. Use it from now on.")))
    remember_session(request, response, opened.token)
    return response


def _show(request: Request, error: FilialError | None = None) -> Response:
    actor = signed_in(request)
    return render(
        request,
        "account.html",
        status_code=status_with(error),
        failure=failure_of(error),
        must_change=actor.must_change_password,
        at_head_office=changes_at_head_office(context_of(request).store, actor),
    )


def _typed(request: Request, name: str) -> str:
    """As it was typed: white space belongs to a password."""
    value = form_of(request).get(name, "")
    return value if isinstance(value, str) else ""


ROUTES = (
    guarded("/account", page),
    guarded("/account", change, methods=["POST"]),
)
