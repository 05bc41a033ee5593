"""`make demo`: a chain sells a year of real receipts, loses its network, catches up, and proves its numbers."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click

from deploy.demo.chain import Branch, HeadOffice
from deploy.demo.households import household_lines
from deploy.demo.receipts import (
    CURRENCY,
    TIMEZONE,
    Receipt,
    Sums,
    busiest_stores,
    catalog_lines,
    receipts_of,
    shared_household,
    skus_of,
    source_sums,
)
from deploy.demo.relay import Relay

STORES = 5
PARALLEL = 3
FOLDER = Path(".demo")
SAY_SECONDS = 3.0
CUT_AT, MEND_AT = 0.35, 0.7
WAIT_SECONDS_MAX = 60.0


class Till(threading.Thread):
    """Replays one store's receipts through `sell -`, one after the other."""

    def __init__(self, branch: Branch, receipts: list[Receipt]) -> None:
        super().__init__(name=branch.code, daemon=True)
        self.branch = branch
        self.receipts = receipts
        self.sold = 0
        self.confirmed = 0
        self.refused: list[str] = []

    def run(self) -> None:
        selling = self.branch.selling()
        for receipt in self.receipts:
            answer = selling.sell(receipt.line)
            if answer["status"] == "committed":
                self.sold += 1
                self.confirmed += answer["confirmed"]
            else:
                self.refused.append(f"{answer['key']}: {answer['reason']}")
        selling.close()

    @property
    def share(self) -> float:
        return self.sold / len(self.receipts)


