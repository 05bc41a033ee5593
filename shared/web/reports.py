"""The pages of reports, as both programs show them: the list, a report with its form and table, and its files.

Contains no rules and no queries: each program lends a `Desk`, whose operations check who may ask.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from shared.errors import InvalidInput, NotFound, Refused
from shared.reports import exports
from shared.reports.items import Item, Looked
from shared.reports.naming import named_result, names_of_our_own, texts_of
from shared.reports.parameters import ReportAsk
from shared.reports.presentation import Presentation
from shared.reports.report import Report
from shared.reports.result import ReportResult
from shared.reports.running import BRANCH
from shared.web.completeness_words import completeness_words, format_share
from shared.web.error_texts import translate_error
from shared.web.failures import status_of
from shared.web.formats import format_moment
from shared.web.pages import render
from shared.web.report_charts import chart_of, measure_drawn
from shared.web.report_forms import ALWAYS, BY_MAX, first_ask, pairs_of, query_of
from shared.web.report_links import beneath_urls
from shared.web.report_tables import Table, address_of, make_table, shown_of
from shared.web.report_template_words import ask_in_words
from shared.web.report_words import (
    COMPARES,
    PERIODS,
    Words,
    asked_in_words,
    compared_in_words,
    filter_in_words,
    format_period,
    grouped_reports,
    heading,
    is_preset,
)
from shared.web.translations import current_language, gettext

MEDIA_TYPES: Final[Mapping[str, str]] = exports.MEDIA_TYPES


class StillComputing(Refused):
    """A report that takes long is not answered yet; `progress` is its share in basis points."""

    def __init__(self, message: str, hint: str, progress: int) -> None:
        super().__init__(message, hint)
        self.progress = progress


class Changing(NamedTuple):
    """The template whose question a report's form is changing, and its page."""

    template_id: str
    name: str
    url: str


class NothingYet(Refused):
    """There is no answer so far, and nothing is wrong."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What a program lends the pages of reports.

    `reports` are those that may be asked for here; `run` answers one and raises FilialError. `branches` and `people`
    are pairs of code and name; without branches there is nothing to choose among. `name_values` looks the names up
    that values of a dimension have. `today` is the day in `zone`. `look_beneath` gives a page of what a row rests on;
    `url_of` the page of one such thing, "" for what the person may not open. `closed` are the lists that are not for
    the person.
    """

    reports: Sequence[Report]
    run: Callable[[Report, ReportAsk], ReportResult]
    branches: Sequence[tuple[str, str]]
    people: Sequence[tuple[str, str]]
    name_values: Callable[[Mapping[str, Collection[str]]], Mapping[str, Mapping[str, str]]]
    zone: str
    today: date
    now_us: int
    made_by: str
    currency: str
    look_beneath: Callable[[Report, ReportAsk, int], Looked]
    url_of: Callable[[Item], str]
    closed: Collection[str] = ()
    # The values of a dimension that have a name, for those that `name_values` looks up.
    values_named: Callable[[str, str], Sequence[str]] = lambda _dimension, _name: ()
    has_as_of: bool = False
    has_proofs: bool = False
    # Where a report is saved as a template; "" where none can be.
    save_path: str = ""
    # The only questions that may be asked of a report here, because somebody else answers them; none is any.
    questions_of: Callable[[Report], Sequence[ReportAsk]] = lambda _report: ()
    # Of a row of such an answer, by its dimensions, the page that shows more; "" where there is none.
    told_url: Callable[[Mapping[str, Any]], str] = lambda _values: ""
    changing: Changing | None = None


def show_list(request: Request, desk: Desk, told: Mapping[str, Any] | None = None) -> Response:
    """`/reports`: what may be asked here; at the head office also what branches are told."""
    return render(request, "reports.html", groups=grouped_reports(desk.reports), told=told)


