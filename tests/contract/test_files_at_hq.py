"""The bytes of clients' files at the head office, on both databases: who may bring and take them, and which bytes."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import select, update

from hq_server.operations.backup import restore_backup, take_backup
from hq_server.operations.files import drop_damaged, find_missing, give_chunk, take_chunk
from shared.domain.attachments import CHUNK_BYTES, fields_of_file
from shared.domain.records import RecordKind
from shared.errors import InvalidInput, NotFound, StoreCorrupt
from shared.storage.file_rows import forget_files_of, is_whole, unused_chunks
from shared.storage.file_tables import file_chunk
from shared.storage.tables import attachment
from shared.sync.files import FileMissing, GetRequest, MissingRequest, PutRequest
from tests.contract.test_client_circle import make_client, send
from tests.support.files import bytes_of, chunks_of, describe
from tests.support.journal import JournalWriter
from tests.support.office import Office

DATA = bytes_of(2 * CHUNK_BYTES + 100)


class Filed(NamedTuple):
    """A client of branch B1 with a file, of which HQ has the card alone."""

    journal: JournalWriter
    client_id: bytes
    file_id: bytes


def file_of(journal: JournalWriter, client_id: bytes, data: bytes = DATA) -> bytes:
    file_id = journal.ids.new_id()
    fields = fields_of_file(describe(data))
    journal.add_edit(RecordKind.ATTACHMENT, file_id, {}, client_id=client_id, **fields)
    return file_id


@pytest.fixture
def filed(office: Office) -> Filed:
    journal = office.journal("B1")
    client_id = make_client(journal, name="Anna")
    file_id = file_of(journal, client_id)
    send(office, journal)
    return Filed(journal, client_id, file_id)


def put(office: Office, branch_id: bytes, file_id: bytes, index: int, data: bytes) -> bool:
    with office.store.write() as connection:
        return take_chunk(connection, branch_id, PutRequest(file_id, index, data), office.clock.now_us())


def missing(office: Office, branch_id: bytes, *file_ids: bytes) -> tuple[FileMissing, ...]:
    with office.store.read() as connection:
        return find_missing(connection, branch_id, MissingRequest(file_ids))


def get(office: Office, branch_id: bytes, file_id: bytes, index: int) -> bytes:
    with office.store.read() as connection:
        return give_chunk(connection, branch_id, GetRequest(file_id, index))


def bring(office: Office, filed: Filed, data: bytes = DATA) -> None:
    for index, chunk in enumerate(chunks_of(data)):
        put(office, filed.journal.branch_id, filed.file_id, index, chunk)


def test_chunks_come_in_any_order_and_are_given_again(office: Office, filed: Filed) -> None:
    branch_id, chunks = filed.journal.branch_id, chunks_of(DATA)
    assert missing(office, branch_id, filed.file_id) == (FileMissing(True, (0, 1, 2)),)
    assert not put(office, branch_id, filed.file_id, 1, chunks[1])
    assert not put(office, branch_id, filed.file_id, 1, chunks[1])
    assert missing(office, branch_id, filed.file_id) == (FileMissing(True, (0, 2)),)
    assert get(office, branch_id, filed.file_id, 0) == b""
    assert not put(office, branch_id, filed.file_id, 2, chunks[2])
    assert put(office, branch_id, filed.file_id, 0, chunks[0])
    assert [get(office, branch_id, filed.file_id, index) for index in range(3)] == chunks


@pytest.mark.parametrize("flipped", [0, CHUNK_BYTES - 1])
def test_a_chunk_with_a_flipped_byte_is_not_taken(office: Office, filed: Filed, flipped: int) -> None:
    chunk = bytearray(chunks_of(DATA)[0])
    chunk[flipped] ^= 1
    with pytest.raises(InvalidInput):
        put(office, filed.journal.branch_id, filed.file_id, 0, bytes(chunk))
    assert office.count(file_chunk) == 0


def test_a_branch_that_does_not_know_the_client_is_refused(office: Office, filed: Filed) -> None:
    bring(office, filed)
    stranger = office.add_branch("B2").id
    assert missing(office, stranger, filed.file_id) == (FileMissing(known=False),)
    with pytest.raises(NotFound):
        get(office, stranger, filed.file_id, 0)
    with pytest.raises(NotFound):
        put(office, stranger, filed.file_id, 0, chunks_of(DATA)[0])


def test_a_file_that_nobody_has_heard_of_and_a_place_beyond_its_end_are_refused(office: Office, filed: Filed) -> None:
    branch_id = filed.journal.branch_id
    for file_id, index in ((b"?" * 16, 0), (filed.file_id, 3)):
        with pytest.raises(NotFound):
            put(office, branch_id, file_id, index, b"x")
        with pytest.raises(NotFound):
            get(office, branch_id, file_id, index)


def test_the_last_chunk_is_refused_when_the_whole_is_another_file(office: Office) -> None:
    journal = office.journal("B1")
    client_id, file_id = make_client(journal, name="Anna"), journal.ids.new_id()
    fields = fields_of_file(describe(DATA)._replace(sha256=b"w" * 32))
    journal.add_edit(RecordKind.ATTACHMENT, file_id, {}, client_id=client_id, **fields)
    send(office, journal)
    first, second, third = chunks_of(DATA)
    put(office, journal.branch_id, file_id, 0, first)
    put(office, journal.branch_id, file_id, 1, second)
    with pytest.raises(InvalidInput):
        put(office, journal.branch_id, file_id, 2, third)
    assert missing(office, journal.branch_id, file_id) == (FileMissing(True, (2,)),)


def test_what_is_damaged_at_hq_is_found_and_asked_for_again(office: Office, filed: Filed) -> None:
    bring(office, filed)
    branch_id = filed.journal.branch_id
    with office.store.write() as connection:
        chunk = describe(DATA).chunks[1]
        connection.execute(update(file_chunk).where(file_chunk.c.sha256 == chunk).values(data=b"broken"))
    with pytest.raises(StoreCorrupt):
        get(office, branch_id, filed.file_id, 1)
    with office.store.write() as connection:
        drop_damaged(connection, branch_id, GetRequest(filed.file_id, 1))
        drop_damaged(connection, branch_id, GetRequest(filed.file_id, 0))
    assert missing(office, branch_id, filed.file_id) == (FileMissing(True, (1,)),)
    assert put(office, branch_id, filed.file_id, 1, chunks_of(DATA)[1])


def test_erasing_a_client_deletes_what_no_other_client_has(office: Office, filed: Filed) -> None:
    journal = filed.journal
    shared_end = DATA[:CHUNK_BYTES] + b"another end"
    other_id = make_client(journal, name="Boris")
    other_file = file_of(journal, other_id, shared_end)
    send(office, journal)
    bring(office, filed)
    put(office, journal.branch_id, other_file, 1, chunks_of(shared_end)[1])
    assert office.count(file_chunk) == 4
    with office.store.write() as connection:
        assert forget_files_of(connection, filed.client_id) == 2
        connection.execute(attachment.delete().where(attachment.c.client_id == filed.client_id))
    assert office.count(file_chunk) == 2
    assert get(office, journal.branch_id, other_file, 0) == DATA[:CHUNK_BYTES]
    with pytest.raises(NotFound):
        get(office, journal.branch_id, filed.file_id, 0)
    with office.store.write() as connection:
        assert forget_files_of(connection, filed.client_id) == 0
        assert forget_files_of(connection, other_id) == 2
    assert office.count(file_chunk) == 0


def test_chunks_of_no_file_are_found_once_they_are_old(office: Office, filed: Filed) -> None:
    bring(office, filed)
    with office.store.write() as connection:
        connection.execute(file_chunk.insert().values(sha256=b"u" * 32, data=b"x", stored_at=5))
    with office.store.read() as connection:
        assert unused_chunks(connection, 5) == set()
        assert unused_chunks(connection, office.clock.now_us() + 1) == {b"u" * 32}


def test_a_backup_and_its_restore_keep_files(office: Office, filed: Filed, tmp_path: Path) -> None:
    bring(office, filed)
    take_backup(office.store, tmp_path / "backup.db", office.clock, office.ids)
    with office.store.write() as connection:
        connection.execute(file_chunk.delete())
    restore_backup(office.store, tmp_path / "backup.db", office.clock, office.ids)
    with office.store.read() as connection:
        assert is_whole(connection, describe(DATA))
        assert connection.execute(select(attachment.c.id)).scalar_one() == filed.file_id
