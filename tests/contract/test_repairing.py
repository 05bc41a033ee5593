"""Altered, missing and extra rows are named and put right, on both databases and at the branch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from branch_node.operations.verification import bring_counters_up_to_date, repair_rows, verify_rows
from branch_node.storage.counters import read_counters
from branch_node.storage.pruning import prune_journal
from hq_server.operations.chain_verification import verify_chain
from hq_server.operations.verification import repair_branch, verify_branch
from hq_server.storage.branches import branch_by_code
from hq_server.storage.counters import read_counters as hq_counters
from hq_server.storage.rollups import rebuild_rollups
from hq_server.storage.tables import branch
from shared.operations.stranger_rows import find_strangers
from shared.storage.raw_rows import raw_texts
from shared.storage.rollup_tables import sales_by_day
from shared.storage.tables import payment, sale, sale_line
from tests.support.office import Office
from tests.support.pair import Node, Pair


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
    with pair.office.store.read() as connection, raw_texts(connection):
        found = verify_branch(connection, branch_by_code(connection, "north"), deep=True).differences
        return [*found, *verify_chain(connection)]


def repair(pair: Pair) -> list[str]:
    with pair.office.store.write() as connection, raw_texts(connection):
        done, problems = repair_branch(connection, branch_by_code(connection, "north"))
    assert problems == []
    return done


def repair_node(node: Node) -> list[str]:
    done, problems = repair_rows(node.store)
    assert problems == []
    return done


def damage(store: Any) -> list[bytes]:
    """One sale altered, one without its payment, one gone whole, and one that no entry has; returns their ids."""
    with store.write() as connection:
        ids = list(connection.execute(select(sale.c.id).order_by(sale.c.id)).scalars())
        connection.execute(sale_line.update().where(sale_line.c.sale_id == ids[0]).values(sku="999"))
        connection.execute(payment.delete().where(payment.c.sale_id == ids[1]))
        for table, column in ((sale_line, sale_line.c.sale_id), (payment, payment.c.sale_id), (sale, sale.c.id)):
            connection.execute(table.delete().where(column == ids[2]))
        row = connection.execute(select(sale).where(sale.c.id == ids[3])).one()._mapping
        connection.execute(sale.insert().values(**{**row, "id": b"x" * 16}))
    return [*ids[:3], b"x" * 16]


def test_a_sound_store_has_no_differences(pair: Pair, node: Node) -> None:
    assert deep(pair) == []
    assert repair(pair) == []
    assert verify_rows(node.store) == []
    assert repair_node(node) == []


def test_head_office_names_what_is_wrong_and_puts_only_that_right(pair: Pair, node: Node) -> None:
    damaged = damage(pair.office.store)
    found = [text for text in deep(pair) if text.startswith("sale")]
    assert len(found) == len(damaged)
    told = "\n".join(found)
    assert "sku is 999, was 100" in told
    assert "payment 1 is missing" in told
    assert "is missing: an entry has it" in told
    assert "is extra: no entry has it" in told
    assert len([text for text in repair(pair) if text.startswith("sale")]) == len(damaged)
    assert deep(pair) == []


def test_a_branch_names_what_is_wrong_and_puts_it_right(node: Node) -> None:
    damaged = damage(node.store)
    assert len(verify_rows(node.store)) == len(damaged)
    assert len(repair_node(node)) == len(damaged)
    assert verify_rows(node.store) == []


def test_a_journal_entry_that_was_altered_is_named(node: Node) -> None:
    with node.store.write() as connection:
        connection.exec_driver_sql("UPDATE journal SET entry_hash = zeroblob(32) WHERE position = 2")
    assert [text[:15] for text in verify_rows(node.store)] == ["Entry 2 of the "]


def test_both_sides_count_the_same(pair: Pair, node: Node) -> None:
    bring_counters_up_to_date(node.store)
    with node.store.read_cursor() as cursor, pair.office.store.read() as connection:
        assert read_counters(cursor) == hq_counters(connection, node.branch_id)


def test_what_two_backups_hold_is_pruned_and_still_verifies(node: Node) -> None:
    with node.store.write() as connection:
        cursor = connection.connection.cursor()
        assert prune_journal(cursor, node.clock.now_us(), kept_days=0) == 0
        cursor.execute("UPDATE sync_state SET backup_seq = 3")
        assert prune_journal(cursor, node.clock.now_us()) == 0
        assert prune_journal(cursor, node.clock.now_us() + 1_000_000, kept_days=0) == 3
        sizes = [row[0] for row in cursor.execute("SELECT length(data) FROM journal ORDER BY position").fetchall()]
    assert max(sizes[1:3]) < min(sizes[3:])
    assert verify_rows(node.store) == []
    node.sell("g")
    node.sync()
    assert verify_rows(node.store) == []


def test_a_number_altered_by_what_python_hashes_alike_is_named(pair: Pair, node: Node) -> None:
    for store in (pair.office.store, node.store):
        with store.write() as connection:
            ids = list(connection.execute(select(sale.c.id)).scalars())
            altered = sale.update().where(sale.c.id == ids[0])
            connection.execute(altered.values(net_minor=sale.c.net_minor + 2**61 - 1))
    assert [text[:5] for text in deep(pair)][:1] == ["sale "]
    assert len(verify_rows(node.store)) == 1
    repair(pair)
    repair_node(node)
    assert deep(pair) == verify_rows(node.store) == []


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE sale SET business_date = 'garbage'",
        "UPDATE sale SET id = 'garbage' WHERE receipt_number = 1",
        "UPDATE shift_open SET implicit = 'maybe'",
        "UPDATE sale_line SET amount_minor = 'much', sku = x'ff'",
        "UPDATE sale SET cashier = CAST(x'ff' AS TEXT)",
    ],
)
def test_a_value_of_no_such_type_is_named_and_put_right(pair: Pair, node: Node, damage: str) -> None:
    stores: list[Any] = [node.store] if pair.office.store.dialect != "sqlite" else [node.store, pair.office.store]
    for store in stores:
        with store.write() as connection:
            connection.exec_driver_sql("PRAGMA defer_foreign_keys = 1")
            if "SET id" in damage:
                connection.exec_driver_sql("DELETE FROM sale_line")
                connection.exec_driver_sql("DELETE FROM payment")
            connection.exec_driver_sql(damage)
    assert "".join(verify_rows(node.store)).encode() != b""
    assert len(stores) == 1 or deep(pair) != []
    repair_node(node)
    repair(pair)
    assert deep(pair) == verify_rows(node.store) == []


def test_a_rollup_that_differs_is_told_in_words(pair: Pair, node: Node) -> None:
    with pair.office.store.write() as connection:
        connection.execute(sales_by_day.update().values(receipts=9, net_minor=1))
    assert deep(pair) == [
        "Sales by day of north, business date 2026-11-23: stored receipts 9, net minor 1, "
        "the facts make receipts 6, net minor 300."
    ]
    assert repair(pair) == ["Rollups were folded anew."]
    assert deep(pair) == []


def test_a_counter_of_no_day_is_named_and_counted_anew(pair: Pair, node: Node) -> None:
    with pair.office.store.write() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("UPDATE record_counter SET business_date = 'garbage' WHERE kind = 1")
        else:
            connection.exec_driver_sql("UPDATE record_counter SET business_date = '1999-01-01' WHERE kind = 1")
    assert len(deep(pair)) == 2
    assert repair(pair) == ["Record counters were counted anew."]
    assert deep(pair) == []


def add_strangers(store: Any, node: Node, branch_id: Any) -> None:
    """Every sale a second time, as another shop's."""
    with store.write() as connection:
        for table in (sale, sale_line, payment):
            found = connection.execute(select(table).where(table.c.branch_id == node.branch_id)).all()
            rows = [{**row._mapping, "branch_id": branch_id} for row in found]
            connection.execute(table.insert(), rows)


