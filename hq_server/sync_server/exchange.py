"""One stream of one branch: carries messages to the session core and carries out its commands."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import structlog

from hq_server.storage.branches import OpenedSession
from hq_server.sync_server.gateway import Gateway
from hq_server.sync_server.identity import Peer
from shared.clock import Clock
from shared.errors import (
    FilialError,
    ProtocolViolation,
    Refused,
    SessionReplaced,
    StoreBusy,
)
from shared.sync import hq_session as core
from shared.sync.hq_session import FinishReason, HqSession
from shared.sync.messages import BranchMessage, Hello, ResumeMode

INBOX_MESSAGES_MAX = 8
MERGE_ATTEMPTS_MAX = 3
DRAIN_DELAY_MS = 1_000


class _StreamEnded:
    """The branch closed its side, or the connection broke."""


class _FeedGrew:
    """The feed has a new head."""


class _Closing:
    """This stream must end for a reason that lies outside it: an error, or None when the server stops."""

    def __init__(self, error: FilialError | None) -> None:
        self.error = error


_Event = BranchMessage | _StreamEnded | _FeedGrew | _Closing


class Exchange:
    """Drives an HqSession over a gRPC stream."""

    def __init__(
        self,
        gateway: Gateway,
        clock: Clock,
        peer: Peer,
        branch_id: bytes,
        context: Any,
        tell_feed_grew: Callable[[int], None],
    ) -> None:
        """`tell_feed_grew` passes a new feed head on to every stream of this server."""
        self.peer = peer
        self.branch_id = branch_id
        self._gateway = gateway
        self._clock = clock
        self._context = context
        self._tell_feed_grew = tell_feed_grew
        self._session = HqSession(branch_id, self._now_ms())
        self._events: asyncio.Queue[_Event] = asyncio.Queue()
        # What bounds the queue: messages wait here, and then in gRPC's own flow control; notices never do.
        self._places = asyncio.Semaphore(INBOX_MESSAGES_MAX)
        self._feed_head = 0
        self._opening: asyncio.Future[OpenedSession] | None = None
        self._left_even = False
        self._log = structlog.get_logger().bind(branch=branch_id.hex()[-12:])

    # Notices from the server.

    def notice_feed(self, position: int) -> None:
        """The feed grew."""
        if position > self._feed_head:
            if self._events.empty():
                self._events.put_nowait(_FeedGrew())
            self._feed_head = position

    def notice_closing(self, error: FilialError | None) -> None:
        """The stream must end: the branch was revoked (an error), or the server stops (None)."""
        self._events.put_nowait(_Closing(error))

    # The stream.

    async def run(self, requests: AsyncIterator[BranchMessage]) -> None:
        """Serves the stream to its end. Raises the domain error that the branch is to see."""
        reader = asyncio.create_task(self._read(requests))
        try:
            await self._serve()
        finally:
            reader.cancel()
            # gRPC cancels this when the connection breaks; that the branch has left is stored all the same.
            await self._gateway.carry_through(self._depart())

    async def _depart(self) -> None:
        if self._opening is None:
            return
        with contextlib.suppress(FilialError):
            opened = await self._opening
            if opened.decision.resume is ResumeMode.INCREMENTAL:
                fence = opened.known.fence
                await self._gateway.run(lambda: self._gateway.store_departure(self.branch_id, fence, self._left_even))

    async def _read(self, requests: AsyncIterator[BranchMessage]) -> None:
        try:
            async for message in requests:
                await self._places.acquire()
                self._events.put_nowait(message)
        finally:
            self._events.put_nowait(_StreamEnded())

    async def _serve(self) -> None:
        while True:
            # A notice that found other events waiting left only its number. Said before the commands are carried out:
            # the core may want to read the feed now, and not at the branch's next tick.
            self._session.record_feed_head(self._feed_head)
            while commands := self._session.commands():
                for command in commands:
                    if await self._carry_out(command):
                        return
            if self._take(await self._next_event()):
                return

    def _take(self, event: _Event | None) -> bool:
        """Hands an event to the core; true when the stream has ended."""
        match event:
            case None:
                self._session.tick(self._now_ms())
            case _StreamEnded():
                return True
            case _FeedGrew():
                pass
            case _Closing(error=error):
                if error is not None:
                    raise error
                self._session.record_drain_wanted(DRAIN_DELAY_MS, "The head office is restarting.")
            case _:
                self._places.release()
                self._session.receive_message(event, self._now_ms())
        return False

    async def _next_event(self) -> _Event | None:
        """The next event; None when the core wants to be woken."""
        wake_at = self._session.next_wake_at()
        seconds = None if wake_at is None else max(0, wake_at - self._now_ms()) / 1_000
        try:
            async with asyncio.timeout(seconds):
                return await self._events.get()
        except TimeoutError:
            return None

    async def _carry_out(self, command: core.Command) -> bool:
        """Does what the core asks; true when the stream has ended."""
        match command:
            case core.Send(message):
                await self._context.write(message)
            case core.OpenSession(hello):
                await self._open(hello)
            case core.StoreGoodbye():
                self._left_even = True
            case core.Finish(reason, explanation):
                self._finish(reason, explanation)
                return True
            case _:
                await self._perform(command)
        return False

    async def _open(self, hello: Hello) -> None:
        now_us = self._gateway.now_us()
        # Cancelling us does not cancel this: a session that was opened must be seen to leave.
        self._opening = asyncio.ensure_future(self._gateway.run(lambda: self._gateway.open(hello, now_us)))
        opened = await asyncio.shield(self._opening)
        self._session.record_opened(hello, opened.known, opened.decision, now_us)
        self._log.info("hello", resume=opened.decision.resume.name, head=hello.head.seq, release=hello.release)

    async def _perform(self, command: core.StoreCommand) -> None:
        for attempt in range(1, MERGE_ATTEMPTS_MAX + 1):
            try:
                merged = await self._gateway.run(
                    lambda: self._gateway.perform(self.peer, self._session, self.branch_id, command)
                )
            except StoreBusy:
                if attempt == MERGE_ATTEMPTS_MAX:
                    raise
            else:
                break
        if merged is None:
            return
        parked = [outcome.seq for outcome in merged.ack.outcomes if outcome.parked_reason is not None]
        if parked:
            self._log.warning("entries parked", count=len(parked), first=parked[0])
        if merged.feed_head is not None:
            self._tell_feed_grew(merged.feed_head)

    def _finish(self, reason: FinishReason, explanation: str) -> None:
        match reason:
            case FinishReason.GOODBYE | FinishReason.REFUSED | FinishReason.DRAINED:
                return  # the branch knows: it said so, or was told by the welcome or the drain
            case FinishReason.REPLACED:
                raise SessionReplaced(explanation, "Only one process may synchronise a branch.")
            case FinishReason.VIOLATION:
                self._log.warning("protocol violation", explanation=explanation)
                raise ProtocolViolation(explanation)
            case FinishReason.SILENCE:
                raise Refused(explanation)

    def _now_ms(self) -> int:
        return int(self._clock.monotonic() * 1_000)
