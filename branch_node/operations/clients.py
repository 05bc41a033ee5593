"""Adding and editing clients at a branch: the card and its journal entry in one transaction."""

from __future__ import annotations

from collections.abc import Mapping

from branch_node.storage.transaction import BranchTransaction
from shared.domain.cards import Value
from shared.domain.records import RecordKind
from shared.errors import InvalidInput
from shared.operations.cards import edit_card, merge_cards
from shared.operations.clients import find_by_external_id, require_new_external_id
from shared.wire.cards import encode_patch


def add_client(transaction: BranchTransaction, fields: Mapping[str, Value]) -> bytes:
    """Makes a card; returns its id. Raises InvalidInput, AlreadyExists."""
    if not fields.get("name") and not fields.get("external_id"):
        raise InvalidInput("A client needs a name or an external id.")
    require_new_external_id(transaction.connection, fields.get("external_id"))
    client_id = transaction.ids.new_id()
    _edit(transaction, client_id, fields)
    return client_id


def edit_client(transaction: BranchTransaction, client_id: bytes, changes: Mapping[str, Value]) -> bool:
    """Changes fields of a card; false when they have these values already. Raises AlreadyExists."""
    external_id = changes.get("external_id")
    if isinstance(external_id, str) and find_by_external_id(transaction.connection, external_id) != client_id:
        require_new_external_id(transaction.connection, external_id)
    return _edit(transaction, client_id, changes)


def _edit(transaction: BranchTransaction, client_id: bytes, changes: Mapping[str, Value]) -> bool:
    edit = edit_card(transaction.connection, RecordKind.CLIENT, client_id, changes, transaction.stamp)
    if edit is None:
        return False
    merge_cards(transaction.connection, [edit], transaction.now_us, None)
    transaction.record(RecordKind.CLIENT, client_id, encode_patch(edit.patches))
    return True
