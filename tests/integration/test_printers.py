"""Printers on a real loopback network and on real files, and a printing process that is killed."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from branch_node.devices.escpos import encode_document, require_profile
from branch_node.devices.escpos_simulator import EscposSimulator
from branch_node.devices.print_queue import Pass, PrintQueue
from branch_node.devices.printers import FilePrinter, NetworkPrinter, SimulatedPrinter, open_printer
from branch_node.storage.print_jobs import list_jobs, queue_print
from branch_node.storage.store import BranchStore
from shared.errors import InvalidInput, PrinterInterrupted, PrinterUnreachable
from tests.support.deadlines import wait_until
from tests.support.receipts import SALE_ID, plain_document

PROFILE = require_profile(48, "cp866")
DATA = encode_document(plain_document(), PROFILE)
MUCH = b"x" * 20_000_000
"""More than every buffer between two sockets holds."""

Behaviour = Callable[[socket.socket], bytes]


def read_to_end(connection: socket.socket) -> bytes:
    """A printer that takes everything and closes."""
    data = b""
    while chunk := connection.recv(65_536):
        data += chunk
    return data


def reset(connection: socket.socket) -> bytes:
    """A printer that loses power amid a document."""
    data = connection.recv(100)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return data


class LoopbackPrinter:
    """A TCP server that behaves in turn as it is told, then reads to the end."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.behaviours: list[Behaviour] = []
        self.received: list[bytes] = []
        self.served = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                behave = self.behaviours.pop(0) if self.behaviours else read_to_end
                with contextlib.suppress(OSError):
                    self.received.append(behave(connection))
            self.served.release()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)


@pytest.fixture
def loopback() -> Iterator[LoopbackPrinter]:
    printer = LoopbackPrinter()
    yield printer
    printer.close()


def network(port: int, send_timeout_ms: int = 20_000, close_timeout_ms: int = 20_000) -> NetworkPrinter:
    """Patient, as this machine may be busy; a test that waits for a time-out shortens it."""
    return NetworkPrinter("127.0.0.1", port, 20_000, send_timeout_ms, close_timeout_ms)


def test_a_document_arrives_whole_over_the_network(loopback: LoopbackPrinter) -> None:
    network(loopback.port).print(DATA)
    assert loopback.served.acquire(timeout=10)
    assert loopback.received == [DATA]
    paper = EscposSimulator(48)
    paper.feed(loopback.received[0])
    assert "Бананы" in paper.words


def test_a_printer_that_never_hangs_up_is_content(loopback: LoopbackPrinter) -> None:
    taken = threading.Event()

    def hold(connection: socket.socket) -> bytes:
        data = read_to_end(connection)
        taken.wait(10)
        return data

    loopback.behaviours = [hold]
    network(loopback.port, close_timeout_ms=50).print(DATA)
    taken.set()
    assert loopback.served.acquire(timeout=10)
    assert loopback.received == [DATA]


def test_nobody_at_the_address_means_that_nothing_was_printed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(PrinterUnreachable, match="does not answer"):
        network(port).print(DATA)


def test_a_printer_that_breaks_off_leaves_doubt(loopback: LoopbackPrinter) -> None:
    loopback.behaviours = [reset]
    with pytest.raises(PrinterInterrupted, match="amid a document"):
        network(loopback.port).print(MUCH)


def test_a_printer_that_throws_away_what_it_was_sent_leaves_doubt(loopback: LoopbackPrinter) -> None:
    loopback.behaviours = [reset]
    with pytest.raises(PrinterInterrupted):
        network(loopback.port).print(DATA)


def test_a_printer_without_paper_stops_reading_and_is_given_up(loopback: LoopbackPrinter) -> None:
    given_up = threading.Event()

    def hang(connection: socket.socket) -> bytes:
        given_up.wait(20)
        return b""

    loopback.behaviours = [hang]
    with pytest.raises(PrinterInterrupted, match="it took too long"):
        network(loopback.port, send_timeout_ms=200).print(MUCH)
    given_up.set()


def test_a_queue_meets_a_printer_that_dies_and_comes_back(branch_store: BranchStore, loopback: LoopbackPrinter) -> None:
    with branch_store.write() as connection:
        for number in range(1, 4):
            queue_print(connection.connection.cursor(), plain_document(f"1-{number:06d}"), SALE_ID, 0)
    loopback.behaviours = [read_to_end, reset]
    queue = PrintQueue(branch_store, network(loopback.port), PROFILE)
    assert queue.print_waiting().printed == 1
    assert queue.print_waiting() == Pass(2, None)
    for _ in range(4):
        assert loopback.served.acquire(timeout=10)
    papers = []
    for data in (loopback.received[0], *loopback.received[2:]):
        paper = EscposSimulator(48)
        paper.feed(data)
        papers.append(paper.words)
    assert [f"1-{number:06d}" in words for number, words in enumerate(papers, 1)] == [True] * 3
    assert ["КОПИЯ" in words for words in papers] == [False, True, False]


