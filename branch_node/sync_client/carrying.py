"""Synchronising through a file: what HQ lacks goes out, what HQ sent comes in. The cursors are the stream's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from cryptography import x509

from branch_node.settings import Settings
from branch_node.storage.store import BranchStore
from branch_node.sync_client.worker import StoreWorker
from shared.certificates import key_from_pem
from shared.domain.identifiers import NIL_ID
from shared.errors import InvalidInput
from shared.operations.carry_files import MAGIC_TO_BRANCH, MAGIC_TO_HQ, read_carry_file, write_carry_file
from shared.sync.carried import CarriedFeed
from shared.sync.limits import PUSH_BATCH_BYTES_MAX, PUSH_BATCH_ROWS_MAX
from shared.sync.messages import Ack, Batch, FeedAck, FeedBatch, Hello, Undecodable, Welcome
from shared.wire.exchange import decode_hq_message, encode_branch_message


def export_file(settings: Settings, store: BranchStore, path: Path) -> dict[str, int]:
    """Writes what HQ has not acknowledged. Exporting changes nothing here. Raises AlreadyExists."""
    worker = StoreWorker(store, NIL_ID)
    certificate = x509.load_pem_x509_certificate(settings.certificate_path.read_bytes())
    key = key_from_pem(settings.key_path.read_bytes())
    hello = worker.hello()
    entries = [0]
    try:
        messages = messages_for_hq(worker, hello, entries)
        write_carry_file(path, MAGIC_TO_HQ, certificate_der(certificate), key, messages)
    finally:
        worker.close()
    return {"entries": entries[0], "from_seq": hello.head.seq - entries[0] + 1, "to_seq": hello.head.seq}


def import_file(settings: Settings, store: BranchStore, path: Path) -> dict[str, int]:
    """Takes what HQ exported: its ack, and the feed. A file that was taken before does nothing.

    Raises InvalidInput when the file is altered or for another branch, Refused when an earlier file is missing.
    """
    authority = x509.load_pem_x509_certificate(settings.authority_path.read_bytes())

    def trust(signer: x509.Certificate) -> None:
        if signer != authority:
            raise InvalidInput("The file comes from another chain's head office.")

    worker = StoreWorker(store, NIL_ID)
    try:
        return take_messages(worker, read_carry_file(path, MAGIC_TO_BRANCH, trust))
    finally:
        worker.close()


def take_messages(worker: StoreWorker, messages: Iterable[bytes]) -> dict[str, int]:
    """Takes what HQ sent in a file, message by message. Raises InvalidInput, Refused."""
    hello = worker.hello()
    feed = CarriedFeed(hello.branch_id, hello.feed)
    taken = {"records": 0, "acknowledged_seq": 0}
    for data in messages:
        match decode_hq_message(data):
            case Welcome() as welcome:
                feed.note_welcome(welcome)
            case Ack() as ack:
                if worker.history(ack.acknowledged) == ack.acknowledged.entry_hash:
                    worker.store_ack(hello.incarnation, ack)
                    taken["acknowledged_seq"] = ack.acknowledged.seq
            case FeedBatch() as batch:
                if feed.takes(batch):
                    worker.apply_feed(replace(batch, cursor=feed.cursor), hands_back=feed.overlaps)
                    taken["records"] += len(batch.records)
            case Undecodable(reason):
                raise InvalidInput(f"The file holds a message that cannot be read: {reason}")
    return {**taken, "feed_position": feed.cursor.position}


def messages_for_hq(worker: StoreWorker, hello: Hello, entries: list[int]) -> Iterator[bytes]:
    """What the branch says to HQ in a file; `entries` counts them on the way."""
    yield encode_branch_message(hello)
    acknowledged = worker.acknowledged_seq()
    while acknowledged < hello.head.seq:
        read = worker.entries(acknowledged, PUSH_BATCH_ROWS_MAX, PUSH_BATCH_BYTES_MAX)
        if not read.entries:
            break
        batch = Batch(hello.incarnation, acknowledged + 1, read.entries, read.last_hash, hello.head.seq)
        entries[0] += len(batch.entries)
        acknowledged = batch.last_seq
        yield encode_branch_message(batch)
    yield encode_branch_message(FeedAck(hello.feed))


def certificate_der(certificate: x509.Certificate) -> bytes:
    """The certificate as a carry file holds it."""
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.DER)
