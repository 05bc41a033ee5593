"""Erasing persons at the head office: entries, commits, feed, rows, in the caller's transaction; and what comes later.

Every hash stays – of chains, of the feed – so that what was ever acknowledged or given as a cursor is recognised.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, select, tuple_, update

from hq_server.storage.compaction import FOLDED
from hq_server.storage.feed import Publication, audience_of_branch, publish
from hq_server.storage.hand_over_tables import hand_over_card
from hq_server.storage.kept_report_tables import kept_report
from hq_server.storage.mail_tables import mail_attempt, unmatched_letter
from hq_server.storage.parking import APPLIED, PARKED, parked_rows, parked_without_facts
from hq_server.storage.review_tables import audit_verdict
from hq_server.storage.tables import (
    branch_cursor,
    central_commit,
    client_audience,
    client_reference,
    feed,
    feed_compaction,
    feed_head,
    feed_latest,
    feed_outbox,
    journal_entry,
    parked_entry,
    proposal,
    record_counter,
)
from shared.domain.erasing import Erasing, is_like_a_contact
from shared.domain.records import CLIENT_FACT_KINDS, CLIENT_KINDS, RecordKind
from shared.operations.erasing import find_person
from shared.operations.record_check import keys_of, rewrite_record, rows_of
from shared.storage.card_history import knows_edit
from shared.storage.card_rows import load_states
from shared.storage.dialect_functions import holds_any
from shared.storage.erasing import (
    PERSONAL_ROWS,
    aliases_of,
    by_belonging,
    by_card,
    by_client,
    delete_personal_rows,
    erased_among,
    note_applied,
    note_erased,
    strike_texts,
)
from shared.storage.tables import client
from shared.sync.card_merge import FieldState
from shared.sync.counting import FactFigure, fingerprint
from shared.sync.messages import CardForgotten, CardFull
from shared.wire.cards import decode_state
from shared.wire.decoding import decode_entry
from shared.wire.entries import open_entry
from shared.wire.redacting import Redacted, clients_of_feed_record, redact_entry

NEEDLES_PER_QUERY_MAX = 40
ROWS_PER_UPDATE = 500

OFFICE_ROWS = (
    *PERSONAL_ROWS,
    by_client(client_audience, client_audience.c.client_id),
    by_card(proposal, proposal.c.kind, proposal.c.card_id),
    by_card(hand_over_card, hand_over_card.c.kind, hand_over_card.c.card_id),
    by_belonging(mail_attempt, RecordKind.MAIL, mail_attempt.c.letter_id),
)
"""What the head office holds of a client beside entries and feed: a table more is a line more."""

_TEXTS = (
    audit_verdict.c.note,
    parked_entry.c.evidence,
    central_commit.c.explanation,
    central_commit.c.hint,
    unmatched_letter.c.address,
    unmatched_letter.c.name,
    unmatched_letter.c.subject,
    unmatched_letter.c.body,
)
"""Columns in which a person may be named in words, and which no entry rewrites."""

_FEED_KINDS = sorted(
    {int(RecordKind.CLIENT), int(RecordKind.SALE), int(RecordKind.REFUND)} | CLIENT_KINDS | CLIENT_FACT_KINDS
)


class Erased(NamedTuple):
    """What went: entries that were changed, rows of the feed, and rows by table."""

    entries: int
    feed_rows: int
    rows: dict[str, int]
    texts: tuple[str, ...]


def hold_everything(connection: Connection) -> None:
    """Keeps merges, commits and proposals of all branches waiting until the transaction ends, so that none of them
    brings back what is erased in it. Comes before anything else that the transaction locks."""
    connection.execute(select(branch_cursor.c.branch_id).order_by(branch_cursor.c.branch_id).with_for_update()).all()


def erase_persons(connection: Connection, client_ids: Collection[bytes], now_us: int) -> Erased:
    """Takes clients out of everything this store holds; doing it again changes nothing. The caller holds everything.

    Nothing of them is taken in from then on.
    """
    erasing = find_person(connection, client_ids)
    by_client_id = _owners(connection, erasing)
    erasing, entries = _redact_everything(connection, erasing)
    for client_id in sorted(erasing.clients):
        own = [key for key in erasing.cards if by_client_id.get(key, client_id) == client_id]
        note_erased(connection, client_id, own)
        note_applied(connection, client_id, now_us)
    _forget_names(connection, erasing)
    feed_rows = _blank_feed(connection, erasing)
    rows = delete_personal_rows(connection, erasing, OFFICE_ROWS)
    strike_texts(connection, _TEXTS, erasing.texts)
    # An answer may name them; all are computed anew when they are asked for.
    connection.execute(delete(kept_report))
    return Erased(entries, feed_rows, rows, erasing.texts)


def cards_of_person(connection: Connection, client_id: bytes) -> set[bytes]:
    """Every card of the same person: by the cards themselves, by merges that wait in parked entries, and by merges that
    branches handed back and nobody has decided. When those are applied one day, the erased card's part of them is gone,
    and with it the word that the other is the same."""
    waiting = [frozenset((card_id, into)) for (_, card_id), into in parked_merges(connection).items()]
    waiting += _proposed_merges(connection)
    found = aliases_of(connection, client_id)
    while more := {each for pair in waiting if pair & found for each in pair} - found:
        found = found.union(*(aliases_of(connection, each) for each in more))
    return found


def parked_merges(connection: Connection) -> dict[tuple[bytes, bytes], bytes]:
    """Into which card another was merged, by the last parked word of a branch: by branch and merged card."""
    branches = select(parked_entry.c.branch_id).where(parked_entry.c.resolved_at.is_(None)).distinct()
    said: dict[tuple[bytes, bytes], bytes | None] = {}
    for branch_id in sorted(connection.execute(branches).scalars()):
        for row in parked_rows(connection, branch_id):
            for kind, card_id, patches in decode_entry(open_entry(row.data)).patches:
                for patch in patches:
                    if kind == RecordKind.CLIENT and patch.field == "merged_into":
                        said[branch_id, card_id] = patch.value if isinstance(patch.value, bytes) else None
    return {key: into for key, into in said.items() if into is not None}


def _proposed_merges(connection: Connection) -> list[frozenset[bytes]]:
    """Pairs of cards that the head office had made one, and has lost that: it waits among the proposals."""
    statement = select(proposal.c.card_id, proposal.c.state).where(
        proposal.c.kind == int(RecordKind.CLIENT), proposal.c.resolved_at.is_(None)
    )
    return [
        frozenset((row.card_id, version.value))
        for row in connection.execute(statement)
        for version in decode_state(row.state).fields.get("merged_into", FieldState()).live
        if isinstance(version.value, bytes)
        and not knows_edit(connection, RecordKind.CLIENT, row.card_id, version.identity)
    ]


def _owners(connection: Connection, erasing: Erasing) -> dict[tuple[int, bytes], bytes]:
    """Whose the cards are that are erased already."""
    return erased_among(connection, [card_id for _, card_id in erasing.cards])


def _redact_everything(connection: Connection, erasing: Erasing) -> tuple[Erasing, int]:
    """Redacts entries until no card turns up any more that belongs to the clients; how many changed."""
    entries = 0
    while True:
        found: set[tuple[int, bytes]] = set()
        entries += _redact_journal(connection, erasing, found)
        entries += _redact_commits(connection, erasing, found)
        if not found - erasing.cards:
            return erasing, entries
        erasing = erasing._replace(cards=erasing.cards | found)


def _redact_journal(connection: Connection, erasing: Erasing, found: set[tuple[int, bytes]]) -> int:
    key = (journal_entry.c.branch_id, journal_entry.c.incarnation, journal_entry.c.seq)
    columns = (*key, journal_entry.c.data, journal_entry.c.status, journal_entry.c.received_at)
    changed = 0
    for row in _rows_holding(connection, columns, journal_entry.c.data, erasing.needles):
        redacted = redact_entry(row.data, erasing)
        if redacted is None:
            continue
        found |= redacted.found
        changed += 1
        matches = [column == value for column, value in zip(key, row[:3], strict=True)]
        connection.execute(update(journal_entry).where(*matches).values(data=redacted.data))
        if _is_counted(connection, row):
            _count_anew(connection, row.branch_id, row.data, redacted.data)
            _rewrite(connection, row.branch_id, redacted, row.received_at)
    return changed


def _redact_commits(connection: Connection, erasing: Erasing, found: set[tuple[int, bytes]]) -> int:
    """Of commands that no journal has brought yet."""
    key = (central_commit.c.branch_id, central_commit.c.command_id)
    columns = (*key, central_commit.c.data, central_commit.c.decided_at)
    changed = 0
    for row in _rows_holding(connection, columns, central_commit.c.data, erasing.needles):
        redacted = redact_entry(row.data, erasing)
        if redacted is not None:
            found |= redacted.found
            changed += 1
            matches = [column == value for column, value in zip(key, row[:2], strict=True)]
            connection.execute(update(central_commit).where(*matches).values(data=redacted.data))
            _rewrite(connection, row.branch_id, redacted, row.decided_at)
    return changed


def _rows_holding(connection: Connection, columns: Sequence[Any], data: Any, needles: Sequence[bytes]) -> Iterable[Any]:
    """The rows whose bytes hold one of the needles, each once. The database looks through all of them."""
    found: dict[Any, Any] = {}
    for start in range(0, len(needles), NEEDLES_PER_QUERY_MAX):
        statement = select(*columns).where(holds_any(data, needles[start : start + NEEDLES_PER_QUERY_MAX]))
        for row in connection.execute(statement):
            found[tuple(row[:3])] = row
    return found.values()


def _is_counted(connection: Connection, row: Any) -> bool:
    """Whether the facts of an entry are in the counters and rows: it is applied, or only its edits wait."""
    if row.status == PARKED:
        return (row.incarnation, row.seq) in parked_without_facts(connection, row.branch_id)
    return bool(row.status == APPLIED)


def _count_anew(connection: Connection, branch_id: bytes, before: bytes, after: bytes) -> None:
    """An erased record counts nowhere, and what stands in for one counts as what it is."""
    old, new = ({(f.kind, f.record_id): f for f in _figures(data)} for data in (before, after))
    for key, figure in old.items():
        now = new.get(key)
        if now is None:
            _count(connection, branch_id, figure, -1)
        elif now.payload != figure.payload:
            _count(connection, branch_id, figure, -1)
            _count(connection, branch_id, now, 1)


def _figures(data: bytes) -> list[FactFigure]:
    return decode_entry(open_entry(data)).figures


def _count(connection: Connection, branch_id: bytes, figure: FactFigure, sign: int) -> None:
    mark = fingerprint(figure.kind, figure.record_id, figure.payload)
    connection.execute(
        update(record_counter)
        .where(
            record_counter.c.branch_id == branch_id,
            record_counter.c.kind == figure.kind,
            record_counter.c.business_date == figure.business_date,
        )
        .values(
            records=record_counter.c.records + sign,
            fingerprint=record_counter.c.fingerprint + sign * mark,
            amount_minor=record_counter.c.amount_minor + sign * figure.amount_minor,
        )
    )


def _rewrite(connection: Connection, branch_id: bytes, redacted: Redacted, received_at_us: int) -> None:
    """The rows of facts that lost words say what their entry says now."""
    stand_ins = {record_id for _, record_id in redacted.stand_ins}
    if not stand_ins:
        return
    entry = decode_entry(open_entry(redacted.data))
    rows = rows_of(branch_id, entry, received_at_us)
    for key in sorted(keys_of(entry)):
        if key[1] in stand_ins:
            rewrite_record(connection, branch_id, key, rows)


def _forget_names(connection: Connection, erasing: Erasing) -> None:
    """Sales say who named a client; a name that is a phone goes."""
    statement = select(client.c.external_id).where(client.c.id.in_(sorted(erasing.clients)))
    names = {name for name in connection.execute(statement).scalars() if name}
    names |= {text for text in erasing.texts if is_like_a_contact(text)}
    if names:
        connection.execute(delete(client_reference).where(client_reference.c.external_id.in_(sorted(names))))


def _blank_feed(connection: Connection, erasing: Erasing) -> int:
    """Empties the rows of the feed that tell of the clients; positions and running hashes stay. What is not numbered
    yet goes. Whoever was told of a card that belonged to them is told to forget it: it may have an edit alone, which
    does not say whose the card is."""
    connection.execute(select(feed_head.c.position).with_for_update()).all()
    connection.execute(select(feed_compaction.c.position).with_for_update()).all()
    rows = []
    for key, table in ((feed_outbox.c.id, feed_outbox), (feed.c.position, feed)):
        told = _told_of(connection, key, table, erasing)
        for start in range(0, len(told), ROWS_PER_UPDATE):
            chunk = [row[0] for row in told[start : start + ROWS_PER_UPDATE]]
            if table is feed_outbox:
                connection.execute(delete(feed_outbox).where(key.in_(chunk)))
            else:
                connection.execute(update(feed).where(key.in_(chunk)).values(audience=FOLDED, data=b""))
        rows += told
    keys = sorted({(row.record_id, row.kind) for row in rows})
    for start in range(0, len(keys), ROWS_PER_UPDATE):
        among = tuple_(feed_latest.c.record_id, feed_latest.c.kind).in_(keys[start : start + ROWS_PER_UPDATE])
        connection.execute(delete(feed_latest).where(among))
    forgotten = sorted({(row.audience, row.kind, row.record_id) for row in rows if row.kind in CLIENT_KINDS})
    publish(connection, [Publication(audience, CardForgotten(kind, card_id)) for audience, kind, card_id in forgotten])
    return len(rows)


def _told_of(connection: Connection, key: Any, table: Any, erasing: Erasing) -> list[Any]:
    """Rows of the feed or its outbox that tell of the clients."""
    own = {(int(RecordKind.CLIENT), client_id) for client_id in erasing.clients} | erasing.cards
    columns = (key, table.c.audience, table.c.kind, table.c.record_id, table.c.data)
    found: dict[int, Any] = {}
    for start in range(0, len(erasing.ids), NEEDLES_PER_QUERY_MAX):
        ids = erasing.ids[start : start + NEEDLES_PER_QUERY_MAX]
        statement = select(*columns).where(table.c.kind.in_(_FEED_KINDS), holds_any(table.c.data, ids))
        for row in connection.execute(statement):
            if (row.kind, row.record_id) in own or clients_of_feed_record(row.data) & erasing.clients:
                found[row[0]] = row
    return list(found.values())


def tell_again(connection: Connection, branch_id: bytes, client_ids: Collection[bytes]) -> int:
    """Tells a branch of orders that it has not carried out, or has forgotten."""
    keys = [(int(RecordKind.ERASURE), client_id) for client_id in sorted(client_ids)]
    states = load_states(connection, keys)
    audience = audience_of_branch(branch_id)
    return publish(connection, [Publication(audience, CardFull(*key, states[key])) for key in keys if key in states])
