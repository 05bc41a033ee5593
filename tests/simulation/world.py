"""A chain of shops for a few hundred operations, under faults drawn from a seed; then it heals, and is judged.

Everything that decides comes from `random.Random(seed)`: which operation, which step of which stream, which fault. Two
runs of one seed do the same in the same order; the trace's hash shows it.
"""

from __future__ import annotations

import hashlib
import random
import shutil
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import select

from branch_node.operations.clients import add_client, edit_client
from branch_node.operations.selling import sell
from hq_server.operations.editing import HqEdit
from hq_server.operations.fleet import add_branch, change_branch
from hq_server.operations.parked import retry_parked
from hq_server.operations.proposals import accept_proposals
from hq_server.storage.backups import note_backup
from hq_server.storage.branches import all_branches, branch_by_code, read_cursor
from hq_server.storage.feed import number_feed
from hq_server.storage.lives import expect_replacement, lives_of, name_heir
from shared.domain.cards import Value
from shared.domain.identifiers import derived_id
from shared.domain.records import RecordKind
from shared.errors import FilialError
from shared.storage.tables import card, client
from shared.sync.branch_commands import FinishReason
from shared.sync.hlc import is_plausible
from shared.sync.hq_session import FinishReason as HqFinishReason
from shared.wire.cards import decode_state
from shared.wire.entries import open_entry
from tests.simulation.places import Headquarters, Place, Templates, certify, enrol
from tests.support.clock import FakeClock, SeededIds
from tests.support.link import Link
from tests.support.shop import request

BRANCHES = 3
OPERATIONS = 220
STEPS_PER_OPERATION_MAX = 14
PASSES_TO_HEAL_MAX = 16
QUIET_ROUNDS = 3
STREAM_STEPS_MAX = 20_000
POISON_KIND = 999
FAULTY = 0.012
"""How likely one message on its way is lost, doubled, or overtaken."""


class Broken(AssertionError):
    """A promise was broken: the seed fails."""


def check_no_future(world: World) -> None:
    """No card at HQ holds an edit from a clock that is far ahead."""
    with world.hq.store.read() as connection:
        for kind, encoded in connection.execute(select(card.c.kind, card.c.state)):
            for name, field in decode_state(encoded).fields.items():
                if any(not is_plausible(version.stamp.hlc, world.clock.now_us()) for version in field.live):
                    raise Broken(f"{RecordKind(kind).name}.{name} holds an edit from the future")


