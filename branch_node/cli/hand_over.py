"""`filial-branch hand-over`: clients and open tasks go to another employee; substitutes for some days."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import click

from branch_node.bootstrap import open_processor, open_store, settings_for
from branch_node.operations import hand_over as operations
from branch_node.operations import substituting
from branch_node.settings import Settings
from branch_node.storage.store import BranchStore
from shared.cli.commands import GlobalOptions, Group
from shared.cli.output import print_result, print_rows
from shared.domain.business_time import date_from_days, days_from_date, parse_date
from shared.domain.identifiers import format_id, parse_id
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.errors import NotFound
from shared.operations.clients import resolve_client
from shared.operations.people import employee_id, find_employee


@click.group("hand-over", cls=Group)
def hand_over() -> None:
    """Hand clients and tasks to another employee, take it back; name substitutes."""


@hand_over.command("show")
@click.argument("code")
@click.pass_obj
def show_command(options: GlobalOptions, code: str) -> None:
    """Show how much an employee looks after here."""
    _settings, store = _open(options)
    found = operations.preview(store, LOCAL_ADMINISTRATOR, _employee(store, code)).looked_after
    print_result(options, {"employee": code, "clients": found.clients, "tasks": found.tasks})


@hand_over.command("do")
@click.argument("from_code", metavar="FROM")
@click.argument("to_code", metavar="TO")
@click.option("--client", "clients", multiple=True, help="Only this client, by id or external id; repeatable.")
@click.option("--reason", default="", help="Why.")
@click.pass_obj
def do_command(options: GlobalOptions, from_code: str, to_code: str, clients: tuple[str, ...], reason: str) -> None:
    """Hand over all clients and open tasks of an employee, or only some."""
    settings, store = _open(options)
    with store.read() as connection:
        chosen = [resolve_client(connection, each) for each in clients] or None
    from_id, to_id = _employee(store, from_code), _employee(store, to_code)
    with closing(open_processor(settings, store)) as processor:
        done = operations.hand_over(store, processor.commit, LOCAL_ADMINISTRATOR, from_id, to_id, chosen, reason)
    sentence = f"{done.clients} clients and {done.tasks} tasks of {from_code} are {to_code}'s."
    back = f" Back: hand-over undo {format_id(done.hand_over_id)}" if done.clients else ""
    print_result(options, _document(done), sentence + back)


@hand_over.command("undo")
@click.argument("hand_over_id", metavar="ID")
@click.pass_obj
def undo_command(options: GlobalOptions, hand_over_id: str) -> None:
    """Give back what still stands where a hand-over put it."""
    settings, store = _open(options)
    with closing(open_processor(settings, store)) as processor:
        done = operations.take_back(store, processor.commit, LOCAL_ADMINISTRATOR, parse_id(hand_over_id))
    print_result(options, _document(done), f"{done.clients} clients and {done.tasks} tasks were given back.")


@hand_over.command("substitute")
@click.argument("code")
@click.argument("substitute_code", metavar="SUBSTITUTE")
@click.option("--from", "first", required=True, help="First day, as 2026-12-01.")
@click.option("--to", "last", required=True, help="Last day.")
@click.option("--reason", default="", help="Why.")
@click.pass_obj
def substitute_command(
    options: GlobalOptions, code: str, substitute_code: str, first: str, last: str, reason: str
) -> None:
    """Name who looks after an employee's clients and tasks for some days."""
    settings, store = _open(options)
    days = days_from_date(parse_date(first, "--from")), days_from_date(parse_date(last, "--to"))
    people = _employee(store, code), _employee(store, substitute_code)
    with closing(open_processor(settings, store)) as processor:
        identity = substituting.substitute(store, processor.commit, LOCAL_ADMINISTRATOR, *people, days, reason)
    print_result(options, {"id": format_id(identity)}, f"{substitute_code} substitutes {code}: {format_id(identity)}")


@hand_over.command("substitutes")
@click.option("--end", "ended", help="Id of a substitution that is to end now.")
@click.pass_obj
def substitutes_command(options: GlobalOptions, ended: str | None) -> None:
    """List substitutions of today and later, or end one."""
    settings, store = _open(options)
    if ended is not None:
        with closing(open_processor(settings, store)) as processor:
            substituting.end_substitution(processor.commit, LOCAL_ADMINISTRATOR, parse_id(ended))
    rows = []
    for each in substituting.substitutions(store, LOCAL_ADMINISTRATOR):
        days = {"from": date_from_days(each.valid_from).isoformat(), "to": date_from_days(each.valid_to).isoformat()}
        people = {"employee": _code(store, each.employee_id), "substitute": _code(store, each.substitute_id)}
        rows.append({"id": format_id(each.substitution_id), **people, **days, "reason": each.reason})
    columns = ("id", "employee", "substitute", "from", "to", "reason")
    print_rows(options, "substitutions", columns, rows, "Nobody is substituted now or later.")


def _document(done: operations.HandedOver) -> dict[str, Any]:
    return {"hand_over": format_id(done.hand_over_id), "clients": done.clients, "tasks": done.tasks}


def _open(options: GlobalOptions) -> tuple[Settings, BranchStore]:
    settings = settings_for(options.home)
    return settings, open_store(settings)


def _employee(store: BranchStore, code: str) -> bytes:
    identity = employee_id(store.node()[0].chain_id, code)
    with store.read() as connection:
        if find_employee(connection, identity) is None:
            raise NotFound(f"There is no employee {code} here.", "See: filial-branch employee list")
    return identity


def _code(store: BranchStore, identity: bytes) -> str:
    with store.read() as connection:
        found = find_employee(connection, identity)
    return found.code if found else format_id(identity)
