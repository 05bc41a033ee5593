"""The parts of which a timeline is read at a branch: cards of one client, keys by indexes alone, changes, people."""

from __future__ import annotations

import pytest

from branch_node.operations.client_timeline import read_client_timeline
from branch_node.operations.incoming_calls import find_caller
from branch_node.operations.interaction_desk import LAST_SHOWN_MAX, read_desk
from branch_node.operations.interactions import NextStep, Talk, log_interaction, plan_step
from branch_node.storage.store import BranchStore
from shared.domain.cards import Value
from shared.domain.identifiers import derived_id
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.domain.records import RecordKind
from shared.domain.timeline import ASKED, Shown, SpokenEntry
from shared.errors import NotFound
from shared.operations.aliases import read_card_group
from shared.operations.client_timeline import read_cards
from shared.operations.timeline_changes import read_changes
from shared.operations.timeline_facts import read_people
from shared.operations.timeline_keys import read_keys
from tests.support.clock import FakeClock
from tests.support.shop import Shop, change
from tests.support.statements import recorded_statements

ANNA, ANNE, BORIS = (derived_id("client", name) for name in (b"anna", b"anne", b"boris"))


@pytest.fixture
def shop(branch_store: BranchStore, clock: FakeClock) -> Shop:
    """A shop that knows Anna, who is twice, and Boris."""
    shop = Shop(branch_store, clock)
    for client_id, name, phone in ((ANNA, "Анна", "1"), (ANNE, "Аня", "2"), (BORIS, "Борис", "3")):
        fields: dict[str, Value] = {"name": name, "phones": (f"+7912345678{phone}",), "do_not_contact": False}
        shop.learn(change(RecordKind.CLIENT, client_id, **fields))
    return shop


def say(shop: Shop, client_id: bytes, text: str) -> bytes:
    shop.clock.advance(1)
    talk = Talk(client_id, "call", "out", body=text)
    return log_interaction(shop.store, shop.processor.commit, LOCAL_ADMINISTRATOR, talk).interaction_id


def test_the_cards_of_one_client_are_found_from_each_of_them(shop: Shop) -> None:
    shop.learn(change(RecordKind.CLIENT, ANNE, merged_into=ANNA))
    with shop.store.read() as connection:
        for client_id in (ANNA, ANNE):
            group = read_card_group(connection, client_id)
            assert (group.survivor, set(group.members)) == (ANNA, {ANNA, ANNE})
        assert read_card_group(connection, BORIS).members == (BORIS,)


def test_cards_that_were_merged_into_one_another_are_one_client(shop: Shop) -> None:
    shop.learn(change(RecordKind.CLIENT, ANNE, merged_into=ANNA), change(RecordKind.CLIENT, ANNA, merged_into=ANNE))
    with shop.store.read() as connection:
        groups = [read_card_group(connection, client_id) for client_id in (ANNA, ANNE)]
    assert groups[0] == groups[1]
    assert groups[0].survivor == min(ANNA, ANNE)


@pytest.mark.parametrize("members", [(ANNA,), (ANNA, ANNE)])
def test_no_page_looks_at_more_than_its_indexes_give(shop: Shop, members: tuple[bytes, ...]) -> None:
    say(shop, ANNA, "о цене")
    if len(members) > 1:
        shop.learn(change(RecordKind.CLIENT, ANNE, merged_into=ANNA))
    with shop.store.write() as connection:
        # As in a shop where hardly any card is merged, and the planner knows.
        connection.exec_driver_sql("ANALYZE client")
        connection.exec_driver_sql("DELETE FROM sqlite_stat1 WHERE idx = 'client_by_merged_into'")
        connection.exec_driver_sql(
            "INSERT INTO sqlite_stat1 VALUES ('client', 'client_by_merged_into', '100000 100000 1')"
        )
        connection.exec_driver_sql("ANALYZE sqlite_schema")
    with recorded_statements() as sent:
        for shown in Shown:
            read_client_timeline(shop.store, LOCAL_ADMINISTRATOR, ANNA, shown)
    with shop.store.read() as connection:
        plans = {
            row[3]
            for statement, parameters in sent
            if statement.startswith("SELECT")
            for row in connection.connection.cursor().execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
        }
    looked_through = {plan for plan in plans if plan.startswith("SCAN") and not plan.startswith("SCAN anon_")}
    assert looked_through == {"SCAN dictionary_term"}
    assert any("interaction_by_client" in plan for plan in plans)
    assert any("task_by_client_done" in plan for plan in plans)


