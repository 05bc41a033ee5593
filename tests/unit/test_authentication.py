"""Logging in at a branch: who gets in, what ends it, and what an outsider can learn."""

from __future__ import annotations

from pathlib import Path

import pytest

from branch_node.operations import authentication
from branch_node.operations.authentication import log_out, override
from branch_node.operations.pairing import revoke_pairings
from branch_node.operations.pins import remove_pin
from branch_node.settings import Settings
from branch_node.storage.store import BranchStore
from shared.domain.business_time import MICROSECONDS, SECONDS_PER_DAY
from shared.domain.permissions import LOCAL_ADMINISTRATOR, PERMITTED_UNHEARD, ROLES, Permission, require
from shared.domain.records import RecordKind
from shared.errors import LockedOut, LogInRefused, NotPermitted
from shared.operations import passwords
from shared.operations.passwords import HashCost
from shared.storage.cursor_reading import CursorReader
from tests.support.clock import FakeClock
from tests.support.shop import Shop, change
from tests.support.staff import CHEAP, PASSWORD, PIN, TODAY, Staff

DAY = SECONDS_PER_DAY


@pytest.fixture
def staff(shop: Shop, tmp_path: Path) -> Staff:
    return Staff(shop, Settings(home=tmp_path))


def test_a_password_opens_a_session_that_knows_role_and_permissions(staff: Staff) -> None:
    identity = staff.hire("anna", "manager")
    logged_in = staff.log_in("anna")
    actor = staff.current(logged_in.token)
    assert actor is not None
    assert (actor.employee_id, actor.code, actor.name, actor.role) == (identity, "anna", "Anna", "manager")
    assert actor.permissions == ROLES["manager"].permissions
    assert actor.limits == ROLES["manager"].limits
    assert actor.register is None
    assert actor.session_id is not None
    assert actor.limited_since_us is None


def test_a_token_is_not_in_the_store_and_another_opens_nothing(staff: Staff) -> None:
    staff.hire("anna")
    token = staff.log_in("anna").token
    assert staff.current(token) is not None
    assert token.encode() not in b"".join(path.read_bytes() for path in staff.settings.home.glob("branch.db*"))
    for other in ("", "x", "ё", "A" * 43, token[:-1], token + "="):
        assert staff.current(other) is None, other


def refusal(staff: Staff, code: str, password: str) -> str:
    with pytest.raises(LogInRefused) as refused:
        staff.log_in(code, password)
    return f"{type(refused.value).__name__} {refused.value.message} {refused.value.hint}"


def test_the_answer_never_tells_whether_a_code_exists(staff: Staff) -> None:
    staff.hire("anna")
    staff.hire("gone")
    staff.dismiss("gone")
    staff.hire("elsewhere")
    staff.place("elsewhere", "cashier", "B1", since=TODAY)
    staff.shop.sell("k", cashier="free code")
    said = {
        refusal(staff, "anna", "wrong password"),
        refusal(staff, "nobody", PASSWORD),
        refusal(staff, "gone", PASSWORD),
        refusal(staff, "elsewhere", PASSWORD),
        refusal(staff, "free code", PASSWORD),
        refusal(staff, "", ""),
        refusal(staff, "\ud800", "\ud800"),
    }
    assert len(said) == 1


