"""Taking in a letter that lies in the mailbox: to the client whom it is from, or to those of nobody known. Once."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, select

from hq_server.operations.editing import HqEdit
from hq_server.storage.mail_tables import mail_position, unmatched_letter
from shared.clock import Ids
from shared.domain.cards import Value
from shared.domain.client_matching import CodeForm
from shared.domain.identifiers import NIL_ID, derived_id
from shared.domain.mail import AUTOMATIC, Detail, MailDirection, MailState, answered_ids, detail_of
from shared.domain.mail_text import ReceivedLetter, parse_letter
from shared.domain.records import RecordKind
from shared.domain.text_folding import fold
from shared.operations.letters import MERGES_FOLLOWED_MAX, find_letter
from shared.storage.card_rows import upsert
from shared.storage.client_index_tables import client_code, client_unindexed
from shared.storage.tables import client, mail

OPEN, ASSIGNED, DISMISSED = "open", "assigned", "dismissed"

_ANSWERED = select(mail.c.id, mail.c.client_id, mail.c.message_id).where(
    mail.c.message_id.in_(bindparam("ids", expanding=True)), mail.c.direction == MailDirection.OUT.value
)
_POSITION = select(mail_position.c.uid_validity, mail_position.c.last_uid).where(
    mail_position.c.account == bindparam("account")
)
_CARD = select(client.c.id, client.c.emails, client.c.archived, client.c.merged_into)
# By the index of the search; cards that are only noted to be indexed are looked at beside it.
_WITH_ADDRESS = (
    _CARD.join(client_code, client_code.c.client_id == client.c.id).where(
        client_code.c.form == int(CodeForm.EMAIL), client_code.c.code == bindparam("code")
    ),
    _CARD.where(client.c.id.in_(select(client_unindexed.c.client_id)), client.c.emails.is_not(None)),
)
_UNMATCHED = select(unmatched_letter.c.id).where(unmatched_letter.c.id == bindparam("letter"))


class Taken(StrEnum):
    """What became of a letter in the mailbox."""

    MATCHED = "matched"
    UNMATCHED = "unmatched"
    KNOWN = "known"
    OWN = "own"


class Position(NamedTuple):
    """How far a mailbox is read: the last UID, among UIDs of one validity."""

    uid_validity: int
    last_uid: int


class Whose(NamedTuple):
    """Whose a letter is, and which letter it answers, if any."""

    client_id: bytes
    answers: bytes | None


def read_position(connection: Connection, account: str) -> Position | None:
    """How far an account's mailbox is read; None before the first time."""
    row = connection.execute(_POSITION, {"account": account}).one_or_none()
    return None if row is None else Position(row.uid_validity, row.last_uid)


def save_position(connection: Connection, account: str, position: Position, now_us: int) -> None:
    """The mailbox is read so far."""
    row = {
        "account": account,
        "uid_validity": position.uid_validity,
        "last_uid": position.last_uid,
        "read_at": now_us,
    }
    connection.execute(upsert(mail_position, connection), row)


def take_in(connection: Connection, ids: Ids, now_us: int, chain_id: bytes, data: bytes, own_address: str) -> Taken:
    """Takes a letter in, once however often it comes; our own are left where they are."""
    letter = parse_letter(data)
    if letter.address and letter.address == own_address:
        return Taken.OWN
    letter_id = _id_of(chain_id, letter, data)
    if _is_known(connection, letter_id):
        return Taken.KNOWN
    whose = find_whose(connection, letter)
    if whose is None:
        connection.execute(unmatched_letter.insert().values(**_unmatched_row(letter_id, letter, now_us)))
        return Taken.UNMATCHED
    make_card(connection, ids, now_us, letter_id, whose, _fields_of(letter, now_us))
    return Taken.MATCHED


