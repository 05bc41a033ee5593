"""A list of clients as a file for a spreadsheet: what its reader may see, logged, without whoever wants no contact."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

from branch_node.operations.branch_facts import record_branch_fact
from branch_node.operations.client_access import WEB_REGISTER
from branch_node.operations.client_lists import ClientQuery, narrowed, read_list
from branch_node.operations.client_search import read_reach
from branch_node.operations.employees import ensure_employee
from branch_node.storage.store import BranchStore
from shared.domain.branch_facts import AuditEntry
from shared.domain.business_time import local_moment
from shared.domain.client_masking import hidden_fields
from shared.domain.permissions import Actor, Permission, require
from shared.domain.visibility import shown_document
from shared.errors import InvalidInput, Refused
from shared.reports.exports import FORMULA_STARTERS

CLIENTS_EXPORTED: Final = "clients_exported"
EXPORT_ROWS_MAX: Final = 50_000
"""Rows of one file."""

REASON_CHARACTERS_MAX: Final = 200
_PAGE_ROWS: Final = 1_000
COLUMNS: Final = (
    *("name", "phones", "emails", "kind", "group", "tags", "tier", "external_id", "loyalty_number", "note"),
    "do_not_contact",
)


class FileFormat(StrEnum):
    CSV = "csv"
    XLSX = "xlsx"


class ExportedClients(NamedTuple):
    """A file, how many clients are in it, and how many were left out since they want no contact."""

    data: bytes
    rows: int
    left_out: int


def export_clients(
    store: BranchStore, actor: Actor, query: ClientQuery, file_format: FileFormat, override_reason: str = ""
) -> ExportedClients:
    """The clients of a list. With `override_reason` those who want no contact as well, which is a permission of its
    own. That it was done, and why, is told to the head office.

    Raises NotPermitted, InvalidInput, Refused when there are more than EXPORT_ROWS_MAX.
    """
    require(actor, Permission.CLIENT_VIEW)
    require(actor, Permission.CLIENT_EXPORT)
    reason = override_reason.strip()
    if reason:
        require(actor, Permission.CONTACT_OVERRIDE)
    if len(reason) > REASON_CHARACTERS_MAX:
        raise InvalidInput(f"The reason has more than {REASON_CHARACTERS_MAX} characters.")
    listed = list(_listed(store, actor, query._replace(after=None)))
    kept = [row for row in listed if reason or not row["do_not_contact"]]
    # What is hidden is no column at all.
    columns = [name for name in COLUMNS if name not in hidden_fields(actor)]
    rows = [[_text(shown[name]) for name in columns] for shown in (shown_document(actor, row) for row in kept)]
    data = (_csv if file_format is FileFormat.CSV else _xlsx)([columns, *rows])
    with store.operation() as transaction:
        transaction.author = ensure_employee(transaction, actor.code)
        at = local_moment(transaction.now_us, transaction.node.timezone)
        said = f"{len(rows)} clients as {file_format}" + (f", with do-not-contact: {reason}" if reason else "")
        register = actor.register or WEB_REGISTER
        record_branch_fact(transaction, AuditEntry(CLIENTS_EXPORTED, register, actor.code, None, 0, said, at))
    return ExportedClients(data, len(rows), len(listed) - len(kept))


def _listed(store: BranchStore, actor: Actor, query: ClientQuery) -> Iterator[dict[str, Any]]:
    reach = narrowed(read_reach(store, actor), query.whose)
    found, next_key = 0, None
    with store.read() as connection:
        while True:
            documents, next_key = read_list(connection, reach, query._replace(after=next_key), _PAGE_ROWS)
            found += len(documents)
            if found > EXPORT_ROWS_MAX:
                raise Refused(f"A file holds at most {EXPORT_ROWS_MAX} clients.", "Choose a tag, a group or a part.")
            yield from documents
            if next_key is None:
                return


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(value)
    if isinstance(value, bool):
        return "yes" if value else ""
    return "" if value is None else str(value)


def _csv(rows: Sequence[Sequence[str]]) -> bytes:
    """UTF-8 with a byte order mark, so that spreadsheets read Cyrillic; no text begins a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerows([f"'{cell}" if cell.startswith(FORMULA_STARTERS) else cell for cell in row] for row in rows)
    return ("\ufeff" + text.getvalue()).encode()


def _xlsx(rows: Sequence[Sequence[str]]) -> bytes:
    import xlsxwriter

    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(buffer, options)
    sheet = book.add_worksheet("clients")
    for line, row in enumerate(rows):
        for number, cell in enumerate(row):
            sheet.write_string(line, number, cell)
    sheet.freeze_panes(1, 0)
    book.close()
    return buffer.getvalue()
