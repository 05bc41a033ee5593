"""Spreadsheets of clients kept at the branch: their rows, which field each column is, what was wrong with a row."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, delete, insert, select, update

from branch_node.storage.client_import_tables import client_import, client_import_mapping, client_import_row
from branch_node.storage.store import BranchStore
from shared.domain.client_columns import COLUMNS_MAX, FIELD_WORDS, IGNORED, SAMPLES_MAX, guess_mapping
from shared.domain.identifiers import shorten
from shared.domain.permissions import Actor, Permission, require
from shared.errors import FilialError, InvalidInput, NotFound, Refused
from shared.operations.tabular_files import FileRow, read_rows
from shared.storage.card_rows import insert_rows, upsert

IMPORT_BYTES_MAX: Final = 33_554_432
IMPORT_ROWS_MAX: Final = 100_000
IMPORTS_KEPT_MAX: Final = 50
"""Older ones can be taken back no more."""

TAG_CHARACTERS_MAX: Final = 60
NAME_CHARACTERS_MAX: Final = 120

FILL, OVERWRITE, SKIP = "fill", "overwrite", "skip"
POLICIES: Final = (FILL, OVERWRITE, SKIP)
WAITING, RUNNING, DONE, STOPPED, REVERTING, REVERTED = "waiting", "running", "done", "stopped", "reverting", "reverted"
ADDED, CHANGED, SAME, SKIPPED, BAD = "added", "changed", "same", "skipped", "bad"
OUTCOMES: Final = (ADDED, CHANGED, SAME, SKIPPED, BAD)


class ImportSettings(NamedTuple):
    """What a person chooses: which field each column is (IGNORED leaves it out), what becomes of known clients, a tag
    and an owner for all."""

    mapping: Mapping[str, str]
    policy: str = FILL
    tag: str = ""
    owner_id: bytes | None = None


class KeptImport(NamedTuple):
    """An import as it stands. Moments are UTC microseconds."""

    import_id: bytes
    source: str
    columns: tuple[str, ...]
    settings: ImportSettings
    state: str
    trouble: str
    author_name: str
    created_at: int
    changed_at: int
    row_count: int


def keep_file(store: BranchStore, actor: Actor, source: str, content: bytes, country: str) -> bytes:
    """Keeps a file's rows with a first guess of its columns; returns the import's id.

    Raises NotPermitted, and InvalidInput for a file that is none, is empty or too large.
    """
    require(actor, Permission.CLIENT_IMPORT)
    name = _shown_name(source)
    rows = _rows_of(name, content)
    columns = list(dict.fromkeys(column for row in rows for column in row.values))
    if len(columns) > COLUMNS_MAX:
        raise InvalidInput(f"The file has more than {COLUMNS_MAX} columns.", "Remove what is not about clients.")
    import_id, now_us = store.ids.new_id(), store.clock.now_us()
    with store.write() as connection:
        _forget_old(connection)
        mapping = _known_mapping(connection, columns)
        mapping = mapping or guess_mapping(columns, [row.values for row in rows[:SAMPLES_MAX]], country)
        values = {
            "id": import_id,
            "source": name,
            "columns": json.dumps(columns, ensure_ascii=False),
            "mapping": json.dumps(mapping, ensure_ascii=False),
            "policy": FILL,
            "tag": "",
            "owner_id": None,
            "state": WAITING,
            "trouble": "",
            "author": actor.employee_id,
            "author_name": actor.name or actor.code,
            "created_at": now_us,
            "changed_at": now_us,
            "row_count": len(rows),
        }
        connection.execute(insert(client_import), values)
        kept = [(import_id, row.number, json.dumps(row.values, ensure_ascii=False)) for row in rows]
        insert_rows(connection, client_import_row, ("import_id", "row_number", "cells"), kept)
    return import_id


def _rows_of(source: str, content: bytes) -> list[FileRow]:
    if not content:
        raise InvalidInput("No file was chosen.", "Choose a CSV or XLSX file.")
    if len(content) > IMPORT_BYTES_MAX:
        raise InvalidInput(f"The file is larger than {IMPORT_BYTES_MAX // 1_048_576} MiB.", "Split it.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"upload{Path(source).suffix.lower()}"
        path.write_bytes(content)
        try:
            rows = list(islice(read_rows(path), IMPORT_ROWS_MAX + 1))
        except FilialError as error:
            raise InvalidInput(error.message.replace(str(path), shorten(source)), error.hint) from None
    if len(rows) > IMPORT_ROWS_MAX:
        raise InvalidInput(f"The file has more than {IMPORT_ROWS_MAX} rows.", "Split it.")
    if not rows:
        raise InvalidInput("The file has no rows.", "Its first row names the columns; the clients stand below it.")
    return rows


def _shown_name(name: str) -> str:
    """The file's own name, without folders and what cannot be printed."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(character for character in last if character.isprintable())[-NAME_CHARACTERS_MAX:] or "upload"


