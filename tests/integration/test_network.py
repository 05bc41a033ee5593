"""A network that is slow, cut, frozen and mended: the branch waits, says so, and catches up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from deploy.demo.chain import Branch
from tests.support.chains import Chain
from tests.support.commands import branch as filial_branch
from tests.support.commands import require_done, require_refusal
from tests.support.deadlines import wait_until
from tests.support.networks import Network, network_to
from tests.support.tills import asked_line, asked_lines

PUSHED = 2_000
BYTES_OF_A_PART = 400_000
SLOW_BYTES_PER_SECOND = 200_000
FAIL_FAST_SECONDS_MAX = 8


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


def completeness(chain: Chain, branch: Branch) -> dict[str, Any]:
    report = chain.office.ask("report", "run", "sales", "--branch", branch.code)
    known: dict[str, Any] = report["completeness"]["branches"][0]
    return known


def test_a_branch_cut_off_while_it_pushes_catches_up_when_the_network_is_mended(
    chain: Chain, network: Network, far_branch: Branch
) -> None:
    far_branch.sell(asked_lines((f"key-{number}" for number in range(PUSHED)), register="1"))
    network.freeze_after(BYTES_OF_A_PART)
    far_branch.serve()
    chain.wait_for_sales(far_branch.code, 1)
    network.cut()
    assert 0 < len(chain.sales(far_branch.code)) < PUSHED
    assert completeness(chain, far_branch)["complete"] is False

    network.thaw()
    network.mend()
    held = chain.wait_for_sales(far_branch.code, PUSHED)
    assert len({sale.id for sale in held}) == PUSHED
    require_done(filial_branch(far_branch.home, "sync", "run"))
    assert completeness(chain, far_branch)["complete"] is True
    assert far_branch.ask("sync", "verify")["equal"]


def test_what_waits_grows_older_while_the_branch_is_cut_off(chain: Chain, network: Network, far_branch: Branch) -> None:
    far_branch.serve()
    chain.wait_online(far_branch.code)
    network.cut()
    far_branch.sell([asked_line("waiting")])
    first = far_branch.ask("sync", "status")
    assert first["waiting"] == 1
    assert first["oldest_waiting_seconds"] >= 0
    later = far_branch.ask("sync", "status")
    assert later["oldest_waiting_seconds"] > first["oldest_waiting_seconds"]
    assert later["online"] is False
    network.mend()
    chain.wait_for_sales(far_branch.code, 1)
    even = require_done(filial_branch(far_branch.home, "sync", "run", "--json")).document()
    assert (even["waiting"], even["oldest_waiting_seconds"], even["online"]) == (0, None, True)


def test_a_watermark_moves_on_at_a_branch_that_sells_nothing(chain: Chain, branch: Branch) -> None:
    """Completeness is “nothing older waits”, never the time of the newest sale."""
    branch.serve()
    first = wait_until(lambda: chain.cursor(branch.code).watermark, "a first watermark")
    assert completeness(chain, branch)["complete"] is True
    wait_until(lambda: chain.cursor(branch.code).watermark > first, "a later watermark")


def test_cut_again_and_again_every_entry_arrives_once(chain: Chain, network: Network, far_branch: Branch) -> None:
    random = Random(7)
    far_branch.sell(asked_lines((f"key-{number}" for number in range(PUSHED)), register="1"))
    network.bytes_per_second = SLOW_BYTES_PER_SECOND
    far_branch.serve()
    for _ in range(6):
        passed = network.bytes_passed + random.randrange(20_000, 120_000)
        wait_until(lambda passed=passed: network.bytes_passed >= passed, "bytes on the network")  # type: ignore[misc]
        network.cut()
        attempts = network.connections
        wait_until(lambda attempts=attempts: network.connections > attempts, "another attempt")  # type: ignore[misc]
        network.mend()
    network.bytes_per_second = None
    held = chain.wait_for_sales(far_branch.code, PUSHED)
    assert len({sale.id for sale in held}) == len(held) == PUSHED
    assert [sale.receipt for sale in held] == [f"1-{number:06}" for number in range(1, PUSHED + 1)]


def test_a_pass_over_a_frozen_network_ends_when_its_time_is_up(network: Network, far_branch: Branch) -> None:
    far_branch.sell([asked_line("one")])
    network.freeze()
    started = time.monotonic()
    done = filial_branch(far_branch.home, "sync", "run", "--timeout", "2")
    assert time.monotonic() - started < FAIL_FAST_SECONDS_MAX
    require_refusal(done)
    network.thaw()
    require_done(filial_branch(far_branch.home, "sync", "run"))


def test_a_pass_through_a_cut_network_fails_fast_with_a_hint(network: Network, far_branch: Branch) -> None:
    network.cut()
    started = time.monotonic()
    done = require_refusal(filial_branch(far_branch.home, "sync", "run"), "cannot be reached", "hint")
    assert time.monotonic() - started < FAIL_FAST_SECONDS_MAX
    assert f"127.0.0.1:{network.port}" in done.err


def test_a_pass_beside_a_serving_process_that_is_cut_off_fails_fast_with_the_reason(
    chain: Chain, network: Network, far_branch: Branch
) -> None:
    far_branch.serve()
    chain.wait_online(far_branch.code)
    network.cut()
    far_branch.sell([asked_line("one")])
    started = time.monotonic()
    require_refusal(filial_branch(far_branch.home, "sync", "run"))
    assert time.monotonic() - started < FAIL_FAST_SECONDS_MAX


def test_a_verification_without_the_head_office_fails_fast(network: Network, far_branch: Branch) -> None:
    network.cut()
    require_refusal(filial_branch(far_branch.home, "sync", "verify", "--json"), "cannot be reached")


def test_selling_goes_on_without_the_head_office(chain: Chain, network: Network, far_branch: Branch) -> None:
    network.cut()
    answers = far_branch.sell(asked_lines(("one", "two", "three")))
    assert [answer["status"] for answer in answers] == ["committed"] * 3
    report = far_branch.ask("report", "run", "sales")
    assert report["totals"]["receipts"] == 3
    network.mend()
    require_done(filial_branch(far_branch.home, "sync", "run"))
    assert len(chain.sales(far_branch.code)) == 3


def test_a_served_branch_whose_head_office_restarts_comes_back(own_chain: Chain) -> None:
    with network_to(own_chain.port) as network:
        branch = own_chain.join(port=network.port)
        branch.serve()
        own_chain.wait_online(branch.code)
        own_chain.office.stop()
        branch.sell([asked_line("meanwhile")])
        own_chain.serve()
        network.target_port = own_chain.port
        assert len(own_chain.wait_for_sales(branch.code, 1)) == 1


def test_a_head_office_in_a_frozen_network_stops_when_it_is_told_to(own_chain: Chain) -> None:
    with network_to(own_chain.port) as network:
        branch = own_chain.join(port=network.port)
        branch.serve()
        own_chain.wait_online(branch.code)
        network.freeze()
        assert own_chain.office.serving is not None
        process = own_chain.office.serving.process
        own_chain.office.stop()
        assert process.returncode == 0
