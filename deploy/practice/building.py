"""Builds the planned chain by the product's own programs and operations: head office, branches, weeks of trade."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from branch_node.bootstrap import open_store, settings_for
from branch_node.operations import basket
from deploy.demo.chain import Branch, CommandFailed, HeadOffice
from deploy.practice.contacts import RIVALS
from deploy.practice.letter_office import send_and_receive
from deploy.practice.offers import CURRENCY
from deploy.practice.people import FIRST_REGISTER, PlannedPosition
from deploy.practice.plan import Event, Plan, event_document
from deploy.practice.planted import truths_document, truths_of
from deploy.practice.sheet import barcode_sheet
from deploy.practice.today import until_now
from hq_server.bootstrap import head_office
from hq_server.operations.dictionaries import add_default_terms, add_term
from hq_server.operations.people import Personnel, Placement
from hq_server.storage.feed import number_feed
from shared.clock import SystemClock
from shared.domain.business_time import SECONDS_PER_DAY, days_from_date, local_moment
from shared.domain.dictionaries import Dictionary, Term
from shared.environment import PRACTICE_FILE

TIMEZONE = "Europe/Moscow"
STATE_FILE, SHEET_FILE, PLANTED_FILE = "state.json", "barcodes.pdf", "planted.json"
PARALLEL = 3
PLAY_SECONDS_MAX = 600
SYNC_SECONDS_MAX = "120"

_VAT = (("standard", "20", "--to", "2025-12-31"), ("standard", "22", "--from", "2026-01-01"), ("food", "10"))


@dataclass(frozen=True, slots=True)
class State:
    """What is remembered of a finished chain to serve it again: its ports stay, for branches know them. No secrets."""

    seed: int
    language: str
    built_on: str
    grpc_port: int
    web_port: int
    branch_ports: dict[str, int]
    people: tuple[tuple[str, str, str, str], ...]
    """Code, name, role and branch (`*` for all) of those who log in."""

    def save(self, folder: Path) -> None:
        (folder / STATE_FILE).write_text(json.dumps(asdict(self), ensure_ascii=False))

    @classmethod
    def load(cls, folder: Path) -> State | None:
        """None when there is no finished chain in the folder."""
        path = folder / STATE_FILE
        if not path.exists():
            return None
        document: dict[str, Any] = json.loads(path.read_text())
        people = tuple((code, name, role, branch) for code, name, role, branch in document.pop("people"))
        return cls(**document, people=people)


Say = Callable[[str], None]


def build(folder: Path, plan: Plan, say: Say) -> State:
    """Makes the chain in that folder and stops every program that it needed. Raises CommandFailed, FilialError."""
    office = HeadOffice.found(folder / "hq", "--name", plan.chain_name, "--currency", CURRENCY, "--timezone", TIMEZONE)
    (office.home / PRACTICE_FILE).touch()
    ports = _free_ports(2 + len(plan.branches))
    state = State(
        plan.seed,
        plan.language,
        plan.today.isoformat(),
        ports[0],
        ports[1],
        {branch.code: port for branch, port in zip(plan.branches, ports[2:], strict=True)},
        tuple(
            (person.code, person.name, person.positions[0].role, person.positions[0].branches[0])
            for person in plan.employees
            if person.logs_in
        ),
    )
    try:
        office.serve(port=state.grpc_port)
        branches = _enrol(office, plan, folder, state.grpc_port)
        say(f"{plan.chain_name}: a head office and {len(branches)} branches. Goods, prices, promotions, people …")
        _tell_head_office(office, plan)
        _each(branches, _synchronise)
        say("The branches know them. Playing the weeks up to now …")
        played = _each(branches, lambda branch: _play(branch, plan))
        _each(branches, _synchronise)
        contacts = _each(branches, lambda branch: _play_contacts(branch, plan))
        _each(branches, _synchronise)
        # Branches hear of what was decided when they are served: they synchronise first.
        mailed = send_and_receive(office.home, plan.letters)
        office.run("report", "tell-branches")
    finally:
        office.stop()
    _hold_baskets(branches[0], plan)
    (folder / SHEET_FILE).write_bytes(barcode_sheet(plan))
    (folder / PLANTED_FILE).write_text(truths_document(truths_of(plan)))
    state.save(folder)
    receipts, refunds = (sum(sums.get(name, 0) for sums in played) for name in ("receipts", "refunds"))
    say(f"{receipts} receipts, {refunds} refunds, {sum(sums.get('closed', 0) for sums in played)} shifts closed.")
    calls, tasks = (sum(sums[name] for sums in contacts) for name in ("calls", "tasks"))
    say(f"{calls} calls to clients logged, {tasks} tasks given.")
    say("{sent} letters sent, {received} received, {unmatched} of nobody known.".format_map(mailed))
    return state


def events_by_now(plan: Plan, code: str) -> list[Event]:
    """What has happened at that branch by now."""
    now = local_moment(SystemClock().now_us(), TIMEZONE)
    return until_now(plan.events[code], plan.today, now.local_seconds % SECONDS_PER_DAY)


def catalog_lines(plan: Plan) -> Iterable[str]:
    """The goods as JSON Lines for `catalog import`."""
    for product in plan.products:
        document = {
            "sku": product.sku,
            "name": product.name,
            "category": product.category,
            "barcode": product.barcode,
            "unit": product.unit,
            "vat": product.vat,
            "weighed": "1" if product.weighed else "0",
            "price_minor": str(product.price_minor),
        }
        yield json.dumps(document, ensure_ascii=False)


def client_lines(plan: Plan) -> Iterable[str]:
    """The clients as JSON Lines for `client import`."""
    for client in plan.clients:
        document = {"external_id": client.external_id, "name": client.name, "phone": client.phone}
        yield json.dumps(document | ({"group": client.group} if client.group else {}), ensure_ascii=False)


def _enrol(office: HeadOffice, plan: Plan, folder: Path, port: int) -> list[Branch]:
    def enrol(planned: Any) -> Branch:
        home = folder / planned.code.lower()
        branch = Branch.enrol(office, planned.code, home, port, "--name", planned.name)
        (home / PRACTICE_FILE).touch()
        return branch

    with ThreadPoolExecutor(PARALLEL) as pool:
        return list(pool.map(enrol, plan.branches))


def _tell_head_office(office: HeadOffice, plan: Plan) -> None:
    for rate in _VAT:
        office.run("vat", "set", *rate)
    office.import_lines("catalog", catalog_lines(plan))
    office.import_lines("client", client_lines(plan))
    for promotion in plan.promotions:
        office.run("promotion", "add", *promotion.arguments())
    with head_office(office.home) as opened:
        now_us = opened.clock.now_us()
        for person in plan.employees:
            with opened.store.write() as connection:
                people = Personnel(connection, opened.ids, now_us)
                first, *later = (_placement(position) for position in person.positions)
                people.hire(person.code, person.name, first, plan.language)
                for placement in later:
                    people.place(person.code, placement)
        with opened.store.write() as connection:
            add_default_terms(connection, opened.ids, now_us)
            for code, name, name_en in RIVALS:
                add_term(connection, opened.ids, now_us, Term(Dictionary.COMPETITOR, code, name, name_en))
        number_feed(opened.store, now_us)


def _placement(position: PlannedPosition) -> Placement:
    last = None if position.last is None else days_from_date(position.last)
    return Placement(position.role, position.branches, position.reports_to, days_from_date(position.first), last)


def _synchronise(branch: Branch) -> None:
    branch.run("sync", "run", "--timeout", SYNC_SECONDS_MAX)


def _play(branch: Branch, plan: Plan) -> dict[str, int]:
    lines = [json.dumps(event_document(event), ensure_ascii=False) for event in events_by_now(plan, branch.code)]
    return _run_player("deploy.practice.player", branch, "\n".join(lines))


def _play_contacts(branch: Branch, plan: Plan) -> dict[str, int]:
    letters = plan.letters[branch.code]
    contacts = json.dumps(plan.contacts[branch.code]._asdict() | letters._asdict(), ensure_ascii=False)
    return _run_player("deploy.practice.contact_player", branch, contacts)


def _run_player(module: str, branch: Branch, text: str) -> dict[str, int]:
    """In a process of its own: the branches trade at the same time, as they do. Raises CommandFailed."""
    done = subprocess.run(
        [sys.executable, "-m", module, str(branch.home)],
        input=text,
        capture_output=True,
        text=True,
        timeout=PLAY_SECONDS_MAX,
    )
    if done.returncode != 0:
        raise CommandFailed(f"The weeks of {branch.code} could not be played: {done.stderr.strip()[-1_000:]}")
    sums: dict[str, int] = json.loads(done.stdout)
    return sums


def _hold_baskets(branch: Branch, plan: Plan) -> None:
    store = open_store(settings_for(branch.home))
    try:
        for number, held in enumerate(plan.held):
            basket_id = basket.open_basket(store, FIRST_REGISTER, held.cashier)
            for place, code in enumerate(held.codes):
                basket.scan(store, basket_id, f"practice-{number}-{place}", code)
            basket.hold(store, basket_id, held.title)
    finally:
        store.close()


def _each(branches: list[Branch], do: Callable[[Branch], Any]) -> list[Any]:
    with ThreadPoolExecutor(PARALLEL) as pool:
        return list(pool.map(do, branches))


def _free_ports(count: int) -> list[int]:
    """Ports of this machine that nothing listens on now."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()
