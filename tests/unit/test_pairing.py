"""Pairing: a code works once and for ten minutes, and what it is traded for can be taken away."""

from __future__ import annotations

import stat
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from branch_node.operations.pairing import (
    PAIRINGS_MAX,
    find_pairing,
    list_pairings,
    make_pairing_code,
    pair_browser,
    revoke_pairings,
)
from branch_node.operations.pins import find_pin, load_pepper, remove_pin, set_pin
from branch_node.operations.staff import list_staff
from branch_node.settings import Settings
from shared.clock import SystemIds
from shared.domain.identifiers import format_id
from shared.domain.permissions import LOCAL_ADMINISTRATOR, ROLES, Actor
from shared.errors import InvalidInput, LogInRefused, NotFound, NotPermitted, Refused, StoreError, TokenRefused
from tests.support.clock import FakeClock
from tests.support.shop import Shop
from tests.support.staff import CHEAP, PIN, TODAY, Staff


@pytest.fixture
def staff(shop: Shop, tmp_path: Path) -> Staff:
    return Staff(shop, Settings(home=tmp_path))


def code_for(shop: Shop, register: str = "1") -> str:
    return make_pairing_code(shop.store, LOCAL_ADMINISTRATOR, register).code


def test_a_code_has_eight_characters_that_nobody_mistakes(shop: Shop) -> None:
    codes = [code_for(shop) for _ in range(50)]
    assert {len(code) for code in codes} == {8}
    assert not set("".join(codes)) & set("01IO")
    assert len(set(codes)) == 50


def test_a_browser_trades_a_code_once_however_it_is_typed(shop: Shop) -> None:
    code = code_for(shop, "till 2")
    paired = pair_browser(shop.store, f" {code[:4].lower()}-{code[4:]} ", "Firefox\n")
    assert paired.register == "till 2"
    with pytest.raises(TokenRefused):
        pair_browser(shop.store, code)
    with shop.store.read() as connection:
        found = find_pairing(connection, paired.token)
        assert found is not None
        assert (found.pairing_id, found.register, found.label) == (paired.pairing_id, "till 2", "Firefox·")
        assert list_pairings(connection) == [found]
        for other in ("", "A" * 43, code):
            assert find_pairing(connection, other) is None


def test_a_code_works_for_ten_minutes(shop: Shop, clock: FakeClock) -> None:
    code, late = code_for(shop), code_for(shop)
    clock.advance(599)
    pair_browser(shop.store, code)
    clock.advance(1)
    with pytest.raises(TokenRefused):
        pair_browser(shop.store, late)
    with pytest.raises(TokenRefused):
        pair_browser(shop.store, "")
    code_for(shop)
    assert shop.count("pairing") == 2  # the one that expired is gone


def test_browsers_of_a_register_are_revoked_together_or_one_by_one(shop: Shop) -> None:
    tokens = [pair_browser(shop.store, code_for(shop, register)) for register in ("1", "1", "2")]
    revoke_pairings(shop.store, LOCAL_ADMINISTRATOR, format_id(tokens[0].pairing_id))
    assert living(shop) == [tokens[1].pairing_id, tokens[2].pairing_id]
    assert len(revoke_pairings(shop.store, LOCAL_ADMINISTRATOR, "1")) == 1
    assert living(shop) == [tokens[2].pairing_id]
    with pytest.raises(NotFound):
        revoke_pairings(shop.store, LOCAL_ADMINISTRATOR, "1")


def living(shop: Shop) -> list[bytes]:
    with shop.store.read() as connection:
        return [each.pairing_id for each in list_pairings(connection)]


