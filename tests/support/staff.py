"""Employees as a branch learns of them from its head office, and log-ins that cost next to nothing."""

from __future__ import annotations

from branch_node.operations.authentication import LoggedIn, current_actor, log_in, log_in_by_pin
from branch_node.operations.pairing import make_pairing_code, pair_browser
from branch_node.operations.pins import set_pin
from branch_node.settings import Settings
from shared.domain.business_time import MICROSECONDS, SECONDS_PER_DAY
from shared.domain.cards import Value
from shared.domain.permissions import LOCAL_ADMINISTRATOR, Actor
from shared.domain.records import RecordKind
from shared.operations.passwords import HashCost, hash_password
from shared.operations.people import credential_id, employee_id
from shared.sync.messages import CardForgotten
from tests.support.clock import START_US
from tests.support.shop import Shop, change

CHEAP = HashCost(8, 1, 1)
PASSWORD = "correct horse battery"
PIN = "2580"
TODAY = START_US // (SECONDS_PER_DAY * MICROSECONDS)
"""2026-11-23, in Moscow too."""


class Staff:
    """The people of a shop, and what they log in with."""

    def __init__(self, shop: Shop, settings: Settings) -> None:
        self.shop = shop
        self.settings = settings
        self.places = 0

    def identity(self, code: str) -> bytes:
        """The employee's id."""
        return employee_id(self.shop.store.node()[0].chain_id, code)

    def hire(self, code: str, role: str = "cashier", password: str = PASSWORD) -> bytes:
        """An employee who works at every branch, always; returns the id."""
        identity = self.identity(code)
        self.shop.learn(change(RecordKind.EMPLOYEE, identity, code=code, name=code.title()))
        self.place(code, role)
        self.give_password(code, password)
        return identity

    def place(
        self, code: str, role: str, branch: str = "*", since: int | None = None, until: int | None = None
    ) -> None:
        """One more position."""
        self.places += 1
        fields: dict[str, Value] = {"role_code": role, "branches": (branch,), "valid_from": since, "valid_to": until}
        record = change(RecordKind.POSITION, b"%016d" % self.places, employee_id=self.identity(code), **fields)
        assert self.shop.learn(record) == []

    def give_password(self, code: str, password: str, must_change: bool = False) -> None:
        """The head office sets a password."""
        identity = self.identity(code)
        fields: dict[str, Value] = {"employee_id": identity, "must_change": must_change}
        fields["password_hash"] = hash_password(password, b"s" * 16, CHEAP)
        self.shop.learn(change(RecordKind.CREDENTIAL, credential_id(identity), **fields))

    def take_password(self, code: str) -> None:
        """The branch has lost the employee: it is told to forget the credential."""
        self.shop.learn(CardForgotten(RecordKind.CREDENTIAL, credential_id(self.identity(code))))

    def dismiss(self, code: str, day: int = TODAY) -> None:
        """The head office dismisses an employee."""
        self.shop.learn(change(RecordKind.EMPLOYEE, self.identity(code), dismissed_on=day))

    def log_in(self, code: str, password: str = PASSWORD) -> LoggedIn:
        return log_in(self.shop.store, self.settings, code, password, CHEAP)

    def pair(self, register: str = "1") -> str:
        """A browser's token for a register."""
        code = make_pairing_code(self.shop.store, LOCAL_ADMINISTRATOR, register).code
        return pair_browser(self.shop.store, code, "test").token

    def give_pin(self, code: str, pin: str = PIN, actor: Actor = LOCAL_ADMINISTRATOR) -> None:
        set_pin(self.shop.store, self.settings, actor, code, pin, CHEAP)

    def log_in_by_pin(self, browser: str, code: str, pin: str = PIN) -> LoggedIn:
        return log_in_by_pin(self.shop.store, self.settings, browser, code, pin, CHEAP)

    def current(self, token: str) -> Actor | None:
        """Who is logged in with that token."""
        return current_actor(self.shop.store, self.settings, token)
