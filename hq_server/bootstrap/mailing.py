"""Sending and reading mail beside the servers: a pass each now and then, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog

from hq_server.bootstrap import HeadOffice
from hq_server.mail.passes import MailRoom, read_mailbox, send_waiting
from shared.errors import FilialError, Refused

Pass = Callable[[MailRoom], dict[str, int]]


def mail_room(office: HeadOffice, is_over: Callable[[], bool] = lambda: False) -> MailRoom:
    """What the passes need of a head office."""
    return MailRoom(office.settings, office.store, office.clock, office.ids, is_over)


async def mail_at_intervals(office: HeadOffice) -> None:
    """Sends what waits and reads the mailbox, until it is cancelled; then the letter at hand is the last.

    Nought seconds, or no servers in the settings, leave it to `filial-hq mail`.
    """
    seconds, settings = office.settings.mail_poll_seconds, office.settings
    passes: list[tuple[str, Pass]] = []
    if settings.smtp_host:
        passes.append(("mail not sent", send_waiting))
    if settings.imap_host:
        passes.append(("mailbox not read", read_mailbox))
    if seconds <= 0 or not passes:
        return
    over = threading.Event()
    room = mail_room(office, over.is_set)
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1, "mail") as thread:
        while True:
            for failing, work in passes:
                running = loop.run_in_executor(thread, _try, room, failing, work)
                try:
                    await asyncio.shield(running)
                except asyncio.CancelledError:
                    # The store must not be closed under the thread.
                    over.set()
                    await asyncio.wait([running])
                    raise
            await asyncio.sleep(seconds)


def _try(room: MailRoom, failing: str, work: Pass) -> None:
    log = structlog.get_logger()
    try:
        counts = work(room)
    except Refused:
        return  # another process does it
    except FilialError as error:
        log.error(failing, reason=error.message)
        return
    if counts:
        log.info("mail", **counts)
