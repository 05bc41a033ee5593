"""Centralized sales: eight branches, mTLS over loopback, PostgreSQL – how long one takes, and how many a second go."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.chains import sale_requests
from benchmarks.figures import Figure, at_least, at_most, spread
from benchmarks.selling import median_sale_ms
from deploy.demo.chain import Branch, HeadOffice
from deploy.postgresql import PostgresqlServer

BRANCHES = 8
PACED_SALES_PER_SECOND = 50
P50_MS_MAX, P99_MS_MAX = 15.0, 60.0
SALES_PER_SECOND_MIN = 400


def measure_centralized(server: PostgresqlServer, folder: Path, paced: int, fast: int) -> list[Figure]:
    """`paced` and `fast` are sales per branch, at a steady pace and as fast as they go."""
    office = HeadOffice.found(folder / "hq", "--database", server.create_database("central"))
    port = office.serve()
    branches = [Branch.enrol(office, f"B{number}", folder / f"b{number}", port) for number in range(BRANCHES)]
    for branch in branches:
        office.run("branch", "set-mode", branch.code, "centralized", "--when-unreachable", "refuse")
        branch.run("sync", "run")
    steady = _run(branches, paced, PACED_SALES_PER_SECOND / BRANCHES, 1)
    busy = _run(branches, fast, 0, 2)
    office.stop()
    server.drop_database("central")
    took = sorted(ms for document in steady for ms in document["ms"])
    percentiles = statistics.quantiles(took, n=100)
    seconds = max(document["ended"] for document in busy) - min(document["began"] for document in busy)
    local = median_sale_ms(folder / "local", list(sale_requests(400, 3)))
    name = f"centralized sale at {PACED_SALES_PER_SECOND}/s, mTLS, PostgreSQL"
    return [
        at_most(f"{name}, p50", percentiles[49], P50_MS_MAX, "ms", spread(took)),
        at_most(f"{name}, p99", percentiles[98], P99_MS_MAX, "ms"),
        Figure("centralized p50 ÷ local commit", percentiles[49] / local, "ratio", detail=f"local {local:.2f} ms"),
        at_least(f"centralized sales, {BRANCHES} branches", BRANCHES * fast / seconds, SALES_PER_SECOND_MIN, "sales/s"),
    ]


def _run(branches: list[Branch], sales: int, rate: float, seed: int) -> list[dict[str, Any]]:
    """All tills at once; what each measured."""
    tills = [_start(branch, seed * 100 + number, sales, rate) for number, branch in enumerate(branches)]
    for till in tills:
        assert till.stdout is not None
        if till.stdout.readline() != "ready\n":
            raise SystemExit("A till did not start; see above.")
    for till in tills:
        assert till.stdin is not None
        till.stdin.write("\n")
        till.stdin.flush()
    return [json.loads(till.communicate()[0]) for till in tills]


def _start(branch: Branch, seed: int, sales: int, rate: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.central_till", str(branch.home), str(seed), str(sales), str(rate)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
