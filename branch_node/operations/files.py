"""Documents and recordings of clients: attaching, listing, opening, putting away.

How the bytes travel is said elsewhere: branch_node.operations.file_carrying.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple

from sqlalchemy import Connection, Select, bindparam, func, select

from branch_node.operations.committing import Commit, Wanted, WantedEdit
from branch_node.storage import file_transfers
from branch_node.storage.store import BranchStore
from branch_node.storage.transaction import BranchTransaction
from shared.domain.attachments import (
    AUDIO_TYPES,
    CHUNK_BYTES,
    FILES_PER_CLIENT_MAX,
    IMAGE_TYPES,
    SHOWN_TYPES,
    SNIFFED_BYTES,
    UNKNOWN_TYPE,
    FileDescription,
    clean_name,
    fields_of_file,
    is_chunk,
    media_type_of,
    read_description,
    require_size,
)
from shared.domain.identifiers import NIL_ID
from shared.domain.masking import HIDDEN
from shared.domain.permissions import Actor, Permission, require
from shared.domain.records import RecordKind
from shared.errors import AlreadyExists, NotFound, Refused, StoreCorrupt
from shared.operations.aliases import cards_of_client
from shared.storage.card_rows import load_states
from shared.storage.cursor_reading import CursorReader, Reader
from shared.storage.file_rows import keep_chunk, present_chunks, read_chunk
from shared.storage.tables import attachment, client, employee, interaction, neighbour_fact
from shared.sync.hlc import wall_ms
from shared.wire.cards import decode_state

ENDING_CHARACTERS_MAX = 6
"""Of a name's ending that who may not see contacts sees: more of it may be a name."""

_NEWEST = select(attachment).order_by(attachment.c.id.desc()).limit(bindparam("most"))
_ONE = _NEWEST.where(attachment.c.id == bindparam("id"))
_OF_CLIENT_WITH_ARCHIVED = _NEWEST.where(attachment.c.client_id.in_(bindparam("cards", expanding=True)))
_OF_CLIENT = _OF_CLIENT_WITH_ARCHIVED.where(~attachment.c.archived)
_CLIENT = select(client.c.id).where(client.c.id == bindparam("client"))
_AUTHORS = select(employee.c.id, employee.c.code, employee.c.name).where(
    employee.c.id.in_(bindparam("ids", expanding=True))
)


class FileShown(NamedTuple):
    """A file of a client. `chunks_here` of `chunks` have arrived; `problem` says in a sentence why no more do.

    `attached_at_us` and `author` are of the edit that attached it; the author is "" for the command line and for who is
    not known here. `media_type` is what the card says, and to be believed by nobody who serves it.
    """

    file_id: bytes
    client_id: bytes
    interaction_id: bytes | None
    name: str
    media_type: str
    size: int
    chunks: int
    chunks_here: int
    problem: str | None
    is_archived: bool
    attached_at_us: int
    author: str

    @property
    def is_here(self) -> bool:
        return self.chunks_here == self.chunks

    @property
    def is_image(self) -> bool:
        return self.media_type in IMAGE_TYPES

    @property
    def is_audio(self) -> bool:
        return self.media_type in AUDIO_TYPES


class OpenedFile(NamedTuple):
    """A file whose every byte is here. `media_type` is what its bytes say; of those that a browser may show
    `is_shown` is true, everything else is only to be saved."""

    file_id: bytes
    described: FileDescription
    media_type: str

    @property
    def is_shown(self) -> bool:
        return self.media_type in SHOWN_TYPES


def attach_file(
    store: BranchStore,
    commit: Commit,
    actor: Actor,
    client_id: bytes,
    stream: BinaryIO,
    name: str,
    interaction_id: bytes | None = None,
) -> bytes:
    """Keeps a file and records its card; returns the card's id. `stream` is read twice from where it stands.

    What the file is its bytes say, not its name. `interaction_id` is the call it is a recording of.
    Raises NotPermitted, NotFound, InvalidInput when it is empty or too large, AlreadyExists when the client has it,
    Refused when the client has too many, and what `commit` raises.
    """
    require(actor, Permission.CLIENT_EDIT)
    start = stream.tell()
    described = describe_stream(stream, name)
    with store.read() as connection:
        _require_room(connection, client_id, described, interaction_id)
    stream.seek(start)
    _keep_chunks(store, stream, described)
    file_id = store.ids.new_id()

    def prepare(transaction: BranchTransaction) -> Wanted:
        _require_room(transaction.connection, client_id, described, interaction_id)
        changes = {"client_id": client_id, "interaction_id": interaction_id, **fields_of_file(described)}
        return Wanted(actor.employee_id, (WantedEdit(RecordKind.ATTACHMENT, file_id, changes),))

    commit(prepare)
    return file_id


