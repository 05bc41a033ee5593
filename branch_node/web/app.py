"""Makes the web application: the routes of every page, put into the frame that both programs share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import BaseRoute, Route

from branch_node.web import health, help, status
from branch_node.web.context import WebContext
from branch_node.web.status import read_chip
from shared.web.cookies import read_or_make_secret
from shared.web.pages import Destination
from shared.web.site import Site, create_site
from shared.web.translations import lazy_text as _

TEMPLATES = Path(__file__).with_name("templates")
FIRST_PAGE = "/status"

NAVIGATION = (
    Destination("/status", _("Status"), "F9"),
    Destination("/help", _("Help")),
)

PAGES: tuple[BaseRoute, ...] = (*health.ROUTES, *status.ROUTES, *help.ROUTES)
"""Each noun's module names its own routes."""


def create_app(context: WebContext) -> Starlette:
    """The pages of one branch."""
    node, _chain = context.store.node()

    def frame(_request: Request) -> Mapping[str, Any]:
        return {"site_name": node.code, "chip": read_chip(context), "practice": context.settings.is_practice}

    site = Site(
        routes=(Route("/", first_page), *PAGES),
        template_folders=(TEMPLATES,),
        secret=read_or_make_secret(context.settings.web_secret_path, context.store.ids),
        ids=context.store.ids,
        navigation=NAVIGATION,
        frame=frame,
        hosts=frozenset(context.settings.web_host_names),
        session_of=context.session_of,
    )
    app = create_site(site)
    app.state.context = context
    return app


async def first_page(_request: Request) -> RedirectResponse:
    """Where a till begins."""
    return RedirectResponse(FIRST_PAGE, status_code=303)
