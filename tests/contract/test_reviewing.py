"""What is looked at and decided at the head office, on both databases: lists, both sides, who sees what, numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from hq_server.operations.backup import restore_backup, take_backup
from hq_server.operations.conflict_lists import ConflictFilter, ShownConflict, list_conflicts
from hq_server.operations.conflicts import Choice, decide_conflicts, undo_decision
from hq_server.operations.parked import discard_parked, restore_parked
from hq_server.operations.parked_lists import list_entries, read_entry
from hq_server.operations.proposal_lists import list_proposed
from hq_server.operations.proposals import accept_proposals, reject_proposals
from hq_server.operations.refund_cases import read_case
from hq_server.operations.review_counts import ReviewCounts, review_counts
from hq_server.operations.verdicts import Verdict, give_verdict
from shared.domain.business_time import days_from_date
from shared.domain.permissions import LOCAL_ADMINISTRATOR, NO_LIMITS, ROLES, Actor, ClientScope, Permission
from shared.domain.records import Record, RecordKind
from shared.errors import NotFound, NotPermitted, Refused, StaleEdit
from shared.operations.cards import load_card, shown_fields
from shared.storage.tables import refund as refund_table
from shared.wire.payloads import encode_refund, encode_sale
from tests.support.journal import JournalWriter, line, refund, sale
from tests.support.office import Office
from tests.support.pair import Pair

CARD, TASK = b"c" * 16, b"t" * 16


def actor(role: str, **changes: Any) -> Actor:
    known = ROLES[role]
    made = Actor(b"a" * 16, role, role.title(), role, known.permissions, NO_LIMITS, known.client_scope)
    return replace(made, **changes)


AUDITOR, ADMINISTRATOR, OWNER = actor("auditor"), actor("administrator"), actor("owner")


def conflicts(office: Office, who: Actor = AUDITOR, **wanted: Any) -> list[ShownConflict]:
    with office.store.read() as connection:
        found = list_conflicts(connection, who, ConflictFilter(**wanted), office.clock.now_us())
    return list(found.page.rows)


def decide(office: Office, choices: list[Choice], who: Actor = AUDITOR) -> bytes:
    office.clock.advance(1)
    with office.store.write() as connection:
        return decide_conflicts(connection, office.ids, office.clock.now_us(), who, choices)


def undo(office: Office, command_id: bytes, who: Actor = AUDITOR) -> int:
    office.clock.advance(1)
    with office.store.write() as connection:
        return undo_decision(connection, office.ids, office.clock.now_us(), who, command_id)


def shown(office: Office, kind: RecordKind = RecordKind.CLIENT, card_id: bytes = CARD) -> dict[str, Any]:
    with office.store.read() as connection:
        state = load_card(connection, kind, card_id)
    assert state is not None
    return shown_fields(kind, state)


def dispute(
    office: Office, *values: dict[str, Any], kind: RecordKind = RecordKind.CLIENT, card_id: bytes = CARD
) -> Any:
    """Every branch says something else of a card, none having seen another; a minute apart."""
    journals = []
    for number, fields in enumerate(values, start=1):
        journal = office.journal(f"B{number}")
        office.clock.advance(60)
        journal.add_edit(kind, card_id, {}, **fields)
        office.merge(journal, journal.batch())
        journals.append(journal)
    return journals


def test_both_sides_are_told_with_who_where_and_when(office: Office) -> None:
    north, _ = dispute(office, {"group": "gold"}, {"group": "silver"})
    (found,) = conflicts(office)
    assert (found.disputed.field, found.may_decide, found.now.value) == ("group", True, "silver")
    told = [(side.seen.value, side.branch, side.is_shown, side.is_of_office) for side in found.sides]
    assert told == [("gold", "B1", False, False), ("silver", "B2", True, False)]
    assert all(side.received_at_us is not None and side.at_us <= side.received_at_us for side in found.sides)
    assert conflicts(office, branch_code="B1") == conflicts(office, kind=100) == [found]
    assert conflicts(office, kind=101) == conflicts(office, days_min=1) == []
    office.clock.advance(86_400)
    assert len(conflicts(office, days_min=1)) == 1
    with pytest.raises(NotFound):
        conflicts(office, branch_code="none")
    assert north.head.seq == 1


@pytest.mark.parametrize("chosen", [0, 1, None])
@pytest.mark.parametrize("field", ["group", "tags", "do_not_contact", "consent_data"])
def test_a_decision_is_taken_back_and_shows_what_was_shown(office: Office, field: str, chosen: int | None) -> None:
    one, other = {"group": ("a", "b"), "tags": (("x",), ("y",))}.get(field, (True, False))
    dispute(office, {field: one}, {field: other})
    before = shown(office)[field]
    (found,) = conflicts(office)
    version = None if chosen is None else found.sides[chosen].version
    command_id = decide(office, [Choice(found.disputed, version, found.seen)])
    assert shown(office)[field] == (before if chosen is None else (one, other)[chosen])
    assert conflicts(office) == []
    (decided,) = conflicts(office, decided=True)
    assert decided.decision is not None
    assert (decided.decision.command_id, decided.decision.may_undo) == (command_id, True)
    assert undo(office, command_id) == 1
    assert shown(office)[field] == before
    # It is open as it was, and still says who said what first.
    (again,) = conflicts(office)
    assert {(side.seen.value, side.branch) for side in again.sides} == {(one, "B1"), (other, "B2")}
    (decided,) = conflicts(office, decided=True)
    assert decided.decision is not None
    assert not decided.decision.may_undo
    with pytest.raises(Refused, match="after the decision"):
        undo(office, command_id)
    decide(office, [Choice(again.disputed, None, again.seen)])
    assert (conflicts(office), shown(office)[field]) == ([], before)


def test_three_values_are_one_conflict_and_several_are_decided_at_once(office: Office) -> None:
    dispute(office, {"group": "a", "tier": "x"}, {"group": "b", "tier": "y"}, {"group": "c"})
    found = conflicts(office)
    assert sorted((each.disputed.field, len(each.sides)) for each in found) == [("group", 3), ("tier", 2)]
    command_id = decide(office, [Choice(each.disputed, None, each.seen) for each in found])
    assert conflicts(office) == []
    assert undo(office, command_id) == 2
    assert sorted((each.disputed.field, len(each.sides)) for each in conflicts(office)) == [("group", 3), ("tier", 2)]
    assert (shown(office)["group"], shown(office)["tier"]) == ("c", "y")


def test_what_changed_meanwhile_is_not_overwritten(office: Office) -> None:
    _, south = dispute(office, {"group": "a"}, {"group": "b"})
    (found,) = conflicts(office)
    third = office.journal("B3")
    third.add_edit(RecordKind.CLIENT, CARD, {}, group="c")
    office.merge(third, third.batch())
    with pytest.raises(StaleEdit):
        decide(office, [Choice(found.disputed, None, found.seen)])
    (now,) = conflicts(office)
    with pytest.raises(NotFound):
        decide(office, [Choice(now.disputed, b"x" * 16, now.seen)])
    command_id = decide(office, [Choice(now.disputed, found.sides[0].version, now.seen)])
    south.add_edit(RecordKind.CLIENT, CARD, {"group": (command_id,)}, group="later")
    office.merge(south, south.batch(1))
    with pytest.raises(Refused):
        undo(office, command_id)
    assert shown(office)["group"] == "later"
    # An edit with a value of its own settles too, but is no decision to take back.
    assert [each.decision.may_undo for each in conflicts(office, decided=True) if each.decision] == [False]
    with pytest.raises(NotFound):
        undo(office, b"x" * 16)


def test_who_sees_no_clients_sees_no_values_and_decides_nothing_of_them(office: Office) -> None:
    dispute(office, {"name": "Анна Белова", "address": "Север 1"}, {"name": "Инна Громова", "address": "Юг 2"})
    by_field = {each.disputed.field: each for each in conflicts(office, AUDITOR)}
    assert [side.seen.value for side in by_field["name"].sides] == ["А. Бело…", "И. Гром…"]
    assert (by_field["name"].may_decide, by_field["address"].may_decide) == (True, False)
    assert all(side.seen.is_hidden for side in by_field["address"].sides)
    with pytest.raises(NotPermitted):
        decide(office, [Choice(by_field["address"].disputed, None, by_field["address"].seen)])
    shopkeeper = actor("owner", client_scope=ClientScope.BRANCH)
    for blind in (ADMINISTRATOR, shopkeeper):
        for each in conflicts(office, blind):
            assert (each.title, each.client_id, each.may_decide) == ("", None, False)
            assert all(side.seen.is_hidden and side.seen.value is None for side in each.sides)
    assert {each.title for each in conflicts(office, OWNER)} == {"Инна Громова"}
    with pytest.raises(NotPermitted):
        conflicts(office, actor("owner", permissions=OWNER.permissions - {Permission.RECORDS_REVIEW}))


def test_names_that_look_alike_to_who_sees_a_part_are_not_decided_blindly(office: Office) -> None:
    dispute(office, {"name": "Анна Белова"}, {"name": "Анна Белоус"})
    (found,) = conflicts(office, AUDITOR)
    assert not found.may_decide
    (found,) = conflicts(office, OWNER)
    assert found.may_decide


def test_a_task_says_its_state_and_hides_its_words(office: Office) -> None:
    dispute(office, {"title": "Позвонить", "state": "open"}, {"title": "Зайти", "state": "done"}, kind=RecordKind.TASK)
    by_field = {each.disputed.field: each for each in conflicts(office, AUDITOR)}
    assert (by_field["state"].may_decide, by_field["title"].may_decide) == (True, False)
    decide(office, [Choice(by_field["state"].disputed, by_field["state"].sides[0].version, by_field["state"].seen)])
    assert shown(office, RecordKind.TASK)["state"] == "open"


def park(office: Office, journal: JournalWriter) -> None:
    """One entry of a kind that nobody knows, with a sale; then an edit far ahead and another that waits for it."""
    unknown = Record(999, office.ids.new_id(), b"?")
    receipt = Record(RecordKind.SALE, office.ids.new_id(), encode_sale(sale(7, [line(amount=12_300)])))
    journal.add([receipt, unknown])
    office.clock.advance(3 * 3_600)
    journal.add_edit(RecordKind.CLIENT, CARD, {}, name="Анна Белова")
    journal.add_edit(RecordKind.CLIENT, CARD, {}, note="тайна")
    office.clock.advance(-3 * 3_600)
    office.merge(journal, journal.batch())


def test_a_parked_entry_says_what_is_in_it_and_what_waits_for_it(office: Office) -> None:
    journal = office.journal("B1")
    park(office, journal)
    with office.store.read() as connection:
        found = list_entries(connection, AUDITOR)
    unknown, ahead, waiting = found.page.rows
    assert [(each.branch.code, each.seq, each.reason) for each in found.page.rows] == [
        ("B1", 1, "unknown_kind"),
        ("B1", 2, "clock_ahead"),
        ("B1", 3, "clock_ahead"),
    ]
    assert unknown.kinds == ((1, 1), (999, 1))
    (receipt,) = unknown.lines
    assert (receipt.receipt, receipt.amount_minor, receipt.currency) == ("1-000007", 12_300, "RUB")
    assert (ahead.lines[0].card, ahead.lines[0].fields) == ((100, CARD), ("name",))
    assert "тайна" not in str(found)
    assert "Анна" not in str(found)
    assert [(row.code, count) for row, count in found.incomplete] == [("B1", 3)]
    assert waiting.lines[0].fields == ("note",)
    with office.store.read() as connection:
        with pytest.raises(NotPermitted):
            list_entries(connection, actor("manager"))
        with pytest.raises(NotFound):
            read_entry(connection, AUDITOR, journal.branch_id, journal.incarnation, 9)


def test_entries_that_wait_for_another_are_named(office: Office) -> None:
    journal = office.journal("B1")
    office.clock.advance(3 * 3_600)
    journal.add_edit(RecordKind.CLIENT, CARD, {}, name="Анна")
    office.clock.advance(-3 * 3_600)
    office.merge(journal, journal.batch())
    journal._hlc = 0
    journal.add_edit(RecordKind.CLIENT, CARD, {}, group="gold")
    office.merge(journal, journal.batch(1))
    with office.store.read() as connection:
        first, second = list_entries(connection, AUDITOR).page.rows
    assert (second.reason, first.waiting, second.waiting) == ("depends_on_parked", (2,), ())


def test_what_is_set_aside_says_by_whom_and_waits_again_when_it_is_taken_back(office: Office) -> None:
    journal = office.journal("B1")
    park(office, journal)
    key = (journal.branch_id, 1, journal.incarnation)
    office.clock.advance(60)
    with office.store.write() as connection:
        discard_parked(connection, office.ids, office.clock.now_us(), *key, "a test till", AUDITOR)
    with office.store.read() as connection:
        assert [each.seq for each in list_entries(connection, AUDITOR).page.rows] == [2, 3]
        (aside,) = list_entries(connection, AUDITOR, set_aside=True).page.rows
        assert read_entry(connection, AUDITOR, journal.branch_id, journal.incarnation, 1) == aside
    assert aside.decided is not None
    assert (aside.seq, aside.decided.verdict, aside.decided.note) == (1, Verdict.SET_ASIDE, "a test till")
    for act in (discard, park_again):
        with pytest.raises(NotPermitted):
            act(office, journal, actor("manager"))
    park_again(office, journal, AUDITOR)
    with office.store.read() as connection:
        found = list_entries(connection, AUDITOR, "B1")
        assert [(each.seq, each.decided) for each in found.page.rows] == [(1, None), (2, None), (3, None)]
        assert list_entries(connection, AUDITOR, set_aside=True).page.rows == []


def discard(office: Office, journal: JournalWriter, who: Actor) -> None:
    with office.store.write() as connection:
        discard_parked(connection, office.ids, office.clock.now_us(), journal.branch_id, 2, None, "", who)


def park_again(office: Office, journal: JournalWriter, who: Actor) -> None:
    with office.store.write() as connection:
        restore_parked(connection, office.clock.now_us(), journal.branch_id, 1, journal.incarnation, who)


def test_proposals_show_both_sides_and_are_decided_one_by_one(office: Office, tmp_path: Path) -> None:
    pair = Pair(office, tmp_path)
    node = pair.join("north")
    pair.add_product("100", "Milk")
    node.sync()
    take_backup(office.store, tmp_path / "hq.backup", office.clock, office.ids)
    pair.add_product("100", "Cream")
    pair.add_product("200", "Bread")
    node.sync()
    restore_backup(office.store, tmp_path / "hq.backup", office.clock, office.ids)
    node.sync()
    with office.store.read() as connection:
        found = list_proposed(connection, AUDITOR)
        assert list_proposed(connection, AUDITOR, "north").page.total == 2
    cards = {card.title: card for card in found.page.rows}
    milk, bread = cards["Cream"], cards["Bread"]
    assert [(each.field, each.here.value, each.proposed.value) for each in milk.fields] == [("name", "Milk", "Cream")]
    assert (milk.is_new, bread.is_new, milk.may_decide) == (False, True, True)
    assert [(row.code, count) for row, count in found.waiting] == [("north", 2)]
    with office.store.write() as connection:
        now_us = office.clock.now_us()
        with pytest.raises(NotPermitted):
            accept_proposals(connection, office.ids, now_us, actor=actor("manager"))
        assert (
            accept_proposals(connection, office.ids, now_us, lambda row: row.card_id == milk.card_id, AUDITOR).cards
            == 1
        )
        assert reject_proposals(connection, office.ids, now_us, actor=AUDITOR).cards == 1
    assert pair.product_names() == ["Cream"]


def test_both_sides_of_what_came_back_twice(office: Office) -> None:
    journal = office.journal("B1")
    sale_id = over_refund(office, journal)
    with office.store.read() as connection:
        case = read_case(connection, AUDITOR, sale_id)
        with pytest.raises(NotFound):
            read_case(connection, AUDITOR, b"n" * 16)
        with pytest.raises(NotPermitted):
            read_case(connection, actor("manager"), sale_id)
    assert (case.sale.receipt, [each.sku for each in case.sale.lines]) == ("1-000001", ["tea", "milk"])
    assert [(each.receipt, [row.line for row in each.lines]) for each in case.refunds] == [
        ("1-000002", [1]),
        ("1-000003", [1]),
    ]
    assert [(each.line, each.refunded_thousandths) for each in case.over] == [(1, 2_000)]


def over_refund(office: Office, journal: JournalWriter) -> bytes:
    sale_id = journal.add_sale(sale(1, [line("tea", quantity=1), line("milk", quantity=1)]))
    for number in (2, 3):
        back = refund(number, sale_id, [(1, line("tea"))])
        journal.add([Record(RecordKind.REFUND, office.ids.new_id(), encode_refund(back))])
    office.merge(journal, journal.batch())
    return sale_id


def test_numbers_of_what_waits(office: Office) -> None:
    day = days_from_date(sale(1).business_date)
    dispute(office, {"group": "a", "tier": "x"}, {"group": "b", "tier": "y"}, {"group": "c"})
    journal = office.journal("N")
    over_refund(office, journal)
    south = office.journal("S")
    park(office, south)
    with office.store.read() as connection:
        assert review_counts(connection, AUDITOR, day) == ReviewCounts(2, 3, 1, 0, None, 1, 0)
        assert review_counts(connection, LOCAL_ADMINISTRATOR, day).duplicates == 0
        assert review_counts(connection, actor("cashier"), day) == ReviewCounts()
        (case,) = read_case(connection, AUDITOR, office.rows(select(refund_table.c.sale_id))[0][0]).over
    with office.store.write() as connection:
        give_verdict(connection, office.ids, 1, AUDITOR, [case.subject], Verdict.IN_ORDER)
        assert review_counts(connection, AUDITOR, day).over_refunds == 0
        assert review_counts(connection, AUDITOR, day + 60).over_refunds == 0
