"""`filial-hq employee hand-over`: a whole employee's clients and tasks go to another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from hq_server.bootstrap import HeadOffice, head_office
from hq_server.operations import hand_over as operations
from hq_server.operations.hand_over import Unheard
from hq_server.operations.people import require_employee
from hq_server.storage.feed import number_feed
from shared.cli.commands import Command, GlobalOptions
from shared.cli.output import print_result, print_rows
from shared.domain.business_time import format_us
from shared.domain.identifiers import format_id, parse_id
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.errors import InvalidInput


@click.command("hand-over", cls=Command)
@click.argument("from_code", metavar="FROM", required=False)
@click.argument("to_code", metavar="TO", required=False)
@click.option("--reason", default="", help="Why.")
@click.option("--preview", is_flag=True, help="Only show how much FROM looks after, and which branches were not heard.")
@click.option("--undo", metavar="ID", help="Give back what a hand-over moved.")
@click.option("--end", metavar="ID", help="Late work of a hand-over shall not follow any more.")
@click.option("--list", "listed", is_flag=True, help="List hand-overs.")
@click.pass_obj
def hand_over_command(
    options: GlobalOptions,
    /,
    from_code: str | None,
    to_code: str | None,
    reason: str,
    preview: bool,
    undo: str | None,
    end: str | None,
    listed: bool,
) -> None:
    """Hand all clients and open tasks of an employee to another; late work follows."""
    with head_office(options.home) as office:
        change = _change_of(office)
        if undo is not None:
            done = operations.take_back(change, office.ids, parse_id(undo))
            print_result(options, _document(done), f"{done.clients} clients and {done.tasks} tasks were given back.")
        elif end is not None:
            change(lambda connection, now_us: operations.end_hand_over(connection, now_us, parse_id(end)))
            print_result(options, {"hand_over": end}, "What arrives from now on stays where it is.")
        elif listed:
            _print_list(options, office)
        elif preview and from_code is not None:
            _print_preview(options, office, from_code)
        elif from_code is None or to_code is None:
            raise InvalidInput("Name who hands over and who takes over.", "Or --list, --preview FROM, --undo, --end.")
        else:
            with office.store.read() as connection:
                from_id, to_id = (require_employee(connection, each).employee_id for each in (from_code, to_code))
            done = operations.hand_over_employee(change, office.ids, from_id, to_id, reason)
            sentence = f"{done.clients} clients and {done.tasks} tasks of {from_code} are {to_code}'s."
            back = f" Back: employee hand-over --undo {format_id(done.hand_over_id)}"
            print_result(options, _document(done), sentence + back)


def _print_preview(options: GlobalOptions, office: HeadOffice, code: str) -> None:
    with office.store.read() as connection:
        person = require_employee(connection, code)
        found = operations.preview(connection, LOCAL_ADMINISTRATOR, office.clock.now_us(), person.employee_id)
    document = {
        "employee": code,
        "clients": found.looked_after.clients,
        "tasks": found.looked_after.tasks,
        "tasks_by_branch": [f"{branch or '-'}: {count}" for branch, count in found.tasks_by_code.items()],
        "not_heard": _unheard(found.unheard),
    }
    print_result(options, document)


def _print_list(options: GlobalOptions, office: HeadOffice) -> None:
    with office.store.read() as connection:
        made = operations.list_hand_overs(connection)
    rows = [
        {
            "id": format_id(each.hand_over_id),
            "began_at": format_us(each.began_at_us),
            "from": format_id(each.from_id),
            "to": format_id(each.to_id),
            "clients": each.clients,
            "tasks": each.tasks,
            "late": each.late,
            "state": "taken back" if each.is_undone else "ended" if each.ended_at_us else "late work follows",
            "not_heard": _unheard(each.unheard),
        }
        for each in made
    ]
    columns = ("id", "began_at", "from", "to", "clients", "tasks", "late", "state", "not_heard")
    print_rows(options, "hand_overs", columns, rows, "Nobody was handed over yet.")


def _unheard(branches: tuple[Unheard, ...]) -> list[str]:
    return [f"{each.code} since {format_us(each.since_us) if each.since_us else 'ever'}" for each in branches]


def _document(done: operations.Moved) -> dict[str, Any]:
    return {"hand_over": format_id(done.hand_over_id), "clients": done.clients, "tasks": done.tasks}


def _change_of(office: HeadOffice) -> Any:
    def change(act: Callable[[Any, int], Any]) -> Any:
        now_us = office.clock.now_us()
        with office.store.write() as connection:
            result = act(connection, now_us)
        number_feed(office.store, now_us)
        return result

    return change