_PRINT = """
import sys
from pathlib import Path
from branch_node.devices.escpos import require_profile
from branch_node.devices.print_queue import PrintQueue
from branch_node.devices.printers import NetworkPrinter
from branch_node.storage.store import BranchStore
from shared.clock import SystemClock, SystemIds

store = BranchStore(Path(sys.argv[1]), SystemClock(), SystemIds())
printer = NetworkPrinter("127.0.0.1", int(sys.argv[2]), 2_000, 5_000, 60_000)
PrintQueue(store, printer, require_profile(48, "cp866")).print_waiting()
"""


def test_a_process_killed_while_it_prints_leaves_one_copy_and_no_loss(
    branch_store: BranchStore, loopback: LoopbackPrinter, tmp_path: Path
) -> None:
    with branch_store.write() as connection:
        for number in (1, 2):
            queue_print(connection.connection.cursor(), plain_document(f"1-{number:06d}"), SALE_ID, 0)
    arrived, killed = threading.Event(), threading.Event()

    def hold(connection: socket.socket) -> bytes:
        data = read_to_end(connection)
        arrived.set()
        killed.wait(20)
        return data

    loopback.behaviours = [hold]
    command = [sys.executable, "-c", _PRINT, str(tmp_path / "branch.db"), str(loopback.port)]
    with subprocess.Popen(command) as process:
        assert arrived.wait(30)
        process.kill()
    killed.set()
    queue = PrintQueue(branch_store, network(loopback.port), PROFILE)
    assert queue.recover() == 1
    assert queue.print_waiting() == Pass(2, None)
    for _ in range(3):
        assert loopback.served.acquire(timeout=10)
    papers = []
    for data in loopback.received:
        paper = EscposSimulator(48)
        paper.feed(data)
        papers.append(paper.words)
    assert ["КОПИЯ" in words for words in papers] == [False, True, False]
    assert ["1-000001" in words for words in papers] == [True, True, False]


# Files.


def test_a_file_printer_adds_documents_one_after_another(tmp_path: Path) -> None:
    printer = FilePrinter(tmp_path / "lp0")
    printer.print(DATA)
    printer.print(DATA)
    assert (tmp_path / "lp0").read_bytes() == DATA * 2


def test_a_device_file_has_nothing_to_flush() -> None:
    FilePrinter(Path("/dev/null")).print(DATA)


def test_a_file_that_cannot_be_opened_or_written_is_said(tmp_path: Path) -> None:
    for printer in (FilePrinter(tmp_path / "no" / "lp0"), SimulatedPrinter(tmp_path / "no" / "paper", 48)):
        with pytest.raises(PrinterUnreachable):
            printer.print(DATA)
    with pytest.raises(PrinterInterrupted, match="No space left"):
        FilePrinter(Path("/dev/full")).print(DATA)


def test_a_simulated_printer_writes_what_the_paper_shows(tmp_path: Path) -> None:
    printer = SimulatedPrinter(tmp_path / "paper.txt", 48)
    printer.print(DATA)
    text = (tmp_path / "paper.txt").read_text()
    assert "Бананы" in text
    assert "✂" in text


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("tcp:192.0.2.1:9100", "tcp:192.0.2.1:9100"),
        ("tcp:[::1]:9101", "tcp:[::1]:9101"),
        ("tcp:printer", "tcp:printer:9100"),
        ("tcp:[::1]", "tcp:[::1]:9100"),
        ("file:/dev/usb/lp0", "file:/dev/usb/lp0"),
        ("simulator:paper.txt", "simulator:paper.txt"),
    ],
)
def test_a_printer_is_named_by_a_setting(target: str, name: str) -> None:
    printer = open_printer(target, 48)
    assert printer is not None
    assert printer.name == name


def test_no_setting_is_no_printer_and_a_wrong_one_is_refused() -> None:
    assert open_printer("", 48) is None
    for target in ("usb", "tcp:", "tcp:host:x", "lpt:1", "file:"):
        with pytest.raises(InvalidInput):
            open_printer(target, 48)


def test_a_serving_branch_prints_what_is_queued_and_stops_in_order(branch_store: BranchStore, tmp_path: Path) -> None:
    paper = tmp_path / "paper.txt"
    command = [sys.executable, "-m", "branch_node", "serve", "--home", str(tmp_path), "--no-sync", "--json"]
    environment = {**os.environ, "FILIAL_PRINTER": f"simulator:{paper}", "TMPDIR": str(tmp_path)}
    with subprocess.Popen([*command, "--web", "127.0.0.1:0"], env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        with branch_store.write() as connection:
            queue_print(connection.connection.cursor(), plain_document(), SALE_ID, 0)

        def printed() -> bool:
            return paper.exists() and "Бананы" in paper.read_text()

        wait_until(printed, "the receipt on paper")
        process.terminate()
        assert process.wait(20) == 0
    with branch_store.read_cursor() as cursor:
        assert [job.state for job in list_jobs(cursor, ("waiting", "printing", "printed"))] == ["printed"]


def test_a_branch_is_not_served_with_a_printer_that_makes_no_sense(branch_store: BranchStore, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "branch_node", "serve", "--home", str(tmp_path), "--no-sync"]
    environment = {**os.environ, "FILIAL_PRINTER": "lpt:1"}
    command += ["--web", "127.0.0.1:0"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: The printer “lpt:1” is not understood.")
