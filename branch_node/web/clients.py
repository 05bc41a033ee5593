"""A client's card: looking at it, what changed on it, archiving, taking back, deciding between two values.

Contains no forms of its fields: those are in client_forms.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from branch_node.operations import client_editing, client_looking
from branch_node.web.client_form_values import form_state
from branch_node.web.client_panels import client_at, edit_texts, show_panels, who
from branch_node.web.context import context_of
from branch_node.web.leave import failure_of, status_with
from branch_node.web.people import guarded, signed_in
from shared.domain.identifiers import format_id, is_id, parse_id
from shared.domain.permissions import Permission
from shared.errors import FilialError, NotFound
from shared.web.client_words import field_label
from shared.web.pages import render
from shared.web.request_state import Notice
from shared.web.security import text_of
from shared.web.site import see_other
from shared.web.translations import lazy_text as _

EDITS_SHOWN_MAX = 50
POLL_MS = 300
"""How often an open card asks whether a colleague changed it: within a second it is seen."""


def client_id_of(request: Request) -> bytes:
    """The client in the page's address. Raises NotFound."""
    text = request.path_params["id"]
    if not is_id(text):
        raise NotFound("There is no such client here.", "Look for them by phone or name.")
    return parse_id(text)


def page(request: Request, error: FilialError | None = None) -> Response:
    """`/clients/ID`."""
    client_id = client_id_of(request)
    seen = client_at(request, client_id)
    return render(
        request,
        "client.html",
        status_code=status_with(error),
        failure=failure_of(error),
        panels=show_panels(request, client_id),
        poll_ms=POLL_MS,
        news=None,
        **_head(request, client_id),
        seen=seen,
    )


def revision(request: Request) -> Response:
    """`/clients/ID/revision?seen=REVISION`: 204 while the card is as it was; else what is live of it now.

    With `as=form`, JSON of the fields as the form shows them, with who changed each.
    """
    context, actor, client_id = context_of(request), signed_in(request), client_id_of(request)
    now = client_looking.read_revision(context.store, actor, client_id)
    if now == request.query_params.get("seen"):
        return Response(status_code=204)
    if request.query_params.get("as") == "form":
        return JSONResponse(_form_news(request, client_id), headers={"Cache-Control": "no-store"})
    edits = client_looking.past_edits(context.store, actor, client_id)
    others = edits[:1] if edits and edits[0].edit.author != actor.employee_id else []
    # Whoever looks at the open card has seen it.
    client_looking.changed_since_looked(context.store, actor, client_id)
    return render(
        request,
        "client.html",
        block="card",
        failure=None,
        panels=show_panels(request, client_id, live_alone=True),
        poll_ms=POLL_MS,
        news=edit_texts(request, others),
        **_head(request, client_id),
        seen=client_at(request, client_id),
    )


def _head(request: Request, client_id: bytes) -> dict[str, Any]:
    seen, actor = client_at(request, client_id), signed_in(request)
    survivor = seen.survivor
    return {
        "client_id": format_id(client_id),
        "may_edit": actor.may(Permission.CLIENT_EDIT),
        "may_log": actor.may(Permission.INTERACTION_LOG),
        "survivor_url": f"/clients/{format_id(survivor.client_id)}" if survivor else "",
    }


def _form_news(request: Request, client_id: bytes) -> dict[str, Any]:
    context, actor = context_of(request), signed_in(request)
    seen = client_at(request, client_id)
    zone = context.store.node()[0].timezone
    texts = form_state(seen, zone)
    by: dict[str, str] = {}
    for each in client_looking.past_edits(context.store, actor, client_id):
        for change in each.changes:
            by.setdefault(change.field, who(each.place))
    fields = {
        name: {
            "version": seen.versions.get(name, ""),
            "value": text,
            "by": by.get(name, ""),
            "label": field_label(name),
        }
        for name, text in texts.items()
    }
    return {"revision": seen.revision, "fields": fields}


def changes(request: Request) -> Response:
    """`/clients/ID/changes`: what changed, newest first; `after=ID` goes on behind an edit."""
    context, client_id = context_of(request), client_id_of(request)
    found = client_looking.past_edits(context.store, signed_in(request), client_id)
    after = request.query_params.get("after", "")
    places = [number for number, each in enumerate(found) if format_id(each.edit.command_id) == after]
    rest = found[places[0] + 1 :] if places else found
    shown = rest[:EDITS_SHOWN_MAX]
    return render(
        request,
        "client_changes.html",
        edits=edit_texts(request, shown),
        further=f"?after={format_id(shown[-1].edit.command_id)}" if len(rest) > len(shown) else "",
        zone=context.store.node()[0].timezone,
        seen=client_at(request, client_id),
        client_id=format_id(client_id),
    )


def archive(request: Request) -> Response:
    """POST `archived`: 1 puts the card away, anything else takes it back."""
    context, client_id = context_of(request), client_id_of(request)
    away = text_of(request, "archived") == "1"
    try:
        client_editing.archive_client(context.commit, signed_in(request), client_id, away)
    except FilialError as error:
        return page(request, error)
    url = f"/clients/{format_id(client_id)}"
    said = _("The card is put away.") if away else _("The card is back.")
    return see_other(request, url, Notice(said, f"{url}/archive", {"archived": "" if away else "1"}))


def undo(request: Request) -> Response:
    """POST `edit`: what that edit changed is as before."""
    context, client_id, edit = context_of(request), client_id_of(request), text_of(request, "edit")
    try:
        if not is_id(edit):
            raise NotFound("There is no such change here.", "Look at what changed.")
        client_editing.undo_edit(context.commit, signed_in(request), client_id, parse_id(edit))
    except FilialError as error:
        return page(request, error)
    return see_other(request, f"/clients/{format_id(client_id)}", undoable(request, client_id, _("It is as before.")))


def decide(request: Request) -> Response:
    """POST `field`, and `version` of the value to keep; without it what is shown stays."""
    context, client_id, version = context_of(request), client_id_of(request), text_of(request, "version")
    try:
        chosen = parse_id(version) if is_id(version) else None
        client_editing.decide_field(context.commit, signed_in(request), client_id, text_of(request, "field"), chosen)
    except FilialError as error:
        return page(request, error)
    return see_other(request, f"/clients/{format_id(client_id)}", Notice(_("Decided.")))


def undoable(request: Request, client_id: bytes, said: Any) -> Notice:
    """A notice that offers to take back what one has just changed."""
    made = client_editing.last_edit(context_of(request).store, signed_in(request), client_id)
    url = f"/clients/{format_id(client_id)}/undo"
    return Notice(said) if made is None else Notice(said, url, {"edit": format_id(made)})


def _post(path: str, view: Any) -> Any:
    return guarded(path, view, Permission.CLIENT_EDIT, methods=["POST"])


ROUTES: tuple[Any, ...] = (
    guarded("/clients/{id}", page, Permission.CLIENT_VIEW, of_one_moment=True),
    guarded("/clients/{id}/revision", revision, Permission.CLIENT_VIEW, asks_by_itself=True, of_one_moment=True),
    guarded("/clients/{id}/changes", changes, Permission.CLIENT_VIEW, of_one_moment=True),
    _post("/clients/{id}/archive", archive),
    _post("/clients/{id}/undo", undo),
    _post("/clients/{id}/decide", decide),
)
