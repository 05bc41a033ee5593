"""One snapshot of a thread for many cursors, commits that wait for no disk, and selects that are read by cursor."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import bindparam, select, union_all
from sqlcipher3 import dbapi2

from shared.errors import StoreError
from shared.operations.people import find_employee
from shared.storage import cursor_reading
from shared.storage.cursor_reading import CursorReader
from shared.storage.sqlite_engine import SqliteStore
from shared.storage.tables import employee
from tests.support.shop import Shop
from tests.support.statements import recorded_statements

FULL, NORMAL = 2, 1
AMONG = select(employee).where(employee.c.code.in_(bindparam("codes", expanding=True))).order_by(employee.c.id)
ANNA_ALONE = union_all(
    select(employee.c.code).where(employee.c.code.in_(bindparam("codes", expanding=True)), employee.c.code == "anna"),
    select(employee.c.code).where(employee.c.code == "nobody"),
)


def write_elsewhere(shop: Shop, statement: str) -> None:
    with dbapi2.connect(str(shop.store._sqlite.path), isolation_level=None) as connection:
        connection.execute(statement)
    connection.close()


def write_here(shop: Shop, statement: str) -> None:
    turn = shop.store.write()
    with turn:
        turn.driver.execute(statement)


ADD = "UPDATE sync_state SET last_sync_at = COALESCE(last_sync_at, 0) + 1"


def heard(shop: Shop) -> int:
    with shop.store.read_cursor() as cursor:
        found: int = cursor.execute("SELECT COALESCE(last_sync_at, 0) FROM sync_state").fetchone()[0]
    return found


def fail_after_reading(shop: Shop) -> None:
    heard(shop)
    raise ZeroDivisionError


class TestOneSnapshot:
    def test_what_others_write_meanwhile_is_not_seen(self, shop: Shop) -> None:
        before = heard(shop)
        with shop.store.one_snapshot():
            assert heard(shop) == before
            write_elsewhere(shop, ADD)
            assert heard(shop) == before
        assert heard(shop) == before + 1

    def test_what_the_thread_itself_writes_is_seen_at_once(self, shop: Shop) -> None:
        with shop.store.one_snapshot():
            before = heard(shop)
            write_here(shop, ADD)
            assert heard(shop) == before + 1

    def test_a_cursor_that_is_open_meanwhile_keeps_its_rows(self, shop: Shop) -> None:
        with shop.store.one_snapshot():
            before = heard(shop)
            with shop.store.read_cursor() as cursor:
                cursor.execute("SELECT COALESCE(last_sync_at, 0) FROM sync_state")
                write_here(shop, ADD)
                assert heard(shop) == before, "one state while anybody reads it"
                assert cursor.fetchone() == (before,)
            assert heard(shop) == before + 1

    def test_one_inside_another_is_the_same(self, shop: Shop) -> None:
        with shop.store.one_snapshot():
            before = heard(shop)
            with shop.store.one_snapshot():
                write_elsewhere(shop, ADD)
                assert heard(shop) == before
            assert heard(shop) == before

    def test_another_thread_has_its_own(self, shop: Shop) -> None:
        seen: list[int] = []
        with shop.store.one_snapshot():
            before = heard(shop)
            write_elsewhere(shop, ADD)
            thread = threading.Thread(target=lambda: seen.append(heard(shop)))
            thread.start()
            thread.join()
        assert seen == [before + 1]

    def test_a_block_that_fails_gives_the_connection_back(self, shop: Shop) -> None:
        for _ in range(40):  # more than the pool has
            with pytest.raises(ZeroDivisionError), shop.store.one_snapshot():
                fail_after_reading(shop)
        assert heard(shop) >= 0


def synchronous(store: SqliteStore) -> int:
    found: int = store.write().driver.execute("PRAGMA synchronous").fetchone()[0]
    return found


class TestCommitsThatDoNotWait:
    @pytest.fixture
    def store(self, shop: Shop) -> SqliteStore:
        return shop.store._sqlite

    def test_such_a_commit_is_told_so_and_the_next_waits_again(self, store: SqliteStore) -> None:
        turn = store.write(waits_for_disk=False)
        with turn:
            assert turn.driver.execute("PRAGMA synchronous").fetchone() == (NORMAL,)
        assert synchronous(store) == FULL
        with store.write() as _:
            assert turn.driver.execute("PRAGMA synchronous").fetchone() == (FULL,)

    def test_one_that_fails_leaves_the_next_one_waiting(self, store: SqliteStore) -> None:
        with pytest.raises(ZeroDivisionError), store.write(waits_for_disk=False):
            raise ZeroDivisionError
        assert synchronous(store) == FULL

    def test_one_that_never_begins_too(self, store: SqliteStore) -> None:
        with dbapi2.connect(str(store.path), isolation_level=None) as stranger:
            stranger.execute("BEGIN IMMEDIATE")
            turn = store.write(waits_for_disk=False)
            turn.driver.execute("PRAGMA busy_timeout = 0")
            with pytest.raises(StoreError), turn:
                pass
            stranger.execute("ROLLBACK")
        stranger.close()
        assert synchronous(store) == FULL


def ask_thrice(reader: CursorReader) -> None:
    for _ in range(3):
        reader.execute(select(employee.c.id).where(employee.c.id == bindparam("id")), {"id": b""})


class TestCursorReader:
    def test_rows_are_those_of_sqlalchemy(self, shop: Shop) -> None:
        shop.sell("k1")
        statement = select(employee).order_by(employee.c.id)
        with shop.store.read() as connection, shop.store.read_cursor() as cursor:
            theirs = [tuple(row) for row in connection.execute(statement)]
            ours = [tuple(row) for row in CursorReader(cursor).execute(statement)]
        assert ours == theirs
        assert ours
        assert [type(value) for value in ours[0]] == [type(value) for value in theirs[0]]

    @pytest.mark.parametrize("count", [0, 1, 2, 3, 9, 600])
    def test_a_list_has_any_length(self, shop: Shop, count: int) -> None:
        for number in range(3):
            shop.sell(f"k{number}", cashier=f"c{number}")
        with shop.store.read() as connection, shop.store.read_cursor() as cursor:
            codes = [f"c{number}" for number in range(count)]
            theirs = [tuple(row) for row in connection.execute(AMONG, {"codes": codes})]
            ours = [tuple(row) for row in CursorReader(cursor).execute(AMONG, {"codes": codes})]
        assert ours == theirs
        assert len(ours) == min(count, 3)

    def test_nobody_of_an_empty_list_is_looked_for_row_by_row(self, shop: Shop) -> None:
        with recorded_statements() as sent, shop.store.read_cursor() as cursor:
            CursorReader(cursor).execute(AMONG, {"codes": []})
        (text, values), *others = [each for each in sent if each[0].startswith("SELECT")]
        assert not others
        with shop.store.read_cursor() as cursor:
            plan = [row[3] for row in cursor.execute(f"EXPLAIN QUERY PLAN {text}", values).fetchall()]
        assert not any(step.startswith("SCAN employee") for step in plan), plan

    def test_values_of_the_statement_itself_are_given_to_the_driver(self, shop: Shop) -> None:
        shop.sell("k1", cashier="anna")
        with shop.store.read_cursor() as cursor:
            found = CursorReader(cursor).execute(ANNA_ALONE, {"codes": ["anna", "boris"]})
        assert found.scalars() == ["anna"]

    def test_nobody_is_none(self, shop: Shop) -> None:
        with shop.store.read_cursor() as cursor:
            assert find_employee(CursorReader(cursor), b"\0" * 16) is None

    def test_two_rows_where_one_should_be_are_told(self, shop: Shop) -> None:
        shop.sell("k1")
        shop.sell("k2", cashier="boris")
        with shop.store.read_cursor() as cursor:
            with pytest.raises(StoreError, match="several rows"):
                CursorReader(cursor).execute(select(employee.c.id)).one_or_none()

    def test_statements_made_anew_for_every_question_are_noticed(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(cursor_reading, "STATEMENTS_KEPT_MAX", len(cursor_reading._compiled) + 2)
        with shop.store.read_cursor() as cursor:
            reader = CursorReader(cursor)
            with pytest.raises(StoreError, match="statements are kept"):
                ask_thrice(reader)
