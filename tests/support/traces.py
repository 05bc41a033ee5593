"""System calls of a process in order, from strace: what was written, what was forced to disk, what was answered."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from enum import Enum, auto
from pathlib import Path

# strace -y shows a descriptor with its file: fdatasync(5</home/branch.db-wal>) = 0
_CALL = re.compile(r"^(?:\d+\s+)?(?P<name>\w+)\((?P<descriptor>\d+)(?:<(?P<path>[^>]*)>)?(?P<rest>.*)")


class Event(Enum):
    """What a till does that durability is about."""

    STORE_WRITTEN = auto()
    STORE_FORCED = auto()
    ANSWERED = auto()


def has_strace() -> bool:
    """Whether strace is here and may trace."""
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True).returncode == 0


def trace_till(home: Path, lines: Iterable[str], output: Path) -> list[Event]:
    """Runs `sell -` under strace over these lines; returns its events in order."""
    command = ["strace", "-f", "-y", "-s", "64", "-e", "trace=fsync,fdatasync,write,pwrite64", "-o", str(output)]
    command += [sys.executable, "-m", "branch_node", "--home", str(home), "sell", "-"]
    given = "".join(f"{line}\n" for line in lines)
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return [event for line in output.read_text().splitlines() if (event := _event(line)) is not None]


def _event(line: str) -> Event | None:
    call = _CALL.match(line)
    if call is None:
        return None
    name, path = call["name"], call["path"] or ""
    is_store = path.endswith(("/branch.db", "/branch.db-wal"))
    if name in ("fsync", "fdatasync") and is_store:
        return Event.STORE_FORCED
    if name == "pwrite64" and is_store:
        return Event.STORE_WRITTEN
    if name == "write" and call["descriptor"] == "1":
        return Event.ANSWERED
    return None
