"""Files between branches and the head office: they arrive whole, whatever breaks, and no chunk moves twice in vain."""

from __future__ import annotations

import asyncio
import io
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, update

from branch_node.operations.backup import restore_backup, take_backup
from branch_node.operations.committing import Wanted, WantedFact
from branch_node.operations.file_carrying import LOOK_AGAIN_US, UNUSED_KEPT_US, WAIT_US_MIN, FileCarrier
from branch_node.operations.files import (
    FileShown,
    archive_file,
    attach_file,
    find_file,
    list_files,
    open_file,
    read_bytes,
)
from branch_node.storage.file_transfer_tables import file_transfer
from branch_node.storage.file_transfers import FilesWaiting, count_waiting
from branch_node.storage.transaction import BranchTransaction
from hq_server.sync_server.files import FileCalls
from hq_server.sync_server.identity import Peer
from shared.domain.attachments import CHUNK_BYTES, FILES_PER_CLIENT_MAX
from shared.domain.business_time import local_moment
from shared.domain.interactions import Interaction
from shared.domain.permissions import LOCAL_ADMINISTRATOR, Actor, Permission
from shared.errors import (
    AlreadyExists,
    HqUnreachable,
    InvalidInput,
    NotAuthorised,
    NotFound,
    NotPermitted,
    Refused,
    StoreBusy,
    StoreCorrupt,
)
from shared.storage.file_rows import forget_files_of
from shared.storage.tables import attachment, client, file_chunk
from shared.sync.messages import ProcessingMode, WhenUnreachable
from tests.support.files import FilesWire, bytes_of, carry, describe
from tests.support.office import Office
from tests.support.pair import Pair

DATA = b"%PDF-" + bytes_of(3 * CHUNK_BYTES + 100)
CHUNKS = 4
SECOND = 1_000_000


@pytest.fixture
def pair(office: Office, tmp_path: Path) -> Pair:
    return Pair(office, tmp_path)


class Base:
    """A branch with a client who has a card."""

    def __init__(self, pair: Pair, code: str) -> None:
        self.node = pair.join(code)
        self.node.sync()

    def client(self, external_id: str = "900") -> bytes:
        with self.node.store.read() as connection:
            statement = select(client.c.id).where(client.c.external_id == external_id)
            client_id: bytes = connection.execute(statement).scalar_one()
        return client_id

    def attach(self, data: bytes = DATA, name: str = "Договор.pdf", external_id: str = "900") -> bytes:
        return attach_file(
            self.node.store,
            self.node.line().commit,
            LOCAL_ADMINISTRATOR,
            self.client(external_id),
            io.BytesIO(data),
            name,
        )

    def attach_as(self, actor: Actor) -> bytes:
        store, commit = self.node.store, self.node.line().commit
        return attach_file(store, commit, actor, self.client(), io.BytesIO(DATA), "x")

    def show(self, file_id: bytes) -> FileShown:
        return find_file(self.node.store, LOCAL_ADMINISTRATOR, file_id)

    def read(self, file_id: bytes) -> bytes:
        return b"".join(read_bytes(self.node.store, open_file(self.node.store, LOCAL_ADMINISTRATOR, file_id)))

    def waiting(self) -> FilesWaiting:
        with self.node.store.read_cursor() as cursor:
            return count_waiting(cursor)


@pytest.fixture
def home(pair: Pair) -> Base:
    base = Base(pair, "north")
    base.node.add_client("900", "Anna")
    base.node.sync()
    return base


@pytest.fixture
def other(pair: Pair, home: Base) -> Base:
    """Another branch that serves the client."""
    base = Base(pair, "south")
    base.node.sell_to("900", "a")
    base.node.sync()
    base.node.sync()
    assert base.client()
    return base


def test_a_file_attached_at_one_branch_is_read_at_another(home: Base, other: Base) -> None:
    file_id = home.attach()
    assert home.read(file_id) == DATA
    assert home.waiting() == FilesWaiting(1, len(DATA), 0)
    home.node.sync()
    other.node.sync()
    assert (other.show(file_id).chunks_here, other.show(file_id).chunks) == (0, CHUNKS)
    with pytest.raises(Refused, match="0 of 4"):
        other.read(file_id)
    sent = carry(home.node)
    assert sorted(sent.puts) == [(file_id, place) for place in range(CHUNKS)]
    assert sent.gets == []
    assert home.waiting() == FilesWaiting(0, 0, 0)
    fetched = carry(other.node)
    assert sorted(fetched.gets) == [(file_id, place) for place in range(CHUNKS)]
    assert fetched.puts == []
    assert other.read(file_id) == DATA
    assert other.waiting() == FilesWaiting(0, 0, 0)
    shown = other.show(file_id)
    assert (shown.name, shown.media_type, shown.size) == ("Договор.pdf", "application/pdf", len(DATA))


