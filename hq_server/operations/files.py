"""The bytes of clients' files at the head office: which branch may bring and take them, and that they are right.

A branch that does not know the client is answered as if there were no such file.
"""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select

from hq_server.storage.tables import client_audience
from shared.domain.attachments import FileDescription, is_chunk, read_description
from shared.errors import InvalidInput, NotFound, StoreCorrupt
from shared.storage.file_rows import drop_chunks, is_whole, keep_chunk, present_chunks, read_chunk
from shared.storage.tables import attachment
from shared.sync.files import FileMissing, GetRequest, MissingRequest, PutRequest

_KNOWN = (
    select(
        attachment.c.id,
        attachment.c.name,
        attachment.c.media_type,
        attachment.c.size,
        attachment.c.sha256,
        attachment.c.chunks,
    )
    .join(client_audience, client_audience.c.client_id == attachment.c.client_id)
    .where(
        attachment.c.id.in_(bindparam("attachments", expanding=True)),
        client_audience.c.branch_id == bindparam("branch"),
    )
)
# Whoever erases the client waits until the chunk is in, and then finds it.
_KNOWN_HELD = _KNOWN.with_for_update(read=True, of=attachment)


def find_missing(connection: Connection, branch_id: bytes, request: MissingRequest) -> tuple[FileMissing, ...]:
    """Which chunks HQ lacks, for each file in order."""
    known = _known_files(connection, branch_id, request.attachment_ids)
    present = present_chunks(connection, [each for described in known.values() for each in described.chunks])
    answers = []
    for attachment_id in request.attachment_ids:
        described = known.get(attachment_id)
        if described is None:
            answers.append(FileMissing(known=False))
        else:
            indexes = tuple(index for index, each in enumerate(described.chunks) if each not in present)
            answers.append(FileMissing(True, indexes))
    return tuple(answers)


def take_chunk(connection: Connection, branch_id: bytes, request: PutRequest, now_us: int) -> bool:
    """Keeps a chunk; returns whether the file is whole now. Raises NotFound, InvalidInput when it is another chunk."""
    described = _require_file(connection, branch_id, request.attachment_id, request.place, is_held=True)
    if not is_chunk(described, request.place, request.data):
        raise InvalidInput("The chunk is not what the file's card says.", "Read it again, and send it again.")
    keep_chunk(connection, described.chunks[request.place], request.data, now_us)
    if len(present_chunks(connection, described.chunks)) < len(set(described.chunks)):
        return False
    if not is_whole(connection, described):
        raise InvalidInput("The chunks are not the file that its card names.", "Attach the file anew.")
    return True


def give_chunk(connection: Connection, branch_id: bytes, request: GetRequest) -> bytes:
    """A chunk; empty when HQ lacks it. Raises NotFound, StoreCorrupt when what is kept is damaged."""
    described = _require_file(connection, branch_id, request.attachment_id, request.place)
    data = read_chunk(connection, described.chunks[request.place])
    if data is not None and not is_chunk(described, request.place, data):
        raise StoreCorrupt("A chunk of the file is damaged at the head office.", "A branch that has it sends it again.")
    return data or b""


def drop_damaged(connection: Connection, branch_id: bytes, request: GetRequest) -> None:
    """Deletes a chunk that is not what it should be, so that it is missing and somebody brings it again."""
    described = _require_file(connection, branch_id, request.attachment_id, request.place)
    sha256 = described.chunks[request.place]
    data = read_chunk(connection, sha256)
    if data is not None and not is_chunk(described, request.place, data):
        drop_chunks(connection, [sha256])


def _known_files(
    connection: Connection, branch_id: bytes, attachment_ids: tuple[bytes, ...], is_held: bool = False
) -> dict[bytes, FileDescription]:
    statement = _KNOWN_HELD if is_held and connection.dialect.name == "postgresql" else _KNOWN
    rows = connection.execute(statement, {"attachments": list(attachment_ids), "branch": branch_id})
    described = {row.id: read_description(row._asdict()) for row in rows}
    return {attachment_id: each for attachment_id, each in described.items() if each is not None}


def _require_file(
    connection: Connection, branch_id: bytes, attachment_id: bytes, index: int, is_held: bool = False
) -> FileDescription:
    described = _known_files(connection, branch_id, (attachment_id,), is_held).get(attachment_id)
    if described is None or index >= len(described.chunks):
        raise NotFound("There is no such file for this branch.")
    return described
