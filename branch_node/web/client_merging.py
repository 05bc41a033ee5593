"""Duplicates at a branch: proposed pairs, the preview of a merge, the way back, and the warning while one types."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from branch_node.operations import client_merging
from branch_node.web.context import context_of
from branch_node.web.leave import failure_of, status_with
from branch_node.web.people import guarded, signed_in
from shared.domain.clients import normalize_email, normalize_phone
from shared.domain.duplicates import Likeness
from shared.domain.identifiers import NIL_ID, format_id, is_id, parse_id
from shared.domain.permissions import Permission
from shared.errors import FilialError, InvalidInput, NotFound, NotPermitted
from shared.operations.client_merging import MergeDone
from shared.web.merge_words import (
    ShownMerge,
    after_address,
    ids_of,
    show_client,
    show_fields,
    show_merges,
    show_pairs,
    show_reasons,
)
from shared.web.pages import render
from shared.web.request_state import Notice
from shared.web.security import form_of, text_of
from shared.web.site import see_other
from shared.web.translations import lazy_text as _

PAGE = "/clients/duplicates"
KEY_CHARACTERS_MAX = 300
TYPED_CHARACTERS_MAX = 200


def page(request: Request, error: FilialError | None = None) -> Response:
    """`/clients/duplicates?after=`: clients known here who may be one, and merges that can be taken back."""
    context, actor = context_of(request), signed_in(request)
    found = client_merging.proposals(context.store, actor, request.query_params.get("after", "")[:KEY_CHARACTERS_MAX])
    return render(
        request,
        "client_duplicates_list.html",
        status_code=status_with(error),
        failure=failure_of(error),
        lead=_("Cards known in this shop that may be of one client. The head office looks over the whole chain."),
        proposals=show_pairs(found.proposals, actor.may(Permission.CLIENT_CONTACTS)),
        after_url=after_address(PAGE, found.after),
        done=_shown_merges(request, client_merging.merges_that_hold(context.store, actor)),
    )


def preview(request: Request, error: FilialError | None = None) -> Response:
    """`/clients/ID/merge?with=ID2`: both cards field by field; `take` names fields to take over."""
    context, actor = context_of(request), signed_in(request)
    survivor_id, loser_id = _id(request.path_params["id"]), _id(_asked(request, "with"))
    found = client_merging.preview(context.store, actor, survivor_id, loser_id, _taken(request))
    names = client_merging.names_of(context.store, ids_of(found.plans))
    return render(
        request,
        "client_merge.html",
        status_code=status_with(error),
        failure=failure_of(error),
        points=found.score.points,
        reasons=show_reasons(found.score),
        fields=show_fields(found.plans, names, context.store.node()[0].timezone, actor.hidden_fields),
        survivor={"id": format_id(survivor_id)},
        loser={"id": format_id(loser_id)},
        seen=found.seen,
    )


def merge(request: Request) -> Response:
    """POST `with`, `take`, `seen`."""
    context, actor = context_of(request), signed_in(request)
    survivor_id, loser_id = _id(request.path_params["id"]), _id(text_of(request, "with"))
    try:
        command = client_merging.merge(
            context.store, context.commit, actor, survivor_id, loser_id, _taken(request), text_of(request, "seen")
        )
    except (NotPermitted, NotFound, InvalidInput):
        raise
    except FilialError as error:
        return preview(request, error)
    undo = f"/clients/{format_id(loser_id)}/unmerge"
    notice = Notice(_("The two cards are one client now."), undo, {"command": command.hex()})
    return see_other(request, PAGE, notice)


def unmerge(request: Request) -> Response:
    """POST `command`: the merge of this card is taken back; what was changed since stays."""
    context, actor = context_of(request), signed_in(request)
    command = text_of(request, "command")
    try:
        client_merging.unmerge(context.commit, actor, _id(request.path_params["id"]), _command(command))
    except (NotPermitted, NotFound):
        raise
    except FilialError as error:
        return page(request, error)
    return see_other(request, PAGE, Notice(_("The two cards are two clients again.")))


def different(request: Request) -> Response:
    """POST `with`: the two are never proposed again."""
    context, actor = context_of(request), signed_in(request)
    one, other = _id(request.path_params["id"]), _id(text_of(request, "with"))
    client_merging.say_different(context.commit, actor, one, other)
    undo = f"/clients/{format_id(one)}/not-different"
    return see_other(
        request, PAGE, Notice(_("These two will not be proposed again."), undo, {"with": format_id(other)})
    )


def not_different(request: Request) -> Response:
    """POST `with`: takes that back."""
    context, actor = context_of(request), signed_in(request)
    other = _id(text_of(request, "with"))
    client_merging.unsay_different(context.commit, actor, _id(request.path_params["id"]), other)
    return see_other(request, PAGE, Notice(_("These two are proposed again.")))


def panel(request: Request) -> Response:
    """`/clients/ID/duplicates`: a part of the client's card – who may be the same, and what was merged into it."""
    return render(request, "client_duplicates.html", **panel_values(request, _id(request.path_params["id"])))


