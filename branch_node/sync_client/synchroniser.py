"""Keeps a branch synchronised: one stream after another while serving, or one pass and out."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import structlog

from branch_node.settings import Settings
from branch_node.storage.pass_requests import read_outcome, request_pass
from branch_node.storage.store import BranchStore
from branch_node.sync_client.central import open_central
from branch_node.sync_client.channel import load_identity
from branch_node.sync_client.exchange import Exchange
from branch_node.sync_client.file_shell import FileShell
from branch_node.sync_client.lock import SyncLock
from branch_node.sync_client.processor import Processor
from branch_node.sync_client.worker import StoreWorker
from shared.domain.identifiers import NIL_ID, is_id, parse_id
from shared.errors import CallLost, FilialError, HqUnreachable, Refused, SyncError
from shared.sync.backoff import Backoff

_BOOT_ID_PATH = Path("/proc/sys/kernel/random/boot_id")
REQUEST_POLL_SECONDS = 0.05
DOUBTS_POLL_SECONDS = 10.0
FILES_OF_PASS_SECONDS_MAX = 20.0
"""For how long a pass carries files once both sides are even; `serve` goes on with them."""


class Synchroniser:
    """The synchronisation of one store by this process."""

    def __init__(self, settings: Settings, store: BranchStore) -> None:
        self._settings = settings
        self._store = store
        self._clock = store.clock
        self._lock = SyncLock(settings.sync_lock_path)
        self._worker = StoreWorker(store, _boot_id())
        self._processor = Processor(store, lambda: open_central(settings, store))
        self._files = FileShell(settings, store)
        self._exchange: Exchange | None = None
        self._wanted: list[bytes] = []
        self._woken = asyncio.Event()
        self._log = structlog.get_logger()

    async def serve(self, stopped: asyncio.Event) -> None:
        """Holds a stream to HQ until stopped; reconnects with jittered back-off. Raises Refused when another does."""
        if not self._lock.take():
            raise Refused("Another process synchronises this branch already.", "Stop it, or use serve --no-sync.")
        watching = asyncio.create_task(self._watch())
        looking_after = asyncio.create_task(self._look_after())
        carrying = asyncio.create_task(self._files.serve(self._is_quiet))
        stopping = asyncio.create_task(self._stop_with(stopped))
        backoff = Backoff()
        try:
            while not stopped.is_set():
                delay_ms = await self._serve_once(backoff)
                await self._rest(delay_ms, stopped)
        finally:
            watching.cancel()
            looking_after.cancel()
            carrying.cancel()
            stopping.cancel()
            await self._answer("The process that synchronised this branch has stopped.")
            self._close()

    async def run_pass(self, timeout_seconds: float) -> None:
        """Makes both sides even once, here or by the process that serves; carries files for a while after that.

        Raises SyncError when they are not even.
        """
        try:
            async with asyncio.timeout(timeout_seconds):
                await asyncio.to_thread(self._processor.look_after)
                if self._lock.take():
                    await self._pass_here()
                else:
                    await self._pass_elsewhere()
            if self._lock.is_held:
                await self._files.carry_for(min(timeout_seconds, FILES_OF_PASS_SECONDS_MAX))
        except TimeoutError:
            raise HqUnreachable(
                f"The two sides were not even after {timeout_seconds:g} seconds.",
                "Nothing is lost; see: filial-branch sync status",
            ) from None
        finally:
            self._close()

    # Serving.

    async def _serve_once(self, backoff: Backoff) -> int:
        """One stream; returns how long to wait before the next, in milliseconds."""
        exchange = await self._new_exchange()
        exchange.on_pass_done = lambda: self._spawn_answer(None)
        self._exchange = exchange
        if self._wanted:
            exchange.want_pass((await self._worker.run(self._worker.head)).seq)
        try:
            asked_ms = await exchange.run()
        except FilialError as error:
            self._log.warning("not synchronising", reason=error.message)
            if exchange.was_welcome:
                backoff.record_success()
            await self._answer(error.message)
            return backoff.record_failure(self._store.ids.jitter())
        finally:
            self._exchange = None
        if exchange.was_rehomed:
            self._say_rehomed()
        backoff.record_success()
        return asked_ms or 0

    async def _rest(self, delay_ms: int, stopped: asyncio.Event) -> None:
        """Waits, but not when someone asks for a pass or the program stops."""
        self._woken.clear()
        if self._wanted or stopped.is_set():
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(delay_ms / 1_000):
                await self._woken.wait()

    async def _watch(self) -> None:
        """Looks for what other processes recorded and asked for, until cancelled."""
        while True:
            growth = await self._worker.run(self._worker.growth)
            if growth is not None:
                exchange = self._exchange
                new = [request for request in growth.requests if request not in self._wanted]
                self._wanted += new
                if new:
                    self._woken.set()
                if exchange is not None:
                    exchange.notice_growth(growth.head_seq)
                    if new:
                        exchange.want_pass(growth.head_seq)
            await asyncio.sleep(self._settings.journal_poll_ms / 1_000)

    async def _look_after(self) -> None:
        """Finds out, now and then, what became of operations that nobody waits for any more, until cancelled."""
        while True:
            try:
                await asyncio.to_thread(self._processor.look_after)
            except FilialError as error:
                self._log.warning("operations in doubt", reason=error.message)
            await asyncio.sleep(DOUBTS_POLL_SECONDS)

    def _is_quiet(self) -> bool:
        return self._exchange is not None and self._exchange.is_quiet()

    async def _stop_with(self, stopped: asyncio.Event) -> None:
        await stopped.wait()
        self._woken.set()
        if self._exchange is not None:
            self._exchange.stop()

    def _spawn_answer(self, problem: str | None) -> None:
        self._answering = asyncio.create_task(self._answer(problem))

    async def _answer(self, problem: str | None) -> None:
        answered, self._wanted = self._wanted, []
        await self._worker.run(lambda: self._worker.finish_requests(answered, problem))

    # One pass.

    async def _pass_here(self) -> None:
        backoff, was_lost = Backoff(), False
        target_seq = (await self._worker.run(self._worker.head)).seq
        while True:
            exchange = await self._new_exchange()
            exchange.want_pass(target_seq)
            even = asyncio.Event()

            def finish(exchange: Exchange = exchange, even: asyncio.Event = even) -> None:
                even.set()
                exchange.stop()

            exchange.on_pass_done = finish
            try:
                delay_ms = await exchange.run()
            except CallLost:
                if was_lost:
                    raise
                was_lost, delay_ms = True, 0
            except HqUnreachable:
                if not exchange.was_welcome:
                    raise
                delay_ms = backoff.record_failure(self._store.ids.jitter())
            if even.is_set():
                return
            if exchange.was_rehomed:
                self._say_rehomed()
                # The same entries have other numbers now.
                target_seq = (await self._worker.run(self._worker.head)).seq
            await asyncio.sleep((delay_ms or 0) / 1_000)

    async def _pass_elsewhere(self) -> None:
        request_id = self._store.ids.new_id()
        await self._worker.run(lambda: self._request(request_id))
        while True:
            with self._store.read_cursor() as cursor:
                outcome = read_outcome(cursor, request_id)
            if outcome is not None:
                if outcome.problem is not None:
                    raise SyncError(outcome.problem, "Nothing is lost; see: filial-branch sync status")
                return
            if self._lock.take():
                await self._pass_here()
                return
            await asyncio.sleep(REQUEST_POLL_SECONDS)

    def _request(self, request_id: bytes) -> None:
        with self._store.write() as connection:
            request_pass(connection.connection.cursor(), request_id, self._clock.now_us())

    # Both.

    async def _new_exchange(self) -> Exchange:
        address = await self._worker.run(self._worker.hq_address)
        exchange = Exchange(self._worker, self._clock, address, load_identity(self._settings))
        exchange.on_problem = lambda problem: self._log.error("feed record not understood", reason=problem)
        return exchange

    def _say_rehomed(self) -> None:
        self._log.warning(
            "this store was an older copy: it goes on as a new incarnation, and takes back what the head office holds"
        )

    def _close(self) -> None:
        self._worker.close()
        self._processor.close()
        self._files.close()
        self._lock.release()


def _boot_id() -> bytes:
    """One boot of this machine; nil where the system does not say."""
    try:
        text = _BOOT_ID_PATH.read_text().strip()
    except OSError:
        return NIL_ID
    return parse_id(text) if is_id(text) else NIL_ID
