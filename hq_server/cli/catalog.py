"""`filial-hq catalog`: products and prices."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from hq_server.bootstrap import head_office
from hq_server.operations.catalog_history import RevertOutcome, list_imports, remember_import, revert_import
from hq_server.operations.founding import read_chain
from hq_server.operations.importing import FieldChange, ImportOutcome, import_catalog
from hq_server.storage.feed import number_feed
from shared.cli.clients import PROBLEMS_SHOWN_MAX, print_import
from shared.cli.commands import GlobalOptions, Group
from shared.cli.output import print_json, print_rows, print_table
from shared.domain.business_time import date_from_days
from shared.domain.cards import Value
from shared.domain.identifiers import format_id, parse_id
from shared.domain.money import format_minor
from shared.operations.tabular_files import read_rows

CHANGES_SHOWN_MAX = 200
_DAYS = ("valid_from", "valid_to")
_IMPORT_COLUMNS = ("id", "imported_at", "source", "added", "changed", "unchanged", "refused", "reverted_at")


@click.group(cls=Group)
def catalog() -> None:
    """Import products and prices, and take imports back."""


@catalog.command("import")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--preview", is_flag=True, help="Write nothing: show what would be added, changed and refused.")
@click.pass_obj
def import_command(options: GlobalOptions, file: Path, preview: bool) -> int:
    """Import products and prices from a CSV, XLSX or JSONL file, by SKU.

    Columns: sku, name, category, barcode, unit, vat (a code), weighed, limited, price (as 1481.69) or price_minor,
    zone, valid_from, valid_to (as 2026-12-31). A known SKU is edited.
    """
    rows = list(read_rows(file))
    with head_office(options.home) as office:
        now_us = office.clock.now_us()
        turn = office.store.read() if preview else office.store.write()
        with turn as connection:
            chain = read_chain(connection)
            outcome = import_catalog(connection, office.ids, now_us, chain.chain_id, chain.currency, rows, preview)
            if not preview:
                remember_import(connection, file.name, outcome, now_us)
        if not preview:
            number_feed(office.store, now_us)
    return _print_preview(options, outcome, chain.currency) if preview else _print_imported(options, outcome)


def _print_imported(options: GlobalOptions, outcome: ImportOutcome) -> int:
    import_id = None if outcome.import_id is None else format_id(outcome.import_id)
    code = print_import(options, outcome.counts(), outcome.problems, {"import": import_id})
    if import_id and not options.json:
        click.echo(f"To take it back: filial-hq catalog revert {import_id}")
    return code


def _print_preview(options: GlobalOptions, outcome: ImportOutcome, currency: str) -> int:
    changes = [_change_document(change, currency) for change in outcome.changes if change.field != "product_id"]
    if not options.json and changes:
        columns = ("row", "card", "field", "old", "new")
        print_table(columns, [[change[column] for column in columns] for change in changes[:CHANGES_SHOWN_MAX]])
        if len(changes) > CHANGES_SHOWN_MAX:
            click.echo(f"… and {len(changes) - CHANGES_SHOWN_MAX} more; --json lists all.")
    return print_import(options, outcome.counts(), outcome.problems, {"preview": True, "changes": changes})


def _change_document(change: FieldChange, currency: str) -> dict[str, Any]:
    old, new = (_readable(change.field, value, currency) for value in (change.old, change.new))
    return {
        "row": change.row,
        "card": change.label,
        "is_new": change.created,
        "field": change.field,
        "old": old,
        "new": new,
    }


def _readable(field: str, value: Value, currency: str) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return date_from_days(value).isoformat() if field in _DAYS else format_minor(value, currency)
    return value.hex() if isinstance(value, bytes) else value


@catalog.command("imports")
@click.pass_obj
def imports_command(options: GlobalOptions) -> None:
    """List the latest imports."""
    with head_office(options.home) as office, office.store.read() as connection:
        rows = list_imports(connection)
    print_rows(options, "imports", _IMPORT_COLUMNS, rows, "Nothing was imported yet.")


@catalog.command("revert")
@click.argument("import_id")
@click.pass_obj
def revert_command(options: GlobalOptions, import_id: str) -> None:
    """Take the import IMPORT_ID back: what somebody has changed since is left alone and listed."""
    with head_office(options.home) as office:
        now_us = office.clock.now_us()
        with office.store.write() as connection:
            outcome = revert_import(connection, office.ids, now_us, parse_id(import_id))
            currency = read_chain(connection).currency
        number_feed(office.store, now_us)
    _print_reverted(options, outcome, currency)


def _print_reverted(options: GlobalOptions, outcome: RevertOutcome, currency: str) -> None:
    kept = _kept_documents(outcome, currency)
    if options.json:
        print_json({"fields": outcome.fields, "archived": outcome.archived, "kept": kept})
        return
    click.echo(f"{outcome.fields} fields have their old values, {outcome.archived} new cards are archived.")
    if kept:
        click.echo(f"{len(kept)} fields were changed since and are left alone:")
        columns = ("card", "field", "old", "imported", "now")
        print_table(columns, [[field[column] for column in columns] for field in kept[:PROBLEMS_SHOWN_MAX]])
        if len(kept) > PROBLEMS_SHOWN_MAX:
            click.echo(f"… and {len(kept) - PROBLEMS_SHOWN_MAX} more; --json lists all.")


def _kept_documents(outcome: RevertOutcome, currency: str) -> Sequence[dict[str, Any]]:
    return [
        {
            "card": kept.label,
            "field": kept.field,
            "old": _readable(kept.field, kept.old, currency),
            "imported": _readable(kept.field, kept.imported, currency),
            "now": _readable(kept.field, kept.now, currency),
        }
        for kept in outcome.kept
        if kept.field != "product_id"
    ]
