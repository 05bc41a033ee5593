"""Receipt printers as places that take bytes: on the network, in a file, or simulated as text.

A printer says which of two things went wrong: nothing left for it (PrinterUnreachable), or some did and nobody knows
how much is on paper (PrinterInterrupted). The queue marks what it prints after the second as a copy.
"""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path
from typing import Protocol

from branch_node.devices.escpos_simulator import EscposSimulator
from shared.addresses import split_address
from shared.errors import InvalidInput, PrinterInterrupted, PrinterUnreachable

PORT_USUAL = 9_100
CONNECT_TIMEOUT_MS = 3_000
SEND_TIMEOUT_MS = 10_000
"""A printer out of paper stops reading: its buffer and ours fill, and sending waits."""

CLOSE_TIMEOUT_MS = 500
"""How long the end of the connection is awaited; many printers never close it."""

_HINT = "Check paper, cover, cable and address; nothing that was sold is lost: filial-branch printer queue"


class Printer(Protocol):
    """A place that takes whole documents as bytes."""

    name: str

    def print(self, data: bytes) -> None:
        """Returns when the printer has the bytes. Raises PrinterUnreachable or PrinterInterrupted."""


class NetworkPrinter:
    """A printer that takes raw bytes on a TCP port, usually 9100."""

    def __init__(
        self,
        host: str,
        port: int,
        connect_timeout_ms: int = CONNECT_TIMEOUT_MS,
        send_timeout_ms: int = SEND_TIMEOUT_MS,
        close_timeout_ms: int = CLOSE_TIMEOUT_MS,
    ) -> None:
        self.name = f"tcp:[{host}]:{port}" if ":" in host else f"tcp:{host}:{port}"
        self._address = (host, port)
        self._connect_timeout_ms = connect_timeout_ms
        self._send_timeout_ms = send_timeout_ms
        self._close_timeout_ms = close_timeout_ms

    def print(self, data: bytes) -> None:
        """One connection per document: two tills, and two programs, can share the printer."""
        try:
            connection = socket.create_connection(self._address, self._connect_timeout_ms / 1_000)
        except OSError as error:
            raise PrinterUnreachable(f"The printer {self.name} does not answer: {_why(error)}.", _HINT) from None
        with connection:
            try:
                self._send(connection, data)
            except OSError as error:
                raise PrinterInterrupted(
                    f"The printer {self.name} broke off amid a document: {_why(error)}.", _HINT
                ) from None

    def _send(self, connection: socket.socket, data: bytes) -> None:
        connection.settimeout(self._send_timeout_ms / 1_000)
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(self._close_timeout_ms / 1_000)
        try:
            # A printer that throws bytes away resets the connection here; one that keeps it open is content.
            while connection.recv(1_024):
                pass
        except TimeoutError:
            return


class FilePrinter:
    """A device file such as /dev/usb/lp0, or a plain file that documents are added to."""

    def __init__(self, path: Path) -> None:
        self.name = f"file:{path}"
        self._path = path

    def print(self, data: bytes) -> None:
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise PrinterUnreachable(f"The printer {self.name} cannot be opened: {_why(error)}.", _HINT) from None
        try:
            _write_all(descriptor, data)
        except OSError as error:
            raise PrinterInterrupted(f"The printer {self.name} broke off: {_why(error)}.", _HINT) from None
        finally:
            os.close(descriptor)


class SimulatedPrinter:
    """Obeys ESC/POS and adds what the paper would show to a text file."""

    def __init__(self, path: Path, columns: int) -> None:
        self.name = f"simulator:{path}"
        self._path = path
        self._columns = columns

    def print(self, data: bytes) -> None:
        """Raises DecodeError when the bytes are not what a printer understands."""
        paper = EscposSimulator(self._columns)
        paper.feed(data)
        drawer = "[drawer opens]\n" * paper.drawer_kicks
        text = drawer + (paper.text + "\n" if paper.lines else "")
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise PrinterUnreachable(f"The printer {self.name} cannot be written: {_why(error)}.", _HINT) from None


def open_printer(target: str, columns: int) -> Printer | None:
    """The printer that a setting names; None for an empty one. Nothing is connected yet. Raises InvalidInput."""
    if not target:
        return None
    kind, _, place = target.partition(":")
    if place:
        match kind:
            case "file":
                return FilePrinter(Path(place))
            case "tcp":
                has_port = ":" in place.rpartition("]")[2]
                return NetworkPrinter(*split_address(place if has_port else f"{place}:{PORT_USUAL}"))
            case "simulator":
                return SimulatedPrinter(Path(place), columns)
    raise InvalidInput(
        f"The printer “{target}” is not understood.", "Write it as file:PATH, tcp:HOST:PORT or simulator:PATH."
    )


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    try:
        os.fsync(descriptor)
    except OSError as error:
        # A character device has nothing to flush.
        if error.errno not in (errno.EINVAL, errno.EROFS, errno.ENOTSUP):
            raise


def _why(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "it took too long"
    return error.strerror or str(error)
