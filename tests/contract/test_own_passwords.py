"""Passwords chosen at branches, at the head office on both databases: which it takes, and whom it tells."""

from __future__ import annotations

from pathlib import Path

import pytest

from branch_node.operations.authentication import LoggedIn, current_actor, log_in
from branch_node.operations.own_password import change_own_password
from branch_node.settings import Settings
from hq_server.operations.people import Personnel, Placement, make_password_hash
from hq_server.storage.feed import number_feed
from hq_server.storage.passwords import may_choose_at, take_passwords
from shared.domain.branch_facts import PasswordChange
from shared.domain.business_time import local_moment
from shared.domain.positions import ALL_BRANCHES
from shared.domain.records import Record, RecordKind
from shared.errors import LogInRefused
from shared.operations.people import find_credential
from shared.operations.sessions import proof_of
from shared.storage.tables import password_change
from shared.sync.messages import CardChange
from shared.wire.payloads import encode_branch_fact
from tests.support.journal import JournalWriter
from tests.support.office import Office
from tests.support.pair import Node, Pair
from tests.support.staff import CHEAP, PASSWORD, TODAY


@pytest.fixture
def first(office: Office) -> JournalWriter:
    return office.journal("B1")


@pytest.fixture
def second(office: Office) -> JournalWriter:
    return office.journal("B2")


def hashed(office: Office, password: str) -> str:
    return make_password_hash(office.ids, "anna", password, CHEAP)


def hire(office: Office, role: str = "cashier", branches: tuple[str, ...] = (ALL_BRANCHES,)) -> bytes:
    now_us = office.clock.now_us()
    with office.store.write() as connection:
        people = Personnel(connection, office.ids, now_us)
        identity = people.hire(
            "anna", "Anna", Placement(role, branches), password_hash=hashed(office, PASSWORD), must_change=True
        )
    number_feed(office.store, now_us)
    return identity


def stored(office: Office, identity: bytes) -> str:
    with office.store.read() as connection:
        known = find_credential(connection, identity)
    assert known is not None
    return known.password_hash


def send(office: Office, journal: JournalWriter, identity: bytes, chosen: str, replaced: str) -> None:
    """A branch's entry comes, as it was made at some time."""
    fact = PasswordChange(identity, chosen, proof_of(replaced), local_moment(office.clock.now_us(), "Europe/Moscow"))
    sent = journal.head.seq
    journal.add([Record(RecordKind.PASSWORD_CHANGE, office.ids.new_id(), encode_branch_fact(fact))])
    office.merge(journal, journal.batch(sent))


def told_hashes(office: Office, journal: JournalWriter) -> list[object]:
    """The passwords that a branch was told of since it was told whole cards."""
    changes = [record for record in office.feed_of(journal.branch_id) if isinstance(record, CardChange)]
    return [
        patch.value
        for record in changes
        if record.kind == RecordKind.CREDENTIAL
        for patch in record.patches
        if patch.field == "password_hash"
    ]


def test_it_is_taken_and_every_branch_where_one_works_is_told(
    office: Office, first: JournalWriter, second: JournalWriter
) -> None:
    identity = hire(office)
    chosen = hashed(office, "brand new words here")
    send(office, first, identity, chosen, stored(office, identity))
    assert stored(office, identity) == chosen
    assert told_hashes(office, first) == told_hashes(office, second) == [chosen]
    with office.store.read() as connection:
        known = find_credential(connection, identity)
    assert known is not None
    assert not known.must_change
    assert office.count(password_change) == 1


def test_one_after_another_comes_to_the_last(office: Office, first: JournalWriter) -> None:
    identity = hire(office)
    chosen = [hashed(office, f"brand new words {number}") for number in range(3)]
    before = stored(office, identity)
    for each in chosen:
        send(office, first, identity, each, before)
        before = each
    assert stored(office, identity) == chosen[-1]
    assert told_hashes(office, first) == chosen


