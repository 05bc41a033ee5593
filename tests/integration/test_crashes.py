"""Processes killed at random moments: every sale that was answered is at HQ once, and no other."""

from __future__ import annotations

import os
from collections.abc import Iterator
from random import SystemRandom

import pytest

from deploy.demo.chain import Branch
from tests.support.chains import Chain
from tests.support.commands import branch as filial_branch
from tests.support.commands import require_done
from tests.support.networks import network_to
from tests.support.storm import Storm
from tests.support.tills import asked_line, asked_lines

ROUNDS = 5
DEADLINE_MS = "500"
ROUNDS_LONG = 150
BYTES_OF_A_PART = 400_000


@pytest.fixture(params=["sqlite", "postgresql"])
def crash_chain(request: pytest.FixtureRequest) -> Iterator[Chain]:
    """A served chain on each database, whose head office may be killed."""
    if request.param == "sqlite":
        yield request.getfixturevalue("own_chain")
        return
    chain: Chain = request.getfixturevalue("postgresql_chain")
    chain.serve()
    yield chain


def choose_seed() -> int:
    """FILIAL_TEST_SEED, or a new one; a failing test prints it."""
    seed = int(os.environ.get("FILIAL_TEST_SEED") or SystemRandom().randrange(10**9))
    print(f"seed {seed}: run again with FILIAL_TEST_SEED={seed}")
    return seed


def rage(chain: Chain, rounds: int) -> None:
    with network_to(chain.port) as network:
        storm = Storm(chain, chain.join(port=network.port), network, choose_seed())
        storm.rage(rounds)
        storm.require_nothing_lost_nothing_doubled()


def rage_centralized(chain: Chain, policy: str, rounds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FILIAL_COMMIT_DEADLINE_MS", DEADLINE_MS)
    with network_to(chain.port) as network:
        branch = chain.join(port=network.port)
        chain.set_mode(branch, "centralized", policy)
        require_done(filial_branch(branch.home, "sync", "run"))
        storm = Storm(chain, branch, network, choose_seed(), is_centralized=True)
        storm.rage(rounds)
        assert any(answer["confirmed"] for answer in storm.answered.values())
        storm.require_nothing_lost_nothing_doubled()


def test_killed_at_random_moments_nothing_is_lost_and_nothing_doubled(crash_chain: Chain) -> None:
    rage(crash_chain, ROUNDS)


@pytest.mark.parametrize(
    ("crash_chain", "policy"), [("sqlite", "refuse"), ("postgresql", "fall-back")], indirect=["crash_chain"]
)
def test_killed_amid_centralized_sales_nothing_is_lost_and_nothing_doubled(
    crash_chain: Chain, policy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rage_centralized(crash_chain, policy, ROUNDS, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["refuse", "fall-back"])
def test_killed_many_times_amid_centralized_sales(
    crash_chain: Chain, policy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rage_centralized(crash_chain, policy, ROUNDS_LONG, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("attempt", range(3))
def test_killed_many_times_nothing_is_lost_and_nothing_doubled(crash_chain: Chain, attempt: int) -> None:
    rage(crash_chain, ROUNDS_LONG)


def test_a_till_killed_with_its_answer_unread_has_sold_once_at_most(chain: Chain, branch: Branch) -> None:
    till = branch.selling()
    till.sell(asked_line("warm-up"))
    assert till.process.stdin is not None
    till.process.stdin.write(asked_line("unread", 70) + "\n")
    till.process.stdin.flush()
    till.kill()
    first, again = branch.sell([asked_line("unread", 70)] * 2)
    assert first == again
    assert first["status"] == "committed"
    branch.run("sync", "run")
    assert [sale.total_minor for sale in chain.sales(branch.code)] == [50, 70]


def test_a_head_office_killed_while_a_branch_pushes_holds_each_entry_once(own_chain: Chain) -> None:
    with network_to(own_chain.port) as network:
        network.freeze_after(BYTES_OF_A_PART)
        branch = own_chain.join(port=network.port)
        branch.sell(asked_lines((f"key-{number}" for number in range(2_000)), register="1"))
        branch.serve()
        own_chain.wait_for_sales(branch.code, 1)
        own_chain.office.kill()
        assert 0 < len(own_chain.sales(branch.code)) < 2_000
        own_chain.serve()
        network.target_port = own_chain.port
        network.thaw()
        held = own_chain.wait_for_sales(branch.code, 2_000)
        assert len({sale.receipt for sale in held}) == len(held) == 2_000
        assert branch.ask("sync", "verify")["equal"]


def test_a_branch_killed_while_it_serves_synchronises_again_at_once(chain: Chain, branch: Branch) -> None:
    """The lock of a dead process is no lock, and what it left behind is not shown as online."""
    branch.serve()
    chain.wait_online(branch.code)
    branch.kill()
    assert branch.ask("sync", "status")["online"] is False
    branch.sell([asked_line("after")])
    require_done(filial_branch(branch.home, "sync", "run"))
    assert len(chain.sales(branch.code)) == 1
