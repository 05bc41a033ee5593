"""Centralized sales: eight branches, mTLS over loopback, PostgreSQL – how long one takes, and how many a second go,
beside the bare exchange of the same rows."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.chains import prepare_certificates, sale_requests
from benchmarks.figures import Figure, at_least, at_most, spread
from benchmarks.selling import median_sale_ms
from deploy.demo.chain import Branch, HeadOffice
from deploy.postgresql import PostgresqlServer

BRANCHES = 8
PACED_SALES_PER_SECOND = 50
P50_MS_MAX, P99_MS_MAX = 15.0, 60.0
SALES_PER_SECOND_MIN = 400


class _Run(NamedTuple):
    """Each paced sale's milliseconds, in order of length, and how many went a second without a pace."""

    ms: list[float]
    sales_per_second: float


def measure_centralized(server: PostgresqlServer, folder: Path, paced: int, fast: int, runs: int) -> list[Figure]:
    """Runs both in turn, several times. `paced` and `fast` are sales per branch, at a steady pace and as fast as they
    go."""
    prepare_certificates(folder)
    office = HeadOffice.found(folder / "hq", "--database", server.create_database("central"))
    port = office.serve()
    branches = [Branch.enrol(office, f"B{number}", folder / f"b{number}", port) for number in range(BRANCHES)]
    for branch in branches:
        office.run("branch", "set-mode", branch.code, "centralized", "--when-unreachable", "refuse")
        branch.run("sync", "run")
    homes = [("benchmarks.central_till", str(branch.home)) for branch in branches]
    bare, ours = [], []
    for number in range(runs):
        bare.append(_run_bare(server, folder, number, paced, fast))
        ours.append(_run(homes, number, paced, fast))
    office.stop()
    server.drop_database("central")
    return _figures(bare, ours, median_sale_ms(folder / "local", list(sale_requests(400, 3))))


def _figures(bare: Sequence[_Run], ours: Sequence[_Run], local_ms: float) -> list[Figure]:
    took = sorted(ms for run in ours for ms in run.ms)
    percentiles = statistics.quantiles(took, n=100)
    bare_ms = statistics.median([ms for run in bare for ms in run.ms])
    rates = [run.sales_per_second for run in ours]
    bare_rates = [run.sales_per_second for run in bare]
    ratios = [mine / reference for mine, reference in zip(rates, bare_rates, strict=True)]
    name = f"centralized sale at {PACED_SALES_PER_SECOND}/s, mTLS, PostgreSQL"
    return [
        at_most(f"{name}, p50", percentiles[49], P50_MS_MAX, "ms", spread(took)),
        at_most(f"{name}, p99", percentiles[98], P99_MS_MAX, "ms"),
        Figure("centralized p50 ÷ local commit", percentiles[49] / local_ms, "ratio", detail=f"{local_ms:.2f} ms"),
        Figure("centralized p50 ÷ bare exchange", percentiles[49] / bare_ms, "ratio", detail=f"{bare_ms:.1f} ms"),
        at_least(
            f"centralized sales, {BRANCHES} branches",
            statistics.median(rates),
            SALES_PER_SECOND_MIN,
            "sales/s",
            spread(rates),
        ),
        Figure("bare exchange, the same tills", statistics.median(bare_rates), "sales/s", detail=spread(bare_rates)),
        Figure("centralized ÷ bare exchange", statistics.median(ratios), "ratio", detail=spread(ratios)),
    ]


def _run_bare(server: PostgresqlServer, folder: Path, number: int, paced: int, fast: int) -> _Run:
    name = f"bare{number}"
    command = [
        sys.executable,
        "-m",
        "benchmarks.reference.commits",
        "server",
        server.create_database(name),
        str(folder),
    ]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    port = str(json.loads(process.stdout.readline())["port"])
    till = ("benchmarks.reference.commits", "till", port, str(folder))
    run = _run([(*till, str(folder / f"{name}-{branch}.db")) for branch in range(BRANCHES)], number, paced, fast)
    process.communicate("\n")
    server.drop_database(name)
    return run


def _run(tills: Sequence[Sequence[str]], number: int, paced: int, fast: int) -> _Run:
    steady = _sell(tills, paced, PACED_SALES_PER_SECOND / BRANCHES, 2 * number)
    busy = _sell(tills, fast, 0, 2 * number + 1)
    seconds = max(document["ended"] for document in busy) - min(document["began"] for document in busy)
    return _Run(sorted(ms for document in steady for ms in document["ms"]), BRANCHES * fast / seconds)


def _sell(tills: Sequence[Sequence[str]], sales: int, rate: float, seed: int) -> list[dict[str, Any]]:
    """All tills at once; what each measured."""
    running = [_start(till, seed * 100 + number, sales, rate) for number, till in enumerate(tills)]
    for process in running:
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise SystemExit("A till did not start; see above.")
    for process in running:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    return [json.loads(process.communicate()[0]) for process in running]


def _start(till: Sequence[str], seed: int, sales: int, rate: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", *till, str(seed), str(sales), str(rate)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
