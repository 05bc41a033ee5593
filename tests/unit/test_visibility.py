"""Whose clients lists show, and what of a card is seen."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.permissions import HIDEABLE_FIELDS, LOCAL_ADMINISTRATOR, ROLES, Actor, ClientScope, Permission
from shared.domain.positions import Position, by_employee
from shared.domain.visibility import (
    Substitution,
    reach_of,
    sees,
    shown_document,
    shown_name,
    substituted_by,
)

ME, REP, JUNIOR, OTHER = b"m" * 16, b"r" * 16, b"j" * 16, b"o" * 16
DAY = 20_000


def place(employee: bytes, boss: bytes | None, valid_from: int | None = None) -> Position:
    return Position(employee, employee, "sales_rep", boss, ("*",), valid_from, None)


TREE = by_employee([place(ME, None), place(REP, ME), place(JUNIOR, REP), place(OTHER, None)])
ILL = Substitution(OTHER, ME, DAY, DAY + 1)
DOCUMENT = {
    "id": "x", "name": "Анна Петрова", "phones": ["+79123456789"], "emails": ["a@b.ru"], "note": "n", "group": "g",
    "birthday": "--01-02",
}  # fmt: skip


def actor(role: str, **changes: object) -> Actor:
    known = ROLES[role]
    made = Actor(ME, role, role, role, known.permissions, known.limits, known.client_scope, known.hidden_fields)
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("scope", "shown"),
    [
        (ClientScope.OWN, {ME}),
        (ClientScope.TEAM, {ME, REP, JUNIOR}),
        (ClientScope.BRANCH, {ME, REP, JUNIOR, OTHER, None}),
        (ClientScope.CHAIN, {ME, REP, JUNIOR, OTHER, None}),
    ],
)
def test_lists_show_the_clients_of_a_scope(scope: ClientScope, shown: set[bytes | None]) -> None:
    reach = reach_of(ME, scope, TREE, [], DAY)
    assert {owner for owner in (ME, REP, JUNIOR, OTHER, None) if reach.shows(owner)} == shown


@pytest.mark.parametrize(("day", "is_shown"), [(DAY - 1, False), (DAY, True), (DAY + 1, True), (DAY + 2, False)])
def test_a_substitute_sees_the_others_clients_for_those_days(day: int, is_shown: bool) -> None:
    assert reach_of(ME, ClientScope.OWN, TREE, [ILL], day).shows(OTHER) is is_shown
    assert OTHER not in reach_of(REP, ClientScope.TEAM, TREE, [ILL], day).team
    assert substituted_by([ILL._replace(archived=True)], ME, DAY) == set()


def test_a_team_is_of_today() -> None:
    tree = by_employee([place(ME, None), place(REP, ME, DAY)])
    assert not reach_of(ME, ClientScope.TEAM, tree, [], DAY - 1).shows(REP)
    assert reach_of(ME, ClientScope.TEAM, tree, [], DAY).shows(REP)


@given(st.sampled_from(ClientScope), st.sampled_from([ME, REP, JUNIOR, OTHER]))
def test_everybody_sees_their_own_clients_and_a_wider_scope_shows_no_less(scope: ClientScope, employee: bytes) -> None:
    assert reach_of(employee, scope, TREE, [ILL], DAY).shows(employee)
    order = list(ClientScope)
    wider = order[order.index(scope) :]
    narrow = reach_of(employee, scope, TREE, [ILL], DAY)
    for each in wider:
        wide = reach_of(employee, each, TREE, [ILL], DAY)
        assert all(wide.shows(owner) for owner in (ME, REP, JUNIOR, OTHER, None) if narrow.shows(owner))


def test_who_may_not_see_contacts_recognises_a_client_and_no_more() -> None:
    shown = shown_document(actor("cashier"), DOCUMENT)
    assert shown == {
        **DOCUMENT,
        "name": "А. Петр…",
        "phones": ["•••6789"],
        "emails": [],
        "note": None,
        "birthday": None,
    }
    assert shown_name(actor("cashier"), "Анна Петрова") == "А. Петр…"
    assert shown_document(actor("manager"), DOCUMENT) == DOCUMENT


@given(st.sets(st.sampled_from(sorted(HIDEABLE_FIELDS))))
def test_a_field_that_a_role_hides_is_nowhere(hidden: set[str]) -> None:
    somebody = actor("manager", hidden_fields=frozenset(hidden))
    shown = shown_document(somebody, DOCUMENT)
    for field, value in DOCUMENT.items():
        assert sees(somebody, field) is (field not in hidden)
        assert shown[field] == (value if field not in hidden else [] if isinstance(value, list) else None)


def test_the_local_administrator_sees_everything() -> None:
    assert Permission.CLIENT_CONTACTS in LOCAL_ADMINISTRATOR.permissions
    assert shown_document(LOCAL_ADMINISTRATOR, DOCUMENT) == DOCUMENT
