"""The pages of the branches: what they say, what may be done from them, and what they never show."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from hq_server.mail.alert_passes import WatchRoom, watch_fleet
from hq_server.operations.authority import Authority
from hq_server.operations.fleet_checks import run_waiting
from hq_server.operations.fleet_rules import Trouble, read_rules, read_told
from hq_server.settings import Settings
from hq_server.storage.branches import branch_by_code
from hq_server.storage.lives import lives_of
from shared.domain.identifiers import format_id
from shared.domain.records import RecordKind
from tests.support.fleet import HOUR_US, MINUTE_US, heard, pass_time, stand
from tests.support.journal import JournalWriter
from tests.support.office_pages import Desk, OfficePages, office_pages


@pytest.fixture
def pages(tmp_path: Path, sqlite_template: Path) -> Iterator[OfficePages]:
    with office_pages(tmp_path, sqlite_template) as served:
        served.hire("anna", "administrator")
        served.hire("ivan", "auditor")
        yield served


@pytest.fixture
def desk(pages: OfficePages) -> Desk:
    return pages.logged_in("anna")


@pytest.fixture
def journal(pages: OfficePages) -> JournalWriter:
    return heard(pages.office, "B1")


def url_of(journal: JournalWriter) -> str:
    return f"/fleet/branch/{format_id(journal.branch_id)}"


def test_without_branches_it_says_how_to_add_one(desk: Desk) -> None:
    assert "filial-hq branch add CODE" in desk.get("/fleet").text


def test_the_list_says_who_needs_somebody_and_that_offline_is_normal(
    pages: OfficePages, desk: Desk, journal: JournalWriter
) -> None:
    other = heard(pages.office, "B2")
    stand(pages.office, journal.branch_id, connected=False, head_seq=14)
    stand(pages.office, other.branch_id, trouble="Two stores.")
    text = desk.get("/fleet").text
    assert "1 branch needs somebody." in text
    assert "1 is offline." in text
    assert "not heard since 23 Nov 2026, 19:00" in text
    assert "12 entries wait, the oldest from after 23 Nov 2026, 19:00" in text
    assert text.index(">B2</a>") < text.index(">B1</a>")
    assert text.count('class="needs"') == 1
    needing = desk.get("/fleet?show=needs").text
    assert ">B2</a>" in needing
    assert ">B1</a>" not in needing
    assert ">B1</a>" in desk.get("/fleet?show=offline").text
    assert "требует внимания" in desk.get("/fleet", "ru").text


def test_what_the_head_office_cannot_know_is_said_as_such(
    pages: OfficePages, desk: Desk, journal: JournalWriter
) -> None:
    said = "only the branch knows"
    assert said not in desk.get(url_of(journal)).text
    stand(pages.office, journal.branch_id, connected=False)
    assert said in desk.get(url_of(journal)).text


def test_the_history_is_a_line_and_a_table(pages: OfficePages, desk: Desk, journal: JournalWriter) -> None:
    office = pages.office
    room = WatchRoom(Settings(home=pages.app.state.context.settings.home), office.store, office.clock, office.ids)
    assert "There is no history" in desk.get(url_of(journal)).text
    for number in range(6):
        stand(office, journal.branch_id, connected=number != 3, head_seq=2 + number)
        watch_fleet(room)
        pass_time(office, 5 * MINUTE_US)
    text = desk.get(url_of(journal)).text
    assert 'class="fleet-gap"' in text
    assert "It was online in 5 of 6 looks." in text
    assert text.count("<tr><td>") == 6
    pass_time(office, 3 * 24 * HOUR_US)
    assert "There is no history" in pages.logged_in("anna").get(url_of(journal)).text
    assert "<polyline" in pages.logged_in("anna").get(url_of(journal) + "?span=week").text


def test_a_check_waits_beside_the_page_and_its_result_stays(
    pages: OfficePages, desk: Desk, journal: JournalWriter
) -> None:
    url = url_of(journal)
    assert desk.post(f"{url}/check", {"kind": "deep"}, page=url).status_code == 303
    waiting = desk.get(url).text
    assert "Deep check: waits" in waiting
    assert f'hx-get="{url}/checks"' in waiting
    assert "1 check is left." in desk.get("/fleet").text
    assert "1 check is left." in desk.get("/fleet/progress").text
    run_waiting(pages.office.store, pages.office.clock)
    block = desk.get(f"{url}/checks").text
    assert "everything is as it came" in block
    assert "hx-get" not in block
    assert desk.post("/fleet/check", {"kind": "verify"}, page="/fleet").status_code == 303
    assert run_waiting(pages.office.store, pages.office.clock) == 1


def test_a_repair_says_what_it_does_before_it_does_it(pages: OfficePages, desk: Desk, journal: JournalWriter) -> None:
    url = url_of(journal)
    text = desk.get(f"{url}/repair").text
    assert "The entries themselves are never touched." in text
    assert desk.post(f"{url}/repair", page=f"{url}/repair").headers["location"] == url
    run_waiting(pages.office.store, pages.office.clock)
    text = desk.get(url).text
    assert "Repair: done" in text
    assert "anna: asked for a repair" in text


def test_an_auditor_looks_and_checks_but_changes_nothing(pages: OfficePages, journal: JournalWriter) -> None:
    auditor, url = pages.logged_in("ivan"), url_of(journal)
    text = auditor.get(url).text
    assert "/revoke" not in text
    assert "/token" not in text
    assert auditor.post(f"{url}/check", {"kind": "verify"}, page=url).status_code == 303
    for path in ("repair", "token", "heir", "revoke"):
        fields = {"code": "B1", "life": format_id(journal.incarnation)}
        assert auditor.post(f"{url}/{path}", fields).status_code == 403
    assert "threshold-" not in auditor.get("/fleet/alerts").text
    assert auditor.get("/fleet/files").status_code == 403


def test_a_token_is_shown_once(pages: OfficePages, desk: Desk, journal: JournalWriter) -> None:
    Authority.found("Сеть").save(pages.app.state.context.settings)
    url = url_of(journal)
    answer = desk.post(f"{url}/token", page=url)
    assert answer.status_code == 200
    token = answer.text.split('rows="4"')[1].split(">")[1].split("<")[0]
    assert len(token) > 100
    assert answer.headers["cache-control"] == "no-store"
    again = desk.get(url).text
    assert token not in again
    assert "anna: made an enrolment token" in again


def test_a_branch_is_revoked_only_by_typing_its_code(pages: OfficePages, desk: Desk, journal: JournalWriter) -> None:
    url = url_of(journal)
    refused = desk.post(f"{url}/revoke", {"code": "b1"}, page=url)
    assert refused.status_code == 422
    assert "not the branch’s" in refused.text
    with pages.office.store.read() as connection:
        assert branch_by_code(connection, "B1").revoked_at_us is None
    assert desk.post(f"{url}/revoke", {"code": "B1"}, page=url).status_code == 303
    with pages.office.store.read() as connection:
        assert branch_by_code(connection, "B1").revoked_at_us is not None
    assert "revoked on" in desk.get("/fleet").text


def test_the_heir_of_a_quarantined_branch_is_chosen(pages: OfficePages, desk: Desk, journal: JournalWriter) -> None:
    url = url_of(journal)
    assert 'name="life"' not in desk.get(url).text
    stand(pages.office, journal.branch_id, trouble="Two stores.", quarantine="Two stores.")
    assert desk.post(f"{url}/heir", page=url).status_code == 422
    with pages.office.store.read() as connection:
        (life,) = lives_of(connection, journal.branch_id)
    assert desk.post(f"{url}/heir", {"life": format_id(life.id)}, page=url).status_code == 303
    text = desk.get(url).text
    assert "Two stores." not in text
    assert "named the copy that goes on" in text


def test_alerts_are_set_shown_again_when_refused_and_tried(pages: OfficePages, desk: Desk) -> None:
    fields = {f"threshold-{kind}": "7" for kind in Trouble} | {
        "on-waiting": "yes", "recipients": "it@shop.example", "language": "en",
        "webhook_url": "https://alerts.example/x",
    }  # fmt: skip
    refused = desk.post(
        "/fleet/alerts", {**fields, "webhook_url": "ftp://x", "threshold-skew": "77"}, page="/fleet/alerts"
    )
    assert refused.status_code == 422
    assert 'value="ftp://x"' in refused.text
    assert 'value="77"' in refused.text
    assert desk.post("/fleet/alerts", {**fields, "threshold-skew": "1.5"}).status_code == 422
    assert desk.post("/fleet/alerts", fields).status_code == 303
    with pages.office.store.read() as connection:
        rules, told = read_rules(connection), read_told(connection)
    assert (rules[Trouble.WAITING], rules[Trouble.SKEW].is_on) == ((True, 7), False)
    assert (told.recipients, told.webhook_url) == (("it@shop.example",), "https://alerts.example/x")
    assert desk.post("/fleet/alerts/trial").status_code == 303
    text = desk.get("/fleet/alerts").text
    assert "Сеть: A trial of the alerts" in text
    assert "Last changed by anna" in text


def test_it_is_explained_why_a_branch_has_a_record(pages: OfficePages, desk: Desk, journal: JournalWriter) -> None:
    client_id = pages.office.ids.new_id()
    journal.add_edit(RecordKind.CLIENT, client_id, {}, external_id="C-1", name="Мария")
    pages.office.merge(journal, journal.batch(2))
    pages.office.add_branch("B2")
    there = desk.get("/fleet/explain?record=C-1&branch=B1")
    assert "B1 has it" in there.text
    elsewhere = desk.get("/fleet/explain?record=C-1&branch=B2", "ru")
    assert "У филиала B2 этого нет" in elsewhere.text
    assert "Филиал не заводил и не менял этого клиента" in elsewhere.text
    assert "Мария" not in elsewhere.text
    assert desk.get("/fleet/explain?record=nothing&branch=B2").status_code == 404


def test_files_are_carried_to_a_branch_and_what_is_none_is_refused(
    pages: OfficePages, desk: Desk, journal: JournalWriter
) -> None:
    Authority.found("Сеть").save(pages.app.state.context.settings)
    answer = desk.post(f"/fleet/files/{format_id(journal.branch_id)}/export", page="/fleet/files")
    assert answer.status_code == 200
    assert "filename*=UTF-8''B1.filial" in answer.headers["content-disposition"]
    assert len(answer.content) > 100
    assert desk.post("/fleet/files/import", files={"file": ("x", io.BytesIO(b"nothing"))}).status_code == 422
    wrong = desk.post("/fleet/files/import", files={"file": ("x", io.BytesIO(answer.content))})
    assert wrong.status_code == 422
    assert desk.post("/fleet/files/import").status_code == 422
