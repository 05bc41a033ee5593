"""Restored stores, copies and lost stores, on real stores: who is recognised, and what comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hq_server.operations.proposals import list_proposals
from hq_server.sync_server.gateway import Gateway
from tests.support.pair import Pair


@pytest.fixture
def pair(office, tmp_path) -> Pair:  # type: ignore[no-untyped-def]
    return Pair(office, tmp_path)


def test_a_restored_branch_is_whole_after_one_pass_and_nothing_counts_twice(pair: Pair) -> None:
    node = pair.join("north")
    node.sell("a", "b")
    node.sync()
    backup = node.copy("restored")
    node.sell("c", "d")
    node.sync()
    backup.sell("e")
    backup.sync()
    assert pair.keys_at_hq() == ["a", "b", "c", "d", "e"]
    assert backup.keys() == ["a", "b", "c", "d", "e"]
    backup.sell("f")
    backup.sync()
    assert pair.keys_at_hq() == ["a", "b", "c", "d", "e", "f"]
    assert pair.verify("north") == ()


def test_a_branch_restored_from_before_its_first_session(pair: Pair) -> None:
    node = pair.join("north")
    backup = node.copy("restored")
    node.sell("a")
    node.sync()
    backup.sell("b")
    backup.sync()
    assert pair.keys_at_hq() == backup.keys() == ["a", "b"]


def test_a_restored_branch_that_sold_more_than_was_lost_is_found_out_by_its_hash(pair: Pair) -> None:
    node = pair.join("north")
    node.sell("a")
    node.sync()
    backup = node.copy("restored")
    node.sell("b")
    node.sync()
    backup.sell("c", "d", "e")
    backup.sync()
    assert pair.keys_at_hq() == backup.keys() == ["a", "b", "c", "d", "e"]


def test_receipt_numbers_go_on_above_what_hq_gave_back(pair: Pair) -> None:
    node = pair.join("north")
    node.sell("a")
    node.sync()
    backup = node.copy("restored")
    node.sell("b", "c")
    node.sync()
    backup.sync()
    answer = backup.sell("d")
    assert answer.receipt == "1-000004"


def test_two_stores_under_one_identity_are_both_refused_until_an_heir_is_named(pair: Pair) -> None:
    node = pair.join("north")
    node.sell("a")
    node.sync()
    clone = node.copy("clone")
    node.sell("b")
    node.sync()
    clone.sell("c")
    clone.sync()
    node.sell("d")
    assert "Two stores" in node.refusal()
    assert "Two stores" in clone.refusal()
    pair.name_heir("north", node)
    node.sync()
    clone.sell("e")
    clone.sync()
    node.sell("f")
    node.sync()
    assert pair.keys_at_hq() == ["a", "b", "c", "d", "e", "f"]
    assert pair.verify("north") == ()


def test_a_lost_store_comes_back_from_hq_on_an_empty_disk(pair: Pair) -> None:
    node = pair.join("north")
    node.sell("a", "b", "c")
    node.add_client("K-1", name="Мария")
    node.sync()
    new = pair.replace("north")
    new.sync()
    assert new.keys() == ["a", "b", "c"]
    assert new.client_names() == ["Мария"]
    assert new.sell("d").receipt == "1-000004"
    new.sync()
    assert pair.keys_at_hq() == ["a", "b", "c", "d"]
    assert pair.verify("north") == ()


def test_the_store_that_was_taken_for_lost_brings_its_sales_when_it_comes_back(pair: Pair) -> None:
    node = pair.join("north")
    node.sell("a")
    node.sync()
    node.sell("b")
    new = pair.replace("north")
    new.sell("c")
    new.sync()
    node.sync()
    assert pair.keys_at_hq() == ["a", "b", "c"]


def test_a_store_that_nobody_announced_is_refused(pair: Pair) -> None:
    node = pair.join("north")
    node.sell("a")
    node.sync()
    stranger = pair.replace("north", announced=False)
    assert "new store" in stranger.refusal()


@pytest.fixture
def small_pair(pair: Pair) -> Pair:
    """On SQLite, where a backup is a copied file. PostgreSQL's is restored in tests/integration."""
    if pair.office.store.dialect != "sqlite":
        pytest.skip("a copied file")
    return pair


def test_a_restored_head_office_gets_back_what_it_lost(small_pair: Pair) -> None:
    node = small_pair.join("north")
    node.sell("a")
    node.sync()
    kept = small_pair.backup_hq()
    node.sell("b", "c")
    node.sync()
    small_pair.restore_hq(kept)
    assert small_pair.keys_at_hq() == ["a"]
    node.sell("d")
    node.sync()
    assert small_pair.keys_at_hq() == ["a", "b", "c", "d"]


def test_what_a_branch_took_back_as_history_survives_the_loss_of_head_office(small_pair: Pair) -> None:
    node = small_pair.join("north")
    node.sell("a")
    node.sync()
    kept = small_pair.backup_hq()
    backup = node.copy("restored")
    node.sell("b")
    node.sync()
    backup.sell("c")
    backup.sync()
    assert backup.keys() == ["a", "b", "c"]
    small_pair.restore_hq(kept)
    backup.sync()
    assert small_pair.keys_at_hq() == ["a", "b", "c"]
    assert small_pair.verify("north") == ()


def test_a_head_office_restored_to_its_founding_takes_everything_in_again(small_pair: Pair) -> None:
    node = small_pair.join("north")
    kept = small_pair.backup_hq()
    node.sell("a")
    node.sync()
    restored = node.copy("restored")
    node.sell("b")
    node.sync()
    restored.sell("c")
    restored.sync()
    small_pair.restore_hq(kept)
    restored.sync()
    assert small_pair.keys_at_hq() == ["a", "b", "c"]


def test_what_was_handed_back_is_handed_back_again_to_a_head_office_that_was_saved_in_between(
    small_pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Found by seed 3062: a backup of the middle of the session knows the session, and nothing showed the loss.
    node = small_pair.join("north")
    node.sync()
    before = small_pair.backup_hq()
    small_pair.add_product("P-1", "Tea")
    node.sync()
    small_pair.restore_hq(before)
    between: list[Path] = []
    keep = Gateway.store_proposals

    def save_first(gateway: Gateway, *arguments: Any) -> int:
        between.append(small_pair.backup_hq())
        return keep(gateway, *arguments)

    monkeypatch.setattr(Gateway, "store_proposals", save_first)
    node.sync()
    assert waiting(small_pair) == ["P-1"]
    small_pair.restore_hq(between[0])
    assert waiting(small_pair) == []
    node.sync()
    assert waiting(small_pair) == ["P-1"]
    saved = len(between)
    node.sync()
    assert len(between) == saved


def waiting(pair: Pair) -> list[str]:
    """The names of the cards that branches have handed back."""
    with pair.office.store.write() as connection:
        return [each["name"] for each in list_proposals(connection, pair.office.clock.now_us())]
