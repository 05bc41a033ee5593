"""Letters of a client: what was written and what became of it, and writing one."""

from __future__ import annotations

import hashlib
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from branch_node.operations import letters
from branch_node.operations.letters import LETTERS_SHOWN_MAX, WritingDesk
from branch_node.web.context import context_of
from branch_node.web.leave import failure_of, status_with
from branch_node.web.letter_beginnings import BEGINNINGS, begin_with
from branch_node.web.people import guarded, signed_in
from branch_node.web.sale import is_part
from branch_node.web.stock_writing import again_when_refused
from shared.domain.identifiers import format_id, is_id, parse_id
from shared.domain.mail import (
    BODY_CHARACTERS_MAX,
    REASON_CHARACTERS_MAX,
    SUBJECT_CHARACTERS_MAX,
    Draft,
    MailDirection,
    MailState,
    Refusal,
    parse_purpose,
    reply_subject,
)
from shared.domain.masking import mask_email
from shared.domain.permissions import Actor, Permission
from shared.errors import FilialError, InvalidInput, NotFound
from shared.operations.letters import Letter
from shared.web.letter_texts import BEING_TAKEN_BACK, DETAILS, HINTS, PURPOSES, STATES, say_detail
from shared.web.pages import render
from shared.web.request_state import Notice
from shared.web.security import text_of
from shared.web.site import see_other
from shared.web.translations import lazy_text as _

MARK_CHARACTERS = 16


def panel(request: Request, client_id: bytes) -> dict[str, Any]:
    """What `client_letters.html` shows of a client: the panel of the card. Raises NotPermitted, NotFound."""
    context, actor = context_of(request), signed_in(request)
    seen = letters.read_letters(context.store, actor, client_id)
    return {
        "client_id": format_id(client_id),
        "standing": seen.standing,
        "letters": [_shown(letter, actor, seen.names) for letter in seen.letters],
        "letters_have_more": seen.has_more,
        "letters_shown_max": LETTERS_SHOWN_MAX,
        "may_write": actor.may(Permission.MAIL_SEND),
        "may_override": actor.may(Permission.CONTACT_OVERRIDE),
        "zone": context.store.node()[0].timezone,
    }


def page(request: Request) -> Response:
    """`/clients/ID/letters`; its block `panel` alone for the page's script."""
    values = panel(request, _client_asked(request))
    return render(request, "client_letters.html", block="panel" if is_part(request) else "", **values)


def new(request: Request, error: FilialError | None = None) -> Response:
    """`/clients/ID/letters/new`: `begin` names a text to begin with, `answers` a letter that this one answers."""
    context, actor, client_id = context_of(request), signed_in(request), _client_asked(request)
    answers = text_of(request, "answers") if error else request.query_params.get("answers", "")
    desk = letters.open_desk(context.store, actor, client_id, parse_id(answers) if is_id(answers) else None)
    return render(
        request,
        "client_letter_new.html",
        status_code=status_with(error),
        failure=failure_of(error),
        client_id=format_id(client_id),
        standing=desk.standing,
        addresses=[(address_mark(each), _address_shown(each, actor)) for each in desk.addresses],
        blocked=_blocked(desk),
        warnings=_warnings(desk),
        needs_reason=desk.standing.do_not_contact,
        typed=_typed(request, desk) if error else _beginning(request, desk),
        letter_id=text_of(request, "letter") or format_id(context.store.ids.new_id()),
        answered=desk.answered,
        answers_id=answers,
        beginnings=[("", _("an empty letter"))] + [(each.code, each.name) for each in BEGINNINGS],
        begun=request.query_params.get("begin", ""),
        purposes=list(PURPOSES.items()),
        limits={"subject": SUBJECT_CHARACTERS_MAX, "body": BODY_CHARACTERS_MAX, "reason": REASON_CHARACTERS_MAX},
    )


@again_when_refused(new)
def write(request: Request) -> Response:
    """POST `letter`, `address`, `purpose`, `subject`, `body`, `override_reason`, `answers`: it is to be sent."""
    context, actor, client_id = context_of(request), signed_in(request), _client_asked(request)
    desk = letters.open_desk(context.store, actor, client_id)
    address = next((each for each in desk.addresses if address_mark(each) == text_of(request, "address")), "")
    if not address:
        raise InvalidInput("That address is not the client’s.", "Choose one of the addresses on the card.")
    purpose = parse_purpose(text_of(request, "purpose"))
    texts = (text_of(request, name) for name in ("subject", "body", "override_reason"))
    answers = text_of(request, "answers")
    letter_id = _letter_asked(request)
    letters.write_letter(
        context.commit,
        actor,
        client_id,
        letter_id,
        Draft(purpose, address, *texts),
        parse_id(answers) if is_id(answers) else None,
    )
    return _back(request, client_id, _("The letter waits for the head office to send it."), "back", letter_id)


