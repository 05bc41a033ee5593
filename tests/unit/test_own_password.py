"""One's own password at a branch: it counts at once and with no network, until the head office says otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from branch_node.operations.credentials import standing_credential
from branch_node.operations.own_password import change_own_password, changes_at_head_office
from branch_node.storage.store import BranchStore
from shared.domain.branch_facts import PasswordChange
from shared.domain.permissions import ROLES
from shared.domain.records import RecordKind
from shared.errors import InvalidInput, LockedOut, LogInRefused, Refused
from shared.operations.passwords import hash_password, verify_password
from shared.operations.people import credential_id
from shared.operations.sessions import proof_of
from shared.wire.payloads import decode_branch_fact
from tests.support.clock import FakeClock
from tests.support.shop import change
from tests.support.staff import CHEAP, PASSWORD, PIN, Staff
from tests.support.till_pages import Browser, make_pages, staff_of

NEW, NEWER, OF_OFFICE = "brand new words here", "even newer words here", "what the office gave"


@pytest.fixture
def staff(branch_store: BranchStore, clock: FakeClock, tmp_path: Path) -> Staff:
    return staff_of(branch_store, clock, tmp_path)


def choose(staff: Staff, old: str, new: str, code: str = "anna") -> str:
    """Logs in and changes the password; the new session's token."""
    entered = staff.log_in(code, old)
    return change_own_password(staff.shop.store, staff.settings, entered.actor, old, new, CHEAP).token


def facts(staff: Staff) -> list[PasswordChange]:
    """What the journal says of passwords."""
    records = [record for entry in staff.shop.entries() for record in entry.records]
    found = [decode_branch_fact(each.kind, each.payload) for each in records if each.kind == RecordKind.PASSWORD_CHANGE]
    return [fact for fact in found if isinstance(fact, PasswordChange)]


def lets_in(staff: Staff, password: str) -> bool:
    try:
        staff.log_in("anna", password)
    except LogInRefused:
        return False
    return True


def test_it_counts_at_once_and_the_old_one_no_more(staff: Staff) -> None:
    choose(staff, PASSWORD, NEW)
    assert (lets_in(staff, PASSWORD), lets_in(staff, NEW)) == (False, True)
    choose(staff, NEW, NEWER)
    assert (lets_in(staff, NEW), lets_in(staff, NEWER)) == (False, True)


def test_the_journal_carries_the_hash_and_what_it_replaces_and_never_the_password(staff: Staff) -> None:
    choose(staff, PASSWORD, NEW)
    choose(staff, NEW, NEWER)
    first, second = facts(staff)
    assert first.replaces == proof_of(hash_password(PASSWORD, b"s" * 16, CHEAP))
    assert second.replaces == proof_of(first.password_hash)
    assert verify_password(NEWER, second.password_hash)
    data = b"".join(row[0] for row in staff.shop.rows("SELECT data FROM journal"))
    assert NEW.encode() not in data
    assert PASSWORD.encode() not in data


def test_what_is_open_elsewhere_ends_and_this_browser_goes_on(staff: Staff) -> None:
    staff.give_pin("anna")
    others = [staff.log_in("anna").token, staff.log_in_by_pin(staff.pair(), "anna").token]
    bystander = staff.log_in("maria").token
    token = choose(staff, PASSWORD, NEW)
    assert [staff.current(each) for each in others] == [None, None]
    assert staff.current(token) is not None
    assert staff.current(bystander) is not None
    assert staff.log_in_by_pin(staff.pair(), "anna", PIN).actor.code == "anna"


def test_what_the_head_office_sets_wins(staff: Staff) -> None:
    token = choose(staff, PASSWORD, NEW)
    staff.give_password("anna", OF_OFFICE)
    assert (lets_in(staff, NEW), lets_in(staff, OF_OFFICE)) == (False, True)
    assert staff.current(token) is None