def test_a_password_that_the_head_office_set_meanwhile_wins(office: Office, first: JournalWriter) -> None:
    identity = hire(office)
    before, given = stored(office, identity), hashed(office, "given by the office")
    with office.store.write() as connection:
        Personnel(connection, office.ids, office.clock.now_us()).set_password("anna", given)
    send(office, first, identity, hashed(office, "brand new words here"), before)
    assert stored(office, identity) == given
    assert office.count(password_change) == 1


def test_of_two_branches_the_first_that_comes_counts(
    office: Office, first: JournalWriter, second: JournalWriter
) -> None:
    identity = hire(office)
    before = stored(office, identity)
    ones, twos = hashed(office, "one one one one"), hashed(office, "two two two two")
    send(office, second, identity, twos, before)
    send(office, first, identity, ones, before)
    assert stored(office, identity) == twos
    assert told_hashes(office, first) == [twos]


@pytest.mark.parametrize("role", ["owner", "administrator", "head_of_sales", "auditor"])
def test_a_branch_does_not_speak_for_those_of_the_head_office(office: Office, first: JournalWriter, role: str) -> None:
    identity = hire(office, role)
    before = stored(office, identity)
    send(office, first, identity, hashed(office, "brand new words here"), before)
    assert stored(office, identity) == before


def test_a_branch_speaks_for_nobody_who_works_elsewhere_or_was_dismissed(
    office: Office, first: JournalWriter, second: JournalWriter
) -> None:
    identity = hire(office, branches=("B2",))
    before = stored(office, identity)
    send(office, first, identity, hashed(office, "brand new words here"), before)
    assert stored(office, identity) == before
    with office.store.write() as connection:
        Personnel(connection, office.ids, office.clock.now_us()).dismiss("anna", TODAY)
    send(office, second, identity, hashed(office, "brand new words here"), before)
    assert stored(office, identity) == before


@pytest.mark.parametrize("nonsense", ["x", "$argon2id$v=19$m=99999999,t=9999,p=1$AAAAAAAAAAAAAAAAAAAAAA$" + "A" * 43])
def test_what_is_no_hash_or_would_cost_too_much_is_not_taken(
    office: Office, first: JournalWriter, nonsense: str
) -> None:
    identity = hire(office)
    before = stored(office, identity)
    send(office, first, identity, nonsense, before)
    assert stored(office, identity) == before


def test_nobody_whom_the_head_office_does_not_know_gets_a_password(office: Office, first: JournalWriter) -> None:
    fact = PasswordChange(b"x" * 16, hashed(office, "some words here"), b"p" * 32, local_moment(0, "Europe/Moscow"))
    with office.store.write() as connection:
        assert not may_choose_at(connection, first.branch_id, fact, office.clock.now_us())
        assert take_passwords(connection, [(first.branch_id, fact)], office.clock.now_us()) == []


def enters(node: Node, password: str) -> LoggedIn | None:
    try:
        return log_in(node.store, Settings(home=Path()), "anna", password, CHEAP)
    except LogInRefused:
        return None


def test_a_password_goes_from_one_branch_to_the_other_and_into_a_store_that_takes_its_place(
    office: Office, tmp_path: Path
) -> None:
    pair = Pair(office, tmp_path)
    one, other = pair.join("B1"), pair.join("B2")
    hire(office)
    one.sync()
    other.sync()
    entered = enters(one, PASSWORD)
    assert entered is not None
    new = change_own_password(one.store, Settings(home=Path()), entered.actor, PASSWORD, "brand new words here", CHEAP)
    assert (enters(other, PASSWORD) is not None, enters(other, "brand new words here")) == (True, None)
    one.sync()
    other.sync()
    one.sync()
    assert (enters(other, PASSWORD), enters(other, "brand new words here") is not None) == (None, True)
    assert current_actor(one.store, Settings(home=Path()), new.token) is not None
    assert (*one.verify(), *other.verify(), *pair.verify("B1")) == ()
    again = pair.replace("B1")
    again.sync()
    assert (enters(again, PASSWORD), enters(again, "brand new words here") is not None) == (None, True)
    assert again.verify() == ()
