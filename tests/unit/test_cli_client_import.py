"""Clients from a spreadsheet by the command line: imported, refused rows in a file, taken back."""

from __future__ import annotations

from pathlib import Path

import pytest

import branch_node.cli
from branch_node.storage.store import BranchStore
from shared.cli.program import EXIT_FAILED
from tests.support.commands import require_done, require_refusal
from tests.unit.test_cli_people import runner

FILE = "ФИО;Телефон;Откуда\nАнна;89123456789;сайт\nБорис;не скажу;сайт\n"


def test_a_file_is_tried_imported_corrected_and_taken_back(
    branch_store: BranchStore, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = runner(branch_node.cli.commands, tmp_path, capfd, monkeypatch)
    file, bad = tmp_path / "clients.csv", tmp_path / "bad.csv"
    file.write_text(FILE)
    tried = require_done(run("client", "import", file, "--dry-run", "--json")).document()
    assert (tried["added"], tried["bad"], tried["ignored_columns"]) == (1, 1, ["откуда"])
    assert require_done(run("client", "imports", "--json")).document()["imports"] == []
    done = run("client", "import", file, "--map", "Откуда=note", "--bad-rows", bad, "--json")
    assert done.code == EXIT_FAILED
    told = done.document()
    assert (told["added"], told["refused"], told["problems"][0]["row"]) == (1, 1, 3)
    assert "не скажу" in bad.read_text(encoding="utf-8-sig")
    (found,) = require_done(run("client", "find", "6789", "--json")).document()["clients"]
    assert found["note"] == "сайт"
    assert require_done(run("client", "import-revert", told["import"], "--json")).document()["reverted"] == 1
    assert require_done(run("client", "imports", "--json")).document()["imports"][0]["state"] == "reverted"
    require_refusal(run("client", "import", file, "--map", "нет=note"), "no column")
