"""Clients: the list that answers while one types, those of the whole chain, and opening a card for service."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from branch_node.operations.client_access import is_known_here, open_client, serve_client
from branch_node.operations.client_export import EXPORT_ROWS_MAX, FileFormat, export_clients
from branch_node.operations.client_lists import (
    LISTED_MAX,
    ClientPage,
    ClientQuery,
    Whose,
    labels_in_use,
    list_clients,
    place_of,
)
from branch_node.operations.client_search import find_in_chain
from branch_node.web.context import context_of
from branch_node.web.leave import failure_of, status_with
from branch_node.web.people import guarded, signed_in
from branch_node.web.sale import is_part
from shared.domain.client_matching import CodeForm, is_number
from shared.domain.identifiers import format_id, is_id, parse_id
from shared.domain.permissions import Permission
from shared.errors import FilialError, InvalidInput, NotFound, NotPermitted, Refused
from shared.web.pages import render
from shared.web.security import text_of
from shared.web.translations import LazyText
from shared.web.translations import lazy_text as _

CHAIN_SHOWN_MAX = 20

MEDIA_TYPES = {
    FileFormat.CSV: "text/csv; charset=utf-8",
    FileFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

WHOSE: dict[Whose, LazyText] = {
    Whose.ALL: _("All clients of the shop"),
    Whose.TEAM: _("My team’s clients"),
    Whose.MINE: _("My clients"),
}


def page(request: Request) -> Response:
    """`/clients?q=&whose=&tag=&group=&archived=1&after=ID`; the list alone for the page's script."""
    context, actor = context_of(request), signed_in(request)
    asked, failure = query_asked(request), None
    try:
        found = list_clients(context.store, actor, asked)
    except InvalidInput as error:
        found, failure = ClientPage((), None, (Whose.ALL,)), failure_of(error)
    values = {
        "asked": asked,
        "found": found,
        "failure": failure,
        "kept": _kept(asked),
        "further": _address(asked, after=format_id(found.next_key[1])) if found.next_key else "",
        "first": _address(asked) if asked.after else "",
        "number": asked.text if is_number(asked.text) else "",
        "zone": context.store.node()[0].timezone,
        "shown_max": LISTED_MAX,
    }
    if is_part(request):
        return render(request, "clients.html", block="results", **values)
    return render(
        request,
        "clients.html",
        whose_options=[(each.value, WHOSE[each]) for each in found.whose],
        tags=[("", _("any tag")), *_options(labels_in_use(context.store, CodeForm.TAG))],
        groups=[("", _("any group")), *_options(labels_in_use(context.store, CodeForm.GROUP))],
        may_edit=actor.may(Permission.CLIENT_EDIT),
        may_export=actor.may(Permission.CLIENT_EXPORT),
        **values,
    )


def chain(request: Request) -> Response:
    """`/clients/chain?q=`: clients of other branches, asked of the head office within its limit of time."""
    context, actor = context_of(request), signed_in(request)
    text = request.query_params.get("q", "").strip()
    found, failure, is_away = [], None, False
    try:
        if text:
            found = find_in_chain(context.ask_head_office, actor, text, CHAIN_SHOWN_MAX)
    except (InvalidInput, Refused) as error:
        failure, is_away = failure_of(error), isinstance(error, Refused)
    here = {each.reference for each in found if is_known_here(context.store, parse_id(each.reference))}
    return render(
        request,
        "clients_chain.html",
        block="results" if is_part(request) else "",
        text=text,
        found=found,
        here=here,
        failure=failure,
        is_away=is_away,
        number=text if is_number(text) else "",
    )


def open_for_service(request: Request) -> Response:
    """POST `number`: opens the card of a client of somebody else's by the full number that the client gave."""
    client_id = id_asked(request)
    return _opened(
        request,
        lambda: open_client(context_of(request).store, signed_in(request), client_id, text_of(request, "number")),
    )


def serve(request: Request) -> Response:
    """POST `number`: a client of another branch is served here, and known here from then on."""
    context, actor, number = context_of(request), signed_in(request), text_of(request, "number")
    reference = format_id(id_asked(request))
    return _opened(request, lambda: serve_client(context.store, context.ask_head_office, actor, reference, number))