class Demo:
    """The chain of the demo, from founding to proof."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started = time.monotonic()
        self._stores = busiest_stores(STORES)
        self._relay: Relay | None = None
        self._office: HeadOffice | None = None
        self._branches: list[Branch] = []

    def run(self) -> bool:
        """Runs it; true when every number is equal to the source's."""
        self.say(f"Complete Journey, a grocer's year: replaying its {STORES} busiest stores {self._stores}.")
        office = self._found()
        tills = [
            Till(branch, list(receipts_of(store))) for branch, store in zip(self._branches, self._stores, strict=True)
        ]
        through_hq, switching = tills[1].branch, tills[2].branch
        self._set_mode(office, through_hq, "centralized", "--when-unreachable", "fall-back")
        self.say(f"Branch {through_hq.code} is to commit through the head office; the others commit themselves.")
        self.say(f"Selling {sum(len(till.receipts) for till in tills)} receipts while synchronising …")
        for till in tills:
            till.start()
        cut = self._branches[-1]
        assert self._relay is not None
        self._watch(office, tills, until=lambda: tills[-1].share >= CUT_AT)
        household = str(shared_household(self._stores[0], self._stores[-1]))
        self._wait_for_client(household)
        self._relay.cut()
        self.say(f"Branch {cut.code} has lost the head office. It goes on selling.")
        self._edit_on_both_sides(household)
        self._watch(office, tills, until=lambda: tills[-1].share >= MEND_AT)
        status = cut.ask("sync", "status")
        oldest = status["oldest_waiting_seconds"] or 0
        self.say(
            f"Branch {cut.code} is working locally: {status['waiting']} entries wait, the oldest for {oldest:.0f} s."
        )
        self._relay.mend()
        self.say(f"Branch {cut.code} has its network back and catches up.")
        self.say(f"The head office has confirmed {tills[1].confirmed} sales of {through_hq.code} before their answers.")
        self._set_mode(office, through_hq, "distributed")
        self._set_mode(office, switching, "centralized", "--when-unreachable", "fall-back")
        self.say(f"Tills open, modes switched: {through_hq.code} alone now, {switching.code} through the head office.")
        self._watch(office, tills, until=lambda: not any(till.is_alive() for till in tills))
        words = [f"{till.branch.code} {till.confirmed} of {till.sold}" for till in tills if till.confirmed]
        self.say(f"Confirmed by the head office at once: {', '.join(words)}; the others were synchronised later.")
        refused = [reason for till in tills for reason in till.refused]
        for reason in refused[:5]:
            self.say(f"REFUSED {reason}")
        return self._prove(office, household) and not refused

    def stop(self) -> None:
        """Ends every process that was started."""
        for branch in self._branches:
            branch.stop()
        if self._office is not None:
            self._office.stop()
        if self._relay is not None:
            self._relay.stop()

    def say(self, text: str) -> None:
        click.echo(f"[{time.monotonic() - self._started:6.1f} s] {text}")

    # The steps.

    def _found(self) -> HeadOffice:
        office = HeadOffice.found(
            self._folder / "hq", "--name", "Complete Journey", "--currency", CURRENCY, "--timezone", TIMEZONE
        )
        self._office = office
        port = office.serve()
        self.say(f"The head office serves on 127.0.0.1:{port} (gRPC, mutual TLS), store: SQLite.")
        counts = office.import_lines("catalog", catalog_lines(skus_of(self._stores)))
        self.say(f"Catalogue: {counts['added']} products imported.")
        counts = office.import_lines("client", household_lines())
        self.say(f"Clients: {counts['added']} households imported.")
        self._relay = Relay(port)
        relay_port = self._relay.start()
        ports = dict.fromkeys(self._stores, port) | {self._stores[-1]: relay_port}
        with ThreadPoolExecutor(PARALLEL) as pool:
            self._branches = list(pool.map(lambda store: self._open_branch(office, store, ports[store]), self._stores))
        self.say(f"Enrolled {', '.join(branch.code for branch in self._branches)}; fetching the catalogue …")
        self._wait("the catalogue", lambda: all(row["feed_lag"] == 0 for row in self._standings(office)))
        self.say("Every branch has the catalogue.")
        return office

    def _open_branch(self, office: HeadOffice, store: int, hq_port: int) -> Branch:
        home = self._folder / f"store-{store}"
        branch = Branch.enrol(office, f"S{store}", home, hq_port, "--name", f"Store {store}")
        branch.serve()
        return branch

    def _watch(self, office: HeadOffice, tills: list[Till], until: Callable[[], bool]) -> None:
        next_word = time.monotonic()
        while not until():
            for till in tills:
                if not till.is_alive() and till.sold + len(till.refused) < len(till.receipts):
                    raise SystemExit(f"The till of {till.branch.code} died; see {till.branch.home}.")
            if time.monotonic() >= next_word:
                standings = {row["branch"]: row for row in self._standings(office)}
                words = []
                for till in tills:
                    standing = standings[till.branch.code]
                    mark = "" if standing["online"] else " OFFLINE"
                    words.append(
                        f"{till.branch.code} {till.sold}/{len(till.receipts)}, HQ {standing['acknowledged_seq']}{mark}"
                    )
                self.say("   " + " │ ".join(words))
                next_word = time.monotonic() + SAY_SECONDS
            time.sleep(0.05)

    @staticmethod
    def _set_mode(office: HeadOffice, branch: Branch, *mode: str) -> None:
        office.run("branch", "set-mode", branch.code, *mode)

    def _wait_for_client(self, household: str) -> None:
        """Both branches must know the client before they can disagree about it."""
        for branch in (self._branches[0], self._branches[-1]):
            self._wait(
                f"client {household} at {branch.code}",
                lambda branch=branch: bool(branch.ask("client", "find", household)["clients"]),  # type: ignore[misc]
            )

    def _edit_on_both_sides(self, household: str) -> None:
        first, cut = self._branches[0], self._branches[-1]
        first.run("client", "edit", household, "--name", "Anna Petrova", "--phone", "+1 212 555 01 23")
        cut.run("client", "edit", household, "--name", "Anna Petrova-Orlova")
        self.say(f"Both {first.code} and {cut.code} have just renamed client {household}, without seeing each other.")

    def _prove(self, office: HeadOffice, household: str) -> bool:
        self.say("All receipts are sold. One more pass in every branch …")
        for branch in self._branches:
            branch.run("sync", "run", "--timeout", "60")
        click.echo()
        click.echo(office.run("sync", "conflicts"))
        for branch in self._branches:
            click.echo(f"{branch.code}: {branch.run('sync', 'verify').strip()}")
        click.echo()
        click.echo(office.run("report", "run", "sales", "--by", "branch"))
        return self._compare(office)

    def _compare(self, office: HeadOffice) -> bool:
        """The consolidated report beside the sums computed straight from the Parquet file."""
        report = office.ask("report", "run", "sales", "--by", "branch", "--by", "month")
        names = [column["name"] for column in report["columns"]]
        rows = [dict(zip(names, row, strict=True)) for row in report["rows"]]
        told = {(int(row["branch"][1:]), row["month"]): row for row in rows}
        source = source_sums(self._stores)
        differing = [key for key in sorted({*told, *source}) if not _is_equal(told.get(key), source.get(key))]
        click.echo("Against the source file (receipts, units, dollars):")
        for store in self._stores:
            there = _add([sums for (owner, _), sums in source.items() if owner == store])
            here = [row for row in rows if row["branch"] == f"S{store}"]
            net = sum(row["net"] for row in here)
            receipts, units = sum(row["receipts"] for row in here), sum(row["units"] for row in here)
            click.echo(
                f"  store {store:<6} source {there.receipts:>6} {there.units:>9} {there.net_minor / 100:>12,.2f}"
                f"   report {receipts:>6} {units:>9} {net / 100:>12,.2f}"
                f"   {'equal' if net == there.net_minor else 'DIFFERENT'}"
            )
        whole = _add(list(source.values()))
        net = report["totals"]["net"]
        click.echo(
            f"  together     source {whole.receipts:>6} {whole.units:>9} {whole.net_minor / 100:>12,.2f}", nl=False
        )
        click.echo(f"   report {report['totals']['receipts']:>6} {report['totals']['units']:>9} {net / 100:>12,.2f}")
        click.echo(f"  {len(source)} groups of branch and month compared, {len(differing)} differ.")
        complete = all(branch["complete"] for branch in report["completeness"]["branches"])
        click.echo(f"  complete: {complete}, to {report['completeness']['complete_to']}")
        return not differing and complete

    @staticmethod
    def _standings(office: HeadOffice) -> list[dict[str, object]]:
        found: list[dict[str, object]] = office.ask("sync", "status")["branches"]
        return found

    def _wait(self, what: str, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while not condition():
            if time.monotonic() > deadline:
                raise SystemExit(f"Waited {WAIT_SECONDS_MAX:.0f} s for {what} in vain; see {self._folder}.")
            time.sleep(0.3)


def _is_equal(told: dict[str, object] | None, source: Sums | None) -> bool:
    if told is None or source is None:
        return False
    return (told["receipts"], told["units"], told["net"]) == (source.receipts, source.units, source.net_minor)


def _add(parts: list[Sums]) -> Sums:
    return Sums(
        sum(part.receipts for part in parts), sum(part.units for part in parts), sum(part.net_minor for part in parts)
    )


def main() -> int:
    """Runs the demo in a fresh folder."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    demo = Demo(FOLDER)
    try:
        equal = demo.run()
        demo.say("Equal to the last cent." if equal else "NOT EQUAL: see above.")
    finally:
        demo.stop()
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
