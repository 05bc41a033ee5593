"""`filial-branch stock`: goods that come and go, counts, and what is on hand."""

from __future__ import annotations

import sys
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import click

from branch_node.bootstrap import open_store, settings_for
from branch_node.operations import stock as operations
from branch_node.operations.sale_request import only, parse_object
from branch_node.operations.stock import Goods, MovementAnswer
from branch_node.storage.stock import Stock, compare_stock, rebuild_stock
from shared.cli.commands import GlobalOptions, Group
from shared.cli.output import print_json, print_result, print_rows
from shared.cli.program import EXIT_FAILED
from shared.domain.identifiers import require_code
from shared.domain.money import parse_major, parse_quantity, quantity_number
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.errors import InvalidInput
from shared.operations.tabular_files import FileRow, read_rows

_COLUMNS = {"sku", "quantity", "cost"}
_Command = Callable[..., None]


@click.group(cls=Group)
def stock() -> None:
    """Receive, write off and count goods; show what is on hand. A file has the columns sku, quantity and maybe cost.

    Its kind is told by its ending: .csv, .xlsx or .jsonl; `-` reads JSON Lines from standard input.
    """


def _document_options(command: _Command) -> _Command:
    options = (
        click.argument("source", metavar="FILE"),
        click.option("--employee", required=True, help="Code of who does it."),
        click.option("--document", default="", help="Number of the paper; the same is not entered twice."),
        click.option("--register", help="Code of the register, if it is done at one."),
        click.option("--key", help="The same key again enters nothing and returns the first answer."),
        click.pass_obj,
    )
    for option in reversed(options):
        command = option(command)
    return command


@stock.command("receive")
@_document_options
def receive_command(options: GlobalOptions, /, source: str, **given: Any) -> None:
    """Enter goods that came from a supplier."""
    _enter(options, source, operations.receive, given)


@stock.command("write-off")
@click.option("--note", default="", help="Why, in a word or two.")
@_document_options
def write_off_command(options: GlobalOptions, /, source: str, **given: Any) -> None:
    """Enter goods that are spoilt, broken or lost."""
    _enter(options, source, operations.write_off, given)


@stock.command("return")
@_document_options
def return_command(options: GlobalOptions, /, source: str, **given: Any) -> None:
    """Enter goods that went back to a supplier."""
    _enter(options, source, operations.return_to_supplier, given)


@stock.command("move")
@click.option("--away/--here", required=True, help="To another branch, or from one.")
@_document_options
def move_command(options: GlobalOptions, /, source: str, **given: Any) -> None:
    """Enter goods that went to another branch or came from one. Each branch enters its side."""
    _enter(options, source, operations.move, given)


@stock.command("count")
@_document_options
def count_command(options: GlobalOptions, /, source: str, **given: Any) -> None:
    """Enter what was counted of some products; the differences become the movement."""
    _enter(options, source, operations.count, given)


@stock.command("show")
@click.argument("sku", required=False)
@click.pass_obj
def show_command(options: GlobalOptions, sku: str | None) -> None:
    """Show what is on hand of SKU, or of everything that was received or counted here."""
    store = open_store(settings_for(options.home))
    if sku is None:
        found = operations.all_on_hand(store, LOCAL_ADMINISTRATOR)
        _print_list(options, found, "Nothing was received yet. Enter goods: filial-branch stock receive FILE")
        return
    one = operations.on_hand(store, LOCAL_ADMINISTRATOR, sku)
    number = quantity_number(one.quantity_thousandths)
    sentence = f"On hand of {sku}: {number}." if one.is_kept else f"{sku} was never received or counted here."
    print_result(options, {"sku": sku, "on_hand": number, "kept": one.is_kept}, sentence)


@stock.command("negatives")
@click.pass_obj
def negatives_command(options: GlobalOptions) -> None:
    """List products of which more was sold than ever came: something was not entered."""
    store = open_store(settings_for(options.home))
    _print_list(options, operations.negatives(store, LOCAL_ADMINISTRATOR), "No product is below zero.")


@stock.command("rebuild")
@click.option("--compare", is_flag=True, help="Change nothing: compare, and exit with 1 when something differs.")
@click.pass_obj
def rebuild_command(options: GlobalOptions, compare: bool) -> int:
    """Compute what is on hand anew from every sale, refund and movement."""
    store = open_store(settings_for(options.home))
    if not compare:
        with store.write() as connection:
            products = rebuild_stock(connection.connection.cursor())
        print_result(options, {"products": products}, f"Computed anew: {products} products.")
        return 0
    with store.read_cursor() as cursor:
        different = compare_stock(cursor)
    rows = [
        {"sku": sku, "stored": quantity_number(stored), "computed": quantity_number(computed)}
        for sku, stored, computed in different
    ]
    print_rows(options, "differences", ("sku", "stored", "computed"), rows, "Stock and facts agree.")
    return EXIT_FAILED if different else 0


def _enter(options: GlobalOptions, source: str, do: Callable[..., MovementAnswer], given: dict[str, Any]) -> None:
    store = open_store(settings_for(options.home))
    currency = store.node()[0].currency
    goods = [_parse(row, currency) for row in _rows(source)]
    with store.operation() as transaction:
        answer = do(transaction, LOCAL_ADMINISTRATOR, given.pop("employee"), goods, **given)
    document = answer.as_json()
    if options.json:
        print_json(document)
        return
    names = ("sku", "expected", "counted", "quantity", "on_hand")
    lines = document["lines"]
    columns = tuple(name for name in names if any(name in line for line in lines))
    print_rows(options, "lines", columns, lines, "")


def _rows(source: str) -> list[FileRow]:
    if source != "-":
        return list(read_rows(Path(source)))
    lines = [line for line in sys.stdin.buffer.read().splitlines() if line.strip()]
    return [
        FileRow(number, {name: str(value) for name, value in parse_object(line).items() if value is not None})
        for number, line in enumerate(lines, 1)
    ]


def _parse(row: FileRow, currency: str) -> Goods:
    """Raises InvalidInput, with the line's number."""
    where = f"Line {row.number}"
    only(dict(row.values), _COLUMNS, where)
    try:
        quantity = Decimal(row.values.get("quantity", "").replace(",", "."))
    except InvalidOperation:
        raise InvalidInput(f"{where}: the quantity is no number.", "Write 12 or 0.5.") from None
    cost = row.values.get("cost")
    return Goods(
        require_code(row.values.get("sku"), f"{where}: sku"),
        parse_quantity(quantity, f"{where}: quantity"),
        None if cost is None else parse_major(cost, currency),
    )


def _print_list(options: GlobalOptions, found: list[Stock], empty: str) -> None:
    rows = [{"sku": each.sku, "on_hand": quantity_number(each.quantity_thousandths)} for each in found]
    print_rows(options, "stock", ("sku", "on_hand"), rows, empty)
