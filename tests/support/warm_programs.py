"""Commands and servers of the two programs as processes of their own that need not start from nothing.

Starting Python and loading the programs takes ten times as long as most commands, and the tests run hundreds. One
process a test worker has loaded everything and does nothing else; for each command it forks. What runs is a process
like any other – its own memory, environment, folder, streams, exit code – and whoever kills it kills that one alone.
What is already in its memory is not what the program itself would load: a test of that starts from nothing.
"""

from __future__ import annotations

import array
import atexit
import contextlib
import functools
import importlib
import io
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

REQUEST_BYTES_MAX = 1_048_576
PACKAGES = ("branch_node", "hq_server", "shared")
SCRIPTS = {"branch_node": "filial-branch", "hq_server": "filial-hq"}
ROOT = Path(__file__).parents[2]


class WarmPrograms:
    """The loaded process: it has loaded both programs, or that one module. Several threads may `run` at once."""

    def __init__(self, loaded: str = "") -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="warm")
        self._address = str(Path(self._folder.name) / "socket")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.warm_programs", self._address, loaded],
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        assert self._process.stdout is not None
        self._process.stdout.readline()

    def run(
        self, command: Sequence[str], given: bytes, environment: Mapping[str, str], seconds_max: float
    ) -> subprocess.CompletedProcess[bytes]:
        """Runs `[module, argument, …]` to its end. Raises subprocess.TimeoutExpired: then it is dead."""
        with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            source.write(given)
            source.seek(0)
            process = self.start(command, environment, (source.fileno(), out.fileno(), err.fileno()))
            try:
                code = process.wait(seconds_max)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
            texts = []
            for stream in (out, err):
                stream.seek(0)
                texts.append(stream.read())
        return subprocess.CompletedProcess(command, code, *texts)

    def start(
        self, command: Sequence[str], environment: Mapping[str, str], streams: tuple[int, int, int]
    ) -> WarmProcess:
        """Starts `[module, argument, …]` with these three files as its streams: a program, or what has a `main`."""
        asking = socket.socket(socket.AF_UNIX)
        asking.connect(self._address)
        asked = {"command": list(command), "environment": dict(environment), "folder": os.getcwd()}
        document = json.dumps(asked).encode() + b"\n"
        socket.send_fds(asking, [document[:1]], streams)
        asking.sendall(document[1:])
        return WarmProcess(command, asking)

    def close(self) -> None:
        """Ends the loaded process; commands that run go on."""
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._folder.cleanup()


class WarmProcess:
    """One that was started: what is used of subprocess.Popen. Those who wait for it hear of its end by a socket."""

    stdin: IO[str] | None = None
    stdout: IO[str] | None = None

    def __init__(self, command: Sequence[str], asking: socket.socket) -> None:
        self.returncode: int | None = None
        self._command = list(command)
        self._asking = asking
        self._heard = b""
        self.pid = int(self._line(None))

    def poll(self) -> int | None:
        """The exit code, when it has ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code. Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            try:
                code = int(self._line(timeout))
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(self._command, timeout or 0) from None
            self.returncode = code
            self._asking.close()
        return self.returncode

    def send_signal(self, sig: int) -> None:
        """Does nothing when it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, sig)

    def kill(self) -> None:
        """As a power failure would."""
        self.send_signal(signal.SIGKILL)

    def _line(self, timeout: float | None) -> bytes:
        self._asking.settimeout(timeout)
        while b"\n" not in self._heard:
            part = self._asking.recv(64)
            assert part, "whoever watches the process died"
            self._heard += part
        line, _, self._heard = self._heard.partition(b"\n")
        return line


@functools.cache
def warm_programs() -> WarmPrograms:
    """That of this test process, loaded when first asked for."""
    loaded = WarmPrograms()
    atexit.register(loaded.close)
    return loaded


def run_warm(
    command: Sequence[str], given: bytes | None, environment: Mapping[str, str], seconds_max: float
) -> subprocess.CompletedProcess[bytes]:
    """As `deploy.demo.chain.run_fresh`, without starting Python anew."""
    return warm_programs().run(command, given or b"", environment, seconds_max)


def start_warm(
    command: Sequence[str], environment: Mapping[str, str], stdin: int, stderr: IO[bytes] | None = None
) -> WarmProcess:
    """As `deploy.demo.chain.start_fresh`, without starting Python anew."""
    told, out = os.pipe()
    source, given = os.pipe() if stdin == subprocess.PIPE else (os.open(os.devnull, os.O_RDONLY), None)
    process = warm_programs().start(
        command, environment, (source, out, (stderr or sys.__stderr__ or sys.stderr).fileno())
    )
    os.close(source)
    os.close(out)
    process.stdout = os.fdopen(told)
    process.stdin = None if given is None else os.fdopen(given, "w")
    return process


# ---- The loaded process.


def main() -> None:
    """Loads what it shall, says a line, and forks for whoever asks."""
    address, loaded = sys.argv[1:]
    if loaded:
        importlib.import_module(loaded)
    else:
        _load()
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(address)
    listening.listen(64)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that watch
    sys.stdout.write("loaded\n")
    sys.stdout.flush()
    while True:
        asking, _ = listening.accept()
        if os.fork() == 0:
            listening.close()
            _watch(asking)
        asking.close()


def _load() -> None:
    # As `run_program` does: gRPC reads them when it is loaded.
    os.environ.update(GRPC_VERBOSITY="NONE", GRPC_SSL_CIPHER_SUITES="ECDHE-RSA-AES128-GCM-SHA256")
    for package in PACKAGES:
        found = importlib.import_module(package)
        for module in pkgutil.walk_packages(found.__path__, f"{package}."):
            if not module.name.endswith((".__main__", ".env")) and ".versions." not in module.name:
                importlib.import_module(module.name)


def _watch(asking: socket.socket) -> None:
    """Starts the command, says its number, and at its end its code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    asked, streams = _question(asking)
    pid = os.fork()
    if pid == 0:
        asking.close()
        _become(asked, streams)
    for stream in streams:
        os.close(stream)  # or whoever reads from a dead process would wait
    asking.sendall(f"{pid}\n".encode())
    _, status = os.waitpid(pid, 0)
    asking.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _question(asking: socket.socket) -> tuple[dict[str, Any], list[int]]:
    first, streams, _, _ = socket.recv_fds(asking, 1, 3)
    text = first
    while not text.endswith(b"\n"):
        part = asking.recv(65_536)
        text += part
        if not part or len(text) > REQUEST_BYTES_MAX:
            os._exit(1)
    return json.loads(text), list(array.array("i", streams))


def _become(asked: dict[str, Any], streams: list[int]) -> None:
    """This process is the command from now on."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(asked["environment"])
    if os.environ.get("PYTHONUNBUFFERED"):
        sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), encoding="utf-8", write_through=True)
    os.chdir(asked["folder"])
    module, *arguments = asked["command"]
    sys.argv = [SCRIPTS.get(module, module), *arguments]
    # click names the program after the script, unless the main module belongs to a package.
    sys.modules["__main__"].__package__ = None
    code: object = 1
    try:
        importlib.import_module(f"{module}.__main__" if module in SCRIPTS else module).main()
        code = 0
    except SystemExit as left:
        code = left.code
    except BaseException:  # noqa: BLE001 - as the interpreter does
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 0 if code is None else 1)


if __name__ == "__main__":
    main()
