"""Cards that branches hand back after HQ lost its feed: what can be trusted is merged, the rest waits for a decision.

A branch speaks for itself: of cards that branches edit, its own edits are merged at once, and so are those that HQ
knows to have been made. What it says of the edits of others, and of the cards of the head office, waits for a person.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select, update

from hq_server.storage.audience import client_of, join_audience, join_circles, members_of, welcome_others
from hq_server.storage.client_circle import everything_of
from hq_server.storage.erased_twins import links_of, note_links
from hq_server.storage.erasing import erase_persons, hold_everything
from hq_server.storage.feed import EVERYONE, Publication, audience_of_branch, publish
from hq_server.storage.hybrid_clock import next_hlc
from hq_server.storage.late_work import expect_late_work, follow_late_work
from hq_server.storage.tables import branch, command, proposal
from shared.domain.cards import can_hold, may_branch_edit
from shared.domain.identifiers import NIL_ID
from shared.domain.records import BRANCH_EDITED_KINDS, CLIENT_KINDS, FIRST_CARD_KIND, KNOWN_KINDS, RecordKind
from shared.errors import DecodeError, ProtocolViolation
from shared.operations.cards import CardReceived, merge_cards
from shared.operations.erased_arrivals import Link
from shared.storage.card_history import knows_edit
from shared.storage.card_rows import CardKey, load_states, upsert
from shared.storage.erasing import erased_among
from shared.sync.card_merge import HQ_ORIGIN, CardState, FieldState, FieldVersion
from shared.sync.hlc import is_plausible
from shared.sync.limits import CARD_STATE_BYTES_MAX, PROPOSALS_KEPT_MAX
from shared.sync.messages import CardFull
from shared.wire.cards import decode_state, encode_state
from shared.wire.exchange import decode_feed_record, encode_feed_record
from shared.wire.redacting import clients_of_feed_record

_COMMANDS_PER_QUERY_MAX = 500


class _Card(NamedTuple):
    """One card that was handed back, and what HQ holds of it."""

    full: CardFull
    state: CardState
    stored: CardState

    @property
    def key(self) -> CardKey:
        return self.full.kind, self.full.card_id


def keep_proposals(connection: Connection, branch_id: bytes, records: tuple[bytes, ...], now_us: int) -> None:
    """Merges what can be trusted and keeps what is news. Raises ProtocolViolation when a record is no card of ours."""
    fulls = [full for full in (_decode(data, branch_id) for data in records) if full is not None]
    orders = [full for full in fulls if full.kind == RecordKind.ERASURE]
    if orders:
        _take_orders(connection, orders, now_us)
    fulls = _without_erased(connection, [full for full in fulls if full.kind != RecordKind.ERASURE])
    fulls = _without_merges_of_erased(connection, fulls, now_us)
    stored = load_states(connection, [(full.kind, full.card_id) for full in fulls])
    cards = [_Card(full, decode_state(full.state), _decoded(stored.get((full.kind, full.card_id)))) for full in fulls]
    shared = [card for card in cards if card.full.kind in BRANCH_EDITED_KINDS]
    doubtful = _merge_trusted(connection, branch_id, shared, now_us)
    own = [card for card in cards if card.full.kind not in BRANCH_EDITED_KINDS and _has_news(card, HQ_ORIGIN)]
    _keep(connection, branch_id, [card.full for card in (*doubtful, *own)], now_us)


def mark_kept(connection: Connection, branch_id: bytes) -> None:
    """Tells the branch something that it knows: once it has taken that, its cursor is on no feed of a head office that
    has lost what it handed back, and it hands all back again."""
    key = (int(RecordKind.BRANCH_SETTINGS), branch_id)
    told = [CardFull(*key, state) for state in load_states(connection, [key]).values()]
    publish(connection, [Publication(audience_of_branch(branch_id), record) for record in told])


def _take_orders(connection: Connection, orders: Sequence[CardFull], now_us: int) -> None:
    """Orders to erase persons are carried out again at once: a head office that was restored has forgotten them, and
    what must not be there waits for nobody's decision."""
    known = load_states(connection, [(full.kind, full.card_id) for full in orders])
    cards = [_Card(full, decode_state(full.state), _decoded(known.get((full.kind, full.card_id)))) for full in orders]
    # Somebody may have given the order anew meanwhile: every branch then holds both, and so must the head office.
    told = [card for card in cards if unseen(card.stored, card.state)]
    if not told:
        return
    hold_everything(connection)
    arrivals = [plausible(connection, card.full, card.state, now_us) for card in told]
    merged = merge_cards(connection, arrivals, now_us, now_us)
    publish(connection, [Publication(EVERYONE, CardFull(*key, state)) for key, state in merged.encoded.items()])
    new = [card.full.card_id for card in told if card.key not in known]
    if not new:
        return
    # Who had forgotten the order may have merged the person's card since: what it was merged into is the person too.
    links = links_of(connection, new)
    hlc = next_hlc(connection, now_us) if links else 0
    erase_persons(connection, new, now_us)
    for branch_id, link in links:
        note_links(connection, branch_id, [link], hlc, now_us)


