"""A chain as real processes of this machine, driven through the command lines alone."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Protocol

STOP_SECONDS_MAX = 15
COMMAND_SECONDS_MAX = 300


class CommandFailed(Exception):
    """A command exited with another code than 0; the message is what it said."""


def run_fresh(
    command: Sequence[str], given: bytes | None, environment: Mapping[str, str], seconds_max: float
) -> subprocess.CompletedProcess[bytes]:
    """Runs `[module, argument, …]` in a new interpreter, to its end."""
    return subprocess.run(
        [sys.executable, "-m", *command], input=given, capture_output=True, timeout=seconds_max, env=environment
    )


run_to_end = run_fresh
"""How commands are run; the tests have one that starts faster."""


class Process(Protocol):
    """A process that runs: what is used here of subprocess.Popen."""

    stdin: IO[str] | None
    stdout: IO[str] | None

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def send_signal(self, sig: int) -> None: ...

    def kill(self) -> None: ...


def start_fresh(
    command: Sequence[str], environment: Mapping[str, str], stdin: int, stderr: IO[bytes] | None = None
) -> Process:
    """Starts `[module, argument, …]` in a new interpreter. `stdin` is subprocess.PIPE or DEVNULL; output is a pipe."""
    process: subprocess.Popen[str] = subprocess.Popen(
        [sys.executable, "-m", *command], stdin=stdin, stdout=subprocess.PIPE, stderr=stderr, text=True, env=environment
    )
    return process


start: Callable[..., Process] = start_fresh
"""How servers and tills are started; again, the tests have one that is faster."""


def run(program: str, home: Path, *arguments: str, give: str | None = None, check: bool = True) -> str:
    """Runs one command to its end and returns its standard output. Raises CommandFailed."""
    command = [program, "--home", str(home), *arguments]
    given = None if give is None else give.encode()
    done = run_to_end(command, given, _environment(), COMMAND_SECONDS_MAX)
    told = done.stdout.decode()
    if check and done.returncode != 0:
        raise CommandFailed(f"{program} {' '.join(arguments)}: {done.stderr.decode().strip() or told.strip()}")
    return told


def run_json(program: str, home: Path, *arguments: str, check: bool = True) -> Any:
    """Runs one command with --json and returns its document."""
    return json.loads(run(program, home, *arguments, "--json", check=check))


def _environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    return {**os.environ, "PYTHONUNBUFFERED": "1", **(more or {})}


class Serving:
    """A program that serves: it says on standard output, in one JSON line, where."""

    def __init__(self, program: str, home: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        self.home = home
        self._log = (home / "serve.log").open("ab")
        command = [program, "--home", str(home), "serve", "--json", *arguments]
        self.process = start(command, _environment(environment), subprocess.DEVNULL, self._log)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            raise CommandFailed(f"{program} serve: {(home / 'serve.log').read_text().strip()[-500:]}")
        self.addresses: dict[str, str] = json.loads(line)

    def stop(self) -> None:
        """Ends it in order."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self._close()

    def kill(self) -> None:
        """Ends it as a power failure would."""
        self.process.kill()
        self._close()

    def _close(self) -> None:
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._log.close()


class _Node:
    """One of the two programs with its folder, and its serving process while there is one."""

    program: str

    def __init__(self, home: Path) -> None:
        self.home = home
        self.serving: Serving | None = None

    def stop(self) -> None:
        if self.serving is not None:
            self.serving.stop()
            self.serving = None

    def kill(self) -> None:
        if self.serving is not None:
            self.serving.kill()
            self.serving = None

    def run(self, *arguments: str, give: str | None = None, check: bool = True) -> str:
        return run(self.program, self.home, *arguments, give=give, check=check)

    def ask(self, *arguments: str, check: bool = True) -> Any:
        return run_json(self.program, self.home, *arguments, check=check)


class HeadOffice(_Node):
    """The head office of the chain."""

    program = "hq_server"

    @classmethod
    def found(cls, home: Path, *arguments: str) -> HeadOffice:
        """Founds a chain in that folder."""
        run("hq_server", home, "init", *arguments)
        return cls(home)

    def serve(self, *arguments: str, port: int = 0) -> int:
        """Starts the server; returns the port that branches connect to."""
        self.serving = Serving(
            self.program, self.home, "--grpc", f"127.0.0.1:{port}", "--web", "127.0.0.1:0", *arguments
        )
        return int(self.serving.addresses["grpc"].rpartition(":")[2])

    def import_lines(self, group: str, lines: Iterable[str]) -> Any:
        """Imports JSON Lines into the catalogue or the client base."""
        path = self.home / f"{group}.jsonl"
        path.write_text("\n".join(lines) + "\n")
        return self.ask(group, "import", str(path))


class Branch(_Node):
    """One branch of the chain."""

    program = "branch_node"

    def __init__(self, code: str, home: Path) -> None:
        super().__init__(home)
        self.code = code

    @classmethod
    def enrol(cls, office: HeadOffice, code: str, home: Path, hq_port: int, *arguments: str) -> Branch:
        """Adds the branch at HQ and enrols a node for it."""
        office.run("branch", "add", code, *arguments)
        token = office.run("branch", "token", code)
        run("branch_node", home, "enrol", "--hq", f"127.0.0.1:{hq_port}", "--token", "-", give=token)
        return cls(code, home)

    def serve(self, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        self.serving = Serving(self.program, self.home, "--web", "127.0.0.1:0", *arguments, environment=environment)

    def sell(self, lines: Sequence[str]) -> list[dict[str, Any]]:
        """Sells these lines and returns their answers."""
        given = "".join(f"{line}\n" for line in lines)
        return [json.loads(answer) for answer in self.run("sell", "-", give=given, check=False).splitlines()]

    def selling(self) -> Selling:
        """A till that is fed line by line."""
        return Selling(self.home)


class Selling:
    """A running `sell -`."""

    def __init__(self, home: Path) -> None:
        self.process = start(["branch_node", "--home", str(home), "sell", "-"], _environment(), subprocess.PIPE)

    def sell(self, line: str) -> dict[str, Any]:
        """Sells one line and waits for its answer. Raises CommandFailed when the till died."""
        try:
            self._stream(self.process.stdin).write(line + "\n")
            self._stream(self.process.stdin).flush()
            answer = self._stream(self.process.stdout).readline()
        except BrokenPipeError:
            answer = ""
        if not answer.endswith("\n"):
            raise CommandFailed("The till died.")
        document: dict[str, Any] = json.loads(answer)
        return document

    def close(self) -> int:
        """No more lines; returns the exit code."""
        with contextlib.suppress(BrokenPipeError):
            self._stream(self.process.stdin).close()
        self._stream(self.process.stdout).close()
        return self.process.wait()

    def kill(self) -> None:
        self.process.kill()
        with contextlib.suppress(BrokenPipeError):
            self._stream(self.process.stdin).close()
        self._stream(self.process.stdout).close()
        self.process.wait()

    @staticmethod
    def _stream(stream: IO[str] | None) -> IO[str]:
        assert stream is not None
        return stream
