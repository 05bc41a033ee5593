"""What HQ answers when a branch asks about the whole chain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hq_server.operations.answering import SALES_MAX, answer
from hq_server.operations.budgeting import add_to_budget, release_lease
from hq_server.storage.feed import index_committed
from hq_server.storage.tables import budget_lease
from shared.domain.identifiers import format_id
from shared.domain.sales import Sale
from shared.errors import InvalidInput, NotFound
from shared.operations.receipts import receipt_document
from shared.sync.central import FindClients, Findings, FoundBudget, Question, ShowBudget, ShowClient, ShowReceipt
from shared.wire.central import decode_findings, decode_question, encode_findings, encode_question
from shared.wire.payloads import decode_sale
from tests.support.office import Office
from tests.support.pair import Node, Pair
from tests.support.shop import request


@pytest.fixture
def pair(office: Office, tmp_path: Path) -> Pair:
    return Pair(office, tmp_path)


def ask(office: Office, question: Question) -> Findings:
    """The question and its answer, both as they cross the wire."""
    asked: Any = decode_question(encode_question(question))
    assert asked == question
    index_committed(office.store)
    with office.store.read() as connection:
        return decode_findings(encode_findings(answer(connection, asked, office.clock.now_us())))


def sold_to(pair: Pair, code: str, client: str, *amounts: int) -> Node:
    node = pair.join(code)
    for number, amount in enumerate(amounts):
        node.clock.advance(1)
        key = f"{code}-{number}"
        sale = node.line().sell(request(key, amount, client=client))
        pair.keys[sale.sale_id] = key
    node.sync()
    return node


def test_a_client_is_shown_with_what_was_sold_to_him_anywhere_newest_first(pair: Pair) -> None:
    first = sold_to(pair, "B1", "900", 50, 60)
    first.add_client("900", "Anna")
    first.sync()
    sold_to(pair, "B2", "900", 70)
    sold_to(pair, "B3", "901", 80)
    found = ask(pair.office, ShowClient("900", 10))
    sales = [(sale.branch_code, decode_sale(sale.payload)) for sale in found.sales]
    assert [(code, fact.payments[0].amount_minor) for code, fact in sales] == [("B2", 70), ("B1", 60), ("B1", 50)]
    assert found.as_of_us == pair.office.clock.now_us()
    assert len(ask(pair.office, ShowClient("900", 1)).sales) == 1
    assert len(ask(pair.office, ShowClient("900", SALES_MAX + 100)).sales) == 3
    (client,) = ask(pair.office, FindClients("ann", 0)).clients
    assert client == found.clients[0]
    assert ask(pair.office, ShowClient(format_id(client.client_id), 0)).sales == ()
    with pytest.raises(NotFound):
        ask(pair.office, ShowClient("nobody", 10))


def test_a_receipt_is_shown_as_it_was_sold(pair: Pair) -> None:
    node = pair.join("B1")
    answered = node.line().sell(request("a", 50, client="900", payments=[{"method": "card", "amount_minor": 50}]))
    pair.keys[answered.sale_id] = "a"
    node.sync()
    (found,) = ask(pair.office, ShowReceipt("B1", "1", 1)).sales
    fact: Sale = decode_sale(found.payload)
    document = receipt_document(found.branch_code, found.sale_id, fact)
    assert (document["branch"], document["receipt"], document["total_minor"]) == ("B1", "1-000001", 50)
    assert document["payments"] == [{"method": "card", "amount_minor": 50}]
    for missing in (ShowReceipt("B1", "1", 2), ShowReceipt("B1", "2", 1), ShowReceipt("B9", "1", 1)):
        with pytest.raises(NotFound):
            ask(pair.office, missing)


def test_a_budget_says_who_holds_what(pair: Pair) -> None:
    with pair.office.store.write() as connection:
        add_to_budget(connection, "product:7", 100, pair.office.clock.now_us())
    with pytest.raises(NotFound):
        ask(pair.office, ShowBudget("product:8"))
    assert ask(pair.office, ShowBudget("product:7")).budgets == (FoundBudget("product:7", 100, ()),)
    for code, amount in (("B2", 30), ("B1", 20)):
        pair.join(code).want("product:7", amount)
    assert ask(pair.office, ShowBudget("product:7")).budgets == (
        FoundBudget("product:7", 50, (("B1", 20), ("B2", 30))),
    )
    (lease_id,) = [row.lease_id for row in pair.office.rows(budget_lease.select()) if row.amount == 30]
    with pair.office.store.write() as connection:
        assert release_lease(connection, lease_id, pair.office.clock.now_us()) == ("product:7", 30)
    assert ask(pair.office, ShowBudget("product:7")).budgets == (FoundBudget("product:7", 80, (("B1", 20),)),)
    with pytest.raises(NotFound), pair.office.store.write() as connection:
        release_lease(connection, lease_id, pair.office.clock.now_us())


def test_a_text_too_long_is_refused(pair: Pair) -> None:
    with pytest.raises(InvalidInput):
        ask(pair.office, FindClients("x" * 10_000, 10))


def test_the_last_digits_of_a_phone_find_whose_phone_ends_so(pair: Pair) -> None:
    node = pair.join("B1")
    for name, phone in (("Anna", "+79145670000"), ("Boris", "+79120004567")):
        node.line().add_client({"name": name, "phones": (phone,)})
    node.sync()

    def found(text: str) -> int:
        return len(ask(pair.office, FindClients(text, 10)).clients)

    assert (found("4567"), found("67-00-00"), found("8914"), found("anna")) == (1, 1, 1, 1)
    # From an end or the beginning: nobody remembers the middle, and an index has none.
    assert found("1456") == 0
    assert found("+7912 000 45 67") == 1


def test_a_branch_that_names_a_client_by_id_is_told_of_the_card_and_the_sale_is_the_clients(pair: Pair) -> None:
    first = pair.join("B1")
    client_id = first.line().add_client({"name": "Anna"})
    first.sync()
    second = sold_to(pair, "B2", format_id(client_id), 70)
    second.sync()
    assert second.client_names() == ["Anna"]
    found = ask(pair.office, ShowClient(format_id(client_id), 10))
    assert [sale.branch_code for sale in found.sales] == ["B2"]
    # A reference that is nobody's changes nothing.
    assert sold_to(pair, "B3", format_id(b"nobody's card 16"), 70).client_names() == []
