"""A till killed amid a basket: what was told is there, in order, and going on repeats nothing."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from random import Random

import pytest

from branch_node.operations import basket
from branch_node.storage.store import BranchStore
from shared.clock import SystemClock, SystemIds
from tests.support.basket_desk import learn_goods
from tests.support.scanning import REGISTER, code_number
from tests.support.shop import Shop
from tests.support.warm_programs import start_warm

SCANS = 50


def scan_until(home: Path, told_max: int) -> int:
    """Runs the till until it has told so many scans, kills it, and returns how many it had told."""
    process = start_warm(["tests.support.scanning", str(home), str(SCANS)], os.environ, subprocess.DEVNULL)
    assert process.stdout is not None
    told = 0
    while told < told_max and process.stdout.readline():
        told += 1
    process.send_signal(signal.SIGKILL)
    told += len(process.stdout.read().splitlines())
    process.wait()
    return told


@pytest.mark.parametrize("seed", range(2))
def test_killed_amid_a_basket_it_has_what_was_told_or_one_line_more(branch_store: BranchStore, seed: int) -> None:
    shop = Shop(branch_store, branch_store.clock)  # type: ignore[arg-type]
    for number in range(SCANS):
        learn_goods(shop, code_number(number), 100 + number)
    with branch_store.read_cursor() as cursor:
        home = Path(cursor.execute("PRAGMA database_list").fetchone()[2]).parent
    branch_store.close()
    random, least = Random(seed), 0
    while least < SCANS:
        told = scan_until(home, min(SCANS, least + random.randint(1, SCANS // 3)))
        # A process that comes after tells again what its predecessors told.
        least = max(least, told)
        store = BranchStore(home / "branch.db", SystemClock(), SystemIds())
        basket_id = basket.current_basket(store, REGISTER)
        assert basket_id is not None
        skus = [line.sku for line in basket.view(store, basket_id).lines]
        store.close()
        assert skus == [code_number(number) for number in range(len(skus))]
        assert least <= len(skus) <= max(least, told + 1)
        least = len(skus)
