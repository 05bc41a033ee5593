"""A head office after a year of a small chain: what every report reads, written straight into the tables.

Receipts with lines and payments, shifts with Z-reports that fit them, returns, goods received at a cost, calls, tasks,
clients, and what waits for somebody. Everything is as the programs would have it, so that reports add up; nothing is
random but from a seed.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from random import Random
from typing import Any, Final

from sqlalchemy import Connection, Table, update

from benchmarks.client_store import client_name, client_phone
from hq_server.storage.rollups import rebuild_rollups
from hq_server.storage.tables import branch_cursor
from shared.domain.business_time import MICROSECONDS, SECONDS_PER_DAY, days_from_date, from_us
from shared.domain.identifiers import derived_id
from shared.domain.till_acts import BASKET_ABANDONED, DISCOUNT_BY_HAND, DRAWER_OPENED, LINE_REMOVED
from shared.storage.tables import (
    audit_entry,
    cash_movement,
    client,
    client_key,
    conflict,
    employee,
    interaction,
    payment,
    position,
    product,
    receipt_void,
    refund,
    refund_line,
    refund_payment,
    sale,
    sale_line,
    shift_close,
    shift_close_method,
    shift_open,
    stock_movement,
    stock_movement_line,
    task,
)
from tests.support.office import Office

BRANCHES: Final = 40
DAYS: Final = 365
REGISTERS: Final = ("1", "2")
CASHIERS: Final = 5
REPS: Final = 3
SKUS: Final = 4_000
CATEGORIES: Final = 25
CLIENTS: Final = 60_000
LINES_PER_SALE: Final = 5
CALLS: Final = 100_000
TASKS: Final = 100_000
CONFLICTS: Final = 2_000
SHARED_PHONES: Final = 2_000
DELIVERY_DAYS, DELIVERY_LINES = 7, 80

ZONE, _OFFSET_SECONDS = "Europe/Moscow", 10_800
_DAY_US = SECONDS_PER_DAY * MICROSECONDS
_HOUR_US = 3_600 * MICROSECONDS
_ROWS_AT_ONCE = 50_000
_ACTS = (LINE_REMOVED, BASKET_ABANDONED, DRAWER_OPENED, DISCOUNT_BY_HAND)


@dataclass(slots=True)
class _Drawer:
    """What a shift's receipts come to."""

    receipts: int = 0
    gross: int = 0
    discounts: int = 0
    net: int = 0
    returns: int = 0
    refunds: int = 0
    first: int = 0
    last: int = 0


@dataclass(slots=True)
class _Writer:
    """Rows by table, which go to the store many at a time."""

    office: Office
    connection: Connection
    rows: dict[Table, list[tuple[Any, ...]]] = field(default_factory=lambda: defaultdict(list))

    def add(self, table: Table, **values: Any) -> None:
        """A row; columns that are not named are empty."""
        self.rows[table].append(tuple([values.get(name, empty) for name, empty in _columns(table)]))

    def flush(self, least: int = 0) -> None:
        """All of it when there are lines enough; sales before the lines that refer to them."""
        if len(self.rows[sale_line]) >= least:
            for table in sorted(self.rows, key=lambda table: table is not sale):
                self.office.store.bulk.insert(self.connection, table, self.rows.pop(table))


@cache
def _columns(table: Table) -> list[tuple[str, Any]]:
    """Each with what it holds when nothing is said of it."""
    empty = {"TEXT": "", "BOOLEAN": False, "INTEGER": 0, "BIGINT": 0}
    return [(each.name, None if each.nullable else empty.get(str(each.type), b"")) for each in table.columns]


