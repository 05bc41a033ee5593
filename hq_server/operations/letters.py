"""Letters as the head office looks at them: what waits, what went wrong, what is nobody's; and what people decide."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, or_, select, update

from hq_server.operations.editing import HqEdit
from hq_server.operations.mail_receiving import (
    ASSIGNED,
    DISMISSED,
    OPEN,
    Whose,
    clients_with,
    fields_of_unmatched,
    make_card,
)
from hq_server.operations.mail_sending import decide, forget_attempts, locked_letter
from hq_server.storage.mail_tables import mail_attempt, unmatched_letter
from shared.clock import Ids
from shared.domain.mail import Detail, MailDirection, MailState, detail_of
from shared.domain.permissions import Actor, Permission, require
from shared.errors import InvalidInput, NotFound, Refused
from shared.operations.clients import resolve_client
from shared.operations.letters import Letter, names_of, read_row
from shared.storage.tables import client, mail

LETTERS_PER_PAGE_MAX: Final = 50
COUNTED_MAX: Final = 1_000
"""More than so many are not counted one by one."""

LISTED: Final = (MailState.WAITING, MailState.SENDING, MailState.UNCERTAIN, MailState.FAILED, MailState.REFUSED)
UNMATCHED: Final = "unmatched"
RESENDABLE: Final = (MailState.UNCERTAIN, MailState.FAILED, MailState.REFUSED)


class LetterListed(NamedTuple):
    """A letter with the names that belong to it; `next_attempt_us` is when one that was put off is tried again."""

    letter: Letter
    client: str
    author: str
    next_attempt_us: int | None


class UnmatchedLetter(NamedTuple):
    """A letter of nobody known; `candidates` are clients who have the sender's address, and their names."""

    letter_id: bytes
    received_at_us: int
    address: str
    name: str
    subject: str
    body: str
    files: str
    is_automatic: bool
    state: str
    candidates: tuple[tuple[bytes, str], ...]


def require_letters(actor: Actor) -> None:
    """Letters of the whole chain. Raises NotPermitted."""
    require(actor, Permission.MAIL_SEND)
    require(actor, Permission.REPORT_CHAIN)


def count_letters(connection: Connection, actor: Actor) -> dict[str, int]:
    """How many there are of each list, up to COUNTED_MAX. Raises NotPermitted."""
    require_letters(actor)
    counts = {state.value: _count(connection, select(mail.c.id).where(_in_state(state))) for state in LISTED}
    waiting = select(unmatched_letter.c.id).where(unmatched_letter.c.state == OPEN)
    return counts | {UNMATCHED: _count(connection, waiting)}


def list_letters(
    connection: Connection, actor: Actor, state: MailState, after: bytes | None = None
) -> tuple[list[LetterListed], bool]:
    """Letters in a state, the oldest first, those after a letter; and whether there are more. Raises NotPermitted."""
    require_letters(actor)
    statement = select(mail).where(_in_state(state))
    if after is not None:
        at = select(mail.c.created_at).where(mail.c.id == after).scalar_subquery()
        later = mail.c.created_at > at
        statement = statement.where(or_(later, (mail.c.created_at == at) & (mail.c.id > after)))
    ordered = statement.order_by(mail.c.created_at, mail.c.id).limit(LETTERS_PER_PAGE_MAX + 1)
    rows = [read_row(row) for row in connection.execute(ordered)]
    return _with_names(connection, rows[:LETTERS_PER_PAGE_MAX]), len(rows) > LETTERS_PER_PAGE_MAX


def list_unmatched(
    connection: Connection, actor: Actor, after: bytes | None = None
) -> tuple[list[UnmatchedLetter], bool]:
    """Letters of nobody known, the oldest first; and whether there are more. Raises NotPermitted."""
    require_letters(actor)
    statement = select(unmatched_letter).where(unmatched_letter.c.state == OPEN)
    if after is not None:
        at = select(unmatched_letter.c.received_at).where(unmatched_letter.c.id == after).scalar_subquery()
        later = unmatched_letter.c.received_at > at
        statement = statement.where(
            or_(later, (unmatched_letter.c.received_at == at) & (unmatched_letter.c.id > after))
        )
    ordered = statement.order_by(unmatched_letter.c.received_at, unmatched_letter.c.id)
    rows = connection.execute(ordered.limit(LETTERS_PER_PAGE_MAX + 1)).all()
    shown = [_unmatched(connection, row) for row in rows[:LETTERS_PER_PAGE_MAX]]
    return shown, len(rows) > LETTERS_PER_PAGE_MAX


def resend(connection: Connection, ids: Ids, now_us: int, actor: Actor, letter_id: bytes) -> None:
    """A letter that failed, was refused or is uncertain waits again; consent is asked again before it is sent.

    Raises NotPermitted, NotFound, Refused.
    """
    require_letters(actor)
    edit = HqEdit(connection, ids, now_us, actor.employee_id)
    letter = _require_letter(connection, letter_id)
    if letter.state not in RESENDABLE:
        raise Refused("That letter is not sent again.", "Write a new one.")
    decide(edit, letter, MailState.WAITING, None)
    forget_attempts(connection, letter_id)