class World:
    """One run."""

    def __init__(self, seed: int, folder: Path, templates: Templates, operations: int = OPERATIONS) -> None:
        self.random = random.Random(seed)
        self.folder, self.templates, self.operations = folder, templates, operations
        self.clock = FakeClock()
        self.ids = SeededIds(self.clock, seed)
        self.trace = hashlib.sha256()
        self.steps = 0
        self.faults = True
        self.names = 0
        self.keys = 0
        self.places: list[Place] = []
        self.copies: list[tuple[Place, Path, set[bytes]]] = []
        self.hq_backups: list[tuple[Path, set[bytes]]] = []
        # Sales that HQ has acknowledged and not lost since with its own disk.
        self.acknowledged: set[bytes] = set()
        self.clones: list[tuple[Place, Place]] = []
        self.quarantines = 0
        self.heirs_named: set[bytes] = set()
        self.strangers: set[str] = set()
        self.replaced: set[bytes] = set()
        self.poisoned = 0
        self.hq_was_restored = False
        self.hq = Headquarters(folder, templates, self.clock, SeededIds(self.clock, seed + 1))
        self.hq.gateway.start()
        for number in range(1, BRANCHES + 1):
            with self.hq.store.write() as connection:
                row = add_branch(connection, self.hq.ids, self.clock.now_us(), f"B{number}", None, None, "")
            certify(self.hq, row)
            self.places.append(self._enrol(row, replace=False))
        number_feed(self.hq.store, self.clock.now_us())

    # Running.

    def run(self) -> None:
        """All operations, then healing. Raises Broken."""
        actions, weights = zip(*self._actions(), strict=True)
        for _ in range(self.operations):
            self.clock.advance(self.random.choice((0.01, 0.5, 3, 40)))
            action = self.random.choices(actions, weights)[0]
            self.note(action.__name__.lstrip("_"))
            action()
            for _ in range(self.random.randrange(STEPS_PER_OPERATION_MAX)):
                self._step()
        self._heal()

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
            (self._edit_at_hq, 6),
            (self._cut, 6),
            (self._crash_branch, 3),
            (self._crash_hq, 2),
            (self._copy_store, 3),
            (self._restore_branch, 2),
            (self._clone_branch, 0.7),
            (self._lose_branch, 0.7),
            (self._back_up_hq, 2),
            (self._restore_hq, 0.8),
            (self._poison, 1),
            (self._turn_clock, 2),
            (self._change_zone, 1),
        ]

    # What people do.

    def _sell(self) -> None:
        place = self._place()
        self.keys += 1
        amount = self.random.randrange(1, 10_000)
        with_client = {"client": f"K{self.random.randrange(6)}"} if self.random.random() < 0.3 else {}
        with place.store.operation() as transaction:
            answer = sell(transaction, request(f"key{self.keys}", amount, **with_client))
        place.committed.add(answer.sale_id)
        self._grew(place)

    def _edit_client(self) -> None:
        place = self._place()
        with place.store.operation() as transaction:
            known = list(transaction.connection.execute(select(client.c.id).order_by(client.c.id)).scalars())
            name = f"Name {self.random.randrange(1_000)}"
            if known and self.random.random() < 0.8:
                edit_client(transaction, self.random.choice(known), {"name": name})
            else:
                external_id = f"K{self.random.randrange(6)}"
                if not any(transaction.connection.execute(select(client).where(client.c.external_id == external_id))):
                    add_client(transaction, {"external_id": external_id, "name": name})
        self._grew(place)

    def _edit_at_hq(self) -> None:
        sku = f"S{self.random.randrange(4)}"
        zone = self.random.choice(("", "east", "west"))
        product_id = derived_id("product", sku.encode())
        price_id = derived_id("price", product_id, zone.encode())
        price: dict[str, Value] = {
            "product_id": product_id,
            "zone": zone,
            "amount_minor": self.random.randrange(1, 999),
        }
        with self.hq.store.write() as connection:
            edit = HqEdit(connection, self.hq.ids, self.clock.now_us())
            product: dict[str, Value] = {"sku": sku, "name": f"{sku} {self.random.randrange(99)}"}
            prepared = [edit.prepare(RecordKind.PRODUCT, product_id, product)]
            prepared.append(edit.prepare(RecordKind.PRICE, price_id, price))
            audience = f"zone:{zone}" if zone else "all"
            edit.apply([each for each in prepared if each], {price_id: audience})
        self._tell_feed(number_feed(self.hq.store, self.clock.now_us()).position)

    def _change_zone(self) -> None:
        row = self.random.choice(self.places).row
        with self.hq.store.write() as connection:
            zone = self.random.choice(("", "east", "west"))
            change_branch(connection, self.hq.ids, self.clock.now_us(), row.code, price_zone=zone)
        self._tell_feed(number_feed(self.hq.store, self.clock.now_us()).position)

    def _poison(self) -> None:
        """A newer release at the branch records a kind that HQ does not know yet."""
        place = self._place()
        with place.store.operation() as transaction:
            transaction.record(POISON_KIND, transaction.ids.new_id(), b"from the future")
        self.poisoned += 1
        self._grew(place)

    # What goes wrong.

    def _connect(self) -> None:
        place = self._place()
        if place.link is None or place.link.is_over:
            if place.link is not None:
                place.link.cut()
            place.link = self._new_link(place)

    def _cut(self) -> None:
        place = self._place()
        if place.link is not None:
            self._end(place)

    def _crash_branch(self) -> None:
        place = self._place()
        self._abandon(place)
        place.reopen()

    def _crash_hq(self) -> None:
        for place in self.places:
            self._abandon(place)
        self.hq.restart()

    def _copy_store(self) -> None:
        place = self._place()
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
        place = self._place()
        self.names += 1
        path = place.snapshot(f"copy{self.names}")
        clone = self._from_copy(place, path, set(place.committed))
        clone.contacts = place.contacts = 0
        self.places.append(clone)
        self.clones.append((place, clone))

    def _lose_branch(self) -> None:
        """The disk is gone; the branch is enrolled anew with --replace."""
        place = self._place()
        if any(other.row.id == place.row.id and other is not place for other in self.places):
            return
        with self.hq.store.write() as connection:
            expect_replacement(connection, place.row.id)
        self.replaced.add(place.row.id)
        self._replace_place(place, self._enrol(place.row, replace=True))

    def _back_up_hq(self) -> None:
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
        chosen = self.random.choice(self.hq_backups[-2:])
        backup, acknowledged = chosen
        # What came after it is no backup of this life of HQ; what came before it was not the second-newest any more.
        self.hq_backups = [chosen]
        for place in self.places:
            self._abandon(place)
        self.hq.restore(backup)
        self.acknowledged = set(acknowledged)
        self.hq_was_restored = True

    def _turn_clock(self) -> None:
        place = self._place()
        place.clock.skew_us = int(self.random.choice((0, 0, 0, 30, -30, -3_000, 4_000, 90_000)) * 1_000_000)

    # Streams.

    def _step(self) -> None:
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
                link.branch.tick(int(self.clock.monotonic() * 1_000))
            return
        step = self.random.choice(steps)
        if self.faults and step in ("to_hq", "to_branch") and self.random.random() < FAULTY:
            self._disturb(link.to_hq if step == "to_hq" else link.to_branch)
            return
        self._do(place, link, step)

    def _do(self, place: Place, link: Link, step: str) -> None:
        self.steps += 1
        self.note(f"{place.name} {step}")
        try:
            link.do(step)
        except FilialError as error:
            self.note(error.reason)
            self._end(place)
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

    def _new_link(self, place: Place) -> Link:
        place.contacts += 1
        link = Link(
            place.worker, self.hq.gateway, place.peer, lambda: int(self.clock.monotonic() * 1_000), self._tell_feed
        )
        link.on_merged = self._remember_acknowledged
        link.branch.record_pass_wanted(place.store.node()[1].head.seq)
        return link

    def _remember_acknowledged(self, entries: tuple[bytes, ...]) -> None:
        for data in entries:
            records = open_entry(data).records
            self.acknowledged |= {record.record_id for record in records if record.kind == RecordKind.SALE}

    def _tell_feed(self, position: int) -> None:
        for place in self.places:
            if place.link is not None and not place.link.is_over:
                place.link.hq.record_feed_head(position)

    def _grew(self, place: Place) -> None:
        if place.link is not None and not place.link.is_over:
            place.link.branch.record_appended(place.store.node()[1].head.seq)

    def _end(self, place: Place) -> None:
        """The connection breaks, and HQ notices."""
        if place.link is not None:
            place.link.cut()
            place.link = None

    def _abandon(self, place: Place) -> None:
        """One side died: nobody notices anything."""
        place.link = None

    def _note_refusal(self, place: Place) -> None:
        with self.hq.store.read() as connection:
            if read_cursor(connection, place.row.id).quarantine is not None:
                self.quarantines += 1
                self.note("quarantine")
            else:
                self.strangers.add(place.row.code)

    # Healing.

    def _heal(self) -> None:
        """No more faults; clocks are set, an administrator decides what is his to decide; then all must be even."""
        self.faults = False
        self.note("heal")
        for place in self.places:
            self._end(place)
            place.clock.skew_us = 0
        check_no_future(self)
        self.clock.advance(600)
        quiet_rounds = 0
        uneven = list(self.places)
        for _ in range(PASSES_TO_HEAL_MAX):
            self._decide()
            # What one brings may concern another that was even already, and a copy shows only when both have spoken.
            uneven = [place for place in self.places if not self._pass(place)]
            quiet_rounds = 0 if uneven else quiet_rounds + 1
            if quiet_rounds == QUIET_ROUNDS:
                return
        raise Broken(f"not even after {PASSES_TO_HEAL_MAX} passes: {[place.name for place in uneven]}")

    def _pass(self, place: Place) -> bool:
        """One stream to its end; whether the store was even."""
        link = place.link = self._new_link(place)
        for _ in range(STREAM_STEPS_MAX):
            steps = link.ready()
            if not steps:
                if link.passes_done and link.finish is None:
                    link.branch.record_goodbye()
                    continue
                break
            self._do(place, link, self.random.choice(steps))
            if link.is_over and place.link is not link:
                return False
        else:
            raise Broken(f"a stream of {place.name} never comes to rest")
        even = link.passes_done > 0 and place.worker.wanted() == (None, False)
        self._end(place)
        return even

    def _decide(self) -> None:
        """What an administrator does when he looks: names heirs, lets a store in, takes proposals, retries."""
        self._decide_heirs()
        for code in sorted(self.strangers):
            with self.hq.store.write() as connection:
                row = branch_by_code(connection, code)
                expect_replacement(connection, row.id)
            self.replaced.add(row.id)
        self.strangers.clear()
        with self.hq.store.write() as connection:
            accept_proposals(connection, self.hq.ids, self.clock.now_us())
        self._retry_parked()

    def _decide_heirs(self) -> None:
        with self.hq.store.write() as connection:
            for row in all_branches(connection):
                if read_cursor(connection, row.id).quarantine is None:
                    continue
                mine = [place for place in self.places if place.row.id == row.id]
                heir = self.random.choice(mine).store.node()[1].incarnation
                if any(life.id == heir for life in lives_of(connection, row.id)):
                    name_heir(connection, row.id, heir)
                    self.heirs_named.add(row.id)
                    self.note(f"heir {row.code}")

    def _retry_parked(self) -> None:
        with self.hq.store.write() as connection:
            for row in all_branches(connection):
                retry_parked(self.hq.store, connection, row.id, self.clock.now_us())
        number_feed(self.hq.store, self.clock.now_us())

    # Places.

    def _place(self) -> Place:
        return self.random.choice(self.places)

    def _enrol(self, row: object, replace: bool) -> Place:
        self.names += 1
        name = f"store{self.names}"
        return enrol(self.hq, self.templates, row, name, SeededIds(self.clock, self.random.randrange(2**32)), replace)  # type: ignore[arg-type]

    def _from_copy(self, place: Place, path: Path, committed: set[bytes]) -> Place:
        self.names += 1
        own = path.with_name(f"store{self.names}.db")
        shutil.copy(path, own)
        ids = SeededIds(self.clock, self.random.randrange(2**32))
        return Place(f"store{self.names}", place.row, own, type(place.clock)(self.clock), ids, set(committed))

    def _replace_place(self, old: Place, new: Place) -> None:
        self._abandon(old)
        old.is_alive = False
        old.close()
        self.places[self.places.index(old)] = new
        self.clones = [pair for pair in self.clones if old not in pair]