def test_when_the_head_office_has_taken_it_nobody_is_logged_out(staff: Staff) -> None:
    token = choose(staff, PASSWORD, NEW)
    (fact,) = facts(staff)
    identity = staff.identity("anna")
    staff.shop.learn(change(RecordKind.CREDENTIAL, credential_id(identity), password_hash=fact.password_hash))
    assert staff.current(token) is not None
    with staff.shop.store.read() as connection:
        assert standing_credential(connection, identity) is not None
    choose(staff, NEW, NEWER)
    assert lets_in(staff, NEWER)


def test_whoever_does_not_work_here_any_more_has_no_password_here(staff: Staff) -> None:
    choose(staff, PASSWORD, NEW)
    staff.take_password("anna")
    assert not lets_in(staff, NEW)


def test_a_first_password_is_changed_here(staff: Staff) -> None:
    staff.give_password("anna", OF_OFFICE, must_change=True)
    assert staff.log_in("anna", OF_OFFICE).actor.must_change_password
    choose(staff, OF_OFFICE, NEW)
    assert not staff.log_in("anna", NEW).actor.must_change_password


@pytest.mark.parametrize("new", ["short", "anna", PASSWORD, "aaaaaaaaaaaaaaa"])
def test_a_weak_password_or_the_same_one_is_refused(staff: Staff, new: str) -> None:
    with pytest.raises(InvalidInput):
        choose(staff, PASSWORD, new)
    assert facts(staff) == []
    assert lets_in(staff, PASSWORD)


def test_guesses_at_the_old_one_lock(staff: Staff) -> None:
    actor = staff.log_in("anna").actor
    for _ in range(5):
        with pytest.raises(LogInRefused):
            change_own_password(staff.shop.store, staff.settings, actor, "no idea at all", NEW, CHEAP)
    with pytest.raises(LockedOut):
        change_own_password(staff.shop.store, staff.settings, actor, PASSWORD, NEW, CHEAP)
    assert facts(staff) == []


def test_whoever_has_a_say_beyond_the_shop_changes_it_at_the_head_office(staff: Staff, clock: FakeClock) -> None:
    found = {}
    for code in ROLES:
        staff.hire(code, code)
        found[code] = changes_at_head_office(staff.shop.store, staff.log_in(code).actor)
    assert [code for code, is_so in found.items() if not is_so] == ["cashier", "manager", "sales_rep"]
    with pytest.raises(Refused):
        choose(staff, PASSWORD, NEW, "owner")
    # What an unheard branch takes away makes nobody less.
    clock.advance(30 * 86_400)
    with pytest.raises(Refused):
        choose(staff, PASSWORD, NEW, "owner")


def test_the_page_changes_it_and_says_where_it_counts(staff: Staff) -> None:
    browser, other = (Browser(make_pages(staff.shop.store, staff.settings.home)) for _ in range(2))
    for each in (browser, other):
        each.log_in("anna")
    assert 'href="/account"' in browser.get("/status").text
    differ = browser.post("/account", "/account", old=PASSWORD, password=NEW, repeated=NEWER)
    assert (differ.status_code, "passwords differ" in differ.text) == (422, True)
    wrong = browser.post("/account", "/account", old="no idea at all", password=NEW, repeated=NEW)
    assert (wrong.status_code, "not your password" in wrong.text) == (403, True)
    assert browser.post("/account", "/account", old=PASSWORD, password=NEW, repeated=NEW).status_code == 303
    assert "Your password is changed." in browser.get("/account").text
    assert other.get("/status").status_code == 303
    assert NEW not in wrong.text


def test_the_page_sends_people_of_the_office_there(staff: Staff) -> None:
    staff.hire("olga", "owner")
    browser = Browser(make_pages(staff.shop.store, staff.settings.home))
    browser.log_in("olga")
    page = browser.get("/account").text
    assert "at the head office: on its page" in page
    assert 'name="old"' not in page
    assert browser.post("/account", "/help", old=PASSWORD, password=NEW, repeated=NEW).status_code == 422
