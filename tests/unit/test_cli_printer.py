"""`filial-branch printer`: what people and programs read of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from branch_node.cli import commands
from branch_node.storage.print_jobs import queue_print
from branch_node.storage.process_lock import ProcessLock
from shared.certificates import key_to_pem, new_key
from shared.cli.program import run_program
from tests.support.receipts import SALE_ID, plain_document
from tests.support.shop import Shop


@pytest.fixture
def paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A simulated printer's paper; the shop's folder is the home."""
    path = tmp_path / "paper.txt"
    monkeypatch.setenv("FILIAL_PRINTER", f"simulator:{path}")
    monkeypatch.setenv("FILIAL_HOME", str(tmp_path))
    return path


def queue(shop: Shop, *receipts: str) -> None:
    with shop.store.write() as connection:
        for receipt in receipts:
            queue_print(connection.connection.cursor(), plain_document(receipt), SALE_ID, shop.clock.now_us())


def printer(capsys: pytest.CaptureFixture[str], *arguments: str, exit_code: int = 0) -> Any:
    """What the command prints as JSON."""
    assert run_program(commands, ["printer", *arguments, "--json"]) == exit_code
    return json.loads(capsys.readouterr().out or "null")


def test_a_test_page_shows_russian_in_every_set_and_who_prints(
    shop: Shop, paper: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert printer(capsys, "test", "--drawer") == {"printer": f"simulator:{paper}"}
    text = paper.read_text()
    for words in ("Shop 7", "Проверка печати", "1481.69 руб.", "cp1251", "[drawer opens]"):
        assert words in text
    assert text.count("Съешь ещё этих") == 4


def test_a_printer_can_be_tried_before_the_branch_has_joined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FILIAL_PRINTER", f"simulator:{tmp_path}/paper.txt")
    printer(capsys, "test", "--home", str(tmp_path / "nothing"))
    assert "Проверка печати" in (tmp_path / "paper.txt").read_text()


def test_without_a_printer_the_command_says_how_to_set_one(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_program(commands, ["printer", "test", "--home", str(tmp_path)]) == 1
    assert "FILIAL_PRINTER" in capsys.readouterr().err


def test_what_waits_is_listed_and_printed_when_asked(
    shop: Shop, paper: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "branch.key").write_bytes(key_to_pem(new_key()))
    queue(shop, "1-000001", "1-000002")
    listed = printer(capsys, "queue")
    assert [(job["state"], job["kind"]) for job in listed["jobs"]] == [("waiting", "sale")] * 2
    assert (listed["waiting"], listed["sentence"]) == (2, "Waiting to be printed: 2")
    assert printer(capsys, "retry") == {"retried": 0, "printed": 2, "waiting": 0, "failed": 0}
    assert paper.read_text().index("1-000001") < paper.read_text().index("1-000002")
    assert printer(capsys, "queue")["jobs"] == []
    assert len(printer(capsys, "queue", "--all")["jobs"]) == 2


def test_a_dead_printer_is_said_to_be_dead(
    shop: Shop, paper: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FILIAL_PRINTER", f"file:{paper.parent}/no/folder")
    queue(shop, "1-000001")
    assert printer(capsys, "retry", exit_code=1)["waiting"] == 1
    assert "cannot be opened" in printer(capsys, "queue")["jobs"][0]["problem"]


def test_a_failed_job_is_tried_again(shop: Shop, paper: Path, capsys: pytest.CaptureFixture[str]) -> None:
    queue(shop, "1-000001")
    with shop.store.write() as connection:
        connection.exec_driver_sql("UPDATE print_job SET state = 'failed'")
    assert printer(capsys, "retry")["retried"] == 1
    assert "1-000001" in paper.read_text()


def test_while_the_serving_program_prints_it_is_left_to_it(
    shop: Shop, paper: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    queue(shop, "1-000001")
    lock = ProcessLock(tmp_path / "print.lock")
    assert lock.take()
    assert printer(capsys, "retry") == {"retried": 0, "printed": None, "waiting": 1, "failed": 0}
    lock.release()
    assert not paper.exists()


def test_a_job_can_be_discarded_once(shop: Shop, paper: Path, capsys: pytest.CaptureFixture[str]) -> None:
    queue(shop, "1-000001")
    assert printer(capsys, "discard", "1") == {"discarded": 1}
    assert run_program(commands, ["printer", "discard", "1"]) == 1
    assert "Nothing waits under the number 1" in capsys.readouterr().err
