"""The life of one branch through the installed programs, and the documents that other tools read."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from deploy.demo.chain import Branch, Serving
from tests.support.chains import Chain
from tests.support.commands import Finished, require_done, require_refusal, run
from tests.support.commands import branch as filial_branch
from tests.support.commands import hq as filial_hq
from tests.support.tills import asked_line, asked_lines

LIVE_SECONDS_MAX = 5
Nothing = type(None)

BRANCH_STATUS = {
    "branch": str,
    "incarnation": str,
    "mode": str,
    "when_unreachable": str,
    "online": bool,
    "head_seq": int,
    "head_hash": str,
    "acknowledged_seq": int,
    "waiting": int,
    "oldest_waiting_seconds": (int, float, Nothing),
    "feed_position": int,
    "skew_ms": (int, Nothing),
    "parked": int,
    "last_sync_at": (str, Nothing),
    "files_waiting": int,
    "file_bytes_waiting": int,
    "file_problems": int,
}
HQ_STATUS = {
    "branch": str,
    "incarnation": (str, Nothing),
    "online": bool,
    "mode": str,
    "acknowledged_seq": int,
    "acknowledged_hash": (str, Nothing),
    "watermark": (str, Nothing),
    "last_seen_at": (str, Nothing),
    "feed_position": int,
    "feed_lag": int,
    "skew_ms": (int, Nothing),
    "parked": int,
    "version": (str, Nothing),
    "state": str,
}
VERIFY = {"equal": bool, "entries": int, "head_hash": str, "differences": list}
REPORT = {"report": str, "parameters": dict, "columns": list, "rows": list, "completeness": dict}
COMPLETENESS = {"branch": str, "watermark": (str, Nothing), "last_seen_at": (str, Nothing), "complete": bool}
COMMITTED = {
    "key": str,
    "id": str,
    "receipt": str,
    "total_minor": int,
    "entry": int,
    "status": str,
    "confirmed": bool,
}


def require_shape(document: dict[str, Any], shape: dict[str, Any]) -> None:
    """Every key that INTERFACE.md names is there, with its type; a boolean is no number."""
    for key, expected in shape.items():
        assert key in document, f"{key} is missing"
        value = document[key]
        assert isinstance(value, expected), (key, value)
        assert not (isinstance(value, bool) and expected is not bool), (key, value)


def test_a_branch_lives_from_its_token_to_equal_reports(tmp_path: Path) -> None:
    office, shop = tmp_path / "hq", tmp_path / "shop"
    require_done(filial_hq(office, "init", "--name", "Chain", "--currency", "RUB", "--timezone", "Europe/Moscow"))
    serving = Serving("hq_server", office, "--grpc", "127.0.0.1:0", "--web", "127.0.0.1:0")
    try:
        require_done(filial_hq(office, "branch", "add", "B7", "--name", "Shop 7"))
        token = require_done(filial_hq(office, "branch", "token", "B7"))
        assert len(token.out.splitlines()) == 1
        address = serving.addresses["grpc"]
        require_done(filial_branch(shop, "enrol", "--hq", address, "--token", "-", give=token.out))
        sold = require_done(filial_branch(shop, "sell", "-", give="\n".join(asked_lines("abc"))))
        assert [answer["receipt"] for answer in sold.documents()] == ["1-000001", "1-000002", "1-000003"]
        require_done(filial_branch(shop, "sync", "run"))
        require_even(office, shop)
    finally:
        serving.stop()


def require_even(office: Path, shop: Path) -> None:
    status = require_done(filial_branch(shop, "sync", "status", "--json")).document()
    assert (status["head_seq"], status["acknowledged_seq"], status["waiting"]) == (3, 3, 0)
    verified = require_done(filial_branch(shop, "sync", "verify", "--json")).document()
    assert (verified["equal"], verified["entries"], verified["differences"]) == (True, 3, [])
    assert require_done(filial_hq(office, "sync", "verify", "B7", "--json")).document()["equal"]
    by = ("--by", "business_date", "--by", "product")
    here = require_done(filial_branch(shop, "report", "run", "sales", *by, "--json")).document()
    there = require_done(filial_hq(office, "report", "run", "sales", *by, "--json")).document()
    assert here["rows"] == there["rows"]
    assert here["totals"] == there["totals"]
    assert there["totals"]["net"] == 150


def test_a_served_branch_carries_a_sale_of_another_process_to_the_head_office(chain: Chain, branch: Branch) -> None:
    branch.serve()
    chain.wait_online(branch.code)
    till = branch.selling()
    try:
        for number in range(1, 4):
            answer = till.sell(asked_line(f"live-{number}"))
            held = chain.wait_for_sales(branch.code, number, LIVE_SECONDS_MAX)
            assert held[-1].id == answer["id"]
    finally:
        till.kill()


def test_sync_run_beside_a_serving_process_asks_it_and_returns(chain: Chain, branch: Branch) -> None:
    branch.serve()
    chain.wait_online(branch.code)
    fence = chain.cursor(branch.code).fence
    branch.sell([asked_line("one")])
    status = require_done(filial_branch(branch.home, "sync", "run", "--json")).document()
    assert status["waiting"] == 0
    assert status["acknowledged_seq"] == status["head_seq"] == 1
    assert chain.cursor(branch.code).fence == fence, "another session was opened beside the serving one"
    assert branch.serving is not None
    assert branch.serving.process.poll() is None


def test_two_sync_runs_at_once_both_end_even(branch: Branch) -> None:
    branch.sell(asked_lines(f"key-{number}" for number in range(300)))
    results: list[Finished] = []
    passes = [
        threading.Thread(target=lambda: results.append(filial_branch(branch.home, "sync", "run", "--json")))
        for _ in range(2)
    ]
    for each in passes:
        each.start()
    for each in passes:
        each.join()
    for result in results:
        assert require_done(result).document()["waiting"] == 0
    assert len(results) == 2


def test_a_sale_recorded_while_a_pass_runs_does_not_keep_it_from_ending(chain: Chain, branch: Branch) -> None:
    """A pass pushes to the head as it was at its start, however fast the till goes on."""
    till = branch.selling()
    stopping = threading.Event()

    def sell_on() -> None:
        number = 0
        while not stopping.is_set():
            till.sell(asked_line(f"flood-{number}"))
            number += 1

    seller = threading.Thread(target=sell_on)
    seller.start()
    try:
        require_done(filial_branch(branch.home, "sync", "run", "--timeout", "15"))
    finally:
        stopping.set()
        seller.join()
        till.close()


def test_a_second_serving_process_of_a_branch_is_refused(chain: Chain, branch: Branch) -> None:
    branch.serve()
    chain.wait_online(branch.code)
    require_refusal(filial_branch(branch.home, "serve", "--web", "127.0.0.1:0"), "already")


def test_a_second_head_office_on_one_sqlite_store_is_refused(chain: Chain) -> None:
    require_refusal(filial_hq(chain.office.home, "serve", "--grpc", "127.0.0.1:0", "--web", "127.0.0.1:0"), "another")


def test_an_offline_web_page_does_not_synchronise(chain: Chain, branch: Branch) -> None:
    branch.serve("--no-sync")
    branch.sell([asked_line("one")])
    assert require_done(filial_branch(branch.home, "sync", "run", "--json")).document()["waiting"] == 0
    assert len(chain.sales(branch.code)) == 1


@pytest.mark.parametrize("position", ["before", "after"])
def test_global_options_stand_before_or_after_the_command(branch: Branch, position: str) -> None:
    home = ["--home", str(branch.home), "--json"]
    command = ["sync", "status"]
    arguments = home + command if position == "before" else command + home
    assert require_done(run("filial-branch", *arguments)).document()["branch"] == branch.code


def test_the_home_may_come_from_the_environment(branch: Branch) -> None:
    done = run("filial-branch", "sync", "status", "--json", environment={"FILIAL_HOME": str(branch.home)})
    assert require_done(done).document()["branch"] == branch.code


@pytest.fixture(scope="module")
def told(chain: Chain) -> dict[str, Any]:
    """What each command says of one branch: before its first sale, while it waits, and when both sides are even."""
    branch, office = chain.join(), chain.office
    by = ("report", "run", "sales", "--by", "branch", "--branch", branch.code)
    before = {"branch before": branch.ask("sync", "status"), "hq before": chain.standing(branch.code)}
    committed, refused = branch.sell([asked_line("one"), asked_line("two", payments=[])])
    waiting = {
        "committed": committed,
        "refused": refused,
        "branch waiting": branch.ask("sync", "status"),
        "verify behind": filial_branch(branch.home, "sync", "verify", "--json"),
    }
    even = {
        "sync run": branch.ask("sync", "run"),
        "branch even": branch.ask("sync", "status"),
        "hq even": chain.standing(branch.code),
        "verify even": branch.ask("sync", "verify"),
        "hq verify": office.ask("sync", "verify", branch.code),
        "branch report": branch.ask(*by),
        "hq report": office.ask(*by),
    }
    return {"code": branch.code, **before, **waiting, **even}


class TestDocuments:
    """What INTERFACE.md promises of each document."""

    def test_a_sale_is_answered_with_every_documented_key(self, told: dict[str, Any]) -> None:
        require_shape(told["committed"], COMMITTED)
        assert told["committed"]["status"] == "committed"
        assert told["committed"]["confirmed"] is False

    def test_a_refused_sale_is_answered_with_every_documented_key(self, told: dict[str, Any]) -> None:
        require_shape(told["refused"], {"key": str, "status": str, "reason": str})
        assert told["refused"]["status"] == "refused"

    @pytest.mark.parametrize("moment", ["branch before", "branch waiting", "branch even", "sync run"])
    def test_the_branch_status_has_every_documented_key(self, told: dict[str, Any], moment: str) -> None:
        require_shape(told[moment], BRANCH_STATUS)

    def test_the_branch_status_says_what_waits(self, told: dict[str, Any]) -> None:
        assert (told["branch waiting"]["waiting"], told["branch even"]["waiting"]) == (1, 0)
        assert told["branch waiting"]["oldest_waiting_seconds"] >= 0
        assert told["branch even"]["oldest_waiting_seconds"] is None

    @pytest.mark.parametrize("moment", ["hq before", "hq even"])
    def test_the_head_office_status_has_every_documented_key(self, told: dict[str, Any], moment: str) -> None:
        require_shape(told[moment], HQ_STATUS)

    def test_both_sides_name_the_same_head(self, told: dict[str, Any]) -> None:
        here, there = told["branch even"], told["hq even"]
        assert there["acknowledged_hash"] == here["head_hash"] == told["verify even"]["head_hash"]
        assert (there["acknowledged_seq"], there["incarnation"]) == (here["head_seq"], here["incarnation"])

    def test_verification_has_every_documented_key(self, told: dict[str, Any]) -> None:
        behind: Finished = told["verify behind"]
        assert behind.code == 1
        assert behind.document()["differences"]
        for document in (behind.document(), told["verify even"], told["hq verify"]):
            require_shape(document, VERIFY)

    def test_a_report_has_every_documented_key(self, told: dict[str, Any]) -> None:
        for document in (told["branch report"], told["hq report"]):
            require_report(document, told["code"])


def require_report(document: dict[str, Any], code: str) -> None:
    require_shape(document, REPORT)
    columns = document["columns"]
    for column in columns:
        require_shape(column, {"name": str, "type": str})
        assert column["type"] != "money" or column["unit"] == "minor"
    names = [column["name"] for column in columns]
    assert {"branch", "receipts", "units", "gross", "discounts", "returns", "net"} <= set(names)
    assert [dict(zip(names, row, strict=True))["net"] for row in document["rows"]] == [50]
    assert document["rows"][0][0] == code
    assert isinstance(document["completeness"]["complete_to"], str)
    for known in document["completeness"]["branches"]:
        require_shape(known, COMPLETENESS)
        assert known["complete"] is True
