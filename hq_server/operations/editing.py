"""Edits made at the head office: one command, one stamp, merged and published in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from hq_server.storage.audience import publications_for_edits
from hq_server.storage.client_circle import clients_edited, hold_clients
from hq_server.storage.feed import Publication, publish
from hq_server.storage.hybrid_clock import next_hlc
from hq_server.storage.late_work import expect_late_work, follow_late_work
from hq_server.storage.merged_points import groups_of_merges, settle_groups
from hq_server.storage.office_history import keep_office_edits
from shared.clock import Ids
from shared.domain.cards import Value
from shared.domain.identifiers import NIL_ID
from shared.domain.records import CLIENT_KINDS, RecordKind
from shared.operations.cards import CardEdit, MergedCards, edit_card, merge_cards
from shared.sync.card_merge import HQ_ORIGIN, FieldPatch, Stamp
from shared.sync.messages import CardChange, CardFull, FeedRecord

CARDS_PER_MERGE_MAX = 1_000


class HqEdit:
    """One operation of the head office inside the caller's transaction."""

    def __init__(self, connection: Connection, ids: Ids, now_us: int, author: bytes = NIL_ID) -> None:
        self.connection = connection
        self.ids = ids
        self.now_us = now_us
        self.stamp = Stamp(0, next_hlc(connection, now_us), ids.new_id(), author, HQ_ORIGIN)

    def prepare(self, kind: RecordKind, card_id: bytes, changes: Mapping[str, Value]) -> CardEdit | None:
        """The edit that brings a card's fields to these values; None when they have them."""
        if kind in CLIENT_KINDS:
            # The client first: cards are locked in one order.
            draft = CardEdit(kind, card_id, self.stamp, tuple(FieldPatch(*change) for change in changes.items()))
            hold_clients(self.connection, (), clients_edited(self.connection, [draft]))
        return edit_card(self.connection, kind, card_id, changes, self.stamp)

    def apply(self, edits: Sequence[CardEdit], audiences: Mapping[bytes, str] | None = None) -> int:
        """Merges edits and tells the branches concerned; returns how many cards changed. What they give to somebody who
        is handed over, a merge that is taken back for one, goes on to the successor.

        `audiences` says by card id who receives a card; clients go to the branches that know them.
        """
        changed = 0
        for start in range(0, len(edits), CARDS_PER_MERGE_MAX):
            chunk = edits[start : start + CARDS_PER_MERGE_MAX]
            following = expect_late_work(self.connection, chunk, self.now_us)
            keep_office_edits(self.connection, chunk, self.now_us)
            merged = merge_cards(self.connection, chunk, self.now_us, self.now_us)
            changed += len(merged.changed)
            told = publications_for_edits(self.connection, chunk, merged, self.now_us)
            told += [
                Publication(audiences[edit.card_id], _told(edit, merged))
                for edit in chunk
                if audiences and edit.card_id in audiences and edit.key in merged.changed
            ]
            publish(self.connection, told)
            follow_late_work(self.connection, following, chunk, merged, self.now_us)
            settle_groups(self.connection, groups_of_merges(self.connection, chunk), self.now_us)
        return changed


def _told(edit: CardEdit, merged: MergedCards) -> FeedRecord:
    """A new card goes out whole, ready to be stored as it is; of a known one, the edit."""
    if edit.key in merged.created:
        return CardFull(edit.kind, edit.card_id, merged.encoded[edit.key])
    return CardChange(edit.kind, edit.card_id, edit.stamp, edit.patches)
