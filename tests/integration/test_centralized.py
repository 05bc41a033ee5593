"""Branches that commit through the head office, as processes: what a till hears, and what a network does to it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from deploy.demo.chain import Branch
from tests.support.chains import Chain
from tests.support.commands import branch as filial_branch
from tests.support.commands import hq as filial_hq
from tests.support.commands import require_done, require_refusal
from tests.support.deadlines import wait_until
from tests.support.networks import Network, network_to
from tests.support.tills import asked_line

DEADLINE_MS = "400"
SALES_PER_MODE_MIN = 3


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FILIAL_COMMIT_DEADLINE_MS", DEADLINE_MS)


@pytest.fixture
def network(chain: Chain) -> Iterator[Network]:
    """The network between this test's branch and the shared head office."""
    with network_to(chain.port) as network:
        yield network


@pytest.fixture
def far_branch(chain: Chain, network: Network) -> Iterator[Branch]:
    """A branch behind the network."""
    joined = chain.join(port=network.port)
    yield joined
    joined.kill()


def centralize(chain: Chain, branch: Branch, policy: str) -> None:
    chain.set_mode(branch, "centralized", policy)
    branch.run("sync", "run")


def require_even(chain: Chain, branch: Branch) -> None:
    branch.run("sync", "run")
    assert branch.ask("sync", "verify")["equal"]
    assert chain.office.ask("sync", "verify", branch.code)["equal"]


def test_a_sale_is_at_the_head_office_when_it_is_answered(chain: Chain, branch: Branch) -> None:
    centralize(chain, branch, "refuse")
    (answer,) = branch.sell([asked_line("a", 70)])
    assert (answer["status"], answer["confirmed"], answer["receipt"]) == ("committed", True, "1-000001")
    assert [(sale.id, sale.total_minor) for sale in chain.sales(branch.code)] == [(answer["id"], 70)]
    assert branch.sell([asked_line("a", 70)]) == [answer]
    require_even(chain, branch)
    assert len(chain.sales(branch.code)) == 1


def test_what_nobody_answers_is_undecided_and_the_next_sale_does_not_wait_for_it(
    chain: Chain, network: Network, far_branch: Branch
) -> None:
    centralize(chain, far_branch, "refuse")
    till = far_branch.selling()
    assert till.sell(asked_line("before"))["confirmed"]
    network.freeze()
    first = till.sell(asked_line("frozen"))
    assert (first["status"], first["key"]) == ("unconfirmed", "frozen")
    assert "same key" in first["reason"]
    # HQ is known to be away: the answer comes from here, and says when HQ is asked again.
    second = till.sell(asked_line("next"))
    assert (second["status"], second["key"]) == ("refused", "next")
    assert "It is asked again in" in second["reason"]
    assert far_branch.ask("sync", "status")["undecided"] == 1
    network.thaw()
    far_branch.run("sync", "run")
    again = till.sell(asked_line("frozen"))
    till.close()
    assert (again["status"], again["confirmed"]) == ("committed", True)
    require_even(chain, far_branch)
    assert far_branch.ask("sync", "status")["undecided"] == 0
    assert len(chain.sales(far_branch.code)) == 2


def test_a_till_that_falls_back_sells_on_and_each_sale_arrives_once(
    chain: Chain, network: Network, far_branch: Branch
) -> None:
    centralize(chain, far_branch, "fall-back")
    till = far_branch.selling()
    assert till.sell(asked_line("before"))["confirmed"]
    network.freeze()
    answers = [till.sell(asked_line(f"frozen-{number}")) for number in range(20)]
    network.cut()
    answers += [till.sell(asked_line(f"cut-{number}")) for number in range(20)]
    assert {(answer["status"], answer["confirmed"]) for answer in answers} == {("committed", False)}
    network.mend()
    network.thaw()
    require_even(chain, far_branch)
    after = till.sell(asked_line("after"))
    till.close()
    assert after["confirmed"]
    held = chain.sales(far_branch.code)
    assert [sale.receipt for sale in held] == [f"1-{number:06}" for number in range(1, 43)]
    assert {answer["id"] for answer in (*answers, after)} < {sale.id for sale in held}


