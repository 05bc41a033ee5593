"""Who knows which client, and what a branch is told when it begins to.

A branch knows a client when it made or edited the card, or when it named the card's external id or id in a sale. Every
change of membership happens under the card's lock, so that an edit and a newcomer cannot miss each other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from sqlalchemy import Connection, bindparam, literal_column, select

from hq_server.storage.client_circle import branches_due, everything_of, known_before
from hq_server.storage.compaction import with_record
from hq_server.storage.feed import (
    EVERYONE,
    FeedRead,
    Publication,
    audience_of_branch,
    audience_of_zone,
    read_feed,
)
from hq_server.storage.people import PEOPLE_KINDS, audiences_of_person, publications_of_people
from hq_server.storage.tables import client_audience, client_reference, feed
from shared.domain.identifiers import NIL_ID, format_id, is_id, parse_id
from shared.domain.records import CLIENT_KINDS, RecordKind
from shared.operations.aliases import cards_of_client
from shared.operations.cards import CardEdit, MergedCards, shown_fields
from shared.storage.card_rows import insert_missing, load_states, lock_cards
from shared.storage.dialect_functions import over_lists
from shared.storage.fact_rows import Row
from shared.storage.tables import client
from shared.sync.card_merge import CardState
from shared.sync.messages import CardChange, CardFull, FeedCursor
from shared.wire.cards import decode_state
from shared.wire.exchange import decode_feed_record

Reference = tuple[bytes, str]
"""A branch, and the external id of a client that it named."""

_REFERENCES_PER_QUERY_MAX = 500

TOLD_BY_MEMBERSHIP = PEOPLE_KINDS | CLIENT_KINDS | {int(RecordKind.CLIENT), int(RecordKind.SUBSTITUTION)}
"""Cards of which a table says who receives them; the others are published by who edits them."""

# Written out: with a parameter, the index of settings alone would not be found.
_IS_SETTINGS = feed.c.kind == literal_column(str(int(RecordKind.BRANCH_SETTINGS)))
_SETTINGS = (
    select(feed.c.position, feed.c.data)
    .where(_IS_SETTINGS, feed.c.record_id == bindparam("branch"))
    .order_by(feed.c.position)
)
_MEMBERS = select(client_audience.c.branch_id).where(client_audience.c.client_id == bindparam("client"))
_MEMBERSHIPS = select(client_audience.c.client_id, client_audience.c.branch_id).where(
    client_audience.c.client_id.in_(bindparam("clients", expanding=True))
)
_MERGED_INTO = (
    select(client.c.merged_into)
    .where(client.c.merged_into.in_(bindparam("clients", expanding=True)))
    .distinct()
    .order_by(client.c.merged_into)
)
_named = over_lists(
    lambda among: select(client_reference.c.branch_id, client_reference.c.external_id).where(
        among(client_reference.c.branch_id, "branches"), among(client_reference.c.external_id, "names")
    )
)
_called = over_lists(
    lambda among: select(client.c.id, client.c.external_id).where(among(client.c.external_id, "names"))
)


def read_feed_of(
    connection: Connection, branch_id: bytes, after: FeedCursor, records_max: int, bytes_max: int
) -> FeedRead:
    """What a branch receives after a cursor, within the limits.

    The price zone counts that the branch was told of by then, not the one it has now: a cursor must mean the same to a
    head office that was restored from a backup of before the change. So each stretch ends where the zone changes.
    """
    zone, until = _zone_at(connection, branch_id, after.position)
    audiences = sorted({EVERYONE, audience_of_zone(zone), audience_of_branch(branch_id)})
    return read_feed(connection, audiences, after, records_max, bytes_max, until)


def _zone_at(connection: Connection, branch_id: bytes, position: int) -> tuple[str, int | None]:
    """The zone that the branch's settings named at a position of the feed, and where the next settings are."""
    state = CardState()
    until = None
    for at, data in connection.execute(_SETTINGS, {"branch": branch_id}):
        if at > position:
            until = at
            break
        record = decode_feed_record(data)
        assert isinstance(record, CardChange | CardFull)
        state = with_record(state, record)
    zone = shown_fields(RecordKind.BRANCH_SETTINGS, state).get("price_zone")
    return zone if isinstance(zone, str) else "", until


