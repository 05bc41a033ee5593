"""Synchronising with a branch through a file: what it exported is merged, what it must know is written for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from sqlalchemy import Connection, select

from hq_server.operations.authority import Authority
from hq_server.storage import branches
from hq_server.storage.branches import BranchRow, branch_names, lock_cursor, open_session, read_cursor
from hq_server.storage.feed import audience_of_branch, audience_of_zone, hash_at, number_feed, read_feed, read_head
from hq_server.storage.merge import merge_batch
from hq_server.storage.store import HqStore
from hq_server.storage.tables import certificate
from shared.certificates import branch_of_uri, uris_of
from shared.clock import Clock
from shared.errors import InvalidInput, NotAuthorised, Refused
from shared.operations.carry_files import MAGIC_TO_BRANCH, MAGIC_TO_HQ, read_carry_file, write_carry_file
from shared.sync.chain import NO_HASH, Head
from shared.sync.limits import FEED_BATCH_BYTES_MAX, FEED_BATCH_RECORDS_MAX, Credits
from shared.sync.messages import (
    Ack,
    Batch,
    FeedAck,
    FeedBatch,
    FeedCursor,
    Hello,
    ResumeMode,
    Undecodable,
    Welcome,
)
from shared.wire.exchange import decode_branch_message, encode_hq_message


class Importing:
    """One file of one branch."""

    def __init__(self, store: HqStore, authority: Authority, clock: Clock) -> None:
        self._store, self._authority, self._clock = store, authority, clock
        self._branch_id = b""
        self._serial = ""
        self._hello: Hello | None = None
        self.entries = 0
        self.known = 0

    def take(self, path: Path) -> dict[str, object]:
        """Merges a file. One that was taken before does nothing; one that comes too early is refused.

        Raises InvalidInput when the file was altered, NotAuthorised when its signer may not speak, Refused.
        """
        for data in read_carry_file(path, MAGIC_TO_HQ, self._trust):
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

    def _trust(self, signer: x509.Certificate) -> None:
        try:
            signer.verify_directly_issued_by(self._authority.certificate)
        except (ValueError, TypeError, InvalidSignature):
            raise NotAuthorised("The file was signed for another chain.") from None
        ids = [branch_id for uri in uris_of(signer) if (branch_id := branch_of_uri(uri)) is not None]
        self._serial = f"{signer.serial_number:x}"
        if not ids:
            raise NotAuthorised("The file was not signed by a branch.")
        self._branch_id = ids[0]
        with self._store.read() as connection:
            self._require_certificate(connection)

    def _require_certificate(self, connection: Connection) -> None:
        row = connection.execute(
            select(certificate.c.branch_id, certificate.c.revoked_at).where(certificate.c.serial == self._serial)
        ).one_or_none()
        if row is None or row.branch_id != self._branch_id or row.revoked_at is not None:
            raise NotAuthorised("The certificate that signed the file was revoked.", "Enrol the branch anew.")

    def _greet(self, hello: Hello) -> None:
        if hello.branch_id != self._branch_id:
            raise InvalidInput("The file names another branch than its certificate.")
        self._hello = hello
        with self._store.write() as connection:
            cursor = lock_cursor(connection, self._branch_id)
            if cursor.quarantine is not None:
                raise Refused(cursor.quarantine, "See: filial-hq branch lives")
            if cursor.incarnation == hello.incarnation:
                return  # a file is no session: the fence stays with whoever is connected
            opened = open_session(connection, hello, self._clock.now_us())
            if opened.decision.resume is not ResumeMode.INCREMENTAL:
                raise Refused(
                    opened.decision.reason or "HQ does not take this store in.", "Let the branch connect once."
                )
            branches.store_departure(
                connection, self._branch_id, opened.known.fence, even=False, now_us=self._clock.now_us()
            )

    def _merge(self, batch: Batch) -> None:
        if self._hello is None or batch.incarnation != self._hello.incarnation:
            raise InvalidInput("The file holds entries of another incarnation than it names.")
        with self._store.read() as connection:
            cursor = read_cursor(connection, self._branch_id)
        held = cursor.acknowledged_seq
        if batch.last_seq <= held:
            self.known += len(batch.entries)
            return
        if batch.first_seq > held + 1:
            raise Refused(
                f"HQ holds {held} entries of this branch; the file begins at {batch.first_seq}.",
                "Import the file before it first.",
            )
        skipped = held + 1 - batch.first_seq
        rest = Batch(batch.incarnation, held + 1, batch.entries[skipped:], batch.last_hash, batch.head_seq)
        merge_batch(
            self._store,
            self._branch_id,
            rest,
            cursor.fence,
            set(),
            self._clock.now_us(),
            self._require_certificate,
        )
        self.known += skipped
        self.entries += len(rest.entries)

    def _note_feed(self, feed: FeedCursor) -> None:
        with self._store.write() as connection:
            cursor = lock_cursor(connection, self._branch_id)
            head = read_head(connection)
            is_known = feed.epoch == head.epoch and hash_at(connection, feed.position) == feed.running_hash
            if is_known and feed.position > (cursor.feed_position if cursor.feed_epoch == head.epoch else 0):
                branches.store_feed_ack(connection, self._branch_id, cursor.fence, feed, self._clock.now_us())


def export_file(store: HqStore, authority: Authority, row: BranchRow, path: Path, now_us: int) -> dict[str, int]:
    """Writes what a branch must know: what HQ holds of it, and the feed after what it is known to have taken.

    Raises AlreadyExists.
    """
    number_feed(store, now_us)
    counted = {"records": 0, "acknowledged_seq": 0, "feed_position": 0}
    with store.read() as connection:
        write_carry_file(
            path, MAGIC_TO_BRANCH, authority.der, authority.signing_key, _messages(connection, row, now_us, counted)
        )
    return counted


def _messages(connection: Connection, row: BranchRow, now_us: int, counted: dict[str, int]) -> Iterator[bytes]:
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
    audiences = sorted({audience_of_zone(""), audience_of_zone(row.price_zone), audience_of_branch(row.id)})
    after = FeedCursor(head.epoch, 0, NO_HASH)
    if cursor.feed_epoch == head.epoch:
        after = FeedCursor(cursor.feed_epoch, cursor.feed_position, cursor.feed_hash)
    while after.position < head.position:
        read = read_feed(connection, audiences, after, FEED_BATCH_RECORDS_MAX, FEED_BATCH_BYTES_MAX)
        yield encode_hq_message(FeedBatch(read.records, read.cursor, head.position, after.position))
        counted["records"] += len(read.records)
        after = read.cursor
    counted["feed_position"] = after.position