@pytest.mark.parametrize("cut_at", range(CHUNKS))
@pytest.mark.parametrize("fault", ["request lost", "answer lost"])
def test_a_transfer_that_is_cut_goes_on_where_it_was(home: Base, other: Base, fault: str, cut_at: int) -> None:
    file_id = home.attach()
    home.node.sync()
    other.node.sync()
    every = [(file_id, place) for place in range(CHUNKS)]
    sending = FilesWire(home.node, fault, cut_at)
    with pytest.raises(HqUnreachable):
        carry(home.node, sending)
    carry(home.node, sending)
    # What HQ has taken is not sent again, whether the answer came or not.
    assert sorted(sending.puts) == every
    fetching = FilesWire(other.node, fault, cut_at)
    with pytest.raises(HqUnreachable):
        carry(other.node, fetching)
    carry(other.node, fetching)
    # What was given and did not arrive must be given again.
    again = [(file_id, cut_at)] if fault == "answer lost" else []
    assert sorted(fetching.gets) == sorted(every + again)
    assert other.read(file_id) == DATA


def test_a_transfer_of_which_every_call_is_cut_once_arrives(home: Base, other: Base) -> None:
    file_id = home.attach()
    home.node.sync()
    other.node.sync()
    for base in (home, other):
        wire = FilesWire(base.node, "answer lost", 0)
        for number in range(2 * CHUNKS):
            wire.fault_at = 2 * number if base is other else number
            try:
                carry(base.node, wire)
            except HqUnreachable:
                continue
            break
    assert other.read(file_id) == DATA


