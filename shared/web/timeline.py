"""A client's timeline as people read it: the words for what is on it, alike on the branch's pages and HQ's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from starlette.requests import Request

from shared.domain.dictionaries import Dictionaries, Dictionary, names_of_terms
from shared.domain.interactions import Channel, Interaction, Sentiment
from shared.domain.masking import mask_phone
from shared.domain.permissions import Actor, Permission
from shared.domain.tasks import TaskState, TaskType
from shared.domain.timeline import LetterEntry, Shown, SpokenEntry, TimelineEntry, TimelinePage
from shared.web.request_state import state_of
from shared.web.translations import LazyText
from shared.web.translations import lazy_text as _

CHANNELS: Final[Mapping[str, LazyText]] = {
    Channel.CALL: _("Call"),
    Channel.EMAIL: _("E-mail"),
    Channel.MESSAGE: _("Message"),
    Channel.VISIT: _("Visit"),
    Channel.SERVICE_REQUEST: _("Request"),
    Channel.NOTE: _("Note"),
}
STATES: Final[Mapping[str, LazyText]] = {
    TaskState.OPEN: _("open"),
    TaskState.IN_PROGRESS: _("in progress"),
    TaskState.WAITING: _("waiting"),
    TaskState.DONE: _("done"),
    TaskState.CANCELLED: _("cancelled"),
}
SENTIMENTS: Final[Mapping[str, LazyText]] = {
    Sentiment.POSITIVE: _("good"),
    Sentiment.NEUTRAL: _("neutral"),
    Sentiment.NEGATIVE: _("bad"),
}
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
TASK_TYPES: Final[Mapping[str, LazyText]] = {
    TaskType.CALL: _("Call"),
    TaskType.VISIT: _("Visit"),
    TaskType.EMAIL: _("E-mail"),
    TaskType.MESSAGE: _("Message"),
    TaskType.SERVICE_REQUEST: _("Request"),
}
LETTER_STATES: Final[Mapping[str, LazyText]] = {
    "": _("waits to be sent"),
    "waiting": _("waits to be sent"),
    "sent": _("sent"),
    "failed": _("not sent"),
    "uncertain": _("perhaps sent"),
    "refused": _("not sent: the client does not want it"),
    "received": _("has come"),
}
CONSENTS: Final[Mapping[str, LazyText]] = {
    "consent_data": _("to keep personal data"),
    "consent_advertising": _("to be sent advertising"),
}


def shown_of(text: str) -> Shown:
    """What an address asks for; everything when it asks for nothing known."""
    return Shown(text) if text in set(Shown) else Shown.ALL


def view_of(
    request: Request, actor: Actor, page: TimelinePage, words: Dictionaries, shown: Shown, zone: str, base_url: str
) -> dict[str, Any]:
    """What the template `timeline_entries.html` needs. `base_url` is the page's address without a question."""
    query = f"?shown={shown}" if shown is not Shown.ALL else ""
    further = f"{base_url}{query}{'&' if query else '?'}after={page.further}" if page.further else ""
    return {
        "entries": [_as_seen(actor, entry) for entry in page.entries],
        "further_url": further,
        "shown": shown,
        "filters": [
            (f"{base_url}?shown={name}" if name != Shown.ALL else base_url, name, label)
            for name, label in FILTERS.items()
        ],
        "is_first": not request.query_params.get("after"),
        "zone": zone,
        "names": names_of_terms(words, state_of(request).language),
        "targets": {term.code for term in words[Dictionary.OUTCOME] if term.is_target},
        "channels": CHANNELS,
        "states": STATES,
        "sentiments": SENTIMENTS,
        "task_types": TASK_TYPES,
        "letter_states": LETTER_STATES,
        "consents": CONSENTS,
    }


def _address(base_url: str, name: str) -> str:
    return base_url if name == Shown.ALL else f"{base_url}?shown={name}"


def _as_seen(actor: Actor, entry: TimelineEntry) -> TimelineEntry:
    """The entry as the actor may see it: contacts and notes are masked for who may not see them."""
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
