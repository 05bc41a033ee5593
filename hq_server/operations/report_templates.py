"""Templates of reports at the head office: saved, shared with roles, scheduled, put away and brought back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection, func, select

from hq_server.operations.editing import HqEdit
from hq_server.operations.founding import read_chain
from hq_server.storage.feed import EVERYONE
from shared.clock import Ids
from shared.domain.business_time import local_moment
from shared.domain.cards import Value
from shared.domain.clients import normalize_email
from shared.domain.identifiers import shorten
from shared.domain.mail_text import wire_address
from shared.domain.permissions import LOCAL_ADMINISTRATOR, Actor, Permission, require
from shared.domain.records import RecordKind
from shared.domain.report_schedules import parse_schedule
from shared.domain.text_folding import sort_key
from shared.errors import InvalidInput, NotFound, NotPermitted
from shared.operations.people import all_roles
from shared.reports.asks import ask_document, ask_of_document
from shared.reports.exports import EXPORTS
from shared.reports.parameters import ReportAsk, parse_ask
from shared.reports.registry import find_report
from shared.reports.templates import Template, template_of, template_of_fields
from shared.storage.tables import report_template

TEMPLATES_MAX: Final = 500
NAME_CHARACTERS_MAX: Final = 120
RECIPIENTS_MAX: Final = 20
WAIT_HOURS_MAX: Final = 72
LANGUAGES: Final = ("ru", "en")


class Plan(NamedTuple):
    """When a template is run by itself, in which formats, and where that goes; without a schedule it is not."""

    schedule: str = ""
    formats: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    to_folder: bool = False
    wait_hours: int = 0


def list_templates(connection: Connection, actor: Actor, with_archived: bool = False) -> list[Template]:
    """The actor's own and those that are shared with the actor's role, by name. Raises NotPermitted."""
    require(actor, Permission.REPORT_CHAIN)
    rows = connection.execute(select(report_template).where(report_template.c.name.is_not(None)))
    found = [each for each in map(template_of, rows) if _may_see(actor, each)]
    return sorted((each for each in found if with_archived or not each.archived), key=lambda each: sort_key(each.name))


def find_template(connection: Connection, actor: Actor, template_id: bytes) -> Template:
    """Raises NotPermitted, NotFound, also for one that is not shared with the actor."""
    require(actor, Permission.REPORT_CHAIN)
    row = connection.execute(select(report_template).where(report_template.c.id == template_id)).one_or_none()
    found = None if row is None or row.name is None else template_of(row)
    if found is None or not _may_see(actor, found):
        raise NotFound("There is no such template.", "Choose one of the list of templates.")
    return found


def find_by_name(connection: Connection, actor: Actor, name: str, with_archived: bool = False) -> Template:
    """The template of that name, one's own before a shared one. Raises NotPermitted, NotFound."""
    found = [each for each in list_templates(connection, actor, with_archived) if each.name == name.strip()]
    if not found:
        raise NotFound(f"There is no template “{shorten(name)}”.", "See: filial-hq report template list")
    return min(found, key=lambda each: (each.archived, each.owner_id != actor.employee_id))


def may_edit(actor: Actor, template: Template) -> bool:
    """Whoever saved it, and whoever administers people; anybody else saves a copy."""
    return actor.employee_id == template.owner_id or actor.may(Permission.EMPLOYEE_EDIT)


def save_template(
    connection: Connection,
    ids: Ids,
    now_us: int,
    actor: Actor,
    name: str,
    report: str,
    ask: ReportAsk,
    roles: Sequence[str] = (),
    is_shared: bool = False,
    language: str = "ru",
) -> bytes:
    """Saves a report with its parameters; returns the template's id. Raises NotPermitted, NotFound, InvalidInput."""
    require(actor, Permission.REPORT_CHAIN)
    count = select(func.count()).select_from(report_template).where(report_template.c.archived.is_(False))
    if connection.execute(count).scalar_one() >= TEMPLATES_MAX:
        raise InvalidInput(f"There are {TEMPLATES_MAX} templates already.", "Put away those that nobody needs.")
    values = {
        **_described(connection, name, roles, is_shared, language),
        **_asked(connection, now_us, report, ask),
        "owner_id": actor.employee_id,
    }
    template_id = ids.new_id()
    _apply(connection, ids, now_us, actor, template_id, values)
    return template_id


def change_template(
    connection: Connection,
    ids: Ids,
    now_us: int,
    actor: Actor,
    template_id: bytes,
    name: str,
    roles: Sequence[str],
    is_shared: bool,
    language: str,
) -> None:
    """Renames and shares. Raises NotPermitted, NotFound, InvalidInput."""
    editable_template(connection, actor, template_id)
    _apply(connection, ids, now_us, actor, template_id, _described(connection, name, roles, is_shared, language))


def change_ask(connection: Connection, ids: Ids, now_us: int, actor: Actor, template_id: bytes, ask: ReportAsk) -> None:
    """The same template asks something else from now on. Raises NotPermitted, NotFound, InvalidInput."""
    known = editable_template(connection, actor, template_id)
    values = _asked(connection, now_us, known.report, ask)
    if known.schedule:
        _require_moving(known.report, ask)
    _apply(connection, ids, now_us, actor, template_id, values)


