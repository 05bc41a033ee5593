"""The rollups on both databases: what they hold is what the facts add up to, in whatever order and however often those
come, are put right, and lose whose they were."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select, update

from hq_server.operations.verification import repair_branch
from hq_server.storage.branches import branch_by_id
from hq_server.storage.rollups import RollupDifference, compare_rollups, rebuild_rollups
from shared.domain.records import RecordKind
from shared.storage.raw_rows import raw_texts
from shared.storage.rollup_tables import ROLLUPS, sales_by_category, sales_by_month
from shared.storage.tables import client, payment, refund, sale, sale_line
from tests.support.chain_sales import Shop
from tests.support.journal import line
from tests.support.journal import sale as make_sale
from tests.support.office import Office
from tests.support.persons import erase

TODAY, LAST_MONTH, LONG_AGO = "2026-11-20", "2026-10-31", "2025-12-31"


def differences(office: Office) -> list[RollupDifference]:
    with office.store.read() as connection:
        return compare_rollups(connection)


def sums(office: Office) -> dict[str, Any]:
    """What each rollup comes to, and the facts: receipts (not by category) and net."""
    found = {}
    for table in ROLLUPS:
        (row,) = office.rows(select(func.sum(table.c.receipts), func.sum(table.c.net_minor)))
        found[table.name] = (None if table is sales_by_category else int(row[0]), int(row[1]))
    return found


def facts(office: Office) -> tuple[int, int]:
    (sold,) = office.rows(select(func.count(), func.coalesce(func.sum(sale.c.net_minor), 0)))
    (back,) = office.rows(select(func.coalesce(func.sum(refund.c.returns_minor), 0)))
    return int(sold[0]), int(sold[1]) - int(back[0])


def assert_rollups_agree(office: Office, receipts: int, net: int) -> None:
    assert facts(office) == (receipts, net)
    by_category = sales_by_category.name
    assert sums(office) == {table.name: (None if table.name == by_category else receipts, net) for table in ROLLUPS}
    assert differences(office) == []


@pytest.fixture
def shop(office: Office) -> Shop:
    """A shop with two cards of one person, whom it sold to by card, by number and without either."""
    made = Shop(office, "B1")
    card, twin = made.put_card("900", name="Anna"), made.put_card("901", name="Anna P.")
    made.cards = card, twin  # type: ignore[attr-defined]
    made.basket(TODAY, {"a1": 2, "b1": 1}, "900", 100, card)
    made.basket(TODAY, {"a1": 1}, "901", 70)
    made.basket(TODAY, {"c1": 3}, None, 10)
    made.send()
    return made


def test_rollups_agree_after_records_that_are_late(office: Office, shop: Shop) -> None:
    assert_rollups_agree(office, 3, 400)
    shop.sell(LONG_AGO, None, 55)
    shop.give_back(LAST_MONTH, "900", 30, "a1")
    shop.sell(LAST_MONTH, "900", 20)
    shop.send()
    assert_rollups_agree(office, 5, 445)
    months = office.rows(select(sales_by_month.c.month, sales_by_month.c.net_minor).order_by(sales_by_month.c.month))
    assert months == [("2025-12", 55), ("2026-10", -10), ("2026-11", 400)]


def test_rollups_agree_after_records_that_come_twice_or_are_parked(office: Office, shop: Shop) -> None:
    before = shop.journal.head.seq
    (sale_id,) = office.rows(select(sale.c.id).limit(1))[0]
    shop.journal.add_sale(make_sale(7, [line("a1", 999)]), command_id=shop.journal.command_ids[-1])
    shop.journal.add_sale(make_sale(8, [line("a1", 999)]), sale_id=sale_id)
    shop.journal.add_sale(make_sale(9, [line("a1", 5)]))
    result = office.merge(shop.journal, shop.journal.batch(before))
    assert [bool(outcome.parked_reason) for outcome in result.ack.outcomes] == [False, True]
    assert_rollups_agree(office, 4, 405)


def test_rollups_agree_after_records_that_are_corrected(office: Office, shop: Shop) -> None:
    with office.store.write() as connection:
        ids = list(connection.execute(select(sale.c.id).order_by(sale.c.receipt_number)).scalars())
        connection.execute(update(sale).where(sale.c.id == ids[0]).values(net_minor=1, cashier="nobody", hour=3))
        connection.execute(update(sale_line).where(sale_line.c.sale_id == ids[1]).values(category="z"))
        for lines in (sale_line, payment):
            connection.execute(lines.delete().where(lines.c.sale_id == ids[2]))
        connection.execute(sale.delete().where(sale.c.id == ids[2]))
    assert {each.table for each in differences(office)} == {table.name for table in ROLLUPS}
    with office.store.write() as connection, raw_texts(connection):
        _, problems = repair_branch(connection, branch_by_id(connection, shop.journal.branch_id))
    assert problems == []
    assert_rollups_agree(office, 3, 400)


def test_rollups_agree_after_clients_are_merged_and_erased(office: Office, shop: Shop) -> None:
    card, twin = shop.cards  # type: ignore[attr-defined]
    shop.journal.add_edit(RecordKind.CLIENT, twin, {}, merged_into=card)
    shop.send()
    assert_rollups_agree(office, 3, 400)
    erase(office, card)
    assert office.rows(select(client.c.id)) == []
    assert_rollups_agree(office, 3, 400)
    shop.give_back(TODAY, None, 70, "a1")
    shop.send()
    assert_rollups_agree(office, 3, 330)
    with office.store.write() as connection:
        rebuild_rollups(connection)
    assert_rollups_agree(office, 3, 330)


@pytest.mark.parametrize("table", ROLLUPS, ids=lambda table: table.name)
def test_a_rollup_that_is_off_by_one_or_lacks_a_row_is_named(office: Office, shop: Shop, table: Any) -> None:
    with office.store.write() as connection:
        connection.execute(update(table).values(returns_minor=table.c.returns_minor + 1))
    assert {each.table for each in differences(office)} == {table.name}
    with office.store.write() as connection:
        connection.execute(table.delete())
    assert {(each.table, each.stored) for each in differences(office)} == {(table.name, None)}
