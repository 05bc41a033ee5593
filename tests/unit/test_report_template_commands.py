"""`filial-hq report template …`, `runs` and `deliver`, and the passes that a server makes by itself."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import CliRunner, Result

from hq_server.bootstrap import head_office, scheduled_reports
from hq_server.cli.report import report
from hq_server.operations.founding import found_chain
from hq_server.storage.store import connect_store
from shared.cli.commands import GlobalOptions
from shared.errors import FilialError, InvalidInput, NotFound
from tests.support.clock import FakeClock, SeededIds


@pytest.fixture
def home(tmp_path: Path, sqlite_template: Path) -> Path:
    shutil.copy(sqlite_template, tmp_path / "hq.db")
    (tmp_path / "hq.toml").write_text('database = "sqlite:///hq.db"\n')
    clock = FakeClock()
    store = connect_store("sqlite:///hq.db", tmp_path, clock)
    found_chain(store, "Chain", "RUB", "Europe/Moscow", clock, SeededIds(clock))
    store.close()
    return tmp_path


def run(home: Path, *arguments: str, as_json: bool = False) -> Result:
    options = GlobalOptions(home=home, json=as_json)
    return CliRunner().invoke(report, list(arguments), obj=options, catch_exceptions=True)


def said(home: Path, *arguments: str) -> Any:
    result = run(home, *arguments, as_json=True)
    assert result.exit_code == 0, result.exception
    return json.loads(result.output)


def refusal(home: Path, *arguments: str) -> FilialError:
    error = run(home, *arguments).exception
    assert isinstance(error, FilialError), error
    return error


def test_a_template_is_saved_listed_run_put_away_and_brought_back(home: Path) -> None:
    saved = said(
        home, "template", "save", "Вчера", "sales", "--by", "branch", "--period", "yesterday", "--role", "auditor"
    )
    said(home, "template", "save", "Два дня", "sales", "--period", "yesterday", "--compare", "previous")
    row, other = said(home, "template", "list")["templates"]
    assert other["ask"] == '{"compare":"previous","period":"yesterday"}'
    assert (row["id"], row["ask"], row["roles"]) == (
        saved["id"], '{"by":["branch"],"period":"yesterday"}', ["auditor"],
    )  # fmt: skip
    assert said(home, "template", "run", "Вчера")["parameters"]["by"] == ["branch"]
    target = home / "report.csv"
    assert run(home, "template", "run", "Вчера", "--format", "csv", "-o", str(target)).exit_code == 0
    assert target.read_text("utf-8-sig").startswith("branch,receipts")
    said(home, "template", "archive", "Вчера")
    assert [row["name"] for row in said(home, "template", "list")["templates"]] == ["Два дня"]
    assert isinstance(refusal(home, "template", "run", "Вчера"), NotFound)
    said(home, "template", "archive", "Вчера", "--back")
    assert [row["archived"] for row in said(home, "template", "list", "--all")["templates"]] == [False, False]


def test_a_template_is_scheduled_sent_and_its_run_shown(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = home / "reports"
    folder.mkdir()
    monkeypatch.setenv("FILIAL_REPORT_FOLDER", str(folder))
    said(home, "template", "save", "Вчера", "sales", "--period", "yesterday", "--share", "--language", "en")
    said(
        home, "template", "schedule", "Вчера", "weekly 5,1 8:00", "--format", "csv", "--to-folder", "--wait-hours", "1"
    )
    (row,) = said(home, "template", "list")["templates"]
    assert (row["schedule"], row["recipients"], row["roles"]) == ("weekly 1,5 08:00", ["folder"], ["*"])
    said(home, "template", "send", "Вчера")
    assert said(home, "deliver") == {"done": 1}
    assert (
        CliRunner().invoke(report, ["deliver", "--home", str(home)], obj=GlobalOptions()).output == "Nothing is due.\n"
    )
    (row,) = said(home, "runs")["runs"]
    assert (row["template"], row["state"], row["deliveries"]) == ("Вчера", "done", ["folder: done"])
    (file,) = folder.iterdir()
    assert file.read_text("utf-8-sig").startswith("Receipts,Units")
    said(home, "template", "schedule", "Вчера")
    assert said(home, "template", "list")["templates"][0]["schedule"] == ""
    assert isinstance(refusal(home, "template", "schedule", "Вчера", "hourly"), InvalidInput)


def test_a_server_delivers_by_itself_and_finishes_what_it_began(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, end, passes = threading.Event(), threading.Event(), []

    def deliver(room: Any) -> dict[str, int]:
        passes.append(room)
        if len(passes) == 1:
            raise InvalidInput("The folder is gone.", "")
        begun.set()
        assert end.wait(10)
        return {"done": 1}

    async def serve(office: Any) -> None:
        task = asyncio.create_task(scheduled_reports.deliver_at_intervals(office))
        await asyncio.to_thread(begun.wait, 10)
        task.cancel()
        await asyncio.sleep(0)
        assert passes[1].is_over()
        end.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    monkeypatch.setattr(scheduled_reports, "deliver_due", deliver)
    with head_office(home) as office:
        quick = replace(office, settings=replace(office.settings, report_poll_seconds=cast(int, 0.001)))
        asyncio.run(serve(quick))
        asyncio.run(
            scheduled_reports.deliver_at_intervals(
                replace(office, settings=replace(office.settings, report_poll_seconds=0))
            )
        )
    assert len(passes) == 2
