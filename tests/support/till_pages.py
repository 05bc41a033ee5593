"""The branch's pages as people use them: a client that holds cookies, sends tokens, logs in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from httpx2 import Response
from starlette.applications import Starlette
from starlette.testclient import TestClient

from branch_node.bootstrap import open_processor
from branch_node.bootstrap.status import read_status
from branch_node.devices.payment_terminal import open_terminal
from branch_node.settings import Settings
from branch_node.storage.store import BranchStore
from branch_node.web.app import create_app
from branch_node.web.context import WebContext
from tests.support.clock import FakeClock
from tests.support.shop import Shop
from tests.support.staff import CHEAP, PASSWORD, PIN, Staff

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
ADDRESS = "http://127.0.0.1:7490"


def make_pages(store: BranchStore, home: Path, standing: dict[str, Any] | None = None, **settings: Any) -> Starlette:
    """The application; `standing` replaces parts of how the branch stands, at any time."""
    chosen = Settings(home=home, **settings)
    processor = open_processor(chosen, store)
    terminal = open_terminal(chosen.payment_terminal)

    def read() -> dict[str, Any]:
        return {**read_status(chosen, store), **(standing or {})}

    return create_app(
        WebContext(
            store,
            chosen,
            read,
            processor.sell,
            terminal,
            processor.refund,
            processor.find_sold,
            password_cost=CHEAP,
            commit=processor.commit,
        )
    )


@dataclass
class Browser:
    """One browser: its cookies and the token of its forms."""

    app: Starlette
    client: TestClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = TestClient(self.app, base_url=ADDRESS, follow_redirects=False, raise_server_exceptions=True)

    def get(self, path: str, **headers: str) -> Response:
        return self.client.get(path, headers=headers)

    def post(self, path: str, page: str = "/help", /, **fields: Any) -> Response:
        """Sends a form as `page` would, with its token."""
        return self.client.post(path, data={"csrf_token": self.token(page), **fields})

    def token(self, page: str = "/help") -> str:
        found = TOKEN.search(self.client.get(page, follow_redirects=True).text)
        assert found
        return found[1]

    def log_in(self, code: str, password: str = PASSWORD, **fields: str) -> Response:
        return self.post("/login", "/login", code=code, password=password, method="password", **fields)

    def log_in_by_pin(self, code: str, pin: str = PIN, **fields: str) -> Response:
        return self.post("/login", "/login", code=code, pin=pin, method="pin", **fields)


def staff_of(store: BranchStore, clock: FakeClock, home: Path) -> Staff:
    """Anna the cashier and Maria the manager; PINs are given when asked for."""
    staff = Staff(Shop(store, clock), Settings(home=home))
    staff.hire("anna", "cashier")
    staff.hire("maria", "manager")
    return staff
