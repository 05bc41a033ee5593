"""Plays a branch's planned events in its store, by the product's own operations, on a clock that the plan moves.

Run as `python -m deploy.practice.player HOME < events.jsonl`; prints one JSON document of what came of it. `sell -`
could not do this: it takes a sale of another day, but tills are opened, counted and closed now.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from pathlib import Path

from branch_node.bootstrap import open_signer, settings_for
from branch_node.operations.cash import move_cash
from branch_node.operations.employees import ensure_employee
from branch_node.operations.refund_request import parse_refund_request
from branch_node.operations.refunding import refund
from branch_node.operations.sale_request import parse_sale_request
from branch_node.operations.selling import sell
from branch_node.operations.shift_reports import summarize_shift
from branch_node.operations.shifts import close_shift, open_shift, require_open_shift
from branch_node.storage.store import BranchStore
from branch_node.storage.transaction import BranchTransaction
from deploy.practice.plan import (
    CloseShift,
    Event,
    GiveBack,
    GiveBackLoose,
    OpenShift,
    PickUp,
    Sell,
    event_from,
)
from shared.clock import SystemClock, SystemIds
from shared.domain.branch_facts import CASH_PICKUP
from shared.domain.business_time import parse_local

PICKUP_STEP_MINOR = 10_000
"""Cash is brought away in whole hundreds."""


class PlannedClock:
    """The plan's time; intervals are the machine's."""

    def __init__(self) -> None:
        self._machine = SystemClock()
        self._now_us = self._machine.now_us()

    def now_us(self) -> int:
        return self._now_us

    def monotonic(self) -> float:
        return self._machine.monotonic()

    def set(self, now_us: int) -> None:
        """It is that moment."""
        self._now_us = now_us


class Player:
    """One branch's store, and what its events came to: counts, and sums in minor units."""

    def __init__(self, home: Path) -> None:
        settings = settings_for(home)
        self._clock = PlannedClock()
        self._sign = open_signer(settings)
        self._receipts: dict[str, str] = {}
        self.store = BranchStore(settings.store_path, self._clock, SystemIds())
        self.zone = self.store.node()[0].timezone
        self.sums: Counter[str] = Counter()

    def play(self, events: Iterable[Event]) -> None:
        """Each event in a transaction of its own. Raises FilialError when the product refuses one."""
        ways: dict[type, Callable[[BranchTransaction, Event], None]] = {
            OpenShift: self._open,
            Sell: self._sell,
            GiveBack: self._give_back,
            GiveBackLoose: self._give_back_loose,
            PickUp: self._pick_up,
            CloseShift: self._close,
        }
        for event in events:
            self._clock.set(parse_local(event.at, self.zone, "at").at_us)
            with self.store.operation() as transaction:
                ways[type(event)](transaction, event)

    def _open(self, transaction: BranchTransaction, event: Event) -> None:
        assert isinstance(event, OpenShift)
        transaction.author = ensure_employee(transaction, event.cashier)
        open_shift(transaction, event.register, event.cashier, event.float_minor)
        self.sums["opened"] += 1

    def _sell(self, transaction: BranchTransaction, event: Event) -> None:
        assert isinstance(event, Sell)
        document = {
            "key": event.key,
            "register": event.register,
            "cashier": event.cashier,
            "client": event.client,
            "lines": [
                {
                    "sku": line.sku,
                    "quantity": Decimal(line.quantity_thousandths).scaleb(-3),
                    "amount_minor": line.amount_minor,
                    "discount_minor": line.discount_minor,
                }
                for line in event.lines
            ],
            "payments": [{"method": method, "amount_minor": amount} for method, amount in event.payments],
        }
        request = parse_sale_request(document)
        named = tuple(
            line._replace(name=planned.name, reason=planned.reason or None)
            for line, planned in zip(request.lines, event.lines, strict=True)
        )
        answer = sell(transaction, request._replace(lines=named, rounding_minor=event.rounding_minor))
        self._receipts[event.key] = answer.receipt
        self.sums["receipts"] += 1
        self.sums["sold_minor"] += answer.total_minor

    def _give_back(self, transaction: BranchTransaction, event: Event) -> None:
        assert isinstance(event, GiveBack)
        document = {
            "key": event.key,
            "register": event.register,
            "cashier": event.cashier,
            "receipt": self._receipts[event.sale_key],
            "lines": [{"line": line} for line in event.lines],
            "reason": event.reason,
        }
        answer = refund(transaction, parse_refund_request(document))
        self.sums["refunds"] += 1
        self.sums["refunded_minor"] += answer.total_minor

    def _give_back_loose(self, transaction: BranchTransaction, event: Event) -> None:
        assert isinstance(event, GiveBackLoose)
        line = {
            "sku": event.sku,
            "quantity": Decimal(event.quantity_thousandths).scaleb(-3),
            "amount_minor": event.amount_minor,
        }
        document = {
            "key": event.key,
            "register": event.register,
            "cashier": event.cashier,
            "lines": [line],
            "payments": [{"method": "cash", "amount_minor": event.amount_minor}],
            "reason": event.reason,
            "authorised_by": event.authorised_by,
        }
        answer = refund(transaction, parse_refund_request(document))
        self.sums["refunds"] += 1
        self.sums["refunded_minor"] += answer.total_minor

    def _pick_up(self, transaction: BranchTransaction, event: Event) -> None:
        assert isinstance(event, PickUp)
        there = self._expected_cash(transaction, event)
        amount = (there - event.keep_minor) // PICKUP_STEP_MINOR * PICKUP_STEP_MINOR
        if amount > 0:
            move_cash(transaction, event.register, event.cashier, CASH_PICKUP, amount, event.reason)
            self.sums["picked_up_minor"] += amount

    def _close(self, transaction: BranchTransaction, event: Event) -> None:
        assert isinstance(event, CloseShift)
        transaction.author = ensure_employee(transaction, event.cashier)
        counted = max(0, self._expected_cash(transaction, event) + event.variance_minor)
        report = close_shift(transaction, event.register, event.cashier, counted, sign=self._sign)
        self.sums["closed"] += 1
        self.sums["variance_minor"] += report.cash_variance_minor or 0

    @staticmethod
    def _expected_cash(transaction: BranchTransaction, event: PickUp | CloseShift) -> int:
        opened = require_open_shift(transaction, event.register)
        return summarize_shift(transaction, opened, event.cashier, None).expected_cash_minor


def main(arguments: Sequence[str]) -> int:
    """Plays standard input; 0 when everything was done."""
    player = Player(Path(arguments[0]))
    try:
        player.play(event_from(json.loads(line)) for line in sys.stdin)
    finally:
        player.store.close()
    print(json.dumps(player.sums))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
