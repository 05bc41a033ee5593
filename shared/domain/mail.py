"""Letters to clients and from them: what states they pass, when one may be sent, and which letter answers which.

A branch writes a letter as a card; the head office alone says what became of it. Contains no mail servers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Final, NamedTuple

from shared.domain.business_time import MICROSECONDS
from shared.domain.cards import LONG_TEXT_CHARACTERS_MAX
from shared.domain.clients import normalize_email
from shared.domain.identifiers import is_encodable
from shared.errors import InvalidInput, Refused

SUBJECT_CHARACTERS_MAX: Final = 200
BODY_CHARACTERS_MAX: Final = LONG_TEXT_CHARACTERS_MAX
REASON_CHARACTERS_MAX: Final = 200

SETTLING_US: Final = 15 * MICROSECONDS
"""So long a letter lies at the head office before it is sent: whoever wrote it may take it back at once."""

RUNNING_REQUEST_US: Final = 30 * 24 * 60 * 60 * MICROSECONDS
"""So long after a client wrote, called or asked for service, a letter of service answers what he began."""

ATTEMPTS_MAX: Final = 8
_PAUSES_MINUTES: Final = (1, 5, 15, 60, 240, 480, 1_440)
"""After each attempt that the other server put off, until the next."""

REFERENCES_MAX: Final = 50
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,250}>")


class MailDirection(StrEnum):
    OUT = "out"
    IN = "in"


class MailPurpose(StrEnum):
    """What a letter is for: the two need different consents."""

    SERVICE = "service"
    ADVERTISING = "advertising"


AUTOMATIC: Final = "automatic"
"""What stands in the place of a purpose on a letter that a program wrote: it asks for nothing."""


class MailState(StrEnum):
    """What became of a letter. `uncertain`: it may have arrived or not, and a person decides what to do."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    UNCERTAIN = "uncertain"
    FAILED = "failed"
    REFUSED = "refused"
    TAKEN_BACK = "taken_back"
    RECEIVED = "received"


TRANSITIONS: Final[dict[MailState, frozenset[MailState]]] = {
    # Without being sent it fails when no letter can be made of it, and is uncertain in a store that was restored.
    MailState.WAITING: frozenset(
        {MailState.SENDING, MailState.REFUSED, MailState.TAKEN_BACK, MailState.FAILED, MailState.UNCERTAIN}
    ),
    MailState.SENDING: frozenset({MailState.SENT, MailState.WAITING, MailState.FAILED, MailState.UNCERTAIN}),
    # Its sender may have been slow and not dead; else a person decides.
    MailState.UNCERTAIN: frozenset({MailState.SENT, MailState.WAITING, MailState.FAILED}),
    MailState.FAILED: frozenset({MailState.WAITING}),
    MailState.REFUSED: frozenset({MailState.WAITING}),
    MailState.SENT: frozenset(),
    MailState.TAKEN_BACK: frozenset(),
    MailState.RECEIVED: frozenset(),
}
"""To which states a letter may go from each."""


class Refusal(StrEnum):
    """Why a letter must not be sent; what a letter's `detail` holds then."""

    NO_CLIENT = "no_client"
    NO_ADDRESS = "no_address"
    ARCHIVED = "archived"
    DO_NOT_CONTACT = "do_not_contact"
    NO_CONSENT_ADVERTISING = "no_consent_advertising"
    NO_CONSENT_DATA = "no_consent_data"


REFUSALS: Final[dict[Refusal, str]] = {
    Refusal.NO_CLIENT: "There is no such client any more.",
    Refusal.NO_ADDRESS: "That address is not the client’s.",
    Refusal.ARCHIVED: "The client’s card is archived.",
    Refusal.DO_NOT_CONTACT: "The client does not want to be contacted.",
    Refusal.NO_CONSENT_ADVERTISING: "The client has not agreed to advertising.",
    Refusal.NO_CONSENT_DATA: "The client has not agreed to the use of personal data, and no request of his is running.",
}


class Detail(StrEnum):
    """More about a state: stands before what a server said, or alone. See `detail_of`."""

    PUT_OFF = "put_off"
    REJECTED = "rejected"
    GAVE_UP = "gave_up"
    NO_ANSWER = "no_answer"
    SENDER_DIED = "sender_died"
    RESTORED = "restored"
    BY_HAND = "by_hand"
    FILES = "files"


DETAIL_CHARACTERS_MAX: Final = 1_000
_BETWEEN: Final = ": "


class ClientStanding(NamedTuple):
    """What a node knows of a client that decides whether he may be written to. `name` is for people."""

    name: str
    emails: frozenset[str]
    archived: bool = False
    do_not_contact: bool = False
    consent_data: bool = False
    consent_advertising: bool = False
    has_running_request: bool = False
    language: str | None = None


class Draft(NamedTuple):
    """A letter as somebody wrote it; `override_reason` is why it goes to a client who wants no contact."""

    purpose: MailPurpose
    address: str
    subject: str
    body: str
    override_reason: str | None = None


