"""Running a branch's servers: synchronisation and the web."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from queue import Empty, LifoQueue
from typing import Any, NamedTuple, TypeVar

from branch_node.bootstrap import open_processor, open_signer
from branch_node.bootstrap.fiscal import start_fiscal_worker
from branch_node.bootstrap.printing import open_signer as open_code_signer
from branch_node.bootstrap.printing import start_print_worker
from branch_node.bootstrap.status import read_status
from branch_node.devices.payment_terminal import open_terminal
from branch_node.operations.basket import recover_baskets
from branch_node.operations.committing import Prepare
from branch_node.operations.refund_request import RefundRequest
from branch_node.operations.refunding import RefundAnswer, SoldBefore
from branch_node.operations.sale_request import SaleRequest
from branch_node.operations.selling import SaleAnswer
from branch_node.settings import Settings
from branch_node.storage.store import BranchStore
from branch_node.sync_client.processor import Processor
from branch_node.web.app import create_app
from branch_node.web.context import WebContext
from shared.errors import Refused
from shared.sync.central import Findings, Question
from shared.web.serving import TlsFiles, WebServer, is_loopback

Ready = Callable[[WebServer], None]
Answer = TypeVar("Answer")


class WebChoice(NamedTuple):
    """Where the pages are served; `insecure` allows other machines without TLS."""

    address: str
    insecure: bool = False


def serve(settings: Settings, store: BranchStore, choice: WebChoice, synchronise: bool, ready: Ready) -> None:
    """Serves until SIGTERM or SIGINT. `ready` is told the web server. Raises InvalidInput, Refused."""
    asyncio.run(_serve(settings, store, choice, synchronise, ready))


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
            "Get one: filial-branch web-request HOST…, then filial-hq branch web-certificate. Or give --insecure-web.",
        )
    return None


class Sellers:
    """Processors for the threads that answer requests: each is used by one at a time, and kept with its connection."""

    def __init__(self, settings: Settings, store: BranchStore) -> None:
        self._settings, self._store = settings, store
        self._idle: LifoQueue[Processor] = LifoQueue()

    def sell(self, request: SaleRequest) -> SaleAnswer:
        """Sells, as `Processor.sell` does."""
        return self._lend(lambda processor: processor.sell(request))

    def refund(self, request: RefundRequest) -> RefundAnswer:
        """Gives back, as `Processor.refund` does."""
        return self._lend(lambda processor: processor.refund(request))

    def find_sold(self, branch_code: str, receipt: str) -> SoldBefore:
        """What another branch sold, as `Processor.find_sold` does."""
        return self._lend(lambda processor: processor.find_sold(branch_code, receipt))

    def commit(self, prepare: Prepare) -> bytes | None:
        """Records edits of cards and facts, as `Processor.commit` does."""
        return self._lend(lambda processor: processor.commit(prepare))

    def query(self, question: Question) -> Findings:
        """What the head office knows, as `Processor.query` does."""
        return self._lend(lambda processor: processor.query(question))

    def _lend(self, work: Callable[[Processor], Answer]) -> Answer:
        try:
            processor = self._idle.get_nowait()
        except Empty:
            processor = open_processor(self._settings, self._store)
        try:
            return work(processor)
        finally:
            self._idle.put(processor)

    def close(self) -> None:
        """Gives the connections back."""
        while not self._idle.empty():
            self._idle.get_nowait().close()


def make_context(settings: Settings, store: BranchStore, sellers: Sellers) -> WebContext:
    """What the pages are given. Raises InvalidInput for a terminal that is not understood."""
    terminal = open_terminal(settings.payment_terminal)
    return WebContext(
        store,
        settings,
        lambda: read_status(settings, store),
        sellers.sell,
        terminal,
        sellers.refund,
        sellers.find_sold,
        open_signer(settings),
        open_code_signer(settings),
        sellers.query,
        commit=sellers.commit,
    )


def _make_web(settings: Settings, store: BranchStore, choice: WebChoice, sellers: Sellers) -> WebServer:
    tls = choose_tls(settings, choice)
    return WebServer(create_app(make_context(settings, store, sellers)), choice.address, tls)


async def _serve(settings: Settings, store: BranchStore, choice: WebChoice, synchronise: bool, ready: Ready) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    # What was being paid when the machine stopped is paid or open again before anybody looks at it.
    recover_baskets(store)
    sellers = Sellers(settings, store)
    web = _make_web(settings, store, choice, sellers)
    print_worker = start_print_worker(settings, store)
    if print_worker is not None:
        store.wake_printer = print_worker.wake
    fiscal_worker = start_fiscal_worker(settings, store)
    web_task = asyncio.create_task(web.run_until_stopped())
    tasks: list[asyncio.Task[Any]] = [asyncio.create_task(stopped.wait())]
    if synchronise:
        # Imported here: pages alone need no gRPC, which takes longer to load than all the rest.
        from branch_node.sync_client.synchroniser import Synchroniser

        tasks.append(asyncio.create_task(Synchroniser(settings, store).serve(stopped)))
    ready(web)
    try:
        # Synchronisation that fails for good ends the program: a branch that looks served must be.
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        stopped.set()
        for task in [*done, *tasks]:
            await task
    finally:
        web.should_exit = True
        await web_task
        sellers.close()
        if print_worker is not None:
            await asyncio.to_thread(print_worker.stop)
        if fiscal_worker is not None:
            await asyncio.to_thread(fiscal_worker.stop)
