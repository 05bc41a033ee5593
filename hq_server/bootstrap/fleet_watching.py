"""Watching the fleet beside the servers: a look now and then, telling of alerts, and checks that people asked for.

Checks read whole chains, which is hard work for Python: they run in a process of their own, and slow no merge down.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog

from hq_server.bootstrap import HeadOffice
from hq_server.mail.alert_passes import WatchRoom, tell_waiting, watch_fleet
from hq_server.operations.fleet_checks import fail_lost, is_any_waiting, run_waiting
from hq_server.storage.mail_lock import alone_with_mail
from shared.errors import FilialError, Refused

TELLING_SECONDS = 15
"""How often a server looks whether a message waits, seconds."""

CHECKING_SECONDS = 1
"""How often a server looks whether somebody asked for a check, seconds."""

CHECK_PAUSE_SECONDS = 30
"""After a process of checks that failed, seconds."""

CHECK_STOP_SECONDS_MAX = 5
CHECKING = "checking"
Pass = Callable[[WatchRoom], dict[str, int]]


def watch_room(office: HeadOffice, is_over: Callable[[], bool] = lambda: False) -> WatchRoom:
    """What the passes need of a head office."""
    return WatchRoom(office.settings, office.store, office.clock, office.ids, is_over)


async def watch_at_intervals(office: HeadOffice) -> None:
    """Looks at the fleet and tells of alerts until it is cancelled; then the message at hand is the last.

    The first look comes after the first interval: branches need a moment to come back to a server that started.
    """
    over = threading.Event()
    room = watch_room(office, over.is_set)
    minutes = office.settings.fleet_sample_minutes
    with ThreadPoolExecutor(1, "fleet") as thread:
        try:
            await asyncio.gather(
                _repeat(thread, over, room, "fleet not watched", watch_fleet, minutes * 60),
                _repeat(thread, over, room, "alerts not told", tell_waiting, TELLING_SECONDS),
            )
        finally:
            over.set()


async def _repeat(
    thread: ThreadPoolExecutor, over: threading.Event, room: WatchRoom, failing: str, work: Pass, seconds: int
) -> None:
    loop = asyncio.get_running_loop()
    while seconds > 0:
        await asyncio.sleep(seconds)
        running = loop.run_in_executor(thread, _try, room, failing, work)
        try:
            await asyncio.shield(running)
        except asyncio.CancelledError:
            # The store must not be closed under the thread.
            over.set()
            await asyncio.wait([running])
            raise


def _try(room: WatchRoom, failing: str, work: Pass) -> None:
    log = structlog.get_logger()
    if room.is_over():
        return
    try:
        counts = work(room)
    except Refused:
        return  # another process does it
    except FilialError as error:
        log.error(failing, reason=error.message)
        return
    if counts.get("failed"):
        log.warning(failing, **counts)


async def check_as_asked(office: HeadOffice) -> None:
    """Starts a process of checks whenever one waits, and ends it with us."""
    log = structlog.get_logger()
    while True:
        await asyncio.sleep(CHECKING_SECONDS)
        try:
            waits = await _ask_store(office)
        except FilialError as error:
            log.error("checks not looked for", reason=error.message)
            waits = False
        if waits and await _check_in_process(office) != 0:
            await asyncio.sleep(CHECK_PAUSE_SECONDS)


async def _ask_store(office: HeadOffice) -> bool:
    asking = asyncio.ensure_future(asyncio.to_thread(_is_any_waiting, office))
    try:
        return await asyncio.shield(asking)
    except asyncio.CancelledError:
        # The store must not be closed under the thread.
        await asyncio.wait([asking])
        raise


def _is_any_waiting(office: HeadOffice) -> bool:
    with office.store.read() as connection:
        return is_any_waiting(connection)


async def _check_in_process(office: HeadOffice) -> int:
    arguments = ["-m", "hq_server", "fleet", "check", "--home", str(office.settings.home)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        return await process.wait()
    except asyncio.CancelledError:
        # What it was at is rolled back, and found to be lost by the next one.
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
            try:
                async with asyncio.timeout(CHECK_STOP_SECONDS_MAX):
                    await process.wait()
            except TimeoutError:
                process.kill()
        raise


def run_checks(office: HeadOffice) -> int:
    """Runs every check that waits, in this process; returns how many. Raises Refused when another one is at it."""
    with alone_with_mail(office.store, office.settings.home, CHECKING):
        with office.store.write() as connection:
            fail_lost(connection, office.clock.now_us())
        return run_waiting(office.store, office.clock)
