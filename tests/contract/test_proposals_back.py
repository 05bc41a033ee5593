"""Decisions about cards that were handed back, taken back, on both databases: what shows, here and at the branch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from hq_server.operations.backup import restore_backup, take_backup
from hq_server.operations.people import Personnel, Placement
from hq_server.operations.proposal_lists import list_decided, list_proposed
from hq_server.operations.proposals import Decision, accept_proposals, list_proposals, reject_proposals
from hq_server.operations.proposals_back import take_back_decision
from hq_server.storage.feed import number_feed
from hq_server.storage.people import PEOPLE_KINDS
from hq_server.storage.proposals import keep_proposals
from shared.domain.permissions import LOCAL_ADMINISTRATOR, ROLES, Actor
from shared.domain.records import RecordKind
from shared.errors import NotFound, NotPermitted, Refused
from shared.storage.tables import employee, product
from shared.sync.card_merge import HQ_ORIGIN
from shared.sync.messages import CardFull
from shared.wire.exchange import encode_feed_record
from tests.contract.test_proposals import card, hand_back, lose_and_hand_back
from tests.support.office import Office
from tests.support.pair import Node, Pair

Act = Callable[..., Decision]


@pytest.fixture
def pair(office: Office, tmp_path: Path) -> Pair:
    return Pair(office, tmp_path)


def decide(pair: Pair, act: Act) -> bytes:
    """All that waits; returns the act."""
    office = pair.office
    office.clock.advance(1)
    with office.store.write() as connection:
        done = act(connection, office.ids, office.clock.now_us())
    number_feed(office.store, office.clock.now_us())
    return done.command_id


def back(pair: Pair, command_id: bytes, actor: Actor = LOCAL_ADMINISTRATOR) -> int:
    office = pair.office
    office.clock.advance(1)
    with office.store.write() as connection:
        count = take_back_decision(connection, office.ids, office.clock.now_us(), actor, command_id)
    number_feed(office.store, office.clock.now_us())
    return count


def waiting(pair: Pair) -> list[str]:
    with pair.office.store.read() as connection:
        return sorted(each.title for each in list_proposed(connection, LOCAL_ADMINISTRATOR).page.rows)


def sold(node: Node | Pair) -> list[str]:
    """The names of the products that are not put away."""
    store: Any = node.store if isinstance(node, Node) else node.office.store
    statement = select(product.c.name).where(product.c.archived.is_(False), product.c.name.is_not(None))
    with store.read() as connection:
        return sorted(connection.execute(statement).scalars())


def test_what_was_taken_up_shows_what_it_showed_before_and_waits_again(pair: Pair, tmp_path: Path) -> None:
    node = lose_and_hand_back(pair, tmp_path)
    act = decide(pair, accept_proposals)
    assert (sold(pair), waiting(pair)) == (["Bread", "Cream"], [])
    assert back(pair, act) == 2
    node.sync()
    assert sold(pair) == sold(node) == ["Milk"]
    assert waiting(pair) == ["Bread", "Cream"]
    # Asking what waits closes nothing of it, for a person has to decide.
    with pair.office.store.write() as connection:
        assert len(list_proposals(connection, pair.office.clock.now_us())) == 2


@pytest.mark.parametrize("first", [accept_proposals, reject_proposals])
@pytest.mark.parametrize("second", [accept_proposals, reject_proposals])
def test_what_is_decided_anew_holds(pair: Pair, tmp_path: Path, first: Act, second: Act) -> None:
    node = lose_and_hand_back(pair, tmp_path)
    back(pair, decide(pair, first))
    node.sync()
    decide(pair, second)
    node.sync()
    wanted = ["Bread", "Cream"] if second is accept_proposals else ["Milk"]
    assert sold(pair) == sold(node) == wanted
    assert waiting(pair) == []


def test_a_decision_that_was_taken_back_and_taken_again_is_taken_back_again(pair: Pair, tmp_path: Path) -> None:
    node = lose_and_hand_back(pair, tmp_path)
    for _ in range(2):
        act = decide(pair, accept_proposals)
        assert sold(pair) == ["Bread", "Cream"]
        back(pair, act)
        node.sync()
        assert sold(pair) == sold(node) == ["Milk"]


def test_what_was_set_aside_waits_again_and_nothing_else_changes(pair: Pair, tmp_path: Path) -> None:
    node = lose_and_hand_back(pair, tmp_path)
    act = decide(pair, reject_proposals)
    node.sync()
    assert back(pair, act) == 2
    node.sync()
    assert sold(pair) == sold(node) == ["Milk"]
    assert waiting(pair) == ["Bread", "Cream"]
    with pytest.raises(NotFound, match="already"):
        back(pair, act)


def test_what_was_changed_since_is_not_taken_back(pair: Pair, tmp_path: Path) -> None:
    lose_and_hand_back(pair, tmp_path)
    act = decide(pair, accept_proposals)
    pair.add_product("100", "Kefir")
    with pytest.raises(Refused, match="“Kefir” was changed again"):
        back(pair, act)
    assert (sold(pair), waiting(pair)) == (["Bread", "Kefir"], [])


def test_settings_are_put_right_on_the_branch_s_page(pair: Pair) -> None:
    office = pair.office
    branch_id = office.add_branch("B1").id
    office.clock.advance(1)
    hand_back(office, branch_id, card(office, RecordKind.BRANCH_SETTINGS, branch_id, HQ_ORIGIN, name="Первый"))
    act = decide(pair, accept_proposals)
    with pytest.raises(Refused, match="settings"):
        back(pair, act)


def test_people_who_were_taken_up_are_put_away_by_who_may_hire(pair: Pair, tmp_path: Path) -> None:
    office = pair.office
    branch = office.add_branch("B1")
    take_backup(office.store, tmp_path / "backup", office.clock, office.ids)
    with office.store.write() as connection:
        Personnel(connection, office.ids, office.clock.now_us()).hire("anna", "Anna", Placement("cashier", ("B1",)))
    number_feed(office.store, office.clock.now_us())
    held = [each for each in office.feed_of(branch.id) if isinstance(each, CardFull) and each.kind in PEOPLE_KINDS]
    restore_backup(office.store, tmp_path / "backup", office.clock, office.ids)
    with office.store.write() as connection:
        keep_proposals(connection, branch.id, tuple(map(encode_feed_record, held)), office.clock.now_us())
    act = decide(pair, accept_proposals)
    auditor = Actor(b"a" * 16, "andrey", "Андрей", "auditor", ROLES["auditor"].permissions, ROLES["auditor"].limits)
    with pytest.raises(NotPermitted):
        back(pair, act, auditor)
    back(pair, act)
    with office.store.read() as connection:
        assert connection.execute(select(employee.c.archived).where(employee.c.code == "anna")).scalars().all() == [
            True
        ]


def test_the_list_says_what_was_decided_by_whom_and_whether_it_was_taken_back(pair: Pair, tmp_path: Path) -> None:
    lose_and_hand_back(pair, tmp_path)
    back(pair, decide(pair, accept_proposals))
    decide(pair, reject_proposals)
    with pair.office.store.read() as connection:
        found = list_decided(connection, LOCAL_ADMINISTRATOR)
    assert [(each.verdict, each.cards_decided, each.taken_back_at_us is None) for each in found.rows] == [
        ("rejected", 2, True),
        ("accepted", 2, False),
    ]
    assert sorted(each.title for each in found.rows[0].cards) == ["Bread", "Cream"]