def test_keys_are_read_newest_first_and_no_more_than_asked_for(shop: Shop) -> None:
    said = [say(shop, ANNA, f"{number}") for number in range(5)]
    with shop.store.read() as connection:
        cards = read_cards(connection, ANNA)
        rows = read_keys(connection, cards.members, cards.names, ASKED[Shown.CALLS], None, 3)
        assert [row.id for row in rows] == said[:1:-1]
        rest = read_keys(connection, cards.members, cards.names, ASKED[Shown.CALLS], rows[-1].key, 3)
        assert [row.id for row in rest] == said[1::-1]


def test_a_card_that_never_said_otherwise_changes_nothing(shop: Shop) -> None:
    with shop.store.read() as connection:
        assert read_changes(connection, [ANNA]) == {}
    shop.learn(change(RecordKind.CLIENT, ANNA, do_not_contact=True, do_not_contact_reason="просила"))
    shop.learn(change(RecordKind.CLIENT, ANNA, do_not_contact_reason="очень просила"))
    shop.learn(change(RecordKind.CLIENT, ANNA, consent_data=False))
    with shop.store.read() as connection:
        found = read_changes(connection, [ANNA])
    fields = [[(each.field, each.before, each.after) for each in known.entry.changes] for known in found.values()]
    assert fields == [
        [("do_not_contact", False, True), ("do_not_contact_reason", None, "просила")],
        [("consent_data", None, False)],
    ]


def test_people_are_named_by_code_and_by_id(shop: Shop) -> None:
    identity = derived_id("employee", b"rita")
    shop.learn(change(RecordKind.EMPLOYEE, identity, code="rita", name="Рита"))
    with shop.store.read() as connection:
        people = read_people(connection, {"rita", "gone"}, {identity, None})
    assert [people.name("rita"), people.name("gone")] == ["Рита", "gone"]
    assert [people.name_of(identity), people.name_of(None)] == ["Рита", ""]


def test_who_logs_a_call_sees_what_took_place_before(shop: Shop) -> None:
    for number in range(LAST_SHOWN_MAX + 2):
        say(shop, ANNA, f"{number}")
    plan_step(shop.store, shop.processor.commit, LOCAL_ADMINISTRATOR, ANNA, NextStep("Перезвонить"))
    desk = read_desk(shop.store, LOCAL_ADMINISTRATOR, ANNA)
    said = [entry.what.said.body for entry in desk.last if isinstance(entry.what, SpokenEntry)]
    assert said == [f"{number}" for number in range(LAST_SHOWN_MAX + 1, 1, -1)]
    assert [each.title for each in desk.tasks] == ["Перезвонить"]
    with pytest.raises(NotFound):
        read_desk(shop.store, LOCAL_ADMINISTRATOR, BORIS, corrects_id=desk.last[0].key.id)


def test_the_caller_is_the_client_that_the_card_stands_for(shop: Shop) -> None:
    shop.learn(change(RecordKind.CLIENT, ANNE, merged_into=ANNA))
    caller = find_caller(shop.store, LOCAL_ADMINISTRATOR, "8 912 345-67-82", "RU")
    assert caller.client is not None
    assert (caller.client.client_id, caller.contact_index, caller.others) == (ANNA, None, 0)
    assert find_caller(shop.store, LOCAL_ADMINISTRATOR, "8 912 345-67-89", "RU").client is None