def take_back(request: Request) -> Response:
    """POST `letter`: it is not to be sent."""
    client_id, letter_id = _client_asked(request), _letter_asked(request)
    letters.take_back(context_of(request).commit, signed_in(request), client_id, letter_id)
    said = _("The letter is taken back, unless the head office has sent it by now.")
    return _back(request, client_id, said, "send", letter_id)


def send_after_all(request: Request) -> Response:
    """POST `letter`: one that was taken back is to be sent."""
    client_id, letter_id = _client_asked(request), _letter_asked(request)
    letters.send_after_all(context_of(request).commit, signed_in(request), client_id, letter_id)
    return _back(request, client_id, _("The letter waits again."), "back", letter_id)


def _back(request: Request, client_id: bytes, said: Any, undo: str, letter_id: bytes) -> Response:
    url = f"/clients/{format_id(client_id)}/letters"
    return see_other(request, url, Notice(said, f"{url}/{undo}", {"letter": format_id(letter_id)}))


def _client_asked(request: Request) -> bytes:
    text = request.path_params["id"]
    if not is_id(text):
        raise NotFound("There is no such client here.", "Look for them by phone or name.")
    return parse_id(text)


def _letter_asked(request: Request) -> bytes:
    text = text_of(request, "letter")
    if not is_id(text):
        raise NotFound("There is no such letter.", "Look at the client’s letters.")
    return parse_id(text)


def _shown(letter: Letter, actor: Actor, names: dict[bytes, str]) -> dict[str, Any]:
    why, words = say_detail(letter.detail) if letter.detail else ("", "")
    is_out = letter.direction is MailDirection.OUT
    return {
        "letter": letter,
        "id": format_id(letter.letter_id),
        "is_out": is_out,
        "address": _address_shown(letter.address, actor),
        "purpose": PURPOSES.get(letter.purpose, letter.purpose) if is_out else "",
        "state": BEING_TAKEN_BACK if letter.is_being_taken_back else STATES[letter.state],
        "why": why,
        "words": words,
        "by": names.get(letter.created_by or b"", ""),
        "may_take_back": letter.state is MailState.WAITING and is_out and not letter.is_being_taken_back,
        "may_send_after_all": letter.is_being_taken_back,
    }


def _address_shown(address: str, actor: Actor) -> str:
    return mask_email(address) if "emails" in actor.hidden_fields else address


def address_mark(address: str) -> str:
    """What the form says of an address: it may not be seen by who chooses it."""
    return hashlib.sha256(address.encode()).hexdigest()[:MARK_CHARACTERS]


def _blocked(desk: WritingDesk) -> dict[str, Any] | None:
    """Why nothing can be written at all."""
    refused = set(desk.refusals.values())
    if len(desk.refusals) < len(PURPOSES):
        return None
    first = next(iter(desk.refusals.values()))
    if refused == {Refusal.DO_NOT_CONTACT}:
        return None if desk.may_override else _said(first)
    return _said(first) if first in (Refusal.NO_ADDRESS, Refusal.ARCHIVED, Refusal.NO_CLIENT) else None


def _warnings(desk: WritingDesk) -> list[tuple[Any, dict[str, Any]]]:
    """By purpose, what stands against it."""
    return [
        (PURPOSES[purpose], _said(refusal))
        for purpose, refusal in desk.refusals.items()
        if refusal in (Refusal.NO_CONSENT_ADVERTISING, Refusal.NO_CONSENT_DATA)
    ]


def _said(refusal: Refusal) -> dict[str, Any]:
    return {"message": DETAILS[refusal], "hint": HINTS[refusal]}


def _typed(request: Request, desk: WritingDesk) -> dict[str, str]:
    return {name: text_of(request, name) for name in ("address", "purpose", "subject", "body", "override_reason")}


def _beginning(request: Request, desk: WritingDesk) -> dict[str, str]:
    """What the form begins with: a ready text, or the subject of the letter that is answered, quoted."""
    typed = {"address": "", "purpose": "service", "subject": "", "body": "", "override_reason": ""}
    node = context_of(request).store.node()[0]
    name = desk.standing.name
    ready = begin_with(request.query_params.get("begin", ""), name, node.chain_name, desk.standing.language)
    if ready is not None:
        purpose, typed["subject"], typed["body"] = ready
        typed["purpose"] = purpose.value
    if desk.answered is not None:
        typed["subject"] = reply_subject(desk.answered.subject)
        typed["address"] = address_mark(desk.answered.address)
    return typed


ROUTES: tuple[Any, ...] = (
    guarded("/clients/{id}/letters", page, Permission.CLIENT_CONTACTS),
    guarded("/clients/{id}/letters/new", new, Permission.MAIL_SEND),
    guarded("/clients/{id}/letters/new", write, Permission.MAIL_SEND, ("POST",)),
    guarded("/clients/{id}/letters/back", take_back, Permission.MAIL_SEND, ("POST",)),
    guarded("/clients/{id}/letters/send", send_after_all, Permission.MAIL_SEND, ("POST",)),
)
