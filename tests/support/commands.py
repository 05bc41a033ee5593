"""Commands of both programs as a person would run them: exit code, both outputs, and what a refusal must look like."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.warm_programs import run_warm

SECONDS_MAX = 60
MODULES = {"filial-branch": "branch_node", "filial-hq": "hq_server"}
ERROR_LINES_MAX = 3


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that has ended."""

    code: int
    out: str
    err: str

    def document(self) -> Any:
        """Standard output as the one JSON document it must be."""
        return json.loads(self.out)

    def documents(self) -> list[Any]:
        """Standard output as JSON Lines."""
        return [json.loads(line) for line in self.out.splitlines()]


def hq(home: Path, *arguments: object, **how: Any) -> Finished:
    """Runs `filial-hq --home HOME …`."""
    return run("filial-hq", "--home", home, *arguments, **how)


def branch(home: Path, *arguments: object, **how: Any) -> Finished:
    """Runs `filial-branch --home HOME …`."""
    return run("filial-branch", "--home", home, *arguments, **how)


def run(
    program: str,
    *arguments: object,
    give: str | bytes | None = None,
    environment: dict[str, str] | None = None,
    seconds_max: float = SECONDS_MAX,
) -> Finished:
    """Runs a program to its end. `give` is its standard input."""
    given = give.encode() if isinstance(give, str) else give
    command = [MODULES[program], *map(str, arguments)]
    done = run_warm(command, given, {**os.environ, **(environment or {})}, seconds_max)
    return Finished(done.returncode, done.stdout.decode(), done.stderr.decode())


def require_done(done: Finished) -> Finished:
    """The command succeeded and said nothing on standard error."""
    assert done.code == 0, done
    return done


def require_refusal(done: Finished, *words: str) -> Finished:
    """Exit 1; on standard error a reason and perhaps a hint that name these words, and no traceback."""
    assert done.code == 1, done
    lines = done.err.splitlines()
    assert 1 <= len(lines) <= ERROR_LINES_MAX, done
    assert lines[0].startswith("Error: "), done
    assert "Traceback" not in done.err, done
    assert "Unexpected failure" not in done.err, done
    for word in words:
        assert word.lower() in done.err.lower(), (word, done)
    return done
