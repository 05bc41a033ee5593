"""Work of an employee who was handed over completely, that arrives afterwards: it follows to the successor.

A branch that had not heard of the hand-over goes on giving clients and tasks to the predecessor. When such an edit
arrives, the head office hands the card on in the same transaction, and the branch learns both at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, select

from hq_server.storage.audience import publications_for_edits
from hq_server.storage.feed import publish
from hq_server.storage.hand_over_tables import hand_over, hand_over_card
from hq_server.storage.hybrid_clock import next_hlc
from shared.domain.identifiers import NIL_ID, derived_id
from shared.domain.records import RecordKind
from shared.operations.cards import CardEdit, MergedCards, edit_card, merge_cards, shown_fields
from shared.storage.card_rows import upsert_rows
from shared.sync.card_merge import HQ_ORIGIN, Stamp

OWNER_FIELDS = {int(RecordKind.CLIENT): "owner_id", int(RecordKind.TASK): "assignee_id"}

_HOLDING = (
    select(hand_over.c.id, hand_over.c.from_employee_id, hand_over.c.to_employee_id)
    .where(hand_over.c.ended_at.is_(None))
    .order_by(hand_over.c.began_at, hand_over.c.id)
)


class Following(NamedTuple):
    """Late edits to look at once they are merged: the hand-overs that hold by predecessor, and the clock's stamp, which
    is taken before any card is held."""

    successors: dict[bytes, tuple[bytes, bytes]]
    hlc: int

    def final(self, predecessor: bytes) -> tuple[bytes, bytes]:
        """The hand-over and who has it in the end: a successor may have been handed over since. Nobody begins a ring,
        and the number of steps is that of the hand-overs at most."""
        hand_over_id, successor = self.successors[predecessor]
        for _ in self.successors:
            if successor not in self.successors:
                break
            successor = self.successors[successor][1]
        return hand_over_id, successor


def expect_late_work(connection: Connection, edits: Sequence[CardEdit], now_us: int) -> Following | None:
    """Whether any of the edits gives something to a predecessor. To be asked before cards are held."""
    owners = {
        patch.value
        for edit in edits
        for patch in edit.patches
        if patch.field == OWNER_FIELDS.get(edit.kind) and isinstance(patch.value, bytes)
    }
    if not owners:
        return None
    holding = connection.execute(_HOLDING).all()
    successors = {row.from_employee_id: (row.id, row.to_employee_id) for row in holding}
    if not owners & successors.keys():
        return None
    return Following(successors, next_hlc(connection, now_us))


def follow_late_work(
    connection: Connection, following: Following | None, edits: Sequence[CardEdit], merged: MergedCards, now_us: int
) -> int:
    """Hands on what arrived for a predecessor; returns how many records branches are told."""
    if following is None:
        return 0
    made: list[CardEdit] = []
    rows = []
    for edit in {each.key: each for each in edits if each.kind in OWNER_FIELDS}.values():
        field = OWNER_FIELDS[edit.kind]
        owner = shown_fields(edit.kind, merged.states[edit.key]).get(field)
        if not isinstance(owner, bytes) or owner not in following.successors:
            continue
        hand_over_id, successor = following.final(owner)
        command_id = derived_id("late work", hand_over_id, edit.card_id, edit.stamp.command_id)
        stamp = Stamp(0, following.hlc, command_id, NIL_ID, HQ_ORIGIN)
        handed_on = edit_card(connection, edit.kind, edit.card_id, {field: successor}, stamp)
        if handed_on is not None:
            made.append(handed_on)
            rows.append((hand_over_id, edit.kind, edit.card_id, command_id, True))
    if not made:
        return 0
    again = merge_cards(connection, made, now_us, now_us)
    upsert_rows(connection, hand_over_card, rows)
    return publish(connection, publications_for_edits(connection, made, again, now_us))
