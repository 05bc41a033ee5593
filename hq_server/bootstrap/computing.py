"""Computing the reports that were asked for and take long, and those that branches are told, beside the servers: in a
process of its own.

A report counts millions of pairs; in a thread of the server it would take turns with merges. The process begins when
something waits and ends when nothing does, which gives its memory back.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import structlog

from hq_server.bootstrap import HeadOffice, head_office
from hq_server.operations.chain_answers import give_up, next_due, tell_branches
from hq_server.operations.kept_reports import Stopped, take_up_again, waiting_reports, work_off
from shared.errors import FilialError, Refused

LOOK_SECONDS = 1.0
AFTER_FAILURE_SECONDS = 30
STOP_SECONDS_MAX = 10


async def compute_when_asked(office: HeadOffice) -> None:
    """Looks whether reports wait, and has them computed, until it is cancelled."""
    log = structlog.get_logger()
    has_looked = False
    while True:
        try:
            if not has_looked:
                await asyncio.to_thread(take_up_again, office.store)
                has_looked = True
            waiting = await asyncio.to_thread(_waiting, office)
        except FilialError as error:
            log.error("waiting reports not read", reason=error.message)
            waiting = False
        if waiting and (code := await _compute(office.settings.home)) != 0:
            log.error("reports not computed", code=code)
            has_looked = False
            await asyncio.sleep(AFTER_FAILURE_SECONDS)
        await asyncio.sleep(LOOK_SECONDS)


def _waiting(office: HeadOffice) -> bool:
    with office.store.read() as connection:
        hour = office.settings.chain_answers_hour
        return bool(waiting_reports(connection) or next_due(connection, office.clock.now_us(), hour))


async def _compute(home: Path) -> int:
    """Runs the process to its end; when we are cancelled it is told to stop, and waited for."""
    arguments = ["-m", "hq_server", "report", "compute", "--home", str(home)]
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.DEVNULL)
    try:
        return await process.wait()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS_MAX):
                await process.wait()
        except TimeoutError:
            process.kill()
        raise


def compute_waiting(home: Path | None) -> int:
    """Computes what waits, the oldest first, then what branches are to be told, until nothing is left or SIGTERM comes;
    returns how many were computed."""
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    computed = 0
    with head_office(home) as office:
        lag_minutes = office.settings.completeness_lag_minutes
        while not over.is_set() and (
            work_off(office.store, office.clock, lag_minutes, over.is_set) or _tell_next(office, over.is_set)
        ):
            computed += 1
    return computed


def _tell_next(office: HeadOffice, should_stop: Callable[[], bool]) -> bool:
    """Answers the next question for branches; false when none is due, or when it was stopped."""
    settings = office.settings
    hour, lag_minutes = settings.chain_answers_hour, settings.completeness_lag_minutes
    with office.store.read() as connection:
        question = next_due(connection, office.clock.now_us(), hour)
    if question is None:
        return False
    try:
        tell_branches(office.store, office.clock, question, hour, lag_minutes, should_stop)
    except Stopped:
        return False
    except Exception:  # noqa: BLE001 - one broken report must not keep the others waiting
        structlog.get_logger().exception("answer for branches not computed", question=question.name)
        broken = Refused("The report broke; the log of the head office says why.")
        give_up(office.store, question, hour, office.clock.now_us(), broken)
    return True
