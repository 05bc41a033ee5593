"""Logging conversations, the timeline and incoming calls through the pages of a branch."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from branch_node.settings import Settings
from branch_node.storage.store import BranchStore
from shared.domain.cards import Value
from shared.domain.dictionaries import DEFAULT_TERMS, term_id
from shared.domain.identifiers import derived_id, format_id
from shared.domain.records import RecordKind
from shared.errors import InvalidInput
from shared.storage.tables import audit_entry, interaction, interaction_point, task
from tests.support.clock import FakeClock
from tests.support.shop import Shop, change
from tests.support.staff import Staff
from tests.support.till_pages import Browser, make_pages

TOKEN = "a token of the telephone system"
ANNA = derived_id("client", b"anna")


@dataclass
class Reps:
    """A shop with words and a client, and the browser of a sales rep."""

    shop: Shop
    browser: Browser
    manager: Browser
    cashier: Browser
    app: Any

    @property
    def url(self) -> str:
        return f"/clients/{format_id(ANNA)}"

    def rows(self, table: Any) -> list[Any]:
        with self.shop.store.read() as connection:
            return list(connection.execute(table.select()))

    def log(self, **fields: Any) -> Any:
        answer = self.browser.post(f"{self.url}/calls/new", channel="call", **fields)
        assert answer.status_code == 303, answer.text
        return answer


@pytest.fixture
def reps(branch_store: BranchStore, clock: FakeClock, tmp_path: Path) -> Iterator[Reps]:
    shop = Shop(branch_store, clock)
    teach_words(shop)
    fields: dict[str, Value] = {"name": "Анна Иванова", "phones": ("+79123456789",), "emails": ("anna@example.org",)}
    shop.learn(change(RecordKind.CLIENT, ANNA, **fields))
    app = make_pages(branch_store, tmp_path, telephony_token=TOKEN)
    staff = Staff(shop, Settings(home=tmp_path))
    browsers = {code: Browser(app) for code in ("rita", "maria", "anna")}
    for code, role in (("rita", "sales_rep"), ("maria", "manager"), ("anna", "cashier")):
        staff.hire(code, role)
    shop.learn(change(RecordKind.CLIENT, ANNA, owner_id=staff.identity("rita")))
    with browsers["rita"].client as running:
        for code, browser in browsers.items():
            # One loop and its threads for everybody, as in a server: each thread that writes holds a connection.
            browser.client.portal = running.portal
            browser.log_in(code)
        yield Reps(shop, browsers["rita"], browsers["maria"], browsers["anna"], app)


def teach_words(shop: Shop) -> None:
    """The branch has heard of the chain's words."""
    chain_id = shop.store.node()[0].chain_id
    records = []
    for term in DEFAULT_TERMS:
        fields: dict[str, Value] = {**term._asdict(), "dictionary": str(term.dictionary)}
        identity = term_id(chain_id, str(term.dictionary), term.code)
        records.append(change(RecordKind.DICTIONARY_TERM, identity, **fields))
    assert shop.learn(*records) == []


def test_a_call_is_logged_with_what_was_said_and_what_comes_next(reps: Reps) -> None:
    points = {"theme": "price", "how-t-price": "negative", "said-t-price": "дорого", "quote": "подумаю"}
    reps.log(
        outcome="thinking", duration="3:20", contact="0", next="1", body="о цене", told="скидка до пятницы", **points
    )
    (said,) = reps.rows(interaction)
    assert (said.outcome, said.duration_seconds, said.contact, said.reached) == ("thinking", 200, "+79123456789", True)
    assert (said.employee, said.direction) == ("rita", "")
    found = {(each.theme, each.sentiment, each.quote) for each in reps.rows(interaction_point)}
    assert found == {("price", "negative", "дорого"), ("", "", "подумаю")}
    (planned,) = reps.rows(task)
    assert (planned.title, planned.type, planned.state, planned.due_has_time) == ("Call back", "call", "open", False)
    # The end of tomorrow, in Moscow.
    assert (planned.due_at + 1) % 86_400_000_000 == 21 * 3_600_000_000
    shown = reps.browser.get(f"{reps.url}/timeline", **{"Accept-Language": "ru"}).text
    for part in ("думает", "скидка до пятницы", "цена (плохо) «дорого»", "«подумаю»", "+79123456789", "3 мин"):
        assert part in shown, part


def test_whom_nobody_reached_is_not_reached(reps: Reps) -> None:
    reps.log(outcome="not_reached")
    assert reps.rows(interaction)[0].reached is False


def test_the_form_sent_twice_logs_once(reps: Reps) -> None:
    record = format_id(derived_id("form", b"1"))
    for _again in range(2):
        reps.log(outcome="agreed", record=record, next="7")
    assert (len(reps.rows(interaction)), len(reps.rows(task))) == (1, 1)


