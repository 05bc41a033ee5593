"""What shops of a simulated chain do with their clients: write into cards at the same time, call, give tasks, merge and
part cards, hand clients over, write letters that the head office sends.

Only in every sixth world from seed 305 on: the worlds before them stay what the table of ablations and the tests know.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from branch_node.operations.committing import Commit, Prepare, Wanted, WantedEdit, WantedFact
from branch_node.storage.transaction import BranchTransaction
from branch_node.sync_client.processor import Processor
from hq_server.operations.editing import HqEdit
from hq_server.storage.feed import number_feed
from shared.domain.branch_facts import BranchFact
from shared.domain.business_time import local_moment
from shared.domain.cards import Value
from shared.domain.identifiers import derived_id
from shared.domain.interactions import ClientTransfer, Interaction
from shared.domain.records import RecordKind
from shared.errors import FilialError
from shared.storage.tables import client, mail, task
from tests.simulation.central import ProcessDiedError, SimulatedWire
from tests.simulation.places import Place

if TYPE_CHECKING:
    from tests.simulation.world import World

CLIENTS_FROM, CLIENTS_EVERY = 305, 6
EMPLOYEES = tuple(derived_id("simulated-employee", code.encode()) for code in ("anna", "boris", "vera"))
TEXT_FIELDS = ("note", "preferences", "address", "name")


def has_clients(seed: int) -> bool:
    """Whether shops do so in a world."""
    return seed >= CLIENTS_FROM and seed % CLIENTS_EVERY == CLIENTS_FROM % CLIENTS_EVERY


def client_actions(world: World) -> list[tuple[Callable[[], None], float]]:
    """The actions, with their weights beside those of `World`."""
    people = ClientBase(world)
    return [
        (people.write, 40),
        (people.call, 40),
        (people.give_task, 16),
        (people.work_on_task, 14),
        (people.merge, 8),
        (people.part, 5),
        (people.hand_over, 10),
        (people.write_letter, 8),
        (people.send_letters, 4),
    ]


class ClientBase:
    """The people who do it, in one world."""

    employees: tuple[bytes, ...] = EMPLOYEES

    def __init__(self, world: World) -> None:
        self._world = world
        self._typed = 0

    def write(self) -> None:
        """Somebody types into a card: a text nobody has typed before, a phone, a tag, a wish."""
        place = self._world.pick_place()
        client_id = self._pick(place, client)
        if client_id is not None:
            self._commit(
                place,
                lambda _: Wanted(edits=(WantedEdit(RecordKind.CLIENT, client_id, self._typed_into(client_id)),)),
            )

    def _typed_into(self, client_id: bytes) -> dict[str, Value]:
        chance, text = self._world.random, self._text()
        match chance.randrange(6):
            case 0:
                return {"phones": (f"+7912{self._typed:07}",)}
            case 1:
                return {"tags": tuple(sorted(chance.sample(("vip", "old", "new", "cold"), 2)))}
            case 2:
                return {"do_not_contact": chance.random() < 0.5, "consent_advertising": chance.random() < 0.5}
            case _:
                return {chance.choice(TEXT_FIELDS): text}

    def call(self) -> None:
        """A call, now and then with a task that follows from it, in one entry."""
        world = self._world
        place = world.pick_place()
        client_id = self._pick(place, client)
        if client_id is None:
            return
        text, follows = self._text(), world.random.random() < 0.3

        def prepare(transaction: BranchTransaction) -> Wanted:
            moment = local_moment(transaction.now_us, transaction.node.timezone)
            task_id = transaction.ids.new_id() if follows else None
            fact: BranchFact = Interaction(
                client_id, "call", "out", "anna", moment, reached=True, body=text, next_task_id=task_id
            )
            edits = (self._task(transaction, task_id, client_id),) if task_id else ()
            return Wanted(self.employees[0], edits, (WantedFact(transaction.ids.new_id(), fact),))

        self._commit(place, prepare)

    def give_task(self) -> None:
        """A task about a client, due at any branch."""
        place = self._world.pick_place()
        client_id = self._pick(place, client)
        if client_id is None:
            return
        due_at = self._world.random.choice(self._world.places).row.id

        def prepare(transaction: BranchTransaction) -> Wanted:
            wanted = self._task(transaction, transaction.ids.new_id(), client_id)
            return Wanted(edits=(wanted._replace(changes={**wanted.changes, "branch_id": due_at}),))

        self._commit(place, prepare)

    def _task(self, transaction: BranchTransaction, task_id: bytes, client_id: bytes) -> WantedEdit:
        changes: dict[str, Value] = {
            "client_id": client_id,
            "title": self._text(),
            "state": "open",
            "branch_id": transaction.node.branch_id,
            "assignee_id": self._world.random.choice(self.employees),
        }
        return WantedEdit(RecordKind.TASK, task_id, changes)

    def work_on_task(self) -> None:
        """Somebody does a task, or gives it to somebody else, perhaps as another does the same."""
        chance = self._world.random
        place = self._world.pick_place()
        task_id = self._pick(place, task)
        changes: dict[str, Value] = {"state": chance.choice(("done", "in_progress", "cancelled"))}
        if chance.random() < 0.4:
            changes = {"assignee_id": chance.choice(self.employees), "note": self._text()}
        if task_id is not None:
            self._commit(place, lambda _: Wanted(edits=(WantedEdit(RecordKind.TASK, task_id, changes),)))

    def merge(self) -> None:
        """Two cards are said to be one client; others may say it the other way round meanwhile."""
        place = self._world.pick_place()
        one, other = self._pick(place, client), self._pick(place, client)
        if one is not None and other is not None and one != other:
            changes: dict[str, Value] = {"merged_into": other}
            self._commit(place, lambda _: Wanted(edits=(WantedEdit(RecordKind.CLIENT, one, changes),)))

    def part(self) -> None:
        """A merge is taken back."""
        place = self._world.pick_place()
        with place.store.read() as connection:
            statement = select(client.c.id).where(client.c.merged_into.is_not(None)).order_by(client.c.id)
            merged = list(connection.execute(statement).scalars())
        if merged:
            client_id = self._world.random.choice(merged)
            edit = WantedEdit(RecordKind.CLIENT, client_id, {"merged_into": None})
            self._commit(place, lambda _: Wanted(edits=(edit,)))

    def hand_over(self) -> None:
        """A client comes into other hands, with a fact that says so."""
        place = self._world.pick_place()
        client_id = self._pick(place, client)
        if client_id is None:
            return
        owner = self._world.random.choice(self.employees)

        def prepare(transaction: BranchTransaction) -> Wanted:
            moment = local_moment(transaction.now_us, transaction.node.timezone)
            fact: BranchFact = ClientTransfer(client_id, None, owner, transaction.ids.new_id(), "anna", moment)
            edit = WantedEdit(RecordKind.CLIENT, client_id, {"owner_id": owner})
            return Wanted(edits=(edit,), facts=(WantedFact(transaction.ids.new_id(), fact),))

        self._commit(place, prepare)

    def write_letter(self) -> None:
        place = self._world.pick_place()
        client_id = self._pick(place, client)
        if client_id is None:
            return
        changes: dict[str, Value] = {
            "client_id": client_id,
            "direction": "out",
            "subject": self._text(),
            "body": "Hello",
        }
        self._commit(
            place,
            lambda transaction: Wanted(edits=(WantedEdit(RecordKind.MAIL, transaction.ids.new_id(), changes),)),
        )

    def send_letters(self) -> None:
        """The head office sends what waits."""
        world = self._world
        with world.hq.store.write() as connection:
            waiting = self._waiting(connection)
            edit = HqEdit(connection, world.hq.ids, world.clock.now_us())
            prepared = [edit.prepare(RecordKind.MAIL, letter_id, {"state": "sent"}) for letter_id in waiting]
            edit.apply([each for each in prepared if each is not None])
        world.tell_feed(number_feed(world.hq.store, world.clock.now_us()).position)

    @staticmethod
    def _waiting(connection: Connection) -> list[bytes]:
        statement = select(mail.c.id).where(mail.c.state.is_(None)).order_by(mail.c.id).limit(3)
        return list(connection.execute(statement).scalars())

    def _pick(self, place: Place, table: object) -> bytes | None:
        """A card that is known there, if any is."""
        with place.store.read() as connection:
            ids = select(table.c.id).order_by(table.c.id)  # type: ignore[attr-defined]
            known: list[bytes] = list(connection.execute(ids).scalars())
        return self._world.random.choice(known) if known else None

    def _text(self) -> str:
        self._typed += 1
        return f"typed {self._typed}"

    def _commit(self, place: Place, prepare: Prepare) -> None:
        """Records it as the branch works at the moment; nobody asks again when it is refused or in doubt."""
        self._do(place, lambda commit: commit(prepare))

    def _do(self, place: Place, act: Callable[[Commit], object]) -> None:
        """Whatever somebody does with the client base, in one commit or several."""
        world = self._world
        processor = Processor(place.store, lambda: SimulatedWire(world, place))
        try:
            act(processor.commit)
        except ProcessDiedError:
            world.note("died")
            if place.is_alive:
                world.abandon(place)
                place.reopen()
        except FilialError as error:
            world.note(error.reason)
        if place.is_alive:
            world.grew(place)
