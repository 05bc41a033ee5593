"""The print queue as rows: in order, once, bounded, and never without its sale."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from branch_node.operations.selling import sell
from branch_node.storage.print_jobs import (
    FAILED,
    PRINT_JOBS_MAX,
    PRINTED,
    PRINTED_JOBS_MAX,
    PRINTING,
    PRUNE_INTERVAL_JOBS,
    WAITING,
    QueueState,
    claim_job,
    discard_job,
    doubt_unfinished,
    fail_job,
    finish_job,
    list_jobs,
    next_job,
    prune_jobs,
    put_back_job,
    queue_print,
    read_queue_state,
    retry_failed,
)
from shared.domain.receipt_json import document_from_json
from tests.support.receipts import SALE_ID, paper_of, plain_document
from tests.support.shop import Shop, request

NOW_US = 1


def do(shop: Shop, action: Callable[..., Any], *arguments: Any) -> Any:
    """One step in a transaction of its own."""
    with shop.store.write() as connection:
        return action(connection.connection.cursor(), *arguments)


def queue(shop: Shop, count: int = 1) -> list[int]:
    """So many receipts in the queue."""

    def add(cursor: Any) -> list[int]:
        return [queue_print(cursor, plain_document(f"1-{number:06d}"), SALE_ID, NOW_US) for number in range(count)]

    return list(do(shop, add))


def states(shop: Shop) -> list[str]:
    return [state for (state,) in shop.rows("SELECT state FROM print_job ORDER BY id")]


def test_a_receipt_is_queued_with_its_sale_or_not_at_all(shop: Shop) -> None:
    with shop.store.operation() as transaction:
        answer = sell(transaction, request("k1"))
        queue_print(transaction.cursor, plain_document(), answer.sale_id, transaction.now_us)
    with contextlib.suppress(RuntimeError), shop.store.operation() as transaction:
        sell(transaction, request("k2"))
        queue_print(transaction.cursor, plain_document(), None, transaction.now_us)
        raise RuntimeError("the power fails")
    assert shop.rows("SELECT s.id = j.record_id FROM sale s, print_job j") == [(1,)]


def test_jobs_come_in_the_order_in_which_they_were_committed(shop: Shop) -> None:
    first, second = queue(shop, 2)
    job = do(shop, next_job)
    assert job.job_id == first
    assert document_from_json(job.document) == plain_document("1-000000")
    assert do(shop, claim_job, first, NOW_US)
    do(shop, finish_job, first, NOW_US)
    assert do(shop, next_job).job_id == second


def test_a_name_that_cannot_be_encoded_stops_no_sale(shop: Shop) -> None:
    document = replace(plain_document(), notes=("half a pair: \ud83d",))
    do(shop, queue_print, document, SALE_ID, NOW_US)
    assert document_from_json(do(shop, next_job).document) == document
    assert "half a pair:" in paper_of(document).words


def test_a_job_is_claimed_once(shop: Shop) -> None:
    (job_id,) = queue(shop)
    assert do(shop, claim_job, job_id, NOW_US)
    assert not do(shop, claim_job, job_id, NOW_US)
    assert do(shop, next_job) is None


def test_a_job_put_back_keeps_its_place_and_counts_only_what_left(shop: Shop) -> None:
    first, _ = queue(shop, 2)
    do(shop, claim_job, first, NOW_US)
    do(shop, put_back_job, first, "no answer", False, NOW_US)
    job = do(shop, next_job)
    assert (job.job_id, job.attempts, job.in_doubt, job.last_problem) == (first, 0, False, "no answer")
    do(shop, claim_job, first, NOW_US)
    do(shop, put_back_job, first, "broke off", True, NOW_US)
    do(shop, claim_job, first, NOW_US)
    do(shop, put_back_job, first, "no answer", False, NOW_US)
    job = do(shop, next_job)
    assert (job.attempts, job.in_doubt) == (1, True)


def test_what_a_dead_worker_left_is_in_doubt(shop: Shop) -> None:
    first, second = queue(shop, 2)
    do(shop, claim_job, first, NOW_US)
    assert do(shop, doubt_unfinished, NOW_US) == 1
    assert [(job.job_id, job.in_doubt) for job in do(shop, list_jobs)] == [(first, True), (second, False)]


def test_failed_jobs_wait_again_when_asked(shop: Shop) -> None:
    (job_id,) = queue(shop)
    do(shop, claim_job, job_id, NOW_US)
    do(shop, fail_job, job_id, "no document", NOW_US)
    assert do(shop, next_job) is None
    assert do(shop, retry_failed, NOW_US) == 1
    assert do(shop, next_job).job_id == job_id


def test_only_what_is_not_printed_can_be_discarded(shop: Shop) -> None:
    waiting, printing, printed, failed = queue(shop, 4)
    for job_id in (printing, printed, failed):
        do(shop, claim_job, job_id, NOW_US)
    do(shop, finish_job, printed, NOW_US)
    do(shop, fail_job, failed, "x", NOW_US)
    assert states(shop) == [WAITING, PRINTING, PRINTED, FAILED]
    assert [do(shop, discard_job, job_id) for job_id in (waiting, printing, printed, failed, 99)] == [
        True, False, False, True, False,
    ]  # fmt: skip


def test_old_printed_jobs_are_pruned_and_their_numbers_are_never_given_again(shop: Shop) -> None:
    ids = queue(shop, 6)
    for job_id in ids[:5]:
        do(shop, claim_job, job_id, NOW_US)
        do(shop, finish_job, job_id, NOW_US)
    do(shop, prune_jobs, 2, PRINT_JOBS_MAX)
    assert [job.job_id for job in do(shop, list_jobs, (PRINTED, WAITING))] == ids[3:]
    do(shop, discard_job, ids[5])
    assert queue(shop) == [ids[5] + 1]


def test_a_full_queue_loses_printed_jobs_first_then_the_oldest(shop: Shop) -> None:
    ids = queue(shop, 5)
    do(shop, claim_job, ids[0], NOW_US)
    do(shop, claim_job, ids[3], NOW_US)
    do(shop, finish_job, ids[3], NOW_US)
    do(shop, prune_jobs, PRINTED_JOBS_MAX, 3)
    left = [job.job_id for job in do(shop, list_jobs, (WAITING, PRINTING, PRINTED))]
    assert left == [ids[0], ids[2], ids[4]], "what is being printed stays"


def test_the_queue_prunes_itself_now_and_then(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    pruned: list[int] = []
    monkeypatch.setattr("branch_node.storage.print_jobs.prune_jobs", lambda cursor: pruned.append(1))
    queue(shop, PRUNE_INTERVAL_JOBS - 1)
    assert pruned == []
    queue(shop, 2)
    assert pruned == [1]


def test_the_cashier_is_told_how_the_queue_stands(shop: Shop) -> None:
    assert do(shop, read_queue_state) == QueueState(0, 0, None, None)
    assert do(shop, read_queue_state).sentence("ru") == ""
    first, _, third = queue(shop, 3)
    assert do(shop, read_queue_state).sentence("ru") == "Ждут печати: 3"
    do(shop, claim_job, first, NOW_US)
    do(shop, put_back_job, first, "no answer", False, NOW_US)
    do(shop, claim_job, third, NOW_US)
    do(shop, fail_job, third, "no document", NOW_US)
    state = do(shop, read_queue_state)
    assert state == QueueState(2, 1, NOW_US, "no answer")
    assert state.sentence("ru") == "Принтер не отвечает, ждут печати: 2, не напечатано: 1"
    assert state.sentence("en") == "The printer does not answer, waiting: 2, not printed: 1"