def plan_template(connection: Connection, ids: Ids, now_us: int, actor: Actor, template_id: bytes, plan: Plan) -> None:
    """Runs it by itself from now on, or no more. Raises NotPermitted, NotFound, InvalidInput."""
    known = editable_template(connection, actor, template_id)
    planned = require_plan(plan)
    if planned.schedule:
        _require_moving(known.report, ask_of_document(known.ask))
    changes: dict[str, Value] = {
        "schedule": planned.schedule or None,
        "formats": planned.formats,
        "recipients": planned.recipients,
        "to_folder": planned.to_folder,
        "wait_hours": planned.wait_hours or None,
    }
    if planned.schedule != known.schedule:
        changes["scheduled_at"] = now_us if planned.schedule else None
    _apply(connection, ids, now_us, actor, template_id, changes)


def archive_template(
    connection: Connection, ids: Ids, now_us: int, actor: Actor, template_id: bytes, archived: bool = True
) -> None:
    """Puts a template away, or brings it back; what was due meanwhile is not run. Raises NotPermitted, NotFound."""
    known = editable_template(connection, actor, template_id)
    changes: dict[str, Value] = {"archived": archived}
    if not archived and known.schedule:
        changes["scheduled_at"] = now_us
    _apply(connection, ids, now_us, actor, template_id, changes)


def require_plan(plan: Plan) -> Plan:
    """The plan as it is kept. Raises InvalidInput."""
    formats = tuple(sorted(set(plan.formats)))
    for each in formats:
        if each not in EXPORTS:
            raise InvalidInput(f"There is no format “{shorten(each)}”.", f"There are: {', '.join(EXPORTS)}.")
    recipients = tuple(sorted({normalize_email(each) for each in plan.recipients}))
    for each in recipients:
        wire_address(each)
    if len(recipients) > RECIPIENTS_MAX:
        raise InvalidInput(f"A report goes to at most {RECIPIENTS_MAX} addresses.", "Give a list’s own address.")
    if not 0 <= plan.wait_hours <= WAIT_HOURS_MAX:
        raise InvalidInput(f"A run waits for branches from 0 to {WAIT_HOURS_MAX} hours.")
    if not plan.schedule:
        return Plan("", formats, recipients, plan.to_folder, plan.wait_hours)
    if not formats:
        raise InvalidInput("A scheduled report needs a format.", "Choose PDF, XLSX or CSV.")
    if not recipients and not plan.to_folder:
        raise InvalidInput("A scheduled report has to go somewhere.", "Name an address, or choose the folder.")
    return Plan(str(parse_schedule(plan.schedule)), formats, recipients, plan.to_folder, plan.wait_hours)


def require_template(connection: Connection, fields: Mapping[str, Value]) -> None:
    """That a card's fields make a template that could be saved today. Raises NotFound, InvalidInput."""
    template = template_of_fields(fields)
    _described(connection, template.name, template.roles, template.is_shared, template.language)
    ask = ask_of_document(template.ask)
    find_report(template.report)
    if template.schedule and not template.archived:
        require_plan(
            Plan(template.schedule, template.formats, template.recipients, template.to_folder, template.wait_hours)
        )
        _require_moving(template.report, ask)


def _require_moving(report: str, ask: ReportAsk) -> None:
    """A schedule of fixed days would send the same again and again."""
    if find_report(report).has_period and not ask.period and ask.date_to:
        raise InvalidInput(
            "This template asks about fixed days: each run would say the same.",
            "Choose a period by its name, such as yesterday or last week.",
        )


def _asked(connection: Connection, now_us: int, report: str, ask: ReportAsk) -> dict[str, Value]:
    known, zone = find_report(report), read_chain(connection).timezone
    today = local_moment(now_us, zone).business_date
    parse_ask(ask, list(known.all_dimensions), known.options, zone, today)
    return {"report": known.name, "ask": ask_document(ask)}


def _described(
    connection: Connection, name: str, roles: Sequence[str], is_shared: bool, language: str
) -> dict[str, Value]:
    words = " ".join(name.split())
    if not words or not words.isprintable() or len(words) > NAME_CHARACTERS_MAX:
        raise InvalidInput(f"A template has a name of 1 to {NAME_CHARACTERS_MAX} characters.", "Say what it shows.")
    known = {role.code for role in all_roles(connection)}
    strange = sorted(set(roles) - known)
    if strange:
        raise InvalidInput(f"There is no role “{shorten(strange[0])}”.", "Choose among the roles of the chain.")
    if language not in LANGUAGES:
        raise InvalidInput(f"There is no language “{shorten(language)}”.", f"There are: {', '.join(LANGUAGES)}.")
    chosen = tuple(sorted(set(roles))) if is_shared else ()
    return {"name": words, "roles": chosen, "is_shared": is_shared, "language": language}


def editable_template(connection: Connection, actor: Actor, template_id: bytes) -> Template:
    """A template that the actor may change. Raises NotPermitted, NotFound."""
    known = find_template(connection, actor, template_id)
    if not may_edit(actor, known):
        raise NotPermitted("This template is somebody else’s.", "Save a copy of your own.")
    return known


def _may_see(actor: Actor, template: Template) -> bool:
    return actor == LOCAL_ADMINISTRATOR or template.owner_id == actor.employee_id or template.is_for(actor.role)


def _apply(
    connection: Connection, ids: Ids, now_us: int, actor: Actor, template_id: bytes, changes: dict[str, Value]
) -> None:
    edit = HqEdit(connection, ids, now_us, actor.employee_id)
    prepared = edit.prepare(RecordKind.REPORT_TEMPLATE, template_id, changes)
    if prepared is not None:
        edit.apply([prepared], {template_id: EVERYONE})
