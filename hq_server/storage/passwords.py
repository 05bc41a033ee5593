"""Passwords that employees chose at branches: which the head office takes, and tells the other branches of.

A branch speaks for itself, and here for those who work there and have no more say than a shop gives: whoever may do
something at the head office changes the password there, so that nobody who holds a branch's machine comes in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection

from hq_server.storage.branches import branch_by_id
from hq_server.storage.feed import Publication
from hq_server.storage.hybrid_clock import next_hlc
from hq_server.storage.people import publications_of_people
from shared.domain.branch_facts import BranchFact, PasswordChange
from shared.domain.cards import Value
from shared.domain.identifiers import derived_id
from shared.domain.permissions import OFFICE_PERMISSIONS
from shared.domain.records import RecordKind
from shared.operations.cards import CardEdit, edit_card, merge_cards
from shared.operations.passwords import is_password_hash
from shared.operations.people import actor_on, credential_id, day_in_zone, find_credential, find_employee
from shared.operations.sessions import proof_of
from shared.sync.card_merge import HQ_ORIGIN, Stamp

Fact = tuple[bytes, BranchFact]
"""A fact and the branch it is of."""


def take_passwords(connection: Connection, facts: Iterable[Fact], now_us: int) -> list[Publication]:
    """Makes them the employees' passwords everywhere; returns what branches are told by that.

    What cannot be taken stays a fact, and changes nothing: the head office's own word came first, or counts for more.
    """
    told: list[Publication] = []
    for branch_id, fact in facts:
        if isinstance(fact, PasswordChange):
            told += _take(connection, branch_id, fact, now_us)
    return told


def _take(connection: Connection, branch_id: bytes, fact: PasswordChange, now_us: int) -> Iterator[Publication]:
    # Whoever changes who works where holds the chain's clock: what is read here stays so.
    hlc = next_hlc(connection, now_us)
    if not may_choose_at(connection, branch_id, fact, now_us):
        return
    command_id = derived_id("own password", branch_id, fact.employee_id, fact.replaces)
    stamp = Stamp(0, hlc, command_id, fact.employee_id, HQ_ORIGIN)
    changes: dict[str, Value] = {"password_hash": fact.password_hash, "must_change": False}
    edit: CardEdit | None = edit_card(
        connection, RecordKind.CREDENTIAL, credential_id(fact.employee_id), changes, stamp
    )
    if edit is not None:
        merged = merge_cards(connection, [edit], now_us, now_us)
        yield from publications_of_people(connection, [edit], merged)


def may_choose_at(connection: Connection, branch_id: bytes, fact: PasswordChange, now_us: int) -> bool:
    """Whether the password is taken: of somebody who works at that branch and not at the head office, whose password
    is still the one that was replaced."""
    place, person = branch_by_id(connection, branch_id), find_employee(connection, fact.employee_id)
    if person is None or not is_password_hash(fact.password_hash):
        return False
    actor = actor_on(connection, person, day_in_zone(now_us, place.timezone), place.code)
    if actor is None or actor.permissions & OFFICE_PERMISSIONS:
        return False
    known = find_credential(connection, fact.employee_id)
    return known is not None and proof_of(known.password_hash) == fact.replaces
