"""Erasing a person while a branch asks the head office first: what was asked, is being asked, and is asked too late."""

from __future__ import annotations

from pathlib import Path

import pytest

from branch_node.storage.intents import count_intents
from branch_node.sync_client.processor import DOUBTFUL_AFTER_US
from hq_server.storage.feed import number_feed
from shared.domain.identifiers import format_id
from shared.errors import FilialError, InDoubt
from shared.sync.messages import ProcessingMode, WhenUnreachable
from tests.contract.test_erasing import assert_nothing_left, even
from tests.support.office import Office
from tests.support.pair import CentralWire, Node, Pair
from tests.support.persons import NAME, OLD_PHONE, PHONE, SAID, erase, meet, traces_in_database


@pytest.fixture
def pair(office: Office, tmp_path: Path) -> Pair:
    return Pair(office, tmp_path)


@pytest.fixture
def node(pair: Pair) -> Node:
    node = pair.join("B1")
    pair.set_mode("B1", ProcessingMode.CENTRALIZED, WhenUnreachable.REFUSE)
    even(node)
    return node


def test_an_edit_of_a_person_who_is_erased_already_is_refused_for_good(pair: Pair, node: Node) -> None:
    client_id = meet(node)
    even(node)
    erase(pair.office, client_id)
    with pytest.raises(FilialError, match="erased"):
        node.line().edit_client(format_id(client_id), {"phones": (PHONE,)})
    with node.store.read_cursor() as cursor:
        assert count_intents(cursor) == 0
    even(node)
    assert_nothing_left(pair, node)


def test_a_refusal_that_names_the_person_names_nobody_any_more(pair: Pair, node: Node) -> None:
    # Found by seed 650: what HQ keeps to answer a question again said whose the number was.
    client_id = meet(node)
    even(node)
    with pytest.raises(FilialError, match=NAME):
        node.line().add_client({"name": "Анна", "phones": (OLD_PHONE,)})
    assert traces_in_database(pair.office) != []
    erase(pair.office, client_id)
    assert traces_in_database(pair.office) == []
    even(node)
    assert_nothing_left(pair, node)


@pytest.mark.parametrize("fault", ["answer lost", "request lost"])
def test_what_was_in_doubt_when_the_order_came_is_settled_without_the_person(
    pair: Pair, node: Node, fault: str
) -> None:
    client_id = meet(node)
    even(node)
    with pytest.raises(InDoubt):
        node.line(CentralWire(node, fault)).edit_client(format_id(client_id), {"phones": (PHONE,), "note": SAID})
    number_feed(pair.office.store, pair.office.clock.now_us())
    erase(pair.office, client_id)
    even(node)
    node.clock.advance(DOUBTFUL_AFTER_US / 1_000_000 + 1)
    node.line().resolve_doubts()  # what HQ had committed came with its history already
    even(node)
    with node.store.read_cursor() as cursor:
        assert count_intents(cursor) == 0
    assert_nothing_left(pair, node)
