"""Which rows are of a client, table by table: a new table with a person's data is one line in a list of `PersonalRows`.

Contains no journals and no feed: those know their entries themselves.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, and_, func, or_, select, update

from shared.domain.erasing import Erasing, strike
from shared.domain.records import RecordKind
from shared.storage.card_rows import insert_missing, upsert
from shared.storage.client_index import clients_changed
from shared.storage.client_keys import keep_keys
from shared.storage.dialect_functions import holds_any
from shared.storage.file_rows import forget_files_of
from shared.storage.tables import (
    attachment,
    card,
    card_edit,
    client,
    client_transfer,
    conflict,
    erased_card,
    erasure_work,
    interaction,
    interaction_point,
    mail,
    neighbour_fact,
    task,
)

IDS_PER_QUERY_MAX = 400

MERGED_AT_HQ: Final = 0
MERGED_HERE: Final = -1
"""In the place of a kind, with the ids of erased cards: the edit by which the card was merged into another."""


class PersonalRows(NamedTuple):
    """The rows of a table that are of a client: `of` says which, for some clients and some of the cards."""

    table: Table
    of: Callable[[Erasing], ColumnElement[bool]]


def by_client(table: Table, column: Any) -> PersonalRows:
    """Rows that hold the client's id in a column."""
    return PersonalRows(table, lambda erasing: column.in_(sorted(erasing.clients)))


def by_card(table: Table, kind: Any, card_id: Any) -> PersonalRows:
    """Rows that hold the kind and id of the client's card, or of one that belongs to the client."""

    def of(erasing: Erasing) -> ColumnElement[bool]:
        keys = {*erasing.cards, *((int(RecordKind.CLIENT), client_id) for client_id in erasing.clients)}
        kinds = {each for each, _ in keys}
        return or_(
            *(and_(kind == each, card_id.in_(sorted(i for k, i in keys if k == each))) for each in sorted(kinds))
        )

    return PersonalRows(table, of)


def by_belonging(table: Table, kind: RecordKind, card_id: Any) -> PersonalRows:
    """Rows that hold the id of a card of that kind which belongs to the client, as the chunks of a file do."""
    return PersonalRows(table, lambda erasing: card_id.in_(sorted(i for k, i in erasing.cards if k == kind)))


def by_parent(table: Table, column: Any, parent: Table) -> PersonalRows:
    """Rows that hold the id of a row of another table which has the client's id."""
    return PersonalRows(
        table, lambda erasing: column.in_(select(parent.c.id).where(parent.c.client_id.in_(sorted(erasing.clients))))
    )


PERSONAL_ROWS: tuple[PersonalRows, ...] = (
    # Parts before what they belong to.
    by_parent(interaction_point, interaction_point.c.interaction_id, interaction),
    by_client(interaction, interaction.c.client_id),
    by_client(client_transfer, client_transfer.c.client_id),
    by_client(neighbour_fact, neighbour_fact.c.client_id),
    by_card(card_edit, card_edit.c.kind, card_edit.c.card_id),
    by_card(conflict, conflict.c.kind, conflict.c.card_id),
    by_card(card, card.c.kind, card.c.id),
    by_client(task, task.c.client_id),
    by_belonging(task, RecordKind.TASK, task.c.id),
    by_client(attachment, attachment.c.client_id),
    by_belonging(attachment, RecordKind.ATTACHMENT, attachment.c.id),
    by_client(mail, mail.c.client_id),
    by_belonging(mail, RecordKind.MAIL, mail.c.id),
    by_client(client, client.c.id),
)
"""What both a branch and the head office hold of a client."""

_BELONGING = ((RecordKind.TASK, task), (RecordKind.ATTACHMENT, attachment), (RecordKind.MAIL, mail))


def cards_of_clients(connection: Connection, client_ids: Iterable[bytes]) -> set[tuple[int, bytes]]:
    """The cards that belong to these clients, and those that did when the clients were erased."""
    ids = sorted(client_ids)
    found = {
        (int(kind), card_id)
        for kind, table in _BELONGING
        for card_id in connection.execute(select(table.c.id).where(table.c.client_id.in_(ids))).scalars()
    }
    known = select(erased_card.c.kind, erased_card.c.id).where(
        erased_card.c.client_id.in_(ids), erased_card.c.kind.not_in((int(RecordKind.CLIENT), MERGED_AT_HQ, MERGED_HERE))
    )
    return found | {(kind, card_id) for kind, card_id in connection.execute(known)}


def aliases_of(connection: Connection, client_id: bytes) -> set[bytes]:
    """Every card of the same person that is here: what was merged into the client's and what that was merged into, in
    however many steps, and the client's own. Of merges that contradict each other, both count: the one card took from
    the other, and nobody has said yet which was wrong."""
    found, asked, reached = {client_id}, {client_id}, {client_id}
    disputed = disputed_merges(connection)
    while asked:
        ids = sorted(asked)
        # Two questions: of an OR, SQLite looks at every card when hardly any is merged.
        rows = [
            *connection.execute(select(client.c.id, client.c.merged_into).where(client.c.id.in_(ids))),
            *connection.execute(select(client.c.id, client.c.merged_into).where(client.c.merged_into.in_(ids))),
        ]
        found |= {row.id for row in rows}
        beside = {each for pair in disputed if pair & asked for each in pair}
        asked = ({each for row in rows for each in row if each is not None} | beside) - reached
        reached |= asked
    return found


