"""Asking a running `serve` for a pass, through the store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from branch_node.storage.pass_requests import (
    KEPT_SECONDS,
    REQUESTS_MAX,
    PassOutcome,
    finish_requests,
    open_requests,
    read_outcome,
    request_pass,
)
from tests.support.clock import START_US
from tests.support.shop import Shop

FIRST, SECOND = b"1" * 16, b"2" * 16


@pytest.fixture
def cursor(shop: Shop) -> Iterator[Any]:
    """A cursor in a transaction of its own."""
    with shop.store.write() as connection:
        yield connection.connection.cursor()


def test_a_request_waits_until_it_is_answered(cursor: Any) -> None:
    request_pass(cursor, FIRST, START_US)
    assert open_requests(cursor) == [FIRST]
    assert read_outcome(cursor, FIRST) is None
    finish_requests(cursor, [FIRST], None, START_US + 1)
    assert open_requests(cursor) == []
    assert read_outcome(cursor, FIRST) == PassOutcome(None)


def test_a_problem_is_told_to_whom_it_concerns(cursor: Any) -> None:
    request_pass(cursor, FIRST, START_US)
    request_pass(cursor, SECOND, START_US + 1)
    finish_requests(cursor, [SECOND], "No answer.", START_US + 2)
    assert open_requests(cursor) == [FIRST]
    assert read_outcome(cursor, SECOND) == PassOutcome("No answer.")
    assert read_outcome(cursor, FIRST) is None


def test_the_oldest_request_comes_first(cursor: Any) -> None:
    request_pass(cursor, SECOND, START_US)
    request_pass(cursor, FIRST, START_US + 1)
    assert open_requests(cursor) == [SECOND, FIRST]


def test_several_requests_are_answered_at_once(cursor: Any) -> None:
    for request_id in (FIRST, SECOND):
        request_pass(cursor, request_id, START_US)
    finish_requests(cursor, [FIRST, SECOND], None, START_US)
    assert [read_outcome(cursor, request_id) for request_id in (FIRST, SECOND)] == [PassOutcome(None)] * 2


def test_a_request_nobody_made_has_no_outcome(cursor: Any) -> None:
    assert read_outcome(cursor, FIRST) is None
    finish_requests(cursor, [FIRST], None, START_US)
    assert read_outcome(cursor, FIRST) is None


def test_requests_of_long_ago_are_forgotten(cursor: Any) -> None:
    request_pass(cursor, FIRST, START_US)
    request_pass(cursor, SECOND, START_US + KEPT_SECONDS * 1_000_000)
    assert open_requests(cursor) == [FIRST, SECOND]
    request_pass(cursor, b"3" * 16, START_US + KEPT_SECONDS * 1_000_000 + 1)
    assert open_requests(cursor) == [SECOND, b"3" * 16]


def test_only_so_many_requests_are_taken_at_once(cursor: Any) -> None:
    for number in range(REQUESTS_MAX + 1):
        request_pass(cursor, b"%016d" % number, START_US + number)
    assert len(open_requests(cursor)) == REQUESTS_MAX
