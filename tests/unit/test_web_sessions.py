"""Sessions of both programs' pages: a new id at every log-in, none left behind, none for whoever was dismissed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest
from starlette.testclient import TestClient

from hq_server.operations.people import Personnel
from shared.storage.session_tables import session
from tests.support.clock import FakeClock, SeededIds
from tests.support.office_pages import Desk, OfficePages, office_pages
from tests.support.shop import enrolled_store
from tests.support.staff import PASSWORD, Staff
from tests.support.till_pages import Browser, make_pages, staff_of


class Site(Protocol):
    """One program's pages, with Anna who may log in."""

    own_page: str

    def visitor(self) -> TestClient: ...
    def log_in(self, client: TestClient, code: str = "anna") -> Any: ...
    def post(self, client: TestClient, path: str) -> Any: ...
    def dismiss(self, code: str) -> None: ...
    def sessions(self) -> int: ...


@dataclass
class BranchSite:
    staff: Staff
    first: Browser
    own_page: str = "/account"

    def visitor(self) -> TestClient:
        return Browser(self.first.app).client

    def log_in(self, client: TestClient, code: str = "anna") -> Any:
        return self._as(client).log_in(code)

    def post(self, client: TestClient, path: str) -> Any:
        return self._as(client).post(path)

    def dismiss(self, code: str) -> None:
        self.staff.dismiss(code)

    def sessions(self) -> int:
        return self.staff.shop.count("session")

    def _as(self, client: TestClient) -> Browser:
        browser = Browser(self.first.app)
        browser.client = client
        return browser


@dataclass
class OfficeSite:
    pages: OfficePages
    own_page: str = "/password"

    def visitor(self) -> TestClient:
        return self.pages.visitor().client

    def log_in(self, client: TestClient, code: str = "anna") -> Any:
        page = "/login" if client.get("/login").status_code == 200 else self.own_page
        return Desk(client).post("/login", {"code": code, "password": PASSWORD}, page=page)

    def post(self, client: TestClient, path: str) -> Any:
        return Desk(client).post(path, page=self.own_page)

    def dismiss(self, code: str) -> None:
        office = self.pages.office
        with office.store.write() as connection:
            Personnel(connection, office.ids, office.clock.now_us()).dismiss(code)

    def sessions(self) -> int:
        return self.pages.office.count(session)


@contextmanager
def branch_site(folder: Path, template: Path) -> Iterator[BranchSite]:
    clock = FakeClock()
    store = enrolled_store(folder, template, clock, SeededIds(clock))
    yield BranchSite(staff_of(store, clock, folder), Browser(make_pages(store, folder)))
    store.close()


@pytest.fixture(params=["branch", "office"])
def site(
    request: pytest.FixtureRequest, tmp_path: Path, branch_template: Path, sqlite_template: Path
) -> Iterator[Site]:
    with ExitStack() as closing:
        if request.param == "branch":
            yield closing.enter_context(branch_site(tmp_path, branch_template))
            return
        pages = closing.enter_context(office_pages(tmp_path, sqlite_template))
        pages.hire("anna", "administrator")
        pages.hire("maria", "administrator")
        yield OfficeSite(pages)


def is_in(client: TestClient) -> bool:
    return 200 in (client.get("/account").status_code, client.get("/password").status_code)


def with_cookie(site: Site, value: str) -> TestClient:
    """Another browser that has got hold of a cookie."""
    client = site.visitor()
    client.cookies.set("session", value, domain="127.0.0.1")
    return client


def test_a_log_in_makes_a_new_id_and_leaves_no_session_behind(site: Site) -> None:
    client = site.visitor()
    site.log_in(client)
    first = client.cookies["session"]
    site.log_in(client, "maria")
    assert client.cookies["session"] != first
    assert is_in(client)
    assert not is_in(with_cookie(site, first))
    assert site.sessions() == 1


def test_an_id_that_was_planted_before_the_log_in_is_nobodys_after_it(site: Site) -> None:
    client = with_cookie(site, "planted.by-somebody")
    assert not is_in(client)
    client.cookies.set("visitor", "planted", domain="127.0.0.1")
    assert site.log_in(client).status_code == 303
    assert "planted" not in client.cookies["session"]
    assert not is_in(with_cookie(site, "planted.by-somebody"))


def test_a_wrong_password_ends_nothing_and_opens_nothing(site: Site) -> None:
    client = site.visitor()
    site.log_in(client)
    held = client.cookies["session"]
    assert site.log_in(client, "nobody").status_code == 403
    assert client.cookies["session"] == held
    assert is_in(client)


def test_logging_out_ends_the_session_on_the_server(site: Site) -> None:
    client = site.visitor()
    site.log_in(client)
    held = client.cookies["session"]
    site.post(client, "/logout")
    assert "session" not in client.cookies
    assert not is_in(with_cookie(site, held))
    assert site.sessions() == 0


def test_whoever_is_dismissed_is_out_of_every_browser_at_once(site: Site) -> None:
    browsers = [site.visitor() for _ in range(2)]
    for client in browsers:
        site.log_in(client)
    site.dismiss("anna")
    assert [is_in(client) for client in browsers] == [False, False]
    assert site.sessions() == 0
    assert site.log_in(site.visitor()).status_code == 403


@pytest.mark.parametrize(
    ("scheme", "name", "is_secure"), [("http", "session", False), ("https", "__Host-session", True)]
)
def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(
    site: Site, scheme: str, name: str, is_secure: bool
) -> None:
    client = site.visitor()
    client.base_url = client.base_url.copy_with(scheme=scheme)
    found = [each for each in site.log_in(client).headers.get_list("set-cookie") if each.startswith(f"{name}=")]
    assert len(found) == 1
    flags = {part.strip().lower() for part in found[0].split(";")[1:]}
    assert {"httponly", "samesite=strict", "path=/"} <= flags
    assert ("secure" in flags) is is_secure
    assert not any(flag.startswith(("max-age", "expires", "domain")) for flag in flags)


def test_a_form_of_the_session_before_is_not_taken(site: Site) -> None:
    client = site.visitor()
    site.log_in(client)
    before = Desk(client)
    before.post("/theme", page=site.own_page)
    site.log_in(client, "maria")
    assert client.post("/logout", data={"csrf_token": before.token}).status_code == 403
    assert is_in(client)