def _known_mapping(connection: Connection, columns: Sequence[str]) -> dict[str, str]:
    """How a file with the same columns was read before."""
    statement = select(client_import_mapping.c.mapping).where(client_import_mapping.c.columns == "\n".join(columns))
    found = connection.execute(statement).scalar_one_or_none()
    return json.loads(found) if found else {}


def change_settings(store: BranchStore, actor: Actor, import_id: bytes, settings: ImportSettings) -> None:
    """Keeps what was chosen, for this file and for the next with the same columns.

    Raises NotPermitted, NotFound, Refused once the import has begun, InvalidInput.
    """
    require(actor, Permission.CLIENT_IMPORT)
    kept = read_import(store, actor, import_id)
    if kept.state != WAITING:
        raise Refused("This import has begun.", "Take it back, or bring the file again.")
    mapping = _checked_mapping(kept.columns, settings.mapping)
    if settings.policy not in POLICIES:
        raise InvalidInput("Known clients are filled in, overwritten or left alone.")
    if len(settings.tag) > TAG_CHARACTERS_MAX:
        raise InvalidInput(f"A tag has at most {TAG_CHARACTERS_MAX} characters.")
    encoded = json.dumps(mapping, ensure_ascii=False)
    with store.write() as connection:
        connection.execute(
            update(client_import)
            .where(client_import.c.id == import_id)
            .values(mapping=encoded, policy=settings.policy, tag=settings.tag.strip(), owner_id=settings.owner_id)
        )
        row = {"columns": "\n".join(kept.columns), "mapping": encoded}
        connection.execute(upsert(client_import_mapping, connection), row)


def _checked_mapping(columns: Sequence[str], mapping: Mapping[str, str]) -> dict[str, str]:
    checked = {column: mapping.get(column, IGNORED) for column in columns}
    for column, name in checked.items():
        if name != IGNORED and name not in FIELD_WORDS:
            raise InvalidInput(f"“{shorten(column)}” cannot be kept as “{shorten(name)}”.")
    named = {name for name in checked.values() if name}
    if not named & {"name", "last_name", "first_name", "external_id", "phones", "emails"}:
        raise InvalidInput("No column says who the clients are.", "Choose which column is the name or the phone.")
    return checked


def read_import(store: BranchStore, actor: Actor, import_id: bytes) -> KeptImport:
    """Raises NotPermitted, NotFound."""
    require(actor, Permission.CLIENT_IMPORT)
    with store.read() as connection:
        row = connection.execute(select(client_import).where(client_import.c.id == import_id)).one_or_none()
    if row is None:
        raise NotFound("There is no such import.", "Look at the list of imports.")
    return _kept(row)


def list_imports(store: BranchStore, actor: Actor) -> list[KeptImport]:
    """Those that can still be looked at, the newest first. Raises NotPermitted."""
    require(actor, Permission.CLIENT_IMPORT)
    statement = select(client_import).order_by(client_import.c.created_at.desc(), client_import.c.id)
    with store.read() as connection:
        return [_kept(row) for row in connection.execute(statement.limit(IMPORTS_KEPT_MAX))]


