"""Passwords and PINs as Argon2id in PHC format: rules, hashing, verifying. Contains no storage and no lockout."""

from __future__ import annotations

import hashlib
import hmac
import re
import threading
import unicodedata
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from shared.clock import SALT_BYTES
from shared.errors import InvalidInput

PASSWORD_CHARACTERS_MIN = 10
PASSWORD_CHARACTERS_MAX = 200
PIN_DIGITS_MIN = 4
PIN_DIGITS_MAX = 8
PEPPER_BYTES = 32
HASHES_AT_ONCE_MAX = 4
"""In one process: whoever knocks at every door at once takes no more memory than that many passwords need."""

MEMORY_KIB_MAX = 1_048_576
"""Of a hash that is to be verified: one that asks for more was not made here."""

_HASH_BYTES = 32
_turns = threading.BoundedSemaphore(HASHES_AT_ONCE_MAX)
_PHC = re.compile(
    r"\$argon2id\$v=19\$m=(\d{1,8}),t=(\d{1,4}),p=(\d{1,3})\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}", re.ASCII
)


class HashCost(NamedTuple):
    """What it takes to try one guess: memory in KiB, passes over it, lanes."""

    memory_kib: int
    iterations: int
    lanes: int


PASSWORD_COST: Final = HashCost(65_536, 3, 1)
"""A quarter of a second and 64 MiB, at each log-in (RFC 9106 §4, the second choice, on one lane)."""

PIN_COST: Final = HashCost(19_456, 2, 1)
"""A twentieth of a second: a cashier waits for it many times a day. Four digits are guessed at any price once hash and
pepper are stolen together; until then the pepper protects them, and the lockout."""


def require_password(password: str, code: str) -> str:
    """The password of the employee with that code, as it is hashed. Raises InvalidInput."""
    folded = _normalized(password)
    if len(folded) < PASSWORD_CHARACTERS_MIN:
        raise InvalidInput(
            f"A password has at least {PASSWORD_CHARACTERS_MIN} characters.", "A few words are easy to remember."
        )
    if len(folded) > PASSWORD_CHARACTERS_MAX:
        raise InvalidInput(f"A password has at most {PASSWORD_CHARACTERS_MAX} characters.")
    if folded.casefold() == _normalized(code).casefold():
        raise InvalidInput("The password must not be the employee's code.", "A few words are easy to remember.")
    if len(set(folded)) == 1:
        raise InvalidInput(
            "The password is one character, again and again.", "Use several; a few words are easy to remember."
        )
    return folded


def require_pin(pin: str, code: str) -> str:
    """The PIN of the employee with that code. Raises InvalidInput."""
    if not (pin.isascii() and pin.isdigit() and PIN_DIGITS_MIN <= len(pin) <= PIN_DIGITS_MAX):
        raise InvalidInput(f"A PIN has {PIN_DIGITS_MIN} to {PIN_DIGITS_MAX} digits.")
    if pin == code:
        raise InvalidInput("The PIN must not be the employee's code.", "Choose other digits.")
    if len(set(pin)) == 1:
        raise InvalidInput("The PIN is one digit, again and again.", "Choose other digits.")
    return pin


def hash_password(password: str, salt: bytes, cost: HashCost = PASSWORD_COST) -> str:
    """A PHC string. `salt` is 16 unpredictable bytes."""
    return _hash(_normalized(password).encode("utf-8", "surrogatepass"), salt, cost)


def verify_password(password: str, stored: str | None, cost: HashCost = PASSWORD_COST) -> bool:
    """Whether it is the password. With nothing stored the answer is no, and takes as long."""
    return _verify(_normalized(password)[:PASSWORD_CHARACTERS_MAX].encode("utf-8", "surrogatepass"), stored, cost)


def hash_pin(pin: str, pepper: bytes, salt: bytes, cost: HashCost = PIN_COST) -> str:
    """A PHC string over HMAC-SHA-256 of the PIN with the pepper: useless to whoever has the store alone."""
    return _hash(_peppered(pin, pepper), salt, cost)


def verify_pin(pin: str, pepper: bytes, stored: str | None, cost: HashCost = PIN_COST) -> bool:
    """Whether it is the PIN. With nothing stored the answer is no, and takes as long."""
    return _verify(_peppered(pin, pepper), stored, cost)


def is_password_hash(stored: str) -> bool:
    """Whether it is a hash that a password can be tried against, at a cost that this release bears."""
    return _cost_of(stored) is not None


def needs_rehash(stored: str, cost: HashCost = PASSWORD_COST) -> bool:
    """Whether the hash was made at another cost: whoever has just verified it may make it anew."""
    return _cost_of(stored) != cost


def _hash(material: bytes, salt: bytes, cost: HashCost) -> str:
    with _turns:
        return _kdf(salt, cost).derive_phc_encoded(material)


def _verify(material: bytes, stored: str | None, cost: HashCost) -> bool:
    if stored is None or _cost_of(stored) is None:
        _hash(material, bytes(SALT_BYTES), cost)
        return False
    with _turns:
        try:
            Argon2id.verify_phc_encoded(material, stored)
        except InvalidKey:
            return False
    return True


def _kdf(salt: bytes, cost: HashCost) -> Argon2id:
    return Argon2id(
        salt=salt, length=_HASH_BYTES, iterations=cost.iterations, lanes=cost.lanes, memory_cost=cost.memory_kib
    )


def _cost_of(stored: str) -> HashCost | None:
    """The cost that a hash names; None when it is none that this release would make."""
    found = _PHC.fullmatch(stored)
    if found is None:
        return None
    cost = HashCost(*map(int, found.groups()))
    usable = 8 * cost.lanes <= cost.memory_kib <= MEMORY_KIB_MAX and cost.iterations > 0 and cost.lanes > 0
    return cost if usable else None


def _peppered(pin: str, pepper: bytes) -> bytes:
    assert len(pepper) == PEPPER_BYTES
    return hmac.new(pepper, pin[:PASSWORD_CHARACTERS_MAX].encode("utf-8", "surrogatepass"), hashlib.sha256).digest()


def _normalized(text: str) -> str:
    """One form for what keyboards write in several (NFC, RFC 8265)."""
    return unicodedata.normalize("NFC", text)
