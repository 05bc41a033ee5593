"""Logging a conversation by keys and chips, beginning a call, planning one, and how far a request has come."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from branch_node.operations.contacting import start_contact
from branch_node.operations.interaction_desk import Desk, read_desk
from branch_node.operations.interactions import log_interaction, plan_step, set_request_state
from branch_node.operations.withdrawing import withdraw_interaction
from branch_node.web.client_timeline import card_url
from branch_node.web.context import context_of
from branch_node.web.interaction_forms import (
    NEXT_DAYS,
    NEXT_TITLES,
    TEMPLATES,
    id_in,
    shown_fields,
    step_of_form,
    talk_of_form,
)
from branch_node.web.leave import failure_of, status_with
from branch_node.web.people import guarded, signed_in
from shared.domain.business_time import MICROSECONDS
from shared.domain.dictionaries import UNREACHED_CODES
from shared.domain.identifiers import format_id, is_id, parse_id
from shared.domain.interactions import (
    BODY_CHARACTERS_MAX,
    QUOTE_CHARACTERS_MAX,
    SUBJECT_CHARACTERS_MAX,
    Channel,
)
from shared.domain.permissions import Permission
from shared.domain.timeline import Shown, TimelinePage
from shared.errors import FilialError, InvalidInput, NotFound
from shared.web.pages import render
from shared.web.request_state import Notice
from shared.web.security import text_of
from shared.web.site import see_other
from shared.web.timeline import view_of
from shared.web.timeline_rows import CHANNELS, REQUEST_STATES, SENTIMENTS, Links
from shared.web.translations import lazy_text as _

STARTED_SECONDS_MAX = 4 * 60 * 60
"""A call that was begun longer ago is timed by nobody any more."""

OUTCOME_KEYS = "1234567890"
THEME_KEYS = "QWERTYUIOP"
COMPETITOR_KEYS = "ASDFGHJKL"
NEXT_KEYS = "ZXCV"
"""Keys of the chips, by their place on the keyboard, while no text is typed."""


def client_of_path(request: Request) -> bytes:
    """The client in the address. Raises NotFound."""
    text = request.path_params["id"]
    if not is_id(text):
        raise NotFound("There is no such client here.", "Look for them by phone or name.")
    return parse_id(text)


def page(request: Request, error: FilialError | None = None) -> Response:
    """`/clients/ID/calls/new`: `channel`, `direction`, `task`, `contact`, `corrects`; `started` is since when."""
    context, client_id = context_of(request), client_of_path(request)
    corrects = id_in(text_of(request, "corrects") or request.query_params.get("corrects", ""))
    desk = read_desk(context.store, signed_in(request), client_id, corrects)
    channel = _channel(request, desk)
    return render(
        request,
        "interaction_new.html",
        status_code=status_with(error),
        failure=failure_of(error),
        client=desk.client,
        client_id=format_id(client_id),
        words=desk.words,
        tasks=[(format_id(each.task_id), each) for each in desk.tasks],
        channel=channel,
        parts=TEMPLATES[channel],
        next_days=NEXT_DAYS,
        next_titles=NEXT_TITLES,
        typed=shown_fields(request, desk.corrected, channel),
        corrected=desk.corrected,
        record_id=_record_id(request),
        started_seconds=_started_seconds(request),
        may_override=signed_in(request).may(Permission.CONTACT_OVERRIDE),
        unreached=UNREACHED_CODES,
        keys={"outcome": OUTCOME_KEYS, "theme": THEME_KEYS, "competitor": COMPETITOR_KEYS, "next": NEXT_KEYS},
        limits={"subject": SUBJECT_CHARACTERS_MAX, "body": BODY_CHARACTERS_MAX, "quote": QUOTE_CHARACTERS_MAX},
        back=card_url(client_id),
        channels=CHANNELS,
        states=REQUEST_STATES,
        sentiments=SENTIMENTS,
        **_last_spoken(request, desk, client_id),
    )


def _last_spoken(request: Request, desk: Desk, client_id: bytes) -> dict[str, Any]:
    links = Links(format_id(client_id), context_of(request).store.node()[0].branch_id)
    last = TimelinePage(desk.last, None)
    return view_of(request, signed_in(request), last, desk.words, Shown.ALL, desk.zone, "", links)


def log(request: Request) -> Response:
    """POST: logs it, once for the form's `record`; with `do=plan` only the next step is planned."""
    context, actor, client_id = context_of(request), signed_in(request), client_of_path(request)
    try:
        if text_of(request, "do") == "plan":
            step = step_of_form(request, text_of(request, "channel") or Channel.CALL)
            if step is None:
                raise InvalidInput("Say when the next step is.", "Choose a day.")
            plan_step(context.store, context.commit, actor, client_id, step)
            return see_other(request, card_url(client_id), Notice(_("The next step is planned.")))
        talk = talk_of_form(request, client_id)
        record = id_in(text_of(request, "record"))
        logged = log_interaction(context.store, context.commit, actor, talk, record)
    except FilialError as error:
        return page(request, error)
    said = _("It is logged, and the next step planned.") if logged.task_id else _("It is logged.")
    undo = {"record": format_id(logged.interaction_id)}
    notice = Notice(said, f"/clients/{format_id(client_id)}/calls/undo", undo)
    return see_other(request, card_url(client_id), notice)