def panel_values(request: Request, client_id: bytes) -> dict[str, Any]:
    """What that part shows."""
    context, actor = context_of(request), signed_in(request)
    in_full = actor.may(Permission.CLIENT_CONTACTS)
    found = client_merging.proposals_of(context.store, actor, client_id)
    merges = client_merging.merges_into(context.store, actor, client_id)
    return {
        "client_id": format_id(client_id),
        "pairs": show_pairs(found, in_full),
        "done": _shown_merges(request, merges, is_here=True),
        "may_merge": actor.may(Permission.CLIENT_MERGE),
    }


def similar(request: Request) -> Response:
    """`/clients/similar?phone=&email=&name=&tax_number=&except=`: a part of the form of a new client."""
    context, actor = context_of(request), signed_in(request)
    found = client_merging.similar_to(context.store, actor, _typed(request, context.settings.phone_country))
    in_full = actor.may(Permission.CLIENT_CONTACTS)
    shown = [(show_client(each.other, in_full), show_reasons(each.score)) for each in found]
    return render(request, "client_similar.html", found=shown)


def _typed(request: Request, country: str) -> Likeness:
    """What was typed so far; what is no phone or e-mail yet is passed over."""
    query = request.query_params

    def given(*names: str) -> list[str]:
        texts = [text.strip() for name in names for text in query.getlist(name)]
        return [part for text in texts for part in text[:TYPED_CHARACTERS_MAX].splitlines() if part.strip()]

    phones = {number for text in given("phone", "phones") if (number := _or_none(normalize_phone, text, country))}
    emails = {address for text in given("email", "emails") if (address := _or_none(normalize_email, text))}
    known = query.get("except", "")
    return Likeness(
        parse_id(known) if is_id(known) else NIL_ID,
        " ".join(given("name")),
        query.get("kind") or "person",
        tuple(sorted(phones)),
        tuple(sorted(emails)),
        "".join(given("tax_number")),
        "".join(given("loyalty_number")),
        "".join(given("birthday")),
    )


def _or_none(normalize: Any, *texts: str) -> str | None:
    try:
        normal: str = normalize(*texts)
    except FilialError:
        return None
    return normal


def _shown_merges(request: Request, done: list[MergeDone], is_here: bool = False) -> list[ShownMerge]:
    context, actor = context_of(request), signed_in(request)
    in_full = actor.may(Permission.CLIENT_CONTACTS)
    names = client_merging.names_of(context.store, {each.survivor_id for each in done} | {each.author for each in done})
    zone = context.store.node()[0].timezone
    return show_merges(done, names, zone, is_here, actor.may(Permission.CLIENT_MERGE), in_full)


def _taken(request: Request) -> list[str]:
    values = form_of(request).getlist("take") or request.query_params.getlist("take")
    return [value for value in values if isinstance(value, str)]


def _asked(request: Request, name: str) -> str:
    return request.query_params.get(name, "") or text_of(request, name)


def _id(text: str) -> bytes:
    if not is_id(text):
        raise NotFound("There is no such client here.", "Look for them by phone or name.")
    return parse_id(text)


def _command(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise NotFound(
            "There is no such merge.", "Look at the client's card: merges that hold are listed there."
        ) from None


ROUTES = (
    guarded(PAGE, page, Permission.CLIENT_MERGE, of_one_moment=True),
    guarded("/clients/similar", similar, Permission.CLIENT_EDIT),
    guarded("/clients/{id}/merge", preview, Permission.CLIENT_MERGE, of_one_moment=True),
    guarded("/clients/{id}/merge", merge, Permission.CLIENT_MERGE, methods=["POST"]),
    guarded("/clients/{id}/unmerge", unmerge, Permission.CLIENT_MERGE, methods=["POST"]),
    guarded("/clients/{id}/different", different, Permission.CLIENT_MERGE, methods=["POST"]),
    guarded("/clients/{id}/not-different", not_different, Permission.CLIENT_MERGE, methods=["POST"]),
    guarded("/clients/{id}/duplicates", panel, Permission.CLIENT_VIEW, of_one_moment=True),
)
