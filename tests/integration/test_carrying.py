"""Carry files between real programs: both directions, twice, in the wrong order, altered."""

from __future__ import annotations

from pathlib import Path

from deploy.demo.chain import Branch
from shared.operations.carry_files import MAGIC_TO_BRANCH, MAGIC_TO_HQ
from tests.support.chains import Chain
from tests.support.commands import branch as filial_branch
from tests.support.commands import hq as filial_hq
from tests.support.commands import require_done
from tests.support.tills import asked_line


def test_a_branch_without_a_network_is_carried(chain: Chain, branch: Branch, tmp_path: Path) -> None:
    home, hq = branch.home, chain.office.home

    def sell(key: str) -> None:
        require_done(filial_branch(home, "sell", "-", give=asked_line(key) + "\n"))

    sell("a")
    first, second, back = (str(tmp_path / name) for name in ("first", "second", "back"))
    require_done(filial_branch(home, "sync", "export", first))
    require_done(filial_hq(hq, "sync", "import", first))
    sell("b")
    require_done(filial_branch(home, "sync", "export", second))
    require_done(filial_hq(hq, "sync", "import", second))
    again = require_done(filial_hq(hq, "sync", "import", first))
    assert "0 entries" in again.out
    assert len(chain.sales(branch.code)) == 2
    require_done(filial_hq(hq, "sync", "export", branch.code, back))
    for _ in range(2):
        require_done(filial_branch(home, "sync", "import", back))
    require_done(filial_branch(home, "sync", "run"))
    require_done(filial_branch(home, "sync", "verify"))


def test_a_file_that_comes_too_early_or_was_altered_is_refused(chain: Chain, branch: Branch, tmp_path: Path) -> None:
    home, hq = branch.home, chain.office.home
    require_done(filial_branch(home, "sell", "-", give=asked_line("a") + "\n"))
    path = tmp_path / "file"
    require_done(filial_branch(home, "sync", "export", str(path)))
    data = bytearray(path.read_bytes())
    for place in (5, 40, len(data) // 2, len(data) - 3):
        altered = tmp_path / f"altered{place}"
        altered.write_bytes(bytes([*data[:place], data[place] ^ 1, *data[place + 1 :]]))
        refused = filial_hq(hq, "sync", "import", str(altered))
        assert refused.code == 1, place
        assert "Traceback" not in refused.err
    (tmp_path / "short").write_bytes(data[:-9])
    assert filial_hq(hq, "sync", "import", str(tmp_path / "short")).code == 1
    assert data.startswith(MAGIC_TO_HQ)
    assert len(MAGIC_TO_HQ) == len(MAGIC_TO_BRANCH)
    assert filial_branch(home, "sync", "import", str(path)).code == 1
    assert chain.sales(branch.code) == []
