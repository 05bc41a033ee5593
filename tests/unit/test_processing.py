"""Whether HQ is asked about an operation: while it does not answer, one asks for all."""

from __future__ import annotations

import pytest

from branch_node.operations.processing import ASKING_US, is_asked_of_hq, may_ask
from branch_node.storage.intents import note_answer, note_failure
from branch_node.storage.sync_state import store_mode
from shared.errors import HqUnreachable
from shared.sync.central import next_break_ms
from shared.sync.messages import ProcessingMode, WhenUnreachable
from tests.support.shop import Shop

BREAK_SECONDS = next_break_ms(0) / 1_000


def work(shop: Shop, mode: ProcessingMode, policy: WhenUnreachable = WhenUnreachable.FALL_BACK) -> None:
    with shop.store.write() as connection:
        store_mode(connection.connection.cursor(), mode, policy)


def fail(shop: Shop) -> None:
    with shop.store.write() as connection:
        note_failure(connection.connection.cursor(), shop.clock.now_us())


def asked(shop: Shop) -> bool:
    with shop.store.operation() as transaction:
        return is_asked_of_hq(transaction)


def test_a_distributed_branch_asks_nobody(shop: Shop) -> None:
    assert not asked(shop)


def test_a_centralized_branch_asks_until_there_is_no_answer(shop: Shop) -> None:
    work(shop, ProcessingMode.CENTRALIZED)
    assert asked(shop)
    fail(shop)
    assert not asked(shop)


def test_after_the_break_one_asks_for_all(shop: Shop) -> None:
    work(shop, ProcessingMode.CENTRALIZED)
    fail(shop)
    shop.clock.advance(BREAK_SECONDS)
    assert [asked(shop), asked(shop), asked(shop)] == [True, False, False]
    # The one has died, perhaps.
    shop.clock.advance(ASKING_US / 1_000_000)
    assert [asked(shop), asked(shop)] == [True, False]


def test_an_answer_ends_the_break(shop: Shop) -> None:
    work(shop, ProcessingMode.CENTRALIZED)
    fail(shop)
    with shop.store.write() as connection:
        note_answer(connection.connection.cursor())
    assert [asked(shop), asked(shop)] == [True, True]
    with shop.store.operation() as transaction:
        assert may_ask(transaction)


def test_a_branch_that_must_not_go_on_alone_says_when_it_asks_again(shop: Shop) -> None:
    work(shop, ProcessingMode.CENTRALIZED, WhenUnreachable.REFUSE)
    fail(shop)
    with pytest.raises(HqUnreachable) as caught:
        asked(shop)
    assert f"asked again in {BREAK_SECONDS:g} s" in caught.value.hint
    assert "set-mode" in caught.value.hint
