"""Where one begins at the head office: what one may do here, and what waits."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from hq_server.operations.dashboard import CASH_DAYS, MISSING_SHOWN_MAX, Today, read_dashboard
from hq_server.operations.product_requests import list_requests
from hq_server.operations.review_counts import review_counts
from hq_server.operations.stock_outs import find_stock_outs
from hq_server.storage.branches import all_branches
from hq_server.web.context import context_of
from hq_server.web.signed_in import actor_of, guarded
from shared.domain.permissions import Actor, Permission
from shared.reports.result import Column
from shared.web.completeness_words import completeness_words, format_share
from shared.web.formats import format_moment
from shared.web.pages import pages_of, render
from shared.web.report_words import format_change
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
        "/templates",
        _("Report templates"),
        _("Saved reports: run by one click, or sent by themselves."),
        Permission.REPORT_CHAIN,
    ),
    Room(
        "/clients",
        _("Clients"),
        _("Find and look at the clients of all shops."),
        Permission.CLIENT_VIEW,
        Permission.REPORT_CHAIN,
    ),
    Room(
        "/branches",
        _("Branches"),
        _("Add a branch; its name, prices, and how it works with the head office."),
        Permission.BRANCH_EDIT,
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
    Room(
        "/fleet",
        _("State of the branches"),
        _("Which branches need somebody; alerts, checks, repairs."),
        Permission.FLEET_VIEW,
    ),
    Room(
        "/conflicts",
        _("To decide"),
        _("Conflicts between branches, parked entries, cards handed back."),
        Permission.RECORDS_REVIEW,
    ),
    Room("/audit", _("Audit"), _("Z-reports, returns, and what was done by hand."), Permission.AUDIT_VIEW),
)


class Waiting(NamedTuple):
    """Something that waits for a decision, and where it is made."""

    text: LazyText
    url: str


MAIN_ROOMS: Final = frozenset(
    {
        "/reports",
        "/templates",
        "/branches",
        "/fleet",
        "/conflicts",
        "/clients",
        "/products",
        "/promotions",
        "/people",
        "/stock",
        "/audit",
    }
)
"""The rooms that stand in every page's header; the others are behind “More”."""


NET: Final = Column("net", "money")


def page(request: Request) -> Response:
    """`/`: the dashboard, and the rooms behind it."""
    actor = actor_of(request)
    rooms = [room for room in ROOMS if room.is_open_to(actor)]
    return render(request, "home.html", rooms=rooms, chain=context_of(request).chain.name, **_dashboard(request))


def now(request: Request) -> Response:
    """`/now`: the dashboard alone, for the page that is left open."""
    return pages_of(request).render(request, "home.html", "dashboard", **_dashboard(request))


def _dashboard(request: Request) -> dict[str, Any]:
    context, actor = context_of(request), actor_of(request)
    now_us, zone = context.clock.now_us(), context.chain.timezone
    with context.store.read() as connection:
        board = read_dashboard(connection, actor, zone, now_us, context.settings.completeness_lag_minutes)
        names = {row.code: row.name or row.code for row in all_branches(connection)}
        waiting = _waiting(connection, actor, context.today())
    out = find_stock_outs(context.store, actor, now_us)
    return {
        "board": board,
        "completeness": board.completeness and completeness_words(board.completeness, names, zone),
        "missing": [
            (
                names.get(each.branch, each.branch),
                each.last_seen_us,
                format_share(each.share_basis_points) if each.share_basis_points else "",
            )
            for each in board.missing[:MISSING_SHOWN_MAX]
        ],
        "branch_names": names,
        "waiting": waiting,
        "out": out,
        "currency": context.chain.currency,
        "zone": zone,
        "cash_days": CASH_DAYS,
        "now": format_moment(now_us, zone),
        "hours": _hours(board.today),
        "change": board.today and format_change(NET, board.today.change_basis_points),
    }


def _hours(today: Today | None) -> list[dict[str, Any]]:
    """For the picture of the day: each hour's sales as a share of the best one, in percent."""
    hours = () if today is None else today.hours
    best = max((max(each.net_minor, each.net_before_minor) for each in hours), default=0)
    return [
        {
            "hour": each.hour,
            "net": each.net_minor,
            "before": each.net_before_minor,
            "share": max(0, each.net_minor) * 100 // best if best > 0 else 0,
            "share_before": max(0, each.net_before_minor) * 100 // best if best > 0 else 0,
        }
        for each in hours
    ]


def _waiting(connection: Connection, actor: Actor, today: int) -> list[Waiting]:
    """What somebody has to decide, and may. `today` in days since 1970-01-01."""
    found: list[Waiting] = []
    if actor.may(Permission.CATALOG_EDIT):
        count = list_requests(connection, actor).total
        if count:
            text = plural("%(count)s unknown code waits", "%(count)s unknown codes wait", count)
            found.append(Waiting(text, "/requests"))
    counts = review_counts(connection, actor, today)
    for number, said, url in (
        (counts.conflicts, plural("%(count)s conflict", "%(count)s conflicts", counts.conflicts or 0), "/conflicts"),
        (counts.parked, plural("%(count)s parked entry", "%(count)s parked entries", counts.parked or 0), "/parked"),
        (
            counts.proposals,
            plural("%(count)s card handed back", "%(count)s cards handed back", counts.proposals or 0),
            "/proposals",
        ),
        (
            counts.duplicates,
            plural("%(count)s sign of a client twice", "%(count)s signs of clients twice", counts.duplicates or 0),
            "/clients/duplicates",
        ),
        (
            counts.over_refunds,
            plural(
                "%(count)s receipt given back twice", "%(count)s receipts given back twice", counts.over_refunds or 0
            ),
            "/audit/refunds",
        ),
        (
            counts.till_acts,
            plural("%(count)s act at a till to look at", "%(count)s acts at tills to look at", counts.till_acts or 0),
            "/audit/tills",
        ),
    ):
        if number:
            found.append(Waiting(said, url))
    return found


ROUTES = (guarded("/", page), guarded("/now", now))
