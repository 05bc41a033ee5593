"""`/templates` at a branch: reports with their parameters that the head office saved and shared, run by one click.

Contains no rules.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from branch_node.operations.chain_answers import find_question
from branch_node.operations.report_room import open_reports
from branch_node.operations.report_templates import list_templates
from branch_node.web.context import context_of
from branch_node.web.people import guarded, signed_in
from shared.domain.permissions import Permission
from shared.errors import InvalidInput
from shared.operations.people import find_employee
from shared.reports.asks import ask_of_document
from shared.reports.parameters import ReportAsk
from shared.reports.registry import REPORTS
from shared.reports.report import Report, Scope
from shared.reports.templates import READY_MADE
from shared.web.error_texts import translate_error
from shared.web.pages import render
from shared.web.report_links import file_urls, run_url
from shared.web.report_template_words import ask_in_words
from shared.web.translations import gettext

PATH: Final = "/templates"


class Row(NamedTuple):
    """A template in the list. `url` runs it, `files` are the same as PDF and others; of one that cannot be run
    here both are empty, and `note` says why."""

    name: str
    title: str
    asked: str
    url: str
    files: tuple[tuple[str, str], ...]
    owner: str = ""
    note: str = ""


def page(request: Request) -> Response:
    """`/templates`."""
    context, actor = context_of(request), signed_in(request)
    node, _chain = context.store.node()
    with context.store.read() as connection:
        known = list_templates(connection, actor)
        owners = {each.owner_id: find_employee(connection, each.owner_id) for each in known if each.owner_id}
    shared = []
    for each in known:
        owner = owners.get(each.owner_id) if each.owner_id else None
        row = _row(each.name, each.report, each.ask, node.code)
        shared.append(row._replace(owner="" if owner is None else owner.name or owner.code))
    here = {report.name for report in open_reports(actor)}
    # “Branches of both” is a question about several.
    suit = [each for each in READY_MADE if each.report in here and not each.ask.like_for_like]
    ready = [_runnable(gettext(each.name), each.report, each.ask) for each in suit]
    return render(request, "report_templates.html", shared=shared, ready=ready)


def _row(name: str, report: str, document: str, branch: str) -> Row:
    if report not in REPORTS:
        return Row(name, report, "", "", (), note=gettext("This program does not know that report yet."))
    try:
        ask = ask_of_document(document)
    except InvalidInput as error:
        return Row(name, gettext(REPORTS[report].title), "", "", (), note=translate_error(error.message))
    if note := _why_not(REPORTS[report], ask, branch):
        return Row(name, gettext(REPORTS[report].title), ask_in_words(report, ask), "", (), note=note)
    return _runnable(name, report, ask)


def _why_not(report: Report, ask: ReportAsk, branch: str) -> str:
    """Why a question is not answered here; "" when it is."""
    if set(ask.branches) - {branch}:
        return gettext("It asks about other branches: run it at the head office.")
    if report.scope is Scope.CHAIN and find_question(report, ask, branch) is None:
        return gettext("Branches are not sent the answer to this question: run it at the head office.")
    return ""


def _runnable(name: str, report: str, ask: ReportAsk) -> Row:
    said = ask_in_words(report, ask)
    return Row(name, gettext(REPORTS[report].title), said, run_url(report, ask), file_urls(report, ask))


ROUTES: tuple[Any, ...] = (guarded(PATH, page, Permission.REPORT_BRANCH),)
