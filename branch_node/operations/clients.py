"""Adding and editing clients at a branch: the card and its journal entry in one transaction.

In centralized mode the edit becomes an intent first, as a sale does (branch_node.operations.selling).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from branch_node.operations.processing import begin, is_asked_of_hq
from branch_node.storage.intents import Intent
from branch_node.storage.transaction import BranchTransaction
from shared.domain.cards import Value
from shared.domain.records import Record, RecordKind
from shared.errors import InvalidInput
from shared.operations.cards import edit_card, merge_cards
from shared.operations.clients import find_by_external_id, require_new_external_id
from shared.wire.cards import encode_patch


class BegunEdit(NamedTuple):
    """An edit of a card that was made here (`changed`), or that HQ is to be asked about."""

    client_id: bytes
    changed: bool
    intent: Intent | None = None


def add_client(transaction: BranchTransaction, fields: Mapping[str, Value]) -> bytes:
    """Makes a card here; returns its id. Raises InvalidInput, AlreadyExists."""
    client_id = _new_client(transaction, fields)
    _edit(transaction, client_id, fields)
    return client_id


def edit_client(transaction: BranchTransaction, client_id: bytes, changes: Mapping[str, Value]) -> bool:
    """Changes fields of a card here; false when they have these values already. Raises AlreadyExists."""
    _require_free(transaction, client_id, changes)
    return _edit(transaction, client_id, changes)


def begin_adding(transaction: BranchTransaction, fields: Mapping[str, Value]) -> BegunEdit:
    """Makes a card here, or stores it for HQ to decide. Raises InvalidInput, AlreadyExists, HqUnreachable."""
    return _begin(transaction, _new_client(transaction, fields), fields)


def begin_editing(transaction: BranchTransaction, client_id: bytes, changes: Mapping[str, Value]) -> BegunEdit:
    """Changes a card here, or stores the edit for HQ to decide. Raises AlreadyExists, HqUnreachable."""
    _require_free(transaction, client_id, changes)
    return _begin(transaction, client_id, changes)


def _new_client(transaction: BranchTransaction, fields: Mapping[str, Value]) -> bytes:
    if not fields.get("name") and not fields.get("external_id"):
        raise InvalidInput("A client needs a name or an external id.")
    require_new_external_id(transaction.connection, fields.get("external_id"))
    return transaction.ids.new_id()


def _require_free(transaction: BranchTransaction, client_id: bytes, changes: Mapping[str, Value]) -> None:
    external_id = changes.get("external_id")
    if isinstance(external_id, str) and find_by_external_id(transaction.connection, external_id) != client_id:
        require_new_external_id(transaction.connection, external_id)


def _begin(transaction: BranchTransaction, client_id: bytes, changes: Mapping[str, Value]) -> BegunEdit:
    if not is_asked_of_hq(transaction):
        return BegunEdit(client_id, _edit(transaction, client_id, changes))
    command_id = transaction.ids.new_id()
    stamp = transaction.stamp._replace(command_id=command_id)
    edit = edit_card(transaction.connection, RecordKind.CLIENT, client_id, changes, stamp)
    if edit is None:
        return BegunEdit(client_id, changed=False)
    records = [Record(RecordKind.CLIENT, client_id, encode_patch(edit.patches))]
    return BegunEdit(client_id, True, begin(transaction, records, command_id))


def _edit(transaction: BranchTransaction, client_id: bytes, changes: Mapping[str, Value]) -> bool:
    edit = edit_card(transaction.connection, RecordKind.CLIENT, client_id, changes, transaction.stamp)
    if edit is None:
        return False
    merge_cards(transaction.connection, [edit], transaction.now_us, None)
    transaction.record(RecordKind.CLIENT, client_id, encode_patch(edit.patches))
    return True