def find_whose(connection: Connection, letter: ReceivedLetter) -> Whose | None:
    """Whose a letter is: his whose letter it answers, else the one client who has the sender's address."""
    wanted = answered_ids(letter.in_reply_to, letter.references)
    if wanted:
        found = {row.message_id: row for row in connection.execute(_ANSWERED, {"ids": list(wanted)})}
        for each in wanted:
            row = found.get(each)
            if row is not None and row.client_id is not None:
                return Whose(_survivor(connection, row.client_id), row.id)
    owners = clients_with(connection, letter.address) if letter.address else []
    return Whose(owners[0], None) if len(owners) == 1 else None


def clients_with(connection: Connection, address: str) -> list[bytes]:
    """Clients that have an address, without archived ones; of merged ones, who they turned out to be."""
    rows = [row for statement in _WITH_ADDRESS for row in connection.execute(statement, {"code": fold(address)})]
    having = [row for row in rows if address in (row.emails or "").split("\n")]
    alive = {_survivor(connection, row.id) for row in having if not row.archived or row.merged_into is not None}
    return sorted(alive)


def make_card(
    connection: Connection,
    ids: Ids,
    now_us: int,
    letter_id: bytes,
    whose: Whose,
    fields: dict[str, Value],
    author: bytes = NIL_ID,
) -> None:
    """A letter of a client's: the branches that know him are told."""
    edit = HqEdit(connection, ids, now_us, author)
    own: dict[str, Value] = {"client_id": whose.client_id, "in_reply_to": whose.answers}
    prepared = edit.prepare(RecordKind.MAIL, letter_id, {**fields, **own})
    if prepared is not None:
        edit.apply([prepared])


def fields_of_unmatched(row: Any) -> dict[str, Value]:
    """What the card of an unmatched letter says, without whose it is."""
    return _fields(row.message_id, row.address, row.subject, row.body, row.files, row.is_automatic, row.received_at)


def _fields_of(letter: ReceivedLetter, now_us: int) -> dict[str, Value]:
    files = "\n".join(letter.attachments)
    return _fields(letter.message_id, letter.address, letter.subject, letter.body, files, letter.is_automatic, now_us)


def _fields(
    message_id: str, address: str, subject: str, body: str, files: str, is_automatic: bool, received_at_us: int
) -> dict[str, Value]:
    return {
        "direction": MailDirection.IN.value,
        "purpose": AUTOMATIC if is_automatic else None,
        "address": address or None,
        "subject": subject or None,
        "body": body or None,
        "created_at": received_at_us,
        "state": MailState.RECEIVED.value,
        "detail": detail_of(Detail.FILES, ", ".join(files.split("\n"))) if files else None,
        "decided_at": received_at_us,
        "message_id": message_id or None,
    }


def _unmatched_row(letter_id: bytes, letter: ReceivedLetter, now_us: int) -> dict[str, Any]:
    return {
        "id": letter_id,
        "received_at": now_us,
        "message_id": letter.message_id,
        "address": letter.address,
        "name": letter.name,
        "subject": letter.subject,
        "body": letter.body,
        "files": "\n".join(letter.attachments),
        "is_automatic": letter.is_automatic,
        "state": OPEN,
    }


def _id_of(chain_id: bytes, letter: ReceivedLetter, data: bytes) -> bytes:
    """The same letter has the same id wherever in the mailbox it lies, and after its UIDs became others."""
    if letter.message_id:
        return derived_id("received letter", chain_id, letter.message_id.encode(), letter.address.encode())
    return derived_id("received letter", chain_id, hashlib.sha256(data).digest())


def _is_known(connection: Connection, letter_id: bytes) -> bool:
    if find_letter(connection, letter_id) is not None:
        return True
    return connection.execute(_UNMATCHED, {"letter": letter_id}).first() is not None


def _survivor(connection: Connection, client_id: bytes) -> bytes:
    for _ in range(MERGES_FOLLOWED_MAX):
        other = connection.execute(select(client.c.merged_into).where(client.c.id == client_id)).scalar_one_or_none()
        if other is None:
            break
        client_id = bytes(other)
    return client_id
