"""Where one begins at the head office: what one may do here, and what waits."""

from __future__ import annotations

from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from hq_server.operations.product_requests import list_requests
from hq_server.web.context import context_of
from hq_server.web.signed_in import actor_of, guarded
from shared.domain.permissions import Actor, Permission
from shared.web.pages import render
from shared.web.translations import LazyText
from shared.web.translations import lazy_plural as plural
from shared.web.translations import lazy_text as _


class Room(NamedTuple):
    """A page, and what one does there."""

    url: str
    name: LazyText
    purpose: LazyText
    permission: Permission
    # What one needs besides.
    also: Permission | None = None

    def is_open_to(self, actor: Actor) -> bool:
        """Whether the actor may go there."""
        return actor.may(self.permission) and (self.also is None or actor.may(self.also))


ROOMS = (
    Room(
        "/reports",
        _("Reports"),
        _("Sales, goods, clients and work of the whole chain, in numbers."),
        Permission.REPORT_CHAIN,
    ),
    Room(
        "/clients",
        _("Clients"),
        _("Find and look at the clients of all shops."),
        Permission.CLIENT_VIEW,
        Permission.REPORT_CHAIN,
    ),
    Room("/people", _("People"), _("Hire, place, dismiss; new passwords."), Permission.EMPLOYEE_EDIT),
    Room("/roles", _("Roles"), _("What a cashier, a manager and the others may do."), Permission.EMPLOYEE_EDIT),
    Room("/products", _("Products"), _("Names, barcodes, VAT, and prices with dates."), Permission.CATALOG_EDIT),
    Room("/promotions", _("Promotions"), _("What is taken off, when, where and for whom."), Permission.CATALOG_EDIT),
    Room("/loyalty", _("Loyalty"), _("How clients earn points and pay with them."), Permission.CATALOG_EDIT),
    Room("/catalog", _("Price list"), _("Bring products and prices from a spreadsheet."), Permission.CATALOG_EDIT),
    Room("/requests", _("Unknown codes"), _("What branches scanned and could not find."), Permission.CATALOG_EDIT),
    Room("/vat", _("VAT"), _("Rates and the days they hold."), Permission.CATALOG_EDIT),
    Room(
        "/stock",
        _("Stock"),
        _("What is on hand in the shops; what is below zero."),
        Permission.STOCK_VIEW,
        Permission.REPORT_CHAIN,
    ),
    Room(
        "/dictionaries",
        _("Dictionaries"),
        _("Outcomes of calls, themes, competitors: what branches choose from."),
        Permission.DICTIONARY_EDIT,
    ),
    Room(
        "/letters",
        _("Letters"),
        _("What waits, what failed, and letters of nobody known."),
        Permission.MAIL_SEND,
        Permission.REPORT_CHAIN,
    ),
    Room(
        "/clients/duplicates",
        _("Duplicates"),
        _("Cards that may be of one client, in all branches; merge them, take it back."),
        Permission.CLIENT_MERGE,
        Permission.REPORT_CHAIN,
    ),
    Room(
        "/hand-over",
        _("Hand over"),
        _("Give an employee’s clients and tasks to another, when somebody leaves."),
        Permission.CLIENT_TRANSFER,
        Permission.REPORT_CHAIN,
    ),
    Room("/erasures", _("Erasures"), _("Erase a person who asks for it, everywhere."), Permission.CLIENT_ERASE),
    Room("/audit", _("Audit"), _("Z-reports, returns, and what was done by hand."), Permission.AUDIT_VIEW),
)


def page(request: Request) -> Response:
    """`/`."""
    context, actor = context_of(request), actor_of(request)
    rooms = [room for room in ROOMS if room.is_open_to(actor)]
    waiting: LazyText | None = None
    if actor.may(Permission.CATALOG_EDIT):
        with context.store.read() as connection:
            count = list_requests(connection, actor).total
        if count:
            waiting = plural("%(count)s unknown code waits", "%(count)s unknown codes wait", count)
    return render(request, "home.html", rooms=rooms, waiting=waiting, chain=context.chain.name)


ROUTES = (guarded("/", page),)
