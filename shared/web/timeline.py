"""A client's timeline as people read it: the words for what is on it, alike on the branch's pages and HQ's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from starlette.requests import Request

from shared.domain.dictionaries import Dictionaries, Dictionary, names_of_terms
from shared.domain.interactions import Interaction
from shared.domain.masking import mask_phone
from shared.domain.permissions import Actor, Permission
from shared.domain.timeline import LetterEntry, Shown, SpokenEntry, TimelineEntry, TimelinePage
from shared.web.request_state import state_of
from shared.web.timeline_rows import Links, Words, shown_entries
from shared.web.translations import LazyText
from shared.web.translations import lazy_text as _

FILTERS: Final[Mapping[str, LazyText]] = {
    Shown.ALL: _("Everything"),
    Shown.TOLD: _("What the client was told"),
    Shown.PURCHASES: _("Purchases"),
    Shown.CALLS: _("Calls"),
    Shown.LETTERS: _("Letters"),
    Shown.MESSAGES: _("Messages"),
    Shown.VISITS: _("Visits"),
    Shown.REQUESTS: _("Requests"),
    Shown.TASKS: _("Tasks"),
    Shown.CHANGES: _("Changes"),
}


def shown_of(text: str) -> Shown:
    """What an address asks for; everything when it asks for nothing known."""
    return Shown(text) if text in set(Shown) else Shown.ALL


def view_of(
    request: Request,
    actor: Actor,
    page: TimelinePage,
    words: Dictionaries,
    shown: Shown,
    zone: str,
    base_url: str,
    links: Links,
) -> dict[str, Any]:
    """What the template `timeline_entries.html` needs. `base_url` is the page's address without a question."""
    query = f"?shown={shown}" if shown is not Shown.ALL else ""
    further = f"{base_url}{query}{'&' if query else '?'}after={page.further}" if page.further else ""
    names = names_of_terms(words, state_of(request).language)
    targets = frozenset(term.code for term in words[Dictionary.OUTCOME] if term.is_target)
    return {
        "entries": shown_entries(_as_seen(actor, page.entries), Words(names, targets, zone), links),
        "further_url": further,
        "shown": shown,
        "filters": [(_address(base_url, name), name, label) for name, label in FILTERS.items()],
        "is_first": not request.query_params.get("after"),
        "links": links,
        "zone": zone,
    }


def _address(base_url: str, name: str) -> str:
    return base_url if name == Shown.ALL else f"{base_url}?shown={name}"


def _as_seen(actor: Actor, entries: Sequence[TimelineEntry]) -> Sequence[TimelineEntry]:
    """The entries as the actor may see them: contacts and notes are masked for who may not see them."""
    if actor.may(Permission.CLIENT_CONTACTS) and not actor.hidden_fields:
        return entries
    return [_entry_as_seen(actor, entry) for entry in entries]


def _entry_as_seen(actor: Actor, entry: TimelineEntry) -> TimelineEntry:
    what = entry.what
    if isinstance(what, SpokenEntry):
        earlier = tuple(_said_as_seen(actor, each) for each in what.earlier)
        return entry._replace(what=what._replace(said=_said_as_seen(actor, what.said), earlier=earlier))
    if isinstance(what, LetterEntry):
        sees = actor.may(Permission.CLIENT_CONTACTS) and "emails" not in actor.hidden_fields
        return entry if sees else entry._replace(what=what._replace(address=_masked(what.address)))
    return entry


def _said_as_seen(actor: Actor, said: Interaction) -> Interaction:
    field = "emails" if "@" in said.contact else "phones"
    if not actor.may(Permission.CLIENT_CONTACTS) or field in actor.hidden_fields:
        said = replace(said, contact=_masked(said.contact))
    if "note" in actor.hidden_fields:
        said = replace(said, body="", points=tuple(point._replace(quote="") for point in said.points))
    return said


def _masked(contact: str) -> str:
    return f"•••{contact[contact.index('@') :]}" if "@" in contact else mask_phone(contact)
