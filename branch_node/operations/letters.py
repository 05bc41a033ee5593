"""Letters to clients as a branch writes them: a card “to send”, which the head office sends when consent allows it.

What a branch knows of a client decides whether a letter may be written; the head office decides again, with what it
knows, when it sends. Contains no mail servers.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from branch_node.operations.committing import Commit, Wanted, WantedEdit, WantedFact
from branch_node.storage.store import BranchStore
from branch_node.storage.transaction import BranchTransaction
from shared.domain.branch_facts import AuditEntry
from shared.domain.business_time import local_moment
from shared.domain.identifiers import NIL_ID, format_id
from shared.domain.mail import (
    REFUSALS,
    ClientStanding,
    Draft,
    MailDirection,
    MailPurpose,
    MailState,
    Refusal,
    refusal_of,
    require_draft,
)
from shared.domain.permissions import Actor, Permission, require
from shared.domain.records import RecordKind
from shared.errors import InvalidInput, NotFound, Refused
from shared.operations.letters import Letter, find_letter, letters_of, names_of, standing_of
from shared.storage.cursor_reading import Reader

LETTERS_SHOWN_MAX: Final = 50
CONTACT_OVERRIDE: Final = "contact_override"
"""The action of an audit entry: somebody wrote to a client who wants no contact."""

NO_REGISTER: Final = "-"
"""Where it was done: at no till."""


class LettersSeen(NamedTuple):
    """A client's letters, the newest first, and who wrote them, by employee."""

    standing: ClientStanding
    letters: tuple[Letter, ...]
    names: dict[bytes, str]
    has_more: bool


class WritingDesk(NamedTuple):
    """What a letter may be, before it is written: by purpose why it must not be sent, if so; `answered` is the letter
    that it answers."""

    standing: ClientStanding
    addresses: tuple[str, ...]
    refusals: dict[MailPurpose, Refusal]
    may_override: bool
    answered: Letter | None


def read_letters(store: BranchStore, actor: Actor, client_id: bytes) -> LettersSeen:
    """Raises NotPermitted for who may not see contacts, NotFound."""
    require(actor, Permission.CLIENT_CONTACTS)
    with store.look() as transaction:
        standing = _require_client(transaction.reader, client_id, transaction.now_us)
        found = letters_of(transaction.reader, client_id, LETTERS_SHOWN_MAX + 1)
        shown = tuple(found[:LETTERS_SHOWN_MAX])
        names = names_of(transaction.reader, [letter.created_by for letter in shown])
        return LettersSeen(standing, shown, names, len(found) > LETTERS_SHOWN_MAX)


def open_desk(store: BranchStore, actor: Actor, client_id: bytes, answers: bytes | None = None) -> WritingDesk:
    """What there is to know before a letter is written. Raises NotPermitted, NotFound."""
    require(actor, Permission.MAIL_SEND)
    with store.look() as transaction:
        connection = transaction.connection
        standing = _require_client(connection, client_id, transaction.now_us)
        addresses = tuple(sorted(standing.emails))
        refusals = {
            purpose: refusal
            for purpose in MailPurpose
            if (refusal := refusal_of(purpose, addresses[0] if addresses else None, standing, may_override=False))
        }
        answered = None if answers is None else find_letter(connection, answers)
        if answered is not None and answered.client_id != client_id:
            answered = None
        return WritingDesk(standing, addresses, refusals, actor.may(Permission.CONTACT_OVERRIDE), answered)


def write_letter(
    commit: Commit, actor: Actor, client_id: bytes, letter_id: bytes, draft: Draft, answers: bytes | None = None
) -> bool:
    """Records a letter to be sent, once for every `letter_id`; false when it is there already.

    Raises NotPermitted, NotFound, InvalidInput, Refused when the client must not be written to, and what `commit` does.
    """
    require(actor, Permission.MAIL_SEND)
    wanted = require_draft(draft)
    command = commit(lambda transaction: _want_letter(transaction, actor, client_id, letter_id, wanted, answers))
    return command is not None


def take_back(commit: Commit, actor: Actor, client_id: bytes, letter_id: bytes) -> bool:
    """A letter that waits is not to be sent; false when it was taken back before.

    Raises NotPermitted, NotFound, Refused when it waits no more.
    """
    return _set_archived(commit, actor, client_id, letter_id, True)


