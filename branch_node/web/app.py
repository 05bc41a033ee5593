"""Makes the web application: the routes of every page, put into the frame that both programs share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import BaseRoute, Route

from branch_node.operations.client_importing import IMPORT_BYTES_MAX
from branch_node.operations.ringing import Ringing
from branch_node.web import (
    account,
    client_files,
    client_forms,
    client_import,
    client_lists,
    client_merging,
    client_points,
    client_tasks,
    client_timeline,
    clients,
    hand_over,
    health,
    help,
    incoming_calls,
    interactions,
    letters,
    login,
    pairing,
    printer_state,
    quick_keys,
    receipts,
    refunds,
    report_templates,
    reports,
    ringing,
    sale,
    sale_paying,
    sale_returns,
    sale_sheets,
    shift,
    start,
    status,
    stock,
    stock_writing,
    task_calendar,
    task_chip,
    task_page,
    tasks,
    team,
)
from branch_node.web.context import WebContext, context_of, waiting_outside
from branch_node.web.people import Doorway, actor_of, actor_seen, navigation_for, register_of, session_reader
from branch_node.web.printer_state import printer_sentence
from branch_node.web.status import read_chip
from branch_node.web.turns import Turn
from shared.domain.permissions import Permission
from shared.web.cookies import read_or_make_secret
from shared.web.pages import Destination
from shared.web.site import Site, create_site
from shared.web.translations import lazy_text as _

TEMPLATES = Path(__file__).with_name("templates")
STATIC = Path(__file__).with_name("static")
FIRST_PAGE = "/status"
FORM_BYTES_AROUND_FILE = 65_536

NAVIGATION = (
    Doorway(Destination("/sale", _("Sale"), "Alt+KeyR"), Permission.SALE_MAKE),
    Doorway(Destination("/shift", _("Shift"), "Alt+KeyW"), Permission.SHIFT_OPEN),
    Doorway(Destination("/receipts", _("Receipts"), "Alt+KeyZ"), Permission.REFUND_BY_RECEIPT),
    Doorway(Destination("/tasks", _("Tasks"), "Alt+KeyT"), Permission.TASK_EDIT),
    Doorway(Destination("/clients", _("Clients"), "Alt+KeyL"), Permission.CLIENT_VIEW),
    Doorway(Destination("/stock", _("Stock"), "Alt+KeyK"), Permission.STOCK_VIEW),
    Doorway(Destination("/team", _("Team"), "Alt+KeyM"), Permission.TEAM_VIEW),
    Doorway(Destination("/reports", _("Reports"), "Alt+KeyO"), Permission.REPORT_BRANCH),
    Doorway(Destination("/status", _("Status"), "Alt+KeyS", True)),
    Doorway(Destination("/templates", _("Report templates"), is_minor=True), Permission.REPORT_BRANCH),
    Doorway(Destination("/clients/duplicates", _("Duplicates"), is_minor=True), Permission.CLIENT_MERGE),
    Doorway(Destination("/hand-over", _("Hand over"), is_minor=True), Permission.CLIENT_TRANSFER),
    Doorway(Destination("/pairing", _("Registers"), is_minor=True), Permission.REGISTER_PAIR),
    Doorway(Destination("/quick-keys", _("Quick keys"), is_minor=True), Permission.SETTINGS_BRANCH),
    Doorway(Destination("/help", _("Help"), is_minor=True)),
)

PAGES: tuple[BaseRoute, ...] = (
    *health.ROUTES,
    *login.ROUTES,
    *account.ROUTES,
    *pairing.ROUTES,
    *quick_keys.ROUTES,
    *sale.ROUTES,
    *sale_sheets.ROUTES,
    *sale_paying.ROUTES,
    *sale_returns.ROUTES,
    *shift.ROUTES,
    *receipts.ROUTES,
    *refunds.ROUTES,
    *client_merging.ROUTES,
    *client_lists.ROUTES,
    *client_points.ROUTES,
    *client_import.ROUTES,
    *client_forms.ROUTES,
    *clients.ROUTES,
    *client_files.ROUTES,
    *client_timeline.ROUTES,
    *interactions.ROUTES,
    *ringing.ROUTES,
    *incoming_calls.ROUTES,
    *client_tasks.ROUTES,
    *tasks.ROUTES,
    *task_chip.ROUTES,
    *task_calendar.ROUTES,
    *task_page.ROUTES,
    *letters.ROUTES,
    *hand_over.ROUTES,
    *stock.ROUTES,
    *stock_writing.ROUTES,
    *team.ROUTES,
    *reports.ROUTES,
    *report_templates.ROUTES,
    *printer_state.ROUTES,
    *status.ROUTES,
    *start.ROUTES,
    *help.ROUTES,
)
"""Each noun's module names its own routes."""


def create_app(context: WebContext) -> Starlette:
    """The pages of one branch."""
    node, _chain = context.store.node()

    secret = read_or_make_secret(context.settings.web_secret_path, context.store.ids)

    def frame(request: Request) -> Mapping[str, Any]:
        actor = actor_seen(request)
        return {
            "site_name": node.code,
            "chip": read_chip(context) if _shows_chip(request) else None,
            "task_chip": task_chip.read_task_chip(context, actor) if _shows_chip(request) else None,
            "hears_calls": _shows_chip(request) and ringing.may_hear(actor),
            "practice": context.settings.is_practice,
            "printer_says": printer_sentence(context),
            "person": actor,
            "register_at_hand": register_of(request) if actor is not None else "",
            "navigation": navigation_for(actor, NAVIGATION),
        }

    site = Site(
        routes=(Route("/", first_page), *PAGES),
        template_folders=(TEMPLATES,),
        secret=secret,
        ids=context.store.ids,
        frame=frame,
        hosts=frozenset(context.settings.web_host_names),
        static_folders=(STATIC,),
        large_paths={client_import.UPLOAD_PATH: IMPORT_BYTES_MAX + FORM_BYTES_AROUND_FILE},
        session_of=session_reader(secret),
        streamed_paths=client_files.STREAMED,
        bearer_tokens=context.settings.bearer_tokens,
    )
    app = create_site(site)
    app.state.turn = turn = Turn()
    app.state.ringing = Ringing(context.clock, context.store.ids)
    app.state.context = waiting_outside(context, turn)
    return app


def _shows_chip(request: Request) -> bool:
    """A block of a page has no header: nobody asks how the branch stands for it."""
    return request.headers.get("hx-request") != "true" or request.url.path == "/chip"


def first_page(request: Request) -> RedirectResponse:
    """Where somebody begins: nobody at the log-in."""
    actor = actor_of(request)
    if actor is None:
        return RedirectResponse("/login", status_code=303)
    if context_of(request).settings.is_practice:
        return RedirectResponse("/start", status_code=303)
    return RedirectResponse("/sale" if actor.may(Permission.SALE_MAKE) else FIRST_PAGE, status_code=303)
