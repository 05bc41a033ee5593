"""Unknown codes as requests to the head office: asked once, answered for all, and the answer reaches who asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from branch_node.operations import basket
from branch_node.operations.product_requests import send_requests
from branch_node.operations.shifts import close_shift, open_shift
from hq_server.operations.card_changes import (
    ChangedSince,
    Noun,
    Standing,
    Subject,
    newest_answers,
    read_changes,
    take_back,
)
from hq_server.operations.product_requests import (
    CodeRequest,
    answer_with_known,
    answer_with_new,
    answer_with_price,
    decline,
    list_requests,
    product_of_code,
    show_request,
)
from hq_server.operations.products import Assortment, ProductFields, WantedPrice
from hq_server.storage.feed import number_feed
from shared.domain.permissions import LOCAL_ADMINISTRATOR, ROLES, Actor
from shared.domain.product_requests import SETTLING_US, RequestState, is_settled
from shared.domain.records import RecordKind
from shared.errors import AlreadyExists, InvalidInput, NotFound, NotPermitted, Refused
from shared.storage.tables import conflict, product, product_request
from tests.support.journal import line, sale
from tests.support.office import Office
from tests.support.pair import CentralWire, Node, Pair

CODE = "4600000000017"
PARASOL = ProductFields("parasol", "Зонт", barcode=CODE)
AWAY = "unreachable"


@pytest.fixture
def pair(office: Office, tmp_path: Path) -> Pair:
    return Pair(office, tmp_path)


def scan(node: Node, code: str = CODE, name: str = "", amount_minor: int = 0) -> None:
    """A cashier meets a code, and prices it when there is a name."""
    node.clock.advance(1)
    basket_id = basket.open_basket(node.store, "1", "anna")
    basket.scan(node.store, basket_id, str(node.clock.now_us()), code)
    if name:
        basket.price_unknown(node.store, basket_id, f"p{node.clock.now_us()}", code, name, amount_minor)


def ask(node: Node, wire: CentralWire | None = None) -> None:
    """A pass of synchronisation."""
    node.clock.advance(1)
    node.line(wire).look_after()
    node.sync()


def listed(pair: Pair, is_open: bool = True) -> list[CodeRequest]:
    with pair.office.store.read() as connection:
        return list(list_requests(connection, LOCAL_ADMINISTRATOR, is_open).rows)


def answer(pair: Pair, operation: object, *arguments: object) -> None:
    """One answer to the first open request."""
    office = pair.office
    office.clock.advance(1)
    request_id = listed(pair)[0].asked[0].request_id
    with office.store.write() as connection:
        given = (connection, office.ids, office.clock.now_us(), LOCAL_ADMINISTRATOR, request_id)
        operation(*given, *arguments)  # type: ignore[operator]
    number_feed(office.store, office.clock.now_us())


def states(node: Node) -> dict[str, str]:
    with node.store.read_cursor() as cursor:
        return dict(cursor.execute("SELECT code, request_state FROM unknown_code").fetchall())


def entries(node: Node) -> int:
    return node.store.node()[1].head.seq


def test_a_code_that_nobody_knows_becomes_a_request_with_what_the_cashier_said(pair: Pair) -> None:
    node = pair.join("B1")
    scan(node)
    scan(node, name="Зонт синий", amount_minor=99_900)
    ask(node)
    (request,) = listed(pair)
    assert (request.code, request.problem, request.is_open) == (CODE, "unknown", True)
    assert (request.name, request.amount_minor, request.times) == ("Зонт синий", 99_900, 2)
    (asked,) = request.asked
    assert (asked.branch_code, asked.register, asked.state) == ("B1", "1", RequestState.NEW)
    assert states(node) == {CODE: "requested"}


def test_a_request_is_journaled_once_until_it_says_something_new(pair: Pair) -> None:
    node = pair.join("B1")
    scan(node)
    ask(node)
    before = entries(node)
    scan(node)
    ask(node)
    assert entries(node) == before
    scan(node, name="Зонт", amount_minor=100)
    ask(node)
    assert entries(node) == before + 1
    node.clock.advance(SETTLING_US // 1_000_000 + 1)
    scan(node)
    ask(node)
    assert entries(node) == before + 2
    assert listed(pair)[0].times == 4


def test_requests_wait_in_the_journal_while_the_head_office_is_away_and_with_a_closing_shift(pair: Pair) -> None:
    node = pair.join("B1")
    scan(node)
    before = entries(node)
    node.line(CentralWire(node, AWAY)).look_after()
    assert (entries(node), states(node)) == (before + 1, {CODE: "requested"})
    scan(node, "4600000000024")
    with node.store.operation() as transaction:
        open_shift(transaction, "1", "anna", 0)
    with node.store.operation() as transaction:
        close_shift(transaction, "1", "anna", 0)
    assert set(states(node).values()) == {"requested"}
    node.sync()
    assert [request.code for request in listed(pair)] == ["4600000000024", CODE]


def test_a_new_product_reaches_every_branch_and_closes_the_request_where_it_was_asked(pair: Pair) -> None:
    node, other = pair.join("B1"), pair.join("B2")
    for each in (node, other):
        scan(each)
        ask(each)
    (request,) = listed(pair)
    assert {asked.branch_code for asked in request.asked} == {"B1", "B2"}
    answer(pair, answer_with_new, PARASOL, WantedPrice(99_900))
    assert listed(pair) == []
    assert [each.product_id is not None for each in listed(pair, is_open=False)] == [True]
    for each in (node, other):
        ask(each)
        ask(each)
        assert states(each) == {CODE: "closed"}
        scan(each)
        basket_id = basket.open_basket(each.store, "1", "anna")
        lines = basket.view(each.store, basket_id).lines
        assert [(line.sku, line.unit_price_minor) for line in lines] == [("parasol", 99_900)]
        with each.store.read() as connection:
            assert len(connection.execute(select(product_request.c.id)).all()) == 1
    assert pair.office.count(conflict) == 0


def test_a_code_becomes_the_barcode_of_a_product_that_is_there(pair: Pair) -> None:
    node, office = pair.join("B1"), pair.office
    with office.store.write() as connection:
        goods = Assortment(connection, office.ids, office.clock.now_us(), LOCAL_ADMINISTRATOR)
        goods.add(ProductFields("old", "Зонт старый", barcode="4600000000031"), WantedPrice(100))
        goods.add(ProductFields("bare", "Зонт без кода"), WantedPrice(200))
    scan(node)
    ask(node)
    with pytest.raises(AlreadyExists, match="4600000000031"):
        answer(pair, answer_with_known, "old")
    with pytest.raises(NotFound):
        answer(pair, answer_with_known, "nothing")
    answer(pair, answer_with_known, "bare")
    ask(node)
    scan(node)
    assert [line.sku for line in basket.view(node.store, basket.open_basket(node.store, "1", "anna")).lines] == ["bare"]
    scan(node, "4600000000048")
    ask(node)
    answer(pair, answer_with_known, "old", True)
    with office.store.read() as connection:
        assert product_of_code(connection, "4600000000048").sku == "old"
        assert product_of_code(connection, "4600000000031") is None


def test_a_product_without_a_price_is_asked_about_and_gets_one(pair: Pair) -> None:
    node = pair.join("B1")
    pair.add_product("flour", "Мука")
    node.sync()
    scan(node, "flour")
    ask(node)
    assert listed(pair)[0].problem == "no_price"
    answer(pair, answer_with_price, "flour", WantedPrice(5_000))
    ask(node)
    assert states(node) == {"flour": "requested"}
    ask(node)
    assert states(node) == {"flour": "closed"}


def test_a_declined_code_stays_declined_however_often_it_is_scanned(pair: Pair) -> None:
    node = pair.join("B1")
    scan(node)
    ask(node)
    answer(pair, decline, "Купон поставщика")
    ask(node)
    ask(node)
    node.clock.advance(2 * SETTLING_US // 1_000_000)
    scan(node)
    ask(node)
    assert listed(pair) == []
    (request,) = listed(pair, is_open=False)
    assert (request.note, request.times, request.asked[0].state) == ("Купон поставщика", 2, RequestState.DECLINED)


# Taking an answer back.


def take_back_answer(pair: Pair, actor: Actor = LOCAL_ADMINISTRATOR) -> None:
    """The newest answer to the newest code that has one."""
    office = pair.office
    office.clock.advance(1)
    request_id = listed(pair, is_open=False)[0].asked[0].request_id
    with office.store.write() as connection:
        subject = Subject(Noun.REQUEST, request_id)
        command_id = newest_answers(connection, LOCAL_ADMINISTRATOR, [request_id])[request_id]
        take_back(connection, office.ids, office.clock.now_us(), actor, subject, command_id)
    number_feed(office.store, office.clock.now_us())


def test_a_no_that_is_taken_back_waits_again_at_every_branch_that_asked(pair: Pair) -> None:
    node, other = pair.join("B1"), pair.join("B2")
    for each in (node, other):
        scan(each)
        ask(each)
    answer(pair, decline, "Купон поставщика")
    for each in (node, other):
        ask(each)
    take_back_answer(pair)
    (request,) = listed(pair)
    assert ({asked.branch_code for asked in request.asked}, request.note) == ({"B1", "B2"}, None)
    for each in (node, other):
        ask(each)
        with each.store.read() as connection:
            assert connection.execute(select(product_request.c.state)).scalars().all() == [None]
    answer(pair, decline, "Не наше")
    assert listed(pair) == []


def test_a_new_product_that_is_taken_back_is_no_longer_sold_and_the_code_waits_again(pair: Pair) -> None:
    node = pair.join("B1")
    scan(node)
    ask(node)
    answer(pair, answer_with_new, PARASOL, WantedPrice(99_900))
    ask(node)
    take_back_answer(pair)
    assert [request.code for request in listed(pair)] == [CODE]
    with pair.office.store.read() as connection:
        assert product_of_code(connection, CODE) is None
    node.sync()
    with node.store.read() as connection:
        assert connection.execute(select(product.c.archived).where(product.c.sku == "parasol")).scalars().all() == [
            True
        ]


def test_a_barcode_that_an_answer_replaced_comes_back(pair: Pair) -> None:
    node, office = pair.join("B1"), pair.office
    with office.store.write() as connection:
        goods = Assortment(connection, office.ids, office.clock.now_us(), LOCAL_ADMINISTRATOR)
        goods.add(ProductFields("old", "Зонт старый", barcode="4600000000031"), WantedPrice(100))
    scan(node)
    ask(node)
    answer(pair, answer_with_known, "old", True)
    take_back_answer(pair)
    with office.store.read() as connection:
        assert product_of_code(connection, "4600000000031").sku == "old"
        assert product_of_code(connection, CODE) is None
    assert [request.code for request in listed(pair)] == [CODE]


def test_an_answer_by_which_a_branch_has_sold_is_not_taken_back(pair: Pair) -> None:
    node, office = pair.join("B1"), pair.office
    scan(node)
    ask(node)
    answer(pair, answer_with_new, PARASOL, WantedPrice(99_900))
    with office.store.read() as connection:
        product_id = product_of_code(connection, CODE).id
    journal = office.journal("B2")
    journal.add_sale(sale(1, [line("parasol", 99_900)._replace(product_id=product_id)], "2026-11-23T19:30:00"))
    office.merge(journal, journal.batch())
    with pytest.raises(Refused, match="sold by this answer"):
        take_back_answer(pair)
    (request,) = listed(pair, is_open=False)
    with office.store.read() as connection:
        (edit,) = read_changes(connection, LOCAL_ADMINISTRATOR, Subject(Noun.REQUEST, request.asked[0].request_id))
    assert edit.standing is Standing.SOLD_SINCE
    assert product_of(pair) == "parasol"


def test_an_answer_that_was_given_again_is_not_taken_back_by_the_first(pair: Pair) -> None:
    node = pair.join("B1")
    scan(node)
    ask(node)
    answer(pair, decline, "Не наше")
    (request,) = listed(pair, is_open=False)
    request_id = request.asked[0].request_id
    office = pair.office
    with office.store.write() as connection:
        first = newest_answers(connection, LOCAL_ADMINISTRATOR, [request_id])[request_id]
        office.clock.advance(1)
        given = (connection, office.ids, office.clock.now_us(), LOCAL_ADMINISTRATOR, request_id)
        answer_with_new(*given, PARASOL, None)
    subject = Subject(Noun.REQUEST, request_id)
    with office.store.write() as connection, pytest.raises(ChangedSince):
        take_back(connection, office.ids, office.clock.now_us(), LOCAL_ADMINISTRATOR, subject, first)
    take_back_answer(pair)
    (request,) = listed(pair, is_open=False)
    assert (request.note, request.asked[0].state) == ("Не наше", RequestState.DECLINED)


def product_of(pair: Pair) -> str:
    with pair.office.store.read() as connection:
        return str(product_of_code(connection, CODE).sku)


def test_an_answer_that_did_not_help_is_asked_about_again() -> None:
    assert not is_settled(None, None, 5)
    assert is_settled("answered", 10, 10 + SETTLING_US)
    assert not is_settled("answered", 10, 11 + SETTLING_US)
    assert is_settled("declined", 10, 10**18)
    assert not is_settled("of a newer release", 10, 5)


def test_a_branch_cannot_answer_itself(pair: Pair) -> None:
    node = pair.join("B1")
    scan(node)
    ask(node)
    journal = pair.office.journal("B9")
    journal.add_edit(RecordKind.PRODUCT_REQUEST, pair.office.ids.new_id(), {}, code="X", state="answered")
    result = pair.office.merge(journal, journal.batch())
    (outcome,) = result.ack.outcomes
    assert (outcome.parked_reason or "").startswith("not_for_branches")
    assert [request.code for request in listed(pair)] == [CODE]


@pytest.mark.parametrize("role", ["cashier", "manager", "auditor", "head_of_sales"])
def test_only_who_edits_the_catalogue_sees_and_answers_requests(pair: Pair, role: str) -> None:
    node = pair.join("B1")
    scan(node)
    ask(node)
    request_id = listed(pair)[0].asked[0].request_id
    actor = Actor(b"e" * 16, "x", "X", role, ROLES[role].permissions, ROLES[role].limits)
    office = pair.office
    with office.store.write() as connection:
        for act in (
            lambda: list_requests(connection, actor),
            lambda: show_request(connection, actor, request_id),
            lambda: decline(connection, office.ids, office.clock.now_us(), actor, request_id),
        ):
            with pytest.raises(NotPermitted):
                act()


def test_a_note_has_a_limit_and_an_unknown_request_no_answer(pair: Pair) -> None:
    node = pair.join("B1")
    scan(node)
    ask(node)
    with pytest.raises(InvalidInput):
        answer(pair, decline, "x" * 201)
    with pair.office.store.read() as connection, pytest.raises(NotFound):
        show_request(connection, LOCAL_ADMINISTRATOR, b"n" * 16)


def test_whatever_is_asked_at_once_goes_in_several_entries(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("branch_node.operations.product_requests.REQUESTS_PER_TRANSACTION_MAX", 2)
    node = pair.join("B1")
    for number in range(5):
        scan(node, f"code-{number}")
    sent = []
    for _ in range(4):
        with node.store.operation() as transaction:
            sent.append(send_requests(transaction))
    assert sent == [2, 2, 1, 0]
