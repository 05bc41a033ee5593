"""Letters and what decides whether one may be written, read from the store. Alike at a branch and at HQ."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, literal, select

from shared.domain.identifiers import NIL_ID
from shared.domain.interactions import Channel, Direction
from shared.domain.mail import AUTOMATIC, RUNNING_REQUEST_US, ClientStanding, MailDirection, MailState, state_of
from shared.domain.permissions import Permission
from shared.operations.aliases import cards_of_client
from shared.operations.people import actor_on, day_in_zone, find_employee
from shared.storage.cursor_reading import Reader
from shared.storage.standing_interactions import stands
from shared.storage.tables import client, employee, interaction, mail

MERGES_FOLLOWED_MAX = 10
"""A client that turned out to be another, who turned out to be another: nobody is merged more often."""

_CLIENT = select(client).where(client.c.id == bindparam("client"))
_LETTERS = (
    select(mail)
    .where(mail.c.client_id.in_(bindparam("clients", expanding=True)))
    .order_by(mail.c.created_at.desc(), mail.c.id.desc())
    .limit(bindparam("at_most"))
)
_ONE = select(mail).where(mail.c.id == bindparam("letter"))
_NAMES = select(employee.c.id, employee.c.name, employee.c.code).where(
    employee.c.id.in_(bindparam("people", expanding=True))
)
_REQUESTS = (
    select(literal(1))
    .where(
        mail.c.client_id == bindparam("client"),
        mail.c.created_at >= bindparam("since"),
        mail.c.created_at <= bindparam("now"),
        mail.c.direction == MailDirection.IN.value,
        # What a program wrote, such as that somebody is away, asks for nothing.
        (mail.c.purpose.is_(None)) | (mail.c.purpose != AUTOMATIC),
    )
    .limit(1),
    select(literal(1))
    .where(
        interaction.c.client_id == bindparam("client"),
        interaction.c.at >= bindparam("since"),
        interaction.c.at <= bindparam("now"),
        (interaction.c.direction == Direction.IN.value) | (interaction.c.channel == Channel.SERVICE_REQUEST.value),
        stands(),
    )
    .limit(1),
)
"""What a client began himself: letters from him, calls and visits of his, requests for service."""


class Letter(NamedTuple):
    """A letter of a client. `detail` says more about the state: a `Refusal`, a server's words, names of files."""

    letter_id: bytes
    client_id: bytes | None
    direction: MailDirection
    purpose: str
    address: str
    subject: str
    body: str
    created_at_us: int
    created_by: bytes | None
    in_reply_to: bytes | None
    override_reason: str | None
    state: MailState
    detail: str
    decided_at_us: int | None
    message_id: str | None
    # Taken back here; the head office has not said yet that it was not sent.
    is_being_taken_back: bool


def standing_of(reader: Reader, client_id: bytes, now_us: int) -> ClientStanding | None:
    """What is known here of a client; None when there is no such card.

    A card that turned out to be another client's is followed: consent is the other's, while an address or a wish to be
    left alone counts on either.
    """
    emails: set[str] = set()
    do_not_contact = has_request = False
    row = None
    for _ in range(MERGES_FOLLOWED_MAX):
        row = reader.execute(_CLIENT, {"client": client_id}).one_or_none()
        if row is None:
            return None
        emails |= set((row.emails or "").split("\n")) - {""}
        do_not_contact |= bool(row.do_not_contact)
        has_request = has_request or _has_running_request(reader, client_id, now_us)
        if row.merged_into is None:
            break
        client_id = row.merged_into
    if row is None or row.merged_into is not None:
        return None
    return ClientStanding(
        row.name or "",
        frozenset(emails),
        bool(row.archived),
        do_not_contact,
        bool(row.consent_data),
        bool(row.consent_advertising),
        has_request,
        row.language,
    )


def _has_running_request(reader: Reader, client_id: bytes, now_us: int) -> bool:
    among = {"client": client_id, "since": now_us - RUNNING_REQUEST_US, "now": now_us}
    return any(reader.execute(statement, among).first() is not None for statement in _REQUESTS)


def may_override(reader: Reader, employee_id: bytes | None, reason: str | None, now_us: int, zone: str) -> bool:
    """Whether a reason to write to a client who wants no contact comes from somebody who may give one today."""
    if not reason:
        return False
    if employee_id is None or employee_id == NIL_ID:
        return True  # the branch's own command line
    person = find_employee(reader, employee_id)
    actor = None if person is None else actor_on(reader, person, day_in_zone(now_us, zone), None)
    return actor is not None and actor.may(Permission.CONTACT_OVERRIDE)


def letters_of(reader: Reader, client_id: bytes, limit: int) -> list[Letter]:
    """A client's letters, whichever of his cards they are of, the newest first."""
    cards = cards_of_client(reader, client_id)
    return [read_row(row) for row in reader.execute(_LETTERS, {"clients": list(cards), "at_most": limit})]


def find_letter(connection: Connection, letter_id: bytes) -> Letter | None:
    """A letter by its card's id."""
    row = connection.execute(_ONE, {"letter": letter_id}).one_or_none()
    return None if row is None else read_row(row)


def names_of(reader: Reader, people: Iterable[bytes | None]) -> dict[bytes, str]:
    """Employees' names by id, of those that are known."""
    wanted = sorted({each for each in people if each})
    rows = reader.execute(_NAMES, {"people": wanted}) if wanted else ()
    return {row.id: row.name or row.code or "" for row in rows}


def read_row(row: Any) -> Letter:
    """A row of the table `mail`."""
    archived = bool(row.archived)
    return Letter(
        row.id,
        row.client_id,
        MailDirection.IN if row.direction == MailDirection.IN else MailDirection.OUT,
        row.purpose or "",
        row.address or "",
        row.subject or "",
        row.body or "",
        row.created_at or 0,
        row.created_by,
        row.in_reply_to,
        row.override_reason,
        state_of(row.state, row.direction, archived),
        row.detail or "",
        row.decided_at,
        row.message_id,
        archived and row.state in (None, "", MailState.WAITING) and row.direction != MailDirection.IN,
    )
