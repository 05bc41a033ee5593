"""A till that is killed while it works: what it is asked, in which order, and what must be there in the end.

A journey is a list of requests. Whoever asks – a browser, a program – has a memory of its own: what was answered is
noted outside the store, and after a death it repeats the request that had no answer, under the same id. All that was
answered before is asked again too, where a request has an id, and must be told the same. The end must be what a till
that was never killed comes to.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from branch_node.devices.escpos import require_profile
from branch_node.devices.payment_terminal import SimulatedTerminal
from branch_node.devices.print_queue import PrintQueue
from branch_node.devices.printers import SimulatedPrinter
from branch_node.operations.basket import recover_baskets
from branch_node.operations.sale_actions import Till as Standing
from branch_node.operations.till_audit import BASKET_KEY_PREFIX
from branch_node.storage.stock import compare_stock
from branch_node.storage.store import BranchStore
from branch_node.storage.transaction import ReceiptTexts
from branch_node.sync_client.processor import Processor
from hq_server.operations.founding import found_chain
from hq_server.storage.store import HqStore, connect_store
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from tests.support.clock import START_US, FakeClock, SeededIds
from tests.support.office import Office
from tests.support.pair import CentralWire, Node, Pair
from tests.support.schemas import write_hq_schema
from tests.support.shop import Shop

CODE, REGISTER, HQ_URL = "B1", "1", "sqlite:///hq.db"
SECONDS_BETWEEN_GENERATIONS = 5
"""Short: a basket being paid must not be opened again by its age alone."""

FACTS = (
    *("sale", "sale_line", "payment", "refund", "refund_line", "refund_payment", "shift_open", "shift_close"),
    *("shift_close_method", "cash_movement", "audit_entry", "stock_movement", "stock_movement_line", "loyalty_entry"),
    "budget_spend",
)
COMPARED = (
    *FACTS,
    *("stock_on_hand", "lease", "register", "idempotency_key", "intent", "basket", "basket_line", "basket_action"),
    "product_request",
)
VARYING = {"sale_answer", "trouble", "sale_asked", "revision", "inverse", "opened_by"}
"""Columns that hold ids or moments as text, or count how often somebody looked."""


@dataclass
class Till:
    """What a step works with. `told` is what was answered so far, by step."""

    folder: Path
    node: Node
    told: dict[str, Any]

    @property
    def store(self) -> BranchStore:
        return self.node.store

    @property
    def terminal(self) -> SimulatedTerminal:
        return terminal_of(self.folder)

    @property
    def standing(self) -> Standing:
        return Standing(self.store, LOCAL_ADMINISTRATOR, REGISTER)

    @property
    def processor(self) -> Processor:
        """The branch works alone, and its head office is away."""
        return self.node.line(CentralWire(self.node, "unreachable"))

    @property
    def basket_id(self) -> bytes:
        return bytes.fromhex(self.told["open"])

    def print_queue(self) -> PrintQueue:
        return PrintQueue(self.store, SimulatedPrinter(self.folder / "paper", 48), require_profile(48, "cp866"))


def terminal_of(folder: Path) -> SimulatedTerminal:
    """The terminal beside the till: it outlives every life."""
    return SimulatedTerminal(folder / "terminal")


class Step(NamedTuple):
    """One request. `repeats`: it has an id, and whoever asks again is told the same."""

    name: str
    do: Callable[[Till], Any]
    repeats: bool = True


class TillJourney(NamedTuple):
    """`prepare` is what was there before the killing began; `judge` looks at what is not in the store."""

    name: str
    steps: tuple[Step, ...]
    prepare: Callable[[Path], None] = lambda folder: None
    judge: Callable[[Till], None] = lambda till: None


def prepare_till(journey: TillJourney, fill: Callable[[Pair], Node], folder: Path) -> None:
    """Makes the two stores in an empty folder; `fill` makes the head office's goods and the branch, once for all."""
    base = folder.parent.with_name("till-base")
    if not base.exists():
        base.mkdir()
        _make_base(fill, base)
    shutil.copytree(base, folder, dirs_exist_ok=True)
    journey.prepare(folder)


def _make_base(fill: Callable[[Pair], Node], folder: Path) -> None:
    clock = FakeClock(START_US)
    ids = SeededIds(clock, 1)
    write_hq_schema(folder / "hq.db")
    store = connect_store(HQ_URL, folder, clock)
    pair = Pair(Office(store, clock, ids, found_chain(store, "Chain", "RUB", "Europe/Moscow", clock, ids)), folder)
    node = fill(pair)
    node.store.close()
    store.close()
    (folder / "told").touch()
    shutil.move(node.path, folder / "branch.db")
    for leftover in set(folder.glob("*.db*")) - {folder / "branch.db", folder / "hq.db"}:
        leftover.unlink()