def fill(office: Office, sales: int) -> None:
    """Everything, up to the moment of the office's clock; `sales` in all."""
    branches = [office.add_branch(f"B{number:02}").id for number in range(BRANCHES)]
    now_us = office.clock.now_us()
    today = from_us(now_us + _OFFSET_SECONDS * MICROSECONDS).date()
    with office.store.write() as connection:
        writer = _Writer(office, connection)
        _add_people(writer, today)
        _add_cards(writer)
        _add_waiting(writer, branches, now_us)
        for number, branch_id in enumerate(branches):
            _Branch(writer, number, branch_id, today, now_us).fill(sales // BRANCHES)
        _add_calls(writer, branches, now_us)
        _add_tasks(writer, branches, now_us)
        writer.flush()
        seen = {"watermark": now_us, "last_seen_at": now_us, "connected": True}
        connection.execute(update(branch_cursor).values(**seen))
        rebuild_rollups(connection)
    with office.store.write() as connection:
        connection.exec_driver_sql("ANALYZE")


class _Branch:
    """A branch's year."""

    def __init__(self, writer: _Writer, number: int, branch_id: bytes, today: date, now_us: int) -> None:
        self._writer, self._number, self._id = writer, number, branch_id
        self._random = Random(number)
        self._today, self._now_us = today, now_us
        self._receipts = dict.fromkeys(REGISTERS, 0)
        self._drawers: dict[tuple[int, str], _Drawer] = defaultdict(_Drawer)

    def fill(self, sales: int) -> None:
        for number in range(sales):
            day, register = number * DAYS // sales, REGISTERS[number % len(REGISTERS)]
            self._sell(number, day, register)
            if number % 50 == 49:
                self._give_back(number, day, register)
            if number % 4 == 0:
                self._act(number, day, register)
            if number % 700 == 699:
                self._void(number, day, register)
            self._writer.flush(_ROWS_AT_ONCE)
        for (day, register), drawer in self._drawers.items():
            self._close(day, register, drawer)
        for day in range(0, DAYS, DELIVERY_DAYS):
            self._receive(day)
        self._writer.flush(_ROWS_AT_ONCE)

    def _sell(self, number: int, day: int, register: str) -> None:
        random, sale_id = self._random, self._new_id("sale", number)
        sold = self._moment(day, number, "sold_at")
        lines = self._writer.rows[sale_line]
        gross = discounts = units = 0
        for line in range(1, LINES_PER_SALE + 1):
            sku = _sku(random)
            pieces, price = 1 + random.randrange(3), 50_00 + sku % 300 * 10
            discount = price // 10 if random.random() < 0.2 else 0
            amount = price * pieces - discount
            values = (pieces * 1_000, amount, discount, 2_000, amount // 6, None, None, sold["sold_at"])
            lines.append((self._id, sale_id, line, str(sku), None, _category(sku), *values))
            gross, discounts, units = gross + amount + discount, discounts + discount, units + pieces * 1_000
        net = gross - discounts
        known = {"client": None, "client_id": None} if number % 5 < 2 else _client_fields(random.randrange(CLIENTS))
        totals = {"units_thousandths": units, "gross_minor": gross, "discounts_minor": discounts, "net_minor": net}
        receipt = self._receipt(day, register)
        self._writer.add(sale, **self._receipt_fields(day, number, register, receipt), **known, **sold, **totals,
                         id=sale_id, currency="RUB")  # fmt: skip
        self._writer.add(payment, branch_id=self._id, sale_id=sale_id, payment_number=1, method="cash",
                         amount_minor=net)  # fmt: skip
        drawer = self._drawers[day, register]
        drawer.receipts, drawer.gross = drawer.receipts + 1, drawer.gross + gross
        drawer.discounts, drawer.net = drawer.discounts + discounts, drawer.net + net

    def _give_back(self, number: int, day: int, register: str) -> None:
        """One in twenty of a sale that was given back before: more than was sold."""
        sku, amount, refund_id = _sku(self._random), 50_00, self._new_id("refund", number)
        again = self._random.random() < 0.05
        sale_id = None if number % 3 == 0 else self._new_id("sale", max(49, number - 100) if again else number)
        receipt = self._receipt(day, register)
        self._writer.add(refund, **self._receipt_fields(day, number, register, receipt),
                         **self._moment(day, number, "refunded_at"), **_client_fields(number), id=refund_id,
                         currency="RUB", sale_id=sale_id, returns_minor=amount)  # fmt: skip
        self._writer.add(refund_line, branch_id=self._id, refund_id=refund_id, line_number=1, sale_line=1,
                         sku=str(sku), category=_category(sku), quantity_thousandths=3_000, amount_minor=amount,
                         vat_minor=amount // 6)  # fmt: skip
        self._writer.add(refund_payment, branch_id=self._id, refund_id=refund_id, payment_number=1, method="cash",
                         amount_minor=amount)  # fmt: skip
        drawer = self._drawers[day, register]
        drawer.refunds, drawer.returns = drawer.refunds + 1, drawer.returns + amount

    def _act(self, number: int, day: int, register: str) -> None:
        self._writer.add(audit_entry, **self._moment(day, number, "at"), branch_id=self._id,
                         id=self._new_id("act", number), command_id=self._id, action=_ACTS[number // 4 % len(_ACTS)],
                         register=register, cashier=self._cashier(number))  # fmt: skip

    def _void(self, number: int, day: int, register: str) -> None:
        self._writer.add(receipt_void, **self._moment(day, number, "voided_at"), branch_id=self._id,
                         id=self._new_id("void", number), command_id=self._id, register=register,
                         receipt_number=self._receipt(day, register))  # fmt: skip

    def _close(self, day: int, register: str, drawer: _Drawer) -> None:
        """Every hundredth shift was closed twice."""
        shift_id, key = self._shift(day, register), day * 2 + int(register)
        float_minor, cash_in = 1_000_00, 500_00
        expected = float_minor + cash_in + drawer.net - drawer.returns
        cashier = self._cashier(day)
        self._writer.add(shift_open, **self._moment(day, 0, "opened_at"), branch_id=self._id, id=shift_id,
                         command_id=shift_id, register=register, cashier=cashier, float_minor=float_minor,
                         currency="RUB")  # fmt: skip
        self._writer.add(cash_movement, **self._moment(day, 1, "moved_at"), branch_id=self._id,
                         id=self._new_id("cash", key), command_id=shift_id, shift_id=shift_id, register=register,
                         cashier=cashier, direction="in", amount_minor=cash_in)  # fmt: skip
        for again in range(2 if key % 100 == 0 else 1):
            close_id = self._new_id("close", key * 2 + again)
            counted = None if key % 20 == 0 else expected + (-150_00 if key % 7 == 0 else 90_00 * (key % 9 == 0))
            self._writer.add(shift_close, **self._moment(day, 12, "closed_at"), branch_id=self._id, id=close_id,
                             command_id=close_id, shift_id=shift_id, register=register, cashier=cashier,
                             currency="RUB", receipts=drawer.receipts, first_receipt=drawer.first,
                             last_receipt=drawer.last, gross_minor=drawer.gross, discounts_minor=drawer.discounts,
                             net_minor=drawer.net, float_minor=float_minor, expected_cash_minor=expected,
                             counted_cash_minor=counted, refunds=drawer.refunds, returns_minor=drawer.returns,
                             cash_in_minor=cash_in)  # fmt: skip
            self._writer.add(shift_close_method, branch_id=self._id, close_id=close_id, method="cash",
                             amount_minor=drawer.net - drawer.returns)  # fmt: skip

    def _receive(self, day: int) -> None:
        movement_id = self._new_id("movement", day)
        self._writer.add(stock_movement, **self._moment(day, 0, "moved_at"), branch_id=self._id, id=movement_id,
                         command_id=movement_id, reason="received", document=f"{day}", employee="keeper")  # fmt: skip
        for line in range(1, DELIVERY_LINES + 1):
            sku, pieces = _sku(self._random), 5 + self._random.randrange(15)
            cost = None if sku % 11 == 0 else pieces * (30_00 + sku % 300 * 6)
            self._writer.add(stock_movement_line, branch_id=self._id, movement_id=movement_id, line_number=line,
                             sku=str(sku), quantity_thousandths=pieces * 1_000, cost_minor=cost)  # fmt: skip

    def _receipt(self, day: int, register: str) -> int:
        self._receipts[register] += 1
        drawer = self._drawers[day, register]
        drawer.last = self._receipts[register]
        drawer.first = drawer.first or drawer.last
        return drawer.last

    def _receipt_fields(self, day: int, number: int, register: str, receipt: int) -> dict[str, Any]:
        shift = {"shift_id": self._shift(day, register), "register": register, "cashier": self._cashier(number)}
        return {
            "branch_id": self._id,
            "command_id": self._new_id("command", number),
            "receipt_number": receipt,
            **shift,
        }

    def _moment(self, day: int, number: int, name: str) -> dict[str, Any]:
        business_date = self._today - timedelta(days=DAYS - 1 - day)
        hour = 9 + number % 10
        at_us = days_from_date(business_date) * _DAY_US + (hour * 3_600 - _OFFSET_SECONDS) * MICROSECONDS
        placed = {"utc_offset_seconds": _OFFSET_SECONDS, "zone": ZONE, "business_date": business_date, "hour": hour}
        return {name: at_us, "received_at": at_us, **placed}

    def _cashier(self, number: int) -> str:
        return f"cashier{self._number}-{number % CASHIERS}"

    def _shift(self, day: int, register: str) -> bytes:
        return self._new_id("shift", day * 2 + int(register))

    def _new_id(self, kind: str, number: int) -> bytes:
        """Ids of a branch grow, as those of the programs do."""
        return number.to_bytes(6, "big") + self._number.to_bytes(2, "big") + kind.encode().ljust(8)


def _sku(random: Random) -> int:
    """Some goods are sold much more than others."""
    return int(SKUS * random.random() ** 2)


def _category(sku: int) -> str:
    return f"category{sku % CATEGORIES:02}"


def _client_id(number: int) -> bytes:
    return b"client".ljust(8) + number.to_bytes(8, "big")


def _client_fields(number: int) -> dict[str, Any]:
    """Of three clients one is known by the card."""
    return {"client": f"C-{number:06}", "client_id": _client_id(number) if number % 3 == 0 else None}


def _people() -> Iterator[tuple[str, bytes, int]]:
    """Codes, ids and the numbers of their branches."""
    for branch, number in itertools.product(range(BRANCHES), range(CASHIERS + REPS)):
        code = f"cashier{branch}-{number}" if number < CASHIERS else f"rep{branch}-{number - CASHIERS}"
        yield code, derived_id("bench employee", code.encode()), branch


def _reps() -> list[tuple[str, bytes, int]]:
    return [each for each in _people() if each[0].startswith("rep")]


def _add_people(writer: _Writer, today: date) -> None:
    hired = days_from_date(today) - DAYS
    for code, identity, branch in _people():
        writer.add(employee, id=identity, code=code, name=code)
        role = "cashier" if code.startswith("cashier") else "sales_rep"
        writer.add(position, id=derived_id("bench position", identity), employee_id=identity, role_code=role,
                   branches=f"B{branch:02}", valid_from=hired)  # fmt: skip


def _add_cards(writer: _Writer) -> None:
    for sku in range(SKUS):
        writer.add(product, id=b"product".ljust(8) + sku.to_bytes(8, "big"), sku=str(sku), name=f"Product {sku}",
                   category=_category(sku), unit="pcs", vat_code="20")  # fmt: skip
    reps = _reps()
    for number in range(CLIENTS):
        name, phone, identity = client_name(number), client_phone(number), _client_id(number)
        writer.add(client, id=identity, external_id=f"C-{number:06}", name=name, phones=phone, sort_key=name.lower(),
                   search_text=name.lower(), owner_id=reps[number % len(reps)][1] if number % 2 else None,
                   no_next_step="lost" if number % 9 == 0 else None, consent_data=True)  # fmt: skip
        shared = number // 2 if number < 2 * SHARED_PHONES else number
        key = f"phone:{client_phone(shared)}"
        writer.add(client_key, key=key, client_id=identity, shared_key=key if shared != number or number == 0 else None)


def _add_waiting(writer: _Writer, branches: Sequence[bytes], now_us: int) -> None:
    """Conflicts that are open, and nine times as many that were."""
    for number in range(CONFLICTS * 10):
        fields = {"kind": 1, "card_id": _client_id(number), "field": "name", "rule": "last_writer"}
        commands = {"older_command_id": b"older".ljust(16), "newer_command_id": b"newer".ljust(16)}
        sides = {f"{side}_{name}": branches[number % BRANCHES] for side in ("older", "newer")
                 for name in ("author", "branch_id")}  # fmt: skip
        writer.add(conflict, **fields, **commands, **sides, older_value='"a"', newer_value='"b"',
                   shown_command_id=commands["newer_command_id"], detected_at=now_us,
                   closed_at=now_us if number % 10 else None)  # fmt: skip


def _add_calls(writer: _Writer, branches: Sequence[bytes], now_us: int) -> None:
    """Every fiftieth was corrected."""
    reps = _reps()
    for number in range(CALLS):
        code, _, branch = reps[number % len(reps)]
        at_us = now_us - number * (DAYS - 1) * _DAY_US // CALLS
        local = from_us(at_us + _OFFSET_SECONDS * MICROSECONDS)
        corrects = _interaction_id(number - 1) if number % 50 == 49 else None
        sides = {"channel": "call", "direction": ("in", "out")[number % 4 > 0], "employee": code}
        outcome = {"reached": number % 3 > 0, "outcome": ("thinking", "sold", "")[number % 3], "duration_seconds": 95}
        moment = {"at": at_us, "hour": local.hour, "business_date": local.date(), "received_at": at_us}
        writer.add(interaction, **sides, **outcome, **moment, branch_id=branches[branch], id=_interaction_id(number),
                   command_id=branches[branch], client_id=_client_id(number * 7_919 % CLIENTS), corrects_id=corrects,
                   zone=ZONE, utc_offset_seconds=_OFFSET_SECONDS)  # fmt: skip
    writer.flush()


def _interaction_id(number: int) -> bytes:
    return b"call".ljust(8) + number.to_bytes(8, "big")


def _add_tasks(writer: _Writer, branches: Sequence[bytes], now_us: int) -> None:
    """Most are done, some of them late; some are overdue, some to come."""
    reps = _reps()
    for number in range(TASKS):
        _, person, branch = reps[number % len(reps)]
        due_us = now_us - (number - TASKS // 20) * DAYS * _DAY_US // TASKS
        is_done = due_us < now_us and number % 20 > 0
        done_us = due_us + (_HOUR_US if number % 5 == 0 else -_HOUR_US) if is_done else None
        writer.add(task, id=b"task".ljust(8) + number.to_bytes(8, "big"), client_id=_client_id(number * 7 % CLIENTS),
                   type="call", title=f"Call {number}", assignee_id=person, branch_id=branches[branch], due_at=due_us,
                   due_has_time=True, zone=ZONE, state="done" if is_done else "open", done_at=done_us,
                   done_by=person if is_done else None, next_at=None if is_done else due_us)  # fmt: skip
