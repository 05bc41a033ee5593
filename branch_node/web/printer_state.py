"""How the printer is, for the cashier: one sentence when something waits, nothing when all is printed."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from branch_node.storage.print_jobs import read_queue_state, retry_failed
from branch_node.web.context import WebContext, context_of
from branch_node.web.people import guarded
from shared.domain.permissions import Permission
from shared.errors import FilialError
from shared.web.pages import render
from shared.web.request_state import Notice
from shared.web.site import see_other
from shared.web.translations import current_language
from shared.web.translations import lazy_text as _


def printer_sentence(context: WebContext) -> str | None:
    """“The printer does not answer, waiting: 3”; empty when nothing waits, None without a printer."""
    if context.store.printing is None:
        return None
    try:
        with context.store.read_cursor() as cursor:
            return read_queue_state(cursor).sentence(current_language())
    except FilialError:
        return ""


def fragment(request: Request) -> HTMLResponse:
    """`/printer`: what the header asks for anew every few seconds."""
    return render(request, "printer.html")


def retry(request: Request) -> Response:
    """POST: what could not be printed is tried again."""
    store = context_of(request).store
    with store.write() as connection:
        retry_failed(connection.connection.cursor(), store.clock.now_us())
    store.wake_printer()
    return see_other(request, "/receipts", Notice(_("The printer tries again.")))


ROUTES = (Route("/printer", fragment), guarded("/printer/retry", retry, Permission.SHIFT_OPEN, methods=["POST"]))
