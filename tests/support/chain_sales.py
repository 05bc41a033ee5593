"""Sales, refunds and movements of a chain in few words, and its reports as dictionaries."""

from __future__ import annotations

from typing import Any

from hq_server.operations.reporting import run_report
from shared.domain.business_time import parse_local
from shared.domain.records import Record, RecordKind
from shared.domain.stock import MovementLine, MovementReason, StockMovement
from shared.reports.parameters import ReportAsk
from shared.reports.registry import find_report
from shared.reports.result import ReportResult
from shared.wire.ledger_payloads import encode_stock_movement
from shared.wire.payloads import encode_refund
from tests.support.journal import ZONE, JournalWriter, line
from tests.support.journal import refund as make_refund
from tests.support.journal import sale as make_sale
from tests.support.office import Office


class Shop:
    """A branch that writes what happens and sends all of it with `send`."""

    def __init__(self, office: Office, code: str) -> None:
        self._office = office
        self.journal: JournalWriter = office.journal(code)
        self._sent = self._receipts = 0

    def sell(self, day: str, client: str | None, amount: int = 100, card: bytes | None = None) -> bytes:
        """One line for a client; returns the sale's id."""
        return self.basket(day, {"1": 1}, client, amount, card)

    def basket(
        self, day: str, goods: dict[str, int], client: str | None = None, amount: int = 100, card: bytes | None = None
    ) -> bytes:
        """Pieces by SKU, each piece for an amount; a SKU's category is its first letter."""
        self._receipts += 1
        lines = [line(sku, amount * pieces, pieces, 0, sku[0]) for sku, pieces in goods.items()]
        fact = make_sale(self._receipts, lines, f"{day}T12:00:00", client=client)
        return self.journal.add_sale(fact._replace(client_id=card))

    def give_back(self, day: str, client: str | None, amount: int, sku: str = "1", card: bytes | None = None) -> None:
        """One piece comes back, on a refund that names a client."""
        self._receipts += 1
        fact = make_refund(self._receipts, None, [(1, line(sku, amount, 1, 0, sku[0]))], f"{day}T15:00:00")
        named = fact._replace(client=client, client_id=card)
        self.journal.add([Record(RecordKind.REFUND, self._office.ids.new_id(), encode_refund(named))])

    def receive(self, day: str, sku: str, pieces: int) -> None:
        """Goods come, or go when there are fewer than 0."""
        lines = (MovementLine(sku, None, pieces * 1_000),)
        at = parse_local(f"{day}T09:00:00", ZONE, "at")
        fact = StockMovement(MovementReason.RECEIVED, "", None, "anna", lines, at)
        payload = encode_stock_movement(fact).SerializeToString()
        self.journal.add([Record(RecordKind.STOCK_MOVEMENT, self._office.ids.new_id(), payload)])

    def put_card(self, number: str | None, **fields: Any) -> bytes:
        """A client's card; returns its id."""
        card_id = self._office.ids.new_id()
        named = {} if number is None else {"external_id": number}
        self.journal.add_edit(RecordKind.CLIENT, card_id, {}, **named, **fields)
        return card_id

    def send(self) -> None:
        """What is new goes to the head office."""
        result = self._office.merge(self.journal, self.journal.batch(self._sent))
        assert all(not outcome.parked_reason for outcome in result.ack.outcomes), result.ack.outcomes
        self._sent = self.journal.head.seq


def ask(office: Office, report: str, *by: str, **parameters: Any) -> ReportResult:
    """Runs a report over the office's store."""
    with office.store.read() as connection:
        return run_report(connection, find_report(report), ReportAsk(by, **parameters), office.clock.now_us(), 15)


def told(result: ReportResult, *names: str) -> dict[Any, Any]:
    """Some measures by the dimensions of their row; a single dimension and a single measure stand alone."""
    width = len(result.parameters.by)
    columns = [column.name for column in result.columns]
    places = [columns.index(name) for name in names]
    return {_alone(row[:width]): _alone(tuple(row[place] for place in places)) for row in result.rows}


def total(result: ReportResult, name: str) -> Any:
    """One measure of the totals."""
    columns = [column.name for column in result.columns]
    return result.totals[columns.index(name) - len(result.parameters.by)]


def _alone(values: tuple[Any, ...]) -> Any:
    return values[0] if len(values) == 1 else values
