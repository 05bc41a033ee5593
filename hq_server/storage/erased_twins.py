"""Cards of whom branches say that they are an erased person's: a merge that arrives when the person is gone.

Whoever merged two cards said that both are one person; so the other card goes with the order as well. Not at once: the
branch may have taken its merge back, and the head office waits until it holds all that the branch has recorded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import Connection, select

from hq_server.storage.audience import publications_for_edits
from hq_server.storage.erasing import cards_of_person, erase_persons, hold_everything, parked_merges
from hq_server.storage.feed import EVERYONE, Publication, publish
from hq_server.storage.hybrid_clock import next_hlc
from hq_server.storage.tables import branch_cursor
from shared.domain.cards import Value
from shared.domain.identifiers import NIL_ID, derived_id
from shared.domain.records import RecordKind
from shared.operations.aliases import find_survivor
from shared.operations.cards import edit_card, load_card, merge_cards
from shared.operations.erased_arrivals import Link
from shared.storage.erasing import disputed_merges, erased_among
from shared.storage.tables import client, erased_card, erasure
from shared.sync.card_merge import HQ_ORIGIN, FieldVersion, Stamp
from shared.sync.messages import CardFull

_ERASED = select(erased_card.c.id).where(erased_card.c.kind == int(RecordKind.CLIENT))
_TWINS = select(client.c.id, client.c.merged_into).where(client.c.merged_into.in_(_ERASED)).order_by(client.c.id)
_HAS_SENT = select(branch_cursor.c.branch_id, branch_cursor.c.head_seq <= branch_cursor.c.acknowledged_seq)


def note_links(connection: Connection, branch_id: bytes, links: Iterable[Link], hlc: int, now_us: int) -> int:
    """Keeps on the living card what a branch says of an erased one, whose own edit is not taken in: that the two are
    one, or are no more. `hlc` is a stamp of the chain's clock. Returns how many records branches are told."""
    wanted: dict[bytes, bytes | None] = {}
    for erased_id, target, command_id in links:
        if target is None:
            parted = {twin for twin, into in wanted.items() if into == erased_id}
            parted |= _linked_by(connection, branch_id, erased_id) - wanted.keys()
            wanted |= dict.fromkeys(parted)
        else:
            survivor = find_survivor(connection, target)
            said = connection.execute(select(client.c.merged_into).where(client.c.id == survivor)).scalar()
            if not erased_among(connection, [survivor]) and wanted.get(survivor, said) is None:
                # Also of a card that is not here: whoever brings it brings it to its end.
                wanted[survivor] = erased_id
        name = command_id
    edits = []
    for twin, into in sorted(wanted.items()):
        stamp = Stamp(0, hlc, derived_id("erased twin", twin, name), branch_id, HQ_ORIGIN)
        edits.append(edit_card(connection, RecordKind.CLIENT, twin, {"merged_into": into}, stamp))
    made = [each for each in edits if each is not None]
    if not made:
        return 0
    merged = merge_cards(connection, made, now_us, now_us)
    return publish(connection, publications_for_edits(connection, made, merged, now_us))


def links_of(connection: Connection, client_ids: Collection[bytes]) -> list[tuple[bytes, Link]]:
    """What is said here of cards that are about to be erased, and is gone with them: into which others they were
    merged, and by whom – a branch, or NIL_ID for the head office. Comes before `erase_persons`, `note_links` after."""
    found = [
        (NIL_ID if version.stamp.branch_id == HQ_ORIGIN else version.stamp.branch_id, client_id, version)
        for client_id in sorted(client_ids)
        for version in _said(connection, client_id)
    ]
    links = [(by, Link(each, v.value, v.version_id)) for by, each, v in found if isinstance(v.value, bytes)]
    parked = sorted(parked_merges(connection).items()) if client_ids else []
    # A link's command only names the edit that is made of it: the other card does as well.
    return links + [(by, Link(each, into, into)) for (by, each), into in parked if each in client_ids]


def are_twins_due(connection: Connection) -> bool:
    """Whether cards are known to be of erased persons."""
    return bool(_twins(connection))


def erase_twins(connection: Connection, now_us: int) -> int:
    """Orders cards to be erased of which it is said that they are an erased person's, with whatever was merged into
    them, where the branch that says so has sent all it has; returns how many cards. Holds everything."""
    hold_everything(connection)
    has_sent = {row[0]: bool(row[1]) for row in connection.execute(_HAS_SENT)}
    orders: dict[bytes, bytes] = {}
    for twin, erased_id in _twins(connection):
        said = [version for version in _said(connection, twin) if version.value == erased_id]
        if any(has_sent.get(_origin(version, has_sent), True) for version in said):
            orders |= dict.fromkeys(cards_of_person(connection, twin), erased_id)
    if not orders:
        return 0
    hlc = next_hlc(connection, now_us)
    edits = []
    for twin, erased_id in sorted(orders.items()):
        order = connection.execute(select(erasure).where(erasure.c.id == erased_id)).one()
        stamp = Stamp(0, hlc, derived_id("twin", erased_id, twin), order.ordered_by or NIL_ID, HQ_ORIGIN)
        changes: dict[str, Value] = {"reason": order.reason, "ordered_at": now_us, "ordered_by": order.ordered_by}
        edits.append(edit_card(connection, RecordKind.ERASURE, twin, changes, stamp))
    merged = merge_cards(connection, [each for each in edits if each is not None], now_us, now_us)
    publish(connection, [Publication(EVERYONE, CardFull(*key, state)) for key, state in merged.encoded.items()])
    erase_persons(connection, orders.keys(), now_us)
    return len(orders)


def _twins(connection: Connection) -> list[tuple[bytes, bytes]]:
    """Cards that say that they were merged into an erased one, with that; also where something else is shown, because
    edits of it have met."""
    if connection.execute(_ERASED.limit(1)).first() is None:
        return []
    found = {(row.id, row.merged_into) for row in connection.execute(_TWINS)}
    disputed = disputed_merges(connection)
    erased = {card_id for _, card_id in erased_among(connection, set().union(*disputed))} if disputed else set()
    found |= {(twin, each) for pair in disputed for each in pair & erased for twin in pair - erased}
    return sorted(found)


def _linked_by(connection: Connection, branch_id: bytes, erased_id: bytes) -> set[bytes]:
    """The cards that are an erased person's because that branch said so of the erased card."""
    twins = connection.execute(select(client.c.id).where(client.c.merged_into == erased_id)).scalars().all()
    ours = (HQ_ORIGIN, branch_id)
    return {
        twin
        for twin in twins
        if [(each.stamp.branch_id, each.stamp.author) for each in _said(connection, twin)][-1:] == [ours]
    }


def _said(connection: Connection, client_id: bytes) -> tuple[FieldVersion, ...]:
    """What a card says of being merged, and who says so; what it shows comes last."""
    state = load_card(connection, RecordKind.CLIENT, client_id)
    known = state.fields.get("merged_into") if state else None
    return known.live if known else ()


def _origin(version: FieldVersion, branch_ids: Collection[bytes]) -> bytes:
    """The branch that says so; NIL_ID for the head office itself."""
    if version.stamp.branch_id == HQ_ORIGIN:
        return version.stamp.author if version.stamp.author in branch_ids else NIL_ID
    return version.stamp.branch_id
