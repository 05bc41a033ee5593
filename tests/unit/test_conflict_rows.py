"""The conflict log: both values, until an edit has seen one of them."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import Connection, select

from hq_server.storage.store import HqStore
from shared.domain.cards import MergeRule, Value
from shared.storage.conflict_rows import (
    add_conflicts,
    close_conflicts,
    conflicts_of_card,
    encode_value,
    open_conflicts,
)
from shared.storage.tables import conflict
from shared.sync.card_merge import HQ_ORIGIN, CardState, Conflict, FieldState, FieldVersion, Stamp
from tests.support.clock import START_US

KEY = (100, b"k" * 16)


def version(hlc: int, value: Value) -> FieldVersion:
    branch_id = HQ_ORIGIN if hlc == 1 else b"%016d" % hlc
    return FieldVersion(Stamp(0, hlc, b"c%015d" % hlc, b"a%015d" % hlc, branch_id), value)


def log(
    connection: Connection, *hlcs: int, field: str = "name", rule: MergeRule = MergeRule.LATEST, now_us: int = START_US
) -> CardState:
    """Logs the conflict between the first two of some versions that are all there."""
    live = tuple(version(hlc, f"value {hlc}") for hlc in hlcs)
    state = CardState({field: FieldState(live)})
    add_conflicts(connection, KEY, [Conflict(field, live[0], live[1], rule)], state, now_us)
    return state


def test_a_conflict_keeps_both_values_with_who_where_and_when(either_store: HqStore) -> None:
    with either_store.write() as connection:
        log(connection, 1, 2)
        (row,) = open_conflicts(connection)
    assert (row.kind, row.card_id, row.field, row.rule) == (*KEY, "name", "latest")
    assert (row.older_value, row.older_author, row.older_branch_id, row.older_hlc) == (
        '"value 1"',
        version(1, "").stamp.author,
        HQ_ORIGIN,
        1,
    )
    assert (row.newer_value, row.newer_author, row.newer_branch_id, row.newer_hlc) == (
        '"value 2"',
        version(2, "").stamp.author,
        version(2, "").stamp.branch_id,
        2,
    )
    assert (row.shown_command_id, row.detected_at, row.closed_at) == (version(2, "").version_id, START_US, None)


def test_a_conflict_says_which_version_is_shown(either_store: HqStore) -> None:
    with either_store.write() as connection:
        log(connection, 1, 2, rule=MergeRule.MANUAL)
        (row,) = open_conflicts(connection)
        assert row.shown_command_id == version(1, "").version_id
        log(connection, 2, 3, 4)
        assert open_conflicts(connection)[1].shown_command_id == version(4, "").version_id


def test_a_conflict_that_is_known_stays_as_it_is(either_store: HqStore) -> None:
    with either_store.write() as connection:
        log(connection, 1, 2)
        log(connection, 1, 2, now_us=START_US + 1)
        assert [row.detected_at for row in open_conflicts(connection)] == [START_US]


def test_an_edit_that_saw_either_value_closes_the_conflict(either_store: HqStore) -> None:
    with either_store.write() as connection:
        log(connection, 1, 2)
        log(connection, 3, 4)
        log(connection, 1, 2, field="note")
        seen = frozenset({version(2, "").version_id})
        close_conflicts(connection, KEY, "name", seen, b"closer".ljust(16), START_US + 5)
        assert [(row.field, row.older_hlc) for row in open_conflicts(connection)] == [("name", 3), ("note", 1)]


def test_a_closed_conflict_remembers_the_first_edit_that_closed_it(either_store: HqStore) -> None:
    with either_store.write() as connection:
        log(connection, 1, 2)
        seen = frozenset({version(1, "").version_id, version(2, "").version_id})
        close_conflicts(connection, KEY, "name", seen, b"first".ljust(16), START_US + 5)
        close_conflicts(connection, KEY, "name", seen, b"second".ljust(16), START_US + 6)
        log(connection, 1, 2, now_us=START_US + 7)
        assert open_conflicts(connection) == []
        rows = connection.execute(select(conflict.c.closed_by_command_id, conflict.c.closed_at)).all()
    assert rows == [(b"first".ljust(16), START_US + 5)]


def test_another_card_s_conflicts_are_left_alone(either_store: HqStore) -> None:
    with either_store.write() as connection:
        log(connection, 1, 2)
        seen = frozenset({version(1, "").version_id})
        close_conflicts(connection, (100, b"x" * 16), "name", seen, b"closer".ljust(16), START_US)
        close_conflicts(connection, (101, KEY[1]), "name", seen, b"closer".ljust(16), START_US)
        assert len(conflicts_of_card(connection, *KEY)) == 1
        assert conflicts_of_card(connection, 101, KEY[1]) == []


def test_conflicts_are_listed_oldest_first(either_store: HqStore) -> None:
    with either_store.write() as connection:
        log(connection, 1, 2, now_us=START_US + 9)
        log(connection, 3, 4, now_us=START_US + 1)
        assert [row.older_hlc for row in open_conflicts(connection)] == [3, 1]
        assert [row.older_hlc for row in conflicts_of_card(connection, *KEY)] == [3, 1]


def test_no_conflicts_are_no_rows(either_store: HqStore) -> None:
    with either_store.write() as connection:
        add_conflicts(connection, KEY, [], CardState(), START_US)
        assert open_conflicts(connection) == []


@pytest.mark.parametrize(
    ("value", "document"),
    [
        (None, None),
        (True, True),
        (5, 5),
        ("Ёлкина", "Ёлкина"),
        (("a", "b"), ["a", "b"]),
        (b"\x01" * 16, {"id": "01" * 16}),
    ],
)
def test_a_value_is_json_that_people_can_read(value: Value, document: object) -> None:
    assert json.loads(encode_value(value)) == document
    assert "\\u" not in encode_value(value)
