"""The branch's own pages: the chip, the status, help, health, the certificate; and where they may be served."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from branch_node.bootstrap import open_processor
from branch_node.bootstrap.serving import WebChoice, choose_tls
from branch_node.bootstrap.status import read_status
from branch_node.settings import Settings
from branch_node.storage.store import BranchStore
from branch_node.web.app import create_app
from branch_node.web.context import WebContext
from branch_node.web.status import abilities_of, chip_of, matters_of
from shared.errors import Refused, StoreBusy
from shared.web.translations import speaking
from tests.support.shop import Shop
from tests.support.staff import Staff
from tests.support.till_pages import Browser

QUIET: dict[str, Any] = {
    "online": True,
    "waiting": 0,
    "oldest_waiting_seconds": None,
    "undecided": 0,
    "parked": 0,
    "skew_ms": None,
    "trouble": None,
    "mode": "distributed",
    "when_unreachable": "refuse",
}
AWAY = {**QUIET, "online": False, "waiting": 12, "oldest_waiting_seconds": 250.0}


def client_of(
    store: BranchStore, home: Path, standing: dict[str, Any] | None = None, read: Callable[[], Any] | None = None
) -> TestClient:
    settings = Settings(home=home, web_hosts="till.shop, TILL2")

    def read_standing() -> dict[str, Any]:
        return {**read_status(settings, store), **(standing or {})}

    app = create_app(WebContext(store, settings, read or read_standing, open_processor(settings, store).sell))
    browser = Browser(app)
    staff = Staff(Shop(store, store.clock), settings)  # type: ignore[arg-type]
    staff.hire("anna")
    assert browser.log_in("anna").status_code == 303
    browser.client.follow_redirects = True
    return browser.client


@pytest.mark.parametrize(
    ("standing", "english", "russian"),
    [
        (QUIET, "online", "на связи"),
        ({**QUIET, "waiting": 3}, "online, 3 waiting", "на связи, в очереди 3"),
        (AWAY, "working locally, 12 waiting, oldest 4 min", "работаем локально, в очереди 12, самой старой 4 мин"),
        ({**QUIET, "online": False}, "working locally", "работаем локально"),
    ],
)
def test_the_chip_says_how_the_branch_stands(standing: dict[str, Any], english: str, russian: str) -> None:
    assert chip_of(standing).text == english
    with speaking("ru"):
        assert chip_of(standing).text == russian


def test_the_chip_is_asked_for_alone(branch_store: BranchStore, tmp_path: Path) -> None:
    chip = client_of(branch_store, tmp_path, AWAY).get("/chip", headers={"HX-Request": "true"})
    assert chip.text.strip().startswith('<a id="chip" class="chip chip-local"')
    assert "working locally, 12 waiting, oldest 4 min" in chip.text


def test_nothing_is_a_matter_while_nothing_waits() -> None:
    assert matters_of(QUIET) == []


def test_each_matter_says_what_to_do_now() -> None:
    standing = {**AWAY, "undecided": 1, "parked": 2, "skew_ms": -7_200_000, "trouble": "Revoked."}
    said = [str(matter.what) for matter in matters_of(standing)]
    assert said == [
        "12 entries wait",
        "1 operation in doubt",
        "2 edits set aside",
        "The clock is 2 h off",
        "The head office does not accept this branch",
    ]
    assert all(str(matter.what_now) for matter in matters_of(standing))


def test_files_that_have_yet_to_move_and_those_that_cannot_are_named() -> None:
    standing = QUIET | {"files_waiting": 2, "file_bytes_waiting": 3 * 1_048_576, "file_problems": 1}
    going, broken = matters_of(standing)
    assert str(going.what) == "2 files on their way"
    assert str(going.why).startswith("3 MiB have yet to move")
    assert str(broken.what) == "1 file has a problem"


def test_selling_needs_the_head_office_only_where_it_decided_so() -> None:
    def selling(standing: dict[str, Any]) -> tuple[bool, bool]:
        here, there = abilities_of(standing)
        found = [(ability.works, ability in here) for ability in (*here, *there) if "Selling" in str(ability.name)]
        assert len(found) == 1
        return found[0]

    centralized = {**AWAY, "mode": "centralized"}
    assert selling(AWAY) == (True, True)
    assert selling({**centralized, "when_unreachable": "fall_back"}) == (True, True)
    assert selling(centralized) == (False, False)
    assert selling({**centralized, "online": True}) == (True, False)


def test_a_sale_shows_on_the_status_page(shop: Shop, branch_store: BranchStore, tmp_path: Path) -> None:
    client = client_of(branch_store, tmp_path)
    before = read_status(Settings(home=tmp_path), branch_store)["waiting"]
    shop.sell()
    page = client.get("/status").text
    assert f'<span class="figure-value">{before + 1}</span>' in page
    block = client.get("/status/standing", headers={"HX-Request": "true"}).text
    assert block.strip().startswith('<div id="standing"')


def test_health_is_what_it_was(branch_store: BranchStore, tmp_path: Path) -> None:
    answer = client_of(branch_store, tmp_path).get("/healthz", headers={"Host": "probe.example"})
    assert answer.status_code == 200
    assert set(answer.json()) == {
        "status", "release", "branch", "online", "waiting", "oldest_waiting_seconds", "parked",
    }  # fmt: skip


def test_a_store_that_does_not_answer_fails_health_and_shows_why(branch_store: BranchStore, tmp_path: Path) -> None:
    def busy() -> dict[str, Any]:
        raise StoreBusy("The store is busy.", "Try again.")

    client = client_of(branch_store, tmp_path, read=busy)
    assert client.get("/healthz").json() == {"status": "failing", "reason": "The store is busy."}
    page = client.get("/status")
    assert (page.status_code, "The store is busy." in page.text) == (503, True)
    assert client.get("/help").status_code == 200


def test_the_root_certificate_can_be_fetched_once_it_is_there(branch_store: BranchStore, tmp_path: Path) -> None:
    client = client_of(branch_store, tmp_path)
    assert client.get("/authority.crt").status_code == 404
    (tmp_path / "authority.crt").write_bytes(b"-----BEGIN CERTIFICATE-----")
    fetched = client.get("/authority.crt")
    assert fetched.content == b"-----BEGIN CERTIFICATE-----"
    assert "authority.crt" in fetched.headers["Content-Disposition"]
    assert "/authority.crt" in client.get("/help").text


def test_configured_names_are_served(branch_store: BranchStore, tmp_path: Path) -> None:
    client = client_of(branch_store, tmp_path)
    assert client.get("/help", headers={"Host": "till2:7490"}).status_code == 200
    assert client.get("/help", headers={"Host": "till3"}).status_code == 421


def test_the_signing_key_is_made_once_and_is_the_owners_alone(branch_store: BranchStore, tmp_path: Path) -> None:
    client_of(branch_store, tmp_path)
    secret = tmp_path / "web.secret"
    made = secret.read_bytes()
    client_of(branch_store, tmp_path)
    assert secret.read_bytes() == made
    assert len(made) == 32
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600


def test_other_machines_need_tls_unless_the_operator_insists(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert choose_tls(settings, WebChoice("127.0.0.1:7490")) is None
    assert choose_tls(settings, WebChoice("localhost:7490")) is None
    assert choose_tls(settings, WebChoice("[::1]:7490")) is None
    assert choose_tls(settings, WebChoice("0.0.0.0:7490", insecure=True)) is None
    for address in ("0.0.0.0:7490", "192.168.1.5:7490", "[::]:7490", "till.shop:7490"):
        with pytest.raises(Refused, match="no certificate") as refused:
            choose_tls(settings, WebChoice(address))
        assert "--insecure-web" in refused.value.hint
    settings.web_certificate_path.touch()
    with pytest.raises(Refused, match=r"without web\.key"):
        choose_tls(settings, WebChoice("127.0.0.1:7490"))
    settings.web_key_path.touch()
    files = choose_tls(settings, WebChoice("0.0.0.0:7490"))
    assert files == (settings.web_certificate_path, settings.web_key_path)
