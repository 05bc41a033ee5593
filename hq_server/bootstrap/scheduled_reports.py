"""Delivering scheduled reports beside the servers: a pass now and then, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import structlog

from hq_server.bootstrap import HeadOffice
from hq_server.bootstrap.mailing import mail_room
from hq_server.mail.passes import MailRoom
from hq_server.mail.report_passes import deliver_due
from shared.errors import FilialError


async def deliver_at_intervals(office: HeadOffice) -> None:
    """Delivers what is due, until it is cancelled; then the letter at hand is the last. Nought seconds leave it to
    `filial-hq report deliver`."""
    seconds = office.settings.report_poll_seconds
    if seconds <= 0:
        return
    over = threading.Event()
    room = mail_room(office, over.is_set)
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1, "reports") as thread:
        while True:
            running = loop.run_in_executor(thread, _try, room)
            try:
                await asyncio.shield(running)
            except asyncio.CancelledError:
                # The store must not be closed under the thread.
                over.set()
                await asyncio.wait([running])
                raise
            await asyncio.sleep(seconds)


def _try(room: MailRoom) -> None:
    log = structlog.get_logger()
    try:
        counts = deliver_due(room)
    except FilialError as error:
        log.error("reports not delivered", reason=error.message)
        return
    if counts:
        log.info("reports", **{str(state): count for state, count in counts.items()})
