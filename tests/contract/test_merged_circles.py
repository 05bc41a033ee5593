"""Who knows one card of a client who has several knows all of them, on both databases: history follows the alias."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from shared.operations.aliases import find_survivor
from shared.storage.tables import client, neighbour_fact
from tests.contract.test_erasing import even
from tests.support.office import Office
from tests.support.pair import Node, Pair
from tests.support.persons import call, edit, meet, sell_to


@pytest.fixture
def pair(office: Office, tmp_path: Path) -> Pair:
    return Pair(office, tmp_path)


def known(node: Node) -> tuple[set[bytes], set[bytes]]:
    """The cards that are there, and the clients of whom other branches' facts are."""
    with node.store.read() as connection:
        cards = set(connection.execute(select(client.c.id)).scalars())
        return cards, set(connection.execute(select(neighbour_fact.c.client_id)).scalars())


def test_a_branch_that_serves_a_merged_card_learns_of_the_survivor_and_the_others(pair: Pair) -> None:
    first, second = pair.join("B1"), pair.join("B2")
    merged, survivor, other = (meet(first, external_id=number) for number in ("C-17", "C-18", "C-19"))
    for client_id in (merged, survivor, other):
        call(first, client_id)
    edit(first, merged, merged_into=survivor)
    edit(first, other, merged_into=survivor)
    even(first)
    sell_to(second, "C-17", "k")
    even(second, first, second)
    assert known(second) == ({merged, survivor, other}, {merged, survivor, other})
    with second.store.read() as connection:
        assert find_survivor(connection, merged) == survivor


def test_a_branch_whose_client_takes_in_a_survivor_learns_of_all_that_stood_behind_it(pair: Pair) -> None:
    first, second = pair.join("B1"), pair.join("B2")
    merged, between = meet(first), meet(first, external_id="C-18")
    call(first, merged)
    edit(first, merged, merged_into=between)
    last = meet(second, external_id="C-19")
    call(second, last)
    even(first, second)
    sell_to(first, "C-19", "k")
    even(first, second, first)
    edit(first, between, merged_into=last)
    even(first, second)
    cards, facts = known(second)
    assert cards == {merged, between, last}
    assert merged in facts
