"""`filial-hq employee`: the people of the chain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from hq_server.bootstrap import HeadOffice, head_office
from hq_server.cli.hand_over import hand_over_command
from hq_server.operations.people import (
    LANGUAGES,
    Personnel,
    Placement,
    earliest_today,
    make_password_hash,
    require_employee,
)
from hq_server.operations.people_lists import employee_document, list_employees, list_tree
from hq_server.operations.staff_audit import audit_staff
from hq_server.storage.feed import number_feed
from shared.cli.commands import GlobalOptions, Group
from shared.cli.output import print_result, print_rows
from shared.cli.secrets import read_secret
from shared.domain.business_time import date_from_days, days_from_date, format_us, parse_date
from shared.errors import InvalidInput

ResultT = TypeVar("ResultT")

_ROLE = click.option("--role", "role_code", required=True, help="Code of the role; see `filial-hq role list`.")
_BRANCH = click.option(
    "--branch", "branches", multiple=True, help="Code of a branch to work at; may be repeated; * for all."
)
_REPORTS_TO = click.option("--reports-to", help="Code of the employee who is directly above.")
_TO = click.option("--to", "last", help="The position's last day, as 2026-12-31; open when left out.")


@click.group(cls=Group)
def employee() -> None:
    """Hire, place and dismiss employees, set passwords, and see who did what without the right to it."""


employee.add_command(hand_over_command)


@employee.command("add")
@click.argument("code")
@click.option("--name", required=True, help="Full name.")
@_ROLE
@_BRANCH
@_REPORTS_TO
@click.option("--from", "first", help="The position's first day, as 2026-12-01; today when left out.")
@_TO
@click.option("--language", type=click.Choice(LANGUAGES), help="Language of the employee's pages.")
@click.option("--password", type=click.Choice(["-"]), help="- reads a password from standard input or asks for it.")
@click.option("--must-change", is_flag=True, help="The password is to be changed at the first opportunity.")
@click.pass_obj
def add_command(
    options: GlobalOptions,
    /,
    code: str,
    name: str,
    language: str | None,
    password: str | None,
    must_change: bool,
    **placed: Any,
) -> None:
    """Hire an employee, or take one back who was dismissed."""
    with head_office(options.home) as office:
        password_hash = None if password is None else make_password_hash(office.ids, code, read_secret("Password"))
        placement = _placement(office, **placed)
        _change(office, lambda people: people.hire(code, name, placement, language, password_hash, must_change))
        document = _show(office, code)
    print_result(options, document, f"{name} is employee {code}.")


@employee.command("edit")
@click.argument("code")
@click.option("--name", help="Full name.")
@click.option("--language", type=click.Choice(LANGUAGES), help="Language of the employee's pages.")
@click.pass_obj
def edit_command(options: GlobalOptions, code: str, name: str | None, language: str | None) -> None:
    """Change an employee's name or language."""
    with head_office(options.home) as office:
        changed = _change(office, lambda people: people.rename(code, name, language))
        document = _show(office, code)
    sentence = f"Employee {code} is changed." if changed else "Nothing to change: the card says so already."
    print_result(options, {**document, "changed": changed}, sentence)


@employee.command("place")
@click.argument("code")
@_ROLE
@_BRANCH
@_REPORTS_TO
@click.option("--from", "first", help="The position's first day, as 2026-12-01; today when left out.")
@_TO
@click.pass_obj
def place_command(options: GlobalOptions, /, code: str, **placed: Any) -> None:
    """Give an employee another position; while it lasts it counts instead of those that began earlier."""
    with head_office(options.home) as office:
        placement = _placement(office, **placed)
        _change(office, lambda people: people.place(code, placement))
        document = _show(office, code)
    print_result(options, document, f"Employee {code} is placed; branches learn it with their next contact.")


@employee.command("dismiss")
@click.argument("code")
@click.option("--on", "first", help="The first day without access, as 2026-12-31; at once when left out.")
@click.pass_obj
def dismiss_command(options: GlobalOptions, code: str, first: str | None) -> None:
    """End an employee's access: at once, and wherever a branch is online within seconds."""
    with head_office(options.home) as office:
        wanted = _day(first, "The day")
        day = _change(office, lambda people: people.dismiss(code, wanted))
        document = _show(office, code)
    when = "any more" if first is None else f"from {date_from_days(day).isoformat()} on"
    print_result(options, document, f"Employee {code} has no access {when}; branches learn it with their next contact.")


