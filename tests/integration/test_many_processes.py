"""Several processes on one store: each makes progress while another runs flat out, and receipts have no gaps."""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.demo.chain import Branch
from tests.support.chains import Chain
from tests.support.commands import branch as filial_branch
from tests.support.commands import require_done
from tests.support.deadlines import wait_until
from tests.support.tills import asked_line, asked_lines
from tests.support.warm_programs import warm_programs

FLOOD = 60_000
SALES_BESIDE = 100
ANSWER_SECONDS_MAX = 2.0
TILLS = 4
SALES_EACH = 150


class Flood:
    """A `sell -` that is given more than it can sell, and sells as fast as it can until it is stopped."""

    def __init__(self, home: Path, folder: Path) -> None:
        given = folder / "flood.jsonl"
        given.write_text("\n".join(asked_lines((f"flood-{number}" for number in range(FLOOD)), register="1")))
        self.answers = folder / "answers.jsonl"
        with given.open("rb") as source, self.answers.open("wb") as target:
            command = ["branch_node", "--home", str(home), "sell", "-"]
            streams = source.fileno(), target.fileno(), 2
            self.process = warm_programs().start(command, os.environ, streams)
        wait_until(lambda: self.answers.stat().st_size > 0, "the flood to begin")

    def sold(self) -> int:
        with self.answers.open("rb") as file:
            return sum(1 for _ in file)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def flood(branch: Branch, tmp_path: Path) -> Iterator[Flood]:
    running = Flood(branch.home, tmp_path)
    yield running
    running.stop()


def test_a_till_beside_one_that_sells_flat_out_is_answered_soon(branch: Branch, flood: Flood) -> None:
    till = branch.selling()
    try:
        till.sell(asked_line("warm-up", register="2"))
        before = flood.sold()
        slowest = max(timed_sale(till.sell, f"beside-{number}") for number in range(SALES_BESIDE))
        assert flood.process.poll() is None, "the flood ended before the test did"
        assert flood.sold() > before, "the flood stood still"
    finally:
        till.close()
    assert slowest < ANSWER_SECONDS_MAX


def timed_sale(sell: object, key: str) -> float:
    assert callable(sell)
    started = time.monotonic()
    answer = sell(asked_line(key, register="2"))
    assert answer["status"] == "committed", answer
    return time.monotonic() - started


def test_a_pass_beside_a_till_that_sells_flat_out_ends_even(chain: Chain, branch: Branch, flood: Flood) -> None:
    status = require_done(filial_branch(branch.home, "sync", "run", "--timeout", "20", "--json")).document()
    assert flood.process.poll() is None, "the flood ended before the pass did"
    assert status["acknowledged_seq"] > 0
    assert len(chain.sales(branch.code)) > 0


def test_a_served_branch_keeps_up_with_a_till_that_sells_flat_out(chain: Chain, branch: Branch, flood: Flood) -> None:
    branch.serve()
    first = len(chain.wait_for_sales(branch.code, 1))
    chain.wait_for_sales(branch.code, first + 500)
    assert flood.process.poll() is None, "the flood ended before the test did"
    flood.stop()
    require_done(filial_branch(branch.home, "sync", "run"))
    require_gap_free(chain, branch)


def test_other_commands_answer_beside_a_till_that_sells_flat_out(branch: Branch, flood: Flood) -> None:
    require_done(filial_branch(branch.home, "report", "run", "sales", "--json"))
    require_done(filial_branch(branch.home, "client", "add", "--name", "Anna", "--external-id", "900"))
    require_done(filial_branch(branch.home, "shift", "open", "--register", "9", "--cashier", "anna"))
    assert flood.process.poll() is None, "the flood ended before the commands did"


def test_tills_that_share_registers_leave_no_gap_and_no_receipt_twice(chain: Chain, branch: Branch) -> None:
    branch.serve()
    problems: list[str] = []

    def run_till(name: int) -> None:
        lines = [
            asked_line(f"till-{name}-{number}", register=str(number % 2 + 1), cashier=f"cashier-{name}")
            for number in range(SALES_EACH)
        ]
        done = filial_branch(branch.home, "sell", "-", give="\n".join(lines))
        problems.extend(answer["reason"] for answer in map(json.loads, done.out.splitlines()) if "reason" in answer)

    threads = [threading.Thread(target=run_till, args=(name,)) for name in range(TILLS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    chain.wait_for_sales(branch.code, TILLS * SALES_EACH)
    require_gap_free(chain, branch)
    by_cashier = chain.office.ask("report", "run", "sales", "--branch", branch.code, "--by", "cashier")["rows"]
    assert {row[0]: row[1] for row in by_cashier} == {f"cashier-{name}": SALES_EACH for name in range(TILLS)}


def require_gap_free(chain: Chain, branch: Branch) -> None:
    """Receipts of each register are 1, 2, 3, … and none is there twice."""
    held = chain.sales(branch.code)
    counted = Counter(sale.receipt.partition("-")[0] for sale in held)
    expected = {f"{register}-{number:06}" for register, count in counted.items() for number in range(1, count + 1)}
    assert {sale.receipt for sale in held} == expected
    assert len(held) == len(expected)
    assert branch.ask("sync", "verify")["equal"]
