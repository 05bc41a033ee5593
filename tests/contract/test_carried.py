"""Carried messages between real stores: what a file must not do when the world has moved on."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import pytest

from branch_node.sync_client.carrying import messages_for_hq, take_messages
from branch_node.sync_client.worker import StoreWorker
from hq_server.operations import carrying
from hq_server.operations.carrying import Carried, messages_for_branch
from hq_server.storage.branches import branch_by_code
from shared.errors import InvalidInput, Refused
from shared.sync.messages import FeedBatch
from tests.support.office import Office
from tests.support.pair import Node, Pair


@pytest.fixture
def pair(office: Office, tmp_path: Path) -> Pair:
    return Pair(office, tmp_path)


def write_up(node: Node) -> list[bytes]:
    worker = StoreWorker(node.store, b"b" * 16)
    messages = list(messages_for_hq(worker, worker.hello(), [0]))
    worker.close()
    return messages


def write_down(pair: Pair, code: str) -> list[bytes]:
    counted = {"records": 0, "acknowledged_seq": 0, "feed_position": 0}
    with pair.office.store.read() as connection:
        row = branch_by_code(connection, code)
        return list(messages_for_branch(connection, row, pair.office.clock.now_us(), counted))


def take_up(pair: Pair, node: Node, messages: list[bytes]) -> dict[str, object]:
    return Carried(pair.office.store, pair.office.clock, node.branch_id).take(messages)


def take_down(node: Node, messages: list[bytes]) -> dict[str, int]:
    worker = StoreWorker(node.store, b"b" * 16)
    try:
        return take_messages(worker, messages)
    finally:
        worker.close()


def test_files_in_both_directions_bring_all_of_it_once(pair: Pair) -> None:
    node = pair.join("north")
    node.sell("a", "b")
    pair.add_product("bread", "Bread")
    first = write_up(node)
    assert take_up(pair, node, first) == {"branch": "north", "entries": 2, "known": 0, "acknowledged_seq": 2}
    assert take_up(pair, node, first)["known"] == 2
    down = write_down(pair, "north")
    assert take_down(node, down)["acknowledged_seq"] == 2
    assert take_down(node, down)["records"] == 0
    node.sync()
    assert pair.keys_at_hq() == ["a", "b"]


def test_a_file_for_another_branch_is_refused(pair: Pair) -> None:
    node, other = pair.join("north"), pair.join("south")
    with pytest.raises(InvalidInput, match="another branch"):
        take_down(other, write_down(pair, "north"))
    with pytest.raises(InvalidInput, match="another branch"):
        take_up(pair, other, write_up(node))


def test_a_file_of_a_restored_store_is_no_repetition(pair: Pair) -> None:
    node = pair.join("north")
    node.sell("a")
    node.sync()
    copy = node.copy("copy")
    node.sell("b", "c")
    node.sync()
    node.store.close()
    copy.sell("d")
    with pytest.raises(Refused, match="restored from a copy"):
        take_up(pair, copy, write_up(copy))
    copy.sync()
    assert pair.keys_at_hq() == ["a", "b", "c", "d"]


def test_a_file_from_before_a_re_homing_quarantines_nobody(pair: Pair) -> None:
    node = pair.join("north")
    node.sell("a")
    node.sync()
    copy = node.copy("copy")
    node.sell("b")
    node.sync()
    late = write_up(node)
    node.store.close()
    copy.sync()
    with pytest.raises(Refused, match="new incarnation"):
        take_up(pair, copy, late)
    copy.sell("c")
    copy.sync()
    assert pair.keys_at_hq() == ["a", "b", "c"]


def test_a_feed_that_a_restored_head_office_numbers_anew_is_taken_whole(pair: Pair) -> None:
    if pair.office.store.dialect != "sqlite":
        pytest.skip("a copied file")
    node = pair.join("north")
    node.sync()
    backup = pair.backup_hq()
    for number in range(4):
        pair.add_product(f"old-{number}", f"Old {number}")
    node.sync()
    pair.restore_hq(backup)
    for number in range(8):
        pair.add_product(f"new-{number}", f"New {number}")
    with patch.object(carrying, "FEED_BATCH_RECORDS_MAX", 2):
        take_down(node, write_down(pair, "north"))
    with node.store.read_cursor() as cursor:
        names = {row[0] for row in cursor.execute("SELECT name FROM product").fetchall()}
    assert {f"New {number}" for number in range(8)} <= names


def test_a_file_whose_predecessor_is_missing_is_refused(pair: Pair) -> None:
    if pair.office.store.dialect != "sqlite":
        pytest.skip("a copied file")
    node = pair.join("north")
    backup = pair.backup_hq()
    node.sell("a")
    first = write_up(node)
    take_up(pair, node, first)
    take_down(node, write_down(pair, "north"))
    node.sell("b")
    second = write_up(node)
    pair.restore_hq(backup)
    with pytest.raises(Refused, match="HQ holds 0 entries"):
        take_up(pair, node, second)
    take_up(pair, node, first)
    take_up(pair, node, second)
    assert pair.keys_at_hq() == ["a", "b"]


def test_a_stretch_of_the_feed_that_does_not_continue_the_last_is_refused(pair: Pair) -> None:
    node = pair.join("north")
    take_down(node, write_down(pair, "north"))
    for number in range(6):
        pair.add_product(f"sku-{number}", f"Product {number}")
    with patch.object(carrying, "FEED_BATCH_RECORDS_MAX", 2):
        down = write_down(pair, "north")
    with pytest.raises(Refused, match="goes on from"):
        take_down(node, [*down[:3], *down[4:]])
    assert take_down(node, down)["records"] >= 6


def test_a_file_taken_in_the_midst_of_a_stream_ends_the_stream(pair: Pair) -> None:
    node = pair.join("north")
    pair.add_product("bread", "Bread")
    connected = StoreWorker(node.store, b"b" * 16)
    cursor = connected.hello().feed
    take_down(node, write_down(pair, "north"))
    with pytest.raises(Refused, match="in the meanwhile"):
        connected.apply_feed(FeedBatch((), cursor, 1, cursor.position))
    connected.close()
