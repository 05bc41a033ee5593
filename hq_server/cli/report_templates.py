"""`filial-hq report template …`, `report runs`, `report deliver`: reports that are saved, or go out by themselves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from sqlalchemy import Connection

from hq_server.bootstrap import HeadOffice, head_office
from hq_server.operations.report_runs import Run, list_runs, run_by_hand
from hq_server.operations.report_templates import (
    LANGUAGES,
    Plan,
    archive_template,
    find_by_name,
    list_templates,
    plan_template,
    save_template,
)
from hq_server.operations.reporting import run_report
from hq_server.storage.feed import number_feed
from shared.cli.commands import GlobalOptions, Group
from shared.cli.output import print_result, print_rows
from shared.cli.reports import FORMATS, show_result, with_ask
from shared.domain.business_time import format_us
from shared.domain.identifiers import format_id
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.reports.asks import ask_of_document
from shared.reports.exports import EXPORTS
from shared.reports.parameters import ReportAsk
from shared.reports.registry import find_report
from shared.reports.templates import Template

ResultT = TypeVar("ResultT")


@click.group(cls=Group)
def template() -> None:
    """Reports with their parameters, saved: list, save, run, schedule and put away."""


def add_template_commands(report: Group) -> None:
    """Adds them to `filial-hq report`."""
    report.add_command(template)
    report.command("runs")(runs_command)
    report.command("deliver")(deliver_command)


@template.command("list")
@click.option("--all", "everything", is_flag=True, help="With the templates that were put away.")
@click.pass_obj
def list_command(options: GlobalOptions, everything: bool) -> None:
    """List the templates of everybody."""
    with head_office(options.home) as office, office.store.read() as connection:
        rows = [_row(each) for each in list_templates(connection, LOCAL_ADMINISTRATOR, everything)]
    columns = ("name", "report", "ask", "roles", "schedule", "formats", "recipients", "archived")
    print_rows(options, "templates", columns, rows, "There are none. Run: filial-hq report template save NAME REPORT")


@template.command("save")
@click.argument("name")
@click.argument("report")
@with_ask
@click.option("--share", "is_shared", is_flag=True, help="Everybody who sees reports may run it.")
@click.option("--role", "roles", multiple=True, metavar="CODE", help="Only this role may, besides; may be repeated.")
@click.option("--language", type=click.Choice(LANGUAGES), default="ru", show_default=True, help="Of its files.")
@click.pass_obj
def save_command(
    options: GlobalOptions,
    /,
    name: str,
    report: str,
    is_shared: bool,
    roles: tuple[str, ...],
    language: str,
    **ask: Any,
) -> None:
    """Save a report with its parameters under a name."""
    asked, shared = ReportAsk(**ask), is_shared or bool(roles)
    saved = _change(
        options,
        lambda office, connection: save_template(
            connection,
            office.ids,
            office.clock.now_us(),
            LOCAL_ADMINISTRATOR,
            name,
            report,
            asked,
            roles,
            shared,
            language,
        ),
    )
    print_result(options, {"id": format_id(saved), "name": name}, f"{name} is saved.")


@template.command("run")
@click.argument("name")
@click.option("--format", "format_name", type=click.Choice(FORMATS), default="table", show_default=True)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
@click.pass_obj
def run_command(options: GlobalOptions, name: str, format_name: str, output: Path | None) -> None:
    """Run a template now."""
    with head_office(options.home) as office, office.store.read() as connection:
        found = find_by_name(connection, LOCAL_ADMINISTRATOR, name)
        asked, lag_minutes = ask_of_document(found.ask), office.settings.completeness_lag_minutes
        result = run_report(connection, find_report(found.report), asked, office.clock.now_us(), lag_minutes)
    show_result(options, result, format_name, output)


@template.command("schedule")
@click.argument("name")
@click.argument("schedule", required=False, default="")
@click.option("--format", "formats", multiple=True, type=click.Choice(list(EXPORTS)), help="May be repeated.")
@click.option("--to", "recipients", multiple=True, metavar="ADDRESS", help="An e-mail address; may be repeated.")
@click.option("--to-folder", is_flag=True, help="Into the folder of the setting report_folder.")
@click.option("--wait-hours", type=int, default=0, show_default=True, help="How long to wait for missing branches.")
@click.pass_obj
def schedule_command(
    options: GlobalOptions,
    name: str,
    schedule: str,
    formats: tuple[str, ...],
    recipients: tuple[str, ...],
    to_folder: bool,
    wait_hours: int,
) -> None:
    """Send a template by itself: “daily 08:00”, “weekly 1,5 08:00”, “monthly last 08:00”; without one, no more."""
    plan = Plan(schedule, formats, recipients, to_folder, wait_hours)

    def work(office: HeadOffice, connection: Connection) -> None:
        found = find_by_name(connection, LOCAL_ADMINISTRATOR, name)
        now_us = office.clock.now_us()
        plan_template(connection, office.ids, now_us, LOCAL_ADMINISTRATOR, found.template_id, plan)

    _change(options, work)
    said = f"{name} goes out {schedule}." if schedule else f"{name} goes out by hand alone."
    print_result(options, {"name": name, "schedule": schedule}, said)


@template.command("send")
@click.argument("name")
@click.pass_obj
def send_command(options: GlobalOptions, name: str) -> None:
    """Let a template go out now as its schedule would; `report deliver`, or the server, does it."""
    _change(
        options,
        lambda office, connection: run_by_hand(
            connection,
            office.clock.now_us(),
            LOCAL_ADMINISTRATOR,
            find_by_name(connection, LOCAL_ADMINISTRATOR, name).template_id,
        ),
    )
    print_result(options, {"name": name}, f"{name} is about to go out.")


@template.command("archive")
@click.argument("name")
@click.option("--back", is_flag=True, help="Bring it back.")
@click.pass_obj
def archive_command(options: GlobalOptions, name: str, back: bool) -> None:
    """Put a template away, or bring it back."""

    def work(office: HeadOffice, connection: Connection) -> None:
        found = find_by_name(connection, LOCAL_ADMINISTRATOR, name, with_archived=back)
        now_us = office.clock.now_us()
        archive_template(connection, office.ids, now_us, LOCAL_ADMINISTRATOR, found.template_id, not back)

    _change(options, work)
    print_result(options, {"name": name, "archived": not back}, f"{name} is {'back' if back else 'put away'}.")


@click.pass_obj
def runs_command(options: GlobalOptions) -> None:
    """Show the latest runs of scheduled reports, and what became of them."""
    with head_office(options.home) as office, office.store.read() as connection:
        rows = [_run_row(each, run) for each, run in list_runs(connection, LOCAL_ADMINISTRATOR)]
    columns = ("due_at", "template", "state", "late", "attempts", "deliveries", "reason", "completeness")
    print_rows(options, "runs", columns, rows, "None has run. Run: filial-hq report template schedule NAME …")


@click.pass_obj
def deliver_command(options: GlobalOptions) -> None:
    """Run and deliver what is due, once. `filial-hq serve` does it by itself."""
    from hq_server.bootstrap.mailing import mail_room
    from hq_server.mail.report_passes import deliver_due

    with head_office(options.home) as office:
        counts = {str(state): count for state, count in deliver_due(mail_room(office)).items()}
    said = ", ".join(f"{state}: {count}" for state, count in counts.items()) or "Nothing is due."
    print_result(options, counts, said)


def _change(options: GlobalOptions, work: Callable[[HeadOffice, Connection], ResultT]) -> ResultT:
    with head_office(options.home) as office:
        with office.store.write() as connection:
            result = work(office, connection)
        number_feed(office.store, office.clock.now_us())
    return result


def _row(known: Template) -> dict[str, Any]:
    return {
        "id": format_id(known.template_id),
        "name": known.name,
        "report": known.report,
        "ask": known.ask,
        "roles": (list(known.roles) or ["*"]) if known.is_shared else [],
        "schedule": known.schedule,
        "formats": list(known.formats),
        "recipients": [*known.recipients, *(["folder"] if known.to_folder else [])],
        "archived": known.archived,
    }


def _run_row(known: Template, run: Run) -> dict[str, Any]:
    return {
        "due_at": format_us(run.due_at_us),
        "template": known.name,
        "state": run.state.value,
        "late": run.late,
        "attempts": run.attempts,
        "deliveries": [f"{each.target}: {each.state}" for each in run.deliveries],
        "reason": run.reason,
        "completeness": run.completeness,
    }
