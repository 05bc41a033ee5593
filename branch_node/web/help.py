"""The help page: keys, and how a till's browser learns to trust this branch."""

from __future__ import annotations

from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from branch_node.web.context import context_of
from branch_node.web.people import open_to_all
from shared.errors import NotFound
from shared.web.pages import render
from shared.web.translations import LazyText
from shared.web.translations import lazy_text as _


class Hotkey(NamedTuple):
    """One key that works on every page."""

    code: str
    meaning: LazyText


HOTKEYS = (
    Hotkey("F1", _("the keys of the page at hand")),
    Hotkey("Alt+KeyS", _("how this branch stands")),
    Hotkey("Ctrl+KeyZ", _("undo what was just done, while the page offers it")),
    Hotkey("Escape", _("close a dialog")),
)


def page(request: Request) -> HTMLResponse:
    """`/help`."""
    context = context_of(request)
    return render(request, "help.html", hotkeys=HOTKEYS, has_authority=context.settings.authority_path.exists())


def authority(request: Request) -> Response:
    """`/authority.crt`: the chain's root certificate, which is no secret. Raises NotFound before enrolment."""
    path = context_of(request).settings.authority_path
    if not path.exists():
        raise NotFound("This branch has no root certificate.", "It comes with the enrolment.")
    headers = {"Content-Disposition": 'attachment; filename="authority.crt"', "Cache-Control": "no-store"}
    return Response(path.read_bytes(), media_type="application/x-x509-ca-cert", headers=headers)


ROUTES = (open_to_all("/help", page), Route("/authority.crt", authority))
