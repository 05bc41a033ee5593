"""The head office's pages without its programs: an application over a founded store, and somebody who uses it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.testclient import TestClient

from hq_server.operations.authority import Authority
from hq_server.operations.first_log_in import issue_first_log_in
from hq_server.operations.founding import found_chain
from hq_server.operations.people import Personnel, Placement
from hq_server.settings import Settings
from hq_server.storage.store import connect_store
from hq_server.web.app import create_app
from hq_server.web.context import make_context
from shared.domain.positions import ALL_BRANCHES
from shared.operations.passwords import hash_password
from tests.support.clock import FakeClock, SeededIds
from tests.support.office import Office
from tests.support.staff import CHEAP, PASSWORD

ADDRESS = "http://127.0.0.1:7480"
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass
class OfficePages:
    """A head office on SQLite, and its web application."""

    office: Office
    app: Starlette
    closing: ExitStack

    def hire(self, code: str, role: str, password: str = PASSWORD, must_change: bool = False) -> bytes:
        """Somebody who works at every branch."""
        office = self.office
        with office.store.write() as connection:
            people = Personnel(connection, office.ids, office.clock.now_us())
            return people.hire(
                code,
                code.title(),
                Placement(role, (ALL_BRANCHES,)),
                password_hash=hash_password(password, b"s" * 16, CHEAP),
                must_change=must_change,
            )

    def first_link(self) -> str:
        """The token of the first administrator's link."""
        office = self.office
        with office.store.write() as connection:
            return issue_first_log_in(connection, office.ids, office.clock.now_us())

    def visitor(self) -> Desk:
        """Somebody with a browser who has not logged in."""
        client = TestClient(self.app, base_url=ADDRESS, follow_redirects=False)
        # One loop and its threads for all requests, as in a server: each thread that writes holds a connection.
        self.closing.enter_context(client)
        return Desk(client)

    def logged_in(self, code: str, password: str = PASSWORD) -> Desk:
        """Somebody who has."""
        desk = self.visitor()
        answer = desk.post("/login", {"code": code, "password": password}, page="/login")
        assert answer.status_code == 303, answer.text
        return desk


@dataclass
class Desk:
    """A browser: it keeps cookies, and sends the token of a page with a form."""

    client: TestClient
    token: str = ""

    def get(self, path: str, language: str = "en", **headers: str) -> Any:
        return self.client.get(path, headers={"Accept-Language": language, **headers})

    def post(
        self, path: str, fields: dict[str, Any] | None = None, page: str = "", files: Any = None, language: str = "en"
    ) -> Any:
        """Sends a form; the token is taken from `page`, where the form stands."""
        if page:
            found = _TOKEN.search(self.get(page).text)
            self.token = found.group(1) if found else ""
        data = {"csrf_token": self.token, **(fields or {})}
        return self.client.post(path, data=data, files=files, headers={"Accept-Language": language})


@contextmanager
def office_pages(folder: Path, template: Path, name: str = "Сеть") -> Iterator[OfficePages]:
    """Founds a chain in a folder, on a copy of the file that holds the schema."""
    shutil.copy(template, folder / "hq.db")
    clock = FakeClock()
    ids = SeededIds(clock)
    store = connect_store("sqlite:///hq.db", folder, clock)
    chain = found_chain(store, name, "RUB", "Europe/Moscow", clock, ids)
    Authority.found(name).save(Settings(home=folder))
    context = make_context(store, Settings(home=folder), clock, ids, lambda: None, CHEAP)
    with ExitStack() as closing:
        yield OfficePages(Office(store, clock, ids, chain), create_app(context), closing)
    store.close()
