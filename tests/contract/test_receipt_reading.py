"""One receipt at the head office, on both databases: what it says, and where it stands in the branch's journal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hq_server.operations.receipt_reading import place_of, read_receipt
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.domain.sales import Sale
from shared.errors import NotFound, NotPermitted
from tests.support.journal import line
from tests.support.journal import sale as make_sale
from tests.support.office import Office


def test_a_receipt_is_read_with_its_place_in_the_journal(office: Office) -> None:
    journal = office.journal("B1")
    journal.add_sale(make_sale(1))
    sale_id = journal.add_sale(make_sale(2, [line("1", 70, 1)], client="900"))
    office.merge(journal, journal.batch())
    with office.store.read() as connection:
        found = read_receipt(connection, LOCAL_ADMINISTRATOR, "B1", sale_id)
    assert isinstance(found.fact, Sale)
    assert (found.branch.code, found.fact.receipt_number, found.client, found.client_id) == ("B1", 2, "900", None)
    assert found.place is not None
    assert (found.place.seq, found.place.entry_hash) == (2, journal.head.entry_hash)


def test_what_is_not_there_is_not_found_and_nobody_sees_it_without_the_right(office: Office) -> None:
    journal = office.journal("B1")
    sale_id = journal.add_sale(make_sale(1))
    office.merge(journal, journal.batch())
    with office.store.read() as connection:
        with pytest.raises(NotFound):
            read_receipt(connection, LOCAL_ADMINISTRATOR, "B1", b"x" * 16)
        with pytest.raises(NotPermitted):
            read_receipt(connection, replace(LOCAL_ADMINISTRATOR, permissions=frozenset()), "B1", sale_id)


def test_the_place_in_the_journal_is_found_by_an_index(office: Office) -> None:
    if office.store.dialect != "sqlite":
        pytest.skip("PostgreSQL scans a table this small")
    with office.store.read() as connection:
        statement = place_of(b"b" * 16, b"c" * 16).compile(connection)
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", (b"b" * 16, b"c" * 16, 1, 0)).all()
    assert "journal_entry_by_command" in plan[0][-1]
