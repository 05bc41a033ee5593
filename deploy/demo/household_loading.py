"""Brings the households of the data set into a chain as clients: of the stores they shop in, with the coupons redeemed.

`python -m deploy.demo.household_loading` does so with real processes in a folder of its own: the head office and a
branch for each of the busiest stores.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, Protocol

import click

from deploy.demo.chain import Branch, CommandFailed, HeadOffice
from deploy.demo.households import StorePlan, Work, encode_work, plan_stores
from deploy.demo.receipts import CURRENCY, TIMEZONE, busiest_stores

FOLDER = Path(".households")
PARALLEL = 2
STORES_PER_WORD: Final = 50
PLAY_SECONDS_MAX: Final = 1_800
SYNC_SECONDS_MAX: Final = "300"

Say = Callable[[str], None]


class Stores(Protocol):
    """The branches of the chain, by the number of the store."""

    def play(self, store: int, work: Work) -> Mapping[str, int]:
        """Does that work in the branch's store; how much of each."""

    def synchronise(self, store: int) -> None:
        """Until branch and head office are even."""


def bring_households(stores: Stores, plans: Sequence[StorePlan], say: Say) -> Counter[str]:
    """Loads what the plans say; returns how much was played.

    A household's card is made where it shops first. Whoever sells to it names it by its external id, and has the card
    and what took place elsewhere once it has synchronised; only then can it note what the household redeemed there.
    """
    sums: Counter[str] = Counter()

    def cards(plan: StorePlan) -> None:
        sums.update(stores.play(plan.store, Work(cards=plan.cards)))
        stores.synchronise(plan.store)

    def receipts(plan: StorePlan) -> None:
        sums.update(stores.play(plan.store, Work(receipts=plan.receipts())))
        stores.synchronise(plan.store)

    def redemptions(plan: StorePlan) -> None:
        stores.synchronise(plan.store)
        sums.update(stores.play(plan.store, Work(redemptions=plan.redemptions)))
        stores.synchronise(plan.store)

    _each("cards", cards, [plan for plan in plans if plan.cards], sums, say)
    _each("receipts", receipts, plans, sums, say)
    _each("redemptions", redemptions, [plan for plan in plans if plan.redemptions], sums, say)
    _each("what the others did", lambda plan: stores.synchronise(plan.store), plans, sums, say)
    return sums


def _each(
    what: str, do: Callable[[StorePlan], None], plans: Sequence[StorePlan], sums: Mapping[str, int], say: Say
) -> None:
    for number, plan in enumerate(plans, 1):
        do(plan)
        if number % STORES_PER_WORD == 0 or number == len(plans):
            played = ", ".join(f"{count} {name}" for name, count in sums.items())
            say(f"{what}: {number} of {len(plans)} stores; {played}")


class BranchProcesses:
    """Branches as folders of this machine, driven by their programs."""

    def __init__(self, branches: Mapping[int, Branch]) -> None:
        self._branches = branches

    def play(self, store: int, work: Work) -> Mapping[str, int]:
        """Raises CommandFailed."""
        done = subprocess.run(
            [sys.executable, "-m", "deploy.demo.household_player", str(self._branches[store].home)],
            input=encode_work(work),
            capture_output=True,
            text=True,
            timeout=PLAY_SECONDS_MAX,
        )
        if done.returncode != 0:
            raise CommandFailed(f"The households of store {store}: {done.stderr.strip()[-1_000:]}")
        sums: dict[str, int] = json.loads(done.stdout)
        return sums

    def synchronise(self, store: int) -> None:
        self._branches[store].run("sync", "run", "--timeout", SYNC_SECONDS_MAX)


def open_chain(folder: Path, stores: Sequence[int]) -> tuple[HeadOffice, dict[int, Branch]]:
    """Founds a chain of these stores; its head office serves."""
    office = HeadOffice.found(
        folder / "hq", "--name", "Complete Journey", "--currency", CURRENCY, "--timezone", TIMEZONE
    )
    port = office.serve()
    office.run("dictionary", "default")
    with ThreadPoolExecutor(PARALLEL) as pool:
        branches = pool.map(lambda store: Branch.enrol(office, f"S{store}", folder / f"store-{store}", port), stores)
        return office, dict(zip(stores, branches, strict=True))


@click.command()
@click.option("--stores", "count", default=5, show_default=True, help="How many of the busiest stores.")
@click.option("--receipts", "per_client", default=3, show_default=True, help="The last so many to each household.")
def main(count: int, per_client: int) -> None:
    """Load the households that shop in the busiest stores, with their demographics and coupons."""
    started = time.monotonic()

    def say(text: str) -> None:
        click.echo(f"[{time.monotonic() - started:6.1f} s] {text}")

    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    stores = busiest_stores(count)
    plans = plan_stores(set(stores), per_client)
    office, branches = open_chain(FOLDER, stores)
    try:
        say(f"A chain of {len(branches)} stores in {FOLDER}.")
        bring_households(BranchProcesses(branches), plans, say)
        for branch in branches.values():
            click.echo(f"{branch.code}: {branch.run('sync', 'verify').strip()}")
        say(f"Look: filial-branch --home {FOLDER}/store-{stores[0]} client find CJ-")
    finally:
        office.stop()


if __name__ == "__main__":
    main()
