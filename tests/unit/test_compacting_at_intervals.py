"""The server's own compaction: until there is nothing more, and whatever the store answers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from hq_server.bootstrap import serving
from shared.errors import StoreBusy


class FakeGateway:
    """Has some rows to compact; the store is busy now and then."""

    def __init__(self, *answers: bool | Exception) -> None:
        self.answers = list(answers)

    async def run(self, work: Callable[[], Any]) -> Any:
        return work()

    def compact(self) -> bool:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def compact(gateway: FakeGateway, minutes: int, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Lets it go on until it would wait and nothing is left; returns how long it waited."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if not gateway.answers:
            raise asyncio.CancelledError

    monkeypatch.setattr(asyncio, "sleep", sleep)
    work = serving._compact_at_intervals(gateway, minutes)  # type: ignore[arg-type]
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(work)
    return pauses


def test_it_goes_on_until_there_is_nothing_more_then_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    pause = serving.COMPACTION_PAUSE_SECONDS
    assert compact(FakeGateway(True, True, False, False), 3, monkeypatch) == [pause, pause, 180, 180]


def test_a_busy_store_is_asked_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    assert compact(FakeGateway(StoreBusy("Busy."), False), 1, monkeypatch) == [60, 60]


def test_nought_minutes_leave_it_to_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = FakeGateway(True)
    assert compact(gateway, 0, monkeypatch) == []
    assert gateway.answers == [True]