def state_of(stored: str | None, direction: str | None, archived: bool) -> MailState:
    """The state of a letter's card. A word of a newer release may mean anything: uncertain."""
    if stored:
        return MailState(stored) if stored in frozenset(map(str, MailState)) else MailState.UNCERTAIN
    if direction == MailDirection.IN:
        return MailState.RECEIVED
    return MailState.TAKEN_BACK if archived else MailState.WAITING


def require_transition(before: MailState, after: MailState) -> None:
    """Raises Refused when a letter cannot go from the one state to the other."""
    if after not in TRANSITIONS[before]:
        raise Refused("The letter has gone on meanwhile.", "Look at the letter as it is now.")


def refusal_of(
    purpose: str | None, address: str | None, standing: ClientStanding | None, may_override: bool
) -> Refusal | None:
    """Why a letter must not be sent to a client as he stands now; None when it may.

    `may_override` says whether a reason was given by somebody with the permission; it opens a client who wants no
    contact, and nothing else: nobody can consent in a client's place.
    """
    if standing is None:
        return Refusal.NO_CLIENT
    if standing.archived:
        return Refusal.ARCHIVED
    if not address or address not in standing.emails:
        return Refusal.NO_ADDRESS
    if standing.do_not_contact and not may_override:
        return Refusal.DO_NOT_CONTACT
    # What is no service that is known here needs the stricter consent.
    if purpose != MailPurpose.SERVICE:
        return None if standing.consent_advertising else Refusal.NO_CONSENT_ADVERTISING
    return None if standing.consent_data or standing.has_running_request else Refusal.NO_CONSENT_DATA


def detail_of(code: Detail | Refusal, words: str = "") -> str:
    """What a letter's `detail` holds: why, and a server's words or names of files."""
    return f"{code}{_BETWEEN}{words}"[:DETAIL_CHARACTERS_MAX] if words else code.value


def split_detail(detail: str) -> tuple[str, str]:
    """The code of a detail, as it is stored, and its words."""
    code, _, words = detail.partition(_BETWEEN)
    return code, words


def require_draft(draft: Draft) -> Draft:
    """The letter, trimmed and checked against its limits. Raises InvalidInput."""
    subject, body = draft.subject.strip(), draft.body.strip()
    reason = (draft.override_reason or "").strip() or None
    if not subject:
        raise InvalidInput("A letter needs a subject.", "Say in a few words what it is about.")
    if not body:
        raise InvalidInput("A letter needs a text.", "Write what the client is to read.")
    if len(subject) > SUBJECT_CHARACTERS_MAX or not subject.isprintable():
        raise InvalidInput(f"A letter’s subject is one line of at most {SUBJECT_CHARACTERS_MAX} characters.")
    if len(body) > BODY_CHARACTERS_MAX or "\0" in body or not is_encodable(body):
        raise InvalidInput(f"A letter’s text has at most {BODY_CHARACTERS_MAX} characters.", "Write less.")
    if reason is not None and (len(reason) > REASON_CHARACTERS_MAX or not reason.isprintable()):
        raise InvalidInput(f"A reason is one line of at most {REASON_CHARACTERS_MAX} characters.")
    return Draft(MailPurpose(draft.purpose), normalize_email(draft.address), subject, body, reason)


def parse_purpose(text: str) -> MailPurpose:
    """Raises InvalidInput."""
    if text not in frozenset(map(str, MailPurpose)):
        raise InvalidInput("A letter is of service or advertising.", "Choose one of the two.")
    return MailPurpose(text)


def message_id(letter_id: bytes, domain: str) -> str:
    """The Message-ID of a letter, the same however often it is sent: a server may tell by it that it has it."""
    return f"<{letter_id.hex()}@{domain}>"


def domain_of(address: str) -> str:
    """What stands behind the @."""
    return address.rpartition("@")[2].lower()


def message_ids(text: str) -> tuple[str, ...]:
    """The Message-IDs in a header, in their order, the last of very many."""
    return tuple(_MESSAGE_ID.findall(text)[-REFERENCES_MAX:])


def answered_ids(in_reply_to: Iterable[str], references: Iterable[str]) -> tuple[str, ...]:
    """The Message-IDs that a letter may answer, the likeliest first: what it says that it answers, then the thread
    backwards."""
    return tuple(dict.fromkeys((*in_reply_to, *reversed(tuple(references)))))


def reply_subject(subject: str) -> str:
    """`Re:` before it, once."""
    answered = subject if subject.lower().startswith("re:") else f"Re: {subject}"
    return answered[:SUBJECT_CHARACTERS_MAX].strip()


def pause_after(attempts: int) -> int | None:
    """How long to wait after that many attempts, microseconds; None when no more is tried."""
    if attempts >= ATTEMPTS_MAX:
        return None
    return _PAUSES_MINUTES[min(max(attempts, 1), len(_PAUSES_MINUTES)) - 1] * 60 * MICROSECONDS
