"""The share of the fuzzing that every test run pays for; `make fuzz` goes on for as long as one likes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock, patch

import pytest

from tests.fuzzing.samples import SAMPLES
from tests.fuzzing.targets import TARGETS, try_target

RUNS = 3_000
ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_samples_are_understood(target: str) -> None:
    for sample in SAMPLES[target]():
        TARGETS[target](sample)


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_bytes_from_outside_are_understood_or_refused(target: str, tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="atheris has no wheel for this machine")
    command = [sys.executable, "-m", "tests.fuzzing", target, f"--runs={RUNS}", "--seed=1", f"--folder={tmp_path}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3_000:]


@pytest.mark.parametrize("error", [ValueError, AssertionError, UnicodeDecodeError("utf-8", b"", 0, 1, "")])
def test_an_error_that_is_not_ours_is_seen(error: Exception | type[Exception]) -> None:
    with patch.dict(TARGETS, {"entry": Mock(side_effect=error)}), pytest.raises((ValueError, AssertionError)):
        try_target("entry", b"")