def test_what_is_refused_is_shown_with_what_was_typed(reps: Reps) -> None:
    fields = {"channel": "call", "duration": "an hour", "body": "это не должно пропасть", "theme": "price"}
    answer = reps.browser.post(f"{reps.url}/calls/new", **fields, **{"said-t-price": "дороговато"})
    assert answer.status_code == 422
    for part in ("это не должно пропасть", "an hour", "дороговато", "no length of a call"):
        assert part in answer.text
    assert reps.rows(interaction) == []


def test_a_next_step_alone_is_planned(reps: Reps) -> None:
    reps.log(do="plan", next_day="2026-12-01", next_time="14:30", next_title="Поздравить")
    assert [(row.title, row.due_has_time) for row in reps.rows(task)] == [("Поздравить", True)]
    assert reps.rows(interaction) == []
    assert reps.browser.post(f"{reps.url}/calls/new", channel="call", do="plan").status_code == 422


def test_the_planned_task_is_offered_and_done_with_the_call(reps: Reps) -> None:
    reps.log(do="plan", next="1", next_title="Поздравить")
    assert "Поздравить" in reps.browser.get(f"{reps.url}/calls/new").text
    (planned,) = reps.rows(task)
    reps.log(outcome="agreed", task=format_id(planned.id))
    assert [row.state for row in reps.rows(task)] == ["done"]
    assert "Поздравить" in reps.browser.get(f"{reps.url}/timeline?shown=tasks").text


def test_a_correction_is_shown_instead_and_says_so(reps: Reps) -> None:
    reps.log(outcome="agreed", body="как было")
    (wrong,) = reps.rows(interaction)
    page = reps.browser.get(f"{reps.url}/calls/new?corrects={format_id(wrong.id)}").text
    assert "как было" in page
    reps.log(outcome="refused", body="как стало", corrects=format_id(wrong.id))
    shown = reps.browser.get(f"{reps.url}/timeline", **{"Accept-Language": "ru"}).text
    assert "исправлено 1 раз" in shown
    assert shown.index("как стало") < shown.index("исправлено") < shown.index("как было")


@pytest.mark.parametrize("channel", ["email", "message", "visit", "note"])
def test_every_kind_of_conversation_has_its_template(reps: Reps, channel: str) -> None:
    assert reps.browser.get(f"{reps.url}/calls/new?channel={channel}").status_code == 200
    answer = reps.browser.post(f"{reps.url}/calls/new", channel=channel, body="о том и о сём", outcome="informed")
    assert answer.status_code == 303
    assert [row.channel for row in reps.rows(interaction)] == [channel]


def test_a_request_is_a_task_whose_state_is_changed_on_the_timeline(reps: Reps) -> None:
    answer = reps.browser.post(f"{reps.url}/calls/new", channel="service_request", subject="Фильтр", direction="in")
    assert answer.status_code == 303
    (asked,) = reps.rows(task)
    assert (asked.type, asked.state, asked.title) == ("service_request", "open", "Фильтр")
    reps.browser.post(f"{reps.url}/requests/state", task=format_id(asked.id), state="waiting")
    assert [row.state for row in reps.rows(task)] == ["waiting"]


def test_who_wants_no_contact_is_not_called_but_logged(reps: Reps) -> None:
    reps.shop.learn(change(RecordKind.CLIENT, ANNA, do_not_contact=True, do_not_contact_reason="просила"))
    shown = reps.browser.get(f"{reps.url}/calls/new").text
    assert "просила" in shown
    assert "tel:" not in shown
    assert reps.browser.post(f"{reps.url}/calls/start", channel="call", reason="надо").status_code == 403
    assert reps.manager.post(f"{reps.url}/calls/start", channel="call").status_code == 422
    assert reps.rows(audit_entry) == []
    begun = reps.manager.post(f"{reps.url}/calls/start", channel="call", reason="отзыв товара")
    assert begun.status_code == 303
    assert "tel:+79123456789" in reps.manager.get(begun.headers["location"]).text
    assert [row.action for row in reps.rows(audit_entry)] == ["contact_override"]
    reps.log(outcome="agreed")


def test_an_incoming_call_opens_the_caller_with_the_task_that_waits(reps: Reps) -> None:
    reps.log(do="plan", next="1", next_title="Поздравить")
    for spelling in ("8 (912) 345-67-89", "+79123456789", "79123456789"):
        answer = reps.browser.post("/calls/incoming", phone=spelling)
        parts = urlsplit(answer.headers["location"])
        asked = parse_qs(parts.query)
        assert (answer.status_code, parts.path) == (303, f"{reps.url}/calls/new")
        assert (asked["direction"], asked["contact"]) == (["in"], ["0"])
        assert asked["task"] == [format_id(reps.rows(task)[0].id)]
    page = reps.browser.get(answer.headers["location"]).text
    assert 'data-started="0"' in page
    assert reps.browser.get("/calls/incoming?phone=%2B79123456789").status_code == 303


