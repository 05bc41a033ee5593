"""Synchronising with a branch through a file: what it exported is merged, what it must know is written for it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from sqlalchemy import Connection, select

from hq_server.operations.authority import Authority
from hq_server.storage import branches
from hq_server.storage.audience import read_feed_of
from hq_server.storage.branches import BranchRow, branch_names, lock_cursor, open_session, read_cursor
from hq_server.storage.feed import is_on_feed, number_feed, read_head
from hq_server.storage.lives import lives_of, newest_common
from hq_server.storage.merge import merge_batch
from hq_server.storage.store import HqStore
from hq_server.storage.tables import certificate
from shared.certificates import UNREADABLE, branch_of_uri, uris_of
from shared.clock import Clock
from shared.errors import InvalidInput, NotAuthorised, Refused
from shared.operations.carry_files import MAGIC_TO_BRANCH, MAGIC_TO_HQ, read_carry_file, write_carry_file
from shared.sync.carried import CONNECT_ONCE, opens_life, require_same_entries, rest_of_batch
from shared.sync.chain import NO_HASH, Head
from shared.sync.limits import FEED_BATCH_BYTES_MAX, FEED_BATCH_RECORDS_MAX, Credits
from shared.sync.messages import (
    Ack,
    Batch,
    FeedAck,
    FeedBatch,
    FeedCursor,
    Hello,
    Mark,
    ResumeMode,
    Undecodable,
    Welcome,
)
from shared.wire.exchange import decode_branch_message, encode_hq_message


def import_file(store: HqStore, authority: Authority, clock: Clock, path: Path) -> dict[str, object]:
    """Merges a file. One that was taken before does nothing; one that comes too early is refused.

    Raises InvalidInput when the file was altered, NotAuthorised when its signer may not speak, Refused.
    """
    signers: list[_Signer] = []

    def trust(signer: x509.Certificate) -> None:
        signers.append(_identify(authority, signer))
        with store.read() as connection:
            signers[0].require_valid(connection)

    messages = read_carry_file(path, MAGIC_TO_HQ, trust)
    first = next(messages, None)
    carried = Carried(store, clock, signers[0].branch_id, signers[0].require_valid)
    return carried.take(itertools.chain(() if first is None else (first,), messages))


class _Signer(NamedTuple):
    branch_id: bytes
    serial: str

    def require_valid(self, connection: Connection) -> None:
        row = connection.execute(
            select(certificate.c.branch_id, certificate.c.revoked_at).where(certificate.c.serial == self.serial)
        ).one_or_none()
        if row is None or row.branch_id != self.branch_id or row.revoked_at is not None:
            raise NotAuthorised("The certificate that signed the file was revoked.", "Enrol the branch anew.")


def _identify(authority: Authority, signer: x509.Certificate) -> _Signer:
    try:
        signer.verify_directly_issued_by(authority.certificate)
    except UNREADABLE:
        raise NotAuthorised("The file was signed for another chain.") from None
    ids = [branch_id for uri in uris_of(signer) if (branch_id := branch_of_uri(uri)) is not None]
    if not ids:
        raise NotAuthorised("The file was not signed by a branch.")
    return _Signer(ids[0], f"{signer.serial_number:x}")


class Carried:
    """What one branch sent in a file, message by message. `check` runs in every transaction that merges."""

    def __init__(
        self, store: HqStore, clock: Clock, branch_id: bytes, check: Callable[[Connection], None] = lambda _: None
    ) -> None:
        self._store, self._clock, self._branch_id, self._check = store, clock, branch_id, check
        self._hello: Hello | None = None
        self.entries = 0
        self.known = 0

    def take(self, messages: Iterable[bytes]) -> dict[str, object]:
        """Raises InvalidInput, Refused."""
        for data in messages:
            match decode_branch_message(data):
                case Hello() as hello:
                    self._greet(hello)
                case Batch() as batch:
                    self._merge(batch)
                case FeedAck(cursor):
                    self._note_feed(cursor)
                case Undecodable(reason):
                    raise InvalidInput(f"The file holds a message that cannot be read: {reason}")
        number_feed(self._store, self._clock.now_us())
        with self._store.read() as connection:
            code = branch_names(connection)[self._branch_id]
            acknowledged = read_cursor(connection, self._branch_id).acknowledged_seq
        return {"branch": code, "entries": self.entries, "known": self.known, "acknowledged_seq": acknowledged}

    def _greet(self, hello: Hello) -> None:
        with self._store.write() as connection:
            cursor = lock_cursor(connection, self._branch_id)
            past = frozenset(life.id for life in lives_of(connection, self._branch_id))
            if opens_life(hello, self._branch_id, cursor.incarnation, past, cursor.quarantine):
                opened = open_session(connection, hello, self._clock.now_us())
                if opened.decision.resume is not ResumeMode.INCREMENTAL:
                    raise Refused(opened.decision.reason or "HQ does not take this store in.", CONNECT_ONCE)
                fence, now_us = opened.known.fence, self._clock.now_us()
                branches.store_departure(connection, self._branch_id, fence, even=False, now_us=now_us)
        self._hello = hello

    def _merge(self, batch: Batch) -> None:
        with self._store.read() as connection:
            cursor = read_cursor(connection, self._branch_id)
            mark = Mark(batch.incarnation, batch.last_seq, batch.last_hash)
            is_held = newest_common(connection, self._branch_id, (mark,)) is not None
        rest = rest_of_batch(batch, self._hello, Head(cursor.acknowledged_seq, cursor.acknowledged_hash))
        if rest is None:
            require_same_entries(is_held)
            self.known += len(batch.entries)
            return
        now_us = self._clock.now_us()
        merge_batch(self._store, self._branch_id, rest, cursor.fence, set(), now_us, self._check)
        self.known += len(batch.entries) - len(rest.entries)
        self.entries += len(rest.entries)

    def _note_feed(self, feed: FeedCursor) -> None:
        with self._store.write() as connection:
            cursor = lock_cursor(connection, self._branch_id)
            taken = cursor.feed_position if cursor.feed_epoch == feed.epoch else 0
            if is_on_feed(connection, feed) and feed.position > taken:
                branches.store_feed_ack(connection, self._branch_id, cursor.fence, feed, self._clock.now_us())


def export_file(store: HqStore, authority: Authority, row: BranchRow, path: Path, now_us: int) -> dict[str, int]:
    """Writes what a branch must know: what HQ holds of it, and the feed after what it is known to have taken.

    Raises AlreadyExists.
    """
    number_feed(store, now_us)
    counted = {"records": 0, "acknowledged_seq": 0, "feed_position": 0}
    with store.read() as connection:
        write_carry_file(
            path,
            MAGIC_TO_BRANCH,
            authority.der,
            authority.signing_key,
            messages_for_branch(connection, row, now_us, counted),
        )
    return counted


def messages_for_branch(
    connection: Connection, row: BranchRow, now_us: int, counted: dict[str, int]
) -> Iterator[bytes]:
    """What HQ says to a branch in a file; `counted` is brought up to date on the way."""
    cursor = read_cursor(connection, row.id)
    head = read_head(connection)
    acknowledged = Head(cursor.acknowledged_seq, cursor.acknowledged_hash)
    counted["acknowledged_seq"] = acknowledged.seq
    yield encode_hq_message(
        Welcome(
            1,
            cursor.fence,
            acknowledged,
            ResumeMode.INCREMENTAL,
            row.id.hex(),
            Credits(),
            0,
            row.mode,
            row.when_unreachable,
            0,
            head.position,
            now_us,
        )
    )
    yield encode_hq_message(Ack(acknowledged))
    after = FeedCursor(head.epoch, 0, NO_HASH)
    if cursor.feed_epoch == head.epoch:
        after = FeedCursor(cursor.feed_epoch, cursor.feed_position, cursor.feed_hash, cursor.feed_folded_to)
    while after.position < head.position:
        read = read_feed_of(connection, row.id, after, FEED_BATCH_RECORDS_MAX, FEED_BATCH_BYTES_MAX)
        yield encode_hq_message(FeedBatch(read.records, read.cursor, head.position, after.position, after))
        counted["records"] += len(read.records)
        after = read.cursor
    counted["feed_position"] = after.position
