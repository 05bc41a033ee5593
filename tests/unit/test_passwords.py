"""Passwords and PINs: their rules, and that what is kept of them is of no use to whoever finds it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidInput
from shared.operations.passwords import (
    PASSWORD_COST,
    PIN_COST,
    HashCost,
    hash_password,
    hash_pin,
    needs_rehash,
    require_password,
    require_pin,
    verify_password,
    verify_pin,
)
from shared.operations.record_check import compare_row
from shared.storage.tables import credential
from tests.support.staff import CHEAP
from tests.support.strategies import FEW

SALT, PEPPER = b"s" * 16, b"p" * 32


@pytest.mark.parametrize(
    ("password", "word"),
    [
        ("", "at least 10"),
        ("nine chars"[:9], "at least 10"),
        ("x" * 201, "at most 200"),
        ("ANNA-PETROVA", "code"),
        ("aaaaaaaaaaaa", "one character"),
    ],
)
def test_a_password_that_is_easily_guessed_is_refused(password: str, word: str) -> None:
    with pytest.raises(InvalidInput, match=word):
        require_password(password, "anna-petrova")


def test_ten_characters_of_any_script_will_do() -> None:
    assert require_password("пароль дня", "anna") == "пароль дня"
    assert require_password("9 chars +1", "anna") == "9 chars +1"


@pytest.mark.parametrize("pin", ["", "123", "123456789", "12a4", "١٢٣٤", " 1234", "4711", "0000"])
def test_a_pin_has_four_to_eight_digits_and_is_not_the_code(pin: str) -> None:
    with pytest.raises(InvalidInput, match="PIN"):
        require_pin(pin, "4711")


def test_four_and_eight_digits_will_do() -> None:
    assert (require_pin("1234", "anna"), require_pin("12345678", "anna")) == ("1234", "12345678")


@FEW
@given(st.text(max_size=60), st.text(max_size=60))
def test_a_password_opens_its_own_hash_alone(one: str, other: str) -> None:
    stored = hash_password(one, SALT, CHEAP)
    assert verify_password(one, stored, CHEAP)
    assert not verify_password(f"{one}{other}x", stored, CHEAP)


def test_a_password_typed_on_another_keyboard_is_the_same() -> None:
    assert verify_password("cafe\u0301 и\u0306", hash_password("café й", SALT, CHEAP), CHEAP)


def test_the_hash_is_argon2id_in_its_usual_form_and_salted() -> None:
    one, other = hash_password("password", SALT, CHEAP), hash_password("password", b"t" * 16, CHEAP)
    assert one.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert one != other


def test_what_is_no_hash_of_ours_opens_nothing() -> None:
    right = hash_password("password", SALT, CHEAP)
    for stored in (
        None,
        "",
        "password",
        right[:-1],
        right.replace("argon2id", "argon2i"),
        right.replace("m=8", "m=4294967"),
        right.replace("m=8", "m=99999999"),
        right.replace("m=8", "m=7"),
        right.replace("t=1", "t=0"),
        right.replace("p=1", "p=0"),
    ):
        assert not verify_password("password", stored, CHEAP), stored


def test_nothing_stored_takes_as_long_as_a_wrong_password() -> None:
    cost = HashCost(8_192, 2, 1)
    stored = hash_password("password", SALT, cost)

    def seconds(of: str | None) -> float:
        taken = []
        for _ in range(5):
            # Of this thread alone: whoever else is busy on the machine does not count.
            began = time.thread_time()
            assert not verify_password("wrong", of, cost)
            taken.append(time.thread_time() - began)
        return min(taken)

    assert 0.3 < seconds(None) / seconds(stored) < 3


def test_a_pin_is_of_no_use_without_the_pepper() -> None:
    stored = hash_pin("2580", PEPPER, SALT, CHEAP)
    assert verify_pin("2580", PEPPER, stored, CHEAP)
    assert not verify_pin("2580", b"q" * 32, stored, CHEAP)
    assert not verify_pin("2581", PEPPER, stored, CHEAP)
    assert not verify_pin("2580", PEPPER, None, CHEAP)
    assert not verify_password("2580", stored, CHEAP)


def test_a_hash_of_another_cost_is_to_be_made_anew() -> None:
    stored = hash_password("password", SALT, CHEAP)
    assert needs_rehash(stored)
    assert not needs_rehash(stored, CHEAP)
    assert needs_rehash("nonsense", CHEAP)


def test_what_one_guess_costs_does_not_sink_below_what_is_recommended() -> None:
    """OWASP's least: 19 MiB and two passes; a password, which no pepper protects, costs more."""
    assert PIN_COST.memory_kib >= 19_456
    assert PIN_COST.iterations >= 2
    assert PASSWORD_COST.memory_kib * PASSWORD_COST.iterations >= 4 * PIN_COST.memory_kib * PIN_COST.iterations


def test_of_an_altered_hash_a_check_says_only_that_it_is_another() -> None:
    columns = [credential.c.must_change, credential.c.password_hash]
    said = compare_row(columns, (1, "$argon2id$theirs"), (0, "$argon2id$ours"))
    assert said == "must_change is 1, was 0, password_hash is another"
