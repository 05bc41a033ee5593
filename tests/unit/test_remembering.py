"""What a till remembers of products and clients between sales: never more than what is true now."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from branch_node.operations import selling
from branch_node.operations.clients import add_client, edit_client
from branch_node.operations.selling import sell
from branch_node.storage.store import BranchStore
from shared.domain.records import RecordKind
from shared.sync.messages import CardForgotten
from tests.support.clock import SeededIds
from tests.support.shop import Shop, change, request


@pytest.fixture
def neighbour(shop: Shop, tmp_path: Path) -> Iterator[Shop]:
    """Another process at the same store."""
    other = Shop(BranchStore(tmp_path / "branch.db", shop.clock, SeededIds(shop.clock, seed=7)), shop.clock)
    yield other
    other.store.close()


def sold(shop: Shop, key: str, **asked: Any) -> Any:
    """Product, category and client of a new sale."""
    sale_id = shop.sell(key, **asked).sale_id
    statement = (
        "SELECT l.product_id, l.category, s.client_id FROM sale s JOIN sale_line l ON l.sale_id = s.id WHERE s.id = ?"
    )
    return shop.rows(statement, sale_id)[0]


def test_a_product_that_another_process_learned_is_known_to_the_next_sale(shop: Shop, neighbour: Shop) -> None:
    assert sold(shop, "k1")[:2] == (None, None)
    product_id = neighbour.learn_product("100", "Dairy")
    assert sold(shop, "k2")[:2] == (product_id, "Dairy")
    neighbour.learn_product("100", "Cheese")
    assert sold(shop, "k3")[:2] == (product_id, "Cheese")
    neighbour.learn(CardForgotten(RecordKind.PRODUCT, product_id))
    assert sold(shop, "k4")[:2] == (None, None)


def test_a_client_that_was_added_changed_or_archived_is_so_for_the_next_sale(shop: Shop, neighbour: Shop) -> None:
    assert sold(shop, "k1", client="900")[2] is None
    with neighbour.store.operation() as transaction:
        client_id = add_client(transaction, {"external_id": "900"})
    assert sold(shop, "k2", client="900")[2] == client_id
    with shop.store.operation() as transaction:
        edit_client(transaction, client_id, {"external_id": "901"})
    assert sold(shop, "k3", client="900")[2] is None
    assert sold(shop, "k4", client="901")[2] == client_id
    neighbour.learn(change(RecordKind.CLIENT, client_id, archived=True))
    assert sold(shop, "k5", client="901")[2] is None


def test_a_branch_that_remembers_too_much_forgets_and_sells_right(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selling, "REMEMBERED_MAX", 2)
    ids = {sku: shop.learn_product(sku, everywhere=10) for sku in "abcde"}
    lines = [{"sku": sku, "quantity": 1} for sku in "abcdeabcde"]
    for number in range(3):
        shop.sell(f"k{number}", lines=lines, payments=[{"method": "cash", "amount_minor": 100}], client=f"9{number}")
    assert set(shop.rows("SELECT sku, product_id FROM sale_line")) == set(ids.items())


def test_a_sale_without_changes_reads_nothing_again(shop: Shop) -> None:
    shop.learn_product("100", "Dairy")
    shop.sell("k1", client="900")
    before = shop.one("SELECT revision FROM node")
    shop.sell("k2", client="900")
    assert shop.one("SELECT revision FROM node") == before


def test_what_was_rolled_back_is_not_remembered(shop: Shop) -> None:
    shop.sell("k1")
    with pytest.raises(RuntimeError):
        _add_sell_and_fail(shop)
    assert shop.count("client") == 0
    assert sold(shop, "k2", client="900")[2] is None


def _add_sell_and_fail(shop: Shop) -> None:
    with shop.store.operation() as transaction:
        add_client(transaction, {"external_id": "900"})
        sell(transaction, request("k2", client="900"))
        raise RuntimeError("the power failed")
