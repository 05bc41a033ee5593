"""Merging into stored cards: what is written, what is logged, and who lost."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import Connection, select

from hq_server.storage.store import HqStore
from shared.domain.cards import Value, rules_of
from shared.domain.identifiers import NIL_ID
from shared.domain.records import RecordKind
from shared.operations.cards import (
    CardEdit,
    CardReceived,
    MergedCards,
    edit_card,
    load_card,
    merge_cards,
    shown_fields,
)
from shared.storage.card_rows import CardKey
from shared.storage.conflict_rows import open_conflicts
from shared.storage.tables import card, client, conflict, employee
from shared.sync.card_merge import HQ_ORIGIN, CardState, FieldPatch, Stamp, merge_patch
from shared.sync.messages import FieldLost
from shared.wire.cards import encode_state
from tests.support.clock import START_US
from tests.support.edits import Edit, apply, by_name, histories

KIND, CARD = int(RecordKind.CLIENT), b"k" * 16
BRANCH = b"b" * 16


def command(number: int) -> bytes:
    return b"c%015d" % number


def edit(
    number: int, *seen: int, kind: int = KIND, card_id: bytes = CARD, branch_id: bytes = BRANCH, **fields: Value
) -> CardEdit:
    """The edit with that number, which saw the edits with those."""
    stamp = Stamp(0, number, command(number), NIL_ID, branch_id)
    patches = tuple(FieldPatch(name, value, tuple(map(command, seen))) for name, value in fields.items())
    return CardEdit(kind, card_id, stamp, patches)


def received(known: CardEdit) -> CardReceived:
    """The whole card that one edit makes."""
    state = merge_patch(CardState(), known.stamp, known.patches, rules_of(known.kind)).state
    return CardReceived(known.kind, known.card_id, state, encode_state(state))


def merge(store: HqStore, *arrivals: CardEdit | CardReceived, received_at_us: int | None = None) -> MergedCards:
    with store.write() as connection:
        return merge_cards(connection, arrivals, START_US, received_at_us)


def column(store: HqStore, expression: object) -> list[object]:
    with store.read() as connection:
        return list(connection.execute(select(expression)).scalars())  # type: ignore[call-overload]


def conflicts(store: HqStore) -> int:
    with store.read() as connection:
        return len(open_conflicts(connection))


def test_an_edit_makes_the_card_and_shows_it(either_store: HqStore) -> None:
    merged = merge(either_store, edit(1, name="Anna"), received_at_us=START_US)
    assert merged.created == merged.changed == {(KIND, CARD)}
    assert column(either_store, client.c.name) == ["Anna"]
    assert column(either_store, card.c.received_at) == [START_US]
    assert column(either_store, card.c.state) == [merged.encoded[KIND, CARD]]


def test_edits_of_one_call_build_on_each_other(either_store: HqStore) -> None:
    merged = merge(either_store, edit(1, name="One"), edit(2, 1, name="Two"), edit(3, 2, name="Three"))
    assert column(either_store, client.c.name) == ["Three"]
    assert merged.created == {(KIND, CARD)}
    assert conflicts(either_store) == 0


def test_many_cards_are_merged_in_one_call(either_store: HqStore) -> None:
    ids = [number.to_bytes(16, "big") for number in range(1, 6)]
    merged = merge(either_store, *(edit(n, card_id=card_id, name=f"Client {n}") for n, card_id in enumerate(ids)))
    assert len(merged.created) == 5
    assert len(column(either_store, client.c.id)) == 5


def test_an_edit_that_is_known_changes_nothing(either_store: HqStore) -> None:
    merge(either_store, edit(1, name="Anna"), received_at_us=START_US)
    merged = merge(either_store, edit(1, name="Anna"), received_at_us=START_US + 1)
    assert (merged.changed, merged.created) == (set(), set())
    assert column(either_store, card.c.received_at) == [START_US]


def test_edits_that_did_not_see_each_other_are_a_conflict(either_store: HqStore) -> None:
    merge(either_store, edit(2, name="Newer"))
    merged = merge(either_store, edit(1, name="Older", branch_id=HQ_ORIGIN))
    assert [(key, found.older.value, found.newer.value) for key, found in merged.conflicts] == [
        ((KIND, CARD), "Older", "Newer")
    ]
    assert conflicts(either_store) == 1
    assert column(either_store, client.c.name) == ["Newer"]


def test_an_edit_that_saw_both_closes_the_conflict(either_store: HqStore) -> None:
    merge(either_store, edit(1, name="One"), edit(2, name="Two"))
    merge(either_store, edit(3, 1, 2, name="Three"))
    assert conflicts(either_store) == 0
    assert column(either_store, conflict.c.closed_by_command_id) == [command(3)]


def test_an_edit_that_saw_one_of_three_leaves_the_conflict_of_the_others(either_store: HqStore) -> None:
    merge(either_store, edit(1, name="One"), edit(2, name="Two"), edit(3, name="Three"))
    assert conflicts(either_store) == 3
    merge(either_store, edit(4, 1, name="Four"))
    with either_store.read() as connection:
        open_now = {(row.older_hlc, row.newer_hlc) for row in open_conflicts(connection)}
    assert open_now == {(2, 3), (2, 4), (3, 4)}


def test_a_conflict_that_came_in_a_whole_card_is_closed_by_the_version_that_replaced_it(either_store: HqStore) -> None:
    merge(either_store, edit(1, name="One"), edit(2, name="Two"))
    merge(either_store, received(edit(3, 1, 2, name="Three")))
    assert conflicts(either_store) == 0
    assert column(either_store, conflict.c.closed_by_command_id) == [command(3)]
    assert column(either_store, client.c.name) == ["Three"]


# Who lost.


def test_the_edit_whose_value_is_not_shown_is_told_the_winner(either_store: HqStore) -> None:
    merge(either_store, edit(9, name="Newer"))
    merged = merge(either_store, edit(1, name="Older", note="Kept"))
    assert merged.fields_lost == {command(1): [FieldLost(KIND, CARD, "name", command(9))]}


@pytest.mark.parametrize(
    ("arrival", "why"),
    [
        (edit(9, name="Newer"), "its value is shown"),
        (edit(1, name="First"), "both say the same"),
        (edit(1, phones=("+7",)), "a union takes all"),
        (edit(1, note="Else"), "it met nothing"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_nobody_lost_when(either_store: HqStore, arrival: CardEdit, why: str) -> None:
    merge(either_store, edit(5, name="First", phones=("+49",)))
    assert merge(either_store, arrival).fields_lost == {}, why


def test_an_edit_that_a_later_one_has_seen_did_not_lose(either_store: HqStore) -> None:
    merge(either_store, edit(5, 1, name="Five"), edit(6, name="Six"))
    assert merge(either_store, edit(1, name="One")).fields_lost == {}


# Whole cards.


def test_a_whole_card_that_nobody_knew_is_kept_byte_for_byte(either_store: HqStore) -> None:
    whole = received(edit(1, name="Anna"))
    merged = merge(either_store, whole)
    assert merged.created == {(KIND, CARD)}
    assert column(either_store, card.c.state) == [whole.encoded]
    assert column(either_store, client.c.name) == ["Anna"]


def test_a_whole_card_and_edits_of_it_may_come_in_one_call(either_store: HqStore) -> None:
    merged = merge(either_store, received(edit(1, name="One")), edit(2, 1, name="Two"))
    assert column(either_store, client.c.name) == ["Two"]
    with either_store.read() as connection:
        state = load_card(connection, KIND, CARD)
    assert state == merged.states[KIND, CARD]
    assert shown_fields(KIND, state or CardState()) == {"name": "Two"}


def test_cards_are_locked_before_they_are_read(either_store: HqStore, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, list[CardKey]]] = []
    for name in ("lock_cards", "load_states"):

        def note(connection: Connection, keys: Sequence[CardKey], name: str = name) -> dict[CardKey, bytes]:
            calls.append((name, list(keys)))
            return {}

        monkeypatch.setattr(f"shared.operations.cards.{name}", note)
    merge(either_store, edit(1, name="One"), edit(2, card_id=b"o" * 16, name="Other"), edit(3, 1, name="Three"))
    keys = [(KIND, CARD), (KIND, b"o" * 16)]
    assert calls == [("lock_cards", keys), ("load_states", keys)]


def test_a_card_of_an_unknown_kind_is_kept_and_not_shown(either_store: HqStore) -> None:
    merge(either_store, edit(1, kind=999, name="Future"))
    with either_store.read() as connection:
        state = load_card(connection, 999, CARD)
    assert state is not None
    assert shown_fields(999, state) == {"name": "Future"}
    assert column(either_store, client.c.id) == []


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=histories(edits_max=6))
def test_stored_cards_are_what_the_pure_merge_makes_of_them(branch_store: HqStore, made: list[Edit]) -> None:
    card_id = b"%016d" % len(column(branch_store, card.c.id))
    for known in made:
        merge(branch_store, CardEdit(999, card_id, known.stamp, known.patches))
    with branch_store.read() as connection:
        stored = load_card(connection, 999, card_id)
    assert by_name(stored or CardState()) == by_name(apply(made).state)


# Edits made here and now.


def edit_here(store: HqStore, **changes: Value) -> CardEdit | None:
    with store.write() as connection:
        return edit_card(connection, KIND, CARD, changes, edit(50).stamp)


def test_an_edit_made_here_has_seen_everything_that_is_there(either_store: HqStore) -> None:
    merge(either_store, edit(1, name="One"), edit(2, name="Two", note="VIP"))
    made = edit_here(either_store, name="Three")
    assert made is not None
    assert made.patches == (FieldPatch("name", "Three", (command(1), command(2))),)


def test_an_edit_that_would_change_nothing_is_none(either_store: HqStore) -> None:
    assert edit_here(either_store, name=None) is None
    merge(either_store, edit(1, name="One"))
    assert edit_here(either_store, name="One") is None
    assert edit_here(either_store) is None


def test_repeating_the_value_shown_settles_a_conflict(either_store: HqStore) -> None:
    merge(either_store, edit(1, name="One"), edit(2, name="Two"))
    made = edit_here(either_store, name="Two")
    assert made is not None
    assert made.patches[0].seen == (command(1), command(2))


def test_a_card_nobody_made_is_none(either_store: HqStore) -> None:
    with either_store.read() as connection:
        assert load_card(connection, KIND, CARD) is None
    assert column(either_store, employee.c.id) == []
