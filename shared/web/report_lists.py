"""The pages of what a number rests on: receipts, calls and the like, the newest first, with what they add up to."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from shared.errors import NotFound
from shared.reports.drilling import CLIENTS, listed_measures, rests_on
from shared.reports.items import BENEATH_ROWS_MAX, Beneath, Item, Kind
from shared.reports.result import Column
from shared.web.completeness_words import completeness_words
from shared.web.formats import format_moment
from shared.web.pages import render
from shared.web.report_forms import ask_of, pairs_of
from shared.web.report_links import LISTS
from shared.web.report_list_words import LIST_WORDS, name_of
from shared.web.report_tables import shown_of
from shared.web.report_words import NOTHING, Words, asked_in_words, format_value, heading
from shared.web.reports import Desk, find_report_of, words_of

Handler = Callable[[Request], Response]


def list_pages(desk_of: Callable[[Request], Desk]) -> list[tuple[str, Handler]]:
    """The addresses of LISTS with what answers each of them."""

    def show(kind: str, request: Request) -> Response:
        return show_beneath(request, desk_of(request), kind)

    return [(path, partial(show, kind)) for kind, path in LISTS.items()]


def show_beneath(request: Request, desk: Desk, kind: str) -> Response:
    """A page of LISTS: `report`, and what it was asked. Raises NotFound, NotPermitted, InvalidInput."""
    report = find_report_of(desk, request.query_params.get("report", ""))
    ask, number = ask_of(request.query_params), shown_of(request.query_params).page
    looked = desk.look_beneath(report, ask, number)
    asked, found = looked.parameters, looked.found
    if rests_on(report, asked) != kind:
        raise NotFound("There is no such page.", "Go back, or begin at the first page.")
    words = words_of(desk, None)
    words = words._replace(names={**words.names, **desk.name_values(_to_be_named(found, dict(asked.filters)))})
    pages = max(1, -(-found.total // BENEATH_ROWS_MAX))
    pairs = [("report", report.name), *pairs_of(ask)]

    def address(wanted: int) -> str:
        return f"{LISTS[kind]}?{urlencode([*pairs, ('page', str(wanted))])}" if 1 <= wanted <= pages else ""

    measures = listed_measures(report)
    return render(
        request,
        "report_list.html",
        title=LIST_WORDS[kind].title,
        name_heading=LIST_WORDS[kind].heading,
        # Clients are of no moment, branch or employee.
        is_of_facts=kind != CLIENTS,
        report=report,
        headings=[heading(column) for column in measures],
        rows=[_row(desk, each, measures, words) for each in found.rows],
        sums=[format_value(column, value, words) for column, value in zip(measures, found.sums, strict=True)],
        total=found.total,
        number=min(number, pages),
        pages=pages,
        previous_url=address(number - 1),
        next_url=address(number + 1),
        asked=asked_in_words(report, asked, words),
        completeness=completeness_words(looked.completeness, words.names["branch"], desk.zone),
        made_at=format_moment(desk.now_us, desk.zone),
        made_by=desk.made_by,
        zone=desk.zone,
    )


def _to_be_named(found: Beneath, filters: dict[str, tuple[str, ...]]) -> dict[str, set[str]]:
    """Codes that have names: those of the filters, which the page says, and those of the rows."""
    wanted = {name: {each for each in values if each} for name, values in filters.items()}
    wanted.setdefault("outcome", set()).update(each.name for each in found.rows if each.kind is Kind.CALL and each.name)
    return wanted


def _row(desk: Desk, each: Item, measures: list[Column], words: Words) -> dict[str, Any]:
    branch, people = words.names["branch"], words.names["employee"]
    return {
        "moment": NOTHING if each.at_us is None else format_moment(each.at_us, desk.zone),
        "branch": branch.get(each.branch, each.branch),
        "values": [format_value(column, value, words) for column, value in zip(measures, each.measures, strict=True)],
        "url": desk.url_of(each),
        "name": name_of(each, words),
        "who": people.get(each.who, each.who) or NOTHING,
    }
