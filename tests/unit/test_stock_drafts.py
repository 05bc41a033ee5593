"""Documents of stock before they are entered: permissions, limits, and a count that the shop's sales do not disturb."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from branch_node.operations import client_points, stock, stock_drafts, stock_files, stock_looking
from branch_node.operations.stock import Goods
from branch_node.operations.stock_drafts import OPEN_DRAFTS_MAX, REQUESTS_KEPT_MAX, DraftKind
from branch_node.storage import stock_drafts as rows
from branch_node.storage import stock_movements
from branch_node.storage.stock_draft_tables import STOCK_INDEXES
from branch_node.storage.store import BranchStore
from shared.domain.permissions import LOCAL_ADMINISTRATOR, NO_LIMITS, ROLES, Actor, Permission
from shared.domain.stock import MOVEMENT_LINES_MAX
from shared.errors import FilialError, InvalidInput, NotFound, NotPermitted, Refused
from tests.support.shop import Shop

MILK, BREAD = "952", "871"
ME = LOCAL_ADMINISTRATOR
_names = itertools.count(1)


@pytest.fixture
def stocked(shop: Shop) -> Shop:
    for sku in (MILK, BREAD):
        shop.learn_product(sku, "Food", everywhere=100)
    with shop.store.operation() as transaction:
        stock.receive(transaction, ME, "anna", [Goods(MILK, 50_000)])
    return shop


def begin(shop: Shop, kind: DraftKind = DraftKind.COUNTED, scope: str = stock_drafts.LIST) -> bytes:
    return stock_drafts.begin(shop.store, ME, kind, scope)


def put(shop: Shop, draft_id: bytes, quantity: int, sku: str = MILK, adds: bool = False) -> None:
    stock_drafts.put_line(shop.store, ME, draft_id, f"q{next(_names)}", sku, quantity, adds=adds)


def move(shop: Shop, quantity: int) -> None:
    """So many thousandths come, or are written off."""
    with shop.store.operation() as transaction:
        operation = stock.receive if quantity > 0 else stock.write_off
        operation(transaction, ME, "anna", [Goods(MILK, abs(quantity))])


def enter(shop: Shop, draft_id: bytes, **given_: str) -> bytes:
    revision = stock_drafts.view(shop.store, ME, draft_id).draft.revision
    return stock_drafts.commit(shop.store, ME, draft_id, revision, **given_)


def left(shop: Shop, sku: str = MILK) -> int:
    return stock.on_hand(shop.store, ME, sku).quantity_thousandths


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    counted=st.integers(0, 20_000),
    more=st.lists(st.integers(1, 5_000), max_size=3),
    moved=st.lists(st.integers(-4_000, 4_000).filter(bool), max_size=4),
)
def test_after_a_count_there_is_what_was_counted_and_what_moved_since(
    stocked: Shop, counted: int, more: list[int], moved: list[int]
) -> None:
    # A count begins with whatever the examples before it have left.
    shop = stocked
    draft_id = begin(shop)
    put(shop, draft_id, counted)
    for place in range(max(len(more), len(moved))):
        if place < len(moved):
            move(shop, moved[place])
        if place < len(more):
            put(shop, draft_id, more[place], adds=True)
    expected = counted + sum(more) + sum(moved)
    if expected < 0:
        with pytest.raises(Refused, match="since it was counted"):
            enter(shop, draft_id)
        stock_drafts.discard(shop.store, ME, draft_id)
        return
    enter(shop, draft_id)
    assert left(shop) == expected


def test_what_is_typed_anew_is_counted_anew(stocked: Shop) -> None:
    draft_id = begin(stocked)
    put(stocked, draft_id, 40_000)
    move(stocked, -5_000)
    put(stocked, draft_id, 44_000)
    enter(stocked, draft_id)
    assert left(stocked) == 44_000


OPERATIONS: dict[str, Any] = {
    "begin": lambda shop, actor, draft: stock_drafts.begin(shop.store, actor, DraftKind.RECEIVED),
    "view": lambda shop, actor, draft: stock_drafts.view(shop.store, actor, draft),
    "enter_code": lambda shop, actor, draft: stock_drafts.enter_code(shop.store, actor, draft, "r", MILK),
    "put_line": lambda shop, actor, draft: stock_drafts.put_line(shop.store, actor, draft, "r", MILK, 1_000),
    "remove_line": lambda shop, actor, draft: stock_drafts.remove_line(shop.store, actor, draft, "r", MILK),
    "describe": lambda shop, actor, draft: stock_drafts.describe(shop.store, actor, draft, "r", "1", ""),
    "rest": lambda shop, actor, draft: stock_drafts.count_rest_as_nothing(shop.store, actor, draft, "r"),
    "commit": lambda shop, actor, draft: stock_drafts.commit(shop.store, actor, draft, 1),
    "discard": lambda shop, actor, draft: stock_drafts.discard(shop.store, actor, draft),
}


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_whoever_may_only_look_writes_no_document(stocked: Shop, name: str) -> None:
    draft_id = begin(stocked)
    looker = Actor(b"e" * 16, "anna", "Anna", "cashier", ROLES["cashier"].permissions, NO_LIMITS)
    with pytest.raises(NotPermitted):
        OPERATIONS[name](stocked, looker, draft_id)
    assert stock_drafts.list_drafts(stocked.store, looker) == []


def test_looking_at_stock_and_points_needs_its_permission(stocked: Shop) -> None:
    nobody = Actor(b"e" * 16, "anna", "Anna", "none", frozenset(), NO_LIMITS)
    looks: list[Any] = [
        lambda: stock_looking.list_goods(stocked.store, nobody, "", False, 0),
        lambda: stock_looking.product_movements(stocked.store, nobody, MILK),
        lambda: stock_looking.list_documents(stocked.store, nobody, 0),
        lambda: stock_looking.list_categories(stocked.store, nobody),
        lambda: client_points.read_client_points(stocked.store, nobody, b"c" * 16),
    ]
    for look in looks:
        with pytest.raises(NotPermitted):
            look()


def test_a_document_has_a_largest_number_of_lines(stocked: Shop) -> None:
    draft_id = begin(stocked)
    with stocked.store.write() as connection:
        cursor = connection.connection.cursor()
        for number in range(MOVEMENT_LINES_MAX):
            rows.put_line(cursor, draft_id, rows.DraftLineRow(f"x{number}", number, 1_000, None, 0))
    with pytest.raises(Refused, match="at most"):
        put(stocked, draft_id, 1_000)
    assert len(stock_drafts.view(stocked.store, ME, draft_id).lines) == MOVEMENT_LINES_MAX


def test_so_many_documents_are_begun_and_no_more(stocked: Shop) -> None:
    for _ in range(OPEN_DRAFTS_MAX):
        put(stocked, begin(stocked), 1_000)
    with pytest.raises(Refused, match="are being written"):
        begin(stocked)


def test_forms_are_remembered_so_that_one_that_comes_again_counts_once(stocked: Shop) -> None:
    draft_id = begin(stocked)
    for number in range(REQUESTS_KEPT_MAX + 5):
        stock_drafts.put_line(stocked.store, ME, draft_id, f"n{number}", MILK, 1_000, adds=True)
    stock_drafts.put_line(stocked.store, ME, draft_id, "n10", MILK, 1_000, adds=True)
    (line,) = stock_drafts.view(stocked.store, ME, draft_id).lines
    assert line.quantity_thousandths == (REQUESTS_KEPT_MAX + 5) * 1_000


@pytest.mark.parametrize(
    ("work", "error"),
    [
        (lambda shop: begin(shop, scope="everything"), InvalidInput),
        (lambda shop: begin(shop, scope="category:"), InvalidInput),
        (lambda shop: put(shop, b"n" * 16, 1_000), NotFound),
        (lambda shop: put(shop, begin(shop), 1_000, sku="unheard"), NotFound),
        (lambda shop: put(shop, begin(shop, DraftKind.RECEIVED), 0), InvalidInput),
        (lambda shop: put(shop, begin(shop), -1), InvalidInput),
        (lambda shop: enter(shop, begin(shop)), InvalidInput),
        (lambda shop: stock_drafts.enter_code(shop.store, ME, begin(shop), "r", "3*"), InvalidInput),
        (lambda shop: stock_drafts.describe(shop.store, ME, begin(shop), "r", "x" * 65, ""), InvalidInput),
        (lambda shop: stock_drafts.describe(shop.store, ME, begin(shop), "r", "", "x" * 2_001), InvalidInput),
    ],
)
def test_what_cannot_be_written_is_refused_with_a_sentence(stocked: Shop, work: Any, error: type[FilialError]) -> None:
    with pytest.raises(error) as raised:
        work(stocked)
    assert raised.value.message.endswith((".", "?"))


def test_whoever_enters_the_document_is_named_in_the_fact(stocked: Shop) -> None:
    draft_id = begin(stocked, DraftKind.RECEIVED, "")
    put(stocked, draft_id, 1_000)
    olga = Actor(b"o" * 16, "olga", "Olga", "manager", frozenset({Permission.STOCK_EDIT}), NO_LIMITS)
    revision = stock_drafts.view(stocked.store, ME, draft_id).draft.revision
    movement_id = stock_drafts.commit(stocked.store, olga, draft_id, revision)
    found, lines = stock_looking.read_document(stocked.store, ME, movement_id)
    assert (found.document.employee, found.document.reason, lines[0].sku) == ("olga", "received", MILK)


@pytest.mark.parametrize("statement", ["_SOLD", "_BACK", "_MOVED"])
def test_a_products_newest_movements_are_read_first_and_no_more(branch_store: BranchStore, statement: str) -> None:
    with branch_store.read_cursor() as cursor:
        query = getattr(stock_movements, statement)
        plan = " ".join(row[3] for row in cursor.execute(f"EXPLAIN QUERY PLAN {query}", (MILK, b"b" * 16, 100)))
    assert any(index in plan for index in STOCK_INDEXES) or ("CO-ROUTINE" in plan and "SEARCH sale_line" in plan), plan
    assert "TEMP B-TREE" not in plan


def test_a_file_is_taken_by_whoever_may_write_documents(stocked: Shop) -> None:
    looker = Actor(b"e" * 16, "anna", "Anna", "cashier", ROLES["cashier"].permissions, NO_LIMITS)
    with pytest.raises(NotPermitted):
        stock_files.take_file(stocked.store, looker, begin(stocked), "f", "a.csv", b"sku,quantity\n952,1\n")
