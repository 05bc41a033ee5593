"""Pages: escaping, blocks, failures, notices, language and theme, static files."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from shared.errors import FilialError, NotFound, Refused, StaleEdit, StoreBusy
from shared.web.failures import status_of
from shared.web.pages import in_order, show_hotkey
from shared.web.request_state import choose_language
from shared.web.site import local_path
from shared.web.static_files import FOREVER
from tests.support.gallery import Gallery
from tests.unit.test_web_door import ADDRESS, token_of


@pytest.fixture
def client() -> Iterator[TestClient]:
    with TestClient(Gallery().app(), base_url=ADDRESS, raise_server_exceptions=False) as client:
        yield client


def test_what_people_typed_is_shown_as_they_typed_it(client: TestClient) -> None:
    page = client.get("/").text
    assert "Анна &lt;b&gt;" in page
    assert "<b>" not in page


def test_a_block_is_rendered_alone_with_the_components(client: TestClient) -> None:
    block = client.get("/?block=table").text
    assert "Sales of today" in block
    assert "<html" not in block


@pytest.mark.parametrize(
    ("kind", "status", "message"),
    [
        ("input", 422, "That is no sum."),
        ("missing", 404, "There is no such client."),
        ("refused", 409, "The till is closed."),
        ("unreachable", 503, "The head office does not answer."),
    ],
)
def test_an_error_becomes_a_page_a_fragment_or_json(client: TestClient, kind: str, status: int, message: str) -> None:
    page = client.get(f"/fail/{kind}")
    assert (page.status_code, "<html" in page.text, message in page.text) == (status, True, True)
    fragment = client.get(f"/fail/{kind}", headers={"HX-Request": "true"})
    assert (fragment.status_code, "<html" in fragment.text, message in fragment.text) == (status, False, True)
    assert fragment.headers["HX-Retarget"] == "#notices"
    document = client.get(f"/fail/{kind}", headers={"Accept": "application/json"})
    assert (document.status_code, document.json()["message"]) == (status, message)


def test_statuses_follow_the_tree_of_errors() -> None:
    class NotPermitted(Refused):
        pass

    assert status_of(NotPermitted("No.")) == 403
    assert status_of(StaleEdit("Changed.")) == 409
    assert status_of(StoreBusy("Busy.")) == 503
    assert status_of(NotFound("Gone.")) == 404
    assert status_of(FilialError("What?")) == 400


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_the_unforeseen_tells_a_number_and_nothing_else(client: TestClient, accept: str) -> None:
    with capture_logs() as logged:
        answer = client.get("/break", headers={"Accept": accept})
    assert answer.status_code == 500
    assert "a secret inside" not in answer.text
    assert "Traceback" not in answer.text
    (event,) = [event for event in logged if event["event"] == "request failed"]
    assert event["request_id"] in answer.text
    assert event["request_id"] == answer.headers["X-Request-Id"]


def test_an_unknown_page_and_method_are_answered_in_the_frame(client: TestClient) -> None:
    assert "There is no such page." in client.get("/nowhere").text
    headers = {"X-CSRF-Token": token_of(client)}
    assert client.post("/", headers=headers).status_code == 405


def test_what_was_done_is_said_once_with_the_way_back(client: TestClient) -> None:
    first = client.post("/sales", data={"csrf_token": token_of(client), "client": "Ёлка"}).text
    assert "Sold to Ёлка" in first
    assert 'action="/undo"' in first
    assert "Sold to" not in client.get("/").text


def test_htmx_opens_the_next_page_whole(client: TestClient) -> None:
    headers = {"HX-Request": "true", "X-CSRF-Token": token_of(client)}
    answer = client.post("/sales", data={"client": "Anna"}, headers=headers)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, "/")
    assert "Sold to Anna" in client.get("/").text


def test_a_forged_notice_is_not_said(client: TestClient) -> None:
    client.cookies.set("notice", "5b22783c225d.forged")
    assert client.get("/").status_code == 200


@pytest.mark.parametrize(
    ("chosen", "accepted", "language"),
    [
        ("", "", "en"),
        ("ru", "en", "ru"),
        ("xx", "ru-RU,ru;q=0.9,en;q=0.8", "ru"),
        ("", "en;q=0.3,ru;q=0.7", "ru"),
        ("", "de,fr;q=0.5", "en"),
        ("", "ru;q=0,en;q=0.1", "en"),
        ("", ";;;q=,,ru;q=x", "en"),
    ],
)
def test_the_cookie_chooses_the_language_then_the_browser(chosen: str, accepted: str, language: str) -> None:
    assert choose_language(chosen, accepted) == language


def test_switching_the_language_returns_to_the_same_page(client: TestClient) -> None:
    data = {"csrf_token": token_of(client), "language": "ru", "next": "/?block=&x=1"}
    answer = client.post("/language", data=data, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/?block=&x=1")
    assert '<html lang="ru">' in client.get("/").text


def test_a_theme_is_one_of_those_offered(client: TestClient) -> None:
    token = token_of(client)
    assert client.post("/theme", data={"csrf_token": token, "theme": '"><b'}).status_code == 422
    client.post("/theme", data={"csrf_token": token, "theme": "dark", "next": "/"})
    assert 'data-theme="dark"' in client.get("/").text


@pytest.mark.parametrize("url", ["https://evil.example", "//evil.example", "/\\evil.example", "evil", "", "/\nx"])
def test_nobody_is_sent_to_another_site(url: str) -> None:
    assert local_path(url) == "/"


def test_static_files_change_their_address_with_their_content_and_are_kept(client: TestClient) -> None:
    page = client.get("/").text
    urls = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert len(urls) >= 3
    for url in urls:
        answer = client.get(url)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, FOREVER)
    assert client.get(urls[0].replace("/static/", "/static/0")).status_code == 404
    assert client.get("/static/../pages.py").status_code == 404


def test_names_stand_in_the_order_that_people_expect() -> None:
    items = [{"name": name} for name in ("яблоко", "Ёлка", None, "арбуз", "ежевика")]
    assert [item["name"] for item in in_order(items, "name")] == ["арбуз", "ежевика", "Ёлка", "яблоко", None]


def test_keys_are_shown_as_people_say_them() -> None:
    assert show_hotkey("Ctrl+KeyK") == "Ctrl+K"
    assert show_hotkey("F2") == "F2"
    assert show_hotkey("Alt+Digit1") == "Alt+1"
