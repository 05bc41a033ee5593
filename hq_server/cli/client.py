"""`filial-hq client`: the client base of the whole chain."""

from __future__ import annotations

from pathlib import Path

import click

from hq_server.bootstrap import head_office
from hq_server.cli.client_merging import duplicates_command, merge_command, unmerge_command
from hq_server.cli.client_timeline import timeline_command
from hq_server.operations.erasing import list_orders, order_erasure, preview, settle_order
from hq_server.operations.importing import import_clients
from hq_server.operations.loyalty import client_points
from hq_server.storage.branches import branch_names
from hq_server.storage.feed import index_committed, number_feed
from shared.cli.clients import print_card, print_clients, print_history, print_import
from shared.cli.commands import GlobalOptions, Group
from shared.cli.output import print_result, print_rows
from shared.cli.program import EXIT_FAILED
from shared.domain.business_time import format_us
from shared.domain.identifiers import format_id
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.domain.records import RecordKind
from shared.operations.client_history import history_document
from shared.operations.clients import client_card, find_clients, resolve_client
from shared.operations.tabular_files import read_rows


@click.group(cls=Group)
def client() -> None:
    """Import, find, show, merge and erase clients."""


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


@client.command("erase")
@click.argument("reference", metavar="ID")
@click.option("--reason", required=True, help="Who asked for it and when; it stays for ever, so without a name.")
@click.option("--confirm", default="", metavar="NAME", help="The person's name, as shown without this option.")
@click.pass_obj
def erase_command(options: GlobalOptions, reference: str, reason: str, confirm: str) -> int:
    """Erase a person here and in every branch, for good; without --confirm, say what would go."""
    with head_office(options.home) as office:
        now_us = office.clock.now_us()
        with office.store.read() as connection:
            client_id = resolve_client(connection, reference)
            seen = preview(connection, LOCAL_ADMINISTRATOR, client_id)
        shown = {**seen._asdict(), "client_id": format_id(client_id), "branches": list(seen.branches)}
        if not confirm:
            sentence = f"Nothing is erased yet. To erase the person, add: --confirm “{seen.word}”"
            print_result(options, {**shown, "erased": False}, sentence)
            return EXIT_FAILED
        with office.store.write() as connection:
            done = order_erasure(connection, office.ids, now_us, LOCAL_ADMINISTRATOR, client_id, reason, confirm)
        number_feed(office.store, now_us)
        is_clean = settle_order(office.store, office.settings.erasures_path, now_us)
    sentence = f"The person is erased here ({done.entries} entries changed); the branches follow." + (
        "" if is_clean else " Traces leave the file once nobody reads an old state: filial-hq db scour."
    )
    print_result(options, {"client_id": format_id(client_id), "erased": True, "entries": done.entries}, sentence)
    return 0


@client.command("erasures")
@click.pass_obj
def erasures_command(options: GlobalOptions) -> None:
    """List the orders to erase persons, and the branches that have not carried them out yet."""
    with head_office(options.home) as office, office.store.read() as connection:
        orders = list_orders(connection, LOCAL_ADMINISTRATOR)
    rows = [
        {
            "client": format_id(order.client_id),
            "ordered_at": format_us(order.ordered_at_us),
            "ordered_by": order.ordered_by,
            "reason": order.reason,
            "waiting": ", ".join(order.waiting),
        }
        for order in orders
    ]
    print_rows(options, "erasures", ("client", "ordered_at", "ordered_by", "reason", "waiting"), rows, "Nobody was.")


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
