"""The two halves of sending a letter: what is committed before the mail server is spoken to, and what it answered.

Between the two no transaction is open, and the process may die at any point: a letter that is found *sending* by who
alone may send has lost its sender, and nobody knows whether it went out. It becomes *uncertain*, and is never sent
again unless a person says so.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from sqlalchemy import Connection, bindparam, func, or_, select

from hq_server.operations.editing import HqEdit
from hq_server.storage.client_circle import hold_clients
from hq_server.storage.mail_tables import mail_attempt, mail_restore
from shared.clock import Ids
from shared.domain.cards import Value
from shared.domain.mail import (
    SETTLING_US,
    Detail,
    MailDirection,
    MailState,
    Refusal,
    detail_of,
    domain_of,
    message_id,
    pause_after,
    refusal_of,
    require_transition,
)
from shared.domain.mail_text import Envelope, compose
from shared.domain.records import RecordKind
from shared.errors import InvalidInput
from shared.operations.letters import Letter, find_letter, may_override, standing_of
from shared.storage.card_rows import lock_cards, upsert
from shared.storage.tables import mail

SENT_PER_PASS_MAX: Final = 50
REFERENCES_SENT_MAX: Final = 5

_READY = [
    select(mail.c.id)
    .outerjoin(mail_attempt, mail_attempt.c.letter_id == mail.c.id)
    .where(
        state,
        mail.c.direction == MailDirection.OUT.value,
        or_(mail.c.received_at <= bindparam("settled"), mail.c.archived),
        or_(mail_attempt.c.next_attempt_at.is_(None), mail_attempt.c.next_attempt_at <= bindparam("now")),
    )
    .order_by(mail.c.created_at, mail.c.id)
    .limit(bindparam("at_most"))
    for state in (mail.c.state.is_(None), mail.c.state == MailState.WAITING.value)
]
_LOST = select(mail.c.id).where(mail.c.state == MailState.SENDING.value).order_by(mail.c.created_at)
_ATTEMPTS = select(mail_attempt.c.attempts).where(mail_attempt.c.letter_id == bindparam("letter"))


class Answer(StrEnum):
    """What a mail server said of a letter; `NONE`: it may have taken it or not."""

    TAKEN = "taken"
    PUT_OFF = "put_off"
    REJECTED = "rejected"
    NONE = "none"


class Outcome(NamedTuple):
    """What became of a letter that was handed to a mail server, and the server's words."""

    answer: Answer
    words: str = ""


class Sender(NamedTuple):
    """From whom letters come."""

    address: str
    name: str
    zone: str


class Prepared(NamedTuple):
    """A letter that is *sending* from now on: for whom, and its bytes."""

    letter_id: bytes
    recipient: str
    data: bytes


def find_ready(connection: Connection, now_us: int, limit: int = SENT_PER_PASS_MAX) -> list[bytes]:
    """Letters whose turn it is, the oldest first; those that were taken back among them."""
    among = {"settled": now_us - SETTLING_US, "now": now_us, "at_most": limit}
    found = [row[0] for statement in _READY for row in connection.execute(statement, among)]
    return found[:limit]


def doubt_lost(connection: Connection, ids: Ids, now_us: int) -> int:
    """Whoever was sending these is gone: nobody knows what became of them. Returns how many.

    The caller alone may send.
    """
    lost = list(connection.execute(_LOST).scalars())
    for letter_id in lost:
        conclude(connection, ids, now_us, letter_id, Outcome(Answer.NONE), Detail.SENDER_DIED)
    return len(lost)


def begin_sending(
    connection: Connection, ids: Ids, now_us: int, letter_id: bytes, sender: Sender
) -> Prepared | MailState | None:
    """Decides about a letter with what is known now, and says so on its card.

    Prepared when it is to be sent at once; else the state that it has instead; None when it waits no more.
    """
    edit = HqEdit(connection, ids, now_us)
    letter = locked_letter(connection, letter_id)
    if letter is None or not (letter.state is MailState.WAITING or letter.is_being_taken_back):
        return None
    if letter.is_being_taken_back:
        return decide(edit, letter, MailState.TAKEN_BACK)
    if _may_be_sent_already(connection, letter):
        return decide(edit, letter, MailState.UNCERTAIN, detail_of(Detail.RESTORED))
    refusal = _refusal(connection, letter, now_us, sender.zone)
    if refusal is not None:
        return decide(edit, letter, MailState.REFUSED, detail_of(refusal))
    known_as = letter.message_id or message_id(letter_id, domain_of(sender.address))
    try:
        data = compose(_envelope(connection, letter, known_as, sender, now_us))
    except InvalidInput as error:
        return decide(edit, letter, MailState.FAILED, detail_of(Detail.REJECTED, error.message))
    decide(edit, letter, MailState.SENDING, None, known_as)
    _count_attempt(connection, letter_id, now_us)
    return Prepared(letter_id, letter.address, data)