@employee.command("password")
@click.argument("code")
@click.option("--must-change", is_flag=True, help="It is to be changed at the first opportunity.")
@click.pass_obj
def password_command(options: GlobalOptions, code: str, must_change: bool) -> None:
    """Set an employee's password, read from standard input or asked for; whoever uses the old one is logged out."""
    with head_office(options.home) as office:
        password_hash = make_password_hash(office.ids, code, read_secret("Password"))
        _change(office, lambda people: people.set_password(code, password_hash, must_change))
    print_result(options, {"code": code, "must_change": must_change}, f"Employee {code} has a new password.")


@employee.command("list")
@click.option("--on", "day", help="As of that day; today when left out.")
@click.option("--all", "everybody", is_flag=True, help="With those who left, and codes only used at tills.")
@click.pass_obj
def list_command(options: GlobalOptions, day: str | None, everybody: bool) -> None:
    """List the employees with their position on a day."""
    with head_office(options.home) as office, office.store.read() as connection:
        rows = list_employees(connection, _day_or_today(office, day), everybody)
    columns = ("code", "name", "role", "branches", "reports_to", "state", "password")
    empty = "There is no employee yet. Hire one: filial-hq employee add CODE --name NAME --role ROLE --branch BRANCH"
    print_rows(options, "employees", columns, rows, empty)


@employee.command("show")
@click.argument("code")
@click.pass_obj
def show_command(options: GlobalOptions, code: str) -> None:
    """Show an employee with every position."""
    with head_office(options.home) as office:
        document = _show(office, code)
    if not options.json:
        document["positions"] = [_sentence(position) for position in document["positions"]]
    print_result(options, document)


@employee.command("tree")
@click.option("--on", "day", help="As of that day; today when left out.")
@click.pass_obj
def tree_command(options: GlobalOptions, day: str | None) -> None:
    """Show who reports to whom on a day."""
    with head_office(options.home) as office, office.store.read() as connection:
        rows = list_tree(connection, _day_or_today(office, day))
    shown = rows if options.json else [{**row, "employee": f"{'  ' * row['depth']}{row['code']}"} for row in rows]
    columns = ("employee", "name", "role", "branches")
    print_rows(options, "tree", columns, shown, "Nobody has a position on that day.")


@employee.command("audit")
@click.option("--from", "first", help="First business date, as 2026-12-01.")
@click.option("--to", "last", help="Last business date.")
@click.pass_obj
def audit_command(options: GlobalOptions, first: str | None, last: str | None) -> None:
    """List what employees did after their dismissal, at other branches, or beyond their role."""
    since = None if first is None else parse_date(first, "--from")
    until = None if last is None else parse_date(last, "--to")
    with head_office(options.home) as office, office.store.read() as connection:
        acts = audit_staff(connection, since, until)
    rows = [
        {
            "business_date": act.business_date.isoformat(),
            "branch": act.branch_code,
            "employee": act.employee_code,
            "kind": act.kind,
            "acts": act.acts,
            "first_at": format_us(act.first_at_us),
            "last_at": format_us(act.last_at_us),
            "reason": act.reason,
        }
        for act in acts
    ]
    columns = ("business_date", "branch", "employee", "kind", "acts", "first_at", "last_at", "reason")
    print_rows(options, "acts", columns, rows, "Nobody did anything without the right to it.")


def _change(office: HeadOffice, act: Callable[[Personnel], ResultT]) -> ResultT:
    """One change, and the feed numbered."""
    now_us = office.clock.now_us()
    with office.store.write() as connection:
        result = act(Personnel(connection, office.ids, now_us))
    number_feed(office.store, now_us)
    return result


def _placement(
    office: HeadOffice,
    role_code: str,
    branches: tuple[str, ...],
    reports_to: str | None,
    first: str | None,
    last: str | None,
) -> Placement:
    begins = _day_or_today(office, first, "--from")
    return Placement(role_code, branches, reports_to, begins, _day(last, "--to"))


def _show(office: HeadOffice, code: str) -> dict[str, Any]:
    with office.store.read() as connection:
        person = require_employee(connection, code)
        return employee_document(connection, person, earliest_today(connection, office.clock.now_us()))


def _sentence(position: dict[str, Any]) -> str:
    """A position as people read it."""
    places = " ".join(position["branches"]) or "no branch"
    until = f" to {position['to']}" if position["to"] else ""
    since = f" from {position['from']}" if position["from"] else ""
    above = f", below {position['reports_to']}" if position["reports_to"] else ""
    return f"{position['role']} at {places}{since}{until}{above}"


def _day_or_today(office: HeadOffice, text: str | None, what: str = "--on") -> int:
    day = _day(text, what)
    if day is not None:
        return day
    with office.store.read() as connection:
        return earliest_today(connection, office.clock.now_us())


def _day(text: str | None, what: str) -> int | None:
    if text is None:
        return None
    day = parse_date(text, what)
    if day.year < 1970:
        raise InvalidInput(f"{what} lies before 1970.")
    return days_from_date(day)
