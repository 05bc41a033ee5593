"""A branch with a million lines: verifying it, and bringing a lost store back.

Real processes on loopback with mutual TLS, HQ on PostgreSQL. Seconds are those of the whole command, start included.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from benchmarks.chains import fill_branch
from benchmarks.figures import Figure, at_most
from deploy.demo.chain import Branch, HeadOffice
from deploy.postgresql import PostgresqlServer

VERIFY_SECONDS_MAX = 1.0
DEEP_SECONDS_MAX = 60.0
RESEED_SECONDS_MAX = 60.0
SYNC_SECONDS_MAX = "600"
LINES = 5
DAMAGE = (
    b"UPDATE sale_line SET amount_minor = 7 WHERE line_number = 3 "
    b"AND sale_id = (SELECT id FROM sale ORDER BY id LIMIT 1 OFFSET 1000)",
    b"DELETE FROM sale_line WHERE line_number = 2 AND sale_id = (SELECT id FROM sale ORDER BY id LIMIT 1 OFFSET 2000)",
    b"INSERT INTO payment SELECT branch_id, sale_id, 9, method, amount_minor, received_at FROM payment "
    b"ORDER BY sale_id LIMIT 1 OFFSET 3000",
)


def measure_recovery(server: PostgresqlServer, folder: Path, receipts: int, reseeded: int) -> list[Figure]:
    """Sells and pushes the receipts, re-seeds a lost store on the way, then verifies on both sides."""
    url = server.create_database("recovery")
    office = HeadOffice.found(folder / "hq", "--database", url)
    port = office.serve()
    lost = Branch.enrol(office, "north", folder / "lost", port)
    _sell(lost, reseeded, seed=1)
    node = Branch("north", folder / "north")
    token = office.run("branch", "token", "north")
    with _watch() as seconds:
        node.run("enrol", "--replace", "--hq", f"127.0.0.1:{port}", "--token", "-", give=token)
        _sync(node)
    reseed = at_most(f"a lost store of {reseeded:,} receipts comes back", seconds[0], RESEED_SECONDS_MAX, "s")
    _sell(node, receipts - reseeded, seed=2)
    figures = [reseed, *_verify(node, receipts), _verify_damage(office, url)]
    office.stop()
    return figures


def _verify(node: Branch, receipts: int) -> list[Figure]:
    with _watch() as seconds:
        assert node.ask("sync", "verify")["equal"]
    plain = at_most(f"verify, {receipts * LINES:,} lines, equal", seconds[0], VERIFY_SECONDS_MAX, "s")
    with _watch() as seconds:
        assert node.ask("sync", "verify", "--deep")["equal"]
    return [plain, at_most("verify --deep at the branch", seconds[0], DEEP_SECONDS_MAX, "s")]


def _verify_damage(office: HeadOffice, url: str) -> Figure:
    with psycopg.connect(url) as connection:
        for statement in DAMAGE:
            assert connection.execute(statement).rowcount == 1
    with _watch() as seconds:
        said = json.dumps(office.ask("sync", "verify", "--deep", "north", check=False))
    assert said.count("sale ") == len(DAMAGE), said
    return at_most("verify --deep at HQ, naming three damaged records", seconds[0], DEEP_SECONDS_MAX, "s")


def _sell(node: Branch, receipts: int, seed: int) -> None:
    fill_branch(node.home, receipts, seed, lines=LINES)
    _sync(node)


def _sync(node: Branch) -> None:
    node.run("sync", "run", "--timeout", SYNC_SECONDS_MAX)


@contextmanager
def _watch() -> Iterator[list[float]]:
    seconds = [0.0]
    began = time.perf_counter()
    yield seconds
    seconds[0] = time.perf_counter() - began