def conclude(
    connection: Connection,
    ids: Ids,
    now_us: int,
    letter_id: bytes,
    outcome: Outcome,
    unsure: Detail = Detail.NO_ANSWER,
) -> MailState | None:
    """Writes down what became of a letter; returns its state, None when somebody has decided otherwise meanwhile."""
    edit = HqEdit(connection, ids, now_us)
    letter = locked_letter(connection, letter_id)
    if letter is None or letter.state not in (MailState.SENDING, MailState.UNCERTAIN):
        return None
    match outcome.answer:
        case Answer.TAKEN:
            return decide(edit, letter, MailState.SENT)
        case Answer.REJECTED:
            return decide(edit, letter, MailState.FAILED, detail_of(Detail.REJECTED, outcome.words))
        case Answer.NONE:
            if letter.state is MailState.UNCERTAIN:
                return letter.state
            return decide(edit, letter, MailState.UNCERTAIN, detail_of(unsure, outcome.words))
        case Answer.PUT_OFF:
            return _put_off(edit, letter, outcome.words)


def decide(
    edit: HqEdit, letter: Letter, state: MailState, detail: str | None = None, known_as: str | None = None
) -> MailState:
    """Says on a letter's card what became of it. Raises Refused when it cannot go there from where it is."""
    changes: dict[str, Value] = {"state": state.value, "detail": detail, "decided_at": edit.now_us}
    if known_as is not None:
        changes["message_id"] = known_as
    require_transition(MailState.WAITING if letter.is_being_taken_back else letter.state, state)
    prepared = edit.prepare(RecordKind.MAIL, letter.letter_id, changes)
    if prepared is not None:
        edit.apply([prepared])
    return state


def locked_letter(connection: Connection, letter_id: bytes) -> Letter | None:
    """The letter as it is while nobody else may change it; its client is held first, as everywhere."""
    letter = find_letter(connection, letter_id)
    if letter is None:
        return None
    if letter.client_id is not None:
        hold_clients(connection, (), {letter.client_id})
    lock_cards(connection, [(int(RecordKind.MAIL), letter_id)])
    return find_letter(connection, letter_id)


def note_restore(connection: Connection, now_us: int) -> None:
    """What waits in this store may have been sent by the one that it takes the place of."""
    connection.execute(mail_restore.delete())
    connection.execute(mail_restore.insert().values(restored_at=now_us))


def forget_attempts(connection: Connection, letter_id: bytes) -> None:
    """A letter begins anew."""
    connection.execute(mail_attempt.delete().where(mail_attempt.c.letter_id == letter_id))


def _put_off(edit: HqEdit, letter: Letter, words: str) -> MailState:
    connection, among = edit.connection, {"letter": letter.letter_id}
    attempts = connection.execute(_ATTEMPTS, among).scalar_one_or_none() or 1
    pause_us = pause_after(attempts)
    if pause_us is None:
        return decide(edit, letter, MailState.FAILED, detail_of(Detail.GAVE_UP, words))
    row = {"letter_id": letter.letter_id, "attempts": attempts, "next_attempt_at": edit.now_us + pause_us}
    connection.execute(upsert(mail_attempt, connection), row)
    return decide(edit, letter, MailState.WAITING, detail_of(Detail.PUT_OFF, words))


def _count_attempt(connection: Connection, letter_id: bytes, now_us: int) -> None:
    attempts = connection.execute(_ATTEMPTS, {"letter": letter_id}).scalar_one_or_none() or 0
    row = {"letter_id": letter_id, "attempts": attempts + 1, "next_attempt_at": now_us}
    connection.execute(upsert(mail_attempt, connection), row)


def _refusal(connection: Connection, letter: Letter, now_us: int, zone: str) -> Refusal | None:
    if letter.client_id is None:
        return Refusal.NO_CLIENT
    allowed = may_override(connection, letter.created_by, letter.override_reason, now_us, zone)
    return refusal_of(letter.purpose, letter.address, standing_of(connection, letter.client_id, now_us), allowed)


def _may_be_sent_already(connection: Connection, letter: Letter) -> bool:
    """Whether the store was restored after the letter was written, and nobody has looked at it since."""
    restored_at = connection.execute(select(func.max(mail_restore.c.restored_at))).scalar_one_or_none()
    return restored_at is not None and max(letter.created_at_us, letter.decided_at_us or 0) <= restored_at


def _envelope(connection: Connection, letter: Letter, known_as: str, sender: Sender, now_us: int) -> Envelope:
    standing = None if letter.client_id is None else standing_of(connection, letter.client_id, now_us)
    answered = None if letter.in_reply_to is None else find_letter(connection, letter.in_reply_to)
    return Envelope(
        known_as,
        sender.address,
        sender.name,
        letter.address,
        "" if standing is None else standing.name,
        letter.subject,
        letter.body,
        letter.created_at_us,
        (answered.message_id,) if answered is not None and answered.message_id else (),
    )
