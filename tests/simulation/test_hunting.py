"""`make simulate` as a program."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ON_POSTGRESQL = 10


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that PostgreSQL's user may enter too; pytest's own are for one user."""
    with tempfile.TemporaryDirectory() as name:
        made = Path(name)
        made.chmod(0o755)
        yield made


def test_a_hunt_gives_its_servers_and_folders_back(folder: Path) -> None:
    hunt = [sys.executable, "-m", "tests.simulation", "--first", str(ON_POSTGRESQL), "--seeds", "1", "--processes", "2"]
    environment = {**os.environ, "TMPDIR": str(folder), "PYTHONHASHSEED": "0"}
    done = subprocess.run(hunt, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr[-3_000:]
    assert list(folder.iterdir()) == []
