"""A chain of shops for a few hundred operations, under faults drawn from a seed.

Everything that decides comes from `random.Random(seed)`: which operation, which step of which stream, which fault. Two
runs of one seed do the same in the same order; the trace's hash shows it.
"""

from __future__ import annotations

import hashlib
import random
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, select

from branch_node.operations.clients import add_client, edit_client
from branch_node.operations.refund_request import RefundRequest
from branch_node.operations.sale_request import SaleRequest
from hq_server.operations.budgeting import add_to_budget
from hq_server.operations.editing import HqEdit
from hq_server.operations.fleet import add_branch, change_branch
from hq_server.storage.backups import note_backup
from hq_server.storage.branches import read_cursor
from hq_server.storage.compaction import compact_some
from hq_server.storage.feed import EVERYONE, audience_of_zone, number_feed
from hq_server.storage.lives import expect_replacement
from shared.domain.cards import Value
from shared.domain.identifiers import derived_id
from shared.domain.records import RecordKind
from shared.errors import FilialError, StoreFull
from shared.storage.tables import client
from shared.sync.branch_commands import FinishReason
from shared.sync.hq_session import FinishReason as HqFinishReason
from shared.sync.limits import Credits
from shared.wire.entries import open_entry
from tests.simulation import carry, central
from tests.simulation.central import BUDGET, BUDGET_AMOUNT
from tests.simulation.head_office import Disk, Headquarters
from tests.simulation.kinds import kinds_of, more_actions
from tests.simulation.places import RECEIPTS, Place, certify, enrol
from tests.simulation.reckoner import Reckoner
from tests.support.clock import FakeClock, SeededIds
from tests.support.link import Link
from tests.support.shop import request

ZONES = ("", "east", "west")
BRANCHES = len(ZONES)
OPERATIONS = 220
STEPS_PER_OPERATION_MAX = 14
PRODUCTS, POISON_KIND = 5, 999
CREDITS = Credits(batches=3, batch_rows=12)
FAULTY = 0.02
"""How likely one of the messages on their way is lost, doubled, or overtaken, at each step; per message."""


class Broken(AssertionError):
    """A promise was broken: the seed fails."""


