"""The queue of what branches ask to be committed at once: whatever waits is committed together."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from hq_server.operations.central import COMMITS_PER_TRANSACTION_MAX, Asked
from hq_server.sync_server.gateway import Gateway
from hq_server.sync_server.identity import Peer
from shared.errors import FilialError, StoreBusy
from shared.sync.central import Outcome

COMMITS_WAITING_MAX = 2_000


class _Waiting(NamedTuple):
    peer: Peer
    asked: Asked
    answered: asyncio.Future[Outcome]


class CommitQueue:
    """One transaction at a time; while it runs, the next one gathers."""

    def __init__(self, gateway: Gateway, feed_grew: Callable[[int], None]) -> None:
        self._gateway = gateway
        self._feed_grew = feed_grew
        self._waiting: deque[_Waiting] = deque()
        self._working: asyncio.Task[None] | None = None

    async def commit(self, peer: Peer, asked: Asked) -> Outcome:
        """What was decided. Raises StoreBusy when too many wait, and what the store raises."""
        if len(self._waiting) >= COMMITS_WAITING_MAX:
            raise StoreBusy("Too many operations wait at the head office.", "Try again in a moment.")
        waiting = _Waiting(peer, asked, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        # Whoever asks may go away; what was asked is decided all the same.
        return await asyncio.shield(waiting.answered)

    async def _work(self) -> None:
        try:
            while self._waiting:
                count = min(len(self._waiting), COMMITS_PER_TRANSACTION_MAX)
                await self._commit([self._waiting.popleft() for _ in range(count)])
        finally:
            self._working = None

    async def _commit(self, group: list[_Waiting]) -> None:
        peers, asked = [each.peer for each in group], [each.asked for each in group]
        try:
            done = await self._gateway.run(lambda: self._gateway.commit(peers, asked))
        except Exception as error:  # noqa: BLE001 - whatever it is, everybody who waits is to hear it
            for each in group:
                _fail(each, error)
            return
        for each, outcome in zip(group, done.outcomes, strict=True):
            if isinstance(outcome, FilialError):
                _fail(each, outcome)
            elif not each.answered.done():
                each.answered.set_result(outcome)
        if done.feed_head is not None:
            self._feed_grew(done.feed_head)


def _fail(waiting: _Waiting, error: Exception) -> None:
    if not waiting.answered.done():
        waiting.answered.set_exception(error)
        waiting.answered.exception()  # nobody may be waiting any more: it is not lost then, but of no use
