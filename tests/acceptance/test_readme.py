"""README's commands run as they stand, but for addresses and folders."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS_MAX = 20


def commands(readme: str) -> list[str]:
    """Every line of README's shell blocks that calls one of our programs."""
    blocks = re.findall(r"```sh\n(.*?)```", readme, re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.startswith(("filial-hq", "filial-branch"))]


def test_the_commands_of_the_readme_run_in_their_order(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text()
    sale = re.search(r"```json\n(.*?)\n```", readme, re.DOTALL)
    assert sale
    (tmp_path / "sales.jsonl").write_text(sale[1] + "\n")
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    serving: list[subprocess.Popen[str]] = []
    hq_address = ""
    ran = []
    try:
        for line in commands(readme):
            command = line.replace("hq.example:7443", hq_address)
            if " serve " in command:
                local = re.sub(r"(0\.0\.0\.0|127\.0\.0\.1):\d+", "127.0.0.1:0", command)
                process, address = start(local, tmp_path, environment)
                serving.append(process)
                hq_address = hq_address or address
            else:
                done = subprocess.run(
                    command, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True
                )
                assert done.returncode == 0, f"{command}\n{done.stderr}"
            ran.append(line)
    finally:
        for process in serving:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
    assert len(ran) == 11


def start(command: str, folder: Path, environment: dict[str, str]) -> tuple[subprocess.Popen[str], str]:
    """Starts a server and waits for the line that says where it listens."""
    process = subprocess.Popen(
        command,
        shell=True,
        cwd=folder,
        env={**environment, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    started = time.monotonic()
    line = process.stdout.readline()
    assert line, f"{command} did not start"
    assert time.monotonic() - started < READY_SECONDS_MAX
    address = re.search(r"127\.0\.0\.1:\d+", line)
    assert address, line
    return process, address[0]
