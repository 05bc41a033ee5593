"""Running the head office's servers: gRPC, the web, and further workers on the same port."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import NamedTuple

import structlog

from hq_server.bootstrap import HeadOffice, head_office, only_server
from hq_server.bootstrap.computing import compute_when_asked
from hq_server.bootstrap.fleet_watching import check_as_asked, watch_at_intervals
from hq_server.bootstrap.mailing import mail_at_intervals
from hq_server.bootstrap.scheduled_reports import deliver_at_intervals
from hq_server.operations.authority import require_server_identity
from hq_server.operations.loyalty import refresh_points
from hq_server.operations.people import refresh_audiences
from hq_server.settings import Settings
from hq_server.storage.feed import number_feed
from hq_server.sync_server.gateway import Gateway
from hq_server.sync_server.server import SyncServer
from hq_server.web.app import create_app
from hq_server.web.context import make_context
from shared.addresses import split_address
from shared.errors import FilialError, InvalidInput, Refused
from shared.web.serving import TlsFiles, WebServer, is_loopback

WORKER_STOP_SECONDS_MAX = 10
WORKER_PAUSE_SECONDS = 0.5
COMPACTION_PAUSE_SECONDS = 0.05
PEOPLE_REFRESH_SECONDS = 600
POINTS_REFRESH_SECONDS = 3_600
GARBAGE_THRESHOLD = 50_000
Ready = Callable[[int, int | None], None]


class WebChoice(NamedTuple):
    """Where the pages are served; `insecure` allows other machines without TLS."""

    address: str
    insecure: bool = False


def choose_tls(settings: Settings, choice: WebChoice) -> TlsFiles | None:
    """The certificate when there is one; this machine alone may do without. Raises InvalidInput, Refused."""
    files = TlsFiles(settings.web_certificate_path, settings.web_key_path)
    if files.certificate.exists():
        if not files.key.exists():
            raise Refused(f"There is {files.certificate.name} without {files.key.name}.", "Put them together.")
        return files
    if not is_loopback(choice.address) and not choice.insecure:
        raise Refused(
            f"Other machines reach {choice.address}, and there is no certificate to protect what they send.",
            "Put web.crt and web.key into the folder. Or give --insecure-web behind a proxy that does TLS.",
        )
    return None


def _make_web(office: HeadOffice, gateway: Gateway, choice: WebChoice) -> WebServer:
    tls = choose_tls(office.settings, choice)
    context = make_context(office.store, office.settings, office.clock, office.ids, gateway.pulse)
    return WebServer(create_app(context), choice.address, tls)


def serve(home: Path | None, grpc_address: str, web_choice: WebChoice | None, workers: int, ready: Ready) -> None:
    """Serves until SIGTERM or SIGINT. `ready` is told the gRPC and the web port once both listen.

    Raises InvalidInput for unusable addresses, Refused when another process serves the same SQLite store.
    """
    _tune_garbage_collection()
    grpc_port = split_address(grpc_address)[1]
    with head_office(home) as office:
        require_server_identity(office.settings)
        if workers > 1 and office.store.dialect == "sqlite":
            raise InvalidInput("Several workers need PostgreSQL.", "Leave --workers out, or init with --database.")
        if workers > 1 and grpc_port == 0:
            raise InvalidInput("Several workers need a fixed port.", "Name it: --grpc HOST:PORT.")
        with only_server(office.settings, office.store.dialect == "sqlite"):
            asyncio.run(_serve(office, grpc_address, web_choice, workers, ready))


def serve_as_worker(home: Path | None, grpc_address: str) -> None:
    """One of several processes on one port; the first of them looks after it."""
    _tune_garbage_collection()
    with head_office(home) as office:
        asyncio.run(_serve_grpc(office, grpc_address, share_port=True))


async def _serve(
    office: HeadOffice, grpc_address: str, web_choice: WebChoice | None, workers: int, ready: Ready
) -> None:
    stopped = _stop_event()
    gateway = _gateway(office)
    gateway.start()
    web = _make_web(office, gateway, web_choice) if web_choice else None
    web_task = asyncio.create_task(web.run_until_stopped()) if web else None
    compacting = asyncio.create_task(_compact_at_intervals(gateway, office.settings.feed_compaction_minutes))
    refreshing = asyncio.create_task(_refresh_people_at_intervals(office, gateway))
    expiring = asyncio.create_task(_expire_points_at_intervals(office, gateway))
    mailing = asyncio.create_task(mail_at_intervals(office))
    watching = asyncio.create_task(watch_at_intervals(office))
    checking = asyncio.create_task(check_as_asked(office))
    delivering = asyncio.create_task(deliver_at_intervals(office))
    computing = asyncio.create_task(compute_when_asked(office))
    try:
        async with _listening(office, gateway, grpc_address, share_port=workers > 1) as port:
            async with _workers(office.settings, grpc_address, workers - 1):
                ready(port, web.port if web else None)
                await stopped.wait()
    finally:
        # Also when nothing could be listened on: the store must not be closed under a thread that uses it.
        compacting.cancel()
        refreshing.cancel()
        expiring.cancel()
        mailing.cancel()
        watching.cancel()
        checking.cancel()
        delivering.cancel()
        computing.cancel()
        if web and web_task:
            web.should_exit = True
            await web_task
        # A letter that a mail server is just taking is waited for, and so is whoever uses the store.
        await asyncio.wait([mailing, watching, checking, delivering, computing])
        await gateway.close()


async def _serve_grpc(office: HeadOffice, grpc_address: str, share_port: bool) -> None:
    stopped = _stop_event()
    # The server holds the other end of our standard input: however it ended, we end too, or we would hold the port.
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), stopped.set)
    gateway = _gateway(office)
    try:
        async with _listening(office, gateway, grpc_address, share_port):
            await stopped.wait()
    finally:
        await gateway.close()


async def _compact_at_intervals(gateway: Gateway, minutes: int) -> None:
    """Compacts the feed, a short transaction after the other, so that no merge waits for long."""
    log = structlog.get_logger()
    while minutes > 0:
        try:
            while await gateway.run(gateway.compact):
                await asyncio.sleep(COMPACTION_PAUSE_SECONDS)
        except FilialError as error:
            log.error("feed not compacted", reason=error.message)
        await asyncio.sleep(minutes * 60)


async def _refresh_people_at_intervals(office: HeadOffice, gateway: Gateway) -> None:
    """Takes passwords away from branches where somebody's position ended as the days went by."""
    log = structlog.get_logger()
    while True:
        try:
            await gateway.run(lambda: _refresh_people(office))
        except FilialError as error:
            log.error("people not refreshed", reason=error.message)
        await asyncio.sleep(PEOPLE_REFRESH_SECONDS)


