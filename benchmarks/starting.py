"""How fast the programs start, and how much memory a serving branch takes."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.figures import Figure, at_most, spread
from deploy.demo.chain import Branch, HeadOffice

HELP_SECONDS_MAX = 0.3
READY_SECONDS_MAX = 1.5
MEMORY_MB_MAX = 120.0


def measure_starting(folder: Path, runs: int) -> list[Figure]:
    """Wall times of whole processes."""
    office = HeadOffice.found(folder / "hq")
    port = office.serve()
    branch = Branch.enrol(office, "B1", folder / "b1", port)
    program = str(Path(sys.executable).with_name("filial-branch"))
    help_times, ready_times, memory = [], [], []
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run([program, "--help"], stdout=subprocess.DEVNULL, check=True)
        help_times.append(time.perf_counter() - start)
        start = time.perf_counter()
        branch.serve()
        ready_times.append(time.perf_counter() - start)
        branch.run("sync", "run")  # through the serving process: its stream is open now
        assert branch.serving is not None
        memory.append(_resident_mb(branch.serving.process.pid))
        branch.stop()
    office.stop()
    return [
        at_most("filial-branch --help", statistics.median(help_times), HELP_SECONDS_MAX, "s", spread(help_times)),
        at_most(
            "filial-branch serve, ready", statistics.median(ready_times), READY_SECONDS_MAX, "s", spread(ready_times)
        ),
        at_most("memory of a serving branch", statistics.median(memory), MEMORY_MB_MAX, "MB", spread(memory)),
    ]


def _resident_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1_024
    raise RuntimeError("The process has ended.")
