"""Substitutes at a branch: who looks after an employee's clients and tasks for some days, without owning them."""

from __future__ import annotations

from branch_node.operations.committing import Commit, Wanted, WantedEdit
from branch_node.storage.store import BranchStore
from branch_node.storage.transaction import BranchTransaction
from shared.domain.permissions import Actor, Permission, require
from shared.domain.records import RecordKind
from shared.operations.people import day_in_zone
from shared.operations.substitutions import (
    Substituting,
    find_substitution,
    require_substitution,
    substitutions_from,
)
from shared.storage.cursor_reading import CursorReader


def substitutions(store: BranchStore, actor: Actor) -> list[Substituting]:
    """Those of today and later. Raises NotPermitted."""
    require(actor, Permission.CLIENT_TRANSFER)
    today = day_in_zone(store.clock.now_us(), store.node()[0].timezone)
    with store.read_cursor() as cursor:
        return substitutions_from(CursorReader(cursor), today)


def substitute(
    store: BranchStore,
    commit: Commit,
    actor: Actor,
    employee_id: bytes,
    substitute_id: bytes,
    days: tuple[int, int],
    reason: str = "",
) -> bytes:
    """From the first day to the last the substitute's lists show the employee's clients and tasks; returns the id.

    Raises NotPermitted, InvalidInput, NotFound, and what `commit` does.
    """
    require(actor, Permission.CLIENT_TRANSFER)
    identity = store.ids.new_id()

    def prepare(transaction: BranchTransaction) -> Wanted:
        fields = require_substitution(transaction.connection, employee_id, substitute_id, *days, reason)
        return Wanted(actor.employee_id, (WantedEdit(RecordKind.SUBSTITUTION, identity, fields),))

    commit(prepare)
    return identity


def end_substitution(commit: Commit, actor: Actor, substitution_id: bytes, ended: bool = True) -> None:
    """It holds no more; or, with `ended` false, again. Raises NotPermitted, NotFound, and what `commit` does."""
    require(actor, Permission.CLIENT_TRANSFER)

    def prepare(transaction: BranchTransaction) -> Wanted:
        find_substitution(transaction.connection, substitution_id)
        edit = WantedEdit(RecordKind.SUBSTITUTION, substitution_id, {"archived": ended})
        return Wanted(actor.employee_id, (edit,))

    commit(prepare)
