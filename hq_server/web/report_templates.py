"""Templates of reports: saved, shared, run, scheduled, put away – and those that the product brings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlencode

from sqlalchemy import Connection
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from hq_server.operations.card_changes import Noun, Subject
from hq_server.operations.report_runs import Run, RunState, list_runs, run_by_hand, runs_of
from hq_server.operations.report_templates import (
    NAME_CHARACTERS_MAX,
    RECIPIENTS_MAX,
    WAIT_HOURS_MAX,
    Plan,
    archive_template,
    change_ask,
    change_template,
    find_template,
    list_templates,
    may_edit,
    plan_template,
    save_template,
)
from hq_server.web import changes
from hq_server.web.check_words import say_reason
from hq_server.web.context import context_of
from hq_server.web.forms import Failure, id_of_path, is_ticked, or_again, status, texts_of, typed
from hq_server.web.signed_in import actor_of, guarded
from shared.domain.identifiers import format_id
from shared.domain.permissions import Actor, Permission, require
from shared.domain.report_schedules import LAST_DAY, Rhythm, Schedule, next_due_us
from shared.errors import InvalidInput
from shared.operations.people import all_roles, find_employee
from shared.reports.asks import ask_of_document
from shared.reports.exports import EXPORTS
from shared.reports.parameters import ReportAsk
from shared.reports.registry import REPORTS, find_report
from shared.reports.report import Report
from shared.reports.templates import READY_MADE, Template
from shared.web.pages import render
from shared.web.report_forms import first_ask, query_of
from shared.web.report_links import file_urls, run_url
from shared.web.report_template_words import DELIVERIES, RHYTHMS, RUN_STATES, WEEKDAYS, ask_in_words, say_schedule
from shared.web.request_state import Notice
from shared.web.security import text_of
from shared.web.site import see_other
from shared.web.translations import current_language, gettext
from shared.web.translations import lazy_text as _

PATH: Final = "/templates"
SEEING: Final = frozenset({Permission.REPORT_CHAIN, Permission.REPORT_BRANCH})
QUERY_CHARACTERS_MAX: Final = 8_000
LANGUAGES: Final = (("ru", "Русский"), ("en", "English"))
NEW: Final[Mapping[str, Any]] = {"name": "", "language": "", "is_shared": False, "roles": ()}


class Row(NamedTuple):
    """A template in the list. `url` runs it, `files` are the same as PDF and others; `edit_url` is "" for whoever may
    not change it."""

    template_id: str
    name: str
    title: str
    asked: str
    url: str
    files: tuple[tuple[str, str], ...]
    owner: str
    schedule: str
    next_at_us: int | None
    run: Run | None
    copy_url: str
    may_edit: bool


def page(request: Request) -> Response:
    """`/templates`."""
    context, actor = context_of(request), actor_of(request)
    with context.store.read() as connection:
        known = list_templates(connection, actor, with_archived=True)
        last: dict[bytes, Run] = {}
        for template, run in reversed(list_runs(connection, actor)):
            last[template.template_id] = run
        rows = [_row(request, connection, actor, each, last.get(each.template_id)) for each in known]
    pairs = list(zip(known, rows, strict=True))
    return render(
        request,
        "report_templates.html",
        mine=[row for each, row in pairs if not each.archived and each.owner_id == actor.employee_id],
        shared=[row for each, row in pairs if not each.archived and each.owner_id != actor.employee_id],
        away=[row for each, row in pairs if each.archived and may_edit(actor, each)],
        ready=[_ready(each.name, each.report, each.ask) for each in READY_MADE if each.report in REPORTS],
        states=RUN_STATES,
        zone=context.chain.timezone,
    )


def new(request: Request, failure: Failure | None = None) -> Response:
    """`/templates/new?report=NAME&…`: the form under which name, and with whom. Raises NotFound, InvalidInput."""
    require(actor_of(request), Permission.REPORT_CHAIN)
    report, ask, query = _asked(request)
    name = request.query_params.get("name", "")[:NAME_CHARACTERS_MAX]
    shown = typed(request, {**NEW, "name": name, "language": current_language()})
    return render(
        request,
        "report_template_new.html",
        status_code=status(failure),
        failure=failure,
        title=gettext(find_report(report).title),
        asked=ask_in_words(report, ask),
        back=f"/reports/{report}?{query_of(ask)}",
        action=f"{PATH}/new?{query}",
        typed=shown,
        **_choices(request),
    )


@or_again(new)
def save(request: Request) -> Response:
    """POST `name`, `is_shared`, `roles`, `language`; what is asked stands in the address."""
    require(actor_of(request), Permission.REPORT_CHAIN)
    report, ask, _query = _asked(request)
    context, actor = context_of(request), actor_of(request)
    name, roles, is_shared, language = _described(request)
    done = changes.change(
        request,
        lambda connection, now_us: save_template(
            connection, context.ids, now_us, actor, name, report, ask, roles, is_shared, language
        ),
        _subject,
    )
    return see_other(request, f"{PATH}/{format_id(done.result)}", done.notice(_("The template is saved.")))


def one(request: Request, failure: Failure | None = None) -> Response:
    """`/templates/{id}`: its name and whom it is for, when it goes out and where to, and its runs."""
    context, actor, template_id = context_of(request), actor_of(request), id_of_path(request)
    with context.store.read() as connection:
        template = find_template(connection, actor, template_id)
        row = _row(request, connection, actor, template, None)
        runs = runs_of(connection, template_id)
        changed = changes.changes_of(request, connection, _subject(template_id)) if row.may_edit else None
    return render(
        request,
        "report_template.html",
        status_code=status(failure),
        failure=failure,
        saved=template,
        row=row,
        runs=[(run, say_reason(run.reason)) for run in runs],
        changes=changed,
        question_url=_question_url(request, template),
        typed=_typed(request, template),
        rhythms=RHYTHMS,
        weekdays=[(str(number), name) for number, name in enumerate(WEEKDAYS, 1)],
        month_days=[*((str(day), str(day)) for day in range(1, LAST_DAY)), ("last", gettext("the last"))],
        formats=tuple(EXPORTS),
        states=RUN_STATES,
        deliveries=DELIVERIES,
        failed=RunState.FAILED,
        recipients_max=RECIPIENTS_MAX,
        wait_hours_max=WAIT_HOURS_MAX,
        folder=str(context.settings.report_folder) if context.settings.report_folder.is_absolute() else "",
        has_mail=bool(context.settings.smtp_host),
        zone=context.chain.timezone,
        **_choices(request),
    )


@or_again(one)
def change(request: Request) -> Response:
    """POST `name`, `is_shared`, `roles`, `language`."""
    described, template_id = _described(request), id_of_path(request)
    context, actor = context_of(request), actor_of(request)
    done = changes.change(
        request,
        lambda connection, now_us: change_template(connection, context.ids, now_us, actor, template_id, *described),
        _subject(template_id),
    )
    return _back(request, done.notice(_("The template is changed.")))


@or_again(one)
def change_question(request: Request) -> Response:
    """POST: from now on the template asks what stands in the address."""
    context, actor, template_id = context_of(request), actor_of(request), id_of_path(request)
    with context.store.read() as connection:
        report = find_report(find_template(connection, actor, template_id).report)
    ask = _ask_of_address(request, report)
    done = changes.change(
        request,
        lambda connection, now_us: change_ask(connection, context.ids, now_us, actor, template_id, ask),
        _subject(template_id),
    )
    return _back(request, done.notice(_("The template asks this from now on.")))


@or_again(one)
def plan(request: Request) -> Response:
    """POST `rhythm`, `weekdays`, `month_day`, `clock`, `formats`, `recipients`, `to_folder`, `wait_hours`."""
    wanted, template_id = _planned(request), id_of_path(request)
    context, actor = context_of(request), actor_of(request)
    done = changes.change(
        request,
        lambda connection, now_us: plan_template(connection, context.ids, now_us, actor, template_id, wanted),
        _subject(template_id),
    )
    return _back(
        request, done.notice(_("The schedule is kept.") if wanted.schedule else _("It is sent by hand alone."))
    )


@or_again(one)
def send(request: Request) -> Response:
    """POST: delivers it now, as its schedule would."""
    context, actor, template_id = context_of(request), actor_of(request), id_of_path(request)
    context.change(lambda connection, now_us: run_by_hand(connection, now_us, actor, template_id))
    return _back(request, Notice(_("It is being sent; look below in a minute.")))


@or_again(one)
def put_away(request: Request) -> Response:
    """POST; with `back` it stands in the list again."""
    context, actor, template_id = context_of(request), actor_of(request), id_of_path(request)
    archived = not text_of(request, "back")
    context.change(
        lambda connection, now_us: archive_template(connection, context.ids, now_us, actor, template_id, archived)
    )
    if not archived:
        return see_other(request, PATH, Notice(_("The template is back.")))
    undo = Notice(_("The template is put away."), f"{PATH}/{format_id(template_id)}/away", {"back": "yes"})
    return see_other(request, PATH, undo)


def _back(request: Request, notice: Notice) -> Response:
    return see_other(request, f"{PATH}/{request.path_params['id']}", notice)


def _subject(template_id: bytes) -> Subject:
    return Subject(Noun.TEMPLATE, template_id)


def _question_url(request: Request, template: Template) -> str:
    """Where the question is changed: the report's form as it stands in the template, or as it was just refused."""
    known = REPORTS.get(template.report)
    if known is None:
        return ""
    ask = _ask_of(template)
    if request.url.path.endswith("/question"):
        ask = first_ask(known, QueryParams(request.url.query[:QUERY_CHARACTERS_MAX]))
    return f"/reports/{template.report}?{query_of(ask)}&template={format_id(template.template_id)}"


