"""Carry files of a simulated chain: their messages, without the signature that tests/integration checks."""

from __future__ import annotations

from contextlib import closing
from typing import NamedTuple

from branch_node.sync_client.carrying import messages_for_hq, take_messages
from branch_node.sync_client.worker import StoreWorker
from hq_server.operations.carrying import Carried, messages_for_branch
from hq_server.storage.branches import branch_by_id
from shared.sync.messages import Batch
from shared.wire.exchange import decode_branch_message
from tests.simulation.head_office import Headquarters
from tests.simulation.places import LOST_AND_FOUND, Place


class CarriedFile(NamedTuple):
    """What somebody carries, and whose it is."""

    branch_id: bytes
    is_to_hq: bool
    messages: tuple[bytes, ...]


def write_up(place: Place) -> CarriedFile:
    """What the branch has and HQ has not acknowledged."""
    with closing(_worker(place)) as worker:
        return CarriedFile(place.row.id, True, tuple(messages_for_hq(worker, worker.hello(), [0])))


def write_down(hq: Headquarters, place: Place) -> CarriedFile:
    """HQ's acknowledgement and its feed."""
    counted = {"records": 0, "acknowledged_seq": 0, "feed_position": 0}
    with hq.store.read() as connection:
        row = branch_by_id(connection, place.row.id)
        return CarriedFile(row.id, False, tuple(messages_for_branch(connection, row, hq.clock.now_us(), counted)))


def take_at_hq(hq: Headquarters, file: CarriedFile) -> tuple[bytes, ...]:
    """Returns the entries that HQ holds now."""
    Carried(hq.store, hq.clock, file.branch_id).take(file.messages)
    decoded = [decode_branch_message(data) for data in file.messages]
    return tuple(entry for message in decoded if isinstance(message, Batch) for entry in message.entries)


def take_at_branch(place: Place, file: CarriedFile) -> None:
    """Takes the acknowledgement and the feed."""
    with closing(_worker(place)) as worker:
        take_messages(worker, file.messages)


def _worker(place: Place) -> StoreWorker:
    """The file's own program, beside the one that may be connected."""
    return StoreWorker(place.store, LOST_AND_FOUND)
