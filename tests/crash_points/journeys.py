"""What a branch and its head office live through while they are killed: each journey can be begun again at any time."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import func, select

from branch_node.operations.verification import verify_rows
from branch_node.storage.counters import count_acknowledged, read_counters
from branch_node.storage.store import BranchStore
from hq_server.operations.founding import found_chain
from hq_server.storage.branches import branch_by_code
from hq_server.storage.compaction import compact_feed
from hq_server.storage.counters import read_counters as hq_counters
from hq_server.storage.feed import number_feed
from hq_server.storage.store import connect_store
from shared.domain.identifiers import format_id
from shared.errors import StaleEdit
from shared.storage.tables import client, product, sale
from shared.sync.branch_commands import FinishReason
from shared.sync.messages import ProcessingMode, WhenUnreachable
from tests.support.clock import START_US, FakeClock, SeededIds
from tests.support.office import Office
from tests.support.pair import CentralWire, Node, Pair
from tests.support.schemas import write_hq_schema
from tests.support.shop import request

CODE = "B1"
HQ_URL = "sqlite:///hq.db"
NEW_KEYS = ("new-1", "new-2", "new-3")
SECONDS_BETWEEN_GENERATIONS = 1_000
STREAMS_MAX = 6


class Journey(NamedTuple):
    """How the two stores came to be as they are when the killing begins."""

    name: str
    prepare: Callable[[Pair], Node]


def _prepare_plain(pair: Pair) -> Node:
    """A branch that has sold and synchronised, and goes on."""
    node = pair.join(CODE)
    node.sell("old-1", "old-2")
    node.add_client("900", "Anna")
    pair.add_product("bread", "Хлеб")
    node.sync()
    return node


def _prepare_restored_branch(pair: Pair) -> Node:
    """The store is an older copy: it is re-homed, and takes back what it sold since."""
    node = _prepare_plain(pair)
    copy = node.copy("copy")
    node.sell("since-1", "since-2")
    node.sync()
    node.store.close()
    copy.sell("apart-1")
    return copy


def _prepare_lost_branch(pair: Pair) -> Node:
    """The store was lost: an empty one takes its place and takes everything back."""
    _prepare_restored_branch(pair).store.close()
    return pair.replace(CODE)


def _prepare_restored_hq(pair: Pair) -> Node:
    """HQ is an older copy: the branch sends again what it lost, and hands back HQ's own cards."""
    node = _prepare_plain(pair)
    backup = pair.backup_hq()
    node.sell("since-1", "since-2")
    pair.add_product("milk", "Молоко")
    node.sync()
    pair.restore_hq(backup)
    return node


def _prepare_refusing(pair: Pair) -> Node:
    """Every sale and every edit is committed at HQ first."""
    node = _prepare_plain(pair)
    pair.set_mode(CODE, ProcessingMode.CENTRALIZED, WhenUnreachable.REFUSE)
    node.sync()
    return node


def _prepare_falling_back(pair: Pair) -> Node:
    """The branch works through HQ, and goes on by itself when HQ does not answer."""
    node = _prepare_plain(pair)
    pair.set_mode(CODE, ProcessingMode.CENTRALIZED, WhenUnreachable.FALL_BACK)
    node.sync()
    return node


JOURNEYS = {
    journey.name: journey
    for journey in (
        Journey("plain", _prepare_plain),
        Journey("restored-branch", _prepare_restored_branch),
        Journey("lost-branch", _prepare_lost_branch),
        Journey("restored-hq", _prepare_restored_hq),
        Journey("centralized-refusing", _prepare_refusing),
        Journey("centralized-falling-back", _prepare_falling_back),
    )
}


def prepare(journey: Journey, folder: Path) -> None:
    """Makes the two stores, `branch.db` and `hq.db`, in an empty folder."""
    clock = FakeClock(START_US)
    ids = SeededIds(clock, 1)
    write_hq_schema(folder / "hq.db")
    store = connect_store(HQ_URL, folder, clock)
    pair = Pair(Office(store, clock, ids, found_chain(store, "Chain", "RUB", "Europe/Moscow", clock, ids)), folder)
    node = journey.prepare(pair)
    node.store.close()
    pair.office.store.close()
    (folder / "answers").touch()
    for leftover in set(folder.glob("*.db*")) - {node.path, folder / "hq.db"}:
        leftover.unlink()
    shutil.move(node.path, folder / "branch.db")


