"""Kills the process at every numbered step of a journey, several generations in a row, and judges what is left.

A step is a statement of either store, numbered as they are executed; the process is killed just before it. A life is a
process of its own, forked from this one, which opens no store itself.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Engine, event

from tests.crash_points.journeys import JOURNEYS, judge, live, prepare
from tests.crash_points.till import judge_till, live_at_till, prepare_till
from tests.crash_points.till_journeys import TILL_JOURNEYS, fill
from tests.support.compiled_statements import share_compiled_statements
from tests.support.memory import keep_files_in_memory

GENERATIONS = 4


class Play(NamedTuple):
    """A journey: makes the stores, lives one generation, judges what is there after it."""

    name: str
    prepare: Callable[[Path], None]
    live: Callable[[Path, int], None]
    judge: Callable[[Path, int], None]


PLAYS = {name: Play(name, partial(prepare, journey), live, judge) for name, journey in JOURNEYS.items()} | {
    name: Play(name, partial(prepare_till, journey, fill), partial(live_at_till, journey), partial(judge_till, journey))
    for name, journey in TILL_JOURNEYS.items()
}


class Count:
    """Numbers the statements of this process, and kills it before one of them."""

    def __init__(self, kill_at: int | None) -> None:
        self.steps = 0
        self._kill_at = kill_at
        event.listen(Engine, "connect", self._listen)

    def _listen(self, connection: object, _record: object) -> None:
        connection.set_trace_callback(self._step)  # type: ignore[attr-defined]

    def _step(self, _statement: str) -> None:
        self.steps += 1
        if self.steps == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> int:
    """Exit code 1 when a promise was broken after some death."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash_points")
    parser.add_argument("journey", nargs="*", help=f"all of them, or some of: {', '.join(sorted(PLAYS))}")
    parser.add_argument("--every", type=int, default=1, help="take every n-th step only")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--sample", type=int, help="take so many steps by chance, instead")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6), help="of that chance")
    options = parser.parse_args()
    keep_files_in_memory()
    share_compiled_statements()
    with tempfile.TemporaryDirectory(prefix="filial-crash-") as name:
        failed = 0
        for journey in options.journey or sorted(PLAYS):
            folder = Path(name, journey)
            folder.mkdir()
            template = folder / "template"
            template.mkdir()
            play = PLAYS[journey]
            if _in_child(partial(play.prepare, template)) != 0:
                return 1
            steps = _count_steps(play, template, folder / "place")
            if options.sample:
                print(f"{journey}: --sample {options.sample} --seed {options.seed}", flush=True)
                chosen = random.Random(options.seed).sample(range(1, steps + 1), min(options.sample, steps))
            else:
                chosen = list(range(options.first, steps + 1, options.every))
            failed += _kill_at(play, template, folder / "place", chosen, steps)
        return 1 if failed else 0


def _kill_at(play: Play, template: Path, place: Path, chosen: Sequence[int], steps: int) -> bool:
    """Whether a promise was broken after some death."""
    failed = 0
    for kill_at in chosen:
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(template, place)
        deaths = _die_and_recover(play, place, kill_at, steps)
        if deaths is not None:
            failed += 1
            print(f"{play.name}: a promise is broken after deaths at steps {deaths}", flush=True)
    told = f"killed at {len(chosen)} of them, {GENERATIONS} generations each, {failed} failed"
    print(f"{play.name}: {steps} steps, {told}.", flush=True)
    return failed > 0 or not chosen


def _count_steps(play: Play, template: Path, place: Path) -> int:
    shutil.copytree(template, place)
    counted = place / "steps"

    def life() -> None:
        count = Count(None)
        play.live(place, 0)
        counted.write_text(str(count.steps))
        play.judge(place, 0)

    if _in_child(life) != 0:
        raise SystemExit("The journey does not even succeed undisturbed.")
    return int(counted.read_text())


def _die_and_recover(play: Play, place: Path, kill_at: int, steps: int) -> list[int] | None:
    """Several lives that are killed, one that is not; the deaths when what is left is wrong."""
    later = random.Random(kill_at)
    deaths = [kill_at] + [later.randrange(1, steps + 1) for _ in range(GENERATIONS - 2)]

    def life(generation: int, at: int) -> Callable[[], None]:
        def run() -> None:
            Count(at)
            play.live(place, generation)

        return run

    for generation, at in enumerate(deaths):
        # The first life is the one that was counted, and must die; later ones may have fewer steps left to do.
        endings = {-signal.SIGKILL} if generation == 0 else {-signal.SIGKILL, 0}
        if _in_child(life(generation, at)) not in endings:
            return deaths[: generation + 1]

    def last() -> None:
        play.live(place, GENERATIONS)
        play.judge(place, GENERATIONS)

    return deaths if _in_child(last) != 0 else None


def _in_child(work: Callable[[], None]) -> int:
    """Runs it in a process of its own; returns its exit code, or minus the signal that ended it."""
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except BaseException:  # noqa: BLE001 - whatever it is, the parent must not go on as a child
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main())
