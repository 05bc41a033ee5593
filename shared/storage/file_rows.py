"""The chunks of files as rows, the cards of files as their table shows them, and forgetting what a client's files hold.

Contains no rules about who may have them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, bindparam, delete, select

from shared.domain.attachments import FileDescription, read_description, read_hashes
from shared.storage.card_rows import insert_missing
from shared.storage.cursor_reading import Reader
from shared.storage.tables import attachment, file_chunk

_HASHES_PER_QUERY_MAX = 500
_ROWS_PER_READ = 1_000

_DESCRIPTION = select(
    attachment.c.name, attachment.c.media_type, attachment.c.size, attachment.c.sha256, attachment.c.chunks
).where(attachment.c.id == bindparam("id"))
_PRESENT = select(file_chunk.c.sha256).where(file_chunk.c.sha256.in_(bindparam("hashes", expanding=True)))
_DATA = select(file_chunk.c.data).where(file_chunk.c.sha256 == bindparam("sha256"))
_DELETE = delete(file_chunk).where(file_chunk.c.sha256.in_(bindparam("hashes", expanding=True)))


def description_of(connection: Connection, attachment_id: bytes) -> FileDescription | None:
    """What the card says of its file; None without a card, and when it cannot be true."""
    row = connection.execute(_DESCRIPTION, {"id": attachment_id}).first()
    return None if row is None else read_description(row._asdict())


def present_chunks(reader: Reader, hashes: Iterable[bytes]) -> set[bytes]:
    """Those of the chunks that are here."""
    present: set[bytes] = set()
    for some in _portions(sorted(set(hashes))):
        present.update(bytes(each) for each in reader.execute(_PRESENT, {"hashes": some}).scalars())
    return present


def read_chunk(connection: Connection, sha256: bytes) -> bytes | None:
    """A chunk as it is stored, verified by nobody; None when it is not here."""
    data = connection.execute(_DATA, {"sha256": sha256}).scalar_one_or_none()
    return None if data is None else bytes(data)


def keep_chunk(connection: Connection, sha256: bytes, data: bytes, now_us: int) -> None:
    """Keeps a chunk whose hash was verified; one that is here stays."""
    row = {"sha256": sha256, "data": data, "stored_at": now_us}
    connection.execute(insert_missing(file_chunk, connection), row)


def drop_chunks(connection: Connection, hashes: Iterable[bytes]) -> None:
    """Deletes chunks, whoever uses them."""
    for some in _portions(sorted(set(hashes))):
        connection.execute(_DELETE, {"hashes": some})


def is_whole(connection: Connection, description: FileDescription) -> bool:
    """Whether all chunks are here, and are together the file that the card names."""
    digest = hashlib.sha256()
    for sha256 in description.chunks:
        data = read_chunk(connection, sha256)
        if data is None:
            return False
        digest.update(data)
    return digest.digest() == description.sha256


def forget_files_of(connection: Connection, client_id: bytes) -> int:
    """Deletes the chunks of a client's files that no other client's file has; returns how many.

    The cards stay, for whoever erases the client to deal with: they are locked until the transaction ends, so that no
    chunk comes meanwhile, and must be gone or without chunks when it does. Other cards are read through once.
    """
    own = select(attachment.c.chunks).where(attachment.c.client_id == client_id)
    if connection.dialect.name == "postgresql":
        own = own.with_for_update()
    wanted: set[bytes] = set()
    for text in connection.execute(own).scalars():
        wanted.update(read_hashes(text or "") or ())
    wanted = present_chunks(connection, wanted)
    if not wanted:
        return 0
    others = select(attachment.c.chunks).where(attachment.c.client_id.is_distinct_from(client_id))
    wanted -= _used_by(connection, others)
    drop_chunks(connection, wanted)
    return len(wanted)


def unused_chunks(connection: Connection, stored_before_us: int) -> set[bytes]:
    """Chunks of no file: of one whose card was never recorded, because the machine stopped, or was refused."""
    old = select(file_chunk.c.sha256).where(file_chunk.c.stored_at < stored_before_us)
    kept = {bytes(each) for each in connection.execute(old).scalars()}
    return kept - _used_by(connection, select(attachment.c.chunks)) if kept else kept


def _used_by(connection: Connection, texts: object) -> set[bytes]:
    used: set[bytes] = set()
    result = connection.execute(texts, execution_options={"yield_per": _ROWS_PER_READ})  # type: ignore[call-overload]
    for text in result.scalars():
        used.update(read_hashes(text or "") or ())
    return used


def _portions(hashes: Sequence[bytes]) -> Iterable[Sequence[bytes]]:
    for start in range(0, len(hashes), _HASHES_PER_QUERY_MAX):
        yield hashes[start : start + _HASHES_PER_QUERY_MAX]