def publications_for_edits(
    connection: Connection, edits: Iterable[CardEdit], merged: MergedCards, now_us: int
) -> list[Publication]:
    """What branches are told of merged edits: the edit itself to those that know the card already, the whole card to
    those that begin to. The branch that made an edit has it."""
    edits = list(edits)
    publications = list(publications_of_people(connection, edits, merged))
    known: dict[bytes, set[bytes]] = {}
    for edit in edits:
        if edit.kind in CLIENT_KINDS:
            publications += _publications_of_belonging(connection, edit, merged, now_us)
        elif edit.kind == RecordKind.SUBSTITUTION and edit.key in merged.changed:
            change = CardChange(edit.kind, edit.card_id, edit.stamp, edit.patches)
            publications.append(Publication(EVERYONE, change))
        if edit.kind != RecordKind.CLIENT:
            continue  # products and prices are published by who edits them
        origin = edit.stamp.branch_id
        if edit.key not in merged.changed:
            publications += _welcome_author(connection, edit, now_us)
            continue
        if edit.card_id not in known:
            known[edit.card_id] = members_of(connection, edit.card_id)
        members = known[edit.card_id]
        change = CardChange(edit.kind, edit.card_id, edit.stamp, edit.patches)
        publications += [
            Publication(audience_of_branch(member), change) for member in sorted(members) if member != origin
        ]
        newcomers = set() if origin == NIL_ID else {origin}
        naming = _branches_naming(connection, merged.states[edit.key])
        newcomers |= naming
        for newcomer in sorted(newcomers - members):
            members.add(newcomer)
            if newcomer != origin or edit.key not in merged.created:
                publications += welcome(connection, edit.card_id, newcomer, merged.encoded[edit.key], now_us)
            else:
                join_audience(connection, edit.card_id, newcomer, now_us)
        if naming and any(patch.field == "external_id" for patch in edit.patches):
            # What was sold under that number is this client's from now on.
            for member in sorted(members):
                publications += everything_of(connection, edit.card_id, member, now_us)
        for patch in edit.patches:
            if patch.field == "merged_into" and isinstance(patch.value, bytes):
                publications += join_circles(connection, edit.card_id, patch.value, now_us)
                known.pop(edit.card_id, None)
    return publications + _publications_of_created(connection, merged, now_us)


def _publications_of_created(connection: Connection, merged: MergedCards, now_us: int) -> list[Publication]:
    """What came before the cards of these clients, and nobody could be told: a restored head office hears in any
    order."""
    publications: list[Publication] = []
    created = sorted(card_id for kind, card_id in merged.created if kind == RecordKind.CLIENT)
    for start in range(0, len(created), _REFERENCES_PER_QUERY_MAX):
        chunk = created[start : start + _REFERENCES_PER_QUERY_MAX]
        for survivor in connection.execute(_MERGED_INTO, {"clients": chunk}).scalars().all():
            publications += join_circles(connection, survivor, survivor, now_us)
        for client_id in known_before(connection, chunk):
            for member in sorted(members_of(connection, client_id)):
                told = everything_of(connection, client_id, member, now_us)
                # What came with the card is told already.
                publications += [e for e in told if (e.record.kind, e.record.card_id) not in merged.created]
        publications += welcome_all(connection, branches_due(connection, chunk), now_us)
    return publications


def _publications_of_belonging(
    connection: Connection, edit: CardEdit, merged: MergedCards, now_us: int
) -> list[Publication]:
    """What branches are told of a card that belongs to a client: a new one whole, else the edit. Whoever edits it, and
    the branch where a task is due, knows the client from then on."""
    if edit.key not in merged.changed:
        return []
    shown = shown_fields(edit.kind, merged.states[edit.key])
    origin, client_id, due_at = edit.stamp.branch_id, shown.get("client_id"), shown.get("branch_id")
    wanted = {branch_id for branch_id in (origin, due_at) if isinstance(branch_id, bytes) and branch_id != NIL_ID}
    members: set[bytes] = set(wanted)
    publications: list[Publication] = []
    if isinstance(client_id, bytes):
        members = members_of(connection, client_id)
        newcomers = wanted - members
        publications += welcome_all(connection, [(branch_id, client_id) for branch_id in sorted(newcomers)], now_us)
        members -= newcomers
    is_new = edit.key in merged.created or any(patch.field == "client_id" for patch in edit.patches)
    record: CardFull | CardChange = CardChange(edit.kind, edit.card_id, edit.stamp, edit.patches)
    if is_new:
        record = CardFull(edit.kind, edit.card_id, merged.encoded[edit.key])
    publications += [Publication(audience_of_branch(member), record) for member in sorted(members - {origin})]
    return publications


