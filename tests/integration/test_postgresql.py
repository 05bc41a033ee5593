"""A head office on PostgreSQL: three branches at once, imports, conflicting edits, rollups, several workers."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from deploy.demo.chain import Branch
from tests.support.chains import Chain
from tests.support.commands import Finished, require_done, require_refusal
from tests.support.commands import branch as filial_branch
from tests.support.commands import hq as filial_hq
from tests.support.deadlines import wait_until
from tests.support.tills import asked_line

CODES = ("North", "South", "West")
SALES_EACH = 120
GONE_SECONDS_MAX = 15.0
PRODUCTS = [
    '{"sku": "bread", "name": "Хлеб", "category": "bakery", "price": "42.50"}',
    '{"sku": "milk", "name": "Молоко", "category": "dairy", "price": "89.90"}',
]
CLIENTS = ['{"external_id": "900", "name": "Anna Petrova", "phone": "+7 912 345-67-89"}']


@pytest.fixture
def served(postgresql_chain: Chain) -> Chain:
    """A served chain on PostgreSQL with a small catalogue and one client."""
    chain = postgresql_chain
    assert chain.office.import_lines("catalog", PRODUCTS)["refused"] == 0
    assert chain.office.import_lines("client", CLIENTS)["refused"] == 0
    chain.serve()
    return chain


def at_once(branches: list[Branch], *command: str, give: str | None = None) -> list[Finished]:
    """Runs one command in every branch at the same time."""
    results: dict[str, Finished] = {}

    def run(branch: Branch) -> None:
        results[branch.code] = filial_branch(branch.home, *command, give=give)

    threads = [threading.Thread(target=run, args=(branch,)) for branch in branches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [require_done(results[branch.code]) for branch in branches]


def sales_by_price_list() -> str:
    """Sales whose amounts the catalogue decides."""
    lines = [{"sku": "bread", "quantity": 2}, {"sku": "milk", "quantity": 0.5}]
    paid = [{"method": "card", "amount_minor": 8_500 + 4_495}]
    return "\n".join(
        asked_line(f"sale-{number}", lines=lines, payments=paid, client="900") for number in range(SALES_EACH)
    )


def test_three_branches_live_through_a_day_at_the_same_time(served: Chain) -> None:
    branches = [served.join(code) for code in CODES]
    at_once(branches, "sync", "run")
    at_once(branches, "sell", "-", give=sales_by_price_list())
    at_once(branches, "sync", "run")
    require_consolidated(served, branches)
    conflict = edit_one_client_in_two_branches(served, branches)
    assert {conflict["older"]["value"], conflict["newer"]["value"]} == {"Anna of North", "Anna of South"}
    assert {conflict["older"]["branch"], conflict["newer"]["branch"]} == {"North", "South"}
    require_one_name_everywhere(served, branches)
    require_sound(served)
    served.office.run("db", "rebuild-rollups")
    assert served.office.ask("db", "rebuild-rollups", "--compare")["equal"]


def require_consolidated(chain: Chain, branches: list[Branch]) -> None:
    """HQ's report of every branch is the branch's own."""
    by = ("--by", "branch", "--by", "category", "--by", "client")
    whole = chain.office.ask("report", "run", "sales", *by)
    parts = [row for branch in branches for row in branch.ask("report", "run", "sales", *by)["rows"]]
    assert sorted(whole["rows"]) == sorted(parts)
    assert whole["totals"]["receipts"] == len(CODES) * SALES_EACH
    assert whole["totals"]["net"] == len(CODES) * SALES_EACH * 12_995
    assert {row[1] for row in whole["rows"]} == {"bakery", "dairy"}
    assert all(known["complete"] for known in whole["completeness"]["branches"])
    for branch in branches:
        assert len(chain.sales(branch.code)) == SALES_EACH


def edit_one_client_in_two_branches(chain: Chain, branches: list[Branch]) -> dict[str, Any]:
    """Two edits that did not see each other; the conflict that HQ lists once the branches are served."""
    for branch in branches[:2]:
        branch.run("client", "edit", "900", "--name", f"Anna of {branch.code}")
    before = {branch.code: chain.cursor(branch.code).acknowledged_seq for branch in branches[:2]}
    for branch in branches:
        branch.serve()
    for code, seq in before.items():
        wait_until(lambda code=code, seq=seq: chain.cursor(code).acknowledged_seq > seq, "the edit")  # type: ignore[misc]
    (conflict,) = chain.office.ask("sync", "conflicts")["conflicts"]
    assert conflict["field"] == "name"
    found: dict[str, Any] = conflict
    return found


def require_one_name_everywhere(chain: Chain, branches: list[Branch]) -> None:
    shown = chain.office.ask("client", "show", "900")["name"]
    assert shown in ("Anna of North", "Anna of South")
    for branch in branches:
        wait_until(lambda home=branch.home: client_name(home) == shown, "the name in every branch")  # type: ignore[misc]
    assert branches[2].ask("client", "show", "900")["name"] == shown


def client_name(home: Path) -> str | None:
    """The name that a branch's store shows."""
    with closing(sqlite3.connect(home / "branch.db")) as store:
        row = store.execute("SELECT name FROM client WHERE external_id = '900'").fetchone()
    return row[0] if row else None


