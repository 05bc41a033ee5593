"""Budgets of the chain: leased, spent, renewed, returned – and never spent twice, but for what old copies spend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from branch_node.operations.budgets import leases_at_hand, return_leases, spend_leased, want_lease
from hq_server.operations.budgeting import add_to_budget, list_budgets
from hq_server.operations.importing import import_catalog
from hq_server.storage.budgets import LEASE_US, grant_leases
from hq_server.storage.feed import number_feed
from shared.domain.budgets import owner_of_product
from shared.domain.money import BUDGET_MAX
from shared.errors import InDoubt, Refused
from shared.operations.tabular_files import FileRow
from shared.sync.messages import LeaseWish, ProcessingMode, WhenUnreachable
from tests.support.office import Office
from tests.support.pair import CentralWire, Node, Pair
from tests.support.shop import request

OWNER = "gift:42"


@pytest.fixture
def pair(office: Office, tmp_path: Path) -> Pair:
    made = Pair(office, tmp_path)
    with office.store.write() as connection:
        add_to_budget(connection, OWNER, 100, office.clock.now_us())
    return made


def lessee(pair: Pair, code: str, amount: int) -> Node:
    """A branch that wants so much at hand, and has met HQ."""
    node = pair.join(code)
    node.want(OWNER, amount)
    return node


def spend(node: Node, amount: int) -> None:
    with node.store.operation() as transaction:
        spend_leased(transaction, OWNER, amount)


def at_hand(node: Node) -> int:
    with node.store.read_cursor() as cursor:
        return sum(lease.left for lease in leases_at_hand(cursor, node.clock.now_us()))


def books(pair: Pair) -> dict[str, Any]:
    """spent, leased, available, overdraft."""
    with pair.office.store.read() as connection:
        (row,) = list_budgets(connection)
    return {name: row[name] for name in ("spent", "leased", "available", "overdraft")}


def test_what_is_leased_is_not_available_to_others(pair: Pair) -> None:
    one, other = lessee(pair, "B1", 70), lessee(pair, "B2", 70)
    assert (at_hand(one), at_hand(other)) == (70, 30)
    assert books(pair) == {"spent": 0, "leased": 100, "available": 0, "overdraft": 0}


def test_spending_is_bounded_by_the_lease_and_counted_once(pair: Pair) -> None:
    node = lessee(pair, "B1", 40)
    spend(node, 15)
    with pytest.raises(Refused, match="Only 25 of gift:42"):
        spend(node, 26)
    node.sync()
    node.sync()
    assert books(pair) == {"spent": 15, "leased": 25, "available": 60, "overdraft": 0}
    assert pair.verify("B1") == () == node.verify()


def test_a_lease_is_renewed_when_less_than_half_is_left(pair: Pair) -> None:
    node = lessee(pair, "B1", 40)
    spend(node, 15)
    node.sync()
    assert at_hand(node) == 25
    spend(node, 10)
    node.sync()
    assert at_hand(node) == 40
    assert books(pair) == {"spent": 25, "leased": 40, "available": 35, "overdraft": 0}


def test_only_a_return_gives_back_what_is_left(pair: Pair) -> None:
    node = lessee(pair, "B1", 40)
    spend(node, 15)
    node.clock.advance(LEASE_US / 1_000_000 + 1)
    assert at_hand(node) == 0
    with pytest.raises(Refused):
        spend(node, 1)
    assert books(pair)["available"] == 60
    with node.store.operation() as transaction:
        want_lease(transaction.cursor, node.ids, OWNER, 0)
        assert return_leases(transaction) == 1
    node.sync()
    assert books(pair) == {"spent": 15, "leased": 0, "available": 85, "overdraft": 0}


def test_what_an_older_copy_spends_is_taken_and_counted(pair: Pair) -> None:
    node = lessee(pair, "B1", 40)
    older = node.copy("older")
    spend(node, 40)
    node.sync()
    spend(older, 30)
    older.sync()
    # The copy's lease was the store's too: what it spends beyond is taken from what was available.
    assert (books(pair)["spent"], books(pair)["overdraft"], at_hand(older)) == (70, 0, 0)
    older.sync()
    # The store's second lease, and the copy's first.
    assert (books(pair)["leased"], at_hand(older)) == (40, 0)


def test_more_than_there_is_shows_as_overdraft(pair: Pair) -> None:
    node = lessee(pair, "B1", 100)
    older = node.copy("older")
    spend(node, 80)
    node.sync()
    spend(older, 50)
    older.sync()
    assert books(pair)["overdraft"] == 30
    assert books(pair)["available"] == 0


def test_hq_allows_what_is_available_and_no_more(pair: Pair) -> None:
    node = pair.join("B1")
    pair.set_mode("B1", ProcessingMode.CENTRALIZED, WhenUnreachable.FALL_BACK)
    node.sync()
    lessee(pair, "B2", 30)
    line = node.line(CentralWire(node))
    line.spend(OWNER, 60)
    with pytest.raises(Refused, match="Only 10 of gift:42 may still be spent"):
        line.spend(OWNER, 11)
    line.spend(OWNER, 10)
    node.sync()
    assert books(pair) == {"spent": 70, "leased": 30, "available": 0, "overdraft": 0}


def test_what_hq_alone_may_allow_does_not_fall_back(pair: Pair) -> None:
    node = pair.join("B1")
    pair.set_mode("B1", ProcessingMode.CENTRALIZED, WhenUnreachable.FALL_BACK)
    node.sync()
    with pytest.raises(InDoubt):
        node.line(CentralWire(node, "answer lost")).spend(OWNER, 60)
    with pytest.raises(Refused, match="Only 0 of gift:42"):
        node.line(CentralWire(node, "unreachable")).spend(OWNER, 1)
    node.clock.advance(60)
    node.line(CentralWire(node)).resolve_doubts()
    node.sync()
    assert books(pair) == {"spent": 60, "leased": 0, "available": 40, "overdraft": 0}


def test_what_a_branch_says_it_held_cannot_break_a_budget(pair: Pair) -> None:
    """A store that lies: HQ enters what it may have spent, as far as the books can hold it."""
    node = pair.join("B1")
    wishes = [LeaseWish(b"%016d" % number, OWNER, BUDGET_MAX, held=True) for number in range(2_000)]
    with pair.office.store.write() as connection:
        granted = grant_leases(connection, node.branch_id, b"i" * 16, wishes, pair.office.clock.now_us())
    assert [grant.amount for grant in granted[:2]] == [BUDGET_MAX, 0]
    assert books(pair)["leased"] == BUDGET_MAX
    other = lessee(pair, "B2", 10)
    assert at_hand(other) == 0


def central_lessee(pair: Pair, policy: WhenUnreachable) -> Node:
    node = lessee(pair, "B1", 40)
    pair.set_mode("B1", ProcessingMode.CENTRALIZED, policy)
    node.sync()
    return node


@pytest.mark.parametrize("fault", ["unreachable", "request lost", "answer lost"])
def test_out_of_a_lease_it_falls_back(pair: Pair, fault: str) -> None:
    node = central_lessee(pair, WhenUnreachable.FALL_BACK)
    node.line(CentralWire(node, fault)).spend(OWNER, 18)
    assert at_hand(node) == 22
    node.sync()
    assert books(pair) == {"spent": 18, "leased": 22, "available": 60, "overdraft": 0}
    assert pair.verify("B1") == () == node.verify()


def test_what_is_given_up_goes_back_to_the_lease(pair: Pair) -> None:
    node = central_lessee(pair, WhenUnreachable.REFUSE)
    with pytest.raises(Refused):
        node.line(CentralWire(node, "unreachable")).spend(OWNER, 18)
    assert at_hand(node) == 40


def test_a_lease_is_not_returned_while_an_operation_that_spent_of_it_is_undecided(pair: Pair) -> None:
    node = central_lessee(pair, WhenUnreachable.REFUSE)
    with pytest.raises(InDoubt):
        node.line(CentralWire(node, "answer lost")).spend(OWNER, 18)
    with pytest.raises(Refused, match="undecided"), node.store.operation() as transaction:
        return_leases(transaction, OWNER)
    node.clock.advance(60)
    assert node.line(CentralWire(node)).resolve_doubts() == 1
    with node.store.operation() as transaction:
        want_lease(transaction.cursor, node.ids, OWNER, 0)
        assert return_leases(transaction, OWNER) == 1
    node.sync()
    assert books(pair) == {"spent": 18, "leased": 0, "available": 82, "overdraft": 0}


def limited_product(pair: Pair, sku: str, thousandths: int) -> None:
    rows = [FileRow(2, {"sku": sku, "name": "Rare", "price_minor": "500", "limited": "yes"})]
    office = pair.office
    with office.store.write() as connection:
        import_catalog(connection, office.ids, office.clock.now_us(), office.chain.chain_id, "RUB", rows)
        add_to_budget(connection, owner_of_product(sku), thousandths, office.clock.now_us())
    number_feed(office.store, office.clock.now_us())


def lines(sku: str, quantity: int) -> dict[str, Any]:
    return {"lines": [{"sku": sku, "quantity": quantity, "amount_minor": 50}]}


def test_of_a_limited_product_no_more_is_sold_than_the_chain_has(pair: Pair) -> None:
    limited_product(pair, "RARE", 5_000)
    node = pair.join("B1")
    pair.set_mode("B1", ProcessingMode.CENTRALIZED, WhenUnreachable.FALL_BACK)
    node.sync()
    line = node.line(CentralWire(node))
    line.sell(request("a", **lines("RARE", 4)))
    with pytest.raises(Refused, match="Only 1 of product:RARE may still be spent"):
        line.sell(request("b", **lines("RARE", 2)))
    pair.set_mode("B1", ProcessingMode.DISTRIBUTED)
    node.sync()
    with pytest.raises(Refused, match="Only 0 of product:RARE"):
        line.sell(request("c", **lines("RARE", 1)))
    node.want(owner_of_product("RARE"), 1_000)
    line.sell(request("c", **lines("RARE", 1)))
    node.sync()
    with pair.office.store.read() as connection:
        rare = next(row for row in list_budgets(connection) if row["owner"] == "product:RARE")
    assert (rare["spent"], rare["available"], rare["overdraft"]) == (5_000, 0, 0)
    assert pair.verify("B1") == () == node.verify()