def disputed_merges(connection: Connection) -> list[frozenset[bytes]]:
    """Pairs of cards of which an unsettled conflict says that they are one."""
    statement = select(conflict.c.card_id, conflict.c.older_value, conflict.c.newer_value).where(
        conflict.c.kind == int(RecordKind.CLIENT), conflict.c.field == "merged_into", conflict.c.closed_at.is_(None)
    )
    return [
        frozenset((row.card_id, bytes.fromhex(value["id"])))
        for row in connection.execute(statement)
        for value in map(json.loads, (row.older_value, row.newer_value))
        if isinstance(value, dict)
    ]


def delete_personal_rows(connection: Connection, erasing: Erasing, listed: Sequence[PersonalRows]) -> dict[str, int]:
    """Deletes what is of the clients, with the chunks of their files and what they are found by; returns how many rows
    of each table."""
    deleted: dict[str, int] = {}
    for client_id in sorted(erasing.clients):
        forget_files_of(connection, client_id)
    cards = sorted(erasing.cards)
    for start in range(0, max(len(cards), 1), IDS_PER_QUERY_MAX):
        part = erasing._replace(cards=frozenset(cards[start : start + IDS_PER_QUERY_MAX]))
        for table, of in listed:
            gone = connection.execute(table.delete().where(of(part))).rowcount
            deleted[table.name] = deleted.get(table.name, 0) + gone
    keep_keys(connection, {client_id: {} for client_id in erasing.clients})
    clients_changed(connection, sorted(erasing.clients))
    return {name: count for name, count in deleted.items() if count}


def count_personal_rows(connection: Connection, erasing: Erasing, listed: Sequence[PersonalRows]) -> dict[str, int]:
    """How many rows of each table are of the clients. For as many cards as one query takes."""
    counted: dict[str, int] = {}
    for table, of in listed:
        statement = select(func.count()).select_from(table).where(of(erasing))
        counted[table.name] = counted.get(table.name, 0) + int(connection.execute(statement).scalar_one())
    return counted


def strike_texts(connection: Connection, columns: Sequence[Any], texts: Sequence[str]) -> int:
    """Takes words out of text columns, row by row; returns how many values changed. A value of JSON stays JSON."""
    changed = 0
    for column in columns if texts else ():
        table = column.table
        keys = list(table.primary_key)
        rows = connection.execute(select(*keys, column).where(holds_any(column, texts))).all()
        for *key, text in rows:
            left: str | None = strike(text, texts)
            if not left and column.nullable:
                left = None
            matches = [each == value for each, value in zip(keys, key, strict=True)]
            connection.execute(update(table).where(*matches).values({column.name: left}))
        changed += len(rows)
    return changed


def note_erased(connection: Connection, client_id: bytes, cards: Iterable[tuple[int, bytes]]) -> None:
    """From now on nothing of these cards is taken in."""
    keys = {(int(RecordKind.CLIENT), client_id), *cards}
    rows = [{"id": card_id, "kind": kind, "client_id": client_id} for kind, card_id in sorted(keys)]
    connection.execute(insert_missing(erased_card, connection), rows)


def note_merging_edits(connection: Connection, where: int, edits: Mapping[bytes, bytes]) -> None:
    """Remembers edits, MERGED_AT_HQ or MERGED_HERE, by which cards were merged that are erased, with whose card each
    was: the head office may lose them, and with the card goes the word that another is the same person's."""
    rows = [{"id": edit_id, "kind": where, "client_id": edits[edit_id]} for edit_id in sorted(edits)]
    if rows:
        connection.execute(insert_missing(erased_card, connection), rows)


def merging_edits(connection: Connection, where: int) -> dict[bytes, bytes]:
    """The edits that are remembered, with whose erased card each was."""
    statement = select(erased_card.c.id, erased_card.c.client_id).where(erased_card.c.kind == where)
    return {row.id: row.client_id for row in connection.execute(statement)}


def note_applied(connection: Connection, client_id: bytes, now_us: int) -> None:
    """The order is carried out here, but for traces in the files."""
    row = {"client_id": client_id, "applied_at": now_us, "scoured_at": None}
    connection.execute(upsert(erasure_work, connection), row)


def note_scoured(connection: Connection, now_us: int) -> None:
    """The files hold no traces any more of what was erased so far."""
    connection.execute(update(erasure_work).where(erasure_work.c.scoured_at.is_(None)).values(scoured_at=now_us))


def unapplied(connection: Connection, client_ids: Sequence[bytes]) -> list[bytes]:
    """Those of the clients who are not erased here yet."""
    if not client_ids:
        return []
    done = set(connection.execute(select(erasure_work.c.client_id)).scalars())
    return [client_id for client_id in client_ids if client_id not in done]


def is_scouring_due(connection: Connection) -> bool:
    """Whether the files may hold traces of what was erased."""
    statement = select(erasure_work.c.client_id).where(erasure_work.c.scoured_at.is_(None)).limit(1)
    return connection.execute(statement).first() is not None


def erased_among(connection: Connection, ids: Iterable[bytes]) -> dict[tuple[int, bytes], bytes]:
    """Of these ids those that are erased, by kind and id: whose they were."""
    ordered = sorted(set(ids))
    found: dict[tuple[int, bytes], bytes] = {}
    if not ordered or connection.execute(select(erased_card.c.id).limit(1)).first() is None:
        return found
    for start in range(0, len(ordered), IDS_PER_QUERY_MAX):
        statement = select(erased_card).where(erased_card.c.id.in_(ordered[start : start + IDS_PER_QUERY_MAX]))
        found.update({(row.kind, row.id): row.client_id for row in connection.execute(statement)})
    return found
