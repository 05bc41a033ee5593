"""Duplicates of the whole chain: proposed pairs, the preview of a merge, and the way back."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from hq_server.operations import client_merging
from hq_server.operations.client_merging import BY_RULE, ClientMerging
from hq_server.web.context import context_of
from hq_server.web.forms import Failure, id_of_path, or_again, status, texts_of
from hq_server.web.signed_in import actor_of, guarded
from shared.domain.identifiers import format_id, is_id, parse_id
from shared.domain.permissions import Permission, require
from shared.errors import NotFound
from shared.operations.client_merging import names_of
from shared.web.merge_words import ShownMerge, after_address, ids_of, show_fields, show_merges, show_pairs, show_reasons
from shared.web.pages import render
from shared.web.request_state import Notice
from shared.web.security import text_of
from shared.web.site import see_other
from shared.web.translations import lazy_text as _

PAGE = "/clients/duplicates"
KEY_CHARACTERS_MAX = 300


def page(request: Request, failure: Failure | None = None) -> Response:
    """`/clients/duplicates?after=`: pairs of the whole chain, and merges that can be taken back."""
    context, actor = context_of(request), actor_of(request)
    with context.store.read() as connection:
        after = request.query_params.get("after", "")[:KEY_CHARACTERS_MAX]
        found = client_merging.proposals(connection, actor, after)
        done = _shown_merges(request, connection)
    return render(
        request,
        "client_duplicates_list.html",
        status_code=status(failure),
        failure=failure,
        lead=_("Cards of the whole chain that may be of one client, also those made in two branches."),
        proposals=show_pairs(found.proposals, actor.may(Permission.CLIENT_CONTACTS)),
        after_url=after_address(PAGE, found.after),
        done=done,
    )


def preview(request: Request, failure: Failure | None = None) -> Response:
    """`/clients/{id}/merge?with=…`: both cards field by field."""
    context, actor = context_of(request), actor_of(request)
    survivor_id, loser_id = id_of_path(request), _other(request)
    with context.store.read() as connection:
        found = client_merging.preview(connection, actor, survivor_id, loser_id, _taken(request))
        names = names_of(connection, ids_of(found.plans))
    return render(
        request,
        "client_merge.html",
        status_code=status(failure),
        failure=failure,
        points=found.score.points,
        reasons=show_reasons(found.score),
        fields=show_fields(found.plans, names, context.chain.timezone, actor.hidden_fields),
        survivor={"id": format_id(survivor_id)},
        loser={"id": format_id(loser_id)},
        seen=found.seen,
    )


@or_again(preview)
def merge(request: Request) -> Response:
    """POST `with`, `take`, `seen`."""
    survivor_id, loser_id, taken, seen = id_of_path(request), _other(request), _taken(request), text_of(request, "seen")
    command = _do(request, lambda merging: merging.merge(survivor_id, loser_id, taken, seen))
    undo = f"/clients/{format_id(loser_id)}/unmerge"
    notice = Notice(_("The two cards are one client now."), undo, {"command": command.hex()})
    return see_other(request, PAGE, notice)


@or_again(page)
def unmerge(request: Request) -> Response:
    """POST `command`."""
    loser_id = id_of_path(request)
    command = text_of(request, "command")
    _do(request, lambda merging: merging.unmerge(loser_id, _command(command)))
    return see_other(request, PAGE, Notice(_("The two cards are two clients again.")))


def different(request: Request) -> Response:
    """POST `with`."""
    one, other = id_of_path(request), _other(request)
    _do(request, lambda merging: merging.say_different(one, other))
    undo = f"/clients/{format_id(one)}/not-different"
    notice = Notice(_("These two will not be proposed again."), undo, {"with": format_id(other)})
    return see_other(request, PAGE, notice)


def not_different(request: Request) -> Response:
    """POST `with`."""
    one, other = id_of_path(request), _other(request)
    _do(request, lambda merging: merging.unsay_different(one, other))
    return see_other(request, PAGE, Notice(_("These two are proposed again.")))


def _do(request: Request, act: Any) -> Any:
    context, actor = context_of(request), actor_of(request)
    return context.change(lambda connection, now_us: act(ClientMerging(connection, context.ids, now_us, actor)))


def _shown_merges(request: Request, connection: Any) -> list[ShownMerge]:
    context, actor = context_of(request), actor_of(request)
    done = client_merging.merges_that_hold(connection, actor)
    names = names_of(connection, {each.survivor_id for each in done} | {each.author for each in done})
    in_full = actor.may(Permission.CLIENT_CONTACTS)
    by_rule = {BY_RULE: str(_("by the rule: same phone, same name"))}
    return show_merges(done, names | by_rule, context.chain.timezone, is_here=False, may_undo=in_full, in_full=in_full)


def _taken(request: Request) -> list[str]:
    return texts_of(request, "take") or request.query_params.getlist("take")


def _other(request: Request) -> bytes:
    for permission in client_merging.NEEDED:
        require(actor_of(request), permission)
    text = text_of(request, "with") or request.query_params.get("with", "")
    if not is_id(text):
        raise NotFound("There is no such client here.", "Look for them by phone or name.")
    return parse_id(text)


def _command(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise NotFound("There is no such merge.", "Look at the list of duplicates.") from None


ROUTES = (
    guarded(PAGE, page),
    guarded("/clients/{id}/merge", preview),
    guarded("/clients/{id}/merge", merge, "POST"),
    guarded("/clients/{id}/unmerge", unmerge, "POST"),
    guarded("/clients/{id}/different", different, "POST"),
    guarded("/clients/{id}/not-different", not_different, "POST"),
)
