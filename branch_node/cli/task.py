"""`filial-branch task`: tasks of this branch's employees."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

import click

from branch_node.bootstrap import open_processor, open_store, settings_for
from branch_node.operations import task_lists, tasks
from branch_node.operations.committing import Commit
from branch_node.operations.task_lists import ShownTask
from branch_node.operations.tasks import Changed, Task
from branch_node.storage.store import BranchStore
from shared.cli.commands import GlobalOptions, Group
from shared.cli.output import print_result, print_rows
from shared.domain.business_time import format_us
from shared.domain.identifiers import format_id, parse_id, shorten
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.domain.repeating import parse_repeat
from shared.domain.tasks import Due, Snooze, TaskType, When, local_day, minute_of_day, parse_due, snoozed_until
from shared.errors import InvalidInput, NotFound
from shared.operations.clients import resolve_client
from shared.operations.people import employee_id

LISTS = (*map(str, When), "done")
COLUMNS = ("id", "due", "state", "type", "title", "client", "assignee", "repeat")


@click.group(cls=Group)
def task() -> None:
    """Add, list, finish and put off tasks. Whoever may run this acts as local administrator."""


@task.command("add")
@click.argument("title")
@click.option("--assignee", required=True, help="Who is to do it: an employee's code.")
@click.option("--client", "reference", help="Whom it is about: a client's id or external id.")
@click.option("--type", "kind", type=click.Choice([*map(str, TaskType)]), default="other", show_default=True)
@click.option("--due", "day", default="", help="The day, as 2026-11-30; without one it has no date.")
@click.option("--time", default="", help="The time of that day, as 14:30.")
@click.option("--repeat", help="daily, weekly:1,4 (Monday and Thursday), monthly:31; daily/2 is every second day.")
@click.option("--remind", type=click.IntRange(min=0), help="Minutes before, at which it reminds.")
@click.option("--note", default="", help="A note.")
@click.pass_obj
def add_command(options: GlobalOptions, /, title: str, **given: Any) -> None:
    """Add a task."""

    def add(store: BranchStore, commit: Commit) -> Changed:
        said = {
            "title": title,
            "type": given["kind"],
            "note": given["note"],
            "assignee_id": _employee(store, given["assignee"]),
            "client_id": _client(store, given["reference"]),
            "due": parse_due(given["day"], given["time"], store.node()[0].timezone),
            "repeat": parse_repeat(given["repeat"]) if given["repeat"] else None,
            "remind_minutes": given["remind"],
        }
        return tasks.add_task(commit, LOCAL_ADMINISTRATOR, said)

    _do(options, add, "Added task {id}.")


@task.command("list")
@click.option("--assignee", required=True, help="Whose: an employee's code.")
@click.option("--list", "name", type=click.Choice(LISTS), default="today", show_default=True, help="Which of them.")
@click.pass_obj
def list_command(options: GlobalOptions, assignee: str, name: str) -> None:
    """List somebody's tasks, the earliest first; those that are over by when they were, the latest first."""
    store = open_store(settings_for(options.home))
    people = [_employee(store, assignee)]
    found = (
        task_lists.list_done(store, LOCAL_ADMINISTRATOR, people)
        if name == "done"
        else task_lists.list_open(store, LOCAL_ADMINISTRATOR, people, When(name))
    )
    rows = [_document(each) for each in found.tasks]
    print_rows(options, "tasks", COLUMNS, rows, f"{assignee} has no such task.")


@task.command("show")
@click.argument("task_id", metavar="ID")
@click.pass_obj
def show_command(options: GlobalOptions, task_id: str) -> None:
    """Show a task."""
    store = open_store(settings_for(options.home))
    shown = _document(task_lists.show_task(store, LOCAL_ADMINISTRATOR, parse_id(task_id)), whole=True)
    print_result(options, shown, "\n".join(f"{name}: {value}" for name, value in shown.items() if value is not None))


