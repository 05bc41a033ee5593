"""HQ's own cards as branches hand them back after HQ lost its feed: kept for an administrator to take up."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, select, update

from hq_server.storage.audience import join_audience, members_of
from hq_server.storage.feed import Publication, audience_of_branch, publish
from hq_server.storage.hybrid_clock import next_hlc
from hq_server.storage.tables import branch, proposal
from shared.domain.records import BRANCH_EDITED_KINDS, RecordKind
from shared.errors import DecodeError, ProtocolViolation
from shared.operations.cards import CardReceived, merge_cards
from shared.storage.card_rows import load_states, upsert
from shared.sync.card_merge import HQ_ORIGIN, CardState, FieldState, FieldVersion
from shared.sync.hlc import is_plausible
from shared.sync.limits import PROPOSALS_KEPT_MAX
from shared.sync.messages import CardFull
from shared.wire.cards import decode_state, encode_state
from shared.wire.exchange import decode_feed_record


def keep_proposals(connection: Connection, branch_id: bytes, records: tuple[bytes, ...], now_us: int) -> None:
    """Keeps what HQ does not know already. Raises ProtocolViolation when a record is no full card.

    Cards that branches edit are merged at once: whoever edited them may have lost them too, and who holds a client
    knows it. HQ's own wait for a decision.
    """
    decoded = [_decode(data) for data in records]
    _merge_shared(connection, branch_id, [card for card in decoded if card.kind in BRANCH_EDITED_KINDS], now_us)
    proposed = [card for card in decoded if card.kind not in BRANCH_EDITED_KINDS]
    stored = load_states(connection, [(card.kind, card.card_id) for card in proposed])
    lost = [card for card in proposed if _is_news(stored.get((card.kind, card.card_id)), card)]
    kept = connection.execute(select(func.count()).where(proposal.c.branch_id == branch_id)).scalar_one()
    if kept + len(lost) > PROPOSALS_KEPT_MAX:
        raise ProtocolViolation(f"More than {PROPOSALS_KEPT_MAX} proposals came.")
    rows = [
        {
            "branch_id": branch_id,
            "kind": card.kind,
            "card_id": card.card_id,
            "state": card.state,
            "received_at": now_us,
            "resolved_at": None,
        }
        for card in lost
    ]
    if rows:
        connection.execute(upsert(proposal, connection), rows)


def _merge_shared(connection: Connection, branch_id: bytes, cards: list[CardFull], now_us: int) -> None:
    arrivals = [_plausible(connection, card, now_us) for card in cards]
    merged = merge_cards(connection, arrivals, now_us, now_us)
    clients = [card for card in cards if card.kind == RecordKind.CLIENT]
    states = load_states(connection, [(card.kind, card.card_id) for card in clients])
    for card in clients:
        key = (card.kind, card.card_id)
        members = members_of(connection, card.card_id)
        if branch_id not in members:
            join_audience(connection, card.card_id, branch_id, now_us)
        told = (members if key in merged.changed else set()) | {branch_id}
        if key not in states:
            continue
        record = CardFull(*key, states[key])
        publish(connection, [Publication(audience_of_branch(member), record) for member in sorted(told)])


def _plausible(connection: Connection, card: CardFull, now_us: int) -> CardReceived:
    """The card, with versions from a clock far ahead stamped anew: without them, what they replaced would come back.

    Of a version with two stamps the earlier holds, wherever both meet.
    """
    fields = {}
    for name, field in decode_state(card.state).fields.items():
        live = tuple(
            version if is_plausible(version.stamp.hlc, now_us) else _stamped_now(connection, version, now_us)
            for version in field.live
        )
        fields[name] = FieldState(live, field.superseded)
    plausible = CardState(fields)
    return CardReceived(card.kind, card.card_id, plausible, encode_state(plausible))


def _stamped_now(connection: Connection, version: FieldVersion, now_us: int) -> FieldVersion:
    return FieldVersion(version.stamp._replace(hlc=next_hlc(connection, now_us)), version.value)


def open_proposals(connection: Connection) -> list[Any]:
    """Proposals that nobody has decided, with their branch's code, oldest first."""
    statement = (
        select(proposal, branch.c.code)
        .join(branch, branch.c.id == proposal.c.branch_id)
        .where(proposal.c.resolved_at.is_(None))
        .order_by(proposal.c.received_at, proposal.c.kind, proposal.c.card_id)
    )
    return list(connection.execute(statement))


def close_proposal(connection: Connection, kind: int, card_id: bytes, now_us: int) -> None:
    """Whatever was decided of a card holds for every branch that proposed it."""
    connection.execute(
        update(proposal)
        .where(proposal.c.kind == kind, proposal.c.card_id == card_id, proposal.c.resolved_at.is_(None))
        .values(resolved_at=now_us)
    )


def _decode(data: bytes) -> CardFull:
    try:
        record = decode_feed_record(data)
        if isinstance(record, CardFull):
            decode_state(record.state)
            return record
    except DecodeError as error:
        raise ProtocolViolation(error.message) from error
    raise ProtocolViolation("A proposal must be a whole card.")


def _is_news(stored: bytes | None, card: CardFull) -> bool:
    """Whether it holds a version of HQ's own making that HQ has no trace of."""
    known = decode_state(stored) if stored is not None else CardState()
    for name, proposed in decode_state(card.state).fields.items():
        ours = known.fields.get(name, FieldState())
        traces = ours.superseded | {version.version_id for version in ours.live}
        if any(v.stamp.branch_id == HQ_ORIGIN and v.version_id not in traces for v in proposed.live):
            return True
    return False