def require_sound(chain: Chain) -> None:
    """Rollups agree with the facts, rebuilt or not; schema and chains are whole."""
    assert chain.office.ask("db", "rebuild-rollups", "--compare")["equal"]
    assert chain.office.ask("db", "check")["sound"]
    assert chain.office.ask("sync", "verify")["equal"]


def test_a_database_that_holds_a_chain_is_not_founded_again(served: Chain, tmp_path: Path) -> None:
    url = (served.office.home / "hq.toml").read_text().split('"')[1]
    require_refusal(filial_hq(tmp_path / "second", "init", "--database", url), "already")
    assert not (tmp_path / "second" / "hq.toml").exists()


def test_several_workers_need_a_fixed_port_and_postgresql(served: Chain, chain: Chain) -> None:
    ask = ("serve", "--workers", "2", "--web", "127.0.0.1:0", "--grpc")
    require_refusal(filial_hq(served.office.home, *ask, "127.0.0.1:0"), "port")
    require_refusal(filial_hq(chain.office.home, *ask, "127.0.0.1:0"), "postgresql")


class TestWorkers:
    @pytest.fixture
    def pair(self, postgresql_chain: Chain) -> Iterator[Chain]:
        """A chain served by two processes on one port."""
        chain = postgresql_chain
        chain.port = free_port()
        chain.office.serve("--workers", "2", port=chain.port)
        yield chain
        workers = children(server_pid(chain)) if chain.office.serving else []
        chain.office.stop()
        for pid in workers:
            assert not is_running(pid), "a worker outlived the server that was told to stop"

    def test_two_workers_serve_branches_that_live_at_the_same_time(self, pair: Chain) -> None:
        wait_until(lambda: len(children(server_pid(pair))) == 1, "the second worker")
        branches = [pair.join() for _ in range(4)]
        for branch in branches:
            branch.serve()
        for branch in branches:
            pair.wait_online(branch.code)
        self.require_told_of_an_import(pair, branches)
        give = "\n".join(asked_line(f"key-{number}") for number in range(SALES_EACH))
        at_once(branches, "sell", "-", give=give)
        for branch in branches:
            assert len(pair.wait_for_sales(branch.code, SALES_EACH)) == SALES_EACH
        require_sound(pair)

    @staticmethod
    def require_told_of_an_import(pair: Chain, branches: list[Branch]) -> None:
        """What a third process wrote reaches the branches of both workers."""
        pair.office.import_lines("catalog", PRODUCTS)
        head = pair.office.ask("sync", "status")["feed_head"]
        wait_until(lambda: all(pair.cursor(branch.code).feed_position >= head for branch in branches), "the catalogue")

    def test_workers_end_with_the_server_that_is_killed(self, pair: Chain) -> None:
        (worker,) = wait_until(lambda: children(server_pid(pair)), "the second worker")
        pair.office.kill()
        try:
            wait_until(lambda: not is_running(worker), "the worker to end", seconds_max=GONE_SECONDS_MAX)
        finally:
            if is_running(worker):
                os.kill(worker, signal.SIGKILL)

    def test_a_worker_that_died_is_noticed(self, pair: Chain) -> None:
        (worker,) = wait_until(lambda: children(server_pid(pair)), "the second worker")
        os.kill(worker, signal.SIGKILL)
        assert pair.office.serving is not None
        process = pair.office.serving.process
        wait_until(
            lambda: process.poll() is not None or (children(server_pid(pair)) or [worker]) != [worker],
            "the worker to be replaced, or the server to end",
            seconds_max=GONE_SECONDS_MAX,
        )


def server_pid(chain: Chain) -> int:
    assert chain.office.serving is not None
    return chain.office.serving.process.pid


def children(pid: int) -> list[int]:
    """The processes that a process started."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
