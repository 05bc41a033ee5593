"""Letters of the whole chain: what waits, what went wrong, what is nobody's – and what is to be done about each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from hq_server.operations import letters
from hq_server.operations.letters import RESENDABLE, UNMATCHED, LetterListed, UnmatchedLetter
from hq_server.web.context import context_of
from hq_server.web.forms import Failure, id_of_path, or_again, status
from hq_server.web.signed_in import actor_of, guarded
from shared.domain.identifiers import format_id, is_id, parse_id
from shared.domain.mail import MailState
from shared.errors import InvalidInput
from shared.web.letter_texts import PURPOSES, STATES, say_detail
from shared.web.pages import render
from shared.web.request_state import Notice
from shared.web.security import text_of
from shared.web.site import see_other
from shared.web.translations import LazyText
from shared.web.translations import lazy_text as _

LISTS: tuple[tuple[str, LazyText], ...] = (
    (UNMATCHED, _("Of nobody known")),
    (MailState.UNCERTAIN.value, _("Uncertain")),
    (MailState.FAILED.value, _("Failed")),
    (MailState.WAITING.value, _("Waiting")),
    (MailState.SENDING.value, _("Being sent")),
    (MailState.REFUSED.value, _("Not sent: no consent")),
)


def page(request: Request, failure: Failure | None = None) -> Response:
    """`/letters?show=unmatched&after=ID`."""
    context, actor = context_of(request), actor_of(request)
    show = request.query_params.get("show") or text_of_form(request, "show") or UNMATCHED
    if show not in dict(LISTS):
        raise InvalidInput("There is no such list of letters.", "Choose one of those on the page.")
    text = request.query_params.get("after", "")
    after = parse_id(text) if is_id(text) else None
    with context.store.read() as connection:
        counts = letters.count_letters(connection, actor)
        if show == UNMATCHED:
            found, has_more = letters.list_unmatched(connection, actor, after)
            rows: list[dict[str, Any]] = [_unmatched(each) for each in found]
        else:
            listed, has_more = letters.list_letters(connection, actor, MailState(show), after)
            rows = [_listed(each) for each in listed]
    return render(
        request,
        "letters.html",
        status_code=status(failure),
        failure=failure,
        show=show,
        lists=[(name, label, counts[name]) for name, label in LISTS],
        counted_max=letters.COUNTED_MAX,
        rows=rows,
        next_url=f"/letters?show={show}&after={rows[-1]['id']}" if has_more else "",
        sends=bool(context.settings.smtp_host),
        reads=bool(context.settings.imap_host),
        zone=context.chain.timezone,
        is_unmatched=show == UNMATCHED,
    )


@or_again(page)
def resend(request: Request) -> Response:
    """POST: the letter waits again."""
    ids = context_of(request).ids
    said = _("The letter waits again; consent is asked again before it is sent.")
    return _decide(request, lambda connection, *given: letters.resend(connection, ids, *given), said)


@or_again(page)
def mark(request: Request) -> Response:
    """POST `arrived`: what became of an uncertain letter."""
    ids, arrived = context_of(request).ids, text_of(request, "arrived") == "yes"
    said = _("The letter counts as sent.") if arrived else _("The letter counts as failed.")
    return _decide(
        request,
        lambda connection, now_us, actor, letter: letters.mark(connection, ids, now_us, actor, letter, arrived),
        said,
    )


@or_again(page)
def assign(request: Request) -> Response:
    """POST `client`: whose an unmatched letter is."""
    ids, reference = context_of(request).ids, text_of(request, "client")
    if not reference:
        raise InvalidInput("No client was named.", "Choose one, or write the id from the client’s card.")
    said = _("The letter is the client’s. The branches that know the client see it.")
    return _decide(
        request,
        lambda connection, now_us, actor, letter: letters.assign(connection, ids, now_us, actor, letter, reference),
        said,
    )


@or_again(page)
def dismiss(request: Request) -> Response:
    """POST: an unmatched letter is nobody's."""
    undo = f"/letters/{format_id(id_of_path(request))}/bring-back"
    return _decide(request, letters.dismiss, _("The letter is dismissed."), undo)


@or_again(page)
def bring_back(request: Request) -> Response:
    """POST: an unmatched letter is listed again."""
    return _decide(request, letters.bring_back, _("The letter is listed again."))


def text_of_form(request: Request, name: str) -> str:
    """A field of the form, if the request is one."""
    return text_of(request, name) if request.method == "POST" else ""


def _decide(request: Request, act: Callable[..., object], said: LazyText, undo_url: str = "") -> Response:
    actor, letter_id = actor_of(request), id_of_path(request)

    def work(connection: Connection, now_us: int) -> object:
        return act(connection, now_us, actor, letter_id)

    context_of(request).change(work)
    show = text_of(request, "show")
    url = f"/letters?show={show}" if show in dict(LISTS) else "/letters"
    return see_other(request, url, Notice(said, undo_url, {"show": show} if undo_url else {}))


def _listed(each: LetterListed) -> dict[str, Any]:
    letter = each.letter
    why, words = say_detail(letter.detail) if letter.detail else ("", "")
    return {
        "id": format_id(letter.letter_id),
        "letter": letter,
        "client": each.client,
        "by": each.author,
        "next_attempt_us": each.next_attempt_us,
        "purpose": PURPOSES.get(letter.purpose, letter.purpose),
        "state": STATES[letter.state],
        "why": why,
        "words": words,
        "may_resend": letter.state in RESENDABLE,
        "may_mark": letter.state is MailState.UNCERTAIN,
    }


def _unmatched(each: UnmatchedLetter) -> dict[str, Any]:
    return {
        "id": format_id(each.letter_id),
        "letter": each,
        "files": each.files.replace("\n", ", "),
        "candidates": [(format_id(client_id), name) for client_id, name in each.candidates],
    }


ROUTES = (
    guarded("/letters", page),
    guarded("/letters/{id}/resend", resend, "POST"),
    guarded("/letters/{id}/mark", mark, "POST"),
    guarded("/letters/{id}/assign", assign, "POST"),
    guarded("/letters/{id}/dismiss", dismiss, "POST"),
    guarded("/letters/{id}/bring-back", bring_back, "POST"),
)
