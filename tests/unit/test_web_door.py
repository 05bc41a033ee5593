"""The door of the web applications: hosts, origins, tokens, sizes, headers, cookies."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from shared.web.security import BODY_BYTES_MAX, FORM_FIELDS_MAX, HEADERS
from tests.support.gallery import Gallery

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
ADDRESS = "http://127.0.0.1:7490"


@pytest.fixture
def gallery() -> Gallery:
    return Gallery()


@pytest.fixture
def client(gallery: Gallery) -> Iterator[TestClient]:
    with TestClient(gallery.app(), base_url=ADDRESS, follow_redirects=False, raise_server_exceptions=False) as client:
        yield client


def token_of(client: TestClient) -> str:
    found = TOKEN.search(client.get("/").text)
    assert found
    return found[1]


def test_a_form_with_the_pages_token_is_taken(client: TestClient, gallery: Gallery) -> None:
    answer = client.post("/sales", data={"csrf_token": token_of(client), "client": "Anna"})
    assert answer.status_code == 303
    assert gallery.sold == [{"client": "Anna"}]


def test_htmx_sends_the_token_in_a_header(client: TestClient, gallery: Gallery) -> None:
    answer = client.post("/sales", data={"client": "Anna"}, headers={"X-CSRF-Token": token_of(client)})
    assert answer.status_code == 303


@pytest.mark.parametrize("token", [None, "", "wrong", "ёж"])
def test_a_form_without_the_token_changes_nothing(client: TestClient, gallery: Gallery, token: str | None) -> None:
    token_of(client)
    answer = client.post("/sales", data={"client": "Anna"} | ({} if token is None else {"csrf_token": token}))
    assert answer.status_code == 403
    assert "out of date" in answer.text
    assert gallery.sold == []


def test_another_visitors_token_is_refused(client: TestClient, gallery: Gallery) -> None:
    stranger = TestClient(gallery.app(), base_url=ADDRESS)
    stranger.cookies.set("visitor", "forged")
    theirs = token_of(client)
    assert stranger.post("/sales", data={"csrf_token": theirs}).status_code == 403


def test_a_token_dies_with_its_session_and_outlives_a_restart(client: TestClient, gallery: Gallery) -> None:
    gallery.session = "one"
    token = token_of(client)
    again = TestClient(gallery.app(), base_url=ADDRESS, follow_redirects=False)
    assert again.post("/sales", data={"csrf_token": token}).status_code == 303
    gallery.session = "two"
    assert client.post("/sales", data={"csrf_token": token}).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:7491"},
        {"Origin": "https://127.0.0.1:7490"},
        {"Origin": "null"},
    ],
)
def test_a_form_from_another_site_is_refused_with_any_token(
    client: TestClient, gallery: Gallery, headers: dict[str, str]
) -> None:
    answer = client.post("/sales", data={"csrf_token": token_of(client)}, headers=headers)
    assert answer.status_code == 403
    assert "Another site" in answer.text
    assert gallery.sold == []


def test_our_own_origin_is_taken(client: TestClient) -> None:
    for headers in (
        {"Origin": ADDRESS},
        {"Origin": ADDRESS, "Sec-Fetch-Site": "same-origin"},
        # Behind a proxy that does TLS.
        {"Origin": "https://127.0.0.1:7490", "Sec-Fetch-Site": "same-origin"},
    ):
        assert client.post("/sales", data={"csrf_token": token_of(client)}, headers=headers).status_code == 303


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:7490", "[::1]:7490", "LOCALHOST"])
def test_the_machines_own_names_are_served(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[", "192.168.1.5"])
def test_another_name_is_not_served(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 421
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


def test_the_address_a_connection_came_to_is_the_machines_own(gallery: Gallery) -> None:
    # The test client says that it connected to the host of its base address.
    there = TestClient(gallery.app(), base_url="http://192.168.1.5")
    assert there.get("/").status_code == 200
    assert there.get("/", headers={"Host": "192.168.1.6"}).status_code == 421


def test_a_body_over_the_limit_is_refused_declared_or_not(client: TestClient, gallery: Gallery) -> None:
    token = token_of(client)
    large = "x" * BODY_BYTES_MAX
    assert client.post("/sales", data={"csrf_token": token, "note": large}).status_code == 413

    def parts() -> Iterator[bytes]:
        yield b"csrf_token=" + token.encode() + b"&note="
        yield from (b"x" * 65_536 for _ in range(17))

    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert client.post("/sales", content=parts(), headers=headers).status_code == 413
    assert gallery.sold == []


def test_a_form_of_too_many_fields_is_refused(client: TestClient) -> None:
    fields = {f"f{number}": "" for number in range(FORM_FIELDS_MAX)}
    answer = client.post("/sales", data={"csrf_token": token_of(client), **fields})
    assert answer.status_code == 400


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=x"])
def test_a_broken_form_is_refused(client: TestClient, kind: str) -> None:
    headers = {"Content-Type": kind, "X-CSRF-Token": token_of(client)}
    assert client.post("/sales", content=b"--x\r\nnonsense", headers=headers).status_code in (303, 400)


@pytest.mark.parametrize("path", ["/", "/nowhere", "/healthz", "/static/0/nothing.css", "/fail/input", "/break"])
def test_every_answer_carries_the_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert {name: headers[name] for name in HEADERS} == dict(HEADERS)
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_cookies_are_out_of_scripts_reach_and_bound_to_the_host_over_tls(gallery: Gallery) -> None:
    plain = TestClient(gallery.app(), base_url=ADDRESS).get("/").headers["set-cookie"]
    assert plain.startswith("visitor=")
    assert "HttpOnly" in plain
    assert "SameSite=strict" in plain
    assert "Secure" not in plain
    secure = TestClient(gallery.app(), base_url="https://127.0.0.1").get("/").headers["set-cookie"]
    assert secure.startswith("__Host-visitor=")
    assert "Secure" in secure


def test_pages_are_not_kept_by_the_browser(client: TestClient) -> None:
    assert client.get("/").headers["Cache-Control"] == "no-store"
