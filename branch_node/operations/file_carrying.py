"""Carrying the bytes of clients' files between this branch and the head office: a chunk at a time, whenever there is
nothing better to do. What has arrived is durable on its side, so nothing that broke off is begun anew.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import Connection

from branch_node.storage import file_transfers
from branch_node.storage.store import BranchStore
from shared.domain.attachments import FileDescription, chunk_bytes, is_chunk
from shared.errors import DecodeError, InvalidInput, NotFound
from shared.storage.file_rows import (
    description_of,
    drop_chunks,
    is_whole,
    keep_chunk,
    present_chunks,
    read_chunk,
    unused_chunks,
)
from shared.sync.files import FILES_PER_QUESTION_MAX, FileMissing, FilesAtHq, GetRequest, MissingRequest, PutRequest

ATTEMPTS_PER_CHUNK_MAX = 3
"""So often a chunk that comes damaged, or is refused, is tried in a row."""

WAIT_US_MIN = 5_000_000
WAIT_US_MAX = 3_600_000_000
"""For how long a file that cannot be made even is left alone, after the first failure and after many."""

LOOK_AGAIN_US = 86_400_000_000
"""A file that is even is asked about again after a day: the other side may have lost or damaged a chunk."""

UNUSED_KEPT_US = 7 * 86_400_000_000
"""Chunks of no file are kept for a week: their card may be about to be recorded, or wait for the head office."""

UNKNOWN_CONTENT = "The card does not say what the file is."
DAMAGED_HERE = "A part of the file is damaged here."
FETCHED_AGAIN = "A part of the file was damaged here: it is fetched again."
ANOTHER_FILE = "The parts are not the file that its card names."
"""What may be wrong with a file; pages say it in their own language."""


class Work(StrEnum):
    SEND = "send"
    FETCH = "fetch"


class _Planned(NamedTuple):
    work: Work
    attachment_id: bytes
    place: int
    sha256: bytes
    attempts: int = 0


class Step(NamedTuple):
    """What a step has done: how many bytes moved, and in which direction; none when it asked or looked only."""

    bytes: int = 0
    work: Work | None = None


class FileCarrier:
    """Carries the files of one store. Blocking, and for one thread."""

    def __init__(self, store: BranchStore, connect: Callable[[], FilesAtHq]) -> None:
        """`connect` is called when there is something to ask."""
        self._store = store
        self._connect = connect
        self._hq: FilesAtHq | None = None
        self._planned: deque[_Planned] = deque()

    def step(self) -> Step | None:
        """Moves one chunk, or finds out what is to be moved; None when nothing is.

        Raises HqUnreachable, StoreBusy, NotAuthorised, SyncError: whoever calls waits a while before the next step.
        """
        if not self._planned and not self._plan():
            return None
        if not self._planned:
            return Step()
        planned = self._planned.popleft()
        try:
            return self._fetch(planned) if planned.work is Work.FETCH else self._send(planned)
        except NotFound as error:
            # It was erased, or moved to a client whom this branch does not know; else its card is on its way.
            self._give_up(planned.attachment_id, error.message)
        except (InvalidInput, DecodeError) as error:
            self._try_again(planned, error.message)
        except BaseException:
            self._planned.clear()
            raise
        return Step()

    def sweep(self) -> int:
        """Deletes old chunks of no file; returns how many."""
        before_us = self._store.clock.now_us() - UNUSED_KEPT_US
        with self._store.read() as connection:
            unused = unused_chunks(connection, before_us)
        if unused:
            with self._store.write() as connection:
                # A file that has them may have been attached meanwhile.
                drop_chunks(connection, unused & unused_chunks(connection, before_us))
        return len(unused)

    def interrupt(self) -> None:
        """Ends a call that is under way, from another thread: the program stops, and the head office may be silent."""
        if self._hq is not None:
            self._hq.close()

    def close(self) -> None:
        """Gives the connection back."""
        self._planned.clear()
        if self._hq is not None:
            self._hq.close()
            self._hq = None

    # Finding out.

    def _plan(self) -> bool:
        """Asks what HQ lacks of the next files; false when there are none to be looked at."""
        now_us = self._store.clock.now_us()
        with self._store.read_cursor() as cursor:
            due = file_transfers.due_transfers(cursor, now_us, FILES_PER_QUESTION_MAX)
        if not due:
            return False
        answers = self._ask().missing(MissingRequest(tuple(due)))
        if len(answers) != len(due):
            raise DecodeError("The head office answered about other files than it was asked.")
        for attachment_id, missing in zip(due, answers, strict=True):
            self._plan_file(attachment_id, missing)
        return True

    def _plan_file(self, attachment_id: bytes, missing: FileMissing) -> None:
        with self._store.read() as connection:
            described = description_of(connection, attachment_id)
            present = set() if described is None else present_chunks(connection, described.chunks)
        if described is None:
            return self._leave(attachment_id, UNKNOWN_CONTENT)
        if not missing.known:
            # The card has not arrived there yet, or this branch is told of the client no more.
            return self._leave(attachment_id, None)
        lacking_there, planned, waiting = set(missing.indexes), [], 0
        for place, sha256 in enumerate(described.chunks):
            if sha256 in present and place not in lacking_there:
                continue
            waiting += chunk_bytes(described.size, place)
            if sha256 in present:
                planned.append(_Planned(Work.SEND, attachment_id, place, sha256))
            elif place not in lacking_there:
                planned.append(_Planned(Work.FETCH, attachment_id, place, sha256))
        if not waiting:
            return self._finish(attachment_id, described)
        with self._store.write(waits_for_disk=False) as connection:
            file_transfers.note_waiting(connection.connection.cursor(), attachment_id, waiting)
        if planned:
            # A chunk that stands in several places, or in several files, moves once.
            known = {each.sha256 for each in self._planned}
            self._planned += [
                each for each in {one.sha256: one for one in planned}.values() if each.sha256 not in known
            ]
        else:
            # Whoever attached it has not sent it yet.
            with self._store.read_cursor() as cursor:
                problem = file_transfers.read_problem(cursor, attachment_id)
            self._leave(attachment_id, problem)
        return None

    def _finish(self, attachment_id: bytes, described: FileDescription) -> None:
        """Every chunk is on both sides: this side looks at the whole once more."""
        with self._store.read() as connection:
            damaged = _damaged(connection, described)
            is_right = not damaged and is_whole(connection, described)
        if damaged:
            # The head office has them.
            with self._store.write() as connection:
                drop_chunks(connection, damaged)
            self._leave(attachment_id, FETCHED_AGAIN, wait_us=0)
        elif not is_right:
            self._leave(attachment_id, ANOTHER_FILE)
        else:
            look_again_us = self._store.clock.now_us() + LOOK_AGAIN_US
            with self._store.write() as connection:
                file_transfers.note_even(connection.connection.cursor(), attachment_id, look_again_us)

    # Moving.

    def _send(self, planned: _Planned) -> Step:
        with self._store.read() as connection:
            described = _require(connection, planned)
            data = read_chunk(connection, described.chunks[planned.place])
        if data is None:
            return Step()
        if not is_chunk(described, planned.place, data):
            # It stays: nobody else may have it, and most of it is right.
            self._give_up(planned.attachment_id, DAMAGED_HERE)
            return Step()
        self._ask().put(PutRequest(planned.attachment_id, planned.place, data))
        self._note_moved(planned, len(data))
        return Step(len(data), Work.SEND)

    def _fetch(self, planned: _Planned) -> Step:
        with self._store.read() as connection:
            described = _require(connection, planned)
        data = self._ask().get(GetRequest(planned.attachment_id, planned.place))
        if not data:
            return Step()
        if not is_chunk(described, planned.place, data):
            raise InvalidInput("A part of the file came damaged.")
        # A power cut may take the chunk away again: it is fetched anew then. The last one waits for the disk.
        with self._store.write(waits_for_disk=False) as connection:
            keep_chunk(connection, described.chunks[planned.place], data, self._store.clock.now_us())
            file_transfers.note_moved(connection.connection.cursor(), planned.attachment_id, len(data))
        return Step(len(data), Work.FETCH)

    def _note_moved(self, planned: _Planned, moved_bytes: int) -> None:
        with self._store.write(waits_for_disk=False) as connection:
            file_transfers.note_moved(connection.connection.cursor(), planned.attachment_id, moved_bytes)

    def _try_again(self, planned: _Planned, problem: str) -> None:
        if planned.attempts + 1 < ATTEMPTS_PER_CHUNK_MAX:
            self._planned.appendleft(planned._replace(attempts=planned.attempts + 1))
        else:
            self._give_up(planned.attachment_id, problem)

    def _give_up(self, attachment_id: bytes, problem: str) -> None:
        self._planned = deque(each for each in self._planned if each.attachment_id != attachment_id)
        self._leave(attachment_id, problem)

    def _leave(self, attachment_id: bytes, problem: str | None, wait_us: int | None = None) -> None:
        """Leaves a file alone for a while, longer with every time."""
        now_us = self._store.clock.now_us()
        with self._store.write() as connection:
            cursor = connection.connection.cursor()
            failures = file_transfers.count_failures(cursor, attachment_id)
            waits_us = min(WAIT_US_MAX, WAIT_US_MIN << min(failures, 20)) if wait_us is None else wait_us
            file_transfers.postpone(cursor, attachment_id, now_us + waits_us, problem)

    def _ask(self) -> FilesAtHq:
        if self._hq is None:
            self._hq = self._connect()
        return self._hq


def _damaged(connection: Connection, described: FileDescription) -> list[bytes]:
    bad = []
    for place, sha256 in enumerate(described.chunks):
        data = read_chunk(connection, sha256)
        if data is not None and not is_chunk(described, place, data):
            bad.append(sha256)
    return bad


def _require(connection: Connection, planned: _Planned) -> FileDescription:
    described = description_of(connection, planned.attachment_id)
    if described is None or planned.place >= len(described.chunks):
        raise NotFound("The file is here no more.")
    return described
