"""One's own password, changed at a branch with no network: it counts here at once, and everywhere when HQ has heard."""

from __future__ import annotations

from sqlalchemy import Connection

from branch_node.operations.authentication import LoggedIn, idle_limits
from branch_node.operations.branch_facts import record_branch_fact
from branch_node.operations.credentials import standing_credential
from branch_node.operations.employees import ensure_employee
from branch_node.settings import Settings
from branch_node.storage.store import BranchStore
from branch_node.storage.transaction import BranchTransaction
from shared.domain.branch_facts import PasswordChange
from shared.domain.business_time import local_moment
from shared.domain.permissions import OFFICE_PERMISSIONS, Actor
from shared.errors import InvalidInput, LogInRefused, Refused
from shared.operations.lockout import EMPLOYEE, Scope, begin_attempt, forgive
from shared.operations.passwords import PASSWORD_COST, HashCost, hash_password, require_password, verify_password
from shared.operations.people import actor_on, day_in_zone, find_employee
from shared.operations.sessions import Method, end_idle_sessions, end_sessions_of_employee, open_session, proof_of


def changes_at_head_office(store: BranchStore, actor: Actor) -> bool:
    """Whether the head office takes this one's passwords from nobody but itself."""
    with store.read() as connection:
        return _is_of_office(connection, store, actor)


def change_own_password(
    store: BranchStore, settings: Settings, actor: Actor, old: str, new: str, cost: HashCost = PASSWORD_COST
) -> LoggedIn:
    """Another password for somebody who knows the old one; what is open of his here ends, and a new session is opened.

    Guesses at the old one count as attempts to log in. Raises InvalidInput, LogInRefused, LockedOut, and Refused for
    whoever must change it at the head office.
    """
    if changes_at_head_office(store, actor):
        raise Refused("Your password is changed at the head office.", "Open its page, or ask it for a new password.")
    identity = actor.employee_id
    scope = Scope(EMPLOYEE, identity)
    with store.write() as connection:
        begin_attempt(connection, [scope], store.clock.now_us())
    with store.read() as connection:
        known = standing_credential(connection, identity)
    if known is None or not verify_password(old, known.password_hash, cost):
        raise LogInRefused("That is not your password.", "Type the one that you logged in with.")
    require_password(new, actor.code)
    if old == new:
        raise InvalidInput("That is the password that you have.", "Choose another one.")
    password_hash = hash_password(new, store.ids.new_salt(), cost)
    with store.operation() as transaction:
        connection = transaction.connection
        # While it was looked at, the head office may have set another, or two windows may have sent the form.
        if standing_credential(connection, identity) != known:
            raise LogInRefused("That is not your password any more.", "Log in again.")
        forgive(connection, scope)
        _record(transaction, actor, password_hash, known.password_hash)
        end_sessions_of_employee(connection, identity)
        end_idle_sessions(connection, idle_limits(settings), transaction.now_us)
        token = open_session(connection, store.ids, transaction.now_us, identity, Method.PASSWORD, password_hash)
    return LoggedIn(token, actor)


def _record(transaction: BranchTransaction, actor: Actor, password_hash: str, replaced: str) -> None:
    transaction.author = ensure_employee(transaction, actor.code)
    at = local_moment(transaction.now_us, transaction.node.timezone)
    record_branch_fact(transaction, PasswordChange(actor.employee_id, password_hash, proof_of(replaced), at))


def _is_of_office(connection: Connection, store: BranchStore, actor: Actor) -> bool:
    """By the role itself: what a branch that is unheard for long takes away makes nobody less."""
    node, person = store.node()[0], find_employee(connection, actor.employee_id)
    day = day_in_zone(store.clock.now_us(), node.timezone)
    whole = None if person is None else actor_on(connection, person, day, node.code)
    return whole is None or bool(whole.permissions & OFFICE_PERMISSIONS)