def join_circles(connection: Connection, client_id: bytes, other_id: bytes, now_us: int) -> list[Publication]:
    """Two cards turned out to be of one client: who knows any of the cards of either knows all of them."""
    cards = {*cards_of_client(connection, client_id), *cards_of_client(connection, other_id)}
    members = {card_id: members_of(connection, card_id) for card_id in sorted(cards)}
    everybody = set().union(*members.values())
    pairs = [(branch_id, card_id) for card_id in members for branch_id in sorted(everybody - members[card_id])]
    return welcome_all(connection, pairs, now_us)


def welcome(connection: Connection, client_id: bytes, branch_id: bytes, state: bytes, now_us: int) -> list[Publication]:
    """The branch begins to know the client: the card, and everything that goes with it; and whatever other cards the
    client has, for the history follows them. The caller holds the card."""
    join_audience(connection, client_id, branch_id, now_us)
    told = [_whole(branch_id, client_id, state), *everything_of(connection, client_id, branch_id, now_us)]
    return told + welcome_others(connection, client_id, branch_id, now_us)


def welcome_others(connection: Connection, client_id: bytes, branch_id: bytes, now_us: int) -> list[Publication]:
    """What the branch is told of the client's other cards, of which it does not know yet."""
    others = [each for each in cards_of_client(connection, client_id) if each != client_id]
    keys = [(int(RecordKind.CLIENT), each) for each in sorted(others) if branch_id not in members_of(connection, each)]
    if not keys:
        return []
    lock_cards(connection, keys)
    told: list[Publication] = []
    for (_, card_id), state in sorted(load_states(connection, keys).items()):
        join_audience(connection, card_id, branch_id, now_us)
        told += [_whole(branch_id, card_id, state), *everything_of(connection, card_id, branch_id, now_us)]
    return told


def welcome_all(connection: Connection, pairs: Sequence[tuple[bytes, bytes]], now_us: int) -> list[Publication]:
    """The same for several pairs of a branch and a client; clients without a card are passed over, and those whom a
    branch knows already by another of theirs."""
    keys = {(int(RecordKind.CLIENT), client_id) for _, client_id in pairs}
    states = load_states(connection, sorted(keys)) if keys else {}
    return [
        publication
        for branch_id, client_id in pairs
        if (int(RecordKind.CLIENT), client_id) in states and branch_id not in members_of(connection, client_id)
        for publication in welcome(connection, client_id, branch_id, states[int(RecordKind.CLIENT), client_id], now_us)
    ]


def _welcome_author(connection: Connection, edit: CardEdit, now_us: int) -> list[Publication]:
    """An edit that HQ had by another way, after it was restored: its author knows the client all the same."""
    origin = edit.stamp.branch_id
    if origin == NIL_ID or origin in members_of(connection, edit.card_id):
        return []
    return welcome_all(connection, [(origin, edit.card_id)], now_us)


def new_references(connection: Connection, references: Collection[Reference]) -> list[Reference]:
    """Those that are not noted yet, in one order. The caller holds the cursors of the branches."""
    new = set(references)
    branch_ids = sorted({branch_id for branch_id, _ in references})
    for chunk in _chunks(sorted({external_id for _, external_id in references})):
        rows = connection.execute(_named(connection), {"branches": branch_ids, "names": chunk})
        new -= {(branch_id, external_id) for branch_id, external_id in rows}
    return sorted(new)


def reference_row(reference: Reference, now_us: int) -> Row:
    """A reference as a row of `client_reference`."""
    branch_id, external_id = reference
    return external_id, branch_id, now_us


