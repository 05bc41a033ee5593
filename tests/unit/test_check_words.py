"""What checks, repairs and quarantines write down, on a Russian page: each sentence that they make is in Russian."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from hq_server.operations.chain_verification import verify_chain
from hq_server.operations.fleet_checks import run_waiting
from hq_server.operations.verification import repair_branch, verify_branch
from hq_server.storage.branches import branch_by_id
from hq_server.storage.tables import branch_cursor, journal_entry
from hq_server.web.check_words import ENDINGS, SENTENCES, WRITTEN, say_found, say_reason
from shared.domain.identifiers import format_id
from shared.operations.stranger_rows import Stranger
from shared.storage.raw_rows import raw_texts
from shared.storage.rollup_tables import sales_by_day
from shared.storage.tables import payment, product, sale, sale_line
from shared.web.translations import speaking
from tests.support.journal import JournalWriter, line
from tests.support.journal import sale as sale_of
from tests.support.office_pages import Desk, OfficePages, office_pages

OURS = re.compile(r"\b(?!sale|product|net_minor|name|code|Milk|Gold|cashier|anna|XLSX|Entry)[A-Za-z]{3,}\b(?![-\d])")


@pytest.fixture
def pages(tmp_path: Path, sqlite_template: Path) -> Iterator[OfficePages]:
    with office_pages(tmp_path, sqlite_template) as served:
        served.hire("anna", "administrator")
        yield served


@pytest.fixture
def journal(pages: OfficePages) -> JournalWriter:
    written = pages.office.journal("B1")
    for number in range(1, 6):
        written.add_sale(sale_of(number, [line("100", 50_00)]))
    pages.office.merge(written, written.batch())
    return written


@pytest.fixture
def desk(pages: OfficePages) -> Desk:
    return pages.logged_in("anna")


def found(pages: OfficePages, journal: JournalWriter, deep: bool = True) -> list[str]:
    with pages.office.store.read() as connection, raw_texts(connection):
        row = branch_by_id(connection, journal.branch_id)
        return [*verify_branch(connection, row, deep).differences, *verify_chain(connection)]


def said_in_russian(sentences: list[str]) -> list[str]:
    assert sentences
    with speaking("ru"):
        said = [say_found(each) for each in sentences]
    for english, russian in zip(sentences, said, strict=True):
        plain = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32}", "", russian)
        assert OURS.findall(plain) == [], (english, russian)
        assert re.search("[а-я]", russian), english
    return said


def test_what_is_wrong_in_a_chain(pages: OfficePages, journal: JournalWriter) -> None:
    forged = journal.entries[2][:-1] + bytes([journal.entries[2][-1] ^ 1])
    with pages.office.store.write() as connection:
        connection.execute(update(journal_entry).where(journal_entry.c.seq == 3).values(data=forged))
        connection.execute(update(journal_entry).where(journal_entry.c.seq == 5).values(data=b"\xff"))
        connection.execute(delete(journal_entry).where(journal_entry.c.seq == 2))
    said = said_in_russian(found(pages, journal))
    assert "Записи 2 нет." in said
    with pages.office.store.write() as connection:
        connection.execute(delete(journal_entry).where(journal_entry.c.seq > 1))
    with pages.office.store.write() as connection:
        connection.execute(update(branch_cursor).values(acknowledged_seq=6))
    said_in_russian(found(pages, journal))


def test_what_is_wrong_in_rows_and_what_a_repair_did(pages: OfficePages, journal: JournalWriter) -> None:
    with pages.office.store.write() as connection:
        connection.execute(update(sale).where(sale.c.receipt_number == 1).values(net_minor=7, cashier="x"))
        ids = dict(connection.execute(select(sale.c.receipt_number, sale.c.id)).tuples().all())
        connection.execute(delete(sale_line).where(sale_line.c.sale_id.in_((ids[2], ids[3]))))
        connection.execute(delete(payment).where(payment.c.sale_id == ids[3]))
        connection.execute(delete(sale).where(sale.c.id == ids[3]))
        connection.execute(update(sales_by_day).values(receipts=9))
    said = said_in_russian(found(pages, journal))
    assert any("net_minor: сейчас 7, было 5000" in each for each in said)
    assert any("отсутствует" in each for each in said)
    assert any(each.startswith("Итоги «по дням» филиала B1, день 2026-11-20: записано чеков 9") for each in said)
    with pages.office.store.write() as connection, raw_texts(connection):
        repair = repair_branch(connection, branch_by_id(connection, journal.branch_id))
    assert any(each.endswith("Это записано заново по журналу.") for each in said_in_russian(repair.done))


def test_every_sentence_that_is_known_finds_its_shape_again() -> None:
    with speaking("ru"):
        for shape in SENTENCES:
            sentence = re.sub(r"%\((\w+)\)s", "7", shape)
            assert say_found(sentence) != sentence, shape
            for ending in ENDINGS:
                assert say_found(f"{sentence} {ending}") == f"{say_found(sentence)} {say_found(ending)}"
        for shape in WRITTEN:
            sentence = re.sub(r"%\(\d\)s", "7", shape)
            assert say_found(sentence) != sentence, shape
        assert say_found("7 is another") == "7 is another"


def test_what_belongs_to_no_branch() -> None:
    with speaking("ru"):
        for rows in (1, 5):
            sentence = Stranger(sale, b"\x01" * 16, rows).sentence
            assert "такого филиала здесь нет" in say_found(sentence)


def test_why_a_scheduled_report_did_not_go_out() -> None:
    with speaking("ru"):
        assert say_reason("interrupted too often") == "слишком часто прерывалось"
        assert say_reason("whoever saved it may not see the chain's reports any more").startswith("тот, кто сохранил")
        assert say_reason("ValueError: see the log") == "ValueError: подробности в журнале сервера"
        assert say_reason("boss@shop.example: 550 no such user; folder: failed").startswith("boss@shop.example: 550 no")
        assert say_reason("No server is set that takes letters.") == "Не задан сервер, который принимает письма."
        assert say_reason("") == ""


def test_a_check_and_a_quarantine_on_a_russian_page(pages: OfficePages, desk: Desk, journal: JournalWriter) -> None:
    url = f"/fleet/branch/{format_id(journal.branch_id)}"
    with pages.office.store.write() as connection:
        connection.execute(delete(journal_entry).where(journal_entry.c.seq == 4))
        why = "Two stores live under this branch's identity; HQ must say which one is the heir."
        connection.execute(update(branch_cursor).values(trouble=why, quarantine=why))
        connection.execute(delete(product))
    desk.post(f"{url}/check", {"kind": "deep"}, page=url)
    run_waiting(pages.office.store, pages.office.clock)
    text = desk.get(url, "ru").text
    assert "Записи 4 нет." in text
    assert "От имени филиала работают два хранилища" in text
    assert 'lang="en"' not in text.replace('hreflang="en"', "").replace('value="en" lang="en"', "")
    repair = desk.get(f"{url}/repair", "ru").text
    assert "Записи 4 нет." in repair
    assert "Entry 4" in desk.get(url, "en").text
