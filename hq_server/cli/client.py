"""`filial-hq client`: the client base of the whole chain."""

from __future__ import annotations

from pathlib import Path

import click

from hq_server.bootstrap import head_office
from hq_server.cli.client_merging import duplicates_command, merge_command, unmerge_command
from hq_server.cli.client_timeline import timeline_command
from hq_server.operations.importing import import_clients
from hq_server.operations.loyalty import client_points
from hq_server.storage.branches import branch_names
from hq_server.storage.feed import index_committed, number_feed
from shared.cli.clients import print_card, print_clients, print_history, print_import
from shared.cli.commands import GlobalOptions, Group
from shared.domain.records import RecordKind
from shared.operations.client_history import history_document
from shared.operations.clients import client_card, find_clients, resolve_client
from shared.operations.tabular_files import read_rows


@click.group(cls=Group)
def client() -> None:
    """Import, find, show and merge clients."""


client.add_command(duplicates_command)
client.add_command(merge_command)
client.add_command(unmerge_command)


client.add_command(timeline_command)


@client.command("import")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def import_command(options: GlobalOptions, file: Path) -> int:
    """Import clients from a CSV, XLSX or JSONL file; a client with a known external id is edited."""
    rows = list(read_rows(file))
    with head_office(options.home) as office:
        now_us = office.clock.now_us()
        with office.store.write() as connection:
            outcome = import_clients(connection, office.ids, now_us, office.settings.phone_country, rows)
        number_feed(office.store, now_us)
    return print_import(options, outcome.counts(), outcome.problems)


@client.command("find")
@click.argument("text")
@click.pass_obj
def find_command(options: GlobalOptions, text: str) -> None:
    """Find clients by a part of the name, a phone, an e-mail or an external id."""
    with head_office(options.home) as office:
        index_committed(office.store)
        with office.store.read() as connection:
            found = find_clients(connection, text)
    print_clients(options, found)


@client.command("show")
@click.argument("reference", metavar="ID")
@click.pass_obj
def show_command(options: GlobalOptions, reference: str) -> None:
    """Show a client, named by id or external id, with conflicts of its fields."""
    with head_office(options.home) as office, office.store.read() as connection:
        client_id = resolve_client(connection, reference)
        card = client_card(connection, client_id, branch_names(connection))
        points = client_points(connection, client_id, office.clock.now_us())
    card |= {name: points[name] for name in ("points", "points_available")}
    print_card(options, card)


@client.command("history")
@click.argument("reference", metavar="ID")
@click.pass_obj
def history_command(options: GlobalOptions, reference: str) -> None:
    """Show what changed on a client's card: who, when, in which branch, before and after."""
    with head_office(options.home) as office, office.store.read() as connection:
        client_id = resolve_client(connection, reference)
        edits = history_document(connection, RecordKind.CLIENT, client_id, branch_names(connection))
    print_history(options, edits)
