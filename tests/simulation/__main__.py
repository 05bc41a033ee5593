"""`make simulate`: many seeds, or one of them again; and the table of ablations."""

from __future__ import annotations

import argparse
import multiprocessing
import multiprocessing.util
import sys
import time
from collections.abc import Iterator

from tests.simulation.ablations import ABLATIONS
from tests.simulation.run import Bench, Outcome

TABLE = """| rule | safeguard taken away | seeds that fail |
|---|---|---|
"""


def main() -> int:
    """Exit code 1 when a seed failed, or when an ablation was not noticed."""
    parser = argparse.ArgumentParser(prog="make simulate")
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--ablations", action="store_true", help="take away one safeguard after the other")
    options = parser.parse_args()
    if options.seed is not None:
        return _replay(options.seed)
    seeds = range(options.first, options.first + options.seeds)
    return _ablate(seeds, options.processes) if options.ablations else _hunt(seeds, options.processes)


def _replay(seed: int) -> int:
    bench = Bench()
    try:
        outcome = bench.run(seed)
    finally:
        bench.close()
    if outcome.where:
        print(outcome.where)
    print(f"seed {seed}, {outcome.steps} steps of streams")
    print(f"outcome: {outcome.problem or 'every promise held'}")
    print(f"trace: {outcome.trace_hash}")
    return 1 if outcome.problem else 0


def _hunt(seeds: range, processes: int) -> int:
    started = time.monotonic()
    failed = 0
    for done, outcome in enumerate(_run_all([(seed, None) for seed in seeds], processes), 1):
        if outcome.problem:
            failed += 1
            hint = f"Replay: make simulate SEED={outcome.seed}"
            print(f"seed {outcome.seed} FAILED: {outcome.problem}. {hint}", flush=True)
        if sys.stderr.isatty():
            print(f"\r{done} of {len(seeds)} seeds", end="", file=sys.stderr, flush=True)
    minutes = (time.monotonic() - started) / 60
    print(f"{len(seeds)} seeds, {failed} failed, {len(seeds) / minutes:.0f} seeds a minute.")
    return 1 if failed else 0


def _ablate(seeds: range, processes: int) -> int:
    """Prints a table of how many seeds notice each missing safeguard."""
    unnoticed = 0
    print(TABLE, end="")
    for number, ablation in enumerate(ABLATIONS):
        outcomes = list(_run_all([(seed, number) for seed in seeds], processes))
        failed = sum(outcome.problem is not None for outcome in outcomes)
        unnoticed += not failed
        print(f"| {ablation.rule} | {ablation.name} | {failed} of {len(seeds)} |", flush=True)
    return 1 if unnoticed else 0


def _run_all(jobs: list[tuple[int, int | None]], processes: int) -> Iterator[Outcome]:
    if processes == 1:
        _start()
        yield from map(_run, jobs)
        return
    with multiprocessing.get_context("fork").Pool(processes, _start) as pool:
        yield from pool.imap_unordered(_run, jobs, chunksize=4)


_benches: list[Bench] = []


def _start() -> None:
    bench = Bench()
    _benches.append(bench)
    # A pool's workers do not run atexit.
    multiprocessing.util.Finalize(bench, bench.close, exitpriority=1)


def _run(job: tuple[int, int | None]) -> Outcome:
    seed, number = job
    return _benches[0].run(seed, ABLATIONS[number].without() if number is not None else None)


if __name__ == "__main__":
    sys.exit(main())
