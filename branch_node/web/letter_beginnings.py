"""Texts that a letter may begin with, in the client's language. Contains no letters that were written."""

from __future__ import annotations

from typing import Final, NamedTuple

from shared.domain.mail import MailPurpose
from shared.web.translations import LANGUAGES, LazyText, current_language, speaking
from shared.web.translations import lazy_text as _


class Beginning(NamedTuple):
    """`name` is how the choice calls it; `greeting` stands before `body` with the client's name."""

    code: str
    name: LazyText
    purpose: MailPurpose
    subject: LazyText
    body: LazyText


BEGINNINGS: Final = (
    Beginning(
        "ready",
        _("The order is ready"),
        MailPurpose.SERVICE,
        _("Your order is ready"),
        _("your order is ready and waits for you. Come when it suits you, or answer this letter."),
    ),
    Beginning(
        "answer",
        _("An answer to a request"),
        MailPurpose.SERVICE,
        _("About your request"),
        _("thank you for writing to us. We have looked into your request, and this is the answer:"),
    ),
    Beginning(
        "visit",
        _("A reminder of a visit"),
        MailPurpose.SERVICE,
        _("We expect you"),
        _("we remind you of your visit. If the time does not suit you, answer this letter."),
    ),
    Beginning(
        "offer",
        _("An offer"),
        MailPurpose.ADVERTISING,
        _("An offer for you"),
        _("we have prepared an offer for you:"),
    ),
)


def begin_with(code: str, name: str, shop: str, language: str | None) -> tuple[MailPurpose, str, str] | None:
    """Purpose, subject and text of a letter to somebody of that name; None when there is no such beginning."""
    for beginning in BEGINNINGS:
        if beginning.code == code:
            with speaking(language if language in LANGUAGES else current_language()):
                greeting = _("Dear %(name)s,", name=name) if name else _("Good day,")
                closing = _("Yours,")
                text = f"{greeting}\n\n{beginning.body}\n\n{closing}\n{shop}"
                return beginning.purpose, str(beginning.subject), text
    return None
