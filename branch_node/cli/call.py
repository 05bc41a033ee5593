"""`filial-branch call`: logging conversations with clients, and listing those of a day."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import Any

import click
from sqlalchemy import select

from branch_node.bootstrap import open_processor, open_store, settings_for
from branch_node.operations.interactions import NextStep, Talk, log_interaction
from branch_node.operations.withdrawing import withdraw_interaction
from branch_node.storage.store import BranchStore
from shared.cli.commands import GlobalOptions, Group
from shared.cli.output import print_result, print_rows
from shared.cli.timeline import interaction_document
from shared.domain.business_time import format_us, local_moment, parse_date, parse_local
from shared.domain.identifiers import format_id, parse_id, shorten
from shared.domain.interactions import Channel, Direction, KeyPoint, parse_duration
from shared.domain.permissions import LOCAL_ADMINISTRATOR, Actor
from shared.domain.tasks import parse_due
from shared.errors import NotFound
from shared.operations.client_facts import read_interaction
from shared.operations.clients import resolve_client
from shared.operations.people import employee_id, find_employee
from shared.storage.standing_interactions import stands
from shared.storage.tables import client, interaction

LISTED_MAX = 200


@click.group(cls=Group)
def call() -> None:
    """Log calls and other conversations with clients, and list them."""


@call.command("log")
@click.argument("reference", metavar="CLIENT")
@click.option("--employee", required=True, help="The code of who spoke with the client.")
@click.option("--channel", default="call", type=click.Choice(list(map(str, Channel))), help="How; a call without.")
@click.option("--incoming", is_flag=True, help="The client began.")
@click.option("--reached/--not-reached", default=None, help="Whether somebody was reached.")
@click.option("--outcome", default="", help="The code of an outcome.")
@click.option("--duration", default="", help="How long: minutes, or as 3:20.")
@click.option("--subject", default="", help="What it was about, in a line.")
@click.option("--text", "body", default="", help="What was spoken about.")
@click.option("--told", default="", help="What the client was told.")
@click.option("--point", "points", multiple=True, metavar="THEME[:SENTIMENT[:QUOTE]]", help="A theme; may be repeated.")
@click.option("--rival", "rivals", multiple=True, metavar="CODE[:SENTIMENT[:QUOTE]]", help="A competitor; repeatable.")
@click.option("--at", help="When, as 2026-11-23T14:30; now without.")
@click.option("--next", "next_day", default="", metavar="DAY", help="The day of the next step, as 2026-12-01.")
@click.option("--next-title", default="", help="What is to be done then.")
@click.option("--corrects", metavar="ID", help="The record that this one takes the place of.")
@click.pass_obj
def log_command(options: GlobalOptions, /, reference: str, employee: str, **given: Any) -> None:
    """Log what took place with a client, named by id or external id."""
    settings = settings_for(options.home)
    store = open_store(settings)
    zone = store.node()[0].timezone
    actor = _actor(store, employee)
    with store.read() as connection:
        client_id = resolve_client(connection, reference)
    due = parse_due(given["next_day"], "", zone)
    step = NextStep(given["next_title"] or "Call back", due=due) if due or given["next_title"] else None
    points = [_point(text, "theme") for text in given["points"]]
    points += [_point(text, "competitor") for text in given["rivals"]]
    direction = Direction.NONE if given["channel"] in (Channel.NOTE, Channel.VISIT) else Direction.OUT
    talk = Talk(
        client_id,
        given["channel"],
        str(Direction.IN if given["incoming"] else direction),
        reached=given["reached"],
        outcome=given["outcome"],
        duration_seconds=parse_duration(given["duration"]),
        subject=given["subject"],
        body=given["body"],
        told=given["told"],
        points=tuple(points),
        corrects_id=parse_id(given["corrects"]) if given["corrects"] else None,
        at_us=parse_local(given["at"], zone, "The time").at_us if given["at"] else None,
        next_step=step,
    )
    with closing(open_processor(settings, store)) as processor:
        logged = log_interaction(store, processor.commit, actor, talk)
    task = None if logged.task_id is None else format_id(logged.task_id)
    document = {"id": format_id(logged.interaction_id), "client": format_id(client_id), "next_task": task}
    print_result(options, document, f"Logged {document['id']}." + (f" Next step: {task}." if task else ""))


@call.command("withdraw")
@click.argument("record")
@click.option("--employee", required=True, help="The code of who logged it.")
@click.pass_obj
def withdraw_command(options: GlobalOptions, record: str, employee: str) -> None:
    """Take back what was logged here by mistake a moment ago, with the next step that came of it."""
    settings = settings_for(options.home)
    store = open_store(settings)
    actor = _actor(store, employee)
    with closing(open_processor(settings, store)) as processor:
        changed = withdraw_interaction(processor.commit, actor, parse_id(record))
    print_result(options, {"id": record, "changed": changed}, "Taken back." if changed else "It is taken back already.")


@call.command("list")
@click.option("--day", help="As 2026-11-23; today without.")
@click.option("--employee", help="The code of an employee; everybody without.")
@click.pass_obj
def list_command(options: GlobalOptions, day: str | None, employee: str | None) -> None:
    """List the conversations of a day in this branch, newest first."""
    store = open_store(settings_for(options.home))
    today = local_moment(store.clock.now_us(), store.node()[0].timezone).business_date
    wanted = today if day is None else parse_date(day, "The day")
    statement = (
        select(interaction.c.branch_id, interaction.c.id, client.c.name)
        .join(client, client.c.id == interaction.c.client_id, isouter=True)
        .where(interaction.c.business_date == wanted, stands())
        .order_by(interaction.c.at.desc(), interaction.c.id.desc())
        .limit(LISTED_MAX)
    )
    if employee is not None:
        statement = statement.where(interaction.c.employee == employee)
    rows = []
    with store.read() as connection:
        for branch_id, identity, name in connection.execute(statement).all():
            said = read_interaction(connection, branch_id, identity)
            head = {"at": format_us(said.at.at_us), "employee": said.employee, "client": format_id(said.client_id)}
            rows.append({**head, "name": name, "id": format_id(identity), **interaction_document(said)})
    columns = ("at", "employee", "name", "kind", "outcome", "duration", "text")
    print_rows(options, "calls", columns, rows, "Nobody was spoken with on that day.")


def _actor(store: BranchStore, code: str) -> Actor:
    """The local administrator, who logs in the name of an employee. Raises NotFound."""
    identity = employee_id(store.node()[0].chain_id, code)
    with store.read() as connection:
        found = find_employee(connection, identity)
    if found is None:
        raise NotFound(f"There is no employee {shorten(code)} here.", "See: filial-branch employee list")
    return replace(LOCAL_ADMINISTRATOR, employee_id=identity, code=code, name=found.name or code)


def _point(text: str, field: str) -> KeyPoint:
    code, _, rest = text.partition(":")
    sentiment, _, quote = rest.partition(":")
    return KeyPoint(sentiment=sentiment, quote=quote)._replace(**{field: code})
