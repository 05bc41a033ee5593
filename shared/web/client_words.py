"""What the fields of a client's card are called, and their values as people read them; for both programs' pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Final

from shared.domain.cards import Value
from shared.web.formats import format_date, format_moment
from shared.web.translations import LazyText
from shared.web.translations import lazy_text as _

FIELD_LABELS: Final[dict[str, LazyText]] = {
    "name": _("Client’s name"),
    "kind": _("Kind of client"),
    "phones": _("Phones"),
    "emails": _("E-mails"),
    "birthday": _("Birthday"),
    "address": _("Address"),
    "language": _("Language spoken"),
    "tags": _("Tags"),
    "preferences": _("Preferences"),
    "note": _("Note about the client"),
    "company_id": _("Company"),
    "position": _("Position in the company"),
    "tax_number": _("Tax number"),
    "external_id": _("Client number"),
    "loyalty_number": _("Loyalty card"),
    "group": _("Group for promotions"),
    "tier": _("Tier for points"),
    "owner_id": _("Looked after by"),
    "consent_data": _("Consent: personal data"),
    "consent_data_source": _("Personal data: how the consent was given"),
    "consent_data_at": _("Personal data: since when"),
    "consent_advertising": _("Consent: advertising"),
    "consent_advertising_source": _("Advertising: how the consent was given"),
    "consent_advertising_at": _("Advertising: since when"),
    "do_not_contact": _("Do not contact"),
    "do_not_contact_reason": _("Why no contact"),
    "no_next_step": _("Why there is no next step"),
    "archived": _("Archived"),
    "merged_into": _("Merged into"),
}
KINDS: Final[dict[str, LazyText]] = {"person": _("person"), "company": _("company")}
LANGUAGES: Final[dict[str, LazyText]] = {"ru": _("Russian"), "en": _("English")}
YES, NO, NOTHING = _("yes"), _("no"), _("nothing")


def field_label(field: str) -> str:
    """What a field is called; of a newer release, its own name."""
    return str(FIELD_LABELS.get(field, field))


def show_value(field: str, value: Value, zone: str, name_of: Callable[[bytes], str]) -> str:
    """A field's value in the language of the page; “nothing” for none. `name_of` says whose an id is."""
    match value:
        case None | "" | ():
            return str(NOTHING)
        case bool():
            return str(YES if value else NO)
        case bytes():
            return name_of(value) or str(_("somebody not known here"))
        case tuple():
            return ", ".join(value)
        case int():
            return format_moment(value, zone) if field.endswith("_at") else str(value)
    if field == "birthday":
        return show_birthday(value)
    words = KINDS if field == "kind" else LANGUAGES if field == "language" else {}
    return str(words.get(value, value))


def show_birthday(kept: str) -> str:
    """`1984-12-31` as a date, `--12-31` as `31.12`."""
    if kept.startswith("--"):
        month, day = kept[2:].split("-")
        return f"{day}.{month}"
    try:
        return format_date(date.fromisoformat(kept))
    except ValueError:
        return kept


def type_birthday(kept: str) -> str:
    """The same as it stands in a form: `31.12.1984`, in any language."""
    if kept.startswith("--"):
        return show_birthday(kept)
    return ".".join(reversed(kept.split("-")))
