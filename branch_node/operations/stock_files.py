"""A supplier's file – CSV, XLSX or JSON Lines – as lines of a document that is being written."""

from __future__ import annotations

import tempfile
from decimal import Decimal, InvalidOperation
from itertools import islice
from pathlib import Path

from branch_node.operations.stock_drafts import FileLine, RowProblem, add_rows
from branch_node.storage.store import BranchStore
from shared.domain.identifiers import shorten
from shared.domain.money import parse_major, parse_quantity, require_minor
from shared.domain.permissions import Actor, Permission, require
from shared.domain.stock import MOVEMENT_LINES_MAX
from shared.errors import FilialError, InvalidInput
from shared.operations.tabular_files import FileRow, read_rows

CODE_NAMES = ("sku", "barcode", "code", "артикул", "штрихкод", "код")
QUANTITY_NAMES = ("quantity", "количество", "кол-во")
COST_NAMES = ("cost", "стоимость", "сумма")
"""What a column may be called; the cost is that of the whole line."""


def take_file(
    store: BranchStore, actor: Actor, draft_id: bytes, request_id: str, source: str, content: bytes
) -> list[RowProblem]:
    """Adds every row of a file to the document, or none of them; returns what is wrong, row by row.

    Raises NotPermitted, InvalidInput for a file that is none, NotFound, Refused.
    """
    require(actor, Permission.STOCK_EDIT)
    currency = store.node()[0].currency
    lines, problems = [], []
    for row in _rows(source, content):
        try:
            lines.append(_parse(row, currency))
        except FilialError as error:
            problems.append(RowProblem(row.number, error))
    return problems or add_rows(store, actor, draft_id, request_id, lines)


def _rows(source: str, content: bytes) -> list[FileRow]:
    """The rows, and an error that names the file as its owner does."""
    if not content:
        raise InvalidInput("No file was chosen.", "Choose a CSV or XLSX file with the columns sku, quantity and cost.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"upload{Path(source).suffix.lower()}"
        path.write_bytes(content)
        try:
            rows = list(islice(read_rows(path), MOVEMENT_LINES_MAX + 1))
        except FilialError as error:
            raise InvalidInput(error.message.replace(str(path), shorten(source)), error.hint) from None
    if len(rows) > MOVEMENT_LINES_MAX:
        raise InvalidInput(f"The file has more than {MOVEMENT_LINES_MAX} rows.", "Split it.")
    if not rows:
        raise InvalidInput("The file has no rows.", "Its first row names the columns; the products stand below it.")
    return rows


def _parse(row: FileRow, currency: str) -> FileLine:
    code, quantity, cost = (_cell(row, names) for names in (CODE_NAMES, QUANTITY_NAMES, COST_NAMES))
    if not code:
        raise InvalidInput("The row names no product.", "Its column is sku, barcode or code.")
    try:
        number = Decimal("".join(quantity.split()).replace(",", "."))
    except InvalidOperation:
        raise InvalidInput("The quantity is no number.", "Write how much, as 12 or 0.5.") from None
    amount = require_minor(parse_major(cost, currency), "The cost") if cost else None
    return FileLine(row.number, code, parse_quantity(number, "The quantity"), amount)


def _cell(row: FileRow, names: tuple[str, ...]) -> str:
    return next((row.values[name] for name in names if row.values.get(name)), "")
