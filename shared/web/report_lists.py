"""The pages of what a number rests on: receipts or calls, the newest first, with the number they add up to."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from shared.domain.sales import format_receipt
from shared.errors import NotFound
from shared.reports.drilling import BENEATH_ROWS_MAX, CALLS, Beneath, Call, Receipt, rests_on
from shared.reports.result import Column
from shared.web.completeness_words import completeness_words
from shared.web.formats import format_moment
from shared.web.pages import render
from shared.web.report_forms import ask_of, pairs_of
from shared.web.report_links import LISTS
from shared.web.report_tables import shown_of
from shared.web.report_words import Words, asked_in_words, format_value, heading
from shared.web.reports import Desk, find_report_of, words_of
from shared.web.translations import gettext


def show_beneath(request: Request, desk: Desk, kind: str) -> Response:
    """`/reports/receipts` and `/reports/calls-list`: `report`, and what it was asked. Raises NotFound, InvalidInput."""
    report = find_report_of(desk, request.query_params.get("report", ""))
    ask, number = ask_of(request.query_params), shown_of(request.query_params).page
    result, found = desk.look_beneath(report, ask, number)
    if rests_on(report, result.parameters) != kind:
        raise NotFound("There is no such page.", "Go back, or begin at the first page.")
    words = words_of(desk, None)
    words = words._replace(names={**words.names, **desk.name_values(_to_be_named(found))})
    pages = max(1, -(-found.total // BENEATH_ROWS_MAX))
    pairs = [("report", report.name), *pairs_of(ask)]

    def address(wanted: int) -> str:
        return f"{LISTS[kind]}?{urlencode([*pairs, ('page', str(wanted))])}" if 1 <= wanted <= pages else ""

    measures = list(report.measures)
    return render(
        request,
        "report_list.html",
        is_calls=kind == CALLS,
        report=report,
        headings=[heading(column) for column in measures],
        rows=[_row(desk, each, measures, words) for each in found.rows],
        sums=[format_value(column, value, words) for column, value in zip(measures, found.sums, strict=False)],
        total=found.total,
        number=min(number, pages),
        pages=pages,
        previous_url=address(number - 1),
        next_url=address(number + 1),
        asked=asked_in_words(report, result.parameters, words),
        completeness=completeness_words(result.completeness, words.names["branch"], desk.zone),
        made_at=format_moment(desk.now_us, desk.zone),
        made_by=desk.made_by,
        zone=desk.zone,
    )


def _to_be_named(found: Beneath) -> dict[str, set[str]]:
    return {"outcome": {each.outcome for each in found.rows if isinstance(each, Call) and each.outcome}}


def _row(desk: Desk, each: Receipt | Call, measures: list[Column], words: Words) -> dict[str, Any]:
    branch, people = words.names["branch"], words.names["employee"]
    values = [format_value(column, value, words) for column, value in zip(measures, each.measures, strict=False)]
    common = {
        "moment": format_moment(each.at_us, desk.zone),
        "branch": branch.get(each.branch, each.branch),
        "values": values,
    }
    if isinstance(each, Call):
        outcome = words.names.get("outcome", {}).get(each.outcome, each.outcome) or gettext("not given")
        return {**common, "url": desk.call_url(each), "name": outcome, "who": people.get(each.employee, each.employee)}
    number = format_receipt(each.register, each.receipt_number)
    return {
        **common,
        "url": desk.receipt_url(each),
        "name": gettext("return %(receipt)s") % {"receipt": number} if each.is_refund else number,
        "who": people.get(each.cashier, each.cashier),
    }
