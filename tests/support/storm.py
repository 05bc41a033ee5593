"""Kills a chain's processes at random moments while a till sells, and then holds every answer against HQ's store."""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from contextlib import closing
from random import Random
from typing import Any

from deploy.demo.chain import Branch, CommandFailed, Selling
from shared.domain.identifiers import format_id
from tests.support.chains import Chain, HeldSale
from tests.support.commands import branch as filial_branch
from tests.support.commands import require_done
from tests.support.networks import Network
from tests.support.tills import asked_line

TARGETS = (("till",), ("branch",), ("office",), ("till", "branch"), ("branch", "office"), ("till", "branch", "office"))
MOMENT_SECONDS_MAX = 1.0
DOUBTFUL_MAX = 50
"""So many sales may be without an answer before the till asks again for one of them instead of selling another: while
HQ is away it refuses some thousands a minute."""
Answer = dict[str, Any]


class Storm:
    """One branch under attack. The head office is reached through a network, so that its port may change."""

    def __init__(self, chain: Chain, branch: Branch, network: Network, seed: int, is_centralized: bool = False) -> None:
        """`is_centralized`: sales may be refused, or undecided, while HQ is away; they are asked for again."""
        self.is_centralized = is_centralized
        self.chain = chain
        self.branch = branch
        self.network = network
        self.random = Random(seed)
        self.asked: dict[str, str] = {}
        self.answered: dict[str, Answer] = {}
        self.doubtful: list[str] = []
        self.refused: list[Answer] = []
        self._stopping = threading.Event()
        self._till: Selling = branch.selling()
        self._seller = threading.Thread(target=self._sell_on, name="seller")

    def rage(self, rounds: int) -> None:
        """Sells and kills, that many times, and then lets the survivors finish."""
        self.branch.serve()
        self._seller.start()
        try:
            for _ in range(rounds):
                # The moment is the test's randomness; nothing is expected to have happened by then.
                self._stopping.wait(self.random.uniform(0, MOMENT_SECONDS_MAX))
                self._kill(self.random.choice(TARGETS))
        finally:
            self._stopping.set()
            self._seller.join()
            self._till.close()
            self.branch.stop()
        require_done(filial_branch(self.branch.home, "sync", "run", "--timeout", "60"))
        if self.is_centralized:
            self._ask_again()

    def _ask_again(self) -> None:
        """Whatever was not answered with a receipt."""
        asked, self.doubtful = [self.asked[key] for key in self.doubtful], []
        for answer in self.branch.sell(asked):
            self._note(answer["key"], answer)
        require_done(filial_branch(self.branch.home, "sync", "run", "--timeout", "60"))

    def _kill(self, targets: tuple[str, ...]) -> None:
        if "till" in targets:
            self._till.process.kill()
        if "branch" in targets:
            self.branch.kill()
        if "office" in targets:
            self.chain.office.kill()
            self.chain.serve()
            self.network.target_port = self.chain.port
        if "branch" in targets:
            self.branch.serve()

    def _sell_on(self) -> None:
        while not self._stopping.is_set():
            key = self._next_key()
            try:
                answer = self._till.sell(self.asked[key])
            except CommandFailed:
                self.doubtful.append(key)
                self._till.kill()
                self._till = self.branch.selling()
            else:
                self._note(key, answer)

    def _next_key(self) -> str:
        """Of a new sale, or of one to ask for again."""
        if len(self.doubtful) >= DOUBTFUL_MAX:
            return self.doubtful.pop(self.random.randrange(len(self.doubtful)))
        key = f"storm-{len(self.asked) + 1}"
        amount = self.random.randrange(1, 100_000)
        self.asked[key] = asked_line(key, amount, register=self.random.choice("12"))
        return key

    def _note(self, key: str, answer: Answer) -> None:
        if answer["status"] == "committed":
            self.answered[key] = answer
        elif self.is_centralized:
            self.doubtful.append(key)
        else:
            self.refused.append(answer)

    # What must hold afterwards.

    def require_nothing_lost_nothing_doubled(self) -> None:
        """Every answered sale is at HQ once, as it was answered; nothing else but unanswered sales, once each."""
        assert not self.refused, self.refused[:3]
        committed = self._committed_keys()
        unread = {key: committed[key] for key in self.doubtful if key in committed}
        assert set(committed) == {*self.answered, *unread}
        held = self.chain.sales(self.branch.code)
        self._require_held_once(held, {answer["id"] for answer in self.answered.values()} | set(unread.values()))
        self._require_as_answered(held)
        self._require_report(held)
        self._require_same_answers(unread)
        self._require_verified()

    def _committed_keys(self) -> dict[str, str]:
        """Sale ids by key, as the branch's store has them."""
        with closing(sqlite3.connect(self.branch.home / "branch.db")) as store:
            rows = store.execute("SELECT key, record_id FROM idempotency_key").fetchall()
        return {key: format_id(record_id) for key, record_id in rows}

    def _require_held_once(self, held: list[HeldSale], expected: set[str]) -> None:
        counted = Counter(sale.id for sale in held)
        assert [sale_id for sale_id, count in counted.items() if count > 1] == []
        assert expected - set(counted) == set(), "lost"
        assert set(counted) - expected == set(), "never sold"

    def _require_as_answered(self, held: list[HeldSale]) -> None:
        by_id = {sale.id: sale for sale in held}
        for answer in self.answered.values():
            assert by_id[answer["id"]] == (answer["id"], answer["receipt"], answer["total_minor"])
        for register in "12":
            receipts = [sale.receipt for sale in held] + self.chain.voided_receipts(self.branch.code)
            numbers = sorted(int(receipt[2:]) for receipt in receipts if receipt.startswith(register))
            assert numbers == list(range(1, len(numbers) + 1)), "receipt numbers have gaps"

    def _require_report(self, held: list[HeldSale]) -> None:
        report = self.chain.office.ask("report", "run", "sales", "--branch", self.branch.code)
        assert report["totals"]["receipts"] == len(held)
        assert report["totals"]["net"] == sum(sale.total_minor for sale in held)
        assert report["completeness"]["branches"][0]["complete"] is True
        assert self.chain.office.ask("db", "rebuild-rollups", "--compare")["equal"]

    def _require_same_answers(self, unread: dict[str, str]) -> None:
        """Every key asked again is answered as before; an unread sale is not sold again."""
        again = {answer["key"]: answer for answer in self.branch.sell(list(self.asked.values()))}
        for key, answer in self.answered.items():
            assert again[key] == answer
        for key, sale_id in unread.items():
            assert again[key]["id"] == sale_id
        assert {answer["status"] for answer in again.values()} == {"committed"}

    def _require_verified(self) -> None:
        self.branch.run("sync", "run")
        assert self.branch.ask("sync", "verify")["equal"]
        assert self.chain.office.ask("sync", "verify", self.branch.code)["equal"]
        assert len(self.chain.sales(self.branch.code)) == len(self.asked)
