"""How the pages of both programs name what became of a letter, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.domain.mail import Detail, MailPurpose, MailState, Refusal, split_detail
from shared.web.translations import LazyText
from shared.web.translations import lazy_text as _

STATES: Final[Mapping[str, LazyText]] = {
    MailState.WAITING: _("waits to be sent"),
    MailState.SENDING: _("is being sent"),
    MailState.SENT: _("sent"),
    MailState.UNCERTAIN: _("uncertain: it may have arrived or not"),
    MailState.FAILED: _("failed"),
    MailState.REFUSED: _("not sent: consent is missing"),
    MailState.TAKEN_BACK: _("letter taken back"),
    MailState.RECEIVED: _("letter received"),
}
BEING_TAKEN_BACK: Final = _("taken back, unless the head office has sent it by now")

PURPOSES: Final[Mapping[str, LazyText]] = {
    MailPurpose.SERVICE: _("about service"),
    MailPurpose.ADVERTISING: _("advertising"),
}

DETAILS: Final[Mapping[str, LazyText]] = {
    Refusal.NO_CLIENT: _("There is no such client any more."),
    Refusal.NO_ADDRESS: _("That address is not the client’s."),
    Refusal.ARCHIVED: _("The client’s card is archived."),
    Refusal.DO_NOT_CONTACT: _("The client does not want to be contacted."),
    Refusal.NO_CONSENT_ADVERTISING: _("The client has not agreed to advertising."),
    Refusal.NO_CONSENT_DATA: _(
        "The client has not agreed to the use of personal data, and no request of his is running."
    ),
    Detail.PUT_OFF: _("The other mail server put it off; it is tried again."),
    Detail.REJECTED: _("The other mail server rejected it."),
    Detail.GAVE_UP: _("The other mail server put it off too often."),
    Detail.NO_ANSWER: _("The mail server did not say whether it took the letter."),
    Detail.SENDER_DIED: _("The sender stopped before it could note the answer."),
    Detail.RESTORED: _("The head office was restored from a backup; it may have been sent before."),
    Detail.BY_HAND: _("Somebody at the head office said so."),
    Detail.FILES: _("Files came with it; they are in the mailbox."),
}

HINTS: Final[Mapping[str, LazyText]] = {
    Refusal.NO_CLIENT: _("Look for the client."),
    Refusal.NO_ADDRESS: _("Write the address on the card."),
    Refusal.ARCHIVED: _("Bring the card back first."),
    Refusal.DO_NOT_CONTACT: _("Somebody who may override this can write with a reason."),
    Refusal.NO_CONSENT_ADVERTISING: _("Ask the client, and note the consent on the card."),
    Refusal.NO_CONSENT_DATA: _("Ask the client, and note the consent on the card."),
}
"""What to do about a refusal before a letter is written."""


def say_detail(detail: str) -> tuple[LazyText | str, str]:
    """Why, for people, and the words of a server or the names of files."""
    code, words = split_detail(detail)
    return (DETAILS[code], words) if code in DETAILS else ("", detail)