def _without_erased(connection: Connection, fulls: Sequence[CardFull]) -> list[CardFull]:
    """Without the cards of persons who are erased: their holder has not heard yet."""
    owners = {(full.kind, full.card_id): clients_of_feed_record(encode_feed_record(full)) for full in fulls}
    ids = {full.card_id for full in fulls}.union(*owners.values())
    erased = erased_among(connection, ids)
    clients = set(erased.values())
    return [
        full
        for full in fulls
        if (full.kind, full.card_id) not in erased and not owners[full.kind, full.card_id] & clients
    ]


def _without_merges_of_erased(connection: Connection, fulls: Sequence[CardFull], now_us: int) -> list[CardFull]:
    """Cards without the word that they and an erased one were made one by an edit of the head office's. If that was
    lost here, the card is the erased person's; if not, what became of it since is known better here."""
    states = {full.card_id: decode_state(full.state) for full in fulls if full.kind == RecordKind.CLIENT}
    said = [(card_id, into, edit_id) for card_id, state in states.items() for into, edit_id in _merged_by_hq(state)]
    erased = {each for _, each in erased_among(connection, {into for _, into, _ in said})}
    told = [each for each in said if each[1] in erased]
    lost = [
        Link(erased_id, card_id, edit_id)
        for card_id, erased_id, edit_id in told
        if not knows_edit(connection, RecordKind.CLIENT, card_id, (edit_id, HQ_ORIGIN))
    ]
    if lost:
        note_links(connection, NIL_ID, lost, next_hlc(connection, now_us), now_us)
    settled: dict[bytes, set[bytes]] = {}
    for card_id, _, edit_id in told:
        settled.setdefault(card_id, set()).add(edit_id)
    return [
        CardFull(full.kind, full.card_id, _without(states[full.card_id], settled[full.card_id]))
        if full.kind == RecordKind.CLIENT and full.card_id in settled
        else full
        for full in fulls
    ]


def _merged_by_hq(state: CardState) -> list[tuple[bytes, bytes]]:
    """Into which cards a card is merged by edits of the head office's, and the edits."""
    known = state.fields.get("merged_into", FieldState())
    return [
        (version.value, version.version_id)
        for version in known.live
        if version.stamp.branch_id == HQ_ORIGIN and isinstance(version.value, bytes)
    ]


def _without(state: CardState, merging_edits: Collection[bytes]) -> bytes:
    known = state.fields["merged_into"]
    left = FieldState(tuple(each for each in known.live if each.version_id not in merging_edits), known.superseded)
    others = {name: field for name, field in state.fields.items() if name != "merged_into"}
    return encode_state(CardState(others if left == FieldState() else {**others, "merged_into": left}))


def _keep(connection: Connection, branch_id: bytes, cards: Sequence[CardFull], now_us: int) -> None:
    kept = connection.execute(
        select(func.count()).where(proposal.c.branch_id == branch_id, proposal.c.resolved_at.is_(None))
    ).scalar_one()
    if kept + len(cards) > PROPOSALS_KEPT_MAX:
        raise ProtocolViolation(f"More than {PROPOSALS_KEPT_MAX} proposals came.")
    rows = [
        {
            "branch_id": branch_id,
            "kind": card.kind,
            "card_id": card.card_id,
            "state": card.state,
            "received_at": now_us,
            "resolved_at": None,
            "replaced": None,
            "taken_up": None,
            "reopened_at": None,
        }
        for card in cards
    ]
    if rows:
        connection.execute(upsert(proposal, connection), rows)


