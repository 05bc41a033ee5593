"""The places of a simulated chain: clocks that err, and branch stores that are copied and lost."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import select

from branch_node.operations.joining import BranchIdentity, write_identity
from branch_node.storage.store import BranchStore
from branch_node.sync_client.worker import StoreWorker
from hq_server.storage.branches import BranchRow
from hq_server.storage.tables import certificate
from hq_server.sync_server.identity import Peer
from shared.domain.records import RecordKind
from shared.storage.sqlite_engine import SqliteStore
from shared.storage.tables import refund, sale
from tests.simulation.head_office import Headquarters
from tests.support.clock import START_US, FakeClock, SeededIds
from tests.support.link import Link
from tests.support.schemas import write_branch_schema
from tests.support.small_disks import let_grow_no_more

LOST_AND_FOUND = b"b" * 16
RECEIPTS = (RecordKind.SALE, RecordKind.REFUND)
"""What has a receipt, and must neither be lost nor double."""


class WrongClock(FakeClock):
    """A clock on a wall: it follows the world's, ahead or behind by its skew."""

    def __init__(self, world: FakeClock) -> None:
        super().__init__(START_US)
        self._world = world
        self.skew_us = 0

    def now_us(self) -> int:
        return self._world.now_us() + self.skew_us

    def monotonic(self) -> float:
        return self._world.monotonic()


class Typed(NamedTuple):
    """What somebody typed into a field of a client's card."""

    client_id: bytes
    field: str
    text: str


@dataclass
class Place:
    """One store of a branch: the branch itself, or a copy that believes to be it."""

    name: str
    row: BranchRow
    path: Path
    clock: WrongClock
    ids: SeededIds
    # What was committed here, in the lineage of this file.
    committed: set[bytes] = field(default_factory=set)
    # Copies of the same store that are in use, since which sale; for judging clones.
    contacts: int = 0
    # The sale that each key was answered with here.
    answers: dict[str, bytes] = field(default_factory=dict)
    # What people typed into cards here, in the lineage of this file, and how much of it each snapshot holds.
    typed: list[Typed] = field(default_factory=list)
    typed_by: dict[Path, int] = field(default_factory=dict)
    link: Link | None = None
    is_alive: bool = True

    def __post_init__(self) -> None:
        self.store = BranchStore(self.path, self.clock, self.ids)
        self.worker = StoreWorker(self.store, LOST_AND_FOUND)

    @property
    def peer(self) -> Peer:
        return Peer(self.row.code, self.row.id, may_enrol=False)

    def snapshot(self, name: str) -> Path:
        """A copy of the file, as a backup would make it."""
        self.store._sqlite.checkpoint()
        path = self.path.with_name(f"{name}.db")
        shutil.copy(self.path, path)
        self.typed_by[path] = len(self.typed)
        return path

    def tell_copy(self, copy: Place, path: Path) -> Place:
        """A store that goes on from a snapshot knows what had been typed by then."""
        copy.typed = self.typed[: self.typed_by[path]]
        return copy

    def fill_disk(self) -> None:
        """No page more, until the process starts again."""
        let_grow_no_more(self.store._sqlite)

    def reopen(self) -> None:
        """The process died and comes back."""
        self.close()
        self.__post_init__()

    def close(self) -> None:
        self.worker.close()
        self.store.close()

    def sales(self) -> set[bytes]:
        """Sales and refunds: whatever has a receipt."""
        with self.store.read() as connection:
            return set(connection.execute(select(sale.c.id).union_all(select(refund.c.id))).scalars())


def enrol(hq: Headquarters, row: BranchRow, name: str, ids: SeededIds, replace: bool) -> Place:
    """A new store of a branch."""
    path = hq.folder / f"{name}.db"
    write_branch_schema(path)
    clock = WrongClock(hq.clock)
    bare = SqliteStore(path, clock)
    zone = row.price_zone
    identity = BranchIdentity(hq.chain.chain_id, "Chain", row.id, row.code, row.name, row.timezone, "RUB", zone)
    with bare.write() as connection:
        write_identity(connection, identity, "127.0.0.1:1", ids, clock.now_us(), replace)
    bare.close()
    return Place(name, row, path, clock, ids)


def certify(hq: Headquarters, row: BranchRow) -> None:
    """The certificate that the simulated peer shows."""
    with hq.store.write() as connection:
        connection.execute(
            certificate.insert().values(serial=row.code, branch_id=row.id, purpose="branch", issued_at=1)
        )
