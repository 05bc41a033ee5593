"""Backups put back with the installed programs, when the store is needed most: tills running, files damaged or lost."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deploy.demo.chain import Branch
from tests.support.chains import Chain
from tests.support.commands import branch as filial_branch
from tests.support.commands import require_done, require_refusal
from tests.support.tills import asked_line


class TestBranch:
    def test_a_running_till_sells_on_into_the_restored_store(
        self, chain: Chain, branch: Branch, tmp_path: Path
    ) -> None:
        till = branch.selling()
        try:
            assert till.sell(asked_line("before"))["status"] == "committed"
            require_done(filial_branch(branch.home, "backup", tmp_path / "backup"))
            assert till.sell(asked_line("gone"))["status"] == "committed"
            require_done(filial_branch(branch.home, "sync", "run"))
            done = require_done(filial_branch(branch.home, "restore", tmp_path / "backup", "--json")).document()
            answers = [till.sell(asked_line(f"after {number}")) for number in range(3)]
        finally:
            till.close()
        assert [answer["status"] for answer in answers] == ["committed"] * 3
        assert Path(done["kept"]).is_file()
        require_done(filial_branch(branch.home, "sync", "run"))
        held = {sale.id for sale in chain.sales(branch.code)}
        assert {answer["id"] for answer in answers} < held
        assert len(held) == 5
        assert branch.ask("sync", "verify", "--deep")["equal"]

    def test_a_running_till_refuses_when_its_damaged_store_was_moved_aside(
        self, chain: Chain, branch: Branch, tmp_path: Path
    ) -> None:
        path = branch.home / "branch.db"
        till = branch.selling()
        try:
            assert till.sell(asked_line("before"))["status"] == "committed"
            require_done(filial_branch(branch.home, "backup", tmp_path / "backup"))
            path.write_bytes(os.urandom(50_000))
            said = require_done(filial_branch(branch.home, "restore", tmp_path / "backup")).out
            answers = [till.sell(asked_line(f"after {number}")) for number in range(2)]
        finally:
            till.kill()
        assert "could not be read" in said
        assert [answer["status"] for answer in answers] == ["refused"] * 2
        assert "start the program again" in answers[0]["reason"]
        again = branch.sell([asked_line("after 0")])
        require_done(filial_branch(branch.home, "sync", "run"))
        assert {again[0]["id"]} < {sale.id for sale in chain.sales(branch.code)}
        assert branch.ask("sync", "verify", "--deep")["equal"]

    @pytest.mark.parametrize("content", [None, b"", b"A letter. " * 900], ids=["missing", "empty", "text"])
    def test_a_store_that_is_lost_or_ruined_is_replaced(
        self, branch: Branch, tmp_path: Path, content: bytes | None
    ) -> None:
        path = branch.home / "branch.db"
        sold = branch.sell([asked_line("before")])
        require_done(filial_branch(branch.home, "backup", tmp_path / "backup"))
        for file in branch.home.glob("branch.db*"):
            file.unlink()
        if content is not None:
            path.write_bytes(content)
        done = require_done(filial_branch(branch.home, "restore", tmp_path / "backup"))
        assert ("is kept in branch.db.before-restore-" in done.out) is (content is not None)
        assert branch.sell([asked_line("before")])[0]["id"] == sold[0]["id"]
        require_done(filial_branch(branch.home, "sync", "run"))

    def test_what_is_no_backup_of_this_branch_is_refused(self, chain: Chain, branch: Branch, tmp_path: Path) -> None:
        other = chain.join()
        require_done(filial_branch(other.home, "backup", tmp_path / "other"))
        (tmp_path / "letter").write_text("A letter. " * 900)
        before = (branch.home / "branch.db").read_bytes()
        restore = (branch.home, "restore")
        require_refusal(filial_branch(*restore, tmp_path / "other"), "another branch", other.code, "Hint:")
        require_refusal(filial_branch(*restore, chain.office.home / "hq.db"), "Hint:")
        require_refusal(filial_branch(*restore, tmp_path / "letter"), "letter", "Hint:")
        require_refusal(filial_branch(*restore, tmp_path / "none"), "none", "Hint:")
        require_refusal(filial_branch(tmp_path / "nowhere", "restore", tmp_path / "other"), "nowhere", "Hint:")
        assert (branch.home / "branch.db").read_bytes() == before
        assert not list(branch.home.glob("branch.db.before-*"))
