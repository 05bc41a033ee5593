"""The process dies before a numbered statement of either store, life after life; then it lives, and is judged."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash_points.journeys import JOURNEYS

ROOT = Path(__file__).parent.parent.parent
EVERY = 29


def kill(journey: str, every: int) -> None:
    command = [sys.executable, "-m", "tests.crash_points", journey, f"--every={every}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr[-3_000:]


@pytest.mark.parametrize("journey", sorted(JOURNEYS))
def test_killed_at_some_steps_nothing_is_lost_and_nothing_doubled(journey: str) -> None:
    kill(journey, EVERY)


@pytest.mark.slow
@pytest.mark.parametrize("journey", sorted(JOURNEYS))
def test_killed_at_every_step_nothing_is_lost_and_nothing_doubled(journey: str) -> None:
    kill(journey, 1)
