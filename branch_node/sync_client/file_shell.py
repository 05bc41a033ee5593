"""Carries files beside the stream: in a thread of their own, one chunk at a time, and only while all else is quiet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog

from branch_node.operations.file_carrying import FileCarrier, Step
from branch_node.settings import Settings
from branch_node.storage.store import BranchStore
from branch_node.storage.sync_state import read_waiting
from branch_node.sync_client.files import open_files
from shared.errors import FilialError
from shared.sync.backoff import Backoff

LOOK_SECONDS = 1.0
"""How often it is looked whether there is a file to be carried."""

QUIET_SECONDS = 0.05
"""How often it is looked whether all else is quiet again."""


class FileShell:
    """Drives a FileCarrier."""

    def __init__(self, settings: Settings, store: BranchStore) -> None:
        self._store = store
        self._carrier = FileCarrier(store, lambda: open_files(settings, store))
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="files")
        self._log = structlog.get_logger()

    async def serve(self, is_quiet: Callable[[], bool]) -> None:
        """Carries whenever `is_quiet`, until cancelled."""
        backoff = Backoff()
        await self._run(self._sweep)
        while True:
            if not is_quiet():
                await asyncio.sleep(QUIET_SECONDS)
                continue
            try:
                step = await self._run(self._step_if_even)
                backoff.record_success()
            except FilialError as error:
                self._log.warning("files wait", reason=error.message)
                await asyncio.sleep(backoff.record_failure(self._store.ids.jitter()) / 1_000)
                continue
            if step is None:
                await asyncio.sleep(LOOK_SECONDS)

    async def carry_for(self, seconds: float) -> None:
        """Carries what there is, at most for so long; what fails is tried at the next time."""
        ends_at = self._store.clock.monotonic() + seconds
        try:
            while self._store.clock.monotonic() < ends_at:
                if await self._run(self._carrier.step) is None:
                    return
        except FilialError as error:
            self._log.warning("files wait", reason=error.message)

    def close(self) -> None:
        """Ends what is under way, and gives the connection back."""
        self._carrier.interrupt()
        self._thread.shutdown(wait=True)
        self._carrier.close()

    async def _run(self, work: Callable[[], Step | None]) -> Step | None:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _step_if_even(self) -> Step | None:
        """Nothing while a sale waits: it goes first."""
        with self._store.read_cursor() as cursor:
            if read_waiting(cursor).entries:
                return None
        return self._carrier.step()

    def _sweep(self) -> None:
        try:
            self._carrier.sweep()
        except FilialError as error:
            self._log.warning("files were not looked through", reason=error.message)
