"""One operation on several cards, with facts beside them: committed here, or stored for the head office to decide.

The one path for merging, handing over and what else edits more than a card: both modes, one entry.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from branch_node.operations.branch_facts import record_branch_fact
from branch_node.operations.processing import begin, is_asked_of_hq
from branch_node.storage.intents import Intent
from branch_node.storage.transaction import BranchTransaction
from shared.domain.branch_facts import KINDS, BranchFact
from shared.domain.cards import Value
from shared.domain.records import Record, RecordKind
from shared.operations.cards import CardEdit, edit_card, merge_cards
from shared.wire.cards import encode_patch
from shared.wire.payloads import encode_branch_fact


class CardChange(NamedTuple):
    """What fields of a card become."""

    kind: RecordKind
    card_id: bytes
    fields: dict[str, Value]


class BegunChange(NamedTuple):
    """An operation that was done here, or that the head office is to be asked about (`intent`). `cards` is how many
    cards it edits; with none, and without facts, nothing was to be done."""

    command_id: bytes
    cards: int
    intent: Intent | None = None


def begin_changes(
    transaction: BranchTransaction, author: bytes, changes: Sequence[CardChange], facts: Sequence[BranchFact] = ()
) -> BegunChange:
    """Does it here, or stores it for HQ to decide. Raises HqUnreachable."""
    transaction.author = author
    asked = is_asked_of_hq(transaction)
    command_id = transaction.ids.new_id() if asked else transaction.command_id
    stamp = transaction.stamp._replace(command_id=command_id)
    prepared = [edit_card(transaction.connection, *change, stamp) for change in changes]
    edits = [edit for edit in prepared if edit is not None]
    if not edits and not facts:
        return BegunChange(command_id, 0)
    if not asked:
        _commit_here(transaction, edits, facts)
        return BegunChange(command_id, len(edits))
    records = [Record(edit.kind, edit.card_id, encode_patch(edit.patches)) for edit in edits]
    records += [Record(KINDS[type(fact)], transaction.ids.new_id(), encode_branch_fact(fact)) for fact in facts]
    return BegunChange(command_id, len(edits), begin(transaction, records, command_id))


def _commit_here(transaction: BranchTransaction, edits: Sequence[CardEdit], facts: Sequence[BranchFact]) -> None:
    if edits:
        merge_cards(transaction.connection, edits, transaction.now_us, None)
    for edit in edits:
        transaction.record(edit.kind, edit.card_id, encode_patch(edit.patches))
    for fact in facts:
        record_branch_fact(transaction, fact)
