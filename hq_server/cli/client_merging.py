"""`filial-hq client duplicates|merge|unmerge`: clients of the chain who are there twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from hq_server.bootstrap import HeadOffice, head_office
from hq_server.operations import client_merging as operations
from hq_server.operations.client_merging import ClientMerging
from hq_server.storage.feed import number_feed
from shared.cli.commands import Command, GlobalOptions
from shared.cli.merging import print_merged, print_proposals
from shared.cli.output import print_result, print_rows
from shared.domain.identifiers import format_id
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.operations.clients import resolve_client


@click.command("duplicates", cls=Command)
@click.option("--merge-automatically", "merges", is_flag=True, help="Merge pairs with the same phone and same name.")
@click.pass_obj
def duplicates_command(options: GlobalOptions, merges: bool) -> None:
    """List pairs of clients who may be one; merge the certain ones when that is asked for."""
    with head_office(options.home) as office:
        if merges:
            done = _change(office, lambda connection, merging: operations.merge_certain(merging, connection))
            rows = [
                {
                    "merged": format_id(each.loser_id),
                    "into": format_id(each.survivor_id),
                    "name": each.survivor.get("name"),
                }
                for each in done
            ]
            print_rows(options, "merged", ("merged", "into", "name"), rows, "No pair is certain enough.")
            return
        found = _change(office, lambda connection, _merging: operations.list_proposals(connection))
        with office.store.read() as connection:
            held = operations.merges_that_hold(connection, LOCAL_ADMINISTRATOR)
    print_proposals(options, found, held)


@click.command("merge", cls=Command)
@click.argument("survivor", metavar="ID")
@click.argument("merged", metavar="MERGED_ID")
@click.option("--take", "taken", multiple=True, help="A field of which the merged card's value is kept; repeatable.")
@click.pass_obj
def merge_command(options: GlobalOptions, survivor: str, merged: str, taken: tuple[str, ...]) -> None:
    """Merge a client's card into another's, named by id or external id."""
    with head_office(options.home) as office:
        with office.store.read() as connection:
            survivor_id, loser_id = resolve_client(connection, survivor), resolve_client(connection, merged)
        command = _change(office, lambda _connection, merging: merging.merge(survivor_id, loser_id, taken))
    print_merged(options, survivor_id, loser_id, command)


@click.command("unmerge", cls=Command)
@click.argument("merged", metavar="MERGED_ID")
@click.pass_obj
def unmerge_command(options: GlobalOptions, merged: str) -> None:
    """Take the merge of a card back; what was changed since stays."""
    with head_office(options.home) as office:
        with office.store.read() as connection:
            loser_id = resolve_client(connection, merged)
        _change(office, lambda _connection, merging: merging.unmerge(loser_id))
    print_result(options, {"id": format_id(loser_id)}, f"Client {format_id(loser_id)} is a client of its own again.")


def _change(office: HeadOffice, act: Callable[[Any, ClientMerging], Any]) -> Any:
    now_us = office.clock.now_us()
    with office.store.write() as connection:
        result = act(connection, ClientMerging(connection, office.ids, now_us))
    number_feed(office.store, now_us)
    return result
