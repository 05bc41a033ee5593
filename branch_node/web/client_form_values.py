"""A client's fields as a form shows them, and what came back of it. Contains no checks of what they say."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo

from starlette.requests import Request

from branch_node.operations.client_editing import RULED_FIELDS
from branch_node.operations.client_looking import ClientView, find_company
from branch_node.web.context import context_of
from shared.domain.business_time import local_moment
from shared.domain.cards import Value
from shared.domain.clients import CONSENTS
from shared.domain.permissions import Actor, Permission
from shared.errors import InvalidInput
from shared.web.client_words import type_birthday
from shared.web.security import form_of, text_of

LIST_FIELDS: Final = ("phones", "emails")
PERSON_FIELDS: Final = ("birthday", "position", "company_id")
TEXT_FIELDS: Final = (
    "name", "kind", "birthday", "address", "language", "preferences", "note", "position", "tax_number", "external_id",
    "loyalty_number", "do_not_contact_reason", "group", "tier", "consent_data_source", "consent_advertising_source",
)  # fmt: skip
FORM_FIELDS: Final = (
    *LIST_FIELDS, *TEXT_FIELDS, "tags", "company_id", "do_not_contact", *(name for each in CONSENTS for name in each)
)  # fmt: skip
YES, NO, UNKNOWN = "yes", "no", ""


def form_state(seen: ClientView, zone: str) -> dict[str, str]:
    """Each field's text in the form; without what the viewer may not see, or sees in part."""
    blind = seen.hidden | seen.masked
    return {name: form_text(name, seen.fields.get(name), seen, zone) for name in FORM_FIELDS if name not in blind}


def form_text(name: str, value: Value, seen: ClientView | None, zone: str) -> str:
    """One field's text: several phones one a line, tags with commas, a consent as yes or no, a moment as its day."""
    match value:
        case tuple():
            return (", " if name == "tags" else "\n").join(value)
        case bool():
            return YES if value else NO if name != "do_not_contact" else UNKNOWN
        case bytes():
            return seen.company.name if seen and seen.company and name == "company_id" else ""
        case int():
            return local_moment(value, zone).business_date.isoformat()
        case str():
            return type_birthday(value) if name == "birthday" else value
    return UNKNOWN


def typed_texts(request: Request) -> dict[str, str]:
    """What the form sent, as it was typed; of fields that were not in it, nothing."""
    form = form_of(request)
    return {name: text_of(request, name) for name in FORM_FIELDS if name in form}


def given_fields(request: Request, actor: Actor, seen: ClientView | None) -> dict[str, Any]:
    """The fields that the form sent, as operations take them. Raises InvalidInput."""
    typed, given = typed_texts(request), dict[str, Any]()
    zone = context_of(request).store.node()[0].timezone
    for name, text in typed.items():
        if name in LIST_FIELDS:
            given[name] = [part for part in text.replace(",", "\n").replace(";", "\n").splitlines() if part.strip()]
        elif name == "tags":
            given[name] = text.split(",")
        elif name in TEXT_FIELDS:
            given[name] = text or None
    if not actor.may(Permission.CLIENT_IMPORT):
        given = {name: value for name, value in given.items() if name not in RULED_FIELDS}
    if "do_not_contact_reason" in typed:
        given["do_not_contact"] = typed.get("do_not_contact") == YES
    for consent in CONSENTS:
        if consent.given in typed:
            given[consent.given] = {YES: True, NO: False}.get(typed[consent.given])
        day = typed.get(consent.at, "")
        if day and day != text_of(request, f"{consent.at}_was"):
            given[consent.at] = _start_of(day, zone)
    given |= _company_typed(request, seen, typed)
    return given


def _company_typed(request: Request, seen: ClientView | None, typed: dict[str, str]) -> dict[str, Any]:
    """The company by its name; the one that stands in the form already is not looked for."""
    if "company_id" not in typed:
        return {}
    name = typed["company_id"]
    if not name:
        return {"company_id": None}
    if seen is not None and seen.company is not None and seen.company.name == name:
        return {"company_id": seen.fields.get("company_id")}
    return {"company_id": find_company(context_of(request).store, name)}


def _start_of(day: str, zone: str) -> int:
    try:
        begun = datetime.combine(date.fromisoformat(day), time(), ZoneInfo(zone))
    except ValueError:
        raise InvalidInput("The consent's date is no date.", "Write it as the calendar shows it.") from None
    return int(begun.timestamp()) * 1_000_000
