"""The share of the simulator that every test run pays for; `make simulate` hunts on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulation.ablations import ABLATIONS, Ablation, watched
from tests.simulation.answer_actions import has_answers
from tests.simulation.client_actions import has_clients
from tests.simulation.erasure_actions import has_erasures
from tests.simulation.ledger_actions import has_ledgers
from tests.simulation.person_actions import has_persons
from tests.simulation.run import Bench
from tests.simulation.site import Site

SEEDS_PER_SHARE = 6
SHARES = 4
WITH_LEDGERS = (208, 211, 214)
WITH_CLIENTS = (305, 311)
WITH_ERASURES = (302, 314)
WITH_PERSONS = (446,)
WITH_ANSWERS = (8_003,)
# Seeds that notice each ablation: from the table in docs/simulator.md.
NOTICING_SEEDS = range(1, 81)


@pytest.fixture(scope="module")
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    made = Bench(lambda: request.getfixturevalue("postgresql"))
    yield made
    made.close()


@pytest.mark.parametrize("share", range(SHARES))
def test_every_promise_holds(bench: Bench, share: int) -> None:
    for seed in range(share * SEEDS_PER_SHARE + 1, (share + 1) * SEEDS_PER_SHARE + 1):
        outcome = bench.run(seed)
        assert outcome.problem is None, f"make simulate SEED={seed}: {outcome.problem} {outcome.where}"


@pytest.mark.parametrize("seed", WITH_LEDGERS)
def test_every_promise_of_the_ledgers_holds(bench: Bench, seed: int) -> None:
    assert has_ledgers(seed)
    outcome = bench.run(seed)
    assert outcome.problem is None, f"make simulate SEED={seed}: {outcome.problem} {outcome.where}"


@pytest.mark.parametrize("seed", WITH_CLIENTS)
def test_every_promise_of_the_client_base_holds(bench: Bench, seed: int) -> None:
    assert has_clients(seed)
    outcome = bench.run(seed)
    assert outcome.problem is None, f"make simulate SEED={seed}: {outcome.problem} {outcome.where}"


@pytest.mark.parametrize("seed", WITH_ERASURES)
def test_every_promise_to_the_erased_holds(bench: Bench, seed: int) -> None:
    assert has_erasures(seed)
    outcome = bench.run(seed)
    assert outcome.problem is None, f"make simulate SEED={seed}: {outcome.problem} {outcome.where}"


@pytest.mark.parametrize("seed", WITH_PERSONS)
def test_every_promise_to_persons_with_several_cards_holds(bench: Bench, seed: int) -> None:
    assert has_persons(seed)
    outcome = bench.run(seed)
    assert outcome.problem is None, f"make simulate SEED={seed}: {outcome.problem} {outcome.where}"


@pytest.mark.parametrize("seed", WITH_ANSWERS)
def test_branches_hold_what_they_were_told_of_the_chain(bench: Bench, seed: int) -> None:
    assert has_answers(seed)
    outcome = bench.run(seed)
    assert outcome.problem is None, f"make simulate SEED={seed}: {outcome.problem} {outcome.where}"


@pytest.mark.parametrize("seed", [7, 10], ids=["sqlite", "postgresql"])
def test_a_seed_does_the_same_again(bench: Bench, seed: int) -> None:
    one, other = bench.run(seed), bench.run(seed)
    assert (one.trace_hash, one.problem) == (other.trace_hash, other.problem)


@pytest.mark.parametrize("ablation", ABLATIONS, ids=lambda ablation: ablation.name)
def test_a_missing_safeguard_is_noticed(bench: Bench, ablation: Ablation) -> None:
    assert any(bench.run(seed, ablation.without()).problem for seed in (ablation.seed, *NOTICING_SEEDS))


def test_a_safeguard_that_did_not_come_into_play_is_not_missed(bench: Bench) -> None:
    sites = [Site(watching=True) for _ in ABLATIONS]
    whole = bench.run(5, watched(sites), operations=90)
    idle = [ablation for site, ablation in zip(sites, ABLATIONS, strict=True) if not site.acted]
    assert 0 < len(idle) < len(ABLATIONS)
    for ablation in idle:
        assert bench.run(5, ablation.without(), operations=90) == whole, ablation.name
