"""What is kept of two cards that are merged, and what a field goes back to."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.cards import CARD_FIELDS, Value
from shared.domain.identifiers import format_id
from shared.domain.merging import UNTOUCHED, Kept, is_empty, plan_merge, survivor_changes, undone_value
from shared.domain.records import RecordKind

A, B, C = b"\1" * 16, b"\2" * 16, b"\3" * 16


def kept(own: dict[str, Value], other: dict[str, Value], *chosen: str) -> dict[str, tuple[Value, Kept]]:
    return {plan.field: (plan.kept, plan.why) for plan in plan_merge(own, other, chosen)}


def test_the_preview_names_every_field_of_a_client() -> None:
    assert set(kept({}, {})) | UNTOUCHED == set(CARD_FIELDS[RecordKind.CLIENT])


def test_empty_fields_are_filled_and_sets_united() -> None:
    plan = kept({"name": "Анна", "phones": ("+71",)}, {"name": "Аня", "note": "в субботу", "phones": ("+72",)})
    assert plan["name"] == ("Анна", Kept.OWN)
    assert plan["note"] == ("в субботу", Kept.FILLED)
    assert plan["phones"] == (("+71", "+72"), Kept.UNITED)


def test_the_other_value_is_kept_where_it_was_chosen() -> None:
    assert kept({"name": "Анна"}, {"name": "Аня"}, "name")["name"] == ("Аня", Kept.CHOSEN)


def test_whoever_wants_no_contact_on_one_card_wants_none() -> None:
    plan = kept({"do_not_contact_reason": "—"}, {"do_not_contact": True, "do_not_contact_reason": "просил"})
    assert plan["do_not_contact"] == (True, Kept.STRICTER)
    assert plan["do_not_contact_reason"] == ("просил", Kept.STRICTER)


def test_a_consent_comes_with_its_source_and_a_withdrawn_one_wins() -> None:
    given_here: dict[str, Value] = {"consent_data": True, "consent_data_source": "анкета", "consent_data_at": 10}
    withdrawn: dict[str, Value] = {"consent_data": False, "consent_data_source": "звонок", "consent_data_at": 5}
    plan = kept(given_here, withdrawn)
    assert [plan[name][0] for name in withdrawn] == [False, "звонок", 5]
    assert [kept(withdrawn, given_here)[name][0] for name in withdrawn] == [False, "звонок", 5]
    assert [kept({}, given_here)[name][0] for name in given_here] == [True, "анкета", 10]


def test_two_that_were_said_to_differ_and_are_merged_do_not_differ_any_more() -> None:
    own: dict[str, Value] = {"not_same_as": (format_id(B),)}
    other: dict[str, Value] = {"not_same_as": (format_id(C),)}
    assert survivor_changes(A, own, B, other, plan_merge(own, other)) == {"not_same_as": (format_id(C),)}


def test_a_card_that_was_put_away_comes_back_with_one_in_use() -> None:
    assert survivor_changes(A, {"archived": True}, B, {}, ()) == {"archived": False}


def test_an_undone_set_loses_only_what_the_merge_added() -> None:
    assert undone_value(True, ("1", "2", "3"), ("1", "2"), ("1",)) == ("1", "3")
    assert undone_value(False, "new", "new", "old") == "old"


TEXT = st.sampled_from([None, "", "а", "б"])
CARDS = st.fixed_dictionaries(
    {
        "name": TEXT,
        "note": TEXT,
        "phones": st.sets(st.sampled_from("123")).map(lambda texts: tuple(sorted(texts))),
        "do_not_contact": st.booleans(),
        "consent_data": st.sampled_from([None, True, False]),
        "consent_data_at": st.sampled_from([None, 1, 2]),
    }
)


@given(CARDS, CARDS)
def test_nothing_that_only_one_card_says_is_lost(own: dict[str, Value], other: dict[str, Value]) -> None:
    for plan in plan_merge(own, other):
        if plan.field.startswith("consent"):
            continue
        if isinstance(plan.kept, tuple):
            assert {*(plan.own or ()), *(plan.other or ())} == set(plan.kept)  # type: ignore[misc]
        elif not plan.is_empty:
            assert not is_empty(plan.kept)


@given(CARDS, CARDS)
def test_merging_once_more_changes_nothing(own: dict[str, Value], other: dict[str, Value]) -> None:
    merged = own | survivor_changes(A, own, B, other, plan_merge(own, other))
    assert survivor_changes(A, merged, B, other, plan_merge(merged, other)) == {}
