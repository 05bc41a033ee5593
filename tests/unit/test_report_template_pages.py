"""Templates' pages: from the list to paper in three clicks, saving, sharing, scheduling, putting away."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import openpyxl
import pytest

from hq_server.mail.passes import MailRoom
from hq_server.mail.report_passes import deliver_due
from hq_server.operations.mail_sending import Answer, Outcome
from shared.domain.report_schedules import parse_schedule
from shared.reports.parameters import ReportAsk
from shared.reports.registry import REPORTS
from shared.reports.templates import READY_MADE
from shared.web.report_template_words import ask_in_words, say_schedule
from shared.web.translations import speaking
from tests.contract.test_report_runs import Post
from tests.support.journal import line, sale
from tests.support.office_pages import Desk, OfficePages, office_pages

QUERY = "report=sales&by=branch&period=last-week&compare=previous"
SAVED = {"name": "Неделя по филиалам", "language": "ru"}
PLAN = {"rhythm": "weekly", "weekdays": ["1", "5"], "clock": "08:30", "formats": ["pdf", "csv"],
        "recipients": "boss@shop.example, a@shop.example", "wait_hours": "2", "month_day": "1"}  # fmt: skip


@pytest.fixture
def pages(tmp_path: Path, sqlite_template: Path) -> Iterator[OfficePages]:
    with office_pages(tmp_path, sqlite_template) as served:
        for code, role in (("olga", "owner"), ("head", "head_of_sales"), ("andrey", "auditor"), ("ivan", "cashier")):
            served.hire(code, role)
        journal = served.office.journal("B1")
        journal.add_sale(sale(1, [line("tea", 100_00, category="Чай")], "2026-11-20T10:00:00"))
        served.office.merge(journal, journal.batch())
        yield served


@pytest.fixture
def head(pages: OfficePages) -> Desk:
    return pages.logged_in("head")


def save(desk: Desk, query: str = QUERY, **changes: object) -> str:
    """Saves a template; returns its address."""
    answer = desk.post(f"/templates/new?{query}", {**SAVED, **changes}, page=f"/templates/new?{query}")
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"]).split("?")[0]


def links(text: str, pattern: str) -> list[str]:
    return [unescape(url) for url in re.findall(rf'href="({pattern}[^"]*)"', text)]


def test_from_a_report_to_a_template_and_back_to_the_same_report(head: Desk) -> None:
    page = head.get("/reports/sales?by=branch&period=last-week&compare=previous", "ru").text
    (link,) = links(page, "/templates/new")
    form = head.get(link, "ru").text
    assert "Прошлая неделя" in form
    assert "по полям: Филиал" in form
    (back,) = links(form, "/reports/sales\\?")
    address = save(head, link.partition("?")[2])
    (run,) = {url for url in links(head.get(address, "ru").text, "/reports/sales\\?") if "template=" not in url}
    assert run == back
    assert head.get(run, "ru").status_code == 200


def test_the_question_of_a_template_is_changed_on_the_report_s_own_page(head: Desk) -> None:
    address = save(head)
    (change,) = links(head.get(address, "ru").text, '/reports/sales\\?[^"]*&amp;template=')
    form = head.get(change, "ru").text
    assert "Вы меняете параметры шаблона «Неделя по филиалам»" in form
    hidden = re.search(r'name="template" value="([0-9a-f-]+)"', form)
    assert hidden is not None
    assert all(f"template={hidden[1]}" in url for url in links(form, "/reports/sales\\?") if "sort=" in url)
    shown = head.get(f"/reports/sales?by=category&held=last-week&template={hidden[1]}", "ru").text
    assert "В шаблоне будет: Прошлая неделя; по полям: Категория" in shown
    (action,) = re.findall(r'action="(/templates/[^"]+/question[^"]*)"', shown)
    answer = head.post(unescape(action), page=address)
    assert (answer.status_code, answer.headers["location"]) == (303, address)
    text = head.get(address, "ru").text
    assert "Прошлая неделя; по полям: Категория</ins>" in text
    assert "Прошлая неделя; по полям: Филиал; в сравнении с предыдущим периодом</del>" in text
    fields = dict(re.findall(r'name="(noun|card|command)" value="([^"]+)"', text)[:3])
    assert head.post("/changes/take-back", fields, page=address).headers["location"] == address
    assert links(head.get(address, "ru").text, '/reports/sales\\?[^"]*&amp;template=') == [change]


def test_a_question_that_is_refused_is_not_lost(head: Desk) -> None:
    address = save(head)
    head.post(f"{address}/plan", PLAN, page=address)
    refused = head.post(f"{address}/question?by=branch&from=2026-11-02&to=2026-11-08", page=address, language="ru")
    assert refused.status_code == 422
    assert "В шаблоне заданы конкретные дни" in refused.text
    (change,) = links(refused.text, '/reports/sales\\?[^"]*&amp;template=')
    assert "from=2026-11-02" in change
    form = head.get("/reports/sales?by=nothing&template=" + address.rpartition("/")[2], "ru")
    assert (form.status_code, "Сохранить в шаблон" in form.text) == (422, False)


def test_somebody_else_s_question_is_not_changed(pages: OfficePages, head: Desk) -> None:
    address = save(head, is_shared="yes")
    auditor = pages.logged_in("andrey")
    assert "template=" not in auditor.get(address).text
    identity = address.rpartition("/")[2]
    assert "question" not in auditor.get(f"/reports/sales?template={identity}").text
    assert auditor.post(f"{address}/question?by=branch", page="/password").status_code == 403
    # Of another report the address's template is no matter.
    assert "/question" not in head.get(f"/reports/calls?template={identity}").text


def test_from_the_list_to_paper_in_two_clicks(head: Desk) -> None:
    save(head)
    text = head.get("/templates", "ru").text
    (pdf, *_others) = links(text, "/reports/sales/export.pdf")
    answer = head.get(pdf)
    assert answer.content.startswith(b"%PDF")
    (workbook, *_others) = links(text, "/reports/sales/export.xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(head.get(workbook, "ru").content))
    assert sheet.sheetnames == ["Продажи", "Об отчёте"]
    assert [cell.value for cell in sheet.worksheets[0][1]][:2] == ["Филиал", "Чеки"]


def test_every_ready_made_report_runs_and_is_copied(head: Desk) -> None:
    text = head.get("/templates", "ru").text
    offered = [each for each in READY_MADE if each.report in REPORTS]
    copies = links(text, "/templates/new")
    assert len(copies) == len(offered)
    for url in {*links(text, "/reports/[a-z-]+\\?")}:
        # Nothing was sold last year: like for like there is no branch.
        assert head.get(url, "ru").status_code == (409 if "like=yes" in url else 200), url
    address = save(head, copies[0].partition("?")[2])
    assert "Неделя по филиалам" in head.get(address, "ru").text


def test_a_template_is_shared_with_a_role_and_only_its_owner_changes_it(pages: OfficePages, head: Desk) -> None:
    address = save(head)
    auditor = pages.logged_in("andrey")
    assert "Неделя по филиалам" not in auditor.get("/templates", "ru").text
    assert auditor.get(address).status_code == 404
    head.post(address, {**SAVED, "is_shared": "yes", "roles": ["auditor"]}, page=address)
    text = auditor.get("/templates", "ru").text
    assert "Неделя по филиалам" in text
    assert "Доступны мне" in text
    assert f'action="{address}"' not in auditor.get(address, "ru").text
    assert auditor.post(address, SAVED, page="/password").status_code == 403


def test_who_sees_no_reports_sees_no_templates(pages: OfficePages) -> None:
    assert pages.logged_in("ivan").get("/templates").status_code == 403


def test_a_schedule_is_kept_and_shown(head: Desk) -> None:
    address = save(head)
    assert head.post(f"{address}/plan", PLAN, page=address).status_code == 303
    text = head.get(address, "ru").text
    assert "Пн, Пт в 08:30" in text
    # It is Monday, 19:00, in Moscow.
    assert "следующий: 27.11.2026 08:30" in text
    assert "a@shop.example\nboss@shop.example" in text
    assert "Пн, Пт в 08:30" in head.get("/templates", "ru").text
    for rhythm, shown in (("daily", "каждый день в 08:30"), ("monthly", "1-го числа каждого месяца в 08:30")):
        head.post(f"{address}/plan", {**PLAN, "rhythm": rhythm}, page=address)
        assert shown in head.get(address, "ru").text
    head.post(f"{address}/plan", {**PLAN, "rhythm": ""}, page=address)
    assert "следующий" not in head.get(address, "ru").text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"weekdays": []}, "Не выбран день недели."),
        ({"clock": "25:00"}, "не время суток"),
        ({"formats": []}, "нужен формат"),
        ({"recipients": ""}, "куда отправлять"),
        ({"recipients": "nobody"}, "nobody"),
        ({"wait_hours": "soon"}, "целое число"),
    ],
)
def test_a_wrong_schedule_is_said_and_what_was_typed_stays(head: Desk, changes: dict[str, object], said: str) -> None:
    address = save(head)
    answer = head.post(
        f"{address}/plan",
        {**PLAN, **changes, "wait_hours": changes.get("wait_hours", "7")},
        page=address,
        language="ru",
    )
    assert answer.status_code == 422
    assert said in unescape(answer.text)
    assert f'value="{changes.get("wait_hours", "7")}"' in answer.text
    assert "следующий" not in head.get(address, "ru").text


def test_a_name_is_asked_for(head: Desk) -> None:
    answer = head.post(f"/templates/new?{QUERY}", {**SAVED, "name": " "}, page=f"/templates/new?{QUERY}", language="ru")
    assert answer.status_code == 422
    assert "Название шаблона" in answer.text
    assert head.get("/templates/new?report=nothing").status_code == 404
    assert head.get(f"/templates/new?{QUERY}&where={'x' * 9_000}").status_code == 422


def test_putting_away_can_be_undone(head: Desk) -> None:
    address = save(head)
    head.post(f"{address}/away", page=address)
    text = head.get("/templates", "ru").text
    assert 'name="back"' in text
    assert links(text, f'{address}"') == []
    head.post(f"{address}/away", {"back": "yes"}, page="/templates")
    assert address in head.get("/templates", "ru").text


def test_a_report_is_sent_now_and_its_run_is_shown(pages: OfficePages, head: Desk, tmp_path: Path) -> None:
    address, post = save(head), Post()
    assert "Отправить сейчас" not in head.get(address, "ru").text
    head.post(f"{address}/plan", {**PLAN, "rhythm": ""}, page=address)
    assert head.post(f"{address}/send", page=address).status_code == 303
    post.says["a@shop.example"] = Outcome(Answer.REJECTED, "550 no such user")
    context = pages.app.state.context
    room = MailRoom(
        context.settings.__class__(home=tmp_path, mail_from="shop@shop.example"),
        pages.office.store,
        pages.office.clock,
        pages.office.ids,
    )
    assert {str(state): count for state, count in deliver_due(room, post.connect).items()} == {"done": 1}
    text = head.get(address, "ru").text
    for said in ("вручную", "boss@shop.example: доставлен", "550 no such user", "Филиалы с полными данными"):
        assert said in text
    ((_address, letter),) = post.took
    assert letter.attachments == ("Неделя-по-филиалам_2026-11-23_1900.csv", "Неделя-по-филиалам_2026-11-23_1900.pdf")


def test_what_is_asked_is_said_in_words() -> None:
    ask = ReportAsk(
        ("branch", "strange"), "2026-11-01", None, ("B1",), filters=("category=Чай",), team="eva", compare="last-year"
    )
    with speaking("ru"):
        assert ask_in_words("sales", ask) == (
            "2026-11-01 – …; по полям: Филиал, strange; в сравнении с тем же год назад; филиалы: B1; Категория: Чай; "
            "команда сотрудника eva"
        )
        assert ask_in_words("of a newer release", ReportAsk(period="yesterday")) == "Вчера"
        assert say_schedule(parse_schedule("monthly last 08:00")) == "в последний день месяца в 08:00"
