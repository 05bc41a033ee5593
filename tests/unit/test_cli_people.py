"""The people's command lines, in this process: what they answer, and how they refuse."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

import branch_node.cli
import hq_server.cli
from branch_node.operations.authentication import current_actor, log_in_by_pin
from branch_node.operations.pairing import pair_browser
from branch_node.settings import Settings
from shared.cli import secrets
from shared.cli.program import run_program
from shared.operations import passwords
from tests.support.commands import Finished, require_done, require_refusal
from tests.support.shop import Shop
from tests.support.staff import CHEAP, PASSWORD, Staff

Run = Callable[..., Finished]


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is right at any price is tried at the lowest."""
    monkeypatch.setattr(passwords, "_kdf", lambda salt, _cost: KDF(salt, CHEAP))


KDF = passwords._kdf


def runner(program: click.Group, home: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """A program that is run in that folder; `give` is its standard input."""

    def run(*arguments: object, give: str | bytes = b"") -> Finished:
        given = give.encode() if isinstance(give, str) else give
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given), encoding="utf-8"))
        capfd.readouterr()
        code = run_program(program, ["--home", str(home), *map(str, arguments)])
        return Finished(code, *capfd.readouterr())

    return run


@pytest.fixture
def hq(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """`filial-hq` in a chain with branch B1 and an owner."""
    run = runner(hq_server.cli.commands, tmp_path / "hq", capfd, monkeypatch)
    require_done(run("init"))
    require_done(run("branch", "add", "B1"))
    boss = ("--name", "Мария", "--role", "owner", "--branch", "*", "--from", "2026-01-01")
    require_done(run("employee", "add", "boss", *boss))
    return run


def test_a_new_head_office_prints_a_link_and_knows_no_password(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = require_done(runner(hq_server.cli.commands, tmp_path / "one", capfd, monkeypatch)("init")).out
    assert "/first?token=" in said.splitlines()[-1]
    run = runner(hq_server.cli.commands, tmp_path / "two", capfd, monkeypatch)
    document = require_done(run("init", "--json")).document()
    path, _, token = document["first_login"].partition("=")
    assert path == "/first?token"
    assert not any(token.encode() in file.read_bytes() for file in (tmp_path / "two").iterdir())
    assert require_done(run("employee", "list", "--all", "--json")).document() == {"employees": []}


def test_the_tree_is_dated(hq: Run) -> None:
    anna = ("anna", "--role", "cashier", "--branch", "B1")
    require_done(hq("employee", "add", *anna, "--name", "Анна", "--from", "2026-02-01"))
    above = ("--reports-to", "boss", "--from", "2026-03-01", "--to", "2026-03-31")
    require_done(hq("employee", "place", *anna, *above))
    for day, rows in (
        ("2026-01-15", [("boss", 0)]),
        ("2026-02-15", [("anna", 0), ("boss", 0)]),
        ("2026-03-31", [("boss", 0), ("anna", 1)]),
        ("2026-04-01", [("anna", 0), ("boss", 0)]),
    ):
        tree = require_done(hq("employee", "tree", "--on", day, "--json")).document()["tree"]
        assert [(row["code"], row["depth"]) for row in tree] == rows, day
    assert "  anna" in require_done(hq("employee", "tree", "--on", "2026-03-31")).out
    shown = require_done(hq("employee", "show", "anna")).out
    assert "cashier at B1 from 2026-03-01 to 2026-03-31, below boss" in shown


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--role", "king"), "king"),
        (("--role", "cashier", "--branch", "B9"), "B9"),
        (("--role", "cashier", "--from", "soon"), "soon"),
        (("--role", "cashier", "--from", "1960-01-01"), "1970"),
        (("--role", "cashier", "--reports-to", "nobody"), "nobody"),
        (("--role", "cashier", "--password", "-"), "standard input"),
    ],
)
def test_nobody_is_hired_by_half(hq: Run, options: tuple[str, ...], word: str) -> None:
    require_refusal(hq("employee", "add", "x", "--name", "X", *options), word)
    assert {row["code"] for row in hq("employee", "list", "--all", "--json").document()["employees"]} == {"boss"}


