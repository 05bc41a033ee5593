"""Committing what an operation wants to record – edits of cards and small facts, in one entry – in either mode.

Here at once, or as an intent that the head office is asked about (branch_node.operations.processing). Pages and
commands come by `Processor.commit`, which does the asking as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from branch_node.operations.processing import begin, is_asked_of_hq
from branch_node.storage.intents import Intent
from branch_node.storage.transaction import BranchTransaction
from shared.domain.branch_facts import KINDS, BranchFact
from shared.domain.cards import Value
from shared.domain.identifiers import NIL_ID
from shared.domain.records import Record, RecordKind
from shared.operations.cards import CardEdit, edit_card, merge_cards
from shared.storage.fact_rows import add_branch_fact_rows, new_rows
from shared.sync.card_merge import Stamp
from shared.wire.cards import encode_patch
from shared.wire.payloads import encode_branch_fact

_NOTHING_SAID: Mapping[str, tuple[bytes, ...]] = {}


class WantedEdit(NamedTuple):
    """Fields that a card is to have; one that has them already is left alone.

    `seen` holds by field the versions that the editor saw; of a field that is not in it, those that are there now.
    """

    kind: RecordKind
    card_id: bytes
    changes: Mapping[str, Value]
    seen: Mapping[str, tuple[bytes, ...]] = _NOTHING_SAID


class WantedFact(NamedTuple):
    """A fact under an id that whoever wants it has made: `transaction.ids.new_id()`."""

    fact_id: bytes
    fact: BranchFact


class Wanted(NamedTuple):
    """What one operation records. `author` is the employee's id; NIL_ID for the machine's own command line."""

    author: bytes = NIL_ID
    edits: tuple[WantedEdit, ...] = ()
    facts: tuple[WantedFact, ...] = ()


Prepare = Callable[[BranchTransaction], Wanted]
"""Says what is wanted, by what is in the store at the moment; it may raise whatever forbids it."""

Commit = Callable[[Prepare], bytes | None]
"""`Processor.commit`: the id of the command that recorded it, None when everything was so already."""


class Begun(NamedTuple):
    """The command that records it, None when there was nothing to record; and the intent HQ is to be asked about."""

    command_id: bytes | None
    intent: Intent | None = None


def commit_records(transaction: BranchTransaction, wanted: Wanted) -> Begun:
    """Records it here, or stores it for HQ to decide. Raises HqUnreachable when HQ must be asked and cannot be."""
    transaction.author = wanted.author
    if not is_asked_of_hq(transaction):
        return Begun(transaction.command_id if _record_here(transaction, wanted) else None)
    command_id = transaction.ids.new_id()
    edits = _edits(transaction, wanted, transaction.stamp._replace(command_id=command_id))
    records = [Record(edit.kind, edit.card_id, encode_patch(edit.patches)) for edit in edits]
    records += [Record(KINDS[type(each.fact)], each.fact_id, encode_branch_fact(each.fact)) for each in wanted.facts]
    return Begun(command_id, begin(transaction, records, command_id)) if records else Begun(None)


def record_here(transaction: BranchTransaction, wanted: Wanted) -> bool:
    """Records it here whatever the mode; false when everything is so already."""
    transaction.author = wanted.author
    return _record_here(transaction, wanted)


def _record_here(transaction: BranchTransaction, wanted: Wanted) -> bool:
    edits = _edits(transaction, wanted, transaction.stamp)
    if edits:
        merge_cards(transaction.connection, edits, transaction.now_us, None)
    for edit in edits:
        transaction.record(edit.kind, edit.card_id, encode_patch(edit.patches))
    for fact_id, fact in wanted.facts:
        rows = new_rows()
        add_branch_fact_rows(rows, transaction.node.branch_id, fact_id, transaction.command_id, fact, None)
        transaction.insert_all(rows)
        transaction.record(KINDS[type(fact)], fact_id, encode_branch_fact(fact), sum(map(len, rows.values())))
    return bool(edits or wanted.facts)


def _edits(transaction: BranchTransaction, wanted: Wanted, stamp: Stamp) -> list[CardEdit]:
    made = (
        edit_card(transaction.connection, each.kind, each.card_id, each.changes, stamp, each.seen)
        for each in wanted.edits
    )
    return [edit for edit in made if edit is not None]
