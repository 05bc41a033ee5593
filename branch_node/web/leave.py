"""A manager's leave for one action, given by code and PIN in the same form; and what went wrong, on the page itself."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from branch_node.operations.authentication import override
from branch_node.web.context import context_of
from branch_node.web.people import pairing_of, pairing_token_of
from shared.domain.permissions import Actor, Permission
from shared.errors import FilialError, InvalidInput, LogInRefused, NotPermitted
from shared.web.error_texts import translate_error
from shared.web.security import text_of

STATUS_NOT_DONE = 422
"""A form that could not be done: the page says why, and keeps what was typed."""

STATUS_NOT_PERMITTED = 403
"""The same when it may not be done."""


def leave_given(request: Request, permission: Permission) -> Actor | None:
    """The manager whose code and PIN stand in the form; None when nobody's do.

    Raises LogInRefused, LockedOut, NotPermitted; InvalidInput where PINs do not count.
    """
    code, pin = text_of(request, "manager"), text_of(request, "manager_pin")
    if not code:
        return None
    token = pairing_token_of(request)
    if not token:
        raise InvalidInput("A PIN counts on a paired register only.", "Pair this browser, or let a manager log in.")
    context = context_of(request)
    return override(context.store, context.settings, token, permission, code, pin)


def may_ask_leave(request: Request) -> bool:
    """Whether a manager's PIN counts in this browser."""
    return pairing_of(request) is not None


def status_with(error: FilialError | None) -> int:
    """The HTTP status of a page that says what went wrong."""
    if error is None:
        return 200
    return STATUS_NOT_PERMITTED if isinstance(error, (NotPermitted, LogInRefused)) else STATUS_NOT_DONE


def failure_of(error: FilialError | None) -> dict[str, Any] | None:
    """What a page's failure bar says."""
    if error is None:
        return None
    return {"message": translate_error(error.message), "hint": translate_error(error.hint) if error.hint else ""}
