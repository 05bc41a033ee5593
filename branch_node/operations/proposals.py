"""Handing HQ's own cards back to it after it lost its feed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Connection

from shared.domain.identifiers import NIL_ID
from shared.domain.records import RecordKind
from shared.storage.card_rows import read_cards_after
from shared.storage.erasing import MERGED_AT_HQ, merging_edits
from shared.sync.card_merge import HQ_ORIGIN, CardState, FieldState, FieldVersion, Stamp
from shared.sync.limits import PROPOSALS_PER_MESSAGE_MAX
from shared.sync.messages import CardFull
from shared.wire.cards import decode_state, encode_state
from shared.wire.exchange import encode_feed_record


class ProposalsRead(NamedTuple):
    """Serialised full records, the key of the last, and whether that was the last of all."""

    records: tuple[bytes, ...]
    last_key: tuple[int, bytes]
    done: bool


def read_proposals(connection: Connection, after: tuple[int, bytes]) -> ProposalsRead:
    """The next cards after a key. Those that only HQ edits, and those that both do: HQ keeps what it does not know.

    A client's card also says, as the merged card can no more, that an erased person's was merged into it.
    """
    rows = read_cards_after(connection, after, PROPOSALS_PER_MESSAGE_MAX)
    merges = merging_edits(connection, MERGED_AT_HQ)
    records = tuple(
        encode_feed_record(CardFull(kind, card_id, _with_merges(state, merges) if kind == RecordKind.CLIENT else state))
        for kind, card_id, state in rows
    )
    last_key = (rows[-1][0], rows[-1][1]) if rows else after
    return ProposalsRead(records, last_key, len(rows) < PROPOSALS_PER_MESSAGE_MAX)


def _with_merges(data: bytes, merges: Mapping[bytes, bytes]) -> bytes:
    """A client's card, merged into the erased one of which it has taken something by an edit of the head office's."""
    if not merges:
        return data
    state = decode_state(data)
    traces = {each for field in state.fields.values() for each in field.superseded}
    traces |= {version.version_id for field in state.fields.values() for version in field.live}
    known = state.fields.get("merged_into", FieldState())
    said = [
        FieldVersion(Stamp(0, 0, edit_id, NIL_ID, HQ_ORIGIN), merges[edit_id])
        for edit_id in sorted(traces & merges.keys())
        if edit_id not in known.superseded
    ]
    if not said:
        return data
    return encode_state(CardState({**state.fields, "merged_into": FieldState((*said, *known.live), known.superseded)}))
