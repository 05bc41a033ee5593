"""The panels that a client's card is made of: each a function that gives a template its values, and who sees it.

A panel's template has a block `panel`; it may be a page of its own as well. Panels that are `is_live` are put anew when
a colleague changes the card.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from markupsafe import Markup
from starlette.requests import Request

from branch_node.operations import client_looking
from branch_node.operations.client_glance import glance_at
from branch_node.operations.client_looking import ClientView, Edit, Place
from branch_node.web import client_files, client_merging, client_tasks, client_timeline, letters
from branch_node.web.context import context_of
from branch_node.web.people import signed_in
from shared.domain.cards import Value
from shared.domain.clients import CONSENTS
from shared.domain.identifiers import format_id
from shared.domain.permissions import Permission
from shared.web.client_words import field_label, show_value
from shared.web.pages import pages_of
from shared.web.translations import gettext

MAIN, SIDE, TOP = "main", "side", "top"

Values = Mapping[str, Any]


class Panel(NamedTuple):
    """`view` gives what the template needs, or None where there is nothing to show. `place` is MAIN, SIDE or TOP;
    `block` is that of the template which stands in the panel."""

    name: str
    permission: Permission
    template: str
    view: Callable[[Request, bytes], Values | None]
    place: str = MAIN
    is_live: bool = False
    block: str = "panel"


class ShownPanel(NamedTuple):
    """A panel as HTML."""

    name: str
    place: str
    is_live: bool
    html: Markup


def client_at(request: Request, client_id: bytes) -> ClientView:
    """The card as whoever asks may see it, looked up once a request. Raises NotFound."""
    known: dict[str, Any] = request.scope["state"]
    if "client" not in known or known["client"].client_id != client_id:
        known["client"] = client_looking.look_at_client(context_of(request).store, signed_in(request), client_id)
    found: ClientView = known["client"]
    return found


def show_panels(request: Request, client_id: bytes, live_alone: bool = False) -> list[ShownPanel]:
    """The panels that whoever asks may see, in their order."""
    actor, pages, shown = signed_in(request), pages_of(request), []
    for panel in PANELS:
        if not actor.may(panel.permission) or (live_alone and not panel.is_live):
            continue
        values = panel.view(request, client_id)
        if values is not None or panel.is_live:
            # An empty one keeps its place on the page: something may come.
            html = "" if values is None else pages.text(request, panel.template, block=panel.block, **values)
            shown.append(ShownPanel(panel.name, panel.place, panel.is_live, Markup(html)))  # noqa: S704 - a template's.
    return shown


def who(place: Place) -> str:
    """Who changed something, and where, as people say it."""
    if place.is_head_office:
        return place.person or gettext("head office")
    person = place.person or gettext("an employee")
    if place.is_here:
        return person if place.person else gettext("somebody at this branch")
    branch = place.branch or gettext("another branch")
    return f"{person}, {branch}"


def value_shower(request: Request, values: Iterable[Value]) -> Callable[[str, Value], str]:
    """A function that shows values of fields; `values` are those whose ids it will be asked for."""
    context = context_of(request)
    ids = [value for value in values if isinstance(value, bytes)]
    names = client_looking.names_of_ids(context.store, signed_in(request), ids) if ids else {}
    zone = context.store.node()[0].timezone
    return lambda field, value: show_value(field, value, zone, lambda identity: names.get(identity, ""))


def edit_texts(request: Request, edits: Iterable[Edit]) -> list[dict[str, Any]]:
    """Past edits for a template: who, when, and of each field its label, before and after."""
    listed = list(edits)
    changes = [change for each in listed for change in each.changes]
    show = value_shower(request, [value for change in changes for value in (change.before, change.after)])
    return [
        {
            "id": format_id(each.edit.command_id),
            "who": who(each.place),
            "at_us": each.edit.at_us,
            "changes": [
                {
                    "field": change.field,
                    "label": field_label(change.field),
                    "before": show(change.field, change.before),
                    "after": show(change.field, change.after),
                    "was_there": change.before not in (None, ()),
                    "dispute": str(change.dispute),
                }
                for change in each.changes
            ],
        }
        for each in listed
    ]


def since_panel(request: Request, client_id: bytes) -> Values | None:
    """What others changed since one last opened the card; from now on it is seen."""
    found = client_looking.changed_since_looked(context_of(request).store, signed_in(request), client_id)
    if not found:
        return None
    zone = context_of(request).store.node()[0].timezone
    return {"edits": edit_texts(request, found), "zone": zone, "client_id": format_id(client_id)}


def disputes_panel(request: Request, client_id: bytes) -> Values | None:
    """Fields that have several values, and the way to decide."""
    seen = client_at(request, client_id)
    if not seen.disputed:
        return None
    show = value_shower(request, [each.value for field in seen.disputed for each in field.values])
    actor = signed_in(request)
    fields = [
        {
            "field": field.field,
            "label": field_label(field.field),
            "is_union": field.is_union,
            "may_decide": actor.may(Permission.CLIENT_EDIT) and field.field not in seen.masked,
            "values": [
                {
                    "id": format_id(each.version_id),
                    "text": show(field.field, each.value),
                    "who": who(each.place),
                    "at_us": each.at_us,
                    "is_shown": each.is_shown,
                }
                for each in field.values
            ],
        }
        for field in seen.disputed
    ]
    zone = context_of(request).store.node()[0].timezone
    return {"fields": fields, "zone": zone, "client_id": format_id(client_id)}


def glance_panel(request: Request, client_id: bytes) -> Values:
    """Purchases, average receipt, favourites, the last visit, points."""
    context, actor = context_of(request), signed_in(request)
    node = context.store.node()[0]
    return {
        "glance": glance_at(context.store, actor, client_id),
        "currency": node.currency,
        "zone": node.timezone,
        "client_id": format_id(client_id),
    }


DETAILS = (
    "phones", "emails", "birthday", "address", "language", "company_id", "position", "tax_number", "preferences",
    "note", "external_id", "loyalty_number", "group", "tier",
)  # fmt: skip
"""What the card says of a client, in this order; tags, consents and the owner have their own places."""


def details_panel(request: Request, client_id: bytes) -> Values:
    """Everything else that the card says."""
    seen = client_at(request, client_id)
    show = value_shower(request, seen.fields.values())
    told = [
        (name, field_label(name), show(name, seen.fields[name]))
        for name in DETAILS
        if seen.fields.get(name) not in (None, (), "")
    ]
    consents = [
        {
            "label": field_label(consent.given),
            "given": seen.fields.get(consent.given),
            "source": seen.fields.get(consent.source) or "",
            "at_us": seen.fields.get(consent.at),
        }
        for consent in CONSENTS
    ]
    company = seen.company
    return {
        "told": told,
        "consents": consents,
        "hidden": [field_label(name) for name in DETAILS if name in seen.hidden],
        "company_url": f"/clients/{format_id(company.client_id)}" if company and company.name else "",
        "seen": seen,
        "zone": context_of(request).store.node()[0].timezone,
    }


def contacts_panel(request: Request, client_id: bytes) -> Values | None:
    """The people of a company."""
    seen = client_at(request, client_id)
    if not seen.is_company:
        return None
    return {
        "contacts": [(format_id(each.client_id), each) for each in seen.contacts],
        "shown_max": client_looking.CONTACTS_MAX,
        "client_id": format_id(client_id),
        "may_edit": signed_in(request).may(Permission.CLIENT_EDIT) and not seen.is_archived,
    }


def duplicates_panel(request: Request, client_id: bytes) -> Values | None:
    """Who may be the same client, and which cards were merged into this one."""
    found = client_merging.panel_values(request, client_id)
    return found if found["pairs"] or found["done"] else None


def tasks_panel(request: Request, client_id: bytes) -> Values:
    """The client's tasks; their forms lead back to the card."""
    return {**client_tasks.client_tasks(request, client_id), "card_address": f"/clients/{format_id(client_id)}"}


PANELS: tuple[Panel, ...] = (
    Panel("since", Permission.CLIENT_VIEW, "client_since.html", since_panel, TOP),
    Panel("disputes", Permission.CLIENT_VIEW, "client_disputes.html", disputes_panel, TOP, is_live=True),
    Panel("details", Permission.CLIENT_VIEW, "client_details.html", details_panel, SIDE, is_live=True),
    Panel("glance", Permission.CLIENT_VIEW, "client_glance.html", glance_panel),
    Panel("contacts", Permission.CLIENT_VIEW, "client_contacts.html", contacts_panel, is_live=True),
    Panel("duplicates", Permission.CLIENT_MERGE, "client_duplicates.html", duplicates_panel, TOP),
    Panel("tasks", Permission.CLIENT_VIEW, "client_tasks.html", tasks_panel, is_live=True),
    Panel("timeline", Permission.CLIENT_VIEW, "client_timeline.html", client_timeline.panel, block="timeline"),
    Panel("letters", Permission.CLIENT_CONTACTS, "client_letters.html", letters.panel),
    Panel("files", Permission.CLIENT_VIEW, "client_files.html", client_files.files_panel, SIDE),
)
"""In the order of the page."""
