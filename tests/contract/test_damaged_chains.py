"""A chain with a damaged entry: each bad one is named once, and no row is removed for it, at HQ on both databases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from branch_node.operations.verification import repair_rows, verify_rows
from branch_node.storage.tables import journal
from hq_server.operations.verification import repair_branch, verify_branch
from hq_server.storage.branches import branch_by_code
from hq_server.storage.rollups import compare_rollups
from hq_server.storage.tables import branch_cursor, journal_entry, record_counter
from shared.operations.record_check import Repair
from shared.storage.tables import sale, sale_line
from tests.support.office import Office
from tests.support.pair import Node, Pair

DAMAGES = ("unreadable", "flipped", "gone", "status", "repeats")


@pytest.fixture
def pair(office: Office, tmp_path: Path) -> Pair:
    return Pair(office, tmp_path)


@pytest.fixture
def node(pair: Pair) -> Node:
    made = pair.join("north")
    made.sell(*"abcdef")
    made.sync()
    return made


def deep(pair: Pair) -> list[str]:
    with pair.office.store.read() as connection:
        return list(verify_branch(connection, branch_by_code(connection, "north"), deep=True).differences)


def repair(pair: Pair) -> Repair:
    with pair.office.store.write() as connection:
        return repair_branch(connection, branch_by_code(connection, "north"))


def flipped(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def damage_office(pair: Pair, damage: str) -> None:
    second = journal_entry.c.seq == 2
    with pair.office.store.write() as connection:
        data = connection.execute(select(journal_entry.c.data).where(second)).scalar_one()
        if damage == "gone":
            connection.execute(delete(journal_entry).where(second))
            return
        changes: dict[str, dict[str, Any]] = {
            "unreadable": {"data": b"\xff\xff"},
            "flipped": {"data": flipped(data)},
            "status": {"status": 9},
            "repeats": {"status": 2},
        }
        connection.execute(update(journal_entry).where(second).values(changes[damage]))


def damage_node(node: Node, damage: str, position: int) -> None:
    row = journal.c.position == position
    with node.store.write() as connection:
        data = connection.execute(select(journal.c.data).where(row)).scalar_one()
        if damage == "gone":
            connection.execute(delete(journal).where(row))
        else:
            connection.execute(
                update(journal).where(row).values(data=b"\xff" if damage == "unreadable" else flipped(data))
            )


def alter_last_sale(store: Any) -> None:
    with store.write() as connection:
        newest = connection.execute(select(sale.c.id).order_by(sale.c.receipt_number.desc()).limit(1)).scalar_one()
        connection.execute(update(sale_line).where(sale_line.c.sale_id == newest).values(sku="999"))


@pytest.mark.parametrize("damage", DAMAGES)
def test_head_office_removes_nothing_for_a_damaged_entry(pair: Pair, node: Node, damage: str) -> None:
    counters = pair.office.rows(select(record_counter))
    damage_office(pair, damage)
    found = deep(pair)
    assert len([text for text in found if text.startswith("Entry ")]) == 1
    assert "Entry 2 " in found[0]
    assert not any("is extra" in text or "is altered" in text or "is missing: " in text for text in found)
    done, problems = repair(pair)
    assert done == []
    assert problems[0] == found[0]
    assert pair.keys_at_hq() == sorted("abcdef")
    assert pair.office.rows(select(record_counter)) == counters
    with pair.office.store.read() as connection:
        assert compare_rollups(connection) == []
    assert deep(pair) == found


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_other_entries_say_is_put_right_all_the_same(pair: Pair, node: Node, damage: str) -> None:
    damage_office(pair, damage)
    alter_last_sale(pair.office.store)
    done, problems = repair(pair)
    assert ["sku is 999, was 100" in text for text in done] == [True]
    assert problems


def test_head_office_removes_nothing_when_its_last_entry_is_gone(pair: Pair, node: Node) -> None:
    with pair.office.store.write() as connection:
        newest = connection.execute(
            select(journal_entry.c.seq).order_by(journal_entry.c.seq.desc()).limit(1)
        ).scalar_one()
        connection.execute(delete(journal_entry).where(journal_entry.c.seq == newest))
    assert repair(pair).problems
    assert pair.keys_at_hq() == sorted("abcdef")


def test_a_wrong_cursor_is_a_problem_that_repair_tells(pair: Pair, node: Node) -> None:
    with pair.office.store.write() as connection:
        connection.execute(update(branch_cursor).values(acknowledged_seq=99))
    done, problems = repair(pair)
    assert done == []
    assert ["99 were acknowledged" in text for text in problems] == [True]


@pytest.mark.parametrize("damage", ["unreadable", "flipped", "gone"])
@pytest.mark.parametrize("position", [2, 8])
def test_a_branch_removes_nothing_for_a_damaged_entry(node: Node, damage: str, position: int) -> None:
    node.sell("g", "h", "i")
    damage_node(node, damage, position)
    found = verify_rows(node.store)
    assert found[0].startswith(f"Entry {position} of the journal ")
    assert not any("is extra" in text for text in found)
    done, problems = repair_rows(node.store)
    assert done == []
    assert problems[0] == found[0]
    assert node.keys() == sorted("abcdefghi")


def test_a_branch_removes_nothing_when_its_last_entry_is_gone(node: Node) -> None:
    node.sell("g")
    with node.store.write() as connection:
        newest = connection.execute(
            select(journal.c.position).order_by(journal.c.position.desc()).limit(1)
        ).scalar_one()
        connection.execute(delete(journal).where(journal.c.position == newest))
    assert not any("is extra" in text for text in verify_rows(node.store))
    done, problems = repair_rows(node.store)
    assert done == []
    assert problems
    assert node.keys() == sorted("abcdefg")


def test_a_branch_puts_right_what_other_entries_say(node: Node) -> None:
    damage_node(node, "unreadable", 2)
    alter_last_sale(node.store)
    done, problems = repair_rows(node.store)
    assert ["sku is 999, was 100" in text for text in done] == [True]
    assert len([text for text in problems if text.startswith("Entry ")]) == 1


def test_an_altered_hash_is_told_once_and_its_entry_still_counts(node: Node) -> None:
    with node.store.write() as connection:
        connection.exec_driver_sql("UPDATE journal SET entry_hash = zeroblob(32) WHERE position = 2")
        connection.exec_driver_sql("UPDATE journal SET data = 5 WHERE position = 4")
    names = [text.split(" of the")[0] for text in verify_rows(node.store) if text.startswith("Entry")]
    assert names == ["Entry 2", "Entry 4"]


def test_a_branch_counts_anew_and_says_so(node: Node) -> None:
    with node.store.write() as connection:
        connection.exec_driver_sql("UPDATE record_counter SET amount_minor = amount_minor + 1, business_date = 'never'")
    repair_rows(node.store)
    with node.store.write() as connection:
        connection.exec_driver_sql("UPDATE record_counter SET amount_minor = amount_minor + 1")
    assert repair_rows(node.store) == (["Record counters were counted anew."], [])
    assert repair_rows(node.store) == ([], [])