def live(folder: Path, generation: int) -> None:
    """One generation: sells, edits, synchronises. Whoever lived before may have been killed anywhere."""
    node = _reopen(folder, generation)
    node.pair.gateway.start()
    if generation % 2:
        # Otherwise the keys themselves find what a killed life has left undecided. At first nobody can be asked.
        node.line(CentralWire(node, "unreachable")).look_after()
        node.line().look_after()
    for key in NEW_KEYS:
        _answer(folder, key, _sell(node, key))
    _edit_client(node, f"Anna {generation}")
    for edit in "ab":
        node.pair.add_product("bread", f"Хлеб {generation}{edit}")
    compact_feed(node.pair.office.store)
    for _ in range(STREAMS_MAX):
        link = node.stream()
        number_feed(node.pair.office.store, node.clock.now_us())
        if link.passes_done:
            break
        assert link.finish is not None
        assert link.finish.reason is FinishReason.REHOMED, (link.finish, link.error)
    else:
        raise AssertionError("not even after many streams")
    node.store.close()
    node.pair.office.store.close()


def judge(folder: Path, generation: int) -> None:
    """After a generation that came to its end: the promise, on both sides."""
    node = _reopen(folder, generation)
    office = node.pair.office
    answers = _answers(folder)
    assert sorted(answers) == sorted(NEW_KEYS)
    assert all(len(sales) == 1 for sales in answers.values()), f"one key was sold twice: {answers}"
    at_hq = [row[0] for row in office.rows(select(sale.c.id))]
    with node.store.read() as connection:
        here = set(connection.execute(select(sale.c.id)).scalars())
        names = list(connection.execute(select(client.c.name)).scalars())
        products = list(connection.execute(select(product.c.name).order_by(product.c.name)).scalars())
        assert connection.execute(select(func.count(sale.c.command_id.distinct()))).scalar_one() == len(here)
    assert len(at_hq) == len(set(at_hq))
    assert set(at_hq) == here, f"{len(here - set(at_hq))} sales are not at HQ, {len(set(at_hq) - here)} not here"
    assert {next(iter(sales)) for sales in answers.values()} <= here
    assert names == [row[0] for row in office.rows(select(client.c.name))]
    assert set(node.pair.product_names()) <= set(products)
    assert verify_rows(node.store) == []
    with office.store.read() as connection:
        assert node.pair.verify(CODE) == ()
        theirs = hq_counters(connection, branch_by_code(connection, CODE).id)
    with node.store.write() as connection:
        cursor = connection.connection.cursor()
        while count_acknowledged(cursor):
            pass
        mine = read_counters(cursor)
    assert {k: v for k, v in mine.items() if v.records} == {k: v for k, v in theirs.items() if v.records}
    node.store.close()
    office.store.close()


def _reopen(folder: Path, generation: int) -> Node:
    clock = FakeClock(START_US)
    clock.advance((generation + 1) * SECONDS_BETWEEN_GENERATIONS)
    ids = SeededIds(clock, 1_000 + generation)
    store = connect_store(HQ_URL, folder, clock)
    pair = Pair(Office(store, clock, ids, None), folder)  # type: ignore[arg-type]
    with store.read() as connection:
        branch_id = branch_by_code(connection, CODE).id
    path = folder / "branch.db"
    return Node(pair, CODE, branch_id, path, BranchStore(path, clock, ids))


def _sell(node: Node, key: str) -> bytes:
    """Sells as the branch works; a policy that falls back meets a question whose answer is lost."""
    policy, mode = node.store.node()[0].when_unreachable, node.store.node()[0].mode
    falls_back = mode is ProcessingMode.CENTRALIZED and policy is WhenUnreachable.FALL_BACK
    wire = CentralWire(node, "answer lost" if falls_back and key == NEW_KEYS[1] else None)
    return node.line(wire).sell(request(key, 100, client="900")).sale_id


def _edit_client(node: Node, name: str) -> None:
    with node.store.read() as connection:
        known = connection.execute(select(client.c.id).where(client.c.external_id == "900")).first()
    if known is None:
        node.line().add_client({"external_id": "900", "name": name})
    else:
        try:
            node.line().edit_client(format_id(known[0]), {"name": name})
        except StaleEdit:
            # An edit of a killed life is at HQ: it is here too now, and the user decides again.
            node.line().edit_client(format_id(known[0]), {"name": name})


# What the cashier was told, outside the stores: durable before the next sale begins.


def _answer(folder: Path, key: str, sale_id: bytes) -> None:
    with (folder / "answers").open("a") as file:
        file.write(f"{key} {sale_id.hex()}\n")
        file.flush()
        os.fsync(file.fileno())


def _answers(folder: Path) -> dict[str, set[bytes]]:
    answers: dict[str, set[bytes]] = {}
    for line in (folder / "answers").read_text().splitlines():
        key, sale_id = line.split()
        answers.setdefault(key, set()).add(bytes.fromhex(sale_id))
    return answers