def test_a_chunk_that_comes_damaged_is_asked_for_again_and_then_reported(home: Base, other: Base) -> None:
    file_id = home.attach()
    home.node.sync()
    other.node.sync()
    carry(home.node)
    once = carry(other.node, FilesWire(other.node, "flipped", 1))
    assert len(once.gets) == CHUNKS + 1
    assert other.read(file_id) == DATA
    with other.node.store.write() as connection:
        forget_files_of(connection, other.client())
        connection.execute(update(file_transfer).values(is_even=False, not_before=0))
    always = carry(other.node, FilesWire(other.node, "flipped"))
    assert always.gets == [(file_id, 0)] * 3
    assert other.show(file_id).problem == "A part of the file came damaged."
    assert other.waiting().problems == 1
    other.node.clock.advance(WAIT_US_MIN // SECOND)
    carry(other.node)
    assert other.read(file_id) == DATA
    assert other.show(file_id).problem is None


def test_a_byte_flipped_on_the_branch_s_disk_is_found_and_mended(home: Base, other: Base) -> None:
    file_id = home.attach()
    home.node.sync()
    carry(home.node)
    hit = describe(DATA).chunks[2]
    with home.node.store.write() as connection:
        broken = bytearray(connection.execute(select(file_chunk.c.data).where(file_chunk.c.sha256 == hit)).scalar_one())
        broken[7] ^= 1
        connection.execute(update(file_chunk).where(file_chunk.c.sha256 == hit).values(data=bytes(broken)))
    opened = open_file(home.node.store, LOCAL_ADMINISTRATOR, file_id)
    assert b"".join(read_bytes(home.node.store, opened, 0, CHUNK_BYTES)) == DATA[: CHUNK_BYTES + 1]
    with pytest.raises(StoreCorrupt):
        home.read(file_id)
    assert carry(home.node).gets == [(file_id, 2)]
    assert home.read(file_id) == DATA


def test_a_byte_flipped_on_the_way_out_is_never_taken(home: Base) -> None:
    file_id = home.attach()
    home.node.sync()
    with home.node.store.write() as connection:
        hit = describe(DATA).chunks[0]
        connection.execute(update(file_chunk).where(file_chunk.c.sha256 == hit).values(data=b"x" * CHUNK_BYTES))
    sent = carry(home.node)
    assert sent.puts == []
    assert home.show(file_id).problem == "A part of the file is damaged here."


def test_a_chunk_that_hq_has_lost_comes_from_whoever_has_it(pair: Pair, home: Base, other: Base) -> None:
    file_id = home.attach()
    home.node.sync()
    other.node.sync()
    carry(home.node)
    hit = describe(DATA).chunks[1]
    with pair.office.store.write() as connection:
        connection.execute(update(file_chunk).where(file_chunk.c.sha256 == hit).values(data=b"broken"))
    carry(other.node)
    with pytest.raises(Refused, match="3 of 4"):
        other.read(file_id)
    pair.office.clock.advance(LOOK_AGAIN_US // SECOND)
    assert carry(home.node).puts == [(file_id, 1)]
    pair.office.clock.advance(WAIT_US_MIN // SECOND)
    carry(other.node)
    assert other.read(file_id) == DATA


def test_a_file_whose_card_hq_has_not_heard_of_waits(home: Base) -> None:
    home.attach()
    assert carry(home.node).puts == []
    assert carry(home.node).questions == 0
    home.node.sync()
    home.node.clock.advance(WAIT_US_MIN // SECOND)
    assert len(carry(home.node).puts) == CHUNKS


def test_two_files_with_a_chunk_in_common_send_it_once(home: Base) -> None:
    home.attach()
    home.attach(DATA[: 3 * CHUNK_BYTES] + b"another end", "another.pdf")
    home.node.sync()
    assert len(carry(home.node).puts) == CHUNKS + 1
    home.attach(DATA[: 3 * CHUNK_BYTES] + b"third end", "third.pdf")
    home.node.sync()
    assert len(carry(home.node).puts) == 1


def test_a_restored_head_office_is_brought_the_files_again(home: Base, pair: Pair) -> None:
    if pair.office.store.dialect != "sqlite":
        pytest.skip("a plain copy is of a file")
    backup = pair.backup_hq()
    file_id = home.attach()
    home.node.sync()
    assert len(carry(home.node).puts) == CHUNKS
    pair.restore_hq(backup)
    home.node.sync()
    assert len(carry(home.node).puts) == CHUNKS
    assert home.waiting() == FilesWaiting(0, 0, 0)
    assert home.read(file_id) == DATA


def test_a_backup_of_a_branch_keeps_its_files(home: Base, tmp_path: Path) -> None:
    file_id = home.attach()
    store = home.node.store
    take_backup(store, tmp_path / "kept", home.node.clock)
    with store.write() as connection:
        connection.execute(file_chunk.delete())
    assert not home.show(file_id).is_here
    restore_backup(home.node.path, tmp_path / "kept", home.node.clock)
    assert home.read(file_id) == DATA


@pytest.mark.parametrize("mode", list(ProcessingMode))
def test_attaching_and_putting_away_work_in_either_mode(home: Base, pair: Pair, mode: ProcessingMode) -> None:
    pair.set_mode("north", mode, WhenUnreachable.REFUSE)
    home.node.sync()
    store, commit = home.node.store, home.node.line().commit
    file_id = home.attach()
    assert home.read(file_id) == DATA
    with pytest.raises(AlreadyExists):
        home.attach()
    assert archive_file(store, commit, LOCAL_ADMINISTRATOR, file_id)
    assert not archive_file(store, commit, LOCAL_ADMINISTRATOR, file_id)
    assert list_files(store, LOCAL_ADMINISTRATOR, home.client()) == []
    assert archive_file(store, commit, LOCAL_ADMINISTRATOR, file_id, False)
    assert [each.file_id for each in list_files(store, LOCAL_ADMINISTRATOR, home.client())] == [file_id]
    home.node.sync()
    assert pair.office.rows(select(attachment.c.id, attachment.c.archived)) == [(file_id, False)]
    carry(home.node)
    assert home.waiting().files == 0
    with pytest.raises(NotFound):
        find_file(store, LOCAL_ADMINISTRATOR, b"?" * 16)


def test_what_cannot_be_kept_is_refused(home: Base) -> None:
    for data in (b"", bytes(20 * 1_048_576 + 1)):
        with pytest.raises(InvalidInput):
            home.attach(data)
    store, commit = home.node.store, home.node.line().commit
    with pytest.raises(NotFound):
        attach_file(store, commit, LOCAL_ADMINISTRATOR, b"?" * 16, io.BytesIO(b"x"), "x")
    with pytest.raises(NotFound):
        attach_file(store, commit, LOCAL_ADMINISTRATOR, home.client(), io.BytesIO(b"x"), "x", b"?" * 16)
    with store.write() as connection:
        rows = [
            {"id": number.to_bytes(16), "client_id": home.client(), "archived": False}
            for number in range(FILES_PER_CLIENT_MAX)
        ]
        connection.execute(attachment.insert(), rows)
    with pytest.raises(Refused):
        home.attach()


def test_an_erased_client_leaves_no_file_and_no_transfer(home: Base) -> None:
    home.attach()
    with home.node.store.write() as connection:
        assert forget_files_of(connection, home.client()) == CHUNKS
        connection.execute(attachment.delete())
    with home.node.store.read_cursor() as cursor:
        assert cursor.execute("SELECT COUNT(*) FROM file_transfer").fetchone() == (0,)
        assert cursor.execute("SELECT COUNT(*) FROM file_chunk").fetchone() == (0,)


def test_who_may_not_see_contacts_sees_that_there_is_a_file_and_no_more(home: Base) -> None:
    file_id = home.attach(name="Паспорт Петровой.pdf")
    home.attach(b"x", "без.расширения Анны")
    seller = replace(LOCAL_ADMINISTRATOR, permissions=frozenset({Permission.CLIENT_VIEW}))
    shown = list_files(home.node.store, seller, home.client())
    assert sorted(each.name for each in shown) == ["…", "….pdf"]
    with pytest.raises(NotPermitted):
        open_file(home.node.store, seller, file_id)
    nobody = replace(LOCAL_ADMINISTRATOR, permissions=frozenset())
    for look in (lambda: list_files(home.node.store, nobody, home.client()), lambda: home.attach_as(nobody)):
        with pytest.raises(NotPermitted):
            look()


def test_a_recording_belongs_to_its_call(home: Base) -> None:
    store, commit, call_id = home.node.store, home.node.line().commit, b"i" * 16

    def prepare(transaction: BranchTransaction) -> Wanted:
        moment = local_moment(transaction.now_us, transaction.node.timezone)
        return Wanted(facts=(WantedFact(call_id, Interaction(home.client(), "call", "out", "anna", moment)),))

    commit(prepare)
    file_id = attach_file(store, commit, LOCAL_ADMINISTRATOR, home.client(), io.BytesIO(DATA), "call.mp3", call_id)
    shown = list_files(store, LOCAL_ADMINISTRATOR, home.client())
    assert [each.interaction_id for each in shown if each.file_id == file_id] == [call_id]
    home.node.add_client("901", "Boris")
    with pytest.raises(NotFound):
        attach_file(store, commit, LOCAL_ADMINISTRATOR, home.client("901"), io.BytesIO(b"x"), "call.mp3", call_id)


def test_chunks_of_no_file_are_swept_away_after_a_week(home: Base) -> None:
    file_id = home.attach()
    store = home.node.store
    with store.write() as connection:
        connection.execute(file_chunk.insert().values(sha256=b"u" * 32, data=b"x", stored_at=home.node.clock.now_us()))
    carrier = FileCarrier(store, lambda: FilesWire(home.node))
    assert carrier.sweep() == 0
    home.node.clock.advance(UNUSED_KEPT_US // SECOND + 1)
    assert carrier.sweep() == 1
    assert carrier.sweep() == 0
    assert home.read(file_id) == DATA


def test_one_call_of_a_branch_is_answered_at_a_time(home: Base) -> None:
    calls = FileCalls(home.node.pair.gateway)
    ours, theirs = Peer("north", home.node.branch_id, False), Peer("south", b"s" * 16, False)

    async def ask() -> list[object]:
        going, begun = threading.Event(), threading.Event()

        def wait() -> str:
            begun.set()
            going.wait()
            return "first"

        first = asyncio.create_task(calls.in_turn(ours, wait))
        await asyncio.to_thread(begun.wait)
        second = await asyncio.gather(calls.in_turn(ours, lambda: "second"), return_exceptions=True)
        other = asyncio.create_task(calls.in_turn(theirs, lambda: "other"))
        going.set()
        after = await asyncio.gather(first, other)
        return [*second, *after, await calls.in_turn(ours, lambda: "third")]

    busy, *answered = asyncio.run(ask())
    assert isinstance(busy, StoreBusy)
    assert answered == ["first", "other", "third"]
    with pytest.raises(NotAuthorised):
        asyncio.run(calls.in_turn(Peer("enrols", None, True), lambda: "never"))
