"""What shops do with clients who may be erased at any moment: every word typed of a client names the client, cards are
merged and parted as the pages do it, clients change hands with their tasks, one by one or all of an employee's.

In every twelfth world from seed 410 on, beside what clients' and erasures' worlds do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Connection, select

from branch_node.operations import client_merging as merging_here
from branch_node.operations import hand_over as handing_over_here
from branch_node.operations.committing import Commit, Wanted, WantedEdit, WantedFact
from branch_node.storage.sync_state import read_sync_state
from branch_node.storage.transaction import BranchTransaction
from hq_server.operations import hand_over as handing_over
from hq_server.operations.client_merging import ClientMerging
from hq_server.operations.people import Personnel, Placement
from hq_server.storage.feed import number_feed, read_head
from hq_server.storage.hand_over_tables import hand_over
from shared.domain.branch_facts import BranchFact
from shared.domain.business_time import local_moment
from shared.domain.cards import Value
from shared.domain.interactions import Interaction, KeyPoint
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.domain.records import RecordKind
from shared.errors import FilialError
from shared.storage.erasing import aliases_of
from shared.storage.tables import client
from tests.simulation.client_actions import ClientBase
from tests.simulation.erasure_actions import erase, secret_of
from tests.simulation.merge_laws import Shown, ShownFields, beside_at, require_both_back, shown_at
from tests.simulation.places import Place, Typed

if TYPE_CHECKING:
    from tests.simulation.world import World

Result = TypeVar("Result")

PERSONS_FROM, PERSONS_EVERY = 410, 12
CLIENTS_AT_FIRST = 9
STEPS_TO_LOSE_MAX, PRODUCTS_TAKEN = 200, 5
CODES = ("anna", "boris", "vera")
CANARIES = ("name", "note", "address", "preferences", "quote", "title")


def has_persons(seed: int) -> bool:
    """Whether clients are merged, parted, handed over and erased in one world."""
    return seed >= PERSONS_FROM and seed % PERSONS_EVERY == PERSONS_FROM % PERSONS_EVERY


def canary_of(client_id: bytes, what: str) -> str:
    """A word that is typed of that client only."""
    return f"{what}-{client_id[6:].hex()}"


def person_actions(world: World) -> list[tuple[Callable[[], None], float]]:
    """The actions, with their weights beside those of `World`; hires whoever looks after clients."""
    people = Persons(world)
    people.hire()
    for _ in range(CLIENTS_AT_FIRST):
        people.meet()
    return [
        (people.meet, 10),
        (people.write, 50),
        (people.call, 40),
        (people.give_task, 20),
        (people.work_on_task, 14),
        (people.merge, 26),
        (people.merge_at_hq, 8),
        (people.part, 8),
        (people.hand_over, 12),
        (people.hand_over_employee, 3),
        (people.end_hand_over, 2),
        (people.write_letter, 8),
        (people.send_letters, 4),
        (people.erase, 10),
        (people.lose_a_zone, 4),
    ]


class Persons(ClientBase):
    """The people who do it, in one world."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        # By place and merged card: into which, and what both showed before the merge and after it.
        self._merges: dict[tuple[str, bytes], tuple[bytes, Shown, Shown]] = {}

    def hire(self) -> None:
        """Employees who work at every branch."""
        world = self._world
        branches = tuple(place.row.code for place in world.places)
        with world.hq.store.write() as connection:
            personnel = Personnel(connection, world.hq.ids, world.clock.now_us())
            self.employees = tuple(
                personnel.hire(code, code.title(), Placement("sales_rep", branches)) for code in CODES
            )
        self._tell()

    def _typed_into(self, client_id: bytes) -> dict[str, Value]:
        chance = self._world.random
        match chance.randrange(6):
            case 0:
                return {"phones": (secret_of(client_id),)}
            case 1:
                return super()._typed_into(client_id)
            case _:
                field = chance.choice(CANARIES[:4])
                return {field: f"{self._text()} {canary_of(client_id, field)}"}

    def meet(self) -> None:
        """A new client, whose card names him from the first."""
        place = self._world.pick_place()
        client_id = place.ids.new_id()
        name: dict[str, Value] = {
            "name": f"{self._text()} {canary_of(client_id, 'name')}",
            "phones": (secret_of(client_id),),
        }
        self._commit(place, lambda _: Wanted(edits=(WantedEdit(RecordKind.CLIENT, client_id, name),)))

    def write(self) -> None:
        """Somebody types into a card; what the store says that it has, the place remembers."""
        place = self._world.pick_place()
        client_id = self._pick(place, client)
        if client_id is None:
            return
        typed: dict[str, Value] = {}

        def prepare(_: BranchTransaction) -> Wanted:
            typed.update(self._typed_into(client_id))
            return Wanted(edits=(WantedEdit(RecordKind.CLIENT, client_id, typed),))

        self._commit(place, prepare)
        if place.is_alive:
            shown = {name: value for name, (value, _) in shown_at(place, client_id).items()}
            texts = {name: text for name, text in typed.items() if isinstance(text, str) and shown.get(name) == text}
            place.typed += [Typed(client_id, name, str(text)) for name, text in texts.items()]

    def call(self) -> None:
        """A call, of which a quote is kept."""
        place = self._world.pick_place()
        client_id = self._pick(place, client)
        if client_id is None:
            return

        def prepare(transaction: BranchTransaction) -> Wanted:
            moment = local_moment(transaction.now_us, transaction.node.timezone)
            quote = KeyPoint(quote=f"{self._text()} {canary_of(client_id, 'quote')}")
            task_id = transaction.ids.new_id()
            fact: BranchFact = Interaction(
                client_id,
                "call",
                "out",
                "anna",
                moment,
                secret_of(client_id),
                True,
                points=(quote,),
                next_task_id=task_id,
            )
            step = self._task(transaction, task_id, client_id)
            step = step._replace(changes={**step.changes, "title": canary_of(client_id, "title")})
            return Wanted(self.employees[0], (step,), (WantedFact(transaction.ids.new_id(), fact),))

        self._commit(place, prepare)

    def merge(self) -> None:
        """Two cards are said to be one client, as the page does it: what the survivor lacks is taken from the other."""
        place = self._world.pick_place()
        one, other = self._pick(place, client), self._pick(place, client)
        if one is None or other is None or one == other:
            return
        chosen = self._world.random.sample(CANARIES[:4], 2)
        before = Shown(shown_at(place, one), shown_at(place, other))
        self._do(
            place,
            lambda commit: merging_here.merge(place.store, commit, LOCAL_ADMINISTRATOR, one, other, chosen),
        )
        if place.is_alive and _is_merged(place, other, one) and not _is_merged_in(before.loser):
            self._merges[place.name, other] = one, before, Shown(shown_at(place, one), shown_at(place, other))

    def merge_at_hq(self) -> None:
        """The head office merges two of those it knows."""
        with self._world.hq.store.read() as connection:
            known = list(connection.execute(select(client.c.id).order_by(client.c.id)).scalars())
        if len(known) > 1:
            one, other = self._world.random.sample(known, 2)
            self._at_hq(
                lambda connection, now_us: ClientMerging(connection, self._world.hq.ids, now_us).merge(one, other)
            )

    def part(self) -> None:
        """A merge is taken back, as the page does it."""
        place = self._world.pick_place()
        loser = self._pick_merged(place)
        if loser is None:
            return
        with place.store.read() as connection:
            self._world.reckoner.parted |= aliases_of(connection, loser)
        made = self._merges.pop((place.name, loser), None)
        if made is not None and not _is_merged(place, loser, made[0]):
            made = None  # another branch has merged the card into a third since, and that is what is taken back
        survivor, merging, merged = made or (loser, Shown({}, {}), Shown({}, {}))
        before, steps = Shown(shown_at(place, survivor), shown_at(place, loser)), self._world.steps
        beside = {"survivor": beside_at(place, survivor), "loser": beside_at(place, loser)}
        self._do(place, lambda commit: merging_here.unmerge(commit, LOCAL_ADMINISTRATOR, loser))
        if made is None or not place.is_alive or self._world.steps != steps:
            return
        after = Shown(shown_at(place, survivor), shown_at(place, loser))
        if after != before:
            require_both_back(merging, merged, before, after, beside)

    def _pick_merged(self, place: Place) -> bytes | None:
        with place.store.read() as connection:
            statement = select(client.c.id).where(client.c.merged_into.is_not(None)).order_by(client.c.id)
            merged = list(connection.execute(statement).scalars())
        return self._world.random.choice(merged) if merged else None

    def erase(self) -> None:
        """The head office erases somebody who has several cards, as far as it knows."""
        world = self._world
        with world.hq.store.read() as connection:
            rows = list(connection.execute(select(client.c.id, client.c.merged_into)))
        merged = {each for row in rows if row.merged_into for each in row} & {row.id for row in rows}
        if merged:
            erase(world, world.random.choice(sorted(merged)))

    def hand_over(self) -> None:
        """A client and the tasks about him, or all of an employee's, come into other hands; now and then it is taken
        back at once."""
        chance = self._world.random
        place = self._world.pick_place()
        giver, taker = chance.sample(self.employees, 2)
        client_id = self._pick(place, client)
        chosen = None if chance.random() < 0.2 or client_id is None else [client_id]
        takes_back = chance.random() < 0.3

        def act(commit: Commit) -> None:
            done = handing_over_here.hand_over(place.store, commit, LOCAL_ADMINISTRATOR, giver, taker, chosen)
            if takes_back and done.clients:
                handing_over_here.take_back(place.store, commit, LOCAL_ADMINISTRATOR, done.hand_over_id)

        if chosen is not None and client_id is not None:
            self._do(place, lambda commit: commit(lambda _: _owned_by(client_id, giver)))
        self._do(place, act)

    def hand_over_employee(self) -> None:
        """The head office hands over all that an employee looks after, and what arrives later of him."""
        giver, taker = self._world.random.sample(self.employees, 2)
        try:
            handing_over.hand_over_employee(self._change, self._world.hq.ids, giver, taker)
        except FilialError as error:
            self._world.note(error.reason)

    def end_hand_over(self) -> None:
        """What arrives of the predecessor stays his from now on."""
        with self._world.hq.store.read() as connection:
            held = select(hand_over.c.id).where(hand_over.c.ended_at.is_(None)).order_by(hand_over.c.id)
            holding = list(connection.execute(held).scalars())
        if holding:
            chosen = self._world.random.choice(holding)
            self._at_hq(lambda connection, now_us: handing_over.end_hand_over(connection, now_us, chosen))

    def lose_a_zone(self) -> None:
        """The head office moves a branch to another zone and loses that, while the branch has taken some of the feed
        that led there: what it took before must have been of the zone it was in."""
        world = self._world
        place = world.pick_place()
        with world.hq.store.read() as connection:
            before = read_head(connection).position
        world.import_catalogue()
        world.back_up_hq()
        world.change_zone(place)
        world.connect_to(place)
        for _ in range(STEPS_TO_LOSE_MAX):
            steps = place.link.ready() if place.link is not None else []
            if place.link is None or not steps or _feed_position(place) > before + PRODUCTS_TAKEN:
                break
            world.do(place, place.link, world.random.choice(steps))
        world.put_back(world.hq_backups[-1])

    def _at_hq(self, act: Callable[[Connection, int], object]) -> None:
        try:
            self._change(act)
        except FilialError as error:
            self._world.note(error.reason)

    def _change(self, act: Callable[[Connection, int], Result]) -> Result:
        world = self._world
        with world.hq.store.write() as connection:
            result = act(connection, world.clock.now_us())
        self._tell()
        return result

    def _tell(self) -> None:
        world = self._world
        world.tell_feed(number_feed(world.hq.store, world.clock.now_us()).position)


def _feed_position(place: Place) -> int:
    with place.store.read_cursor() as cursor:
        return read_sync_state(cursor).feed.position


def _owned_by(client_id: bytes, employee_id: bytes) -> Wanted:
    return Wanted(edits=(WantedEdit(RecordKind.CLIENT, client_id, {"owner_id": employee_id}),))


def _is_merged(place: Place, loser: bytes, survivor: bytes) -> bool:
    return shown_at(place, loser).get("merged_into", (None, b""))[0] == survivor


def _is_merged_in(fields: ShownFields) -> bool:
    return fields.get("merged_into", (None, b""))[0] is not None