def show_report(request: Request, desk: Desk, name: str) -> Response:
    """`/reports/NAME`: the form, and what was asked for. Raises NotFound."""
    report = find_report_of(desk, name)
    ask = _with_value_of(desk, first_ask(report, request.query_params), request.query_params)
    try:
        result = desk.run(report, ask)
    except (InvalidInput, NotFound, Refused) as error:
        said = {"message": translate_error(error.message), "hint": translate_error(error.hint)}
        is_failure = not isinstance(error, StillComputing | NothingYet)
        return render(
            request,
            "report.html",
            status_code=status_of(error) if is_failure else 200,
            failure=said if is_failure else None,
            nothing_yet=said if isinstance(error, NothingYet) else None,
            table=None,
            computing=format_share(error.progress) if isinstance(error, StillComputing) else "",
            **_form(report, desk, ask, words_of(desk, None)),
            **_nothing(),
        )
    words = words_of(desk, result)
    return render(
        request,
        "report.html",
        failure=None,
        nothing_yet=None,
        computing="",
        **_form(report, desk, ask, words),
        **_answer(request, desk, report, ask, result, words),
    )


def export_report(request: Request, desk: Desk, name: str, kind: str) -> Response:
    """`/reports/NAME/export.KIND`: the same answer as a file, of a report that takes long the one that is kept. Raises
    NotFound, and whatever is wrong with the ask."""
    report = find_report_of(desk, name)
    if kind not in MEDIA_TYPES:
        raise NotFound("There is no such file.", "There are csv, xlsx and pdf.")
    ask = first_ask(report, request.query_params)
    try:
        result = desk.run(report, ask)
    except (StillComputing, NothingYet):
        # The report's own page says how far it is, or why there is none, and has the files once there is an answer.
        return RedirectResponse(f"/reports/{report.name}?{query_of(ask)}", status_code=303)
    presentation = Presentation(
        current_language(), gettext, desk.zone, result.computed_at_us or desk.now_us, desk.made_by
    )
    content = exports.EXPORTS[kind](named_result(result, words_of(desk, result).names), presentation)
    headers = {
        "Content-Disposition": f'attachment; filename="{report.name}-{desk.today.isoformat()}.{kind}"',
        "Cache-Control": "no-store",
    }
    return Response(content, media_type=MEDIA_TYPES[kind], headers=headers)


def find_report_of(desk: Desk, name: str) -> Report:
    """Raises NotFound."""
    found = next((report for report in desk.reports if report.name == name), None)
    if found is None:
        raise NotFound("There is no such report here.", "Choose one in the list of reports.")
    return found


def _with_value_of(desk: Desk, ask: ReportAsk, query: Mapping[str, str]) -> ReportAsk:
    """The same, where the filter that was typed names its value as the table does: `Milk 2.5 %` is a SKU."""
    dimension, name = query.get("where_by", "").strip(), query.get("where_value", "").strip()
    if not (dimension and name) or ask.filters[-1:] != (f"{dimension}={name}",):
        return ask
    known = words_of(desk, None).names.get(dimension, {})
    values = [value for value, called in known.items() if called.casefold() == name.casefold()]
    values = values or ([] if name in known else list(desk.values_named(dimension, name)))
    return replace(ask, filters=(*ask.filters[:-1], *(f"{dimension}={value}" for value in values))) if values else ask


def words_of(desk: Desk, result: ReportResult | None) -> Words:
    """The names of what is shown. The page's rows alone would do; a few thousand names cost no more than a query."""
    names: dict[str, Mapping[str, str]] = {**names_of_our_own(gettext)}
    if result is not None:
        names |= desk.name_values(texts_of(result))
    people = dict(desk.people)
    names |= {"branch": dict(desk.branches), **dict.fromkeys(("cashier", "employee", "team"), people)}
    return Words(desk.zone, desk.currency, names)