@task.command("done")
@click.argument("task_id", metavar="ID")
@click.option("--outcome", default="", help="What came of it.")
@click.pass_obj
def done_command(options: GlobalOptions, task_id: str, outcome: str) -> None:
    """Finish a task; one that repeats is followed by the next."""
    _do(
        options,
        lambda _store, commit: tasks.finish_task(commit, LOCAL_ADMINISTRATOR, parse_id(task_id), outcome),
        "Task {id} is done.",
    )


@task.command("snooze")
@click.argument("task_id", metavar="ID")
@click.option("--for", "span", type=click.Choice([*map(str, Snooze)]), help="A span; other days begin at 9:00.")
@click.option("--until", "day", default="", help="A day, as 2026-11-30.")
@click.option("--time", default="09:00", show_default=True, help="The time of that day.")
@click.pass_obj
def snooze_command(options: GlobalOptions, task_id: str, span: str | None, day: str, time: str) -> None:
    """Put a task off."""
    if (span is None) == (not day):
        raise InvalidInput("A task is put off for a span or until a day.", "Say --for or --until, not both.")

    def snooze(store: BranchStore, commit: Commit) -> Changed:
        zone = store.node()[0].timezone
        due = parse_due(day, time, zone) if day else None
        until_us = due.at_us if due else snoozed_until(Snooze(str(span)), store.clock.now_us(), zone)
        return tasks.snooze_task(commit, LOCAL_ADMINISTRATOR, parse_id(task_id), until_us)

    _do(options, snooze, "Task {id} is put off.")


def _do(options: GlobalOptions, work: Callable[[BranchStore, Commit], Changed], sentence: str) -> None:
    settings = settings_for(options.home)
    store = open_store(settings)
    with closing(open_processor(settings, store)) as processor:
        changed = work(store, processor.commit)
    document = {
        "id": format_id(changed.task_id),
        "changed": changed.command_id is not None,
        "next_id": format_id(changed.next_id) if changed.next_id else None,
    }
    following = f" The next is {document['next_id']}." if changed.next_id else ""
    print_result(options, document, sentence.format(id=document["id"]) + following)


def _employee(store: BranchStore, code: str) -> bytes:
    identity = employee_id(store.node()[0].chain_id, code)
    with store.look() as look:
        known = look.cursor.execute("SELECT 1 FROM employee WHERE id = ?", (identity,)).fetchone()
    if known is None:
        raise NotFound(f"There is no employee “{shorten(code)}” here.", "See: filial-branch employee list")
    return identity


def _client(store: BranchStore, reference: str | None) -> bytes | None:
    if not reference:
        return None
    with store.read() as connection:
        return resolve_client(connection, reference)


def _document(shown: ShownTask, whole: bool = False) -> dict[str, Any]:
    """A task for people and programs; `whole` with everything of it."""
    task = shown.task
    document = {
        "id": format_id(task.task_id),
        "due": _local(task.due, task.zone),
        "state": str(task.state),
        "type": task.type,
        "title": task.title,
        "client": shown.client_name or None,
        "assignee": shown.assignee_name or None,
        "repeat": str(task.repeat) if task.repeat else None,
    }
    return document | _details(task, shown) if whole else document


def _details(task: Task, shown: ShownTask) -> dict[str, Any]:
    return {
        "list": str(shown.when) if shown.when else None,
        "note": task.note or None,
        "client_id": format_id(task.client_id) if task.client_id else None,
        "snoozed_until": format_us(task.snoozed_until_us) if task.snoozed_until_us else None,
        "remind_minutes": task.remind_minutes,
        "outcome": task.outcome or None,
        "done_at": format_us(task.done_at_us) if task.done_at_us else None,
        "previous_id": format_id(task.previous_id) if task.previous_id else None,
        "taken_back": task.archived,
    }


def _local(due: Due | None, zone: str) -> str | None:
    """`2026-11-30`, with its time when that counts, on the clock of the branch."""
    if due is None:
        return None
    day, minute = local_day(due.at_us, zone).isoformat(), minute_of_day(due.at_us, zone)
    return f"{day} {minute // 60:02}:{minute % 60:02}" if due.has_time else day
