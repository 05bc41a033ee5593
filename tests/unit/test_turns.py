"""Requests of the till are answered one by one, and whoever waits for somebody outside holds up nobody."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from branch_node.web.turns import Outside, Turn

SECONDS_MAX = 20


@pytest.fixture
def turn() -> Turn:
    return Turn()


def in_turn(turn: Turn, work: Callable[[], object]) -> object:
    with turn.taken():
        return work()


def test_two_never_have_it_at_once(turn: Turn) -> None:
    inside: list[str] = []
    most: list[int] = []

    def work() -> None:
        inside.append("")
        most.append(len(inside))
        inside.pop()

    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(in_turn, turn, work) for _ in range(400)]:
            done.result(SECONDS_MAX)
    assert set(most) == {1}


class Slow:
    """A terminal with somebody who looks for a card."""

    name = "slow"

    def __init__(self) -> None:
        self.asked, self.answers = threading.Event(), threading.Event()

    def authorize(self, amount: int) -> int:
        self.asked.set()
        assert self.answers.wait(SECONDS_MAX)
        return amount


def test_who_waits_outside_holds_up_nobody_and_has_the_turn_again_afterwards(turn: Turn) -> None:
    slow = Slow()
    terminal = Outside(turn, slow)
    order: list[str] = []

    def pay() -> int:
        amount: int = terminal.authorize(500)
        order.append("paid")
        # Nobody else can have it now.
        assert not turn._lock.acquire(blocking=False)
        return amount

    with ThreadPoolExecutor(2) as threads:
        paying: Future[object] = threads.submit(in_turn, turn, pay)
        assert slow.asked.wait(SECONDS_MAX)
        threads.submit(in_turn, turn, lambda: order.append("scanned")).result(SECONDS_MAX)
        slow.answers.set()
        assert paying.result(SECONDS_MAX) == 500
    assert order == ["scanned", "paid"]
    assert terminal.name == "slow"


def fail() -> None:
    raise ZeroDivisionError


def test_what_fails_gives_the_turn_back(turn: Turn) -> None:
    with pytest.raises(ZeroDivisionError):
        in_turn(turn, turn.outside(fail))
    assert in_turn(turn, lambda: "free") == "free"


def test_without_the_turn_nothing_is_given_away(turn: Turn) -> None:
    with turn.given_away():
        assert in_turn(turn, turn.outside(lambda: "done")) == "done"
