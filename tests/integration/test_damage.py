"""Damaged files and full disks: refused with the reason, never half done, and whole again when the cause is gone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from branch_node.bootstrap.joining import join_chain
from branch_node.settings import Settings
from deploy.demo.chain import Branch, HeadOffice, Selling
from tests.support.chains import Chain, found_copy
from tests.support.commands import branch as filial_branch
from tests.support.commands import hq as filial_hq
from tests.support.commands import require_done, require_refusal
from tests.support.deadlines import wait_until
from tests.support.small_disks import fill, may_mount, small_disk
from tests.support.tills import asked_line, asked_lines

DISK_KILOBYTES = 2_560
SERVE = ("serve", "--grpc", "127.0.0.1:0", "--web", "127.0.0.1:0")
needs_mount = pytest.mark.skipif(not may_mount(), reason="only root may mount the small disk that this test fills")


class TestBranchStore:
    @pytest.mark.parametrize("command", [("sync", "status"), ("sync", "run"), ("report", "run", "sales")], ids=" ".join)
    def test_a_store_of_noise_is_refused_and_left_as_it_is(self, branch: Branch, command: tuple[str, ...]) -> None:
        noise = os.urandom(50_000)
        (branch.home / "branch.db").write_bytes(noise)
        require_refusal(filial_branch(branch.home, *command), "store", "backup")
        assert (branch.home / "branch.db").read_bytes() == noise

    def test_a_store_with_a_hole_refuses_the_line(self, branch: Branch) -> None:
        branch.sell(asked_lines(f"key-{number}" for number in range(50)))
        path = branch.home / "branch.db"
        size = path.stat().st_size
        with path.open("r+b") as file:
            file.seek(8_192)
            file.write(os.urandom(size - 16_384))
        done = filial_branch(branch.home, "sell", "-", give=asked_line("one"))
        assert done.code == 1
        assert "Traceback" not in done.err
        assert "committed" not in done.out

    def test_a_store_cut_short_is_refused(self, branch: Branch) -> None:
        branch.sell(asked_lines(f"key-{number}" for number in range(50)))
        os.truncate(branch.home / "branch.db", 60_000)
        require_refusal(filial_branch(branch.home, "report", "run", "sales"), "store")

    def test_an_empty_store_is_refused_and_left_as_it_is(self, branch: Branch) -> None:
        (branch.home / "branch.db").write_bytes(b"")
        done = filial_branch(branch.home, "sync", "status")
        assert (branch.home / "branch.db").read_bytes() == b""
        require_refusal(done, "store", "backup")


class TestBranchKeys:
    @pytest.mark.parametrize("name", ["branch.key", "branch.crt", "authority.crt"])
    def test_a_missing_key_file_is_named(self, branch: Branch, name: str) -> None:
        (branch.home / name).unlink()
        require_refusal(filial_branch(branch.home, "sync", "run"), name)
        assert branch.sell([asked_line("one")])[0]["status"] == "committed"

    @pytest.mark.parametrize("name", ["branch.key", "branch.crt"])
    def test_a_damaged_key_file_is_not_blamed_on_the_network(self, branch: Branch, name: str) -> None:
        (branch.home / name).write_text("junk")
        done = require_refusal(filial_branch(branch.home, "sync", "run"))
        assert "cannot be reached" not in done.err


class TestHeadOfficeFiles:
    @pytest.fixture
    def office(self, founded: Path, tmp_path: Path) -> HeadOffice:
        """A head office of the test's own, not served."""
        return found_copy(founded, tmp_path).office

    @pytest.mark.parametrize(
        "content",
        [
            b"this is not TOML",
            b"database = 5",
            b'database = "mysql://nowhere"',
            b'database = "postgresql://u:secret-word@127.0.0.1:1/x"',
            b'database = "\xff\xfe"',
        ],
        ids=["no TOML", "a number", "another database", "a server that is down", "no UTF-8"],
    )
    def test_a_bad_configuration_is_refused_without_its_password(self, office: HeadOffice, content: bytes) -> None:
        (office.home / "hq.toml").write_bytes(content)
        done = require_refusal(filial_hq(office.home, "sync", "status"))
        assert "secret-word" not in done.err

    def test_a_store_of_noise_is_refused_and_left_as_it_is(self, office: HeadOffice) -> None:
        noise = os.urandom(50_000)
        (office.home / "hq.db").write_bytes(noise)
        require_refusal(filial_hq(office.home, "sync", "status"), "store", "backup")
        require_refusal(filial_hq(office.home, *SERVE), "store", "backup")
        assert (office.home / "hq.db").read_bytes() == noise

    def test_an_empty_store_is_not_a_reason_to_found_anew(self, office: HeadOffice) -> None:
        (office.home / "hq.db").write_bytes(b"")
        done = require_refusal(filial_hq(office.home, "sync", "status"), "backup")
        assert "filial-hq init" not in done.err

    @pytest.mark.parametrize(
        ("name", "content"),
        [("authority.key", "junk"), ("authority.crt", "junk"), ("server.key", "junk"), ("server.crt", None)],
    )
    def test_a_damaged_or_missing_key_file_is_the_reason(
        self, office: HeadOffice, name: str, content: str | None
    ) -> None:
        if content is None:
            (office.home / name).unlink()
        else:
            (office.home / name).write_text(content)
        done = require_refusal(filial_hq(office.home, *SERVE), name)
        assert "another head office" not in done.err.lower()

    @pytest.mark.parametrize("option", ["--web", "--grpc"])
    def test_a_port_beyond_the_last_is_refused(self, office: HeadOffice, option: str) -> None:
        addresses = {"--web": "127.0.0.1:0", "--grpc": "127.0.0.1:0", option: "127.0.0.1:99999"}
        words = [word for pair in addresses.items() for word in pair]
        require_refusal(filial_hq(office.home, "serve", *words, seconds_max=15), "address")

    def test_an_address_in_use_is_named(self, chain: Chain, office: HeadOffice) -> None:
        taken = f"127.0.0.1:{chain.port}"
        require_refusal(filial_hq(office.home, "serve", "--grpc", taken, "--web", "127.0.0.1:0"), taken)


