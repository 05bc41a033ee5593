"""`filial-hq loyalty`: how clients earn and spend points, and what they have."""

from __future__ import annotations

from typing import Any

import click

from hq_server.bootstrap import head_office
from hq_server.operations.founding import read_chain
from hq_server.operations.loyalty import client_points, end_program, list_programs, refresh_points, set_program
from hq_server.storage.feed import number_feed
from shared.cli.commands import GlobalOptions, Group
from shared.cli.output import print_json, print_result, print_rows
from shared.domain.loyalty import make_program
from shared.domain.money import parse_major
from shared.domain.percentages import parse_percent
from shared.operations.clients import resolve_client

_RULES = ("code", "name", "rules", "payable_share_basis_points_max", "expires_days", "point_value_minor")


@click.group(cls=Group)
def loyalty() -> None:
    """Set the rules by which clients earn and spend points; show what they have."""


@loyalty.command("set")
@click.argument("code", default="main")
@click.option("--name", default="", help="What the programme is called.")
@click.option(
    "--earn",
    "rules",
    multiple=True,
    required=True,
    metavar="TIER:CATEGORY:BASIS_POINTS",
    help="What a tier earns on a category of the money paid, * for all: *:*:300 is 3 %. May be given again.",
)
@click.option("--payable", default="50", metavar="PERCENT", show_default=True, help="How much of a receipt points pay.")
@click.option("--expires", "expires_days", type=int, default=365, show_default=True, help="Days; 0 for never.")
@click.option("--value", default="1.00", metavar="AMOUNT", show_default=True, help="What a point is worth.")
@click.pass_obj
def set_command(options: GlobalOptions, /, code: str, name: str, rules: tuple[str, ...], **given: Any) -> None:
    """Make the loyalty programme CODE, or put these rules in the place of its rules."""
    with head_office(options.home) as office:
        now_us = office.clock.now_us()
        with office.store.write() as connection:
            value_minor = parse_major(given["value"], read_chain(connection).currency)
            program = make_program(code, rules, parse_percent(given["payable"]), given["expires_days"], value_minor)
            changed = set_program(connection, office.ids, now_us, program, name)
        number_feed(office.store, now_us)
    sentence = f"Programme {code} goes to every branch." if changed else f"Programme {code} says so already."
    print_result(options, {"code": code, "changed": changed}, sentence)


@loyalty.command("end")
@click.argument("code")
@click.pass_obj
def end_command(options: GlobalOptions, code: str) -> None:
    """End the loyalty programme CODE: nothing is earned or spent by it any more."""
    with head_office(options.home) as office:
        now_us = office.clock.now_us()
        with office.store.write() as connection:
            end_program(connection, office.ids, now_us, code)
        number_feed(office.store, now_us)
    print_result(options, {"code": code}, f"Programme {code} ends, wherever that is known.")


@loyalty.command("show")
@click.argument("client", required=False)
@click.pass_obj
def show_command(options: GlobalOptions, client: str | None) -> None:
    """Show the programmes; or the points of CLIENT, named by id or external id, with the newest entries."""
    with head_office(options.home) as office, office.store.read() as connection:
        if client is None:
            empty = "There is none. Make one: filial-hq loyalty set --earn '*:*:300'"
            print_rows(options, "programmes", _RULES, list_programs(connection), empty)
            return
        found = client_points(connection, resolve_client(connection, client), office.clock.now_us())
    if options.json:
        print_json(found)
        return
    entries = found.pop("entries")
    print_result(options, found)
    print_rows(options, "entries", ("at", "branch", "kind", "points", "expires_on"), entries, "No points yet.")


@loyalty.command("expire")
@click.pass_obj
def expire_command(options: GlobalOptions) -> None:
    """Take points whose last day is over out of what may be spent. A running server does so every hour."""
    with head_office(options.home) as office:
        changed = refresh_points(office.store, office.clock.now_us())
    print_result(options, {"changed": changed}, f"What may be spent changed for {changed} clients.")