def describe_stream(stream: BinaryIO, name: str) -> FileDescription:
    """What a card says of the bytes from here to the end. Raises InvalidInput when they are none or too many."""
    whole, chunks, size, beginning = hashlib.sha256(), [], 0, b""
    while data := _read_chunk(stream):
        beginning = beginning or data[:SNIFFED_BYTES]
        require_size(size := size + len(data))
        whole.update(data)
        chunks.append(hashlib.sha256(data).digest())
    require_size(size)
    kept = clean_name(name)
    return FileDescription(kept, media_type_of(beginning, kept), size, whole.digest(), tuple(chunks))


def list_files(store: BranchStore, actor: Actor, client_id: bytes, with_archived: bool = False) -> list[FileShown]:
    """The files of a client, whichever of his cards they came to, the newest first. Raises NotPermitted, NotFound."""
    require(actor, Permission.CLIENT_VIEW)
    with store.read_cursor() as cursor:
        reader = CursorReader(cursor)
        _require_client(reader, client_id)
        question = _OF_CLIENT_WITH_ARCHIVED if with_archived else _OF_CLIENT
        cards = cards_of_client(reader, client_id)
        return _as_seen_by(actor, _shown(reader, question, {"cards": cards, "most": FILES_PER_CLIENT_MAX}))


def find_file(store: BranchStore, actor: Actor, file_id: bytes) -> FileShown:
    """One file, put away or not. Raises NotPermitted, NotFound."""
    require(actor, Permission.CLIENT_VIEW)
    with store.read_cursor() as cursor:
        found = _as_seen_by(actor, _shown(CursorReader(cursor), _ONE, {"id": file_id, "most": 1}))
    if not found:
        raise NotFound("There is no such file here.", "Look at the client's files.")
    return found[0]


def open_file(store: BranchStore, actor: Actor, file_id: bytes) -> OpenedFile:
    """A file to be read with `read_bytes`. Raises NotPermitted, NotFound, Refused while it is on its way.

    Documents say names, phones and more: who may not see those sees that there is one, and no more.
    """
    require(actor, Permission.CLIENT_CONTACTS)
    shown = find_file(store, actor, file_id)
    with store.read() as connection:
        row = connection.execute(select(attachment).where(attachment.c.id == file_id)).one()
        described = read_description(row._asdict())
        if described is None:
            raise NotFound("The file cannot be read: its card says no such thing.", "Attach it anew.")
        if not shown.is_here:
            raise Refused(
                f"The file is on its way: {shown.chunks_here} of {shown.chunks} parts are here.",
                shown.problem or "It comes by itself while the head office can be reached.",
            )
        beginning = read_chunk(connection, described.chunks[0]) or b""
    return OpenedFile(file_id, described, media_type_of(beginning, described.name))


