"""What is out of stock on the first page, on both databases: counted beside it, the most wanted first."""

from __future__ import annotations

from dataclasses import replace

from hq_server.operations.kept_reports import work_off
from hq_server.operations.stock_outs import StockOuts, find_stock_outs
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.domain.records import Record, RecordKind
from shared.domain.stock import MovementLine, StockMovement
from shared.wire.ledger_payloads import encode_stock_movement
from tests.support.journal import line
from tests.support.journal import sale as make_sale
from tests.support.office import Office


def receive(office: Office, *skus: str) -> Record:
    fact = make_sale(1)
    lines = tuple(MovementLine(sku, None, 1_000) for sku in skus)
    movement = StockMovement("received", "1", None, "anna", lines, fact.sold_at)
    return Record(RecordKind.STOCK_MOVEMENT, office.ids.new_id(), encode_stock_movement(movement).SerializeToString())


def test_the_most_wanted_come_first_once_they_are_counted(office: Office) -> None:
    journal = office.journal("B1")
    journal.add([receive(office, "milk", "tea", "salt")])
    journal.add_sale(make_sale(1, [line("milk", 50, 3), line("tea", 50, 28), line("salt", 50, 0)]))
    office.merge(journal, journal.batch())
    now_us = office.clock.now_us()
    assert find_stock_outs(office.store, LOCAL_ADMINISTRATOR, now_us) == StockOuts((), 0, None)
    while work_off(office.store, office.clock, 15):
        pass
    found = find_stock_outs(office.store, LOCAL_ADMINISTRATOR, now_us)
    assert found is not None
    assert [(each.sku, each.daily_thousandths) for each in found.worst] == [("tea", 1_000), ("milk", 107)]
    assert (found.total, found.counted_at_us) == (2, now_us)


def test_nobody_sees_it_without_the_right(office: Office) -> None:
    nobody = replace(LOCAL_ADMINISTRATOR, permissions=frozenset())
    assert find_stock_outs(office.store, nobody, office.clock.now_us()) is None
