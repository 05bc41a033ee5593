"""Applying what HQ tells this branch: cards of the chain, and the branch's own settings."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from branch_node.operations.erased_arrivals import neighbours_of_the_living, of_the_living
from branch_node.operations.erased_twins import find_twins
from branch_node.storage.chain_answers import keep_answers
from branch_node.storage.erasing import Scan, erase_persons
from branch_node.storage.neighbour_facts import keep_facts
from branch_node.storage.product_words import index_products
from branch_node.storage.sync_state import store_feed_cursor
from branch_node.storage.tables import node
from shared.domain.cards import Value
from shared.domain.identifiers import shorten
from shared.domain.records import RecordKind
from shared.errors import DecodeError
from shared.operations.branch_settings import is_usable_setting
from shared.operations.cards import CardEdit, CardReceived, MergedCards, merge_cards, shown_fields
from shared.storage.card_history import forget_edits
from shared.storage.card_rows import delete_card, load_states
from shared.storage.conflict_rows import forget_conflicts
from shared.storage.erasing import unapplied
from shared.storage.tables import price
from shared.sync.hlc import observe
from shared.sync.messages import CardChange, CardForgotten, CardFull, ChainAnswer, FeedBatch, NeighbourFact
from shared.wire.cards import decode_state
from shared.wire.exchange import decode_feed_record

PRICES_PER_QUERY_MAX = 1_000
_ORDERS_NAME = b"ordered_at"

_ZONE = select(node.c.price_zone)
_OF_OTHER_ZONES = select(price.c.id).where(
    price.c.id.in_(bindparam("among", expanding=True)), price.c.zone.not_in(("", bindparam("zone")))
)
_HLC_SEEN = select(node.c.hlc_seen)
_SEE_HLC = update(node).values(hlc_seen=bindparam("hlc"))

_SETTINGS = ("code", "name", "timezone", "price_zone", "currency")
_MODE_SETTINGS = ("mode", "when_unreachable")
_MODE = select(node.c.branch_id, node.c.mode, node.c.when_unreachable)


def apply_feed(
    connection: Connection,
    batch: FeedBatch,
    now_us: int,
    erased: set[str] | None = None,
    scan: Scan | None = None,
    twins: dict[bytes, bytes] | None = None,
) -> list[str]:
    """Applies a batch and its cursor in the caller's transaction; returns what could not be understood.

    A record that cannot be decoded is reported and passed over: it must not stop those behind it. An order to erase a
    person is carried out in its place; `erased` takes the words that the files must not hold any more, `twins` what
    only this branch knows (branch_node.operations.erased_twins), `scan` is one of `clients_ordered`.
    """
    problems: list[str] = []
    arrivals: list[CardEdit | CardReceived] = []
    neighbours: list[NeighbourFact] = []
    answers: list[ChainAnswer] = []
    hlc = 0
    for data in batch.records:
        try:
            record = _decode(data)
        except DecodeError as error:
            problems.append(error.message)
            continue
        if isinstance(record, CardForgotten):
            problems += _merge(connection, arrivals, now_us)
            arrivals = []
            delete_card(connection, record.kind, record.card_id)
            forget_edits(connection, record.kind, record.card_id)
            forget_conflicts(connection, record.kind, record.card_id)
        elif isinstance(record, NeighbourFact):
            neighbours.append(record)
        elif isinstance(record, ChainAnswer):
            answers.append(record)
        else:
            arrivals.append(record)
            if record.kind == RecordKind.ERASURE:
                problems += _merge(connection, arrivals, now_us)
                arrivals = []
                if twins is not None:
                    twins |= find_twins(connection, [record.card_id])
                words = erase_persons(connection, [record.card_id], now_us, scan)
                if erased is not None:
                    erased.update(words)
            hlc = max(hlc, record.stamp.hlc) if isinstance(record, CardEdit) else hlc
    problems += _merge(connection, arrivals, now_us)
    problems += keep_facts(connection, neighbours_of_the_living(connection, neighbours))
    problems += keep_answers(connection, answers)
    _observe(connection, hlc, now_us)
    if batch.cursor.position >= batch.feed_head:
        _adopt_mode(connection)
    cursor: Any = connection.connection.cursor()
    index_products(cursor)
    store_feed_cursor(cursor, batch.cursor, now_us)
    return problems


def clients_ordered(records: Sequence[bytes]) -> list[bytes]:
    """The clients whom records of the feed order to be erased; hardly ever any."""
    found: list[bytes] = []
    for data in records:
        if _ORDERS_NAME in data:
            with contextlib.suppress(DecodeError):
                record = decode_feed_record(data)
                found += [record.card_id] if record.kind == RecordKind.ERASURE else []
    return found


def apply_orders(
    connection: Connection,
    orders: Sequence[bytes],
    now_us: int,
    erased: set[str],
    scan: Scan | None = None,
    acknowledged_seq: int | None = None,
) -> dict[bytes, bytes]:
    """Carries out orders to erase persons that came ahead of the feed, but for those that are carried out already.

    `erased` takes the words that the files must not hold any more. What cannot be understood the feed will tell again.
    Returns what only this branch knows, as HQ has its entries up to `acknowledged_seq`: see
    branch_node.operations.erased_twins.
    """
    records = []
    for data in orders:
        with contextlib.suppress(DecodeError):
            records.append(_decode(data))
    received = [each for each in records if isinstance(each, CardReceived) and each.kind == RecordKind.ERASURE]
    new = set(unapplied(connection, [each.card_id for each in received]))
    twins = find_twins(connection, new, acknowledged_seq)
    if new:
        merge_cards(connection, [each for each in received if each.card_id in new], now_us, None)
        erased.update(erase_persons(connection, new, now_us, scan))
    return twins


def _decode(data: bytes) -> CardEdit | CardReceived | CardForgotten | NeighbourFact | ChainAnswer:
    match decode_feed_record(data):
        case CardChange(kind, card_id, stamp, patches):
            return CardEdit(kind, card_id, stamp, patches)
        case CardFull(kind, card_id, state):
            return CardReceived(kind, card_id, decode_state(state), state)
        case CardForgotten() | NeighbourFact() | ChainAnswer() as as_it_is:
            return as_it_is


def _merge(connection: Connection, arrivals: list[CardEdit | CardReceived], now_us: int) -> list[str]:
    arrivals = of_the_living(connection, _of_known_cards(connection, arrivals))
    if not arrivals:
        return []
    problems = _adopt_settings(connection, merge_cards(connection, arrivals, now_us, None))
    _forget_other_zones(connection, [each.card_id for each in arrivals if each.kind == RecordKind.PRICE])
    return problems


def _of_known_cards(connection: Connection, arrivals: list[CardEdit | CardReceived]) -> list[CardEdit | CardReceived]:
    """Passes over edits of a price that is not here: a branch new to a zone meets them before the whole card.

    That follows in the feed; half a card must never be shown, nor handed back to an HQ that lost it.
    """
    edited = {each.key for each in arrivals if isinstance(each, CardEdit) and _replaces_a_price(each)}
    absent = edited - load_states(connection, edited).keys()
    kept: list[CardEdit | CardReceived] = []
    for arrival in arrivals:
        if isinstance(arrival, CardReceived):
            absent.discard(arrival.key)
        if arrival.key not in absent:
            kept.append(arrival)
    return kept


def _replaces_a_price(edit: CardEdit) -> bool:
    return edit.kind == RecordKind.PRICE and any(patch.seen for patch in edit.patches)


def _adopt_settings(connection: Connection, merged: MergedCards) -> list[str]:
    """Settings that this release can use take effect; of others it keeps what it has, and says so."""
    if all(kind != RecordKind.BRANCH_SETTINGS for kind, _ in merged.states):
        return []
    branch_id = connection.execute(select(node.c.branch_id)).scalar_one()
    state = merged.states.get((int(RecordKind.BRANCH_SETTINGS), branch_id))
    if state is None:
        return []
    shown: dict[str, Value] = shown_fields(RecordKind.BRANCH_SETTINGS, state)
    changes: dict[str, str] = {}
    problems = []
    for name in (*_SETTINGS, *_MODE_SETTINGS):
        value = shown.get(name)
        if not isinstance(value, str):
            continue
        if is_usable_setting(name, value):
            changes |= {name: value} if name in _SETTINGS else {}
        else:
            problems.append(f"The setting {name} is “{shorten(value)}”, which this release cannot use.")
    connection.execute(update(node).values(**changes, revision=node.c.revision + 1))
    _forget_other_zones(connection, connection.execute(select(price.c.id)).scalars().all())
    return problems


def _adopt_mode(connection: Connection) -> None:
    """The mode that HQ's newest settings name. Not before the feed is taken up to its head: a branch that catches up
    would go through every mode it ever had, and the welcome has told it the last one already."""
    branch_id, *current = connection.execute(_MODE).one()
    key = (int(RecordKind.BRANCH_SETTINGS), branch_id)
    stored = load_states(connection, [key])
    if not stored:
        return
    shown = shown_fields(RecordKind.BRANCH_SETTINGS, decode_state(stored[key]))
    wanted = {
        name: value
        for name in _MODE_SETTINGS
        if isinstance(value := shown.get(name), str) and is_usable_setting(name, value)
    }
    if wanted and wanted != {name: now for name, now in zip(_MODE_SETTINGS, current, strict=True) if name in wanted}:
        connection.execute(update(node).values(**wanted, revision=node.c.revision + 1))


def _forget_other_zones(connection: Connection, price_ids: Sequence[bytes]) -> None:
    """Drops those of the prices that are of a zone that this branch does not know to be its own.

    HQ sends the prices of the zone it knows, and may forget in a restore that it ever was this branch's; when the zone
    changes, the whole prices come after the setting.
    """
    if not price_ids:
        return
    zone = connection.execute(_ZONE).scalar_one()
    for start in range(0, len(price_ids), PRICES_PER_QUERY_MAX):
        among = price_ids[start : start + PRICES_PER_QUERY_MAX]
        for price_id in connection.execute(_OF_OTHER_ZONES, {"among": among, "zone": zone}).scalars().all():
            delete_card(connection, RecordKind.PRICE, price_id)


def _observe(connection: Connection, hlc: int, now_us: int) -> None:
    if not hlc:
        return
    seen = connection.execute(_HLC_SEEN).scalar_one()
    if observe(seen, hlc, now_us) != seen:
        connection.execute(_SEE_HLC, {"hlc": hlc})
