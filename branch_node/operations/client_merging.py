"""Merging clients at a branch, taking a merge back, and saying that two clients are different: one operation each."""

from __future__ import annotations

from collections.abc import Collection

from branch_node.operations.committing import Commit, Wanted, WantedEdit
from branch_node.storage.store import BranchStore
from branch_node.storage.transaction import BranchTransaction
from shared.domain.duplicates import Likeness
from shared.domain.permissions import Actor, Permission, require
from shared.domain.records import RecordKind
from shared.operations import client_merging, duplicates
from shared.operations.client_merging import Changes, MergeDone, MergePreview
from shared.operations.duplicates import Proposal, ProposalPage
from shared.storage.cursor_reading import CursorReader


def preview(
    store: BranchStore, actor: Actor, survivor_id: bytes, loser_id: bytes, chosen: Collection[str] = ()
) -> MergePreview:
    """What merging would keep, field by field. Raises NotPermitted, NotFound, InvalidInput, Refused."""
    _require_sight(actor)
    with store.read() as connection:
        return client_merging.preview_merge(connection, survivor_id, loser_id, chosen)


def merge(
    store: BranchStore,
    commit: Commit,
    actor: Actor,
    survivor_id: bytes,
    loser_id: bytes,
    chosen: Collection[str] = (),
    seen: str | None = None,
) -> bytes:
    """Merges; returns the command by which it can be taken back. `seen` is the preview's.

    Raises what `preview` does, StaleEdit when a card changed since the preview, and what `commit` does.
    """
    _require_sight(actor)

    def prepare(transaction: BranchTransaction) -> Wanted:
        found = client_merging.preview_merge(transaction.connection, survivor_id, loser_id, chosen)
        return _wanted(actor, client_merging.merge_changes(found, seen))

    commit(prepare)
    with store.read() as connection:
        return client_merging.command_of_merge(connection, loser_id)


def unmerge(commit: Commit, actor: Actor, loser_id: bytes, command_id: bytes | None = None) -> None:
    """Takes a merge back: what nobody changed since. Without a command, the one that holds of that card.

    Raises NotPermitted, NotFound, Refused, and what `commit` does."""
    require(actor, Permission.CLIENT_MERGE)

    def prepare(transaction: BranchTransaction) -> Wanted:
        connection = transaction.connection
        command = command_id or client_merging.command_of_merge(connection, loser_id)
        return _wanted(actor, client_merging.undo_changes(connection, loser_id, command))

    commit(prepare)


def say_different(commit: Commit, actor: Actor, one: bytes, other: bytes) -> None:
    """The two are never proposed again. Raises NotPermitted, NotFound, and what `commit` does."""
    require(actor, Permission.CLIENT_MERGE)
    commit(lambda transaction: _wanted(actor, client_merging.say_different(transaction.connection, one, other)))


def unsay_different(commit: Commit, actor: Actor, one: bytes, other: bytes) -> None:
    """They are proposed again. Raises NotPermitted, NotFound, and what `commit` does."""
    require(actor, Permission.CLIENT_MERGE)
    commit(lambda transaction: _wanted(actor, client_merging.unsay_different(transaction.connection, one, other)))


def merges_into(store: BranchStore, actor: Actor, survivor_id: bytes) -> list[MergeDone]:
    """The cards that were merged into this one. Raises NotPermitted."""
    require(actor, Permission.CLIENT_VIEW)
    with store.read_cursor() as cursor:
        return client_merging.merges_into(CursorReader(cursor), survivor_id)


def proposals(store: BranchStore, actor: Actor, after: str = "") -> ProposalPage:
    """Clients known here who may be one. Raises NotPermitted."""
    require(actor, Permission.CLIENT_MERGE)
    with store.read_cursor() as cursor:
        return duplicates.proposals_after(CursorReader(cursor), after)


def proposals_of(store: BranchStore, actor: Actor, client_id: bytes) -> list[Proposal]:
    """Who may be the same as a client. Raises NotPermitted."""
    require(actor, Permission.CLIENT_VIEW)
    with store.read_cursor() as cursor:
        return duplicates.proposals_of(CursorReader(cursor), client_id)


def similar_to(store: BranchStore, actor: Actor, typed: Likeness) -> list[Proposal]:
    """Who may be entered once more, while somebody types. Raises NotPermitted."""
    require(actor, Permission.CLIENT_EDIT)
    with store.read_cursor() as cursor:
        return duplicates.similar_to(CursorReader(cursor), typed)


def merges_that_hold(store: BranchStore, actor: Actor) -> list[MergeDone]:
    """Merges that can be taken back. Raises NotPermitted."""
    require(actor, Permission.CLIENT_MERGE)
    with store.read() as connection:
        return client_merging.merges_that_hold(connection)


def names_of(store: BranchStore, ids: Collection[bytes]) -> dict[bytes, str]:
    """What clients and employees are called, by id; those without a name are left out."""
    with store.read() as connection:
        return client_merging.names_of(connection, ids)


def _require_sight(actor: Actor) -> None:
    """Whoever merges sees both cards. Raises NotPermitted."""
    require(actor, Permission.CLIENT_MERGE)
    require(actor, Permission.CLIENT_CONTACTS)


def _wanted(actor: Actor, changes: Changes) -> Wanted:
    edits = [WantedEdit(RecordKind.CLIENT, client_id, fields) for client_id, fields in changes]
    return Wanted(actor.employee_id, tuple(edits))