def mark(connection: Connection, ids: Ids, now_us: int, actor: Actor, letter_id: bytes, arrived: bool) -> None:
    """A person found out what became of an uncertain letter. Raises NotPermitted, NotFound, Refused."""
    require_letters(actor)
    edit = HqEdit(connection, ids, now_us, actor.employee_id)
    letter = _require_letter(connection, letter_id)
    if letter.state is not MailState.UNCERTAIN:
        raise Refused("A person decides about uncertain letters alone.", "Look at the letter as it is now.")
    decide(edit, letter, MailState.SENT if arrived else MailState.FAILED, detail_of(Detail.BY_HAND))


def assign(connection: Connection, ids: Ids, now_us: int, actor: Actor, letter_id: bytes, reference: str) -> bytes:
    """Whose an unmatched letter is: it becomes a letter of that client's; returns the client's id.

    Raises NotPermitted, NotFound, Refused.
    """
    require_letters(actor)
    client_id = resolve_client(connection, reference)
    row = _turn(connection, now_us, actor, letter_id, OPEN, ASSIGNED)
    make_card(connection, ids, now_us, letter_id, Whose(client_id, None), fields_of_unmatched(row), actor.employee_id)
    return client_id


def dismiss(connection: Connection, now_us: int, actor: Actor, letter_id: bytes) -> None:
    """An unmatched letter is nobody's. Raises NotPermitted, NotFound, Refused."""
    require_letters(actor)
    _turn(connection, now_us, actor, letter_id, OPEN, DISMISSED)


def bring_back(connection: Connection, now_us: int, actor: Actor, letter_id: bytes) -> None:
    """An unmatched letter that was dismissed is listed again. Raises NotPermitted, NotFound, Refused."""
    require_letters(actor)
    _turn(connection, now_us, actor, letter_id, DISMISSED, OPEN)


def parse_listed(text: str) -> MailState:
    """The state of a list. Raises InvalidInput."""
    if text not in frozenset(map(str, LISTED)):
        raise InvalidInput("There is no such list of letters.", f"There are: {', '.join(LISTED)}, {UNMATCHED}.")
    return MailState(text)


def _in_state(state: MailState) -> ColumnElement[bool]:
    if state is not MailState.WAITING:
        return mail.c.state == state.value
    is_new = mail.c.state.is_(None) & mail.c.archived.is_(False) & (mail.c.direction == MailDirection.OUT.value)
    return or_(is_new, mail.c.state == state.value)


def _count(connection: Connection, statement: Select[Any]) -> int:
    some = statement.limit(COUNTED_MAX).subquery()
    return int(connection.execute(select(func.count()).select_from(some)).scalar_one())


def _with_names(connection: Connection, letters: list[Letter]) -> list[LetterListed]:
    people = names_of(connection, [letter.created_by for letter in letters])
    clients = _client_names(connection, [letter.client_id for letter in letters if letter.client_id])
    among = {"letters": [letter.letter_id for letter in letters]}
    attempts = select(mail_attempt.c.letter_id, mail_attempt.c.next_attempt_at).where(
        mail_attempt.c.letter_id.in_(bindparam("letters", expanding=True))
    )
    due = {row.letter_id: row.next_attempt_at for row in connection.execute(attempts, among)} if letters else {}
    return [
        LetterListed(
            letter,
            clients.get(letter.client_id or b"", ""),
            people.get(letter.created_by or b"", ""),
            due.get(letter.letter_id) if letter.state is MailState.WAITING else None,
        )
        for letter in letters
    ]


def _client_names(connection: Connection, ids: list[bytes]) -> dict[bytes, str]:
    if not ids:
        return {}
    statement = select(client.c.id, client.c.name).where(client.c.id.in_(bindparam("ids", expanding=True)))
    return {row.id: row.name or "" for row in connection.execute(statement, {"ids": sorted(set(ids))})}


def _unmatched(connection: Connection, row: Any) -> UnmatchedLetter:
    owners = clients_with(connection, row.address) if row.address else []
    names = _client_names(connection, owners)
    return UnmatchedLetter(
        row.id,
        row.received_at,
        row.address,
        row.name,
        row.subject,
        row.body,
        row.files,
        bool(row.is_automatic),
        row.state,
        tuple((owner, names.get(owner, "")) for owner in owners),
    )


def _require_letter(connection: Connection, letter_id: bytes) -> Letter:
    letter = locked_letter(connection, letter_id)
    if letter is None or letter.direction is MailDirection.IN:
        raise NotFound("There is no such letter.", "Look at the lists of letters.")
    return letter


def _turn(connection: Connection, now_us: int, actor: Actor, letter_id: bytes, before: str, after: str) -> Any:
    statement = select(unmatched_letter).where(unmatched_letter.c.id == letter_id).with_for_update()
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise NotFound("There is no such letter.", "Look at the unmatched letters.")
    if row.state != before:
        raise Refused("Somebody has decided about that letter already.", "Look at the unmatched letters.")
    connection.execute(
        update(unmatched_letter)
        .where(unmatched_letter.c.id == letter_id)
        .values(state=after, decided_at=now_us, decided_by=actor.employee_id)
    )
    return row
