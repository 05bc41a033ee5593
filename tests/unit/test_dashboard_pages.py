"""The first page of the head office and the proof beside a total, as people see them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from docs import check_proof
from hq_server.web import proving
from shared.domain.records import Record, RecordKind
from shared.wire.payloads import encode_shift_close
from tests.support.journal import line, z_report
from tests.support.journal import sale as make_sale
from tests.support.office_pages import Desk, OfficePages, office_pages

ASKED = "by=branch&period=this-month"


@pytest.fixture
def pages(tmp_path: Path, sqlite_template: Path) -> Iterator[OfficePages]:
    """A branch that sold today and a week ago, and closed a shift in which 3 roubles are missing."""
    with office_pages(tmp_path, sqlite_template) as served:
        journal = served.office.journal("B1")
        for number, moment in enumerate(("2026-11-16T10:05:00", "2026-11-23T10:05:00", "2026-11-23T11:05:00"), 1):
            journal.add_sale(make_sale(number, [line("1", 10_000 * number, 1, 0, None)], moment))
        report = replace(z_report(3, 60_000, "2026-11-23T18:00:00"), counted_cash_minor=59_700)
        journal.add([Record(RecordKind.SHIFT_CLOSE, served.office.ids.new_id(), encode_shift_close(report))])
        served.office.merge(journal, journal.batch())
        yield served


def desk(pages: OfficePages, role: str) -> Desk:
    pages.hire(role, role)
    return pages.logged_in(role)


def test_an_owner_sees_the_day_who_is_missing_and_what_the_cash_lacks(pages: OfficePages) -> None:
    said = desk(pages, "owner").get("/", "ru").text
    assert "500,00" in said.replace("\xa0", " "), "today so far"
    assert "+400" in said, "against a week ago"
    assert "Данные пришли не полностью" in said
    assert "-3,00" in said
    assert "Касса за 7 дней" in said


def test_the_open_page_renews_the_day_alone(pages: OfficePages) -> None:
    said = desk(pages, "owner").get("/now", "ru").text
    assert "Сегодня на эту минуту" in said
    assert "<html" not in said


def test_each_role_sees_what_concerns_it(pages: OfficePages) -> None:
    auditor = desk(pages, "auditor").get("/", "ru").text
    assert "Касса за 7 дней" in auditor
    cashier = desk(pages, "cashier").get("/", "ru").text
    assert "Касса за 7 дней" not in cashier
    assert "Сегодня на эту минуту" not in cashier


def test_a_total_leads_to_its_proof_and_the_proof_to_a_file_that_holds(
    pages: OfficePages, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    owner = desk(pages, "owner")
    assert f"/reports/sales/prove?{ASKED}".replace("&", "&amp;") in owner.get(f"/reports/sales?{ASKED}", "ru").text
    said = owner.get(f"/reports/sales/prove?{ASKED}", "ru").text
    assert "Проверено только что" in said
    assert "Сохранить файл" in said
    content = owner.get(f"/reports/sales/proof.jsonl?{ASKED}").content
    path = tmp_path / "proof.jsonl"
    path.write_bytes(content)
    assert json.loads(content.splitlines()[0])["totals"]["receipts"] == 3
    # The Z-report of this journal is not signed, and HQ has no opening of its shift: the sums hold all the same.
    assert check_proof.main(str(path)) == 0
    assert "receipts 3" in capsys.readouterr().out


def test_a_z_report_that_does_not_hold_is_said(pages: OfficePages) -> None:
    said = desk(pages, "owner").get(f"/reports/sales/prove?{ASKED}", "ru").text
    assert "не всё сходится" in said, "HQ has no opening of that shift"


def test_other_reports_are_proven_by_the_same_chains(pages: OfficePages) -> None:
    said = desk(pages, "owner").get("/reports/stock/prove", "ru").text
    assert "Цепочки филиалов" in said


def test_who_may_not_see_the_audit_sees_no_file(pages: OfficePages) -> None:
    head = desk(pages, "head_of_sales")
    said = head.get(f"/reports/sales/prove?{ASKED}", "ru").text
    assert "Сохранить файл" not in said
    assert "не проверялось" in said
    assert head.get(f"/reports/sales/proof.jsonl?{ASKED}").status_code == 403


def test_a_file_that_is_too_large_for_a_page_is_for_the_command_line(
    pages: OfficePages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proving, "FILE_ENTRIES_MAX", 1)
    owner = desk(pages, "owner")
    assert "слишком велик" in owner.get(f"/reports/sales/prove?{ASKED}", "ru").text
    answer = owner.get(f"/reports/sales/proof.jsonl?{ASKED}")
    assert answer.status_code == 409
    assert "filial-hq report prove" in answer.text
