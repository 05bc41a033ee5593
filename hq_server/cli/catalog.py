"""`filial-hq catalog`: products and prices."""

from __future__ import annotations

from pathlib import Path

import click

from hq_server.bootstrap import head_office
from hq_server.operations.founding import read_chain
from hq_server.operations.importing import import_catalog
from hq_server.storage.feed import number_feed
from shared.cli.clients import print_import
from shared.cli.commands import GlobalOptions, Group
from shared.operations.tabular_files import read_rows


@click.group(cls=Group)
def catalog() -> None:
    """Import products and prices."""


@catalog.command("import")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def import_command(options: GlobalOptions, file: Path) -> int:
    """Import products and prices from a CSV, XLSX or JSONL file, by SKU.

    Columns: sku, name, category, barcode, unit, price (as 1481.69) or price_minor, zone. A known SKU is edited.
    """
    rows = list(read_rows(file))
    with head_office(options.home) as office:
        now_us = office.clock.now_us()
        with office.store.write() as connection:
            chain = read_chain(connection)
            outcome = import_catalog(connection, office.ids, now_us, chain.chain_id, chain.currency, rows)
        number_feed(office.store, now_us)
    return print_import(options, outcome.counts(), outcome.problems)
