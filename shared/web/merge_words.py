"""What the pages about duplicates and merging say, at a branch and at the head office alike: reasons, fields, values.

Contains no rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from shared.domain.cards import Value
from shared.domain.duplicates import WEIGHTS, Likeness, Reason, Score
from shared.domain.identifiers import format_id
from shared.domain.masking import HIDDEN, mask_name, mask_phone
from shared.domain.merging import FieldPlan, Kept
from shared.web.formats import format_moment
from shared.web.translations import LazyText
from shared.web.translations import lazy_text as _

REASONS: dict[str, LazyText] = {
    Reason.SAME_TAX_NUMBER: _("the same tax number"),
    Reason.SAME_LOYALTY_NUMBER: _("the same card number"),
    Reason.SAME_PHONE: _("the same phone"),
    Reason.SAME_EMAIL: _("the same e-mail"),
    Reason.SAME_NAME: _("the same name"),
    Reason.ALIKE_NAME: _("names alike"),
    Reason.SAME_BIRTHDAY: _("the same birthday"),
    Reason.SAME_COMPANY: _("the same company"),
    Reason.OTHER_NAME: _("other names"),
    Reason.OTHER_BIRTHDAY: _("other birthdays"),
    Reason.OTHER_TAX_NUMBER: _("other tax numbers"),
    Reason.OTHER_KIND: _("a person and a company"),
}

FIELDS: dict[str, LazyText] = {
    "external_id": _("Number elsewhere"),
    "name": _("Client’s name"),
    "phones": _("Phones"),
    "emails": _("E-mails"),
    "note": _("Note"),
    "do_not_contact": _("Wants no contact"),
    "group": _("Group"),
    "tier": _("Loyalty tier"),
    "kind": _("Person or company"),
    "birthday": _("Birthday"),
    "preferences": _("Preferences"),
    "tags": _("Tags"),
    "address": _("Address"),
    "language": _("Language"),
    "tax_number": _("Tax number"),
    "loyalty_number": _("Card number"),
    "company_id": _("Company"),
    "position": _("Position"),
    "owner_id": _("Looked after by"),
    "consent_data": _("Consent to personal data"),
    "consent_data_source": _("… given how"),
    "consent_data_at": _("… when"),
    "consent_advertising": _("Consent to advertising"),
    "consent_advertising_source": _("… given how"),
    "consent_advertising_at": _("… when"),
    "do_not_contact_reason": _("… why"),
    "no_next_step": _("Why there is no next step"),
}

KEPT: dict[str, LazyText] = {
    Kept.SAME: _("stays"),
    Kept.OWN: _("stays"),
    Kept.FILLED: _("filled in"),
    Kept.UNITED: _("united"),
    Kept.CHOSEN: _("taken over"),
    Kept.STRICTER: _("the stricter one"),
}

_KINDS: dict[str, LazyText] = {"person": _("person"), "company": _("company")}
_YES, _NO, _KEPT_SECRET = _("yes"), _("no"), _("hidden for your role")


class ShownReason(NamedTuple):
    """A reason in words, with its weight and that as it is written."""

    text: LazyText
    points: int
    weight: str


class ShownClient(NamedTuple):
    """A client of a proposal, masked for who may not see contacts."""

    id: str
    name: str
    contacts: tuple[str, ...]


class ShownPair(NamedTuple):
    """A proposal as a page shows it."""

    one: ShownClient
    other: ShownClient
    points: int
    reasons: tuple[ShownReason, ...]


class ShownField(NamedTuple):
    """A field of a merge's preview: both values and what is kept, as texts; `why` in a word."""

    field: str
    name: LazyText | str
    own: str
    other: str
    kept: str
    why: LazyText
    can_choose: bool
    is_chosen: bool
    changes: bool
    is_empty: bool


def show_reasons(score: Score) -> tuple[ShownReason, ...]:
    """Why, the weightiest first as they come."""
    return tuple(
        ShownReason(REASONS[each], WEIGHTS[each], f"{WEIGHTS[each]:+d}".replace("-", "−")) for each in score.reasons
    )


def show_client(client: Likeness, in_full: bool) -> ShownClient:
    """Name and ways to reach, masked unless `in_full`."""
    phones = client.phones if in_full else tuple(mask_phone(each) for each in client.phones)
    emails = client.emails if in_full else tuple(HIDDEN for _each in client.emails)
    name = client.name if in_full else mask_name(client.name)
    return ShownClient(format_id(client.client_id), name, (*phones, *emails))


def show_pairs(proposals: Iterable[tuple[Likeness, Likeness, Score]], in_full: bool) -> list[ShownPair]:
    """Proposals for a page."""
    return [
        ShownPair(show_client(one, in_full), show_client(other, in_full), score.points, show_reasons(score))
        for one, other, score in proposals
    ]


def show_fields(
    plans: Iterable[FieldPlan], names: Mapping[bytes, str], zone: str, hidden: frozenset[str] = frozenset()
) -> list[ShownField]:
    """The preview's rows: every field, also those that are empty on both cards."""
    return [_show_field(plan, names, zone, plan.field in hidden) for plan in plans]


def ids_of(plans: Iterable[FieldPlan]) -> set[bytes]:
    """The ids that a preview shows by names."""
    return {value for plan in plans for value in (plan.own, plan.other, plan.kept) if isinstance(value, bytes)}


def _show_field(plan: FieldPlan, names: Mapping[bytes, str], zone: str, is_hidden: bool) -> ShownField:
    def show(value: Value) -> str:
        return str(_KEPT_SECRET) if is_hidden and value else show_value(plan.field, value, names, zone)

    return ShownField(
        plan.field,
        FIELDS.get(plan.field, plan.field),
        show(plan.own),
        show(plan.other),
        show(plan.kept),
        KEPT[plan.why],
        plan.can_choose,
        plan.why is Kept.CHOSEN,
        plan.kept != plan.own,
        plan.is_empty,
    )


def show_value(field: str, value: Value, names: Mapping[bytes, str], zone: str) -> str:
    """A field's value as people read it; "" for nothing."""
    match value:
        case None | () | "":
            return ""
        case bool():
            return str(_YES if value else _NO)
        case int():
            return format_moment(value, zone) if field.endswith("_at") else str(value)
        case bytes():
            return names.get(value, format_id(value))
        case tuple():
            return ", ".join(value)
        case _:
            return str(_KINDS.get(value, value)) if field == "kind" else value


class ShownMerge(NamedTuple):
    """A merge in a list, with what its way back needs."""

    loser_id: str
    name: str
    survivor_name: str
    command: str
    at: str
    who: str
    is_here: bool
    may_undo: bool


def show_merges(
    done: Iterable[Any], names: Mapping[bytes, str], zone: str, is_here: bool, may_undo: bool, in_full: bool
) -> list[ShownMerge]:
    """Merges for a page; `is_here` on the survivor's own."""
    shown = (lambda name: name) if in_full else mask_name
    return [
        ShownMerge(
            format_id(each.loser_id),
            shown(each.loser_name),
            shown(names.get(each.survivor_id, "")),
            each.command_id.hex(),
            format_moment(each.at_ms * 1_000, zone),
            names.get(each.author, ""),
            is_here,
            may_undo,
        )
        for each in done
    ]


def after_address(path: str, after: str) -> str:
    """The link that goes on in a list; "" at its end."""
    return f"{path}?{urlencode({'after': after})}" if after else ""
