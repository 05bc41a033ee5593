"""Work of an employee who was handed over completely, that arrives afterwards: it follows to the successor.

A branch that had not heard of the hand-over goes on giving clients and tasks to the predecessor. When such an edit
arrives, in the journal or with a card that is handed back, the head office hands the card on in the same transaction,
and the branch learns both at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, select

from hq_server.storage.audience import publications_for_edits
from hq_server.storage.feed import publish
from hq_server.storage.hand_over_tables import hand_over, hand_over_card
from hq_server.storage.hybrid_clock import next_hlc
from shared.domain.cards import Value, rule_of
from shared.domain.identifiers import NIL_ID, derived_id
from shared.domain.records import RecordKind
from shared.operations.cards import CardEdit, CardReceived, MergedCards, edit_card, merge_cards
from shared.storage.card_rows import upsert_rows
from shared.sync.card_merge import HQ_ORIGIN, FieldState, Stamp, shown_version

OWNER_FIELDS = {int(RecordKind.CLIENT): "owner_id", int(RecordKind.TASK): "assignee_id"}

_HOLDING = (
    select(hand_over.c.id, hand_over.c.from_employee_id, hand_over.c.to_employee_id)
    .where(hand_over.c.ended_at.is_(None))
    .order_by(hand_over.c.began_at, hand_over.c.id)
)


class Following(NamedTuple):
    """Late arrivals to look at once they are merged: the hand-overs that hold by predecessor, and the clock's stamp,
    which is taken before any card is held."""

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


def expect_late_work(
    connection: Connection, arrivals: Sequence[CardEdit | CardReceived], now_us: int
) -> Following | None:
    """Whether any of the arrivals gives something to a predecessor. To be asked before cards are held."""
    owners = {owner for arrival in arrivals for owner in _owners_of(arrival) if isinstance(owner, bytes)}
    if not owners:
        return None
    holding = connection.execute(_HOLDING).all()
    successors = {row.from_employee_id: (row.id, row.to_employee_id) for row in holding}
    if not owners & successors.keys():
        return None
    return Following(successors, next_hlc(connection, now_us))


def follow_late_work(
    connection: Connection,
    following: Following | None,
    arrivals: Sequence[CardEdit | CardReceived],
    merged: MergedCards,
    now_us: int,
) -> int:
    """Hands on what arrived for a predecessor; returns how many records branches are told."""
    if following is None:
        return 0
    made: list[CardEdit] = []
    rows = []
    for kind, card_id in dict.fromkeys(each.key for each in arrivals if each.kind in OWNER_FIELDS):
        field = OWNER_FIELDS[kind]
        known = merged.states[kind, card_id].fields.get(field)
        if known is None or not known.live:
            continue
        given = shown_version(known.live, rule_of(kind, field))
        if not isinstance(given.value, bytes) or given.value not in following.successors:
            continue
        hand_over_id, successor = following.final(given.value)
        # By the edit that gave it, not by what it came with: a restored head office may learn of it in another way.
        command_id = derived_id("late work", hand_over_id, card_id, given.version_id)
        stamp = Stamp(0, following.hlc, command_id, NIL_ID, HQ_ORIGIN)
        handed_on = edit_card(connection, kind, card_id, {field: successor}, stamp)
        if handed_on is not None:
            made.append(handed_on)
            rows.append((hand_over_id, kind, card_id, command_id, True))
    if not made:
        return 0
    again = merge_cards(connection, made, now_us, now_us)
    upsert_rows(connection, hand_over_card, rows)
    return publish(connection, publications_for_edits(connection, made, again, now_us))


def _owners_of(arrival: CardEdit | CardReceived) -> list[Value]:
    """To whom an arrival gives its card."""
    name = OWNER_FIELDS.get(arrival.kind, "")
    if isinstance(arrival, CardEdit):
        return [patch.value for patch in arrival.patches if patch.field == name]
    return [version.value for version in arrival.state.fields.get(name, FieldState()).live]
