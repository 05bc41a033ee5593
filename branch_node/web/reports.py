"""Reports at a branch: the pages that both programs share, over what the branch holds and what HQ tells it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from branch_node.operations.chain_answers import NotToldYet
from branch_node.operations.report_room import ask_report, look_beneath, open_reports, people_here
from branch_node.web.context import context_of
from branch_node.web.people import guarded, signed_in
from shared.domain.business_time import local_moment
from shared.domain.identifiers import format_id
from shared.domain.permissions import Permission
from shared.reports.branch_questions import questions_of
from shared.reports.drilling import CALLS, RECEIPTS, Beneath
from shared.reports.naming import name_values, values_named
from shared.reports.parameters import ReportAsk
from shared.reports.report import Report
from shared.reports.result import ReportResult
from shared.web.report_lists import show_beneath
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

    def look(report: Report, ask: ReportAsk, number: int) -> tuple[ReportResult, Beneath]:
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
        lambda receipt: f"/receipts/{format_id(receipt.record_id)}",
        lambda call: f"/clients/{format_id(call.client_id)}" if actor.may(Permission.CLIENT_VIEW) else "",
        questions_of=lambda report: [each.ask for each in questions_of(report.name)],
        values_named=values_named_so,
    )


def page(request: Request) -> Response:
    """`/reports`."""
    return show_list(request, desk_of(request))


def receipts(request: Request) -> Response:
    """`/reports/receipts`: what a number of sales rests on."""
    return show_beneath(request, desk_of(request), RECEIPTS)


def calls(request: Request) -> Response:
    """`/reports/calls-list`: what a number of calls rests on."""
    return show_beneath(request, desk_of(request), CALLS)


def report(request: Request) -> Response:
    """`/reports/NAME`."""
    return show_report(request, desk_of(request), request.path_params["name"])


def export(request: Request) -> Response:
    """`/reports/NAME/export.KIND`."""
    return export_report(request, desk_of(request), request.path_params["name"], request.path_params["kind"])


ROUTES: tuple[Any, ...] = (
    guarded("/reports", page, Permission.REPORT_BRANCH),
    guarded("/reports/receipts", receipts, Permission.REPORT_BRANCH),
    guarded("/reports/calls-list", calls, Permission.REPORT_BRANCH),
    guarded("/reports/{name}", report, Permission.REPORT_BRANCH),
    guarded("/reports/{name}/export.{kind}", export, Permission.REPORT_BRANCH),
)