def _form(report: Report, desk: Desk, ask: ReportAsk, words: Words) -> dict[str, Any]:
    """What the form shows."""
    dimensions = [(name, heading(column)) for name, column in report.all_dimensions.items()]
    path = f"/reports/{report.name}"
    given = dict(text.partition("=")[::2] for text in ask.options)
    return {
        "report": report,
        "path_of_report": path,
        "ask": ask,
        "dimensions": dimensions,
        "groupings": [*ask.by, *[""] * BY_MAX][: max(BY_MAX, len(ask.by))],
        "periods": [(name, label, is_preset(ask, name)) for name, label in PERIODS.items()],
        "held": "" if ask.date_from or ask.date_to else ask.period or ALWAYS,
        "branches": desk.branches,
        "people": [("", gettext("all employees")), *desk.people],
        "compares": list(COMPARES.items()),
        "filters": [(text, filter_in_words(report, text, words)) for text in ask.filters],
        "may_filter": report.is_additive or report.filters_itself,
        "options": [(each, given.get(each.name, str(each.default))) for each in report.options],
        "has_as_of": desk.has_as_of,
        "questions": [
            (_question_in_words(report, each), f"{path}?{query_of(each)}", _is_asked(each, ask))
            for each in desk.questions_of(report)
        ],
        "definitions": [
            (heading(column), gettext(report.all_definitions[column.name]))
            for column in report.all_measures
            if column.name in report.all_definitions
        ],
        "is_changed": bool(ask.branches or ask.filters or ask.team or ask.as_of),
        "changing": desk.changing,
        "would_ask": ask_in_words(report.name, ask) if desk.changing else "",
        "question_url": f"{desk.changing.url}/question?{urlencode(pairs_of(ask))}" if desk.changing else "",
    }


def _question_in_words(report: Report, question: ReportAsk) -> str:
    grouped = " × ".join(heading(report.all_dimensions[name]) for name in question.by)
    return f"{grouped} · {PERIODS[question.period]}" if question.period and report.has_period else grouped


def _is_asked(question: ReportAsk, ask: ReportAsk) -> bool:
    same_period = not ask.period or ask.period == question.period
    return same_period and tuple(question.by) == tuple(name for name in ask.by if name != BRANCH)


def _answer(
    request: Request, desk: Desk, report: Report, ask: ReportAsk, result: ReportResult, words: Words
) -> dict[str, Any]:
    path, pairs = f"/reports/{report.name}", pairs_of(ask)
    held = [("template", desk.changing.template_id)] if desk.changing else []
    address = address_of(path, [*pairs, *held])
    shown = shown_of(request.query_params)
    beneath = beneath_urls(report, result, ask, desk.closed)
    if desk.questions_of(report):
        beneath = lambda values: desk.told_url(dict(zip(result.parameters.by, values, strict=False)))  # noqa: E731
    table: Table = make_table(report, result, shown, words, address, beneath)
    asked = result.parameters
    return {
        "table": table,
        "chart": chart_of(report, result, words, shown.sort),
        "drawn": "" if (drawn := measure_drawn(report, shown.sort)) is None else heading(drawn),
        "period": format_period(asked.date_from, asked.date_to) if report.has_period else "",
        "asked": asked_in_words(report, asked, words),
        "compared": compared_in_words(asked),
        "completeness": completeness_words(result.completeness, words.names["branch"], desk.zone),
        "prove_url": f"{path}/prove?{urlencode(pairs)}" if desk.has_proofs else "",
        "exports": [(kind, f"{path}/export.{kind}?{urlencode(pairs)}") for kind in MEDIA_TYPES],
        "save_url": f"{desk.save_path}?{urlencode([('report', report.name), *pairs])}" if desk.save_path else "",
        "made_at": format_moment(result.computed_at_us or desk.now_us, desk.zone),
        "left_out": result.rows_left_out,
        "computed_at": "" if result.computed_at_us is None else format_moment(result.computed_at_us, desk.zone),
        "made_by": desk.made_by,
        "zone": desk.zone,
        "sort": shown.sort,
    }


def _nothing() -> dict[str, Any]:
    return {
        "completeness": None, "exports": [], "prove_url": "", "save_url": "", "period": "", "asked": [], "sort": "",
        "left_out": 0,
    }  # fmt: skip
