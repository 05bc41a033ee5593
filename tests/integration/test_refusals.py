"""What an operator is told when something is wrong: exit code 1 (2 for wrong usage), a reason, a hint, no traceback."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from sqlalchemy import update

from deploy.demo.chain import Branch, HeadOffice
from hq_server.storage.tables import enrolment_token
from shared.wire.enrolment import decode_token, encode_token
from tests.support.chains import Chain
from tests.support.commands import Finished, require_done, require_refusal, run
from tests.support.commands import branch as filial_branch
from tests.support.commands import hq as filial_hq
from tests.support.tills import asked_line

NEVER_LISTENS = "127.0.0.1:1"


@pytest.fixture(scope="module")
def other_chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    """A chain with an authority of its own, not served."""
    folder = tmp_path_factory.mktemp("other")
    return Chain(HeadOffice.found(folder / "hq", "--name", "Other"), folder)


@pytest.fixture(scope="module")
def lone(chain: Chain) -> Branch:
    """One branch for all the commands that change nothing."""
    return chain.join()


class TestHeadOfficeCommands:
    @pytest.mark.parametrize(
        "command",
        [
            ("branch", "show", "NOPE"),
            ("branch", "revoke", "NOPE"),
            ("sync", "verify", "NOPE"),
            ("report", "run", "sales", "--branch", "NOPE"),
        ],
        ids=" ".join,
    )
    def test_an_unknown_branch_is_named_in_the_reason(self, chain: Chain, command: tuple[str, ...]) -> None:
        done = require_refusal(filial_hq(chain.office.home, *command, "--json"), "NOPE")
        assert done.out == ""

    @pytest.mark.parametrize(
        "command",
        [
            ("report", "run", "nonsense"),
            ("report", "run", "sales", "--by", "nonsense"),
            ("report", "run", "sales", "--from", "2026-02-30"),
            ("report", "run", "sales", "--from", "2026-02-02", "--to", "2026-02-01"),
            ("report", "run", "sales", "-o", "/nonexistent/folder/file"),
            ("client", "show", "nobody"),
            ("catalog", "import", "/nonexistent.xlsx"),
            ("branch", "add", "x" * 65),
            ("branch", "add", "Z", "--timezone", "Mars/Olympus"),
            ("init",),
        ],
        ids=lambda command: " ".join(command)[:40],
    )
    def test_what_cannot_be_done_is_refused_with_a_reason(self, chain: Chain, command: tuple[str, ...]) -> None:
        require_refusal(filial_hq(chain.office.home, *command))

    def test_a_branch_that_exists_is_not_added_again(self, chain: Chain, branch: Branch) -> None:
        require_refusal(filial_hq(chain.office.home, "branch", "add", branch.code), "already")

    def test_a_folder_without_a_head_office_is_named(self, tmp_path: Path) -> None:
        require_refusal(filial_hq(tmp_path, "sync", "status"), str(tmp_path), "filial-hq init")


class TestTokens:
    def test_a_wrong_token_is_refused(self, chain: Chain, tmp_path: Path) -> None:
        for text in ("nonsense", "filial1.AAAA", "x" * 10_000, "\n"):
            require_refusal(self.enrol(chain, tmp_path / "shop", text), "token")
        assert not (tmp_path / "shop" / "branch.db").exists()

    def test_a_truncated_or_altered_token_is_refused(self, chain: Chain, tmp_path: Path) -> None:
        token = chain.token(f"T{tmp_path.name}"[:60])
        altered = token[:200] + ("A" if token[200] != "A" else "B") + token[201:]
        for text in (token[:-1], token[: len(token) // 2], altered):
            require_refusal(self.enrol(chain, tmp_path / "shop", text), "token")
        require_done(self.enrol(chain, tmp_path / "shop", token))

    def test_a_token_broken_over_lines_by_a_mail_program_still_counts(self, chain: Chain, tmp_path: Path) -> None:
        token = chain.token(f"M{tmp_path.name}"[:60])
        broken = "\r\n".join(token[at : at + 76] for at in range(0, len(token), 76))
        require_done(self.enrol(chain, tmp_path / "shop", f"  {broken}\r\n"))

    def test_a_used_token_is_refused_to_another_node(self, chain: Chain, tmp_path: Path) -> None:
        token = chain.token(f"U{tmp_path.name}"[:60])
        require_done(self.enrol(chain, tmp_path / "first", token))
        require_refusal(self.enrol(chain, tmp_path / "second", token), "used")
        assert not (tmp_path / "second" / "branch.db").exists()
        require_done(filial_branch(tmp_path / "first", "sync", "run"))

    def test_an_expired_token_is_refused(self, chain: Chain, tmp_path: Path) -> None:
        token = chain.token(f"E{tmp_path.name}"[:60])
        office = chain.inside()
        with office.store.write() as connection:
            still_open = enrolment_token.c.used_at.is_(None)
            connection.execute(update(enrolment_token).where(still_open).values(expires_at=office.clock.now_us()))
        require_refusal(self.enrol(chain, tmp_path / "shop", token), "expired")

    def test_a_revoked_branch_s_token_is_refused(self, chain: Chain, tmp_path: Path) -> None:
        code = f"R{tmp_path.name}"[:60]
        token = chain.token(code)
        require_done(filial_hq(chain.office.home, "branch", "revoke", code))
        require_refusal(self.enrol(chain, tmp_path / "shop", token))
        require_refusal(filial_hq(chain.office.home, "branch", "token", code), "revoked")

    def test_a_token_of_another_chain_is_refused(self, chain: Chain, other_chain: Chain, tmp_path: Path) -> None:
        require_refusal(self.enrol(chain, tmp_path / "shop", other_chain.token("Stranger")), "certificate")

    def test_a_token_with_a_secret_of_its_own_making_is_refused(self, chain: Chain, tmp_path: Path) -> None:
        token = decode_token(chain.token(f"S{tmp_path.name}"[:60]))
        forged = encode_token(token._replace(secret=bytes(len(token.secret))))
        require_refusal(self.enrol(chain, tmp_path / "shop", forged), "token")

    def test_an_enrolled_folder_is_not_enrolled_again(self, chain: Chain, branch: Branch, tmp_path: Path) -> None:
        token = chain.token(f"A{tmp_path.name}"[:60])
        before = (branch.home / "branch.crt").read_bytes()
        require_refusal(self.enrol(chain, branch.home, token), "already")
        assert (branch.home / "branch.crt").read_bytes() == before

    def test_the_key_and_the_certificate_are_the_owner_s_alone(self, branch: Branch) -> None:
        for name in ("branch.key", "branch.crt", "authority.crt"):
            assert (branch.home / name).stat().st_mode & 0o077 == 0, name

    def test_the_store_is_the_owner_s_alone(self, branch: Branch) -> None:
        assert (branch.home / "branch.db").stat().st_mode & 0o077 == 0

    @pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.1:0x50", "127.0.0.1:99999"])
    def test_an_address_that_is_none_is_refused(self, chain: Chain, tmp_path: Path, address: str) -> None:
        token = base64.b64encode(b"whatever").decode()
        require_refusal(filial_branch(tmp_path, "enrol", "--hq", address, "--token", token), "address")

    def test_an_absent_head_office_leaves_the_token_good(self, chain: Chain, tmp_path: Path) -> None:
        token = chain.token(f"H{tmp_path.name}"[:60])
        absent = filial_branch(tmp_path / "shop", "enrol", "--hq", NEVER_LISTENS, "--token", "-", give=token)
        require_refusal(absent, "cannot be reached")
        require_done(self.enrol(chain, tmp_path / "shop", token))

    @staticmethod
    def enrol(chain: Chain, home: Path, token: str) -> Finished:
        return filial_branch(home, "enrol", "--hq", f"127.0.0.1:{chain.port}", "--token", "-", give=token)


class TestBranchCommands:
    @pytest.mark.parametrize(
        "command",
        [
            ("sell", "-"),
            ("sync", "run"),
            ("serve",),
        ],
        ids=" ".join,
    )
    def test_a_folder_without_a_branch_is_named(self, tmp_path: Path, command: tuple[str, ...]) -> None:
        require_refusal(filial_branch(tmp_path, *command), str(tmp_path), "enrol")
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        "command",
        [
            ("report", "run", "nonsense"),
            ("report", "run", "sales", "--branch", "elsewhere"),
            ("client", "add"),
            ("client", "add", "--name", "x", "--phone", "not a phone"),
            ("shift", "close", "--register", "never", "--cashier", "anna"),
            ("serve", "--web", "127.0.0.1:99999"),
        ],
        ids=lambda command: " ".join(command)[:40],
    )
    def test_what_cannot_be_done_is_refused_with_a_reason(self, lone: Branch, command: tuple[str, ...]) -> None:
        require_refusal(filial_branch(lone.home, *command))


@pytest.mark.parametrize(
    "words",
    [
        ("filial-hq", "nonsense"),
        ("filial-hq", "--nonsense"),
        ("filial-hq", "branch", "add"),
        ("filial-hq", "serve", "--workers", "0"),
        ("filial-hq", "serve", "--workers", "many"),
        ("filial-hq", "report", "run", "sales", "--format", "docx"),
        ("filial-branch", "nonsense"),
        ("filial-branch", "enrol"),
        ("filial-branch", "enrol", "--hq", NEVER_LISTENS),
        ("filial-branch", "sync", "run", "--timeout", "0"),
        ("filial-branch", "sync", "run", "--timeout", "soon"),
        ("filial-branch", "sell", "/nonexistent/file"),
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_with_two_and_no_traceback(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = run(words[0], "--home", tmp_path, *words[1:])
    assert done.code == 2, done
    assert "Error: " in done.err
    assert "Traceback" not in done.err


def test_debug_shows_the_traceback_that_is_otherwise_hidden(tmp_path: Path) -> None:
    done = filial_branch(tmp_path, "sync", "status", "--debug")
    assert done.code == 1
    assert "Traceback" in done.err


def test_an_absent_head_office_is_a_reason_with_a_hint(own_chain: Chain) -> None:
    branch = own_chain.join()
    branch.sell([asked_line("one")])
    own_chain.office.kill()
    for command in (("sync", "run"), ("sync", "verify")):
        require_refusal(filial_branch(branch.home, *command, seconds_max=10), "cannot be reached", "hint")
    assert branch.ask("sync", "status")["waiting"] == 1