def test_a_code_that_does_not_exist_costs_one_hash_like_any_other(
    staff: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    staff.hire("anna")
    spent: list[bytes] = []
    hashed = passwords._hash

    def count(material: bytes, salt: bytes, cost: HashCost) -> str:
        spent.append(material)
        return hashed(material, salt, cost)

    monkeypatch.setattr(passwords, "_hash", count)
    with pytest.raises(LogInRefused):
        staff.log_in("nobody", "wrong")
    assert spent == [b"wrong"]


def test_five_failures_lock_an_employee_for_a_minute_then_for_two(staff: Staff, clock: FakeClock) -> None:
    staff.hire("anna")
    for _ in range(5):
        refusal(staff, "anna", "wrong password")
    with pytest.raises(LockedOut) as locked:
        staff.log_in("anna")
    assert locked.value.seconds == 60
    clock.advance(59)
    assert "LockedOut" in refusal(staff, "anna", PASSWORD)
    clock.advance(1)
    refusal(staff, "anna", "wrong password")
    clock.advance(119)
    assert "LockedOut" in refusal(staff, "anna", PASSWORD)
    clock.advance(1)
    staff.log_in("anna")
    refusal(staff, "anna", "wrong password")
    staff.log_in("anna")


def test_a_code_that_does_not_exist_is_locked_like_any_other(staff: Staff) -> None:
    said = [refusal(staff, "nobody", "wrong password") for _ in range(6)]
    assert [words.startswith("LockedOut") for words in said] == [False] * 5 + [True]


def test_a_lockout_is_on_disk_and_binds_every_process(staff: Staff, tmp_path: Path, clock: FakeClock) -> None:
    staff.hire("anna")
    for _ in range(5):
        refusal(staff, "anna", "wrong password")
    reopened = BranchStore(tmp_path / "branch.db", clock, staff.shop.store.ids)
    with pytest.raises(LockedOut):
        authentication.log_in(reopened, staff.settings, "anna", PASSWORD, CHEAP)
    reopened.close()


def test_a_process_that_dies_while_it_looks_has_used_up_an_attempt(
    staff: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    staff.hire("anna")

    def die(*_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(authentication, "verify_password", die)
    for _ in range(5):
        with pytest.raises(KeyboardInterrupt):
            staff.log_in("anna")
    monkeypatch.undo()
    assert "LockedOut" in refusal(staff, "anna", PASSWORD)


class TestEnds:
    """Whatever takes an employee's right away ends the session at the next request."""

    @pytest.fixture
    def token(self, staff: Staff) -> str:
        staff.hire("anna")
        token = staff.log_in("anna").token
        assert staff.current(token) is not None
        return token

    def ended(self, staff: Staff, token: str) -> bool:
        return staff.current(token) is None and staff.shop.count("session") == 0

    def test_dismissal(self, staff: Staff, token: str) -> None:
        staff.dismiss("anna", TODAY + 1)
        assert staff.current(token) is not None
        staff.dismiss("anna", TODAY)
        assert self.ended(staff, token)

    def test_archiving(self, staff: Staff, token: str) -> None:
        staff.shop.learn(change(RecordKind.EMPLOYEE, staff.identity("anna"), archived=True))
        assert self.ended(staff, token)

    def test_a_position_at_another_branch(self, staff: Staff, token: str) -> None:
        staff.place("anna", "manager", "B1", since=TODAY)
        assert self.ended(staff, token)

    def test_a_role_that_is_gone(self, staff: Staff, token: str) -> None:
        staff.shop.learn(change(RecordKind.ROLE, b"r" * 16, code="cashier", archived=True))
        assert self.ended(staff, token)

    def test_the_last_day_of_a_position(self, staff: Staff, clock: FakeClock) -> None:
        staff.hire("boris")
        staff.place("boris", "manager", "B7", since=TODAY, until=TODAY)
        staff.place("boris", "cashier", "B1", since=TODAY - 1)
        token = staff.log_in("boris").token
        clock.advance(5 * 3_600 - 1)  # 16:00 UTC is 19:00 in Moscow
        assert staff.current(token) is not None
        clock.advance(1)
        assert self.ended(staff, token)

    def test_a_credential_that_the_branch_forgot(self, staff: Staff, token: str) -> None:
        staff.take_password("anna")
        assert self.ended(staff, token)

    def test_another_password(self, staff: Staff, token: str) -> None:
        staff.give_password("anna", "quite another phrase")
        assert self.ended(staff, token)
        with pytest.raises(LogInRefused):
            staff.log_in("anna")
        staff.log_in("anna", "quite another phrase")

    def test_twelve_idle_hours(self, staff: Staff, token: str, clock: FakeClock) -> None:
        clock.advance(12 * 3_600 - 1)
        assert staff.current(token) is not None  # and was used again
        clock.advance(12 * 3_600 - 1)
        assert staff.current(token) is not None
        clock.advance(12 * 3_600)
        assert staff.current(token) is None

    def test_logging_out(self, staff: Staff, token: str) -> None:
        log_out(staff.shop.store, token)
        assert self.ended(staff, token)


def test_a_changed_role_holds_from_the_next_request_on(staff: Staff) -> None:
    staff.hire("anna")
    token = staff.log_in("anna").token
    permissions = ("drawer.open", "newer.release")
    role = change(RecordKind.ROLE, b"r" * 16, code="cashier", permissions=permissions, discount_basis_points_max=700)
    staff.shop.learn(role)
    actor = staff.current(token)
    assert actor is not None
    assert actor.permissions == {Permission.DRAWER_OPEN}
    assert actor.limits == (700, 0)


def test_a_password_that_must_change_says_so(staff: Staff) -> None:
    staff.hire("anna")
    staff.give_password("anna", PASSWORD, must_change=True)
    assert staff.log_in("anna").actor.must_change_password


class TestPin:
    """A PIN: short, so it counts on a paired register alone."""

    @pytest.fixture
    def browser(self, staff: Staff) -> str:
        staff.hire("anna")
        staff.give_pin("anna")
        return staff.pair("till 2")

    def test_it_logs_in_on_a_paired_register_and_names_it(self, staff: Staff, browser: str) -> None:
        actor = staff.current(staff.log_in_by_pin(browser, "anna").token)
        assert actor is not None
        assert (actor.code, actor.register) == ("anna", "till 2")

    @pytest.mark.parametrize("other", ["", "A" * 43])
    def test_it_opens_nothing_elsewhere(self, staff: Staff, browser: str, other: str) -> None:
        with pytest.raises(LogInRefused, match="not paired"):
            staff.log_in_by_pin(other, "anna")

    def test_it_is_no_password(self, staff: Staff, browser: str) -> None:
        refusal(staff, "anna", PIN)

    def test_fifteen_idle_minutes_end_it(self, staff: Staff, browser: str, clock: FakeClock) -> None:
        token = staff.log_in_by_pin(browser, "anna").token
        clock.advance(899)
        assert staff.current(token) is not None
        clock.advance(900)
        assert staff.current(token) is None

    def test_it_ends_with_the_pairing(self, staff: Staff, browser: str) -> None:
        token = staff.log_in_by_pin(browser, "anna").token
        by_password = staff.log_in("anna").token
        revoke_pairings(staff.shop.store, LOCAL_ADMINISTRATOR, "till 2")
        assert staff.current(token) is None
        assert staff.current(by_password) is not None
        with pytest.raises(LogInRefused):
            staff.log_in_by_pin(browser, "anna")

    def test_it_ends_with_the_pin(self, staff: Staff, browser: str) -> None:
        token = staff.log_in_by_pin(browser, "anna").token
        staff.give_pin("anna", "8642")
        assert staff.current(token) is None
        again = staff.log_in_by_pin(browser, "anna", "8642").token
        remove_pin(staff.shop.store, LOCAL_ADMINISTRATOR, "anna")
        assert staff.current(again) is None

    def test_it_needs_no_password_at_this_branch_but_a_position(self, staff: Staff, browser: str) -> None:
        staff.take_password("anna")
        token = staff.log_in_by_pin(browser, "anna").token
        staff.place("anna", "cashier", "B1", since=TODAY)
        assert staff.current(token) is None
        with pytest.raises(LogInRefused):
            staff.log_in_by_pin(browser, "anna")

    def test_five_wrong_pins_for_several_people_lock_the_register(
        self, staff: Staff, browser: str, clock: FakeClock
    ) -> None:
        for code in "abcde":
            with pytest.raises(LogInRefused):
                staff.log_in_by_pin(browser, code)
        with pytest.raises(LockedOut):
            staff.log_in_by_pin(browser, "anna")
        staff.log_in("anna")  # at another door
        staff.log_in_by_pin(staff.pair("till 3"), "anna")
        clock.advance(60)
        staff.log_in_by_pin(browser, "anna")

    def test_ones_own_pin_buys_no_guesses_at_a_colleagues(self, staff: Staff, browser: str) -> None:
        for _ in range(4):
            with pytest.raises(LogInRefused):
                staff.log_in_by_pin(browser, "victim", "1111")
            staff.log_in_by_pin(browser, "anna")
        with pytest.raises(LogInRefused):
            staff.log_in_by_pin(browser, "victim", "2222")
        with pytest.raises(LockedOut):
            staff.log_in_by_pin(browser, "anna")

    def test_mistypings_that_ended_well_do_not_add_up(self, staff: Staff, browser: str) -> None:
        for _ in range(4):
            with pytest.raises(LogInRefused):
                staff.log_in_by_pin(browser, "anna", "1111")
            staff.log_in_by_pin(browser, "anna")

    def test_a_manager_allows_one_operation_without_logging_in(self, staff: Staff, browser: str) -> None:
        staff.hire("mary", "manager")
        staff.give_pin("mary", "8642")
        before = staff.shop.count("session")
        store, settings = staff.shop.store, staff.settings
        actor = override(store, settings, browser, Permission.SALE_PRICE, "mary", "8642", CHEAP)
        assert (actor.code, actor.register) == ("mary", "till 2")
        assert staff.shop.count("session") == before
        with pytest.raises(NotPermitted, match="override"):
            override(store, settings, browser, Permission.SALE_PRICE, "anna", PIN, CHEAP)
        with pytest.raises(NotPermitted, match="employee"):
            override(store, settings, browser, Permission.EMPLOYEE_EDIT, "mary", "8642", CHEAP)
        with pytest.raises(LogInRefused):
            override(store, settings, browser, Permission.SALE_PRICE, "mary", PIN, CHEAP)


class TestUnheard:
    """A branch that has not heard the head office for fourteen days may not know of a dismissal."""

    @pytest.fixture
    def token(self, staff: Staff, clock: FakeClock) -> str:
        staff.hire("anna", "manager")
        return staff.log_in("anna").token

    def keep(self, staff: Staff, token: str, clock: FakeClock, seconds: int) -> None:
        """Lets time pass with the session in use."""
        for _ in range(seconds // 36_000):
            clock.advance(36_000)
            assert staff.current(token) is not None
        clock.advance(seconds % 36_000)

    def test_it_keeps_selling_shifts_and_refunds_by_receipt(self, staff: Staff, token: str, clock: FakeClock) -> None:
        heard_us = clock.now_us()
        self.keep(staff, token, clock, 14 * DAY - 1)
        actor = staff.current(token)
        assert actor is not None
        assert actor.limited_since_us is None
        clock.advance(1)
        actor = staff.current(token)
        assert actor is not None
        assert actor.limited_since_us == heard_us + 14 * DAY * MICROSECONDS
        assert actor.permissions == ROLES["manager"].permissions & PERMITTED_UNHEARD
        require(actor, Permission.SALE_MAKE)
        with pytest.raises(NotPermitted, match="head office"):
            require(actor, Permission.SALE_DISCOUNT)

    def test_a_word_from_the_head_office_gives_everything_back(
        self, staff: Staff, token: str, clock: FakeClock
    ) -> None:
        self.keep(staff, token, clock, 15 * DAY)
        staff.shop.learn()
        actor = staff.current(token)
        assert actor is not None
        assert actor.permissions == ROLES["manager"].permissions

    def test_a_store_that_never_heard_any_counts_from_when_it_was_made(self, staff: Staff, clock: FakeClock) -> None:
        with staff.shop.store.write() as connection:
            connection.exec_driver_sql("UPDATE sync_state SET last_sync_at = NULL")
        with staff.shop.store.read_cursor() as cursor:
            assert (
                authentication.limited_since(CursorReader(cursor), 14, clock.now_us() + 13 * DAY * MICROSECONDS) is None
            )
            since = clock.now_us() + 14 * DAY * MICROSECONDS
            assert authentication.limited_since(CursorReader(cursor), 14, since) == since
