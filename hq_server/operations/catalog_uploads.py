"""Files of the catalogue that somebody brought by a page: kept between the preview and the import, then forgotten."""

from __future__ import annotations

import tempfile
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select

from hq_server.operations.catalog_history import remember_import
from hq_server.operations.founding import read_chain
from hq_server.operations.importing import ImportOutcome, import_catalog
from hq_server.storage.tables import catalog_upload
from shared.clock import Ids
from shared.domain.business_time import MICROSECONDS, SECONDS_PER_DAY
from shared.domain.permissions import Actor, Permission, require
from shared.errors import FilialError, InvalidInput, NotFound, Refused
from shared.operations.tabular_files import FileRow, read_rows

UPLOAD_BYTES_MAX = 16_777_216
UPLOAD_ROWS_MAX = 100_000
UPLOADS_KEPT_MAX = 20
UPLOAD_KEPT_US = SECONDS_PER_DAY * MICROSECONDS
NAME_CHARACTERS_MAX = 120


class Upload(NamedTuple):
    """A file that waits to be imported."""

    upload_id: bytes
    source: str
    content: bytes


def keep_upload(connection: Connection, ids: Ids, now_us: int, actor: Actor, name: str, content: bytes) -> bytes:
    """Keeps a file for a day; returns its id. Raises NotPermitted, InvalidInput when it cannot be read."""
    require(actor, Permission.CATALOG_EDIT)
    if not content:
        raise InvalidInput("No file was chosen.", "Choose a CSV or XLSX file.")
    if len(content) > UPLOAD_BYTES_MAX:
        raise InvalidInput(f"The file is larger than {UPLOAD_BYTES_MAX // 1_048_576} MiB.", "Split it.")
    source = _source(name)
    rows_of(source, content)
    _forget_old(connection, now_us)
    upload_id = ids.new_id()
    row = {
        "id": upload_id,
        "uploaded_at": now_us,
        "author": actor.employee_id,
        "source": source,
        "content": content,
    }
    connection.execute(insert(catalog_upload), row)
    return upload_id


def require_upload(connection: Connection, actor: Actor, upload_id: bytes) -> Upload:
    """A file that waits. Raises NotPermitted, NotFound."""
    require(actor, Permission.CATALOG_EDIT)
    row = connection.execute(select(catalog_upload).where(catalog_upload.c.id == upload_id)).one_or_none()
    if row is None:
        raise NotFound("This file does not wait any more.", "Choose it again.")
    return Upload(row.id, row.source, bytes(row.content))


def preview_upload(
    connection: Connection, ids: Ids, now_us: int, actor: Actor, upload_id: bytes
) -> tuple[Upload, ImportOutcome]:
    """What the file would change; nothing is written."""
    upload = require_upload(connection, actor, upload_id)
    return upload, _import(connection, ids, now_us, actor, upload, preview=True)


def import_upload(
    connection: Connection, ids: Ids, now_us: int, actor: Actor, upload_id: bytes, expected: str
) -> ImportOutcome:
    """Imports the file and forgets it. `expected` is what the preview's `fingerprint` was.

    Raises Refused when the import would do something else than its preview said: the catalogue has changed since.
    """
    upload = require_upload(connection, actor, upload_id)
    outcome = _import(connection, ids, now_us, actor, upload, preview=False)
    if fingerprint(outcome) != expected:
        raise Refused("The catalogue has changed since this preview.", "Look at the preview again, then import.")
    remember_import(connection, upload.source, outcome, now_us)
    connection.execute(delete(catalog_upload).where(catalog_upload.c.id == upload_id))
    return outcome


def discard_upload(connection: Connection, actor: Actor, upload_id: bytes) -> None:
    """Forgets a file. Raises NotPermitted, NotFound."""
    require_upload(connection, actor, upload_id)
    connection.execute(delete(catalog_upload).where(catalog_upload.c.id == upload_id))


def fingerprint(outcome: ImportOutcome) -> str:
    """What two runs of one import have in common when they do the same, in a word."""
    return f"{outcome.added}-{outcome.changed}-{outcome.unchanged}-{len(outcome.problems)}-{len(outcome.changes)}"


def rows_of(source: str, content: bytes) -> list[FileRow]:
    """The rows of a file that came by a page. Raises InvalidInput, which names the file as its owner does."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"upload{Path(source).suffix.lower()}"
        path.write_bytes(content)
        try:
            rows = list(islice(read_rows(path), UPLOAD_ROWS_MAX + 1))
        except FilialError as error:
            raise InvalidInput(error.message.replace(str(path), source), error.hint) from None
    if len(rows) > UPLOAD_ROWS_MAX:
        raise InvalidInput(
            f"The file has more than {UPLOAD_ROWS_MAX} rows.", "Split it, or use: filial-hq catalog import FILE"
        )
    if not rows:
        raise InvalidInput("The file has no rows.", "Its first row names the columns; the products stand below it.")
    return rows


def _import(
    connection: Connection, ids: Ids, now_us: int, actor: Actor, upload: Upload, preview: bool
) -> ImportOutcome:
    chain = read_chain(connection)
    rows = rows_of(upload.source, upload.content)
    return import_catalog(connection, ids, now_us, chain.chain_id, chain.currency, rows, preview, actor)


def _source(name: str) -> str:
    """The file's own name, without folders and what cannot be printed."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    shown = "".join(character for character in last if character.isprintable())
    return shown[-NAME_CHARACTERS_MAX:] or "upload"


def _forget_old(connection: Connection, now_us: int) -> None:
    connection.execute(delete(catalog_upload).where(catalog_upload.c.uploaded_at < now_us - UPLOAD_KEPT_US))
    newest = select(catalog_upload.c.id).order_by(catalog_upload.c.uploaded_at.desc(), catalog_upload.c.id)
    old = connection.execute(newest.offset(UPLOADS_KEPT_MAX - 1)).scalars().all()
    connection.execute(delete(catalog_upload).where(catalog_upload.c.id.in_(old)))