def test_an_unknown_phone_leads_to_a_new_card(reps: Reps) -> None:
    answer = reps.browser.post("/calls/incoming", phone="8 912 000-00-00")
    assert answer.headers["location"] == "/clients/new?phone=%2B79120000000"
    assert reps.browser.post("/calls/incoming", phone="не телефон").status_code == 422


def test_a_telephone_system_proves_itself_with_its_token_and_is_answered_in_json(reps: Reps) -> None:
    system = Browser(reps.app).client
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    answer = system.post("/calls/incoming?phone=%2B79123456789", headers=bearer)
    assert answer.status_code == 200
    assert answer.json()["client"] == {"id": format_id(ANNA), "name": "Анна Иванова", "do_not_contact": False}
    assert system.post("/calls/incoming?phone=%2B79120000000", headers=bearer).json()["client"] is None
    wrong = {"Authorization": "Bearer something else"}
    assert system.post("/calls/incoming?phone=%2B79123456789", headers=wrong).status_code == 401
    assert system.post("/calls/incoming?phone=%2B79123456789").status_code == 403
    # The token opens nothing else.
    assert (
        system.post(f"{reps.url}/calls/new", headers=bearer, data={"channel": "note", "body": "x"}).status_code == 403
    )
    assert reps.rows(interaction) == []


def test_a_token_that_is_easily_guessed_is_refused() -> None:
    assert Settings().bearer_tokens == {}
    with pytest.raises(InvalidInput):
        _ = Settings(telephony_token="1234").bearer_tokens


def test_whoever_may_not_see_contacts_sees_none_on_the_timeline(reps: Reps) -> None:
    reps.log(outcome="agreed", contact="0")
    for path in ("timeline", "calls/new"):
        shown = reps.cashier.get(f"{reps.url}/{path}").text
        assert "9123456789" not in shown
        assert "Иванова" not in shown


def test_pages_of_a_long_timeline_follow_one_another(reps: Reps) -> None:
    for number in range(22):
        reps.shop.clock.advance(60)
        reps.log(body=f"звонок номер {number:02}.")
    first = reps.browser.get(f"{reps.url}/timeline").text
    assert "номер 21." in first
    assert "номер 01." not in first
    further = first.split('hx-get="/clients/')[-1].split('"')[0].replace("&amp;", "&")
    second = reps.browser.get(f"/clients/{further}", **{"HX-Request": "true"}).text
    assert "номер 01." in second
    assert "номер 02." not in second
    assert "<html" not in second
    assert reps.browser.get(f"{reps.url}/timeline?after=nonsense").status_code == 404


def report_call(reps: Reps, phone: str = "+79123456789") -> None:
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert Browser(reps.app).client.post("/calls/incoming", params={"phone": phone}, headers=bearer).status_code == 200


def ringing(browser: Browser) -> str:
    answer = browser.get("/calls/ringing")
    return "" if answer.status_code == 204 else answer.text


def test_a_call_rings_on_the_pages_of_those_who_log_calls_until_a_minute_is_over(reps: Reps, clock: FakeClock) -> None:
    reps.log(do="plan", next="1", next_title="Поздравить")
    assert "/calls/ringing" in reps.browser.get("/status").text
    assert "/calls/ringing" not in Browser(reps.app).get("/login").text
    assert ringing(reps.browser) == ""
    report_call(reps)
    for browser in (reps.browser, reps.manager):
        shown = ringing(browser)
        assert all(part in shown for part in ("Анна Иванова · +79123456789", "Поздравить", "Alt+KeyI")), shown
    clock.advance(59)
    assert "Анна" in ringing(reps.browser)
    clock.advance(1)
    assert ringing(reps.browser) == ""


def test_a_page_that_shows_the_call_is_told_nothing_until_it_changes(reps: Reps, clock: FakeClock) -> None:
    report_call(reps)
    url = re.findall(r'hx-get="(/calls/ringing[^"]*)"', ringing(reps.browser))[0]
    assert reps.browser.get(url).status_code == 204
    clock.advance(60)
    assert "data-reminder" not in reps.browser.get(url).text


def test_a_ringing_call_is_opened_with_its_task_and_hidden_for_who_says_so_alone(reps: Reps) -> None:
    reps.log(do="plan", next="1", next_title="Поздравить")
    report_call(reps)
    url = re.findall(r'href="(/calls/ringing/[^"]*)"', ringing(reps.browser))[0]
    assert "data-reminder" not in reps.manager.post(f"{url}/seen").text
    assert ringing(reps.manager) == ""
    answer = reps.browser.get(url)
    parts = urlsplit(answer.headers["location"])
    assert (answer.status_code, parts.path) == (303, f"{reps.url}/calls/new")
    assert parse_qs(parts.query)["task"] == [format_id(reps.rows(task)[0].id)]
    assert ringing(reps.browser) == ""
    report_call(reps)
    assert "Анна" in ringing(reps.manager)
