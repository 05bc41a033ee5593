"""`filial-hq mail`, and the passes that a server makes by itself."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from hq_server.bootstrap import HeadOffice, head_office, mailing
from hq_server.cli import commands
from hq_server.operations.founding import found_chain
from hq_server.operations.mail_receiving import take_in
from hq_server.operations.mail_sending import Answer, Outcome, Sender, begin_sending, conclude
from hq_server.storage.store import connect_store
from shared.cli.commands import GlobalOptions
from shared.domain.identifiers import format_id
from shared.domain.mail_text import Envelope, compose
from shared.domain.records import RecordKind
from shared.errors import InvalidInput, MailServerFailed
from tests.support.clock import FakeClock, SeededIds
from tests.support.letters import ADDRESS, AGREED
from tests.support.office import Office

LETTER = b"l" * 16


@pytest.fixture
def home(tmp_path: Path, sqlite_template: Path) -> Path:
    """A head office with a client, an uncertain letter and one that nobody sent yet."""
    shutil.copy(sqlite_template, tmp_path / "hq.db")
    (tmp_path / "hq.toml").write_text('database = "sqlite:///hq.db"\n')
    clock = FakeClock()
    store = connect_store("sqlite:///hq.db", tmp_path, clock)
    ids = SeededIds(clock)
    office = Office(store, clock, ids, found_chain(store, "Chain", "RUB", "Europe/Moscow", clock, ids))
    journal = office.journal("B1")
    client_id = ids.new_id()
    journal.add_edit(RecordKind.CLIENT, client_id, {}, external_id="C-1", **AGREED)
    for letter_id in (LETTER, b"2" * 16):
        journal.add_edit(
            RecordKind.MAIL, letter_id, {}, client_id=client_id, direction="out", subject="Ваш заказ", body="Готов.",
            address=ADDRESS, purpose="service", created_at=clock.now_us(),
        )  # fmt: skip
    office.merge(journal, journal.batch())
    with store.write() as connection:
        begin_sending(connection, ids, clock.now_us(), LETTER, Sender("shop@shop.example", "", "UTC"))
        conclude(connection, ids, clock.now_us(), LETTER, Outcome(Answer.NONE))
        for number in (1, 2):
            arrived = compose(Envelope(f"<{number}@x>", "who@x.org", "", "shop@shop.example", "", "?", "?", 10**15))
            take_in(connection, ids, clock.now_us(), office.chain.chain_id, arrived, "")
    store.close()
    return tmp_path


def run(home: Path, *arguments: str) -> Any:
    """What a command says as JSON."""
    options = GlobalOptions(json=True, home=home, debug=False)
    result = CliRunner().invoke(
        commands, ["mail", *arguments], obj=options, catch_exceptions=False, standalone_mode=False
    )
    return json.loads(result.output) if result.output.strip() else None


def test_an_administrator_lists_and_decides_by_command(home: Path) -> None:
    (uncertain,) = run(home, "list", "uncertain")["letters"]
    assert (uncertain["id"], uncertain["detail"]) == (format_id(LETTER), "no_answer")
    assert [row["state"] for row in run(home, "list")["letters"]] == ["waiting"]
    run(home, "resend", format_id(LETTER))
    assert len(run(home, "list", "waiting")["letters"]) == 2
    first, second = run(home, "list", "unmatched")["letters"]
    run(home, "assign", first["id"], "C-1")
    run(home, "dismiss", second["id"])
    assert run(home, "list", "unmatched")["letters"] == []


def test_an_uncertain_letter_is_marked_by_command(home: Path) -> None:
    run(home, "mark", format_id(LETTER), "sent")
    assert run(home, "list", "uncertain")["letters"] == []


def test_mail_is_neither_sent_nor_read_without_settings(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MAIL_FROM", "SMTP_HOST", "IMAP_HOST"):
        monkeypatch.delenv(f"FILIAL_{name}", raising=False)
    for command in ("send", "fetch"):
        with pytest.raises(InvalidInput):
            run(home, command)


# ---- By itself.


def passes_made(
    office: HeadOffice, monkeypatch: pytest.MonkeyPatch, rounds: int, **settings: Any
) -> tuple[list[str], list[float]]:
    """Lets the server's own work go on for some rounds: which passes it made, and how long it waited."""
    made: list[str] = []
    pauses: list[float] = []

    def failing(_room: object) -> dict[str, int]:
        made.append("send")
        raise MailServerFailed("The mail server does not answer.", "Letters wait.")

    def reading(_room: object) -> dict[str, int]:
        made.append("read")
        return {"matched": 1}

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) >= rounds:
            raise asyncio.CancelledError

    monkeypatch.setattr(mailing, "send_waiting", failing)
    monkeypatch.setattr(mailing, "read_mailbox", reading)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    chosen = replace(office, settings=replace(office.settings, **settings))
    try:
        asyncio.run(mailing.mail_at_intervals(chosen))
    except asyncio.CancelledError:
        made.append("over")
    return made, pauses


def test_a_server_sends_and_reads_by_itself_and_a_failure_ends_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with head_office(home) as office:
        made, pauses = passes_made(office, monkeypatch, 2, smtp_host="a", imap_host="b", mail_poll_seconds=7)
    assert made == ["send", "read", "send", "read", "over"]
    assert pauses == [7, 7]


@pytest.mark.parametrize("settings", [{}, {"smtp_host": "a", "mail_poll_seconds": 0}])
def test_without_servers_or_with_nought_seconds_it_does_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    with head_office(home) as office:
        assert passes_made(office, monkeypatch, 1, **settings) == ([], [])


def test_the_end_of_the_program_waits_for_the_letter_at_hand(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, may_end, seen = threading.Event(), threading.Event(), list[bool]()

    def sending(room: Any) -> dict[str, int]:
        begun.set()
        may_end.wait(10)
        seen.append(room.is_over())
        return {}

    async def work(office: HeadOffice) -> None:
        task = asyncio.create_task(mailing.mail_at_intervals(office))
        await asyncio.to_thread(begun.wait, 10)
        task.cancel()
        await asyncio.sleep(0)
        may_end.set()
        await asyncio.wait([task])
        assert task.cancelled()

    monkeypatch.setattr(mailing, "send_waiting", sending)
    with head_office(home) as office:
        asyncio.run(work(replace(office, settings=replace(office.settings, smtp_host="a"))))
    assert seen == [True]
