"""Reports at the head office: the pages that both programs share, over the whole chain."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from urllib.parse import quote, urlencode

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from hq_server.operations.chain_answers import Told, ask_for_all, list_told
from hq_server.operations.kept_reports import KeptState, ask_kept
from hq_server.operations.report_room import ask_report, branches_and_people, closed_lists, look_beneath, open_reports
from hq_server.operations.report_templates import find_template, may_edit
from hq_server.operations.verdicts import Shown
from hq_server.storage.store import HqStore
from hq_server.web.context import context_of
from hq_server.web.signed_in import actor_of, guarded
from shared.domain.business_time import local_moment
from shared.domain.identifiers import format_id, is_id, parse_id
from shared.domain.permissions import Actor, Permission, require
from shared.errors import Refused
from shared.reports.items import Item, Kind, Looked
from shared.reports.naming import name_values, values_named
from shared.reports.parameters import ReportAsk
from shared.reports.registry import find_report
from shared.reports.report import Report
from shared.reports.result import ReportResult
from shared.web.error_texts import translate_error
from shared.web.formats import format_moment
from shared.web.report_lists import list_pages
from shared.web.report_template_words import ask_in_words
from shared.web.reports import Changing, Desk, StillComputing, export_report, show_list, show_report
from shared.web.request_state import Notice
from shared.web.site import see_other
from shared.web.translations import current_language, gettext
from shared.web.translations import lazy_text as _


def desk_of(request: Request) -> Desk:
    """What the pages are lent. Raises NotPermitted."""
    context, actor = context_of(request), actor_of(request)
    require(actor, Permission.REPORT_CHAIN)
    now_us, lag_minutes = context.clock.now_us(), context.settings.completeness_lag_minutes

    def run(report: Report, ask: ReportAsk) -> ReportResult:
        if report.is_slow:
            return _kept(context.store, report, ask, now_us)
        with context.store.read() as connection:
            return ask_report(connection, actor, report, ask, now_us, lag_minutes)

    def look(report: Report, ask: ReportAsk, number: int) -> Looked:
        with context.store.read() as connection:
            return look_beneath(connection, actor, report, ask, number, now_us, lag_minutes)

    def named(values: Mapping[str, Collection[str]]) -> Mapping[str, Mapping[str, str]]:
        with context.store.read() as connection:
            return name_values(connection, values, current_language())

    def values_named_so(dimension: str, name: str) -> list[str]:
        with context.store.read() as connection:
            return values_named(connection, dimension, name, current_language())

    with context.store.read() as connection:
        branches, people = branches_and_people(connection, actor)
        changing = _changing(request, connection, actor)
    zone = context.chain.timezone
    return Desk(
        open_reports(actor),
        run,
        branches,
        people,
        named,
        zone,
        local_moment(now_us, zone).business_date,
        now_us,
        actor.name or actor.code,
        context.chain.currency,
        look,
        partial(_url_of, actor, zone),
        values_named=values_named_so,
        closed=closed_lists(actor),
        has_as_of=True,
        has_proofs=True,
        save_path="/templates/new",
        changing=changing,
    )


def _changing(request: Request, connection: Connection, actor: Actor) -> Changing | None:
    """The template that the address names, when the actor may change it. Raises NotFound."""
    named = request.query_params.get("template", "")
    if not is_id(named):
        return None
    template = find_template(connection, actor, parse_id(named))
    if template.report != request.path_params.get("name") or not may_edit(actor, template):
        return None
    return Changing(named, template.name, f"/templates/{named}")


def _url_of(actor: Actor, zone: str, item: Item) -> str:
    """The page of one thing that a number rests on, or of the audit that shows it."""
    match item.kind:
        case Kind.SALE | Kind.REFUND:
            return f"/receipts/{quote(item.branch)}/{format_id(item.record_id)}"
        case Kind.CALL | Kind.CONTACT if item.of_id is not None and actor.may(Permission.CLIENT_VIEW):
            return f"/clients/{format_id(item.of_id)}/timeline"
        case Kind.CLIENT | Kind.TASK | Kind.NO_STEP if item.of_id is not None and actor.may(Permission.CLIENT_VIEW):
            return f"/clients/{format_id(item.of_id)}"
        case Kind.Z_REPORT | Kind.TILL_ACT if item.at_us is not None and actor.may(Permission.AUDIT_VIEW):
            # A shift may be closed on the day after its own.
            day = local_moment(item.at_us, zone).business_date
            days = {"from": (day - timedelta(days=1)).isoformat(), "to": day.isoformat()}
            asked = {"branch": item.branch, **days, "show": Shown.ALL}
            if item.kind is Kind.Z_REPORT:
                return f"/audit/shifts?{urlencode(asked)}"
            return f"/audit/tills?{urlencode({**asked, 'cashier': item.who, 'action': item.name})}"
    return ""


def _kept(store: HqStore, report: Report, ask: ReportAsk, now_us: int) -> ReportResult:
    """The newest answer of a report that takes long. Raises StillComputing when there is none yet, Refused when it
    failed."""
    kept = ask_kept(store, report, ask, now_us)
    if kept.result is not None:
        return replace(kept.result, computed_at_us=kept.stamped_at_us)
    if kept.state == KeptState.FAILED:
        raise Refused("The report could not be computed.", "Ask for a shorter period.")
    raise StillComputing("The report is being computed.", "Ask for it again in a moment.", kept.progress)


def page(request: Request) -> Response:
    """`/reports`."""
    context, desk = context_of(request), desk_of(request)
    with context.store.read() as connection:
        answers = list_told(connection)
    moments = [each.computed_at_us for each in answers if each.computed_at_us is not None]
    told = {
        "oldest": format_moment(min(moments), desk.zone) if moments else "",
        "branches": max((each.branches for each in answers), default=0),
        "waiting": sum(each.is_asked for each in answers),
        "refused": [(_question_in_words(each), translate_error(each.reason)) for each in answers if each.reason],
        "hour": f"{context.settings.chain_answers_hour}:00",
    }
    return show_list(request, desk, told)


def _question_in_words(told: Told) -> str:
    report, ask = told.question.report, told.question.ask
    return f"{gettext(find_report(report).title)}, {ask_in_words(report, ask)}"


def tell(request: Request) -> Response:
    """POST `/reports/tell-branches`: what branches are told every night is computed now."""
    context = context_of(request)
    with context.store.write() as connection:
        ask_for_all(connection, actor_of(request), context.clock.now_us())
    return see_other(request, "/reports", Notice(_("The answers for the branches are being computed.")))


def report(request: Request) -> Response:
    """`/reports/NAME`."""
    return show_report(request, desk_of(request), request.path_params["name"])


def export(request: Request) -> Response:
    """`/reports/NAME/export.KIND`."""
    return export_report(request, desk_of(request), request.path_params["name"], request.path_params["kind"])


ROUTES = (
    guarded("/reports", page),
    guarded("/reports/tell-branches", tell, "POST"),
    *(guarded(path, handler) for path, handler in list_pages(desk_of)),
    guarded("/reports/{name}", report),
    guarded("/reports/{name}/export.{kind}", export),
)
