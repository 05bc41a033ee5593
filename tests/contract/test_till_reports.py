"""Cash differences, loss control and completeness on both databases: as the tills' own log makes them, at a branch as
at the head office."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Connection, true, update

from branch_node.operations.branch_facts import record_branch_fact
from branch_node.operations.cash import move_cash
from branch_node.operations.chain_answers import NotToldYet
from branch_node.operations.refund_request import parse_refund_request
from branch_node.operations.refunding import refund
from branch_node.operations.report_room import look_beneath
from branch_node.operations.selling import sell
from branch_node.operations.shifts import close_shift, open_shift
from hq_server.operations.shift_audit import audit_shifts
from shared.domain import till_acts
from shared.domain.branch_facts import AuditEntry, ReceiptVoid
from shared.domain.business_time import format_us, local_moment
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.domain.records import Record, RecordKind
from shared.domain.shifts import ShiftClose
from shared.operations.z_judging import judge_reports
from shared.operations.z_sums import Wanted, compare_reports
from shared.reports import cash_variance, data_completeness, loss
from shared.reports.items import Kind
from shared.reports.parameters import ReportAsk
from shared.reports.registry import find_report
from shared.storage.tables import (
    cash_movement,
    payment,
    refund_payment,
    sale,
    shift_close,
    shift_close_method,
    shift_open,
)
from shared.storage.tables import refund as refund_table
from shared.wire.payloads import encode_shift_close
from tests.support.drilled import listed, require_adds_up
from tests.support.journal import ZONE, z_report
from tests.support.journal import sale as make_sale
from tests.support.office import Office
from tests.support.pair import Node, Pair
from tests.support.report_runs import at_branch, at_hq, groupings, named, require_one_truth, summed
from tests.support.shop import request

Z_FIGURES = (
    *("receipts", "refunds", "gross_minor", "discounts_minor", "net_minor", "returns_minor", "rounding_minor"),
    *("float_minor", "cash_in_minor", "cash_out_minor", "expected_cash_minor"),
)
CASH, LOSS, COMPLETE = cash_variance.NAME, loss.NAME, data_completeness.NAME
DAY_SECONDS = 24 * 3_600
ACTIONS = (
    till_acts.LINE_REMOVED,
    till_acts.BASKET_ABANDONED,
    till_acts.BASKET_RESTORED,
    till_acts.DRAWER_OPENED,
    till_acts.RECEIPT_REPRINTED,
    till_acts.OVERRIDE,
    till_acts.PRICE_CHANGED,
    till_acts.DISCOUNT_BY_HAND,
    till_acts.MORE,
)


class Happened(NamedTuple):
    """One thing that a till did: where, when, and what it adds to which measures."""

    branch: str
    business_date: str
    register: str
    cashier: str | None
    adds: dict[str, int]


@dataclass
class Drawer:
    """What a till that is open holds, as a person with a pencil would know."""

    expected: int
    opened_on: date
    receipts: list[tuple[str, int]] = field(default_factory=list)


@dataclass
class TillKeeper:
    """Trades at a branch at random, and keeps a log of its own of what it did."""

    node: Node
    chance: random.Random
    till_log: list[Happened] = field(default_factory=list)
    shift_log: list[Happened] = field(default_factory=list)
    drawers: dict[str, Drawer] = field(default_factory=dict)
    keys: int = 0

    @property
    def today(self) -> date:
        return local_moment(self.node.clock.now_us(), ZONE).business_date

    def trade(self, steps: int) -> None:
        ways: Sequence[Callable[[str], None]] = (self.sell, self.sell, self.give_back, self.move, self.act, self.void)
        for _ in range(steps):
            self.node.clock.advance(self.chance.choice([60, 3_600]))
            register = self.chance.choice("12")
            if register not in self.drawers:
                self.open(register)
            elif self.chance.random() < 0.15:
                self.close(register)
            else:
                self.chance.choice(ways)(register)

    def open(self, register: str) -> None:
        float_minor = self.chance.choice([0, 10_000])
        with self.node.store.operation() as transaction:
            open_shift(transaction, register, self.cashier(), float_minor)
        self.drawers[register] = Drawer(float_minor, self.today)

    def close(self, register: str) -> None:
        drawer, cashier = self.drawers.pop(register), self.cashier()
        counted = None if self.chance.random() < 0.2 else max(0, drawer.expected + self.chance.choice([-300, 0, 200]))
        with self.node.store.operation() as transaction:
            close_shift(transaction, register, cashier, counted)
        adds = {"shifts": 1}
        if counted is None:
            adds["not_counted"] = 1
        else:
            variance = counted - drawer.expected
            adds |= {"expected": drawer.expected, "counted": counted, "variance": variance}
            adds |= {"short": min(0, variance), "over": max(0, variance)}
        self.shift_log.append(Happened(self.node.code, drawer.opened_on.isoformat(), register, cashier, adds))

    def sell(self, register: str) -> None:
        cashier, total = self.cashier(), self.chance.randrange(1, 500) * 10
        by_card = self.chance.choice([0, total // 2, total])
        change = self.chance.choice([0, 70]) if by_card < total else 0
        payments = [{"method": "card", "amount_minor": by_card}] if by_card else []
        if by_card < total:
            payments.append({"method": "cash", "amount_minor": total - by_card + change})
        asked = request(self.key(), total, register=register, cashier=cashier, payments=payments)
        with self.node.store.operation() as transaction:
            answer = sell(transaction, asked)
        drawer = self.drawers[register]
        drawer.expected += total - by_card
        drawer.receipts.append((answer.receipt, total))
        self.note(register, cashier, receipts=1)

    def give_back(self, register: str) -> None:
        drawer, cashier = self.drawers[register], self.cashier()
        authorised_by = self.chance.choice([None, "boss"])
        document: dict[str, Any] = {"key": self.key(), "register": register, "cashier": cashier}
        if authorised_by:
            document["authorised_by"] = authorised_by
        if drawer.receipts and self.chance.random() < 0.5:
            receipt, total = drawer.receipts.pop()
            document |= {"receipt": receipt, "lines": [{"line": 1}]}
        else:
            receipt, total = "", self.chance.randrange(1, 50) * 10
            document["lines"] = [{"sku": "100", "quantity": 1, "amount_minor": total}]
        if total > drawer.expected:
            return
        document["payments"] = [{"method": "cash", "amount_minor": total}]
        with self.node.store.operation() as transaction:
            refund(transaction, parse_refund_request(document))
        drawer.expected -= total
        without = {} if receipt else {"unreceipted": 1, "unreceipted_sum": total}
        self.note(register, cashier, returns=1, overrides=int(authorised_by is not None), **without)

    def move(self, register: str) -> None:
        drawer, amount = self.drawers[register], self.chance.randrange(1, 20) * 10
        direction = self.chance.choice(["in", "out", "pickup"])
        if direction != "in" and amount > drawer.expected:
            return
        with self.node.store.operation() as transaction:
            move_cash(transaction, register, self.cashier(), direction, amount, "bank")
        drawer.expected += amount if direction == "in" else -amount

    def act(self, register: str) -> None:
        action, cashier = self.chance.choice(ACTIONS), self.cashier()
        allowed_by = "boss" if action == till_acts.OVERRIDE else self.chance.choice([None, "boss"])
        detail = self.chance.choice(["refund.by_receipt", "sale.price"])
        at = local_moment(self.node.clock.now_us(), ZONE)
        with self.node.store.operation() as transaction:
            record_branch_fact(transaction, AuditEntry(action, register, cashier, allowed_by, 50, detail, at))
        adds = {
            till_acts.LINE_REMOVED: {"voids": 1},
            till_acts.BASKET_ABANDONED: {"voids": 1},
            till_acts.DRAWER_OPENED: {"no_sale_opens": 1, "overrides": int(allowed_by is not None)},
            till_acts.RECEIPT_REPRINTED: {"overrides": int(allowed_by is not None)},
            till_acts.OVERRIDE: {"overrides": int(detail != "refund.by_receipt")},
            till_acts.PRICE_CHANGED: {"price_changes": 1},
            till_acts.DISCOUNT_BY_HAND: {"discounts": 1},
        }.get(action)
        if adds is not None:
            self.note(register, cashier, **adds)

    def void(self, register: str) -> None:
        """Nothing was sold under the next number."""
        at = local_moment(self.node.clock.now_us(), ZONE)
        with self.node.store.operation() as transaction:
            cursor = transaction.cursor
            cursor.execute(
                "UPDATE register SET last_receipt_number = last_receipt_number + 1 WHERE code = ?", (register,)
            )
            statement = "SELECT last_receipt_number FROM register WHERE code = ?"
            number = cursor.execute(statement, (register,)).fetchone()[0]
            record_branch_fact(transaction, ReceiptVoid(register, number, at, "refused"))
        self.till_log.append(Happened(self.node.code, self.today.isoformat(), register, None, {"voids": 1}))

    def note(self, register: str, cashier: str, **adds: int) -> None:
        self.till_log.append(Happened(self.node.code, self.today.isoformat(), register, cashier, adds))

    def cashier(self) -> str:
        return self.chance.choice(["anna", "boris"])

    def key(self) -> str:
        self.keys += 1
        return f"{self.node.code}-{self.keys}"


def by_hand(
    log: Sequence[Happened], by: Sequence[str], measures: Sequence[str]
) -> dict[tuple[Any, ...], tuple[int, ...]]:
    """The log's sums by group."""
    sums: dict[tuple[Any, ...], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for happened in log:
        values = {**happened._asdict(), "month": happened.business_date[:7]}
        group = sums[tuple(values[name] for name in by)]
        for name, amount in happened.adds.items():
            group[name] += amount
    return {key: tuple(group[name] for name in measures) for key, group in sums.items()}


def names_of(module: Any) -> list[str]:
    return [column.name for column in module.MEASURES]


@pytest.fixture
def pair(office: Office, tmp_path: Path) -> Pair:
    return Pair(office, tmp_path)


@pytest.fixture(params=[1, 2])
def keepers(request: pytest.FixtureRequest, pair: Pair) -> list[TillKeeper]:
    """Two branches after some days."""
    made = [TillKeeper(pair.join(code), random.Random(f"{request.param}{code}")) for code in ("B1", "B2")]
    for keeper in made:
        keeper.node.sync()
    for _ in range(3):
        for keeper in made:
            keeper.trade(25)
        pair.office.clock.advance(6 * DAY_SECONDS)
    for keeper in made:
        keeper.node.sync()
    return made


def test_cash_differences_and_loss_control_are_what_the_tills_own_log_makes(
    pair: Pair, keepers: list[TillKeeper]
) -> None:
    shifts = [each for keeper in keepers for each in keeper.shift_log]
    tills = [each for keeper in keepers for each in keeper.till_log]
    for by in groupings(CASH):
        assert summed(at_hq(pair.office, CASH, *by)) == by_hand(shifts, by, names_of(cash_variance)), by
        assert summed(at_hq(pair.office, LOSS, *by)) == by_hand(tills, by, names_of(loss)), by
    for module in (cash_variance, loss):
        for keeper in keepers:
            require_one_truth(pair.office, keeper.node, module.NAME)


def test_they_are_filtered_bounded_and_rolled_up(pair: Pair, keepers: list[TillKeeper]) -> None:
    first, last = "2026-11-25", "2026-12-04"
    logs = {CASH: (cash_variance, "shift_log"), LOSS: (loss, "till_log")}
    for name, (module, log) in logs.items():
        happened = [each for keeper in keepers for each in getattr(keeper, log)]
        kept = [each for each in happened if first <= each.business_date <= last and each.cashier == "anna"]
        for ask in ({"filters": ("cashier=anna",)}, {"filters": ("cashier=anna", "branch=B1", "branch=B2")}):
            told = at_hq(pair.office, name, "register", date_from=first, date_to=last, **ask)
            assert summed(told) == by_hand(kept, ("register",), names_of(module))
        nobody = [each for each in happened if each.cashier is None]
        told = at_hq(pair.office, name, "branch", filters=("cashier=",))
        assert summed(told) == by_hand(nobody, ("branch",), names_of(module))
    voided = named(at_hq(pair.office, LOSS, filters=("cashier=",)))
    assert voided["voids"] == sum(each.cashier is None for keeper in keepers for each in keeper.till_log) > 0


def test_the_shifts_and_the_acts_behind_every_row_add_up_to_it(pair: Pair, keepers: list[TillKeeper]) -> None:
    asks: list[dict[str, Any]] = [
        {},
        {"date_from": "2026-11-25", "date_to": "2026-12-04", "filters": ("cashier=anna", "cashier=")},
        {"filters": ("register=1",), "branches": ("B1",)},
    ]
    for name in (CASH, LOSS):
        for by in (*groupings(name, 1), ("cashier", "business_date")):
            for ask in asks:
                require_adds_up(pair.office, name, ReportAsk(by, **ask))
    kinds = {each.kind for each in listed(pair.office, find_report(LOSS), ReportAsk()).rows}
    assert kinds == {Kind.TILL_ACT, Kind.REFUND, Kind.VOID}


def test_a_branch_lists_what_the_head_office_lists_of_it(pair: Pair, keepers: list[TillKeeper]) -> None:
    node = keepers[0].node
    for name in (CASH, LOSS, "sales"):
        there = listed(pair.office, find_report(name), ReportAsk(branches=(node.code,)))
        with node.store.read() as connection:
            here = look_beneath(connection, LOCAL_ADMINISTRATOR, find_report(name), ReportAsk(), 1, node.clock.now_us())
        assert here.found == there, name


def test_differences_add_up_and_are_given_per_hundred_receipts(pair: Pair, keepers: list[TillKeeper]) -> None:
    for row in at_hq(pair.office, CASH, "cashier", "business_date").rows:
        sums = named(at_hq(pair.office, CASH, "cashier", "business_date"), row)
        assert sums["short"] <= 0 <= sums["over"]
        assert sums["short"] + sums["over"] == sums["variance"] == sums["counted"] - sums["expected"]
    totals = named(at_hq(pair.office, LOSS))
    exact = totals["returns"] * 100_000 / totals["receipts"]
    assert abs(totals["returns_per_100"] - exact) <= 0.5
    assert named(at_hq(pair.office, LOSS, date_from="2001-01-01", date_to="2001-01-01"))["returns_per_100"] is None


def test_what_was_known_then_leaves_out_what_came_later(pair: Pair, keepers: list[TillKeeper]) -> None:
    known_at = format_us(pair.office.clock.now_us())
    before = {name: at_hq(pair.office, name, "branch").rows for name in (CASH, LOSS, COMPLETE)}
    pair.office.clock.advance(60)
    for keeper in keepers:
        keeper.trade(40)
        keeper.node.sync()
    for name, rows in before.items():
        assert at_hq(pair.office, name, "branch", as_of=known_at).rows == rows
        assert at_hq(pair.office, name, "branch").rows != rows


def z_record(office: Office, report: ShiftClose) -> Record:
    return Record(RecordKind.SHIFT_CLOSE, office.ids.new_id(), encode_shift_close(report))


def test_of_two_reports_of_one_shift_the_last_stands_and_the_other_is_counted(office: Office) -> None:
    from dataclasses import replace

    journal = office.journal("B1")
    early, late = z_report(1, 50, "2026-11-20T20:00:00"), z_report(2, 80, "2026-11-20T21:00:00")
    journal.add([z_record(office, replace(late, counted_cash_minor=90, cashier="boris"))])
    office.merge(journal, journal.batch())
    known_at = format_us(office.clock.now_us())
    office.clock.advance(60)
    journal.add([z_record(office, replace(early, counted_cash_minor=20))])
    office.merge(journal, journal.batch(after_seq=1))
    assert summed(at_hq(office, CASH, "cashier")) == {
        ("anna",): (0, 0, 0, 0, 0, 0, 0, 1),
        ("boris",): (1, 0, 80, 90, 10, 0, 10, 0),
    }
    assert require_adds_up(office, CASH, ReportAsk(("cashier",))) == 2
    assert require_adds_up(office, CASH, ReportAsk(("cashier",), as_of=known_at)) == 1
    assert summed(at_hq(office, CASH, "cashier", as_of=known_at)) == {("boris",): (1, 0, 80, 90, 10, 0, 10, 0)}


def test_the_numbers_of_every_register_are_there_once(pair: Pair, keepers: list[TillKeeper]) -> None:
    for keeper in keepers:
        numbered = [
            each for each in keeper.till_log if {"receipts", "returns"} & each.adds.keys() or each.cashier is None
        ]
        for register in {each.register for each in numbered}:
            count = sum(each.register == register for each in numbered)
            closed = sum(each.register == register for each in keeper.shift_log)
            found = summed(at_hq(pair.office, COMPLETE, "branch", "register"))[keeper.node.code, register]
            assert found == (count, count, 0, 0, closed, 0)
    assert named(at_hq(pair.office, COMPLETE))["received_percent"] == 10_000


def test_missing_doubled_and_falsified_receipts_are_found(pair: Pair, keepers: list[TillKeeper]) -> None:
    office, chance = pair.office, random.Random(3)
    with office.store.write() as connection:
        for table in (sale, cash_movement, shift_close):
            rows = connection.execute(table.select().order_by(table.c.id)).all()
            row = chance.choice(rows)
            changes: dict[Any, dict[str, Any]] = {
                sale: {"receipt_number": 1, "register": "1"},
                shift_close: {"counted_cash_minor": 7, "refunds": 99},
            }
            values: dict[str, Any] = changes.get(table, {"amount_minor": row._mapping.get("amount_minor", 0) + 5})
            connection.execute(update(table).where(table.c.id == row.id).values(**values))
    with office.store.read() as connection:
        audited = audit_shifts(connection, None, None, None)
        rows = connection.execute(shift_close.select()).all()
        compared = compare_reports(connection, rows, Wanted(true()))
    # Looked at all together or five hundred at a time, they differ alike.
    assert sorted(each.differing for each in compared) == sorted(each.differing for each in audited)
    differing: dict[tuple[str, str], int] = defaultdict(int)
    codes = {keeper.node.branch_id: keeper.node.code for keeper in keepers}
    for each in audited:
        differing[codes[each.branch_id], each.report.register] += bool(each.differing)
    told = summed(at_hq(office, COMPLETE, "branch", "register"))
    assert {key: row[5] for key, row in told.items()} == {key: differing[key] for key in told}
    assert sum(differing.values()) >= 1
    for by in (("branch", "register"), ("register",), ()):
        assert require_adds_up(office, COMPLETE, ReportAsk(by)) > 0
        require_adds_up(office, COMPLETE, ReportAsk(by, "2026-11-25", "2026-12-04", ("B1",)))
    kinds = {each.kind for each in listed(office, find_report(COMPLETE), ReportAsk()).rows}
    assert {Kind.TWICE, Kind.Z_REPORT} <= kinds
    totals = named(at_hq(office, COMPLETE))
    assert (totals["missing"] >= 1) == (totals["received_percent"] < 10_000)
    assert totals["twice"] >= 1
    assert totals["last"] == totals["received"] + totals["missing"]


def test_reports_counted_by_the_store_differ_as_those_that_are_read(pair: Pair, keepers: list[TillKeeper]) -> None:
    office, chance = pair.office, random.Random(5)
    falsified: list[tuple[Any, dict[str, Any] | None]] = [
        *((shift_close, {name: None}) for name in Z_FIGURES),
        *((table, {"amount_minor": None}) for table in (shift_close_method, payment, refund_payment, cash_movement)),
        *((table, {"method": "barter"}) for table in (shift_close_method, payment, refund_payment)),
        *((table, {"received_at": office.clock.now_us() + 1}) for table in (sale, payment, shift_open, cash_movement)),
        *((table, None) for table in (shift_open, shift_close_method, payment, cash_movement, refund_table)),
        (sale, {"change_minor": None}),
        (refund_table, {"rounding_minor": None}),
        (shift_close, {"undecided": "1"}),
    ]
    found: Counter[str] = Counter()
    # Some are of a shift that is not closed yet.
    for table, changes in falsified * 4:
        with office.store.write() as connection, connection.begin_nested() as changed:
            row = chance.choice(connection.execute(table.select().order_by(*table.primary_key)).all())._mapping
            this = [column == row[column.name] for column in table.primary_key]
            if changes is None:
                connection.execute(table.delete().where(*this))
            else:
                values = {name: row[name] + 1 if value is None else value for name, value in changes.items()}
                connection.execute(update(table).where(*this).values(**values))
            for wanted in (Wanted(true()), Wanted(true(), office.clock.now_us())):
                judged, compared = judged_and_compared(connection, wanted)
                assert judged == compared, (table.name, changes)
                found[table.name] += sum(differing for _, differing in judged.values())
            changed.rollback()
    assert {name for name, differing in found.items() if differing} == {each.name for each, _ in falsified}


def judged_and_compared(connection: Connection, wanted: Wanted) -> tuple[dict[Any, Any], dict[Any, Any]]:
    """By register how many Z-reports there are and how many differ: counted by the store, and read one by one."""
    rows = connection.execute(shift_close.select().where(*wanted.known(shift_close))).all()
    judged: dict[Any, tuple[int, int]] = defaultdict(lambda: (0, 0))
    compared: dict[Any, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for each in judge_reports(connection, list({row.branch_id for row in rows}), wanted):
        reports, differing = judged[each.branch_id, each.register]
        judged[each.branch_id, each.register] = (reports + each.reports, differing + each.differing)
    for branch_id, report, differences in compare_reports(connection, rows, wanted):
        reports, differing = compared[branch_id, report.register]
        compared[branch_id, report.register] = (reports + 1, differing + bool(differences))
    return dict(judged), dict(compared)


def test_one_missing_number_of_many_is_never_a_hundred_percent(office: Office) -> None:
    journal = office.journal("B1")
    numbers = [number for number in range(1, 30_002) if number != 7]
    journal.add_sale(make_sale(1))
    office.merge(journal, journal.batch())
    with office.store.write() as connection:
        (row,) = connection.execute(sale.select()).all()
        known = dict(row._mapping)
        connection.execute(
            sale.insert(),
            [{**known, "id": number.to_bytes(16), "receipt_number": number} for number in numbers if number != 1],
        )
    totals = named(at_hq(office, COMPLETE))
    assert (totals["last"], totals["missing"], totals["received_percent"]) == (30_001, 1, 9_999)
    (missing,) = listed(office, find_report(COMPLETE), ReportAsk()).rows
    assert (missing.kind, missing.name, missing.measures) == (Kind.MISSING, "1-000007", (1, 0, 0, 0))


def test_completeness_is_for_the_head_office(pair: Pair, keepers: list[TillKeeper]) -> None:
    with pytest.raises(NotToldYet):
        at_branch(keepers[0].node, COMPLETE)
