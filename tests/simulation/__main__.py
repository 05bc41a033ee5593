"""`make simulate`: many seeds, or one of them again; and the table of ablations."""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import multiprocessing.util
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import NamedTuple, TypeVar

from tests.simulation.ablations import ABLATIONS, watched
from tests.simulation.run import Bench, Outcome
from tests.simulation.site import Site
from tests.simulation.world import OPERATIONS
from tests.support.compiled_statements import share_compiled_statements
from tests.support.memory import keep_files_in_memory

Result = TypeVar("Result")

ABLATED_OPERATIONS = 90
"""Of a seed's world when safeguards are taken away: there are twenty worlds a seed, and so many are enough."""

TABLE_EVERY_SEEDS = 100
TABLE = """
| rule | safeguard taken away | of {seeds} seeds, it came into play in | and its absence failed in | first in |
| --- | --- | --- | --- | --- |
"""


def main() -> int:
    """Exit code 1 when a seed failed, or when an ablation was not noticed."""
    parser = argparse.ArgumentParser(prog="make simulate")
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--step", type=int, default=1, help="from one seed to the next: 3 from 202 on are ledgers")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--ablations", action="store_true", help="take away one safeguard after the other")
    parser.add_argument("--operations", type=int, help="of each world without a safeguard")
    parser.add_argument("--only", default="", help="take away only safeguards whose names hold this")
    options = parser.parse_args()
    keep_files_in_memory()
    share_compiled_statements()
    if options.seed is not None:
        return _replay(options.seed)
    seeds = range(options.first, options.first + options.seeds * options.step, options.step)
    if not options.ablations:
        return _hunt(seeds, options.processes)
    chosen = [number for number, ablation in enumerate(ABLATIONS) if options.only in ablation.name]
    return _ablate(seeds, options.processes, chosen, options.operations or ABLATED_OPERATIONS)


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
    for done, outcome in enumerate(_map(_run, seeds, processes), 1):
        if outcome.problem:
            failed += 1
            hint = f"Replay: make simulate SEED={outcome.seed}"
            print(f"seed {outcome.seed} FAILED: {outcome.problem}. {hint}", flush=True)
        if sys.stderr.isatty():
            print(f"\r{done} of {len(seeds)} seeds", end="", file=sys.stderr, flush=True)
    minutes = (time.monotonic() - started) / 60
    print(f"{len(seeds)} seeds, {failed} failed, {len(seeds) / minutes:.0f} seeds a minute.")
    return 1 if failed else 0


class Absences(NamedTuple):
    """What a seed makes of the chosen ablations: whether the safeguard came into play, and whether it was missed."""

    seed: int
    problem: str | None
    came_into_play: tuple[bool, ...]
    missed: tuple[bool, ...]


def _ablate(seeds: range, processes: int, chosen: list[int], operations: int) -> int:
    """Prints a table of how many seeds notice each missing safeguard, now and then and at the end."""
    found: list[Absences] = []
    for absences in _map(partial(_run_without_each, chosen, operations), seeds, processes):
        found.append(absences)
        if absences.problem:
            print(f"seed {absences.seed} FAILED with every safeguard in place: {absences.problem}", flush=True)
        if sys.stderr.isatty():
            print(f"\r{len(found)} of {len(seeds)} seeds", end="", file=sys.stderr, flush=True)
        if len(found) % TABLE_EVERY_SEEDS == 0 or len(found) == len(seeds):
            _print_table(found, chosen)
    is_each_missed = all(map(any, zip(*(absences.missed for absences in found), strict=True)))
    return 0 if is_each_missed and not any(absences.problem for absences in found) else 1


def _print_table(found: list[Absences], chosen: list[int]) -> None:
    print(TABLE.format(seeds=len(found)), end="")
    for number, ablation in enumerate(ABLATIONS[place] for place in chosen):
        in_play = sum(absences.came_into_play[number] for absences in found)
        missed = [absences.seed for absences in found if absences.missed[number]]
        first = min(missed, default="–")
        print(f"| {ablation.rule} | {ablation.name} | {in_play} | {len(missed)} | {first} |", flush=True)


def _map(work: Callable[[int], Result], seeds: range, processes: int) -> Iterator[Result]:
    if processes == 1:
        _start()
        yield from map(work, seeds)
        return
    with multiprocessing.get_context("fork").Pool(processes, _start) as pool:
        yield from pool.imap_unordered(work, seeds)
        # Workers that end by themselves give their servers and folders back; those that are ended do not.
        pool.close()
        pool.join()


_benches: list[Bench] = []


def _start() -> None:
    bench = Bench()
    _benches.append(bench)
    # Looking for garbage amid a world takes a tenth of the time; between two worlds it takes none.
    gc.collect()
    gc.freeze()
    gc.disable()
    # A pool's workers do not run atexit.
    multiprocessing.util.Finalize(bench, bench.close, exitpriority=1)


def _run(seed: int) -> Outcome:
    return _run_world(seed)


def _run_world(
    seed: int, ablation: AbstractContextManager[object] | None = None, operations: int = OPERATIONS
) -> Outcome:
    outcome = _benches[0].run(seed, ablation, operations)
    gc.collect()
    return outcome


def _run_without_each(chosen: list[int], operations: int, seed: int) -> Absences:
    sites = [Site(watching=True) for _ in ABLATIONS]
    outcome = _run_world(seed, watched(sites), operations)
    acted = tuple(sites[place].acted for place in chosen)
    missed = [
        came_into_play and _run_world(seed, ABLATIONS[place].without(), operations).problem is not None
        for place, came_into_play in zip(chosen, acted, strict=True)
    ]
    return Absences(seed, outcome.problem, acted, tuple(missed))


if __name__ == "__main__":
    sys.exit(main())
