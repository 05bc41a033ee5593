"""The store as the synchronising process uses it: what it says of the head is never more than what is committed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import pytest

from branch_node.operations.selling import sell
from branch_node.storage.counters import count_acknowledged
from branch_node.storage.sync_state import store_ack
from branch_node.sync_client.worker import HeadRead, StoreWorker
from shared.domain.identifiers import NIL_ID
from shared.sync.chain import Head
from shared.sync.limits import Credits
from shared.sync.messages import Ack, HistoryCursor, ProcessingMode, ResumeMode, Welcome, WhenUnreachable
from tests.support.shop import Shop, request

GIVE_WAY_SECONDS = 0.2


@pytest.fixture
def worker(shop: Shop) -> Iterator[StoreWorker]:
    made = StoreWorker(shop.store, NIL_ID)
    yield made
    made.close()


def test_the_head_is_that_of_the_journal_and_the_clock_that_of_the_wall(shop: Shop, worker: StoreWorker) -> None:
    assert worker.head() == HeadRead(0, shop.clock.now_us())
    shop.sell("k1")
    shop.clock.advance(1)
    assert worker.head() == HeadRead(1, shop.clock.now_us())


def test_a_sale_that_is_being_made_is_not_passed_over(shop: Shop, worker: StoreWorker) -> None:
    """A watermark of 12:00:05 must not leave out a sale of 12:00:00 that is committed a moment later."""
    with ThreadPoolExecutor(1) as tick:
        with shop.store.operation() as transaction:
            sell(transaction, request("k1"))
            sold_at_us = transaction.now_us
            shop.clock.advance(5)
            reading = tick.submit(worker.head)
            _give_way(reading)
        seq, clock_us = reading.result()
    assert seq == 1 or clock_us <= sold_at_us


@pytest.mark.parametrize("same", [True, False])
def test_a_copy_prunes_nothing_before_its_entries_were_compared(shop: Shop, worker: StoreWorker, same: bool) -> None:
    """HQ's backups may hold what another copy recorded under the same numbers."""
    for key in ("k1", "k2", "k3"):
        shop.sell(key)
    own = shop.store.node()[1].head
    with shop.store.write() as connection:
        cursor = connection.connection.cursor()
        store_ack(cursor, shop.store.node()[1].incarnation, Ack(own), 0)
        count_acknowledged(cursor)
    shop.clock.advance(200 * 86_400)
    acknowledged = own if same else Head(own.seq, b"x" * 32)
    worker.store_welcome(welcome(acknowledged, backup_seq=own.seq))
    assert shop.one("SELECT pruned_position FROM sync_state") == 0
    worker.history(acknowledged)
    assert shop.one("SELECT pruned_position FROM sync_state") == (own.seq if same else 0)


@pytest.mark.parametrize("resume", [ResumeMode.INCREMENTAL, ResumeMode.REPAIR])
def test_cards_are_handed_back_again_to_a_restored_head_office(
    shop: Shop, worker: StoreWorker, resume: ResumeMode
) -> None:
    """It may have lost, undecided, what was handed back after an earlier loss."""
    restored = replace(welcome(shop.store.node()[1].head, 0), hq_restored=True, resume=resume)
    assert worker.wanted() == (None, False)
    worker.store_welcome(restored)
    assert worker.wanted() == (HistoryCursor(), True)


def welcome(acknowledged: Head, backup_seq: int) -> Welcome:
    mode, policy = ProcessingMode.DISTRIBUTED, WhenUnreachable.REFUSE
    return Welcome(1, 5, acknowledged, ResumeMode.INCREMENTAL, "", Credits(), 0, mode, policy, backup_seq, 0, 0)


def _give_way(reading: Future[HeadRead]) -> None:
    """Lets the other thread read, if it would."""
    try:
        reading.result(GIVE_WAY_SECONDS)
    except TimeoutError:
        return
