"""Logging in and out on the pages, pairing, PINs: who is let where, and what a browser keeps."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from branch_node.storage.store import BranchStore
from tests.support.clock import FakeClock
from tests.support.staff import PASSWORD, PIN, Staff
from tests.support.till_pages import Browser, make_pages, staff_of

PAIRING_CODE = re.compile(r'class="pairing-code">([^<]+)<')


@pytest.fixture
def staff(branch_store: BranchStore, clock: FakeClock, tmp_path: Path) -> Staff:
    return staff_of(branch_store, clock, tmp_path)


@pytest.fixture
def browser(staff: Staff) -> Browser:
    return Browser(make_pages(staff.shop.store, staff.settings.home))


def paired(browser: Browser, staff: Staff, register: str = "1") -> Browser:
    """The browser enters a code that a manager made."""
    manager = Browser(browser.app)
    manager.log_in("maria")
    made = PAIRING_CODE.search(manager.post("/pairing", register=register).text)
    assert made
    assert browser.post("/pair", "/pair", code=made[1].lower()).headers["location"] == "/login"
    return browser


@pytest.mark.parametrize("path", ["/status", "/pin", "/account", "/pairing"])
def test_pages_lead_nobody_to_the_log_in_and_back(browser: Browser, path: str) -> None:
    answer = browser.get(f"{path}?x=1")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/login?next=%2F{path[1:]}%3Fx%3D1")
    assert browser.log_in("anna", next=f"{path}?x=1").headers["location"] == f"{path}?x=1"


@pytest.mark.parametrize("path", ["/login", "/pair", "/help", "/healthz", "/chip"])
def test_some_pages_need_nobody(browser: Browser, path: str) -> None:
    assert browser.get(path).status_code == 200


def test_htmx_is_told_to_open_the_log_in(browser: Browser) -> None:
    answer = browser.get("/status", **{"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, "/login")


def test_a_password_logs_in_and_logging_out_ends_it(browser: Browser) -> None:
    assert browser.log_in("anna").status_code == 303
    assert "Anna" in browser.get("/status").text
    kept = browser.client.cookies["session"]
    assert browser.post("/logout").headers["location"] == "/login"
    assert "session" not in browser.client.cookies
    browser.client.cookies.set("session", kept, domain="127.0.0.1")
    assert browser.get("/status").headers["location"] == "/login?next=%2Fstatus&why=ended"


def test_a_wrong_password_says_so_and_keeps_the_code(browser: Browser) -> None:
    answer = browser.log_in("anna", "wrong password")
    assert answer.status_code == 403
    assert "do not belong together" in answer.text
    assert 'value="anna"' in answer.text
    assert "wrong password" not in answer.text


def test_a_lockout_says_when_to_try_again(browser: Browser) -> None:
    for _ in range(5):
        browser.log_in("anna", "wrong password")
    answer = browser.log_in("anna")
    assert re.search(r"Try again at \d\d:\d\d:\d\d\.", answer.text)


def test_nobody_is_led_to_another_site(browser: Browser) -> None:
    assert browser.log_in("anna", next="https://evil.example/").headers["location"] == "/"
    assert browser.get("/login?next=//evil.example").headers["location"] == "/"


def test_a_cookie_that_was_tampered_with_is_none(browser: Browser) -> None:
    browser.log_in("anna")
    token, _, signature = browser.client.cookies["session"].rpartition(".")
    browser.client.cookies.set("session", f"{token}x.{signature}", domain="127.0.0.1")
    assert browser.get("/status").status_code == 303


def test_a_form_is_bound_to_the_session(browser: Browser) -> None:
    before = browser.token("/login")
    browser.log_in("anna")
    answer = browser.client.post("/logout", data={"csrf_token": before})
    assert answer.status_code == 403
    assert browser.get("/status").status_code == 200


def test_cookies_are_out_of_scripts_reach(browser: Browser) -> None:
    cookies = browser.log_in("anna").headers.get_list("set-cookie")
    session = next(cookie for cookie in cookies if cookie.startswith("session="))
    assert "HttpOnly" in session
    assert "SameSite=strict" in session
    assert "Max-Age" not in session


def test_over_tls_cookies_belong_to_the_host_alone(browser: Browser) -> None:
    browser.client.base_url = browser.client.base_url.copy_with(scheme="https")
    cookies = browser.log_in("anna").headers.get_list("set-cookie")
    assert any(cookie.startswith("__Host-session=") and "Secure" in cookie for cookie in cookies)


def test_a_paired_browser_lets_in_by_pin_and_knows_its_register(browser: Browser, staff: Staff) -> None:
    staff.give_pin("anna")
    assert "PIN" not in browser.get("/login").text
    page = paired(browser, staff, "7").get("/login").text
    assert 'value="anna"' in page
    assert "register 7" in page
    assert browser.log_in_by_pin("anna").status_code == 303
    assert "register 7" in browser.get("/status").text


def test_who_logged_in_last_by_pin_is_offered_first(browser: Browser, staff: Staff) -> None:
    staff.give_pin("anna")
    staff.give_pin("maria", "3691")
    paired(browser, staff)

    def offered() -> list[str]:
        return re.findall(r'name="code" value="(\w+)"', browser.get("/login").text)

    assert offered() == ["anna", "maria"]
    browser.log_in_by_pin("maria", "3691")
    browser.post("/logout")
    assert offered() == ["maria", "anna"]


def test_a_wrong_pin_lets_nobody_in(browser: Browser, staff: Staff) -> None:
    staff.give_pin("anna")
    answer = paired(browser, staff).log_in_by_pin("anna", "9999")
    assert answer.status_code == 403
    assert "Code and PIN do not belong together." in answer.text


def test_a_session_that_ended_leads_to_the_log_in_with_a_sentence(browser: Browser, clock: FakeClock) -> None:
    browser.log_in("anna")
    clock.advance(13 * 3_600)
    answer = browser.get("/status")
    assert answer.headers["location"] == "/login?next=%2Fstatus&why=ended"
    assert "still there" in browser.get(answer.headers["location"]).text


def test_somebody_who_was_dismissed_is_out_at_once(browser: Browser, staff: Staff) -> None:
    browser.log_in("anna")
    staff.dismiss("anna")
    assert browser.get("/status").status_code == 303


def test_only_who_may_pair_sees_the_registers(browser: Browser) -> None:
    browser.log_in("anna")
    assert browser.get("/pairing").status_code == 403
    assert browser.post("/pairing", register="1").status_code == 403
    assert browser.post("/pairing/revoke", reference="1").status_code == 403
    assert "/pairing" not in browser.get("/status").text


def test_a_browser_that_is_unpaired_is_no_register_any_more(browser: Browser, staff: Staff) -> None:
    staff.give_pin("anna")
    paired(browser, staff).log_in_by_pin("anna")
    manager = Browser(browser.app)
    manager.log_in("maria")
    assert manager.post("/pairing/revoke", reference="1").status_code == 303
    assert browser.get("/status").status_code == 303
    assert "With your PIN" not in browser.get("/login").text


def test_a_wrong_pairing_code_says_what_to_do(browser: Browser) -> None:
    answer = browser.post("/pair", "/pair", code="NOTACODE")
    assert answer.status_code == 403
    assert "Ask the manager for a new code." in answer.text


def test_everybody_sets_ones_own_pin_and_a_manager_a_colleagues(browser: Browser, staff: Staff) -> None:
    browser.log_in("anna")
    assert browser.post("/pin", code="anna", pin=PIN, again="1470").status_code == 422
    assert browser.post("/pin", code="maria", pin=PIN, again=PIN).status_code == 422
    assert browser.post("/pin", code="anna", pin=PIN, again=PIN).status_code == 303
    manager = Browser(browser.app)
    manager.log_in("maria")
    assert manager.post("/pin", code="anna", pin="3691", again="3691").status_code == 303
    assert paired(Browser(browser.app), staff).log_in_by_pin("anna", "3691").status_code == 303


def test_a_password_for_the_first_time_only_is_said(browser: Browser, staff: Staff) -> None:
    staff.give_password("anna", PASSWORD, must_change=True)
    browser.log_in("anna")
    assert "first time only" in browser.get("/account").text