def _opened(request: Request, act: Any) -> Response:
    try:
        act()
    except (NotPermitted, Refused, NotFound, InvalidInput) as error:
        return _refused(request, error)
    client_id = id_asked(request)
    known = is_known_here(context_of(request).store, client_id)
    return RedirectResponse(f"/clients/{format_id(client_id)}{'' if known else '/arriving'}", status_code=303)


def _refused(request: Request, error: FilialError) -> Response:
    return render(
        request,
        "client_refused.html",
        status_code=status_with(error),
        failure=failure_of(error),
        action=request.url.path,
        number=text_of(request, "number"),
        asks_number=isinstance(error, NotPermitted),
    )


def arriving(request: Request) -> Response:
    """`/clients/ID/arriving`: waits for a card that the head office sends, and goes there."""
    client_id = id_asked(request)
    address = f"/clients/{format_id(client_id)}"
    if not is_known_here(context_of(request).store, client_id):
        return render(request, "client_arriving.html", block="waiting" if is_part(request) else "", address=address)
    if is_part(request):
        return Response(status_code=204, headers={"HX-Redirect": address})
    return RedirectResponse(address, status_code=303)


def export_form(request: Request, error: FilialError | None = None) -> Response:
    """`/clients/export?…`: as what the list of that address is saved."""
    actor, asked = signed_in(request), query_asked(request)
    return render(
        request,
        "clients_export.html",
        status_code=status_with(error),
        failure=failure_of(error),
        kept=_kept(asked),
        may_override=actor.may(Permission.CONTACT_OVERRIDE),
        reason=text_of(request, "reason") if request.method == "POST" else "",
        rows_max=EXPORT_ROWS_MAX,
    )


def export(request: Request) -> Response:
    """POST `format`, `reason`: the file."""
    context, actor = context_of(request), signed_in(request)
    file_format = FileFormat.XLSX if text_of(request, "format") == FileFormat.XLSX else FileFormat.CSV
    try:
        found = export_clients(context.store, actor, query_asked(request), file_format, text_of(request, "reason"))
    except (NotPermitted, InvalidInput, Refused) as error:
        return export_form(request, error)
    headers = {
        "Content-Disposition": f'attachment; filename="clients.{file_format}"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(found.data, media_type=MEDIA_TYPES[file_format], headers=headers)


def id_asked(request: Request) -> bytes:
    """The client's id in the page's address. Raises NotFound."""
    text = request.path_params["id"]
    if not is_id(text):
        raise NotFound("There is no such client here.", "Look for them by phone or name.")
    return parse_id(text)


def query_asked(request: Request) -> ClientQuery:
    """What the page's address asks for; what makes no sense is left out."""
    asked = request.query_params
    whose, after = asked.get("whose", ""), asked.get("after", "")
    place = place_of(context_of(request).store, parse_id(after)) if is_id(after) else None
    return ClientQuery(
        asked.get("q", "").strip(),
        Whose(whose) if whose in frozenset(map(str, Whose)) else Whose.ALL,
        asked.get("tag", ""),
        asked.get("group", ""),
        bool(asked.get("archived")),
        place,
    )


def _options(labels: list[str]) -> list[tuple[str, str]]:
    return [(label, label) for label in labels]


def _kept(asked: ClientQuery) -> dict[str, str]:
    """The address's parameters that say the same."""
    values = {"q": asked.text, "whose": "" if asked.whose is Whose.ALL else str(asked.whose), "tag": asked.tag}
    values |= {"group": asked.group, "archived": "1" if asked.archived else ""}
    return {name: value for name, value in values.items() if value}


def _address(asked: ClientQuery, **more: str) -> str:
    return "/clients?" + urlencode({**_kept(asked), **more})


ROUTES = (
    guarded("/clients", page, Permission.CLIENT_VIEW, of_one_moment=True),
    guarded("/clients/chain", chain, Permission.CLIENT_VIEW),
    guarded("/clients/export", export_form, Permission.CLIENT_EXPORT),
    guarded("/clients/export", export, Permission.CLIENT_EXPORT, ("POST",)),
    guarded("/clients/{id}/open", open_for_service, Permission.CLIENT_VIEW, ("POST",)),
    guarded("/clients/{id}/serve", serve, Permission.CLIENT_VIEW, ("POST",)),
    guarded("/clients/{id}/arriving", arriving, Permission.CLIENT_VIEW, asks_by_itself=True),
)