def test_there_is_a_limit_to_browsers(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    assert PAIRINGS_MAX >= 100
    monkeypatch.setattr("branch_node.operations.pairing.PAIRINGS_MAX", 2)
    for _ in range(2):
        code_for(shop)
    with pytest.raises(Refused, match="paired already"):
        code_for(shop)


def test_only_who_may_pair_registers_does(shop: Shop) -> None:
    cashier = replace(LOCAL_ADMINISTRATOR, permissions=ROLES["cashier"].permissions)
    with pytest.raises(NotPermitted):
        make_pairing_code(shop.store, cashier, "1")
    with pytest.raises(NotPermitted):
        revoke_pairings(shop.store, cashier, "1")
    with pytest.raises(InvalidInput):
        make_pairing_code(shop.store, LOCAL_ADMINISTRATOR, "")


class TestPin:
    def test_it_is_peppered_by_a_key_outside_the_store_that_its_owner_alone_reads(
        self, staff: Staff, tmp_path: Path
    ) -> None:
        staff.hire("anna")
        staff.give_pin("anna")
        path = tmp_path / "pin.key"
        pepper = path.read_bytes()
        assert len(pepper) == 32
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert not any(pepper in each.read_bytes() for each in tmp_path.glob("branch.db*"))
        browser = staff.pair()
        path.write_bytes(b"x" * 32)
        with pytest.raises(LogInRefused):
            staff.log_in_by_pin(browser, "anna")
        path.write_bytes(b"too short")
        with pytest.raises(StoreError, match="key of the PINs"):
            staff.log_in_by_pin(browser, "anna")

    def test_of_many_who_make_the_key_at_once_all_use_the_same(self, tmp_path: Path) -> None:
        peppers: list[bytes] = []
        threads = [
            threading.Thread(target=lambda: peppers.append(load_pepper(tmp_path / "pin.key", SystemIds())))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(peppers) == 8
        assert len(set(peppers)) == 1
        assert [path.name for path in tmp_path.iterdir()] == ["pin.key"]

    def test_everybody_sets_ones_own_and_nobody_a_superior_s(self, staff: Staff) -> None:
        staff.hire("anna")
        staff.hire("mary", "manager")
        staff.hire("olga", "owner")
        anna, mary = staff.log_in("anna").actor, staff.log_in("mary").actor
        staff.give_pin("anna", PIN, anna)
        staff.give_pin("anna", PIN, mary)
        staff.give_pin("mary", PIN, mary)
        for actor, code in ((anna, "mary"), (mary, "olga"), (anna, "olga")):
            with pytest.raises(NotPermitted):
                staff.give_pin(code, PIN, actor)
        with pytest.raises(NotPermitted):
            remove_pin(staff.shop.store, mary, "olga")

    @pytest.mark.parametrize("code", ["nobody", "elsewhere", "gone", "till code"])
    def test_only_who_works_here_has_one(self, staff: Staff, code: str) -> None:
        staff.hire("elsewhere")
        staff.place("elsewhere", "cashier", "B1", since=TODAY)
        staff.hire("gone")
        staff.dismiss("gone")
        staff.shop.sell("k", cashier="till code")
        with pytest.raises(NotFound):
            staff.give_pin(code)

    def test_a_new_one_ends_a_lockout(self, staff: Staff) -> None:
        staff.hire("anna")
        staff.give_pin("anna")
        for _ in range(5):
            with pytest.raises(LogInRefused):
                staff.log_in("anna", "wrong")
        staff.give_pin("anna", "8642")
        staff.log_in_by_pin(staff.pair(), "anna", "8642")

    def test_a_bad_one_is_refused(self, staff: Staff) -> None:
        staff.hire("anna")
        with pytest.raises(InvalidInput):
            set_pin(staff.shop.store, staff.settings, LOCAL_ADMINISTRATOR, "anna", "12", CHEAP)
        with staff.shop.store.read() as connection:
            assert find_pin(connection, staff.identity("anna")) is None


def test_the_list_says_who_works_here_and_how_they_log_in(staff: Staff) -> None:
    staff.hire("mary", "manager")
    staff.hire("anna")
    staff.give_pin("anna")
    staff.take_password("anna")
    staff.hire("gone")
    staff.dismiss("gone")
    staff.shop.sell("k", cashier="till code")
    assert list_staff(staff.shop.store) == [
        {"code": "anna", "name": "Anna", "role": "cashier", "password": False, "pin": True},
        {"code": "mary", "name": "Mary", "role": "manager", "password": True, "pin": False},
    ]
    assert isinstance(staff.log_in("mary").actor, Actor)
