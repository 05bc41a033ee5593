"""The process dies before a numbered statement of either store, life after life; then it lives, and is judged."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash_points.journeys import JOURNEYS
from tests.crash_points.till_journeys import TILL_JOURNEYS

ROOT = Path(__file__).parent.parent.parent
EVERY, SAMPLED = 59, 1


def kill(*arguments: str) -> None:
    command = [sys.executable, "-m", "tests.crash_points", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr[-3_000:]


@pytest.mark.parametrize("journey", sorted(JOURNEYS))
def test_killed_at_some_steps_nothing_is_lost_and_nothing_doubled(journey: str) -> None:
    kill(journey, f"--every={EVERY}")


def test_a_till_killed_at_steps_drawn_by_chance_ends_as_one_that_never_died() -> None:
    kill(*sorted(TILL_JOURNEYS), f"--sample={SAMPLED}")


@pytest.mark.slow
@pytest.mark.parametrize("journey", sorted(JOURNEYS | TILL_JOURNEYS))
def test_killed_at_every_step_nothing_is_lost_and_nothing_doubled(journey: str) -> None:
    kill(journey)