def _merge_trusted(connection: Connection, branch_id: bytes, cards: Sequence[_Card], now_us: int) -> list[_Card]:
    """Merges what the branch may say of these cards; returns those that say more."""
    made = _made(connection, branch_id, cards)
    trusted = [(card, _only(card, branch_id, made)) for card in cards]
    arrivals = [plausible(connection, card.full, state, now_us) for card, state in trusted if state.fields]
    following = expect_late_work(connection, arrivals, now_us)
    merged = merge_cards(connection, arrivals, now_us, now_us)
    if any(len(state) > CARD_STATE_BYTES_MAX for state in merged.encoded.values()):
        raise ProtocolViolation(f"A card would be larger than {CARD_STATE_BYTES_MAX} bytes.")
    _tell_holders(connection, branch_id, [card.key for card, _ in trusted], merged.changed, now_us)
    follow_late_work(connection, following, arrivals, merged, now_us)
    return [card for card, state in trusted if _lives(state) < _lives(card.state)]


def _tell_holders(
    connection: Connection, branch_id: bytes, keys: Iterable[CardKey], changed: set[CardKey], now_us: int
) -> None:
    """Who holds a client, or a card that belongs to one, knows the client, whatever HQ holds of it yet, and is told
    what the others know."""
    ours = [key for key in keys if key[0] == RecordKind.CLIENT or key[0] in CLIENT_KINDS]
    states = load_states(connection, ours)
    for key in sorted(ours):
        client_id = key[1] if key[0] == RecordKind.CLIENT else client_of(key[0], states.get(key))
        members = set() if client_id is None else members_of(connection, client_id)
        if client_id is not None and branch_id not in members:
            join_audience(connection, client_id, branch_id, now_us)
            publish(connection, everything_of(connection, client_id, branch_id, now_us))
            publish(connection, welcome_others(connection, client_id, branch_id, now_us))
        if key not in states:
            continue
        told = (members if key in changed else set()) | {branch_id}
        record = CardFull(*key, states[key])
        publish(connection, [Publication(audience_of_branch(member), record) for member in sorted(told)])
    for key in sorted(changed):
        if key[0] == RecordKind.CLIENT:
            publish(connection, join_circles(connection, key[1], key[1], now_us))
        if key[0] == RecordKind.SUBSTITUTION:
            publish(connection, [Publication(EVERYONE, CardFull(*key, load_states(connection, [key])[key]))])


def _only(card: _Card, branch_id: bytes, made: set[tuple[bytes, bytes]]) -> CardState:
    """The fields of which every version was made at the branch, or is known to have been made."""
    known = {name: _traces(field) for name, field in card.stored.fields.items()}
    return CardState(
        {
            name: field
            for name, field in card.state.fields.items()
            if all(
                (version.stamp.branch_id == branch_id and may_branch_edit(card.full.kind, name))
                or version.identity in made
                or version.version_id in known.get(name, frozenset())
                for version in field.live
            )
        }
    )


def _made(connection: Connection, branch_id: bytes, cards: Sequence[_Card]) -> set[tuple[bytes, bytes]]:
    """Which of the versions that others made HQ knows to have been made, by command and branch."""
    wanted: dict[bytes, set[bytes]] = {}
    for card in cards:
        for field in card.state.fields.values():
            for version in field.live:
                if version.stamp.branch_id not in (branch_id, HQ_ORIGIN):
                    wanted.setdefault(version.stamp.branch_id, set()).add(version.version_id)
    made: set[tuple[bytes, bytes]] = set()
    for origin, commands in wanted.items():
        ordered = sorted(commands)
        for start in range(0, len(ordered), _COMMANDS_PER_QUERY_MAX):
            chunk = ordered[start : start + _COMMANDS_PER_QUERY_MAX]
            statement = select(command.c.command_id).where(
                command.c.branch_id == origin, command.c.command_id.in_(chunk)
            )
            made |= {(found, origin) for found in connection.execute(statement).scalars()}
    return made


