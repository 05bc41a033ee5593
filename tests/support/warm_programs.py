"""Commands of the two programs as processes of their own that need not start from nothing.

Starting Python and loading the programs takes ten times as long as most commands, and the tests run hundreds. One
process a test worker has loaded everything and does nothing else; for each command it forks. What runs is a process
like any other – its own memory, environment, folder, streams, exit code – and whoever kills it kills that one alone.
"""

from __future__ import annotations

import array
import atexit
import functools
import importlib
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
from typing import Any

REQUEST_BYTES_MAX = 1_048_576
PACKAGES = ("branch_node", "hq_server", "shared")
SCRIPTS = {"branch_node": "filial-branch", "hq_server": "filial-hq"}
ROOT = Path(__file__).parents[2]


class WarmPrograms:
    """The loaded process. `run` may be called by several threads at once."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="warm")
        self._address = str(Path(self._folder.name) / "socket")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.warm_programs", self._address],
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
            with socket.socket(socket.AF_UNIX) as asking:
                asking.connect(self._address)
                asked = {"command": list(command), "environment": dict(environment), "folder": os.getcwd()}
                streams = [each.fileno() for each in (source, out, err)]
                document = json.dumps(asked).encode() + b"\n"
                socket.send_fds(asking, [document[:1]], streams)
                asking.sendall(document[1:])
                code = _answer(asking, command, seconds_max)
            texts = []
            for stream in (out, err):
                stream.seek(0)
                texts.append(stream.read())
        return subprocess.CompletedProcess(command, code, *texts)

    def close(self) -> None:
        """Ends the loaded process; commands that run go on."""
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._folder.cleanup()


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


def _answer(asking: socket.socket, command: Sequence[str], seconds_max: float) -> int:
    lines = asking.makefile("r")
    pid = int(lines.readline())
    asking.settimeout(seconds_max)
    try:
        return int(lines.readline())
    except TimeoutError:
        os.kill(pid, signal.SIGKILL)
        raise subprocess.TimeoutExpired(list(command), seconds_max) from None


# ---- The loaded process.


def main() -> None:
    """Loads both programs, says a line, and forks for whoever asks."""
    _load()
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(sys.argv[1])
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
    os.chdir(asked["folder"])
    module, *arguments = asked["command"]
    sys.argv = [SCRIPTS[module], *arguments]
    # click names the program after the script, unless the main module belongs to a package.
    sys.modules["__main__"].__package__ = None
    code: object = 1
    try:
        importlib.import_module(f"{module}.__main__").main()
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