async def _expire_points_at_intervals(office: HeadOffice, gateway: Gateway) -> None:
    """Takes points out of what may be spent once their last day is over."""
    log = structlog.get_logger()
    while True:
        try:
            await gateway.run(lambda: refresh_points(office.store, office.clock.now_us()))
        except FilialError as error:
            log.error("points not expired", reason=error.message)
        await asyncio.sleep(POINTS_REFRESH_SECONDS)


def _refresh_people(office: HeadOffice) -> None:
    now_us = office.clock.now_us()
    with office.store.write() as connection:
        told = refresh_audiences(connection, office.ids, now_us)
    if told:
        number_feed(office.store, now_us)


@contextlib.asynccontextmanager
async def _listening(office: HeadOffice, gateway: Gateway, grpc_address: str, share_port: bool) -> AsyncIterator[int]:
    settings = office.settings
    server = SyncServer(gateway, office.clock, settings, share_port)
    port = await server.start(
        grpc_address,
        settings.server_key_path,
        settings.server_certificate_path,
        settings.authority_certificate_path,
    )
    watching = asyncio.create_task(server.watch())
    try:
        yield port
    finally:
        watching.cancel()
        await server.stop()


@contextlib.asynccontextmanager
async def _workers(settings: Settings, grpc_address: str, count: int) -> AsyncIterator[None]:
    """Further processes on the same port, started again when they die, ended with us."""
    arguments = ["-m", "hq_server", "serve", "--worker", "--home", str(settings.home), "--grpc", grpc_address]
    running: set[asyncio.subprocess.Process] = set()
    keeping = [asyncio.create_task(_keep_worker(arguments, running)) for _ in range(count)]
    try:
        yield
    finally:
        for task in keeping:
            task.cancel()
        for process in list(running):
            await _end_worker(process)


async def _keep_worker(arguments: list[str], running: set[asyncio.subprocess.Process]) -> None:
    while True:
        process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdin=asyncio.subprocess.PIPE)
        running.add(process)
        code = await process.wait()
        running.discard(process)
        structlog.get_logger().warning("worker ended, starting another", pid=process.pid, code=code)
        await asyncio.sleep(WORKER_PAUSE_SECONDS)


async def _end_worker(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
        try:
            async with asyncio.timeout(WORKER_STOP_SECONDS_MAX):
                await process.wait()
        except TimeoutError:
            structlog.get_logger().warning("worker killed", pid=process.pid)
            process.kill()


def _tune_garbage_collection() -> None:
    """A merge makes tens of thousands of tuples that hold no cycles; looking through them costs a sixth of its time."""
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD, 20, 20)


def _gateway(office: HeadOffice) -> Gateway:
    return Gateway(office.store, office.authority(), office.clock, office.settings.merge_threads)


def _stop_event() -> asyncio.Event:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    return stopped
