"""A network between a branch and its head office that a test can slow, cut, freeze, mend and point elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

CHUNK_BYTES = 4_096
CLOSE_SECONDS_MAX = 5
ResultT = TypeVar("ResultT")


class Network:
    """Listens on one loopback port for the whole test; the head office behind it may come and go."""

    def __init__(self, target_port: int) -> None:
        self.target_port = target_port
        self.bytes_per_second: int | None = None
        self._bytes_held_at: int | None = None
        self.port = 0
        self.bytes_passed = 0
        self.connections = 0
        self._is_cut = False
        self._flows = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network", daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._call(self._listen())

    def cut(self) -> None:
        """Breaks every connection and every new one; the port stays taken, so that nobody else gets it."""
        self._call(self._set_cut(True))

    def mend(self) -> None:
        """Lets connections through again."""
        self._call(self._set_cut(False))

    def freeze_after(self, bytes_more: int) -> None:
        """Lets so many bytes pass, and then freezes: what a test meets does not depend on who is faster."""
        self._bytes_held_at = self.bytes_passed + bytes_more

    def freeze(self) -> None:
        """From now on nothing passes and nothing breaks, as when a cable is pulled."""
        self._loop.call_soon_threadsafe(self._flows.clear)

    def thaw(self) -> None:
        """What was held passes on."""
        self._bytes_held_at = None
        self._loop.call_soon_threadsafe(self._flows.set)

    def stop(self) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, work: Coroutine[Any, Any, ResultT]) -> ResultT:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _listen(self) -> None:
        self._flows.set()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _set_cut(self, is_cut: bool) -> None:
        self._is_cut = is_cut
        if is_cut:
            self._abort_all()

    def _abort_if_cut(self) -> None:
        if self._is_cut:
            self._abort_all()

    def _abort_all(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()
        self._writers.clear()

    async def _close(self) -> None:
        self._is_cut = True
        assert self._server is not None
        self._server.close()
        self._flows.set()
        self._abort_all()
        # What is aborted ends by itself: a cancelled stream handler would be logged as a failure.
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            await asyncio.wait(others, timeout=CLOSE_SECONDS_MAX)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self._is_cut:
            writer.transport.abort()
            return
        try:
            onward_reader, onward_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, onward_writer}
        self._writers |= ends
        self._abort_if_cut()
        await asyncio.gather(self._pass_on(reader, onward_writer), self._pass_on(onward_reader, writer))
        self._writers -= ends

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                await self._flows.wait()
                if self.bytes_per_second:
                    await asyncio.sleep(len(data) / self.bytes_per_second)
                writer.write(data)
                self.bytes_passed += len(data)
                if self._bytes_held_at is not None and self.bytes_passed >= self._bytes_held_at:
                    self._flows.clear()
                await writer.drain()
        with contextlib.suppress(OSError):
            writer.close()


@contextmanager
def network_to(target_port: int) -> Iterator[Network]:
    """A network that is up, and gone afterwards."""
    network = Network(target_port)
    network.start()
    try:
        yield network
    finally:
        network.stop()
