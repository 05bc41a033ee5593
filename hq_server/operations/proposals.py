"""Taking up what branches handed back of the head office's own cards after it lost them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, update

from hq_server.operations.fleet import zone_change
from hq_server.storage.audience import members_of
from hq_server.storage.branches import branch_by_id
from hq_server.storage.feed import EVERYONE, Publication, audience_of_branch, audience_of_zone, publish
from hq_server.storage.proposals import close_proposal, open_proposals
from hq_server.storage.tables import branch
from shared.clock import Ids
from shared.domain.records import RecordKind
from shared.operations.cards import CardReceived, merge_cards, shown_fields
from shared.sync.card_merge import CardState
from shared.sync.messages import CardFull
from shared.wire.cards import decode_state

_SETTINGS = ("name", "timezone", "price_zone", "mode", "when_unreachable")


def accept_proposals(
    connection: Connection, ids: Ids, now_us: int, wanted: Callable[[Any], bool] = lambda row: True
) -> int:
    """Merges proposed cards into HQ's own and tells their audiences; returns how many cards there were."""
    rows = [row for row in open_proposals(connection) if wanted(row)]
    arrivals = [CardReceived(row.kind, row.card_id, decode_state(row.state), row.state) for row in rows]
    merged = merge_cards(connection, arrivals, now_us, now_us)
    keys = sorted({arrival.key for arrival in arrivals})
    for kind, card_id in keys:
        close_proposal(connection, kind, card_id, now_us)
        state = merged.states[kind, card_id]
        record = CardFull(kind, card_id, merged.encoded.get((kind, card_id)) or _encoded(rows, kind, card_id))
        publish(
            connection, [Publication(audience, record) for audience in _audiences(connection, kind, card_id, state)]
        )
        if kind == RecordKind.BRANCH_SETTINGS:
            # The prices of a new zone go after the setting that names it.
            _adopt_settings(connection, card_id, state)
    return len(keys)


def reject_proposals(connection: Connection, now_us: int) -> int:
    """Decides that none of what is proposed is taken up; returns how many cards there were."""
    keys = {(row.kind, row.card_id) for row in open_proposals(connection)}
    for kind, card_id in sorted(keys):
        close_proposal(connection, kind, card_id, now_us)
    return len(keys)


def _audiences(connection: Connection, kind: int, card_id: bytes, state: CardState) -> list[str]:
    if kind == RecordKind.BRANCH_SETTINGS:
        return [audience_of_branch(card_id)]
    if kind == RecordKind.PRICE:
        zone = shown_fields(kind, state).get("zone")
        return [audience_of_zone(zone if isinstance(zone, str) else "")]
    if kind == RecordKind.CLIENT:
        return [audience_of_branch(member) for member in sorted(members_of(connection, card_id))]
    return [EVERYONE]


def _adopt_settings(connection: Connection, branch_id: bytes, state: CardState) -> None:
    shown = shown_fields(RecordKind.BRANCH_SETTINGS, state)
    changes = {name: shown[name] for name in _SETTINGS if isinstance(shown.get(name), str)}
    before = branch_by_id(connection, branch_id)
    connection.execute(update(branch).where(branch.c.id == branch_id).values(changes))
    after = branch_by_id(connection, branch_id)
    if after.price_zone != before.price_zone:
        publish(connection, zone_change(connection, before, after))


def _encoded(rows: list[Any], kind: int, card_id: bytes) -> bytes:
    """A card that HQ knew all of by the time it was taken up."""
    return next(bytes(row.state) for row in rows if (row.kind, row.card_id) == (kind, card_id))
