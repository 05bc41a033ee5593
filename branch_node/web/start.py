"""The first page of a practice chain: five things to try, by what one may do. Contains nothing of a real shop."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from branch_node.operations.client_lists import ClientQuery, list_clients
from branch_node.storage.store import BranchStore
from branch_node.web.context import context_of
from branch_node.web.people import guarded, signed_in
from shared.domain.keyboard_layout import as_latin_keys, has_russian_letters
from shared.domain.permissions import Actor, Permission
from shared.errors import NotFound
from shared.web.pages import render
from shared.web.translations import LazyText
from shared.web.translations import lazy_text as _

THINGS_SHOWN = 5
NAMES_LOOKED_AT = 20
LETTERS_MIN = 4


class Thing(NamedTuple):
    """Something to try: where, what, how, and what one must be allowed to do."""

    url: str
    title: LazyText
    how: LazyText
    permission: Permission


SEARCH_URL = "/clients?q="
"""Goes on with a name that somebody here has, in the wrong layout."""

THINGS: tuple[Thing, ...] = (
    Thing(
        "/sale",
        _("Sell something"),
        _("Scan a code of the printed sheet, or press F3 and type a part of a name. F12 takes the exact cash."),
        Permission.SALE_MAKE,
    ),
    Thing(
        "/sale",
        _("Recall a basket that waits"),
        _("F7 shows two: somebody went for the wallet, somebody ordered by phone."),
        Permission.SALE_HOLD,
    ),
    Thing(
        SEARCH_URL,
        _("Find somebody in the wrong layout"),
        _("Type a name as if the keyboard were English, or with a mistake, or the last digits of the phone."),
        Permission.CLIENT_VIEW,
    ),
    Thing(
        "/tasks",
        _("Work through today’s tasks"),
        _("Twenty are due today and three are late. Press F1 for the keys."),
        Permission.TASK_EDIT,
    ),
    Thing(
        "/clients",
        _("Log a call with a client"),
        _("Open a client and log what was said in eight keys: outcome, competitor, next step."),
        Permission.INTERACTION_LOG,
    ),
    Thing(
        "/clients",
        _("Watch a colleague change a card"),
        _("Open one client in two windows and change the phone in one: the other follows by itself."),
        Permission.CLIENT_EDIT,
    ),
    Thing(
        "/clients/duplicates",
        _("Merge a client who is there twice"),
        _("Some pairs wait. See what would be kept, merge, take it back."),
        Permission.CLIENT_MERGE,
    ),
    Thing(
        "/team",
        _("See the team’s day"),
        _("Calls, outcomes, tasks and sales by person and hour. One of the reps reaches half as many people: who?"),
        Permission.TEAM_VIEW,
    ),
    Thing(
        "/clients/import",
        _("Bring clients from a spreadsheet"),
        _("Any CSV or XLSX with names and phones: see what it would do, import, take it back."),
        Permission.CLIENT_IMPORT,
    ),
    Thing(
        "/receipts",
        _("Give something back"),
        _("Find a receipt of yesterday and give one of its lines back."),
        Permission.REFUND_BY_RECEIPT,
    ),
    Thing(
        "/status",
        _("Lose the network"),
        _("Stop the head office with Ctrl+C in the terminal: the shop goes on. The chip above tells how it stands."),
        Permission.CLIENT_VIEW,
    ),
)
"""Rarest first: a manager is shown what only managers may, a cashier what cashiers do."""

_FIRST = {Permission.TEAM_VIEW: 0, Permission.CLIENT_IMPORT: 1, Permission.CLIENT_MERGE: 2, Permission.SALE_MAKE: 3}


def page(request: Request) -> Response:
    """`/start`. Raises NotFound outside of practice chains."""
    context, actor = context_of(request), signed_in(request)
    if not context.settings.is_practice:
        raise NotFound("There is nothing to practise here.", "This is a real shop.")
    things = things_for(actor)
    if any(thing.url == SEARCH_URL for thing in things):
        url = SEARCH_URL + quote(somebody_mistyped(context.store, actor))
        things = [thing._replace(url=url) if thing.url == SEARCH_URL else thing for thing in things]
    return render(request, "start.html", things=things)


def somebody_mistyped(store: BranchStore, actor: Actor) -> str:
    """The last name of a client whom the actor sees, as Latin keys give it; "" without a Russian name."""
    for listed in list_clients(store, actor, ClientQuery(), NAMES_LOOKED_AT).clients:
        name = listed.name.split()[-1].lower() if listed.name else ""
        if len(name) >= LETTERS_MIN and has_russian_letters(name):
            return as_latin_keys(name)
    return ""


def things_for(actor: Actor) -> list[Thing]:
    """Five, those first that fewer people may do."""
    allowed = [thing for thing in THINGS if actor.may(thing.permission)]
    allowed.sort(key=lambda thing: _FIRST.get(thing.permission, len(_FIRST)))
    return allowed[:THINGS_SHOWN]


ROUTES = (guarded("/start", page),)
