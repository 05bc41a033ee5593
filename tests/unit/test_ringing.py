"""Calls that ring in a branch: a few, for a minute, as a role may see them."""

from __future__ import annotations

import pytest

from branch_node.operations.ringing import KEPT_MAX, SHOWN_MAX, Ringing, read_ringing
from branch_node.storage.store import BranchStore
from shared.domain.cards import Value
from shared.domain.identifiers import derived_id
from shared.domain.permissions import LOCAL_ADMINISTRATOR, ROLES, Actor, Permission
from shared.domain.records import RecordKind
from shared.errors import NotFound, NotPermitted
from tests.support.clock import FakeClock, SeededIds
from tests.support.shop import Shop, change

PHONE = "+79123456789"


def rep(
    name: str = "rita", without: frozenset[Permission] = frozenset(), hidden: frozenset[str] = frozenset()
) -> Actor:
    role = ROLES["sales_rep"]
    permissions = role.permissions - without
    employee = derived_id("employee", b"rita")
    return Actor(employee, "rita", "", role.code, permissions, role.limits, role.client_scope, hidden)


@pytest.fixture
def ringing(clock: FakeClock) -> Ringing:
    return Ringing(clock, SeededIds(clock))


def test_no_more_than_a_few_calls_are_kept_and_shown_the_newest_first(ringing: Ringing) -> None:
    for number in range(KEPT_MAX + 5):
        ringing.ring(f"+7912000{number:04d}")
    shown = ringing.shown_to(rep())
    assert [ringing.phone_of(each)[-2:] for each in shown] == ["24", "23", "22"]
    assert len(shown) == SHOWN_MAX
    assert len(ringing._rings) == KEPT_MAX


def test_the_same_phone_rings_once(ringing: Ringing) -> None:
    ringing.ring(PHONE)
    (first,) = ringing.shown_to(rep())
    ringing.see(rep(), first)
    ringing.ring(PHONE)
    (second,) = ringing.shown_to(rep())
    assert second != first
    with pytest.raises(NotFound):
        ringing.phone_of(first)


def test_who_logs_no_calls_is_shown_none(ringing: Ringing) -> None:
    with pytest.raises(NotPermitted):
        ringing.shown_to(rep(without=frozenset({Permission.INTERACTION_LOG})))


def test_of_a_client_no_more_is_shown_than_a_role_sees(
    ringing: Ringing, branch_store: BranchStore, clock: FakeClock
) -> None:
    fields: dict[str, Value] = {"name": "Анна Иванова", "phones": (PHONE,)}
    Shop(branch_store, clock).learn(change(RecordKind.CLIENT, derived_id("client", b"anna"), **fields))
    ringing.ring(PHONE)

    def seen(actor: Actor) -> tuple[str, str]:
        (call,) = read_ringing(ringing, branch_store, actor, "RU", ringing.shown_to(actor))
        assert call.is_known
        return call.name, call.phone

    assert seen(LOCAL_ADMINISTRATOR) == ("Анна Иванова", PHONE)
    assert seen(rep(without=frozenset({Permission.CLIENT_CONTACTS}))) == ("А. Иван…", "•••6789")
    assert seen(rep(hidden=frozenset({"phones"}))) == ("Анна Иванова", "")
    ringing.ring("+79120000000")
    unknown = read_ringing(ringing, branch_store, rep(), "RU", ringing.shown_to(rep()))[0]
    assert (unknown.is_known, unknown.name, unknown.phone) == (False, "", "+79120000000")