def send_after_all(commit: Commit, actor: Actor, client_id: bytes, letter_id: bytes) -> bool:
    """A letter that was taken back is to be sent; false when it waits.

    Raises NotPermitted, NotFound, Refused when the head office has put it away.
    """
    return _set_archived(commit, actor, client_id, letter_id, False)


def _want_letter(
    transaction: BranchTransaction,
    actor: Actor,
    client_id: bytes,
    letter_id: bytes,
    draft: Draft,
    answers: bytes | None,
) -> Wanted:
    connection = transaction.connection
    if find_letter(connection, letter_id) is not None:
        return Wanted()
    standing = _require_client(connection, client_id, transaction.now_us)
    # A reason is kept only where one was needed.
    reason = draft.override_reason if standing.do_not_contact else None
    if reason is not None:
        require(actor, Permission.CONTACT_OVERRIDE)
    refusal = refusal_of(draft.purpose, draft.address, standing, reason is not None)
    if refusal is not None:
        raise _refused(refusal, actor)
    answered = None if answers is None else find_letter(connection, answers)
    letter = WantedEdit(
        RecordKind.MAIL,
        letter_id,
        {
            "client_id": client_id,
            "direction": MailDirection.OUT.value,
            "purpose": draft.purpose.value,
            "address": draft.address,
            "subject": draft.subject,
            "body": draft.body,
            "created_at": transaction.now_us,
            "created_by": actor.employee_id if actor.employee_id != NIL_ID else None,
            "in_reply_to": answers if answered is not None and answered.client_id == client_id else None,
            "override_reason": reason,
        },
    )
    facts = () if reason is None else (_override_noted(transaction, actor, client_id, reason),)
    return Wanted(actor.employee_id, (letter,), facts)


def _override_noted(transaction: BranchTransaction, actor: Actor, client_id: bytes, reason: str) -> WantedFact:
    at = local_moment(transaction.now_us, transaction.node.timezone)
    detail = f"{format_id(client_id)}: {reason}"
    entry = AuditEntry(CONTACT_OVERRIDE, actor.register or NO_REGISTER, actor.code, actor.code, 0, detail, at)
    return WantedFact(transaction.ids.new_id(), entry)


def _set_archived(commit: Commit, actor: Actor, client_id: bytes, letter_id: bytes, archived: bool) -> bool:
    require(actor, Permission.MAIL_SEND)

    def work(transaction: BranchTransaction) -> Wanted:
        letter = find_letter(transaction.connection, letter_id)
        if letter is None or letter.client_id != client_id or letter.direction is MailDirection.IN:
            raise NotFound("There is no such letter.", "Look at the client’s letters.")
        may_turn = letter.state is MailState.WAITING or letter.is_being_taken_back
        if not may_turn:
            raise Refused(
                "The head office has decided about that letter already.", "Look at what became of it, or write anew."
            )
        return Wanted(actor.employee_id, (WantedEdit(RecordKind.MAIL, letter_id, {"archived": archived}),))

    return commit(work) is not None


def _require_client(reader: Reader, client_id: bytes, now_us: int) -> ClientStanding:
    standing = standing_of(reader, client_id, now_us)
    if standing is None:
        raise NotFound("There is no such client here.", "Look for them by phone or name.")
    return standing


def _refused(refusal: Refusal, actor: Actor) -> Refused | InvalidInput:
    if refusal is Refusal.NO_ADDRESS:
        return InvalidInput(REFUSALS[refusal], "Choose one of the addresses on the card.")
    if refusal is Refusal.DO_NOT_CONTACT and actor.may(Permission.CONTACT_OVERRIDE):
        return Refused(REFUSALS[refusal], "Give the reason why you write all the same.")
    return Refused(REFUSALS[refusal], HINTS[refusal])


HINTS: Final[dict[Refusal, str]] = {
    Refusal.NO_CLIENT: "Look for the client.",
    Refusal.NO_ADDRESS: "Write the address on the card.",
    Refusal.ARCHIVED: "Bring the card back first.",
    Refusal.DO_NOT_CONTACT: "Somebody who may override this can write with a reason.",
    Refusal.NO_CONSENT_ADVERTISING: "Ask the client, and note the consent on the card.",
    Refusal.NO_CONSENT_DATA: "Ask the client, and note the consent on the card.",
}
"""What to do about each reason."""