def undo_log(request: Request) -> Response:
    """POST `record`: what was logged a moment ago is taken back, with the next step that came of it."""
    context, record = context_of(request), id_in(text_of(request, "record"))
    if record is None:
        raise NotFound("There is no such record of this branch.", "Load the page anew.")
    withdraw_interaction(context.commit, signed_in(request), record)
    return see_other(request, card_url(client_of_path(request)), Notice(_("Taken back.")))


def start(request: Request) -> Response:
    """POST `channel`, `contact`, `reason`: a call or letter begins, if it may; then its page counts the time."""
    context, client_id = context_of(request), client_of_path(request)
    channel, contact = text_of(request, "channel") or Channel.CALL, text_of(request, "contact")
    try:
        start_contact(context.store, context.commit, signed_in(request), client_id, channel, text_of(request, "reason"))
    except FilialError as error:
        return page(request, error)
    started = context.clock.now_us() // MICROSECONDS
    query = f"channel={channel}&direction=out&started={started}"
    query += f"&contact={contact}" if contact.isascii() and contact.isdigit() else ""
    return see_other(request, f"/clients/{format_id(client_id)}/calls/new?{query}")


def request_state(request: Request) -> Response:
    """POST `task`, `state`: how far a service request has come."""
    context, client_id = context_of(request), client_of_path(request)
    task_id = id_in(text_of(request, "task"))
    if task_id is None:
        raise NotFound("There is no such request of this client.")
    set_request_state(context.store, context.commit, signed_in(request), client_id, task_id, text_of(request, "state"))
    return see_other(request, card_url(client_id), Notice(_("The request’s state is changed.")))


def _channel(request: Request, desk: Desk) -> str:
    if desk.corrected is not None:
        return desk.corrected.channel if desk.corrected.channel in TEMPLATES else Channel.NOTE
    asked = text_of(request, "channel") or request.query_params.get("channel", "")
    return asked if asked in TEMPLATES else Channel.CALL


def _record_id(request: Request) -> str:
    """The id under which the form is logged, however often it is sent."""
    kept = text_of(request, "record")
    return kept if is_id(kept) else format_id(context_of(request).store.ids.new_id())


def _started_seconds(request: Request) -> int | None:
    """For how long the call has gone on; None when none was begun."""
    text = request.query_params.get("started", "")
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        return None
    seconds = context_of(request).clock.now_us() // MICROSECONDS - int(text)
    return seconds if 0 <= seconds <= STARTED_SECONDS_MAX else None


_LOG = Permission.INTERACTION_LOG
ROUTES = (
    guarded("/clients/{id}/calls/new", page, _LOG),
    guarded("/clients/{id}/calls/new", log, _LOG, ("POST",)),
    guarded("/clients/{id}/calls/undo", undo_log, _LOG, ("POST",)),
    guarded("/clients/{id}/calls/start", start, _LOG, ("POST",)),
    guarded("/clients/{id}/requests/state", request_state, _LOG, ("POST",)),
)
