"""Start-up and memory as sanity: generous bounds, so that a heavy import or a leak does not slip in unseen."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.demo import chain as demo_chain
from deploy.demo.chain import Branch
from tests.support.chains import Chain
from tests.support.tills import asked_lines

RESIDENT_KILOBYTES_MAX = 120 * 1_024
HEAVY = ("grpc", "sqlalchemy", "cryptography", "openpyxl", "reportlab", "phonenumbers", "google.protobuf", "rich")
SALES = 3_000

LOADED = """
import json, sys
sys.argv = ["{program}", *{words!r}]
from {module}.__main__ main_import
try:
    main()
except SystemExit:
    pass
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
""".replace("main_import", "import main")


def modules_after(module: str, *words: str) -> set[str]:
    """What a program has imported once it has done that."""
    code = LOADED.format(program=module, words=list(words), module=module)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize("module", ["branch_node", "hq_server"])
@pytest.mark.parametrize("words", [("--help",), ("--version",)], ids=" ".join)
def test_help_and_version_import_nothing_heavy(module: str, words: tuple[str, ...]) -> None:
    loaded = modules_after(module, *words)
    assert not loaded & set(HEAVY)


def test_selling_imports_neither_grpc_nor_what_makes_files(branch: Branch) -> None:
    loaded = modules_after("branch_node", "--home", str(branch.home), "sell", "/dev/null")
    assert not loaded & {"grpc", "openpyxl", "reportlab", "rich", "uvicorn", "starlette"}


def resident_kilobytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc, which is not here")
def test_a_served_branch_stays_small_while_it_pushes(
    chain: Chain, branch: Branch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_chain, "start", demo_chain.start_fresh)
    branch.sell(asked_lines((f"key-{number}" for number in range(SALES)), register="1"))
    branch.serve()
    chain.wait_for_sales(branch.code, SALES)
    assert branch.serving is not None
    assert resident_kilobytes(branch.serving.process.pid) <= RESIDENT_KILOBYTES_MAX
