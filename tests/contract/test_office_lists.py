"""What the head office's lists are read from, on both databases: products by words, acts by hand, returns, pages."""

from __future__ import annotations

from datetime import date

import pytest

from hq_server.operations.paging import PAGE_ROWS_MAX, page_of
from hq_server.operations.product_search import ProductIndex
from hq_server.operations.products import Assortment, ProductFields, WantedPrice
from hq_server.operations.till_audit import (
    AuditFilter,
    list_actions,
    list_refunds_without_receipt,
    list_till_acts,
    total_refunds_without_receipt,
)
from shared.domain.branch_facts import AuditEntry
from shared.domain.business_time import parse_local
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.domain.records import Record, RecordKind
from shared.wire.payloads import encode_branch_fact, encode_refund
from tests.support.journal import ZONE, line, refund
from tests.support.office import Office
from tests.support.staff import TODAY

ME = LOCAL_ADMINISTRATOR


@pytest.mark.parametrize(
    ("rows", "asked", "number", "pages", "first"),
    [(0, 1, 1, 1, None), (100, 2, 1, 1, 0), (101, 2, 2, 2, 100), (250, 9, 3, 3, 200), (250, 0, 1, 3, 0)],
)
def test_a_page_is_the_nearest_that_there_is(rows: int, asked: int, number: int, pages: int, first: int | None) -> None:
    page = page_of(range(rows), asked)
    assert (page.number, page.pages, page.total) == (number, pages, rows)
    assert next(iter(page.rows), None) == first
    assert len(page.rows) <= PAGE_ROWS_MAX


def names(office: Office, index: ProductIndex, words: str, archived: bool = False) -> list[tuple[str, int | None]]:
    with office.store.read() as connection:
        found = index.search(connection, ME, words, TODAY, archived=archived).rows
    return [(each.row.name, each.price.amount_minor if each.price else None) for each in found]


def test_products_are_found_by_words_and_in_the_order_people_read(office: Office) -> None:
    index = ProductIndex()
    with office.store.write() as connection:
        goods = Assortment(connection, office.ids, office.clock.now_us(), ME)
        tea = goods.add(ProductFields("t", "Ёлочный чай", barcode="4600"), WantedPrice(100))
        goods.add(ProductFields("e", "ель"))
        goods.set_price(tea, WantedPrice(90, valid_from=TODAY))
        goods.set_price(tea, WantedPrice(80, valid_from=TODAY + 1))
        goods.set_price(tea, WantedPrice(70, zone="north"))
    assert names(office, index, "") == [("Ёлочный чай", 90), ("ель", None)]
    assert names(office, index, "ЧАЙ елоч") == [("Ёлочный чай", 90)]
    assert names(office, index, "4600 кофе") == []
    office.clock.advance(1)
    with office.store.write() as connection:
        goods = Assortment(connection, office.ids, office.clock.now_us(), ME)
        assert goods.change(tea, ProductFields("t", "Кофе", archived=True))
        assert not goods.change(tea, ProductFields("t", "Кофе", archived=True))
    assert (names(office, index, ""), names(office, index, "", archived=True)) == ([("ель", None)], [("Кофе", 90)])


def test_acts_by_hand_are_filtered_and_the_newest_stand_first(office: Office) -> None:
    journal, other = office.journal("B1"), office.journal("B2")
    for each, day, action, cashier in (
        (journal, 20, "override", "anna"),
        (journal, 21, "line_removed", "anna"),
        (other, 22, "override", "boris"),
    ):
        at = parse_local(f"2026-11-{day}T12:00:00", ZONE, "at")
        fact = AuditEntry(action, "1", cashier, "mary", 500, "", at)
        each.add([Record(RecordKind.AUDIT_ENTRY, office.ids.new_id(), encode_branch_fact(fact))])
    for each in (journal, other):
        office.merge(each, each.batch())

    def acts(**wanted: object) -> list[int]:
        with office.store.read() as connection:
            return [act.business_date.day for act in list_till_acts(connection, ME, AuditFilter(**wanted)).rows]  # type: ignore[arg-type]

    assert acts() == [22, 21, 20]
    assert acts(branch_code="B1") == [21, 20]
    assert acts(first=date(2026, 11, 21), last=date(2026, 11, 21)) == [21]
    assert (acts(cashier="boris"), acts(action="override")) == ([22], [22, 20])
    with office.store.read() as connection:
        assert list_actions(connection) == ["line_removed", "override"]


def test_returns_without_a_receipt_are_listed_and_summed_by_cashier(office: Office) -> None:
    journal = office.journal("B1")
    for number, cashier in ((1, "anna"), (2, "anna"), (3, "boris")):
        fact = refund(number, None, [(1, line("tea", 1_000))], cashier=cashier)
        journal.add([Record(RecordKind.REFUND, office.ids.new_id(), encode_refund(fact))])
    office.merge(journal, journal.batch())
    with office.store.read() as connection:
        listed = list_refunds_without_receipt(connection, ME, AuditFilter())
        totals = total_refunds_without_receipt(connection, ME, AuditFilter())
    assert [each.amount_minor for each in listed.rows] == [1_000, 1_000, 1_000]
    assert [(each.cashier, each.refunds, each.amount_minor) for each in totals] == [
        ("anna", 2, 2_000),
        ("boris", 1, 1_000),
    ]