@needs_mount
class TestFullBranchDisk:
    @pytest.fixture
    def crammed(self, chain: Chain, tmp_path: Path) -> Iterator[Branch]:
        """A branch whose disk is small, and has been filled after some sales."""
        with small_disk(tmp_path / "disk", DISK_KILOBYTES) as disk:
            if disk is None:
                pytest.skip("mounting the small disk that this test fills is not allowed here")
            code = f"Full{tmp_path.name}"[:60]
            home = disk / "shop"
            join_chain(Settings(home=home), f"127.0.0.1:{chain.port}", chain.token(code))
            branch = Branch(code, home)
            yield branch
            branch.kill()

    def test_a_full_disk_refuses_lines_until_there_is_space_and_loses_none(self, chain: Chain, crammed: Branch) -> None:
        filler = crammed.home.parent / "filler"
        till = crammed.selling()
        try:
            sold = [till.sell(asked_line("before"))]
            fill(filler)
            refused = wait_until(lambda: self.refusal(till, sold), "a refused line")
            assert "disk is full" in refused["reason"].lower()
            filler.unlink()
            again = till.sell(asked_line(refused["key"]))
            assert again["status"] == "committed"
        finally:
            till.close()
        self.require_whole(chain, crammed, [*sold, again])

    def test_a_till_started_on_a_full_disk_says_so_and_leaves_the_store_whole(
        self, chain: Chain, crammed: Branch
    ) -> None:
        sold = crammed.sell(asked_lines(("one", "two")))
        filler = crammed.home.parent / "filler"
        fill(filler)
        done = filial_branch(crammed.home, "sell", "-", give=asked_line("three"))
        assert done.code == 1
        assert "disk is full" in (done.out + done.err).lower()
        assert "Traceback" not in done.err
        filler.unlink()
        sold += crammed.sell(asked_lines(("three",)))
        self.require_whole(chain, crammed, sold)

    @staticmethod
    def refusal(till: Selling, sold: list[dict[str, Any]]) -> dict[str, Any] | None:
        """Sells one more; its answer when it was refused."""
        answer = till.sell(asked_line(f"key-{len(sold)}"))
        if answer["status"] == "committed":
            sold.append(answer)
            return None
        return answer

    @staticmethod
    def require_whole(chain: Chain, branch: Branch, sold: list[dict[str, Any]]) -> None:
        require_done(filial_branch(branch.home, "sync", "run"))
        held = chain.sales(branch.code)
        assert [sale.id for sale in held] == [answer["id"] for answer in sold]
        assert [sale.receipt for sale in held] == [f"1-{number:06}" for number in range(1, len(sold) + 1)]
        assert branch.ask("sync", "verify")["equal"]


@needs_mount
def test_a_head_office_with_a_full_disk_takes_everything_once_there_is_space(founded: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 2 * DISK_KILOBYTES) as disk:
        if disk is None:
            pytest.skip("mounting the small disk that this test fills is not allowed here")
        chain = found_copy(founded, disk)
        chain.serve()
        chain.folder = tmp_path
        try:
            branch = chain.join()
            branch.sell(asked_lines((f"key-{number}" for number in range(500)), register="1"))
            fill(disk / "filler")
            require_refusal(filial_branch(branch.home, "sync", "run", "--timeout", "4"))
            (disk / "filler").unlink()
            require_done(filial_branch(branch.home, "sync", "run"))
            assert len(chain.sales(branch.code)) == 500
        finally:
            chain.stop()