def live_at_till(journey: TillJourney, folder: Path, generation: int) -> None:
    """One generation: asks what had no answer, and again what had one."""
    till = _reopen(folder, generation, None)
    if generation % 2 == 0:
        # Otherwise nobody has started the till anew: whoever asks finds the basket as it was left.
        recover_baskets(till.store)
    till.print_queue().recover()
    for step in journey.steps:
        if step.name not in till.told:
            _note(till, step.name, step.do(till))
        elif step.repeats:
            again = json.loads(json.dumps(step.do(till)))
            assert again == till.told[step.name], f"{step.name} was answered {till.told[step.name]}, then {again}"
    till.store.close()


def judge_till(journey: TillJourney, folder: Path, generation: int) -> None:
    """After a generation that came to its end: the store is what it is without deaths, and so is the head office."""
    till = _reopen(folder, generation, connect_store(HQ_URL, folder, _clock(generation)))
    assert list(till.told) == [step.name for step in journey.steps]
    with till.store.read_cursor() as cursor:
        assert compare_stock(cursor) == []
    journey.judge(till)
    found = _portrait(till)
    never_killed = folder.with_name(f"{folder.name}.never-killed")
    if never_killed.exists():
        right = json.loads(never_killed.read_text())
        differing = {name: (found[name], right[name]) for name in right if found[name] != right[name]}
        assert found == right, differing
    else:
        never_killed.write_text(json.dumps(found))
    node = till.node
    node.sync()
    assert node.pair.verify(CODE) == () == node.verify()
    with till.store.read_cursor() as here, node.pair.office.store.read() as connection:
        for table in FACTS:
            rows = here.execute(f"SELECT COUNT(*) FROM {table}").fetchone()
            assert rows == connection.exec_driver_sql(f"SELECT COUNT(*) FROM {table}").fetchone(), table
    till.store.close()
    node.pair.office.store.close()


def _portrait(till: Till) -> dict[str, Any]:
    """Everything but ids and moments, as JSON has it: rows by table, and the kinds of the journal's entries.

    The chain is checked on the way.
    """
    kinds = [[record.kind for record in entry.records] for entry in Shop(till.store, till.node.clock).entries()]
    found: dict[str, Any] = {"journal": kinds}
    with till.store.read_cursor() as cursor:
        for table in COMPARED:
            rows = cursor.execute(f"SELECT * FROM {table}")
            kept = [place for place, column in enumerate(rows.description) if _is_steady(column[0])]
            plain = [[_masked(row[place]) for place in kept] for row in rows.fetchall()]
            found[table] = sorted(plain, key=json.dumps)
        papers = "SELECT kind, register, state, COUNT(*) FROM print_job GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        found["papers"] = [list(row) for row in cursor.execute(papers).fetchall()]
    answers = json.loads(json.dumps(found))
    assert isinstance(answers, dict)
    return answers


def _masked(value: Any) -> Any:
    """A value without the id that it is or names."""
    if isinstance(value, bytes):
        return None
    return BASKET_KEY_PREFIX if isinstance(value, str) and value.startswith(BASKET_KEY_PREFIX) else value


def _is_steady(column: str) -> bool:
    return not column.endswith(("_at", "_us")) and column not in VARYING and column != "at"


def _clock(generation: int) -> FakeClock:
    clock = FakeClock(START_US)
    clock.advance((generation + 1) * SECONDS_BETWEEN_GENERATIONS)
    return clock


def _reopen(folder: Path, generation: int, hq: HqStore | None) -> Till:
    """The till as a program finds it. Without `hq` the head office is away."""
    clock = _clock(generation)
    ids = SeededIds(clock, 1_000 + generation)
    path = folder / "branch.db"
    branch = BranchStore(path, clock, ids, printing=ReceiptTexts("ru"))
    pair = Pair(Office(hq, clock, ids, None), folder)  # type: ignore[arg-type]
    return Till(folder, Node(pair, CODE, branch.node()[0].branch_id, path, branch), _told(folder))


# What was answered, outside the stores: durable before the next request begins.


def _note(till: Till, name: str, answer: Any) -> None:
    till.told[name] = json.loads(json.dumps(answer))
    with (till.folder / "told").open("a") as file:
        file.write(json.dumps([name, answer]) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _told(folder: Path) -> dict[str, Any]:
    return dict(json.loads(line) for line in (folder / "told").read_text().splitlines())