def _kept(row: Any) -> KeptImport:
    settings = ImportSettings(json.loads(row.mapping), row.policy, row.tag, row.owner_id)
    columns = tuple(json.loads(row.columns))
    moments = row.created_at, row.changed_at
    return KeptImport(
        row.id, row.source, columns, settings, row.state, row.trouble, row.author_name, *moments, row.row_count
    )


class RowSeen(NamedTuple):
    """A row of the file with what became of it; of a bad one the column, if it is about one, and what is wrong."""

    number: int
    cells: dict[str, str]
    outcome: str | None
    column: str
    reason: str


def rows_with_outcome(
    store: BranchStore, actor: Actor, import_id: bytes, outcome: str, rows_max: int, after: int = 0
) -> list[RowSeen]:
    """Rows of which that became, in the order of the file. Raises NotPermitted."""
    require(actor, Permission.CLIENT_IMPORT)
    statement = (
        select(client_import_row)
        .where(
            client_import_row.c.import_id == import_id,
            client_import_row.c.outcome == outcome,
            client_import_row.c.row_number > after,
        )
        .order_by(client_import_row.c.row_number)
        .limit(rows_max)
    )
    with store.read() as connection:
        return [
            RowSeen(row.row_number, json.loads(row.cells), row.outcome, *(json.loads(row.reason or '["", ""]')))
            for row in connection.execute(statement)
        ]


def first_rows(store: BranchStore, actor: Actor, import_id: bytes, rows_max: int) -> list[dict[str, str]]:
    """The cells of the first rows. Raises NotPermitted."""
    require(actor, Permission.CLIENT_IMPORT)
    statement = (
        select(client_import_row.c.cells)
        .where(client_import_row.c.import_id == import_id)
        .order_by(client_import_row.c.row_number)
        .limit(rows_max)
    )
    with store.read() as connection:
        return [json.loads(cells) for cells in connection.execute(statement).scalars()]


def bad_rows_file(
    store: BranchStore, actor: Actor, import_id: bytes, heading: str, said: Callable[[str], str] = str
) -> bytes:
    """The rows that were not taken as CSV, each with what is wrong in a last column under `heading`: to be corrected
    and brought again. `said` puts an error into the reader's language. Raises NotPermitted, NotFound."""
    kept = read_import(store, actor, import_id)
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";")
    writer.writerow([*kept.columns, heading])
    for row in rows_with_outcome(store, actor, import_id, BAD, IMPORT_ROWS_MAX):
        cells = [row.cells.get(column, "") for column in kept.columns]
        wrong = f"{row.column}: {said(row.reason)}" if row.column else said(row.reason)
        writer.writerow([_harmless(cell) for cell in (*cells, wrong)])
    return text.getvalue().encode("utf-8-sig")


def _harmless(cell: str) -> str:
    """Excel takes what begins so for a formula; a phone is none."""
    return f"'{cell}" if cell.startswith(("=", "@")) else cell


def discard(store: BranchStore, actor: Actor, import_id: bytes) -> None:
    """Forgets a file that was not imported. Raises NotPermitted, NotFound, Refused."""
    if read_import(store, actor, import_id).state != WAITING:
        raise Refused("This import has begun.", "Take it back instead.")
    with store.write() as connection:
        _forget(connection, [import_id])


def _forget_old(connection: Connection) -> None:
    newest = select(client_import.c.id).order_by(client_import.c.created_at.desc(), client_import.c.id)
    _forget(connection, list(connection.execute(newest.offset(IMPORTS_KEPT_MAX - 1)).scalars()))


def _forget(connection: Connection, import_ids: Sequence[bytes]) -> None:
    for import_id in import_ids:
        connection.execute(delete(client_import_row).where(client_import_row.c.import_id == import_id))
        connection.execute(delete(client_import).where(client_import.c.id == import_id))