def welcome_references(connection: Connection, references: Collection[Reference], now_us: int) -> list[Publication]:
    """What branches are told that began to name clients: the cards that they did not know."""
    named: dict[str, list[bytes]] = {}
    for branch_id, external_id in references:
        named.setdefault(external_id, []).append(branch_id)
    publications: list[Publication] = []
    for chunk in _chunks(list(named)):
        found = {row.id: row.external_id for row in connection.execute(_called(connection), {"names": chunk})}
        # A client without a number elsewhere is named by the card's own id.
        ids = [parse_id(name) for name in chunk if is_id(name)]
        if ids:
            rows = connection.execute(select(client.c.id).where(client.c.id.in_(ids)))
            found |= {client_id: format_id(client_id) for client_id in rows.scalars()}
        if not found:
            continue
        keys = [(int(RecordKind.CLIENT), client_id) for client_id in sorted(found)]
        lock_cards(connection, keys)
        states = load_states(connection, keys)
        memberships = connection.execute(_MEMBERSHIPS, {"clients": list(found)})
        members = {(client_id, branch_id) for client_id, branch_id in memberships}
        for key in keys:
            for branch_id in named[found[key[1]]]:
                if (key[1], branch_id) not in members:
                    publications += welcome(connection, key[1], branch_id, states[key], now_us)
    return publications


def _chunks(names: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(names), _REFERENCES_PER_QUERY_MAX):
        yield names[start : start + _REFERENCES_PER_QUERY_MAX]


def members_of(connection: Connection, client_id: bytes) -> set[bytes]:
    """The branches that know a client."""
    return set(connection.execute(_MEMBERS, {"client": client_id}).scalars())


def _branches_naming(connection: Connection, state: CardState) -> set[bytes]:
    external_id = shown_fields(RecordKind.CLIENT, state).get("external_id")
    if not isinstance(external_id, str):
        return set()
    statement = select(client_reference.c.branch_id).where(client_reference.c.external_id == external_id)
    return set(connection.execute(statement).scalars())


def audiences_of_card(connection: Connection, kind: int, card_id: bytes, state: CardState) -> list[str]:
    """Who receives a card."""
    if kind == RecordKind.BRANCH_SETTINGS:
        return [audience_of_branch(card_id)]
    if kind == RecordKind.PRICE:
        zone = shown_fields(kind, state).get("zone")
        return [audience_of_zone(zone if isinstance(zone, str) else "")]
    if kind == RecordKind.CLIENT:
        return [audience_of_branch(member) for member in sorted(members_of(connection, card_id))]
    if kind in CLIENT_KINDS:
        shown = shown_fields(kind, state)
        owner, due_at = shown.get("client_id"), shown.get("branch_id")
        told = members_of(connection, owner) if isinstance(owner, bytes) else set()
        told |= {due_at} if isinstance(due_at, bytes) else set()
        return [audience_of_branch(member) for member in sorted(told)]
    if kind == RecordKind.PRODUCT_REQUEST:
        asker = asker_of(state)
        return [] if asker is None else [audience_of_branch(asker)]
    if kind in PEOPLE_KINDS:
        return audiences_of_person(connection, kind, card_id, state)
    return [EVERYONE]


def client_of(kind: int, state: bytes | None) -> bytes | None:
    """The client that a card belongs to, if it says so."""
    shown = {} if state is None else shown_fields(kind, decode_state(state))
    owner = shown.get("client_id")
    return owner if isinstance(owner, bytes) else None


def asker_of(state: CardState) -> bytes | None:
    """The branch that made a request: nobody else says what its code is."""
    known = state.fields.get("code")
    return known.live[0].stamp.branch_id if known is not None and known.live else None


def join_audience(connection: Connection, client_id: bytes, branch_id: bytes, now_us: int) -> None:
    """The branch knows the client from now on."""
    row = {"client_id": client_id, "branch_id": branch_id, "since": now_us}
    connection.execute(insert_missing(client_audience, connection), row)


def _whole(branch_id: bytes, client_id: bytes, state: bytes) -> Publication:
    return Publication(audience_of_branch(branch_id), CardFull(RecordKind.CLIENT, client_id, state))
