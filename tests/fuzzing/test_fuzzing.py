"""The share of the fuzzing that every test run pays for; `make fuzz` goes on for as long as one likes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock, patch

import pytest

from tests.fuzzing.samples import SAMPLES
from tests.fuzzing.targets import TARGETS, try_target
from tests.support.warm_programs import WarmPrograms

RUNS = 3_000
SECONDS_MAX = 600
FUZZER = "tests.fuzzing.__main__"


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_samples_are_understood(target: str) -> None:
    for sample in SAMPLES[target]():
        TARGETS[target](sample)


@pytest.fixture(scope="module")
def fuzzers() -> Iterator[WarmPrograms]:
    """Loaded once: to instrument the parsers takes ten times as long as to try the inputs."""
    pytest.importorskip("atheris", reason="atheris has no wheel for this machine")
    loaded = WarmPrograms(FUZZER)
    yield loaded
    loaded.close()


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_bytes_from_outside_are_understood_or_refused(fuzzers: WarmPrograms, target: str, tmp_path: Path) -> None:
    command = [FUZZER, target, f"--runs={RUNS}", "--seed=1", f"--folder={tmp_path}"]
    done = fuzzers.run(command, b"", os.environ, SECONDS_MAX)
    assert done.returncode == 0, done.stderr.decode()[-3_000:]
    assert f"Done {RUNS} ".encode() in done.stderr


@pytest.mark.parametrize("error", [ValueError, AssertionError, UnicodeDecodeError("utf-8", b"", 0, 1, "")])
def test_an_error_that_is_not_ours_is_seen(error: Exception | type[Exception]) -> None:
    with patch.dict(TARGETS, {"entry": Mock(side_effect=error)}), pytest.raises((ValueError, AssertionError)):
        try_target("entry", b"")
