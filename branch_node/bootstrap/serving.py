"""Running a branch's servers: synchronisation and the web."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from typing import Any

from branch_node.bootstrap.printing import start_print_worker
from branch_node.bootstrap.status import read_status
from branch_node.settings import Settings
from branch_node.storage.store import BranchStore
from branch_node.sync_client.synchroniser import Synchroniser
from branch_node.web.app import create_app
from shared.web.serving import WebServer


def serve(
    settings: Settings, store: BranchStore, web_address: str, synchronise: bool, ready: Callable[[int], None]
) -> None:
    """Serves until SIGTERM or SIGINT. `ready` is told the web's port. Raises InvalidInput, Refused."""
    asyncio.run(_serve(settings, store, web_address, synchronise, ready))


async def _serve(
    settings: Settings, store: BranchStore, web_address: str, synchronise: bool, ready: Callable[[int], None]
) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    web = WebServer(create_app(lambda: read_status(settings, store)), web_address)
    print_worker = start_print_worker(settings, store)
    web_task = asyncio.create_task(web.run_until_stopped())
    tasks: list[asyncio.Task[Any]] = [asyncio.create_task(stopped.wait())]
    if synchronise:
        tasks.append(asyncio.create_task(Synchroniser(settings, store).serve(stopped)))
    ready(web.port)
    try:
        # Synchronisation that fails for good ends the program: a branch that looks served must be.
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        stopped.set()
        for task in [*done, *tasks]:
            await task
    finally:
        web.should_exit = True
        await web_task
        if print_worker is not None:
            await asyncio.to_thread(print_worker.stop)