def read_bytes(store: BranchStore, opened: OpenedFile, first: int = 0, last: int | None = None) -> Iterator[bytes]:
    """The bytes from `first` to `last`, both included, chunk by chunk; each is verified on its way.

    Raises StoreCorrupt when one is damaged; it is fetched again then, if the head office has it.
    """
    described = opened.described
    end = described.size if last is None else min(described.size, last + 1)
    for place in range(first // CHUNK_BYTES, -(-end // CHUNK_BYTES)):
        with store.read() as connection:
            data = read_chunk(connection, described.chunks[place])
        if data is None or not is_chunk(described, place, data):
            with store.write() as connection:
                file_transfers.reopen(connection.connection.cursor(), opened.file_id)
            raise StoreCorrupt("A part of the file is damaged here.", "It is fetched again from the head office.")
        start = place * CHUNK_BYTES
        yield data[max(0, first - start) : end - start]


def archive_file(store: BranchStore, commit: Commit, actor: Actor, file_id: bytes, is_archived: bool = True) -> bool:
    """Puts a file away, or brings it back; false when it was so already. Its bytes stay.

    Raises NotPermitted, NotFound, and what `commit` raises.
    """
    require(actor, Permission.CLIENT_EDIT)
    find_file(store, actor, file_id)
    edit = WantedEdit(RecordKind.ATTACHMENT, file_id, {"archived": is_archived})
    return commit(lambda _transaction: Wanted(actor.employee_id, (edit,))) is not None


def _as_seen_by(actor: Actor, files: list[FileShown]) -> list[FileShown]:
    """Without the names for who may not see contacts: they say whose passport it is."""
    if actor.may(Permission.CLIENT_CONTACTS):
        return files
    return [each._replace(name=HIDDEN + _ending(each.name)) for each in files]


def _ending(name: str) -> str:
    """The part of a name that says what it is, if there is one."""
    at = name.rfind(".")
    return name[at:] if at > 0 and len(name) - at <= ENDING_CHARACTERS_MAX else ""


def _read_chunk(stream: BinaryIO) -> bytes:
    """The next chunk whole, however little a read brings; empty at the end."""
    parts: list[bytes] = []
    wanted = CHUNK_BYTES
    while wanted and (part := stream.read(wanted)):
        parts.append(part)
        wanted -= len(part)
    return b"".join(parts)


def _keep_chunks(store: BranchStore, stream: BinaryIO, described: FileDescription) -> None:
    """Each in a transaction of its own, so that a till never waits for more than one.

    None waits for the disk: the card's transaction does, and takes along what was written before it.
    """
    for place, sha256 in enumerate(described.chunks):
        data = _read_chunk(stream)
        if not is_chunk(described, place, data):
            raise Refused("The file changed while it was read.", "Try again.")
        with store.write(waits_for_disk=False) as connection:
            keep_chunk(connection, sha256, data, store.clock.now_us())


def _require_client(reader: Reader, client_id: bytes) -> None:
    if reader.execute(_CLIENT, {"client": client_id}).first() is None:
        raise NotFound("There is no such client here.", "Look for them by phone or name.")


def _require_room(
    connection: Connection, client_id: bytes, described: FileDescription, interaction_id: bytes | None
) -> None:
    _require_client(connection, client_id)
    own = attachment.c.client_id == client_id
    count = select(func.count()).select_from(attachment).where(own, ~attachment.c.archived)
    if connection.execute(count).scalar_one() >= FILES_PER_CLIENT_MAX:
        raise Refused(f"A client has at most {FILES_PER_CLIENT_MAX} files.", "Put some away first.")
    same = select(attachment.c.id).where(own, ~attachment.c.archived, attachment.c.sha256 == described.sha256.hex())
    if connection.execute(same.limit(1)).first() is not None:
        raise AlreadyExists("This file is attached already.", "Look at the client's files.")
    if interaction_id is not None and not _is_interaction_of(connection, interaction_id, client_id):
        raise NotFound("There is no such call with this client.", "Look at the client's timeline.")


def _is_interaction_of(connection: Connection, interaction_id: bytes, client_id: bytes) -> bool:
    here = select(interaction.c.id).where(interaction.c.id == interaction_id, interaction.c.client_id == client_id)
    elsewhere = select(neighbour_fact.c.id).where(
        neighbour_fact.c.client_id == client_id,
        neighbour_fact.c.kind == int(RecordKind.INTERACTION),
        neighbour_fact.c.id == interaction_id,
    )
    return connection.execute(here.union_all(elsewhere).limit(1)).first() is not None


def _shown(reader: CursorReader, question: Select[Any], asked: Mapping[str, Any]) -> list[FileShown]:
    rows = reader.execute(question, asked).all()
    if not rows:
        return []
    kind = int(RecordKind.ATTACHMENT)
    states = load_states(reader, [(kind, row.id) for row in rows])
    described = {row.id: read_description(row._asdict()) for row in rows}
    wanted = [sha256 for each in described.values() if each is not None for sha256 in each.chunks]
    present = present_chunks(reader, wanted)
    made = {row.id: _made(states.get((kind, row.id))) for row in rows}
    names = _names(reader, {author for _, author in made.values()})
    shown = []
    for row in rows:
        each = described[row.id]
        chunks = () if each is None else each.chunks
        at_us, author = made[row.id]
        shown.append(
            FileShown(
                row.id,
                row.client_id or NIL_ID,
                row.interaction_id,
                clean_name(row.name or ""),
                row.media_type or UNKNOWN_TYPE,
                row.size or 0,
                len(chunks) or 1,
                sum(sha256 in present for sha256 in chunks),
                file_transfers.read_problem(reader.cursor, row.id),
                bool(row.archived),
                at_us,
                names.get(author, ""),
            )
        )
    return sorted(shown, key=lambda each: (each.attached_at_us, each.file_id), reverse=True)


def _made(state: bytes | None) -> tuple[int, bytes]:
    """When and by whom the file was attached, as the version that names its content says."""
    field = decode_state(state).fields.get("sha256") if state else None
    if field is None or not field.live:
        return 0, NIL_ID
    stamp = field.live[-1].stamp
    return wall_ms(stamp.hlc) * 1_000, stamp.author


def _names(reader: Reader, authors: set[bytes]) -> dict[bytes, str]:
    rows = reader.execute(_AUTHORS, {"ids": sorted(authors - {NIL_ID})})
    return {row.id: row.name or row.code or "" for row in rows}
