"""Serves a practice chain on this machine: every program's pages, new passwords, and a table of who logs in where."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from branch_node.bootstrap import open_store, settings_for
from branch_node.operations.pairing import make_pairing_code
from branch_node.operations.pins import set_pin
from deploy.demo.chain import Branch, HeadOffice
from deploy.practice.building import SYNC_SECONDS_MAX, State
from deploy.practice.people import EVERYWHERE, FIRST_REGISTER
from hq_server.bootstrap import head_office
from hq_server.operations.people import Personnel, make_password_hash
from hq_server.storage.feed import number_feed
from shared.domain.permissions import LOCAL_ADMINISTRATOR

PASSWORD_SYLLABLES = 6
PIN_DIGITS = 4
HASHES_AT_ONCE = 2
_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"


class LogIn(NamedTuple):
    """Who logs in where. The password is shown once and stored nowhere; the PIN counts on a paired register."""

    code: str
    name: str
    role: str
    place: str
    password: str
    pin: str


class Served:
    """A chain whose programs run."""

    def __init__(self, folder: Path, state: State) -> None:
        self.state = state
        self.office = HeadOffice(folder / "hq")
        self.branches = [Branch(code, folder / code.lower()) for code in state.branch_ports]
        self.log_ins: list[LogIn] = []
        self.pairing_codes: dict[str, str] = {}

    def start(self) -> None:
        """Sets passwords anew, then starts every program and waits until the branches know them. Raises
        CommandFailed, for one when a port was taken meanwhile."""
        self.log_ins = self._new_log_ins()
        self.office.serve("--web", f"127.0.0.1:{self.state.web_port}", port=self.state.grpc_port)
        with ThreadPoolExecutor(len(self.branches)) as pool:
            list(pool.map(self._start_branch, self.branches))

    def stop(self) -> None:
        """Ends every program that was started."""
        for branch in self.branches:
            branch.stop()
        self.office.stop()

    def address(self, place: str) -> str:
        """Where the pages of a branch, or of head office, are."""
        node = next((branch for branch in self.branches if branch.code == place), self.office)
        assert node.serving is not None
        return f"http://{node.serving.addresses['web']}/"

    def _start_branch(self, branch: Branch) -> None:
        home = branch.home
        environment = {
            "FILIAL_PRINTER": f"simulator:{home / 'paper.txt'}",
            "FILIAL_PAYMENT_TERMINAL": f"simulator:{home / 'terminal'}",
            "FILIAL_CASH_ROUNDING": "RUB=100:client",
        }
        (home / "terminal").mkdir(exist_ok=True)
        branch.serve("--web", f"127.0.0.1:{self.state.branch_ports[branch.code]}", environment=environment)
        branch.run("sync", "run", "--timeout", SYNC_SECONDS_MAX)
        store = open_store(settings_for(home))
        try:
            for log_in in self.log_ins:
                if log_in.pin and log_in.place == branch.code:
                    set_pin(store, settings_for(home), LOCAL_ADMINISTRATOR, log_in.code, log_in.pin)
            self.pairing_codes[branch.code] = make_pairing_code(store, LOCAL_ADMINISTRATOR, FIRST_REGISTER).code
        finally:
            store.close()

    def _new_log_ins(self) -> list[LogIn]:
        log_ins = [
            LogIn(code, name, role, place, new_password(), "" if place == EVERYWHERE else new_pin(code))
            for code, name, role, place in self.state.people
        ]
        with head_office(self.office.home) as opened:
            with ThreadPoolExecutor(HASHES_AT_ONCE) as pool:
                hashes = list(
                    pool.map(lambda log_in: make_password_hash(opened.ids, log_in.code, log_in.password), log_ins)
                )
            now_us = opened.clock.now_us()
            with opened.store.write() as connection:
                people = Personnel(connection, opened.ids, now_us)
                for log_in, password_hash in zip(log_ins, hashes, strict=True):
                    people.set_password(log_in.code, password_hash)
            number_feed(opened.store, now_us)
        return log_ins


def new_password() -> str:
    """Random, and easy to type: `kobi-tega-mulo-41`."""
    syllables = [secrets.choice(_CONSONANTS) + secrets.choice(_VOWELS) for _ in range(PASSWORD_SYLLABLES)]
    words = ["".join(syllables[start : start + 2]) for start in range(0, PASSWORD_SYLLABLES, 2)]
    return "-".join([*words, f"{secrets.randbelow(100):02d}"])


def new_pin(code: str) -> str:
    """Random digits that the product takes as a PIN."""
    while True:
        pin = f"{secrets.randbelow(10**PIN_DIGITS):0{PIN_DIGITS}d}"
        if len(set(pin)) > 1 and pin != code:
            return pin


def show(served: Served, folder: Path, sheet: Path, say: Callable[[str], None]) -> None:
    """The table of addresses and log-ins."""
    say("")
    say(f"  {'Head office':<12} {served.address(EVERYWHERE)}")
    for branch in served.branches:
        code = served.pairing_codes[branch.code]
        say(f"  {branch.code:<12} {served.address(branch.code)}   pairs a browser with register 1: {code}")
    say("")
    say(f"  {'code':<12} {'password':<18} {'PIN':<5} {'role':<14} {'at':<12} name")
    for log_in in served.log_ins:
        place = "everywhere" if log_in.place == EVERYWHERE else log_in.place
        say(f"  {log_in.code:<12} {log_in.password:<18} {log_in.pin:<5} {log_in.role:<14} {place:<12} {log_in.name}")
    say("")
    say(f"  Barcodes to print and scan: {sheet}")
    say(f"  What was planted to be found: {folder / 'planted.json'}")
    say("  Passwords and PINs are new at each start and stored nowhere; pairing codes hold for ten minutes.")
    say("  Ctrl-C stops everything. make demo SERVE=1 goes on from there, make demo SERVE=1 RESET=1 begins anew.")