def test_rows_of_another_branch_are_named_and_removed(pair: Pair, node: Node) -> None:
    for store in (pair.office.store, node.store):
        add_strangers(store, node, b"x" * 16)
    told = "under the branch id 78787878-7878-7878-7878-787878787878: there is no such branch here."
    wanted = [f"6 rows of {table.name} {told}" for table in (sale, sale_line, payment)]
    assert deep(pair) == verify_rows(node.store) == wanted
    with pair.office.store.write() as connection:
        rebuild_rollups(connection)
    assert deep(pair) == wanted
    assert len(repair(pair)) == len(repair_node(node)) == 3
    assert deep(pair) == verify_rows(node.store) == []
    assert pair.keys_at_hq() == node.keys() == sorted("abcdef")


def test_rows_under_what_is_no_id_are_named_and_removed(node: Node) -> None:
    with node.store.write() as connection:
        connection.exec_driver_sql("INSERT INTO shift_close_method VALUES ('shop', 'shift', 'card', 5, NULL)")
        connection.exec_driver_sql("INSERT INTO shift_close_method VALUES (5, 'shift', 'card', 5, NULL)")
    assert len(verify_rows(node.store)) == 2
    assert len(repair_node(node)) == 2
    assert verify_rows(node.store) == []


def test_rows_of_a_branch_that_has_entries_stay(pair: Pair, node: Node) -> None:
    pair.join("south")
    with pair.office.store.write() as connection:
        connection.execute(branch.delete().where(branch.c.code == "north"))
        south = branch_by_code(connection, "south")
        done, problems = repair_branch(connection, south)
    assert done == []
    assert any("of journal_entry under the branch id" in text for text in problems)
    assert pair.keys_at_hq() == sorted("abcdef")


def test_every_strange_id_is_found_by_itself(pair: Pair, node: Node) -> None:
    add_strangers(pair.office.store, node, b"a" * 16)
    add_strangers(pair.office.store, node, b"~" * 16)
    with pair.office.store.read() as connection:
        found = find_strangers(connection, [sale, payment], {node.branch_id})
    assert [(each.table.name, each.branch_id[:1], each.rows) for each in found] == [
        ("sale", b"a", 6),
        ("sale", b"~", 6),
        ("payment", b"a", 6),
        ("payment", b"~", 6),
    ]


def test_a_moment_that_python_has_not_is_named_and_put_right(pair: Pair, node: Node) -> None:
    if pair.office.store.dialect == "sqlite":
        return
    with pair.office.store.write() as connection:
        connection.exec_driver_sql("UPDATE sale SET sold_at = 'infinity', business_date = '-infinity'")
    assert len([text for text in deep(pair) if text.startswith("sale ")]) == 6
    repair(pair)
    assert deep(pair) == []