def test_a_switch_reaches_a_branch_that_serves_while_its_till_sells(chain: Chain, branch: Branch) -> None:
    branch.serve()
    chain.wait_online(branch.code)
    answers: list[dict[str, Any]] = []
    stopping = threading.Event()

    def sell_on() -> None:
        till = branch.selling()
        while not stopping.is_set():
            answers.append(till.sell(asked_line(f"key-{len(answers)}")))
        till.close()

    def goes_on(confirmed: bool) -> None:
        known = len(answers)
        wait_until(
            lambda: sum(answer["confirmed"] is confirmed for answer in answers[known:]) >= SALES_PER_MODE_MIN,
            f"sales with confirmed={confirmed}",
        )

    seller = threading.Thread(target=sell_on)
    seller.start()
    try:
        goes_on(confirmed=False)
        for mode in ("centralized", "distributed", "centralized"):
            chain.set_mode(branch, mode)
            goes_on(confirmed=mode == "centralized")
    finally:
        stopping.set()
        seller.join()
    assert {answer["status"] for answer in answers} == {"committed"}
    require_even(chain, branch)
    held = chain.sales(branch.code)
    assert sorted(sale.id for sale in held) == sorted(answer["id"] for answer in answers)
    assert branch.ask("sync", "status")["mode"] == "centralized"


def test_a_branch_asks_for_what_other_branches_know_and_says_so_when_nobody_answers(
    chain: Chain, branch: Branch, network: Network, far_branch: Branch
) -> None:
    branch.run("client", "add", "--name", "Anna of the other branch", "--external-id", branch.code)
    branch.sell([asked_line("a", 70, client=branch.code)])
    branch.run("sync", "run")

    found = far_branch.ask("client", "find", "--chain", "of the other")
    assert (found["source"], [row["name"] for row in found["clients"]]) == ("head_office", ["Anna of the other branch"])
    shown = far_branch.ask("client", "show", "--chain", branch.code)
    assert [(sale["branch"], sale["receipt"], sale["total_minor"]) for sale in shown["sales"]] == [
        (branch.code, "1-000001", 70)
    ]
    receipt = far_branch.ask("receipt", "show", branch.code, "1-000001")
    assert receipt["sales"] == shown["sales"]
    require_refusal(filial_branch(far_branch.home, "receipt", "show", branch.code, "1-000009"), "no receipt")

    far_branch.run("sync", "run")
    network.cut()
    found = far_branch.ask("client", "find", "--chain", "of the other")
    assert (found["source"], found["clients"]) == ("branch", [])
    assert found["as_of"] is not None
    said = require_done(filial_branch(far_branch.home, "client", "find", "--chain", "of the other")).out
    assert "cannot be reached. This is what this branch knows, as of" in said
    require_refusal(filial_branch(far_branch.home, "receipt", "show", branch.code, "1-000001"), "here")


def test_a_budget_is_leased_spent_shown_and_taken_back(
    chain: Chain, branch: Branch, network: Network, far_branch: Branch
) -> None:
    owner = f"gift:{branch.code}"
    home = chain.office.home
    require_refusal(filial_branch(branch.home, "budget", "show", owner), "no budget")
    require_done(filial_hq(home, "budget", "add", owner, 100))
    branch.run("budget", "want", owner, "40")
    branch.run("sync", "run")
    require_done(filial_branch(branch.home, "budget", "spend", owner, 15))
    require_refusal(filial_branch(branch.home, "budget", "spend", owner, 26), "only 25")
    branch.run("sync", "run")
    shown = far_branch.ask("budget", "show", owner)
    assert shown["budgets"] == [{"owner": owner, "available": 60, "holdings": [{"branch": branch.code, "left": 25}]}]
    network.cut()
    assert far_branch.ask("budget", "show", owner)["budgets"] == [
        {"owner": owner, "available": None, "holdings": [{"branch": far_branch.code, "left": 0}]}
    ]
    (lease,) = chain.office.ask("budget", "leases", owner)["leases"]
    assert chain.office.ask("budget", "release", lease["lease"])["released"] == 25
    require_refusal(filial_hq(home, "budget", "release", lease["lease"]), "no open lease")
    (row,) = [row for row in chain.office.ask("budget", "list")["budgets"] if row["owner"] == owner]
    assert (row["spent"], row["leased"], row["available"]) == (15, 0, 85)
    # The store that was thought to be gone spends on: it is taken, and counted.
    require_done(filial_branch(branch.home, "budget", "spend", owner, 5))
    branch.run("sync", "run")
    (row,) = [row for row in chain.office.ask("budget", "list")["budgets"] if row["owner"] == owner]
    assert (row["spent"], row["available"]) == (20, 80)
