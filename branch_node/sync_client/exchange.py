"""One stream to the head office: carries messages to the session core and carries out its commands."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import grpc

from branch_node.sync_client.channel import Identity, open_channel, translate
from branch_node.sync_client.worker import StoreWorker
from shared.clock import Clock
from shared.errors import (
    FilialError,
    HqUnreachable,
    ProtocolViolation,
    Refused,
)
from shared.sync import branch_commands as core
from shared.sync.branch_commands import FinishReason
from shared.sync.branch_session import BranchSession
from shared.sync.messages import HqMessage
from shared.sync.recognition import goes_on
from shared.wire.exchange import decode_hq_message, encode_branch_message
from shared.wire.methods import EXCHANGE

MESSAGES_WAITING_MAX = 8
QUIET_MS = 250
"""When nothing of the journal, the feed or the history has moved for so long, files may."""
GOODBYE_SECONDS_MAX = 5.0


class _StreamEnded:
    """HQ closed the stream, or the connection broke."""


class _Grown:
    def __init__(self, head_seq: int) -> None:
        self.head_seq = head_seq


class _PassWanted:
    def __init__(self, head_seq: int) -> None:
        self.head_seq = head_seq


class _Stop:
    """The program wants to end the stream."""


_Event = HqMessage | _StreamEnded | _Grown | _PassWanted | _Stop


class Exchange:
    """Drives a BranchSession over a gRPC stream."""

    def __init__(self, worker: StoreWorker, clock: Clock, address: str, identity: Identity) -> None:
        self._worker = worker
        self._clock = clock
        self._address = address
        self._identity = identity
        self._events: asyncio.Queue[_Event] = asyncio.Queue()
        self._places = asyncio.Semaphore(MESSAGES_WAITING_MAX)
        self._incarnation = b""
        self.on_pass_done: Callable[[], None] = lambda: None
        self.on_problem: Callable[[str], None] = lambda problem: None
        self.was_welcome = False
        self.was_rehomed = False
        self._moved_at_ms = 0

    # Notices from the program.

    def notice_growth(self, head_seq: int) -> None:
        """Another process recorded entries."""
        self._events.put_nowait(_Grown(head_seq))

    def want_pass(self, head_seq: int) -> None:
        """Someone wants both sides even, at least up to this entry; `on_pass_done` is called when they are."""
        self._events.put_nowait(_PassWanted(head_seq))

    def stop(self) -> None:
        """Say goodbye and end."""
        self._events.put_nowait(_Stop())

    def is_quiet(self) -> bool:
        """Whether the stream is up and has had nothing to do but to say so for a while."""
        return self.was_welcome and self._now_ms() - self._moved_at_ms >= QUIET_MS

    # The stream.

    async def run(self) -> int | None:
        """Serves the stream to its end.

        Returns HQ's wish for the delay before the next attempt, None when the program ended it. Raises HqUnreachable,
        NotAuthorised, SessionReplaced, Refused or ProtocolViolation.
        """
        trouble: str | None = None
        channel = open_channel(self._address, self._identity)
        call = channel.stream_stream(EXCHANGE, encode_branch_message, decode_hq_message)()
        reader = asyncio.create_task(self._read(call))
        try:
            return await self._serve_translated(call)
        except FilialError as error:
            trouble = None if isinstance(error, HqUnreachable) else error.message
            raise
        finally:
            reader.cancel()
            call.cancel()
            await channel.close()
            await self._worker.run(lambda: self._worker.store_disconnected(trouble))

    async def _serve_translated(self, call: Any) -> int | None:
        try:
            hello = await self._worker.run(self._worker.hello)
            self._incarnation = hello.incarnation
            return await self._serve(call, BranchSession(hello, self._now_ms()))
        except grpc.aio.AioRpcError as error:
            raise translate(error, self._address) from error

    async def _read(self, call: Any) -> None:
        try:
            while (message := await call.read()) is not grpc.aio.EOF:
                await self._places.acquire()
                self._events.put_nowait(message)
        except grpc.aio.AioRpcError:
            pass  # the call's status says why, and `_serve` asks for it
        finally:
            self._events.put_nowait(_StreamEnded())

    async def _serve(self, call: Any, session: BranchSession) -> int | None:
        while True:
            while commands := session.commands():
                for command in commands:
                    if isinstance(command, core.Finish):
                        return await self._finish(call, command)
                    await self._carry_out(call, session, command)
            event = await self._next_event(session)
            match event:
                case None:
                    session.tick(self._now_ms())
                case _StreamEnded():
                    await _raise_status(call)
                    raise HqUnreachable(f"The head office at {self._address} closed the stream.", "Selling goes on.")
                case _Grown(head_seq=head_seq):
                    self._moved_at_ms = self._now_ms()
                    session.record_appended(head_seq)
                case _PassWanted(head_seq=head_seq):
                    session.record_pass_wanted(head_seq)
                case _Stop():
                    session.record_goodbye()
                case _:
                    self._places.release()
                    session.receive_message(event, self._now_ms())

    async def _next_event(self, session: BranchSession) -> _Event | None:
        wake_at = session.next_wake_at()
        seconds = None if wake_at is None else max(0, wake_at - self._now_ms()) / 1_000
        try:
            async with asyncio.timeout(seconds):
                return await self._events.get()
        except TimeoutError:
            return None

    async def _carry_out(self, call: Any, session: BranchSession, command: core.Command) -> None:
        match command:
            case core.Send(message):
                await self._write(call, message)
            case core.PassDone():
                self.on_pass_done()
            case core.Finish():
                raise AssertionError("finished elsewhere")
            case _:
                if not isinstance(command, core.ReadHead):
                    self._moved_at_ms = self._now_ms()
                for problem in await self._worker.run(lambda: self._worker.perform(session, command)):
                    self.on_problem(problem)
                if isinstance(command, core.StoreWelcome):
                    self.was_welcome = goes_on(command.welcome.resume)

    async def _write(self, call: Any, message: Any) -> None:
        """A write that fails because the stream is gone is explained by the stream's status."""
        try:
            await call.write(message)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError, grpc.aio.UsageError):
            await _raise_status(call)
            raise HqUnreachable(f"The head office at {self._address} closed the stream.", "Selling goes on.") from None

    async def _finish(self, call: Any, finish: core.Finish) -> int | None:
        match finish.reason:
            case FinishReason.GOODBYE:
                # HQ ends the stream once the goodbye is on its disk.
                with contextlib.suppress(TimeoutError, grpc.aio.AioRpcError):
                    await call.done_writing()
                    async with asyncio.timeout(GOODBYE_SECONDS_MAX):
                        await call.code()
                return None
            case FinishReason.DRAINED:
                return finish.delay_ms
            case FinishReason.REHOMED:
                self.was_rehomed = True
                return 0  # the store is another incarnation now, and introduces itself again
            case FinishReason.SILENCE:
                raise HqUnreachable(f"The head office at {self._address}: {finish.explanation}", "Selling goes on.")
            case FinishReason.REFUSED:
                raise Refused(
                    finish.explanation, "Selling goes on. At the head office, filial-hq sync status says what to do."
                )
            case FinishReason.VIOLATION:
                raise ProtocolViolation(finish.explanation, "Is the head office of another release?")

    def _now_ms(self) -> int:
        return int(self._clock.monotonic() * 1_000)


async def _raise_status(call: Any) -> None:
    """Raises the status of a call that ended badly."""
    code = await call.code()
    if code is not grpc.StatusCode.OK:
        raise grpc.aio.AioRpcError(
            code, await call.initial_metadata(), await call.trailing_metadata(), await call.details()
        )