def test_a_password_is_read_from_standard_input_and_from_nowhere_else(
    hq: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    add = ("employee", "add", "x", "--name", "X", "--role", "cashier", "--password")
    require_refusal(hq(*add, "-", give="short\n"), "10 characters")
    require_refusal(hq(*add, "-", give=b"\xff\xfe\n"), "password")
    assert hq(*add, PASSWORD).code == 2
    require_done(hq(*add, "-", give=f"{PASSWORD}\nrest"))
    assert require_done(hq("employee", "show", "x", "--json")).document()["password"] is True
    require_done(hq("employee", "password", "x", "--must-change", give="quite another phrase\n"))
    require_refusal(hq("employee", "password", "nobody", give=f"{PASSWORD}\n"), "nobody", "Hint:")
    monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": lambda _: True})())
    monkeypatch.setattr(click, "prompt", lambda what, **how: f"{what} {sorted(how)}")
    assert secrets.read_secret("Password") == "Password ['confirmation_prompt', 'hide_input']"


def test_what_cannot_be_is_said_in_one_sentence(hq: Run) -> None:
    require_refusal(hq("employee", "show", "nobody"), "nobody", "Hint:")
    require_refusal(hq("employee", "edit", "boss"), "Nothing was given", "Hint:")
    require_refusal(hq("employee", "place", "boss", "--role", "owner", "--reports-to", "boss"), "below himself")
    require_refusal(hq("employee", "add", "boss", "--name", "B", "--role", "owner"), "already", "Hint:")
    require_refusal(hq("employee", "audit", "--from", "never"), "never", "Hint:")
    assert "Nobody did anything" in require_done(hq("employee", "audit")).out


def test_roles_are_listed_and_changed(hq: Run) -> None:
    require_done(hq("role", "set", "cashier", "--allow", "drawer.open", "--discount-max", "7,5"))
    require_done(hq("role", "set", "cashier", "--deny", "client.edit", "--refund-max", "500.00"))
    require_done(hq("role", "set", "stock", "--name", "Склад", "--permission", "report.branch"))
    roles = {role["code"]: role for role in require_done(hq("role", "list", "--json")).document()["roles"]}
    cashier = roles["cashier"]
    assert (cashier["name"], cashier["name_ru"]) == ("Cashier", "Кассир")
    assert {"drawer.open", "sale.make"} <= set(cashier["permissions"])
    assert "client.edit" not in cashier["permissions"]
    assert cashier["discount_basis_points_max"] == 750
    assert cashier["refund_without_receipt_minor_max"] == 50_000
    assert roles["stock"]["permissions"] == ["report.branch"]
    require_done(hq("role", "set", "stock", "--archive"))
    listed = require_done(hq("role", "list")).out.splitlines()
    assert not [line for line in listed if line.startswith("stock")]
    require_done(hq("role", "set", "stock"))
    assert "Склад" in require_done(hq("role", "list")).out


@pytest.mark.parametrize("wrong", ["101", "-1", "1.234", "x", "NaN", "1e9"])
def test_a_limit_that_is_none_is_refused(hq: Run, wrong: str) -> None:
    require_refusal(hq("role", "set", "cashier", "--discount-max", wrong), "per cent", "Hint:")
    if wrong not in ("101", "1e9"):
        require_refusal(hq("role", "set", "cashier", "--refund-max", wrong))


def test_who_left_is_listed_with_all_and_may_come_back(hq: Run) -> None:
    gone = ("gone", "--name", "Gone", "--role", "cashier")
    require_done(hq("employee", "add", *gone))
    assert "any more" in require_done(hq("employee", "dismiss", "gone")).out
    require_refusal(hq("employee", "dismiss", "gone"), "already", "Hint:")
    assert {row["code"] for row in hq("employee", "list", "--json").document()["employees"]} == {"boss"}
    rows = hq("employee", "list", "--all", "--json").document()["employees"]
    assert {row["code"]: row["state"] for row in rows} == {"boss": "active", "gone": "dismissed"}
    require_done(hq("employee", "add", *gone))
    assert "says so already" in require_done(hq("employee", "edit", "gone", "--name", "Gone")).out
    require_done(hq("employee", "edit", "gone", "--name", "Back", "--language", "ru"))
    shown = require_done(hq("employee", "show", "gone", "--json")).document()
    assert (shown["name"], shown["language"], shown["state"]) == ("Back", "ru", "active")
    assert "from 2027-01-01 on" in require_done(hq("employee", "dismiss", "gone", "--on", "2027-01-01")).out


class TestBranch:
    """The same at a branch, which has learnt of its people."""

    @pytest.fixture
    def settings(self, tmp_path: Path) -> Settings:
        return Settings(home=tmp_path)

    @pytest.fixture
    def branch(
        self, shop: Shop, settings: Settings, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> Run:
        monkeypatch.setattr("branch_node.cli.employee.open_store", lambda _: shop.store)
        monkeypatch.setattr("branch_node.cli.register.open_store", lambda _: shop.store)
        Staff(shop, settings).hire("pia")
        return runner(branch_node.cli.commands, settings.home, capfd, monkeypatch)

    def test_a_register_is_paired_and_a_pin_set(self, shop: Shop, branch: Run, settings: Settings) -> None:
        require_done(branch("employee", "pin", "pia", give="2580\n"))
        code = require_done(branch("register", "pair", "till")).out.strip()
        browser = pair_browser(shop.store, code, "Firefox")
        logged_in = log_in_by_pin(shop.store, settings, browser.token, "pia", "2580", CHEAP)
        assert logged_in.actor.register == "till"
        (listed,) = require_done(branch("register", "list", "--json")).document()["pairings"]
        assert (listed["register"], listed["browser"]) == ("till", "Firefox")
        staff = require_done(branch("employee", "list", "--json")).document()["employees"]
        assert staff == [{"code": "pia", "name": "Pia", "role": "cashier", "password": True, "pin": True}]
        assert "no more: 1" in require_done(branch("register", "revoke", "till")).out
        assert current_actor(shop.store, settings, logged_in.token) is None
        require_done(branch("employee", "pin", "pia", "--remove"))
        made: dict[str, Any] = require_done(branch("register", "pair", "till", "--json")).document()
        assert (made["register"], len(made["code"]), made["valid_seconds"]) == ("till", 8, 600)

    def test_what_cannot_be_is_refused(self, branch: Run) -> None:
        require_refusal(branch("employee", "pin", "pia", give="12\n"), "digits")
        require_refusal(branch("employee", "pin", "pia"), "standard input", "Hint:")
        require_refusal(branch("employee", "pin", "nobody", give="2580\n"), "nobody", "Hint:")
        require_refusal(branch("register", "revoke", "till"), "till", "Hint:")