def _ask_of(template: Template) -> ReportAsk:
    try:
        return ask_of_document(template.ask)
    except InvalidInput:
        return ReportAsk()


def _asked(request: Request) -> tuple[str, ReportAsk, str]:
    """The report and what is asked of it, as the address says; and the address's query. Raises NotFound."""
    report = find_report(request.query_params.get("report", ""))
    return report.name, _ask_of_address(request, report), request.url.query


def _ask_of_address(request: Request, report: Report) -> ReportAsk:
    query = request.url.query
    if len(query) > QUERY_CHARACTERS_MAX:
        raise InvalidInput("That is asked at too great a length.", "Filter by fewer values.")
    pairs = [
        (name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name not in ("report", "name")
    ]
    return first_ask(report, QueryParams(pairs))


def _described(request: Request) -> tuple[str, list[str], bool, str]:
    return (
        text_of(request, "name"),
        texts_of(request, "roles"),
        is_ticked(request, "is_shared"),
        text_of(request, "language"),
    )


def _planned(request: Request) -> Plan:
    hours = text_of(request, "wait_hours") or "0"
    if not (hours.isascii() and hours.isdigit()) or len(hours) > 4:
        raise InvalidInput("Hours are a whole number.", "Write 0 to send at once.")
    addresses = text_of(request, "recipients").replace(",", " ").replace(";", " ").split()
    return Plan(
        _schedule(request),
        tuple(texts_of(request, "formats")),
        tuple(addresses),
        is_ticked(request, "to_folder"),
        int(hours),
    )


def _schedule(request: Request) -> str:
    clock = text_of(request, "clock")
    match text_of(request, "rhythm"):
        case Rhythm.DAILY:
            return f"daily {clock}"
        case Rhythm.WEEKLY:
            days = texts_of(request, "weekdays")
            if not days:
                raise InvalidInput("No day of the week is chosen.", "Choose at least one.")
            return f"weekly {','.join(days)} {clock}"
        case Rhythm.MONTHLY:
            return f"monthly {text_of(request, 'month_day')} {clock}"
    return ""


def _typed(request: Request, template: Template) -> dict[str, Any]:
    timetable = template.timetable or Schedule(Rhythm.DAILY, (), 8 * 60)
    is_monthly = timetable.rhythm is Rhythm.MONTHLY
    day = timetable.days[0] if is_monthly else 1
    weekdays = timetable.days if timetable.rhythm is Rhythm.WEEKLY else (1,)
    described = {
        "name": template.name,
        "language": template.language,
        "is_shared": template.is_shared,
        "roles": template.roles,
    }
    planned = {
        "rhythm": str(timetable.rhythm) if template.schedule else "",
        "weekdays": tuple(map(str, weekdays)),
        "month_day": "last" if day == LAST_DAY else str(day),
        "clock": timetable.clock,
        "formats": template.formats or ("pdf",),
        "recipients": "\n".join(template.recipients),
        "to_folder": template.to_folder,
        "wait_hours": str(template.wait_hours),
    }
    # Of two forms on one page, only the one that was refused shows what was typed.
    if request.url.path.endswith("/plan"):
        return {**described, **typed(request, planned)}
    return {**typed(request, described), **planned}


def _choices(request: Request) -> dict[str, Any]:
    with context_of(request).store.read() as connection:
        # Whoever sees a branch's reports alone runs it there.
        roles = [role for role in all_roles(connection) if not role.permissions.isdisjoint(SEEING)]
    return {
        "roles": [(role.code, role.name(current_language())) for role in roles],
        "languages": LANGUAGES,
        "characters_max": NAME_CHARACTERS_MAX,
    }


def _row(request: Request, connection: Connection, actor: Actor, template: Template, run: Run | None) -> Row:
    context = context_of(request)
    owner = None if template.owner_id is None else find_employee(connection, template.owner_id)
    timetable = template.timetable
    ready = _ready(template.name, template.report, _ask_of(template))
    return ready._replace(
        template_id=format_id(template.template_id),
        name=template.name,
        owner="" if owner is None else owner.name or owner.code,
        schedule="" if timetable is None else say_schedule(timetable),
        next_at_us=None
        if timetable is None
        else next_due_us(timetable, context.clock.now_us(), context.chain.timezone),
        run=run,
        may_edit=may_edit(actor, template),
    )


def _ready(name: str, report: str, ask: ReportAsk) -> Row:
    known, query, said = REPORTS.get(report), query_of(ask), gettext(name) if name else ""
    return Row(
        "",
        said,
        gettext(known.title) if known is not None else report,
        ask_in_words(report, ask),
        run_url(report, ask),
        file_urls(report, ask),
        "",
        "",
        None,
        None,
        f"{PATH}/new?{urlencode({'report': report, 'name': said})}&{query}",
        False,
    )


ROUTES = (
    guarded(PATH, page),
    guarded(f"{PATH}/new", new),
    guarded(f"{PATH}/new", save, "POST"),
    guarded(f"{PATH}/{{id}}", one),
    guarded(f"{PATH}/{{id}}", change, "POST"),
    guarded(f"{PATH}/{{id}}/question", change_question, "POST"),
    guarded(f"{PATH}/{{id}}/plan", plan, "POST"),
    guarded(f"{PATH}/{{id}}/send", send, "POST"),
    guarded(f"{PATH}/{{id}}/away", put_away, "POST"),
)
