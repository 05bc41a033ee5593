"""Backups put back with the installed programs, when the store is needed most: tills running, files damaged or lost."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from deploy.demo.chain import Branch, HeadOffice
from tests.support.chains import Chain, found_copy
from tests.support.commands import branch as filial_branch
from tests.support.commands import hq as filial_hq
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


class TestHeadOffice:
    @pytest.fixture
    def office(self, founded: Path, tmp_path: Path) -> HeadOffice:
        """A head office of the test's own, not served, with one branch and a backup beside it."""
        office = found_copy(founded, tmp_path).office
        office.run("branch", "add", "North")
        office.run("backup", str(tmp_path / "backup"))
        return office

    def test_a_new_machine_takes_the_authority_and_a_backup_and_branches_connect_again(
        self, own_chain: Chain, tmp_path: Path
    ) -> None:
        office = own_chain.office
        branch = own_chain.join()
        sold = branch.sell([asked_line("one")])
        require_done(filial_branch(branch.home, "sync", "run"))
        require_done(filial_hq(office.home, "backup", tmp_path / "backup"))
        sold += branch.sell([asked_line("two")])
        require_done(filial_branch(branch.home, "sync", "run"))
        own_chain.stop()
        home = tmp_path / "new machine"
        home.mkdir()
        for name in ("authority.key", "authority.crt"):
            shutil.copy(office.home / name, home)
        kept = (home / "authority.key").read_bytes()
        shutil.rmtree(office.home)
        require_done(filial_hq(home, "init"))
        assert (home / "authority.key").read_bytes() == kept
        require_done(filial_hq(home, "restore", tmp_path / "backup"))
        own_chain.office = HeadOffice(home)
        assert own_chain.office.serve(port=own_chain.port) == own_chain.port
        require_done(filial_branch(branch.home, "sync", "run"))
        assert [sale.id for sale in own_chain.sales(branch.code)] == [answer["id"] for answer in sold]
        assert branch.ask("sync", "verify")["equal"]
        other = own_chain.join()
        require_done(filial_branch(other.home, "sync", "run"))

    @pytest.mark.parametrize("lost", ["authority.key", "authority.crt", "both of one chain"])
    def test_half_an_authority_is_neither_replaced_nor_used(
        self, office: HeadOffice, tmp_path: Path, lost: str
    ) -> None:
        home = tmp_path / "new machine"
        home.mkdir()
        for name in {"authority.key", "authority.crt"} - {lost}:
            shutil.copy(office.home / name, home)
        if lost == "both of one chain":
            other = HeadOffice.found(tmp_path / "other")
            shutil.copy(other.home / "authority.crt", home)
        before = {path.name: path.read_bytes() for path in home.iterdir()}
        require_refusal(filial_hq(home, "init"), "authority.", "Hint:")
        assert {path.name: path.read_bytes() for path in home.iterdir()} == before

    @pytest.mark.parametrize("damage", ["missing", "empty", "text", "cut short", "a hole"])
    def test_a_store_that_is_lost_or_ruined_is_replaced(self, office: HeadOffice, tmp_path: Path, damage: str) -> None:
        path = office.home / "hq.db"
        whole = path.read_bytes()
        ruined = {
            "empty": b"",
            "text": b"A letter. " * 900,
            "cut short": whole[:60_000],
            "a hole": whole[:100_000] + b"\xa5" * 100_000 + whole[200_000:],
        }
        for file in office.home.glob("hq.db*"):
            file.unlink()
        if damage != "missing":
            path.write_bytes(ruined[damage])
        done = require_done(filial_hq(office.home, "restore", tmp_path / "backup"))
        assert ("is kept in hq.db.before-restore-" in done.out) is (damage != "missing")
        for kept in office.home.glob("hq.db.before-restore-*[0-9]"):
            assert kept.read_bytes().startswith(ruined[damage][:20_000])
        assert [row["branch"] for row in office.ask("sync", "status")["branches"]] == ["North"]
        assert path.stat().st_mode & 0o777 == 0o600

    def test_what_was_there_is_kept(self, office: HeadOffice, tmp_path: Path) -> None:
        office.run("branch", "add", "South")
        kept = Path(office.ask("restore", str(tmp_path / "backup"))["kept"])
        assert [row["branch"] for row in office.ask("sync", "status")["branches"]] == ["North"]
        kept.rename(tmp_path / "back")
        office.run("restore", str(tmp_path / "back"))
        assert len(office.ask("sync", "status")["branches"]) == 2

    def test_what_is_no_backup_of_this_chain_is_refused(
        self, office: HeadOffice, branch: Branch, tmp_path: Path
    ) -> None:
        other = HeadOffice.found(tmp_path / "other")
        other.run("backup", str(tmp_path / "backup of another"))
        require_done(filial_branch(branch.home, "backup", tmp_path / "backup of a branch"))
        (tmp_path / "letter").write_text("A letter. " * 900)
        before = (office.home / "hq.db").read_bytes()
        for name, word in (
            ("backup of another", "another chain"),
            ("backup of a branch", "head office"),
            ("letter", "letter"),
            ("none", "none"),
        ):
            require_refusal(filial_hq(office.home, "restore", tmp_path / name), word, "Hint:")
        assert (office.home / "hq.db").read_bytes() == before
        assert not list(office.home.glob("hq.db.before-*"))
