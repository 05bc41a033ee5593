"""Scheduled reports and real mail servers: files that arrive as they were made, and a server that goes away midway."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path
from typing import Any

import openpyxl
import pypdf
import pytest

from hq_server.mail.passes import MailRoom
from hq_server.mail.report_passes import deliver_due
from hq_server.operations.founding import found_chain
from hq_server.operations.report_runs import DeliveryState, RunState, runs_of
from hq_server.operations.report_templates import Plan, plan_template, save_template
from hq_server.settings import Settings
from hq_server.storage.store import connect_store
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.reports.parameters import ReportAsk
from tests.support.clock import FakeClock, SeededIds
from tests.support.journal import line, sale
from tests.support.mail_servers import HOST, PostOffice, smtp_server
from tests.support.office import Office

PEOPLE = ("a@shop.example", "b@shop.example", "c@shop.example")


@pytest.fixture
def post() -> Iterator[PostOffice]:
    with smtp_server() as served:
        yield served


@pytest.fixture
def office(tmp_path: Path, sqlite_template: Path) -> Iterator[Office]:
    shutil.copy(sqlite_template, tmp_path / "hq.db")
    clock = FakeClock()
    store = connect_store("sqlite:///hq.db", tmp_path, clock)
    ids = SeededIds(clock)
    made = Office(store, clock, ids, found_chain(store, "Сеть", "RUB", "Europe/Moscow", clock, ids))
    journal = made.journal("B1")
    journal.add_sale(sale(1, [line("tea", 123_456, category="Чай")], "2026-11-22T10:00:00"))
    made.merge(journal, journal.batch())
    yield made
    store.close()


@pytest.fixture
def room(office: Office, post: PostOffice, tmp_path: Path) -> MailRoom:
    settings = Settings(
        home=tmp_path, mail_from="shop@shop.example", smtp_tls="none", smtp_host=HOST, smtp_port=post.port
    )
    return MailRoom(settings, office.store, office.clock, office.ids)


def scheduled(office: Office) -> bytes:
    with office.store.write() as connection:
        now_us, ask = office.clock.now_us(), ReportAsk(by=("branch",), period="yesterday")
        saved = save_template(connection, office.ids, now_us, LOCAL_ADMINISTRATOR, "Продажи вчера", "sales", ask)
        plan = Plan("daily 20:00", ("csv", "pdf", "xlsx"), PEOPLE)
        plan_template(connection, office.ids, now_us, LOCAL_ADMINISTRATOR, saved, plan)
    office.clock.advance(3_600)
    return saved


def test_each_file_arrives_as_it_was_made(office: Office, room: MailRoom, post: PostOffice) -> None:
    scheduled(office)
    assert deliver_due(room) == {RunState.DONE: 1}
    assert [took.recipient for took in post.took] == list(PEOPLE)
    files: dict[str, tuple[str, Any]] = {
        part.get_filename("").rpartition(".")[2]: (part.get_content_type(), part.get_payload(decode=True))
        for part in message_from_bytes(post.took[0].data).walk()
        if part.get_filename()
    }
    assert files["csv"][0] == "text/csv"
    assert "B1;1;1;1234,56" in files["csv"][1].decode("utf-8-sig")
    assert files["xlsx"][0].endswith("spreadsheetml.sheet")
    assert openpyxl.load_workbook(io.BytesIO(files["xlsx"][1])).worksheets[0]["D2"].value == 1_234.56
    page = pypdf.PdfReader(io.BytesIO(files["pdf"][1])).pages[0].extract_text()
    assert "Филиалы с полными данными: 0 из 1" in page
    assert files["pdf"][0] == "application/pdf"
    # The same run has the same Message-ID for each of them, and another for everybody else.
    assert len({took.letter.message_id for took in post.took}) == 3


def test_whoever_it_was_not_said_of_is_not_written_to_again(office: Office, room: MailRoom, post: PostOffice) -> None:
    saved = scheduled(office)
    post.on_data = lambda took: None if took.recipient == PEOPLE[1] else "250 Taken"
    assert deliver_due(room) == {RunState.WAITING: 1}
    post.on_data = None
    office.clock.advance(600)
    assert deliver_due(room) == {RunState.DONE: 1}
    assert [took.recipient for took in post.took] == list(PEOPLE)
    with office.store.read() as connection:
        (run,) = runs_of(connection, saved)
    assert [each.state for each in run.deliveries] == [
        DeliveryState.DONE, DeliveryState.UNCERTAIN, DeliveryState.DONE,
    ]  # fmt: skip