def _lives(state: CardState) -> int:
    return sum(len(field.live) for field in state.fields.values())


def plausible(connection: Connection, card: CardFull, state: CardState, now_us: int) -> CardReceived:
    """The card, with versions from a clock far ahead stamped anew: without them, what they replaced would come back.

    Of a version with two stamps the earlier holds, wherever both meet.
    """
    fields = {}
    for name, field in state.fields.items():
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


def close_what_is_known(connection: Connection, now_us: int) -> None:
    """Closes proposals of which HQ has learnt everything since, mostly from the branches that made the edits. Of one
    whose decision was taken back it has, and the decision is a person's all the same."""
    rows = [row for row in open_proposals(connection) if row.reopened_at is None]
    stored = load_states(connection, {(row.kind, row.card_id) for row in rows})
    for row in rows:
        full = CardFull(row.kind, row.card_id, row.state)
        origin = None if row.kind in BRANCH_EDITED_KINDS else HQ_ORIGIN
        card = _Card(full, decode_state(row.state), _decoded(stored.get((row.kind, row.card_id))))
        if not _has_news(card, origin):
            connection.execute(
                update(proposal)
                .where(
                    proposal.c.branch_id == row.branch_id,
                    proposal.c.kind == row.kind,
                    proposal.c.card_id == row.card_id,
                )
                .values(resolved_at=now_us)
            )


def close_proposal(connection: Connection, kind: int, card_id: bytes, now_us: int) -> None:
    """Whatever was decided of a card holds for every branch that proposed it."""
    connection.execute(
        update(proposal)
        .where(proposal.c.kind == kind, proposal.c.card_id == card_id, proposal.c.resolved_at.is_(None))
        .values(resolved_at=now_us)
    )


def keep_replaced(
    connection: Connection, kind: int, card_id: bytes, replaced: bytes | None, taken_up: CardState
) -> None:
    """Keeps of proposals that are about to be closed what the card was without them, and what it is with them."""
    connection.execute(
        update(proposal)
        .where(proposal.c.kind == kind, proposal.c.card_id == card_id, proposal.c.resolved_at.is_(None))
        .values(replaced=replaced or b"", taken_up=encode_state(taken_up))
    )


def unseen(stored: CardState, proposed: CardState) -> Mapping[str, tuple[bytes, ...]]:
    """By field, the versions of a proposed card that HQ has no trace of."""
    found = {}
    for name, field in proposed.fields.items():
        traces = _traces(stored.fields.get(name, FieldState()))
        ids = tuple(version.version_id for version in field.live if version.version_id not in traces)
        if ids:
            found[name] = ids
    return found


def _decode(data: bytes, branch_id: bytes) -> CardFull | None:
    """The card; None when it is of a kind that this release does not know. Raises ProtocolViolation."""
    try:
        record = decode_feed_record(data)
        if not isinstance(record, CardFull) or record.kind < FIRST_CARD_KIND:
            raise ProtocolViolation("A proposal must be a whole card.")
        state = decode_state(record.state)
    except DecodeError as error:
        raise ProtocolViolation(error.message) from error
    if record.kind not in KNOWN_KINDS:
        return None
    if len(record.state) > CARD_STATE_BYTES_MAX:
        raise ProtocolViolation(f"A proposed card is larger than {CARD_STATE_BYTES_MAX} bytes.")
    if record.kind == RecordKind.BRANCH_SETTINGS and record.card_id != branch_id:
        raise ProtocolViolation("A branch holds the settings of another.")
    for name, field in state.fields.items():
        if not all(can_hold(record.kind, name, version.value) for version in field.live):
            raise ProtocolViolation(f"The field {name} of a proposed card cannot hold that value.")
    return record


def _decoded(stored: bytes | None) -> CardState:
    return decode_state(stored) if stored is not None else CardState()


def _has_news(card: _Card, origin: bytes | None) -> bool:
    """Whether it holds a version, of that origin if one is given, that HQ has no trace of."""
    return any(
        version.version_id in ids and origin in (None, version.stamp.branch_id)
        for name, ids in unseen(card.stored, card.state).items()
        for version in card.state.fields[name].live
    )


def _traces(field: FieldState) -> frozenset[bytes]:
    return field.superseded | {version.version_id for version in field.live}
