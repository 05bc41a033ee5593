"""Changing cards of the client base, and facts with them, as one operation: here, or as an intent for HQ to decide.

In centralized mode the operation becomes an intent first, as a sale does (branch_node.operations.selling).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from branch_node.operations.branch_facts import record_branch_fact
from branch_node.operations.processing import begin, is_asked_of_hq
from branch_node.storage.intents import Intent
from branch_node.storage.transaction import BranchTransaction
from shared.domain.branch_facts import KINDS, BranchFact
from shared.domain.cards import Value, require_value
from shared.domain.identifiers import NIL_ID
from shared.domain.permissions import Actor
from shared.domain.records import Record, RecordKind
from shared.operations.cards import CardEdit, edit_card, merge_cards
from shared.sync.card_merge import Stamp
from shared.wire.cards import encode_patch
from shared.wire.payloads import encode_branch_fact


class WantedEdit(NamedTuple):
    """Which fields of a card are to have which values."""

    kind: RecordKind
    card_id: bytes
    changes: Mapping[str, Value]


class BegunChange(NamedTuple):
    """An operation that was done here (`changed`), or that HQ is to be asked about."""

    changed: bool
    intent: Intent | None = None


NOTHING_TO_DO = BegunChange(changed=False)


def begin_change(
    transaction: BranchTransaction, actor: Actor, wanted: Iterable[WantedEdit], facts: Sequence[BranchFact] = ()
) -> BegunChange:
    """Brings cards to these values and records facts, or stores that for HQ to decide; nothing when all is so already.

    Raises InvalidInput for a value that a field cannot hold, HqUnreachable.
    """
    transaction.author = actor.employee_id or NIL_ID
    asks = is_asked_of_hq(transaction)
    command_id = transaction.ids.new_id() if asks else transaction.command_id
    stamp = transaction.stamp._replace(command_id=command_id)
    edits = list(_edits(transaction, wanted, stamp))
    if not edits and not facts:
        return NOTHING_TO_DO
    if asks:
        records = [Record(edit.kind, edit.card_id, encode_patch(edit.patches)) for edit in edits]
        records += [Record(KINDS[type(fact)], transaction.ids.new_id(), encode_branch_fact(fact)) for fact in facts]
        return BegunChange(True, begin(transaction, records, command_id))
    merge_cards(transaction.connection, edits, transaction.now_us, None)
    for edit in edits:
        transaction.record(edit.kind, edit.card_id, encode_patch(edit.patches))
    for fact in facts:
        record_branch_fact(transaction, fact)
    return BegunChange(changed=True)


def _edits(transaction: BranchTransaction, wanted: Iterable[WantedEdit], stamp: Stamp) -> Iterable[CardEdit]:
    for kind, card_id, changes in wanted:
        checked = {name: require_value(kind, name, value) for name, value in changes.items()}
        edit = edit_card(transaction.connection, kind, card_id, checked, stamp)
        if edit is not None:
            yield edit
