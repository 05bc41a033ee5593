"""Writing a client's card: a new one, a contact of a company, and other values of fields.

The form carries what its reader saw of each field (`versions`): of a field that a colleague changed meanwhile the page
says so, and asks again.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from branch_node.operations import client_editing, client_looking
from branch_node.operations.client_looking import ClientView
from branch_node.web.client_form_values import FORM_FIELDS, form_state, given_fields, typed_texts
from branch_node.web.client_panels import client_at, value_shower, who
from branch_node.web.clients import POLL_MS, client_id_of, undoable
from branch_node.web.context import context_of
from branch_node.web.leave import failure_of, status_with
from branch_node.web.people import guarded, signed_in
from shared.domain.clients import ClientKind
from shared.domain.identifiers import format_id, is_id, parse_id
from shared.domain.permissions import Permission
from shared.errors import FilialError, StaleEdit
from shared.operations.clients import client_fields
from shared.web.client_words import FIELD_LABELS, KINDS, LANGUAGES
from shared.web.pages import render
from shared.web.request_state import Notice
from shared.web.security import text_of
from shared.web.site import see_other
from shared.web.translations import gettext
from shared.web.translations import lazy_text as _


def new(request: Request, error: FilialError | None = None) -> Response:
    """`/clients/new`; `kind=company` is a company's, `company=ID` a contact of that company, `phone` known already."""
    actor = signed_in(request)
    asked, typed = request.query_params, typed_texts(request)
    kind = typed.get("kind") or asked.get("kind") or ClientKind.PERSON.value
    company = _company_asked(request)
    values = dict.fromkeys(FORM_FIELDS, "") | {"phones": asked.get("phone", ""), "name": asked.get("name", "")}
    if company is not None:
        values["company_id"] = company.name
    return _render(
        request,
        error,
        values=values | typed | {"kind": kind},
        seen=None,
        company=company,
        title=_("New contact") if company else _("New company") if kind == ClientKind.COMPANY else _("New client"),
        may_rule=actor.may(Permission.CLIENT_IMPORT),
    )


def create(request: Request) -> Response:
    """POST the fields; `company` is the company whose contact it is."""
    context, actor = context_of(request), signed_in(request)
    try:
        given = given_fields(request, actor, None)
        if is_id(text_of(request, "company")):
            given["company_id"] = parse_id(text_of(request, "company"))
        country = context.settings.phone_country
        client_id = client_editing.create_client(context.store, context.commit, actor, given, country)
    except FilialError as error:
        return new(request, error)
    url = f"/clients/{format_id(client_id)}"
    return see_other(request, url, Notice(_("The client is added."), f"{url}/archive", {"archived": "1"}))


def edit(request: Request, error: FilialError | None = None) -> Response:
    """`/clients/ID/edit`."""
    client_id = client_id_of(request)
    seen = client_at(request, client_id)
    zone = context_of(request).store.node()[0].timezone
    values, marks = form_state(seen, zone), dict[str, str]()
    if error is not None:
        typed = typed_texts(request)
        before = client_editing.parse_versions(text_of(request, "versions"))
        if isinstance(error, StaleEdit):
            values, marks = _merged_form(request, seen, values, typed, before)
        else:
            values = values | typed
    versions = seen.versions
    if error is not None and not isinstance(error, StaleEdit):
        # What was not saved was not compared either: the next try still is by what was seen at first.
        versions = client_editing.parse_versions(text_of(request, "versions"))
    return _render(
        request,
        error,
        values=values,
        seen=seen,
        marks=marks,
        versions=client_editing.format_versions(versions),
        company=None,
        title=seen.name or _("a client without a name"),
        may_rule=signed_in(request).may(Permission.CLIENT_IMPORT),
    )


def save(request: Request) -> Response:
    """POST the fields and `versions`."""
    context, actor, client_id = context_of(request), signed_in(request), client_id_of(request)
    try:
        given = given_fields(request, actor, client_at(request, client_id))
        versions = client_editing.parse_versions(text_of(request, "versions"))
        country = context.settings.phone_country
        changed = client_editing.edit_client(context.commit, actor, client_id, given, country, versions)
    except FilialError as error:
        request.scope["state"].pop("client", None)
        return edit(request, error)
    notice = undoable(request, client_id, _("Saved.")) if changed else Notice(_("Nothing was changed."))
    return see_other(request, f"/clients/{format_id(client_id)}", notice)


def _merged_form(
    request: Request, seen: ClientView, values: dict[str, str], typed: dict[str, str], before: dict[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """What was typed where it differs from what is there; of what a colleague changed meanwhile, who and to what."""
    changed = [name for name in values if before.get(name, "") != seen.versions.get(name, "")]
    show = value_shower(request, [seen.fields.get(name) for name in changed])
    edits = client_looking.past_edits(context_of(request).store, signed_in(request), seen.client_id)
    kept, marks = dict(values), {}
    untouched = client_editing.untouched_fields(before, _normalized(request, seen))
    for name, text in typed.items():
        if name in untouched or text == values.get(name):
            continue
        kept[name] = text
        if name in changed:
            by = next((who(each.place) for each in edits if any(one.field == name for one in each.changes)), "")
            marks[name] = gettext("%(who)s changed it to “%(value)s” meanwhile.") % {
                "who": by,
                "value": show(name, seen.fields.get(name)),
            }
    return kept, marks


def _normalized(request: Request, seen: ClientView) -> dict[str, Any]:
    actor, country = signed_in(request), context_of(request).settings.phone_country
    return dict(client_fields(given_fields(request, actor, seen), country))


def _company_asked(request: Request) -> ClientView | None:
    text = text_of(request, "company") or request.query_params.get("company", "")
    if not is_id(text):
        return None
    return client_looking.look_at_client(context_of(request).store, signed_in(request), parse_id(text))


def _render(request: Request, error: FilialError | None, **values: Any) -> Response:
    seen: ClientView | None = values["seen"]
    # A new card is the work of whoever types it; of one that is there, fields that are not seen are not shown.
    blind = seen.hidden | seen.masked if seen else frozenset[str]()
    shown: dict[str, Any] = {"marks": {}, "versions": "", **values, "blind": blind}
    company: ClientView | None = values["company"]
    return render(
        request,
        "client_form.html",
        status_code=status_with(error),
        failure=failure_of(error),
        labels=FIELD_LABELS,
        kinds=list(KINDS.items()),
        languages=[("", ""), *LANGUAGES.items()],
        is_company=shown["values"].get("kind") == ClientKind.COMPANY,
        company_id=format_id(company.client_id) if company else "",
        client_id=format_id(seen.client_id) if seen else "",
        revision=seen.revision if seen else "",
        poll_ms=POLL_MS,
        **shown,
    )


ROUTES: tuple[Any, ...] = (
    guarded("/clients/new", new, Permission.CLIENT_EDIT),
    guarded("/clients/new", create, Permission.CLIENT_EDIT, methods=["POST"]),
    guarded("/clients/{id}/edit", edit, Permission.CLIENT_EDIT),
    guarded("/clients/{id}/edit", save, Permission.CLIENT_EDIT, methods=["POST"]),
)