class World:
    """One run."""

    def __init__(self, seed: int, folder: Path, disk: Disk, operations: int = OPERATIONS) -> None:
        self.kinds = kinds_of(seed)
        self.random = random.Random(seed)
        self.folder, self.operations = folder, operations
        self.clock = FakeClock()
        self.ids = SeededIds(self.clock, seed)
        self.trace = hashlib.sha256()
        self.steps = 0
        self.faults = True
        self.names = self.keys = 0
        self.places: list[Place] = []
        self.copies: list[tuple[Place, Path, set[bytes]]] = []
        self.hq_backups: list[tuple[str, set[bytes]]] = []
        # What HQ has acknowledged and not lost since with its own disk.
        self.acknowledged: set[bytes] = set()
        self.files: list[carry.CarriedFile] = []
        self.clones: list[tuple[Place, Place]] = []
        self.quarantines = 0
        self.heirs_named: set[bytes] = set()
        self.strangers: set[str] = set()
        self.replaced: set[bytes] = set()
        self.poisoned = 0
        # Store and key by sale, and by command; commands that were given up, with how often HQ was restored by then.
        self.sold_as: dict[bytes, tuple[str, str]] = {}
        self.asked: dict[bytes, tuple[str, str]] = {}
        self.given_up: dict[bytes, int] = {}
        self.undecided: list[central.Undecided] = []
        self.late: list[tuple[Place, bytes]] = []
        self.hq_restores = 0
        # Clients whom an order has erased, with how often HQ was restored by then.
        self.erased: dict[bytes, int] = {}
        self.reckoner = Reckoner()
        self.was_copied = False
        self.hq = Headquarters(folder, disk, self.clock, SeededIds(self.clock, seed + 1))
        self.hq.gateway.start()
        for number, zone in enumerate(ZONES, 1):
            with self.hq.store.write() as connection:
                row = add_branch(connection, self.hq.ids, self.clock.now_us(), f"B{number}", None, None, zone)
            certify(self.hq, row)
            self.places.append(self._enrol(row, replace=False))
        with self.hq.store.write() as connection:
            add_to_budget(connection, BUDGET, BUDGET_AMOUNT, self.clock.now_us())
        number_feed(self.hq.store, self.clock.now_us())

    # Running.

    def run(self) -> None:
        """All operations, in the midst of faults. Raises Broken."""
        actions, weights = zip(*self._actions(), *more_actions(self), strict=True)
        for _ in range(self.operations):
            self.clock.advance(self.random.choice((0.01, 0.5, 3, 40)))
            action = self.random.choices(actions, weights)[0]
            self.note(action.__name__.lstrip("_"))
            self._act(action)
            for _ in range(self.random.randrange(STEPS_PER_OPERATION_MAX)):
                self.step()

    def _act(self, action: Callable[[], None]) -> None:
        try:
            action()
        except StoreFull:
            self.note("disk full")

    def note(self, what: str) -> None:
        """One line of the trace."""
        self.trace.update(what.encode() + b"\n")

    def close(self) -> None:
        for place in self.places:
            place.close()
        self.hq.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _actions(self) -> list[tuple[Callable[[], None], float]]:
        return [
            (self._sell, 60),
            (self._connect, 22),
            (self._edit_client, 14),
            (self._edit_at_hq, 8),
            (self.import_catalogue, 3),
            (self._cut, 6),
            (self._crash_branch, 3),
            (self._crash_hq, 2),
            (self._copy_store, 3),
            (self._restore_branch, 2),
            (self._clone_branch, 0.7),
            (self._lose_branch, 0.7),
            (self.back_up_hq, 2),
            (self._restore_hq, 0.8),
            (self._lose_an_hour, 1),
            (self._poison, 1),
            (self._turn_clock, 2),
            (self._write_file, 2),
            (self._bring_file, 4),
            (self._fill_branch_disk, 1),
            (self._fill_hq_disk, 0.6),
            (self.change_zone, 2),
            (self._compact_feed, 4),
        ]

    # What people do.

    def _sell(self) -> None:
        self.keys += 1
        amount = self.random.randrange(1, 10_000)
        with_client = {"client": f"K{self.random.randrange(6)}"} if self.random.random() < 0.3 else {}
        self.sell_at(self.pick_place(), request(f"key{self.keys}", amount, **with_client))

    def sell_at(self, place: Place, asked: SaleRequest | RefundRequest) -> None:
        answer = central.sell(self, place, asked)
        if answer is not None:
            self.note_key(place, asked.key, answer)
        if answer is not None and place.is_alive:
            if place.answers.setdefault(asked.key, answer) != answer:
                raise Broken(f"{place.name} sold {asked.key} twice")
            place.committed.add(answer)
            self.grew(place)

    def note_key(self, place: Place, key: str, sale_id: bytes) -> None:
        """That store has made a sale of that key: perhaps it is committed, perhaps not."""
        self.sold_as[sale_id] = (place.name, key)

    def pass_time(self) -> None:
        """Others go on while somebody waits for an answer."""
        self.clock.advance(0.01)
        for _ in range(self.random.randrange(4)):
            self.step()

    def _edit_client(self) -> None:
        place = self.pick_place()
        with place.store.operation() as transaction:
            known = list(transaction.connection.execute(select(client.c.id).order_by(client.c.id)).scalars())
            name = f"Name {self.random.randrange(1_000)}"
            if known and self.random.random() < 0.8:
                edit_client(transaction, self.random.choice(known), {"name": name})
            else:
                external_id = f"K{self.random.randrange(6)}"
                if not any(transaction.connection.execute(select(client).where(client.c.external_id == external_id))):
                    add_client(transaction, {"external_id": external_id, "name": name})
        self.grew(place)

    def _edit_at_hq(self) -> None:
        self._edit_products([self.random.randrange(PRODUCTS)])

    def import_catalogue(self) -> None:
        self._edit_products([*range(PRODUCTS)])

    def _edit_products(self, numbers: list[int]) -> None:
        with self.hq.store.write() as connection:
            for number in numbers:
                self._edit_product(connection, f"S{number}")
        self.tell_feed(number_feed(self.hq.store, self.clock.now_us()).position)

    def _edit_product(self, connection: Connection, sku: str) -> None:
        zone = self.random.choice(ZONES)
        product_id = derived_id("product", sku.encode())
        price_id = derived_id("price", product_id, zone.encode())
        price: dict[str, Value] = {
            "product_id": product_id,
            "zone": zone,
            "amount_minor": self.random.randrange(1, 999),
        }
        edit = HqEdit(connection, self.hq.ids, self.clock.now_us())
        product: dict[str, Value] = {"sku": sku, "name": f"{sku} {self.random.randrange(99)}"}
        prepared = [edit.prepare(RecordKind.PRODUCT, product_id, product)]
        prepared.append(edit.prepare(RecordKind.PRICE, price_id, price))
        audience = audience_of_zone(zone)
        edit.apply([each for each in prepared if each], {product_id: EVERYONE, price_id: audience})

    def change_zone(self, place: Place | None = None) -> None:
        code = (place or self.pick_place()).row.code
        with self.hq.store.write() as connection:
            zone = self.random.choice(ZONES)
            change_branch(connection, self.hq.ids, self.clock.now_us(), code, price_zone=zone)
        self.tell_feed(number_feed(self.hq.store, self.clock.now_us()).position)

    def _compact_feed(self) -> None:
        """HQ folds some rows of its feed, as it does by itself in quiet hours."""
        compact_some(self.hq.store)

    def _poison(self) -> None:
        """A newer release at the branch records a kind that HQ does not know yet."""
        place = self.pick_place()
        with place.store.operation() as transaction:
            transaction.record(POISON_KIND, transaction.ids.new_id(), b"from the future")
        self.poisoned += 1
        self.grew(place)

    # What goes wrong.

    def _connect(self) -> None:
        self.connect_to(self.pick_place())

    def connect_to(self, place: Place) -> None:
        if place.link is None or place.link.is_over:
            if place.link is not None:
                place.link.cut()
            place.link = self.new_link(place)

    def _cut(self) -> None:
        place = self.pick_place()
        if place.link is not None:
            self.end(place)

    def _crash_branch(self) -> None:
        place = self.pick_place()
        self.abandon(place)
        place.reopen()

    def _crash_hq(self) -> None:
        for place in self.places:
            self.abandon(place)
        self.hq.restart()

    def _copy_store(self) -> None:
        place = self.pick_place()
        self.names += 1
        self.copies.append((place, place.snapshot(f"copy{self.names}"), set(place.committed)))

    def _restore_branch(self) -> None:
        """The disk broke; an old copy takes the store's place."""
        mine = [copy for copy in self.copies if copy[0].is_alive]
        if not mine:
            return
        place, path, committed = self.random.choice(mine)
        self._replace_place(place, self._from_copy(place, path, committed))

    def _clone_branch(self) -> None:
        """A copy of the disk is started beside the store."""
        if len(self.places) >= BRANCHES + 2:
            return
        place = self.pick_place()
        self.names += 1
        path = place.snapshot(f"copy{self.names}")
        clone = self._from_copy(place, path, set(place.committed))
        clone.contacts = place.contacts = 0
        self.places.append(clone)
        self.clones.append((place, clone))

    def _lose_branch(self) -> None:
        """The disk is gone; the branch is enrolled anew with --replace."""
        place = self.pick_place()
        if any(other.row.id == place.row.id and other is not place for other in self.places):
            return
        with self.hq.store.write() as connection:
            expect_replacement(connection, place.row.id)
        self.replaced.add(place.row.id)
        self._replace_place(place, self._enrol(place.row, replace=True))

    def back_up_hq(self) -> None:
        self.names += 1
        self.clock.advance(1)
        self.hq_backups.append((self.hq.snapshot(f"backup{self.names}"), set(self.acknowledged)))
        with self.hq.store.write() as connection:
            now_us = self.clock.now_us()
            note_backup(connection, self.hq.ids, now_us, False, now_us)

    def _restore_hq(self) -> None:
        if not self.hq_backups:
            return
        # Older ones than the second-newest are gone: that is what branches prune by.
        self.put_back(self.random.choice(self.hq_backups[-2:]))

    def _lose_an_hour(self) -> None:
        """HQ loses what came after a backup, and a branch has taken some of it."""
        self.back_up_hq()
        place = self.pick_place()
        self.import_catalogue()
        self.random.choice((self._compact_feed, partial(self.change_zone, place)))()
        self.import_catalogue()
        self.connect_to(place)
        for _ in range(self.random.randrange(30)):
            self.step()
        self.put_back(self.hq_backups[-1])

    def put_back(self, chosen: tuple[str, set[bytes]]) -> None:
        backup, acknowledged = chosen
        # What came after it is no backup of this life of HQ; what came before it was not the second-newest any more.
        self.hq_backups = [chosen]
        for place in self.places:
            self.abandon(place)
        self.reckoner.before_hq_loses(self.hq.store)
        self.hq.restore(backup)
        self.acknowledged = set(acknowledged)
        self.hq_restores += 1

    def _turn_clock(self) -> None:
        place = self.pick_place()
        place.clock.skew_us = int(self.random.choice((0, 0, 0, 30, -30, -3_000, 4_000, 90_000)) * 1_000_000)

    def _fill_branch_disk(self) -> None:
        """Nothing more can be written, until somebody makes room and starts the program again."""
        self.pick_place().fill_disk()

    def _fill_hq_disk(self) -> None:
        self.hq.fill_disk()

    # Files.

    def _write_file(self) -> None:
        """Somebody writes a carry file, at the branch or at HQ."""
        place = self.pick_place()
        self.files.append(carry.write_up(place) if self.random.random() < 0.6 else carry.write_down(self.hq, place))

    def _bring_file(self) -> None:
        """It arrives: late, twice, in the wrong order, at a store that is another by now."""
        if not self.files:
            return
        file = self.random.choice(self.files)
        receivers = [place for place in self.places if place.row.id == file.branch_id]
        try:
            if file.is_to_hq:
                self._remember_acknowledged(carry.take_at_hq(self.hq, file))
                self.tell_feed(number_feed(self.hq.store, self.clock.now_us()).position)
            else:
                carry.take_at_branch(self.random.choice(receivers), file)
        except FilialError as error:
            self.note(f"file {error.reason}")

    # Streams.

    def step(self) -> None:
        """One step of one stream, or a fault in it."""
        streaming = [place for place in self.places if place.link is not None and not place.link.is_over]
        if not streaming:
            return
        place = self.random.choice(streaming)
        link = place.link
        assert link is not None
        steps = link.ready()
        if not steps:
            if self.random.random() < 0.2:
                link.branch.tick(self._now_ms())
            return
        step = self.random.choice(steps)
        queue = {"to_hq": link.to_hq, "to_branch": link.to_branch}.get(step)
        if self.faults and queue is not None and self.random.random() < FAULTY * len(queue):
            self._disturb(queue)
            return
        self.do(place, link, step)

    def do(self, place: Place, link: Link, step: str) -> None:
        self.steps += 1
        self.note(f"{place.name} {step}")
        try:
            link.do(step)
        except FilialError as error:
            self.note(error.reason)
            self.end(place)
        violation = link.hq_finish is not None and link.hq_finish.reason is HqFinishReason.VIOLATION
        if violation and not self.faults:
            raise Broken(f"HQ takes ill what {place.name} says: {link.hq_finish}")
        if link.finish is not None and link.finish.reason is FinishReason.REFUSED:
            self._note_refusal(place)

    def _disturb(self, queue: object) -> None:
        """A message is lost, comes twice, or is overtaken: no real stream does so, and none may be fooled by it."""
        waiting: list[bytes] = list(queue)  # type: ignore[call-overload]
        queue.clear()  # type: ignore[attr-defined]
        match self.random.randrange(3):
            case 0:
                waiting.pop(0)
            case 1:
                waiting.insert(0, waiting[0])
            case 2:
                self.random.shuffle(waiting)
        queue.extend(waiting)  # type: ignore[attr-defined]
        self.note("disturbed")

    def new_link(self, place: Place) -> Link:
        place.contacts += 1
        link = Link(place.worker, self.hq.gateway, place.peer, self._now_ms, self.tell_feed, CREDITS)
        link.on_merged = self._remember_acknowledged
        link.branch.record_pass_wanted(place.store.node()[1].head.seq)
        return link

    def _now_ms(self) -> int:
        return int(self.clock.monotonic() * 1_000)

    def _remember_acknowledged(self, entries: tuple[bytes, ...]) -> None:
        for data in entries:
            records = open_entry(data).records
            self.acknowledged |= {record.record_id for record in records if record.kind in RECEIPTS}

    def tell_feed(self, position: int) -> None:
        for place in self.places:
            if place.link is not None and not place.link.is_over:
                place.link.hq.record_feed_head(position)

    def grew(self, place: Place) -> None:
        if place.link is not None and not place.link.is_over:
            place.link.branch.record_appended(place.store.node()[1].head.seq)

    def end(self, place: Place) -> None:
        """The connection breaks, and HQ notices."""
        if place.link is not None:
            place.link.cut()
            place.link = None

    def abandon(self, place: Place) -> None:
        """One side died: nobody notices anything."""
        place.link = None

    def _note_refusal(self, place: Place) -> None:
        with self.hq.store.read() as connection:
            if read_cursor(connection, place.row.id).quarantine is not None:
                self.quarantines += 1
                self.note("quarantine")
            else:
                self.strangers.add(place.row.code)

    # Places.

    def pick_place(self) -> Place:
        return self.random.choice(self.places)

    def _enrol(self, row: object, replace: bool) -> Place:
        self.names += 1
        name = f"store{self.names}"
        return enrol(self.hq, row, name, SeededIds(self.clock, self.random.randrange(2**32)), replace)  # type: ignore[arg-type]

    def _from_copy(self, place: Place, path: Path, committed: set[bytes]) -> Place:
        self.was_copied = True
        self.names += 1
        own = path.with_name(f"store{self.names}.db")
        shutil.copy(path, own)
        ids = SeededIds(self.clock, self.random.randrange(2**32))
        copy = Place(f"store{self.names}", place.row, own, type(place.clock)(self.clock), ids, set(committed))
        return place.tell_copy(copy, path)

    def _replace_place(self, old: Place, new: Place) -> None:
        self.abandon(old)
        old.is_alive = False
        old.close()
        self.places[self.places.index(old)] = new
        self.clones = [pair for pair in self.clones if old not in pair]
