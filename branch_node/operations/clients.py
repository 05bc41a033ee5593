"""Adding and editing clients at a branch: what is wanted, checked against the clients that are there.

How it is recorded in either mode is said by branch_node.operations.committing; what people do with a card, and what
they may, by client_editing.
"""

from __future__ import annotations

from collections.abc import Mapping

from branch_node.operations.committing import Wanted, WantedEdit, record_here
from branch_node.storage.transaction import BranchTransaction
from shared.domain.cards import Value
from shared.domain.identifiers import NIL_ID
from shared.domain.records import RecordKind
from shared.errors import InvalidInput
from shared.operations.clients import find_by_external_id, require_new_external_id

Seen = Mapping[str, tuple[bytes, ...]]


def add_client(transaction: BranchTransaction, fields: Mapping[str, Value]) -> bytes:
    """Makes a card here; returns its id. Raises InvalidInput, AlreadyExists."""
    client_id = transaction.ids.new_id()
    record_here(transaction, want_client(transaction, client_id, fields))
    return client_id


def edit_client(transaction: BranchTransaction, client_id: bytes, changes: Mapping[str, Value]) -> bool:
    """Changes fields of a card here; false when they have these values already. Raises AlreadyExists."""
    return record_here(transaction, want_changes(transaction, client_id, changes))


def want_client(
    transaction: BranchTransaction, client_id: bytes, fields: Mapping[str, Value], author: bytes = NIL_ID
) -> Wanted:
    """A new card. Raises InvalidInput, AlreadyExists."""
    if not fields.get("name") and not fields.get("external_id"):
        raise InvalidInput("A client needs a name or an external id.")
    require_new_external_id(transaction.connection, fields.get("external_id"))
    return Wanted(author, (WantedEdit(RecordKind.CLIENT, client_id, fields),))


def want_changes(
    transaction: BranchTransaction,
    client_id: bytes,
    changes: Mapping[str, Value],
    author: bytes = NIL_ID,
    seen: Seen | None = None,
) -> Wanted:
    """Other values of a card's fields. Raises AlreadyExists."""
    external_id = changes.get("external_id")
    if isinstance(external_id, str) and find_by_external_id(transaction.connection, external_id) != client_id:
        require_new_external_id(transaction.connection, external_id)
    return Wanted(author, (WantedEdit(RecordKind.CLIENT, client_id, changes, seen or {}),))
