"""Reports at a branch: the pages that both programs share, over what the branch holds and what HQ tells it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from branch_node.operations.chain_answers import NotToldYet
from branch_node.operations.report_room import ask_report, look_beneath, open_reports, people_here
from branch_node.web.context import context_of
from branch_node.web.people import guarded, signed_in
from shared.domain.business_time import local_moment
from shared.domain.identifiers import format_id
from shared.domain.permissions import Actor, Permission
from shared.reports.branch_questions import questions_of
from shared.reports.items import Item, Kind, Looked
from shared.reports.naming import name_values, values_named
from shared.reports.parameters import ReportAsk
from shared.reports.report import Report
from shared.reports.result import ReportResult
from shared.web.report_lists import list_pages
from shared.web.reports import Desk, NothingYet, export_report, show_list, show_report
from shared.web.translations import current_language


def desk_of(request: Request) -> Desk:
    """What the pages are lent. Raises NotPermitted."""
    context, actor = context_of(request), signed_in(request)
    store, now_us = context.store, context.clock.now_us()

    def run(report: Report, ask: ReportAsk) -> ReportResult:
        try:
            with store.read() as connection:
                return ask_report(connection, actor, report, ask, now_us)
        except NotToldYet as error:
            raise NothingYet(error.message, error.hint) from None

    def look(report: Report, ask: ReportAsk, number: int) -> Looked:
        with store.read() as connection:
            return look_beneath(connection, actor, report, ask, number, now_us)

    def named(values: Mapping[str, Collection[str]]) -> Mapping[str, Mapping[str, str]]:
        with store.read() as connection:
            return name_values(connection, values, current_language())

    def values_named_so(dimension: str, name: str) -> list[str]:
        with store.read() as connection:
            return values_named(connection, dimension, name, current_language())

    with store.read() as connection:
        people = people_here(connection, actor)
    node, _chain = store.node()
    return Desk(
        open_reports(actor),
        run,
        [(node.code, node.code)],
        people,
        named,
        node.timezone,
        local_moment(now_us, node.timezone).business_date,
        now_us,
        actor.name or actor.code,
        node.currency,
        look,
        partial(_url_of, actor),
        questions_of=lambda report: [each.ask for each in questions_of(report.name)],
        told_url=partial(_client_list_of, actor),
        values_named=values_named_so,
    )


def _url_of(actor: Actor, item: Item) -> str:
    """The page of one thing that a number rests on."""
    match item.kind:
        case Kind.SALE | Kind.REFUND:
            return f"/receipts/{format_id(item.record_id)}"
        case Kind.CALL | Kind.CONTACT | Kind.TASK | Kind.NO_STEP if item.of_id is not None and actor.may(
            Permission.CLIENT_VIEW
        ):
            return f"/clients/{format_id(item.of_id)}"
        case Kind.MOVEMENT if actor.may(Permission.STOCK_VIEW):
            return f"/stock/documents/{format_id(item.record_id)}"
        case Kind.Z_REPORT if item.of_id is not None and actor.may(Permission.SHIFT_CLOSE):
            return f"/shift/z/{format_id(item.of_id)}"
    return ""


def _client_list_of(actor: Actor, values: Mapping[str, str]) -> str:
    """The list of clients with the one that a row is of."""
    number = values.get("client")
    return f"/clients?{urlencode({'q': number})}" if number and actor.may(Permission.CLIENT_VIEW) else ""


def page(request: Request) -> Response:
    """`/reports`."""
    return show_list(request, desk_of(request))


def report(request: Request) -> Response:
    """`/reports/NAME`."""
    return show_report(request, desk_of(request), request.path_params["name"])


def export(request: Request) -> Response:
    """`/reports/NAME/export.KIND`."""
    return export_report(request, desk_of(request), request.path_params["name"], request.path_params["kind"])


ROUTES: tuple[Any, ...] = (
    guarded("/reports", page, Permission.REPORT_BRANCH),
    *(guarded(path, handler, Permission.REPORT_BRANCH) for path, handler in list_pages(desk_of)),
    guarded("/reports/{name}", report, Permission.REPORT_BRANCH),
    guarded("/reports/{name}/export.{kind}", export, Permission.REPORT_BRANCH),
)
