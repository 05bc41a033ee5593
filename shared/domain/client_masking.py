"""What of a client's card an employee sees: everything, a little of it, or nothing."""

from __future__ import annotations

from typing import Final

from shared.domain.cards import Value
from shared.domain.masking import mask_name, mask_phone
from shared.domain.permissions import Actor, Permission

CONTACT_FIELDS: Final = frozenset({"emails", "note", "address", "birthday", "tax_number"})
"""What nobody sees who may not see contacts."""

MASKED_FIELDS: Final = frozenset({"name", "phones", "external_id", "loyalty_number"})
"""Of these such a person sees enough to tell two clients apart."""


def hidden_fields(actor: Actor) -> frozenset[str]:
    """Fields of a client's card of which the actor sees nothing."""
    return actor.hidden_fields if actor.may(Permission.CLIENT_CONTACTS) else actor.hidden_fields | CONTACT_FIELDS


def masked_fields(actor: Actor) -> frozenset[str]:
    """Fields of which the actor sees a part, and may not change what he does not see."""
    return frozenset() if actor.may(Permission.CLIENT_CONTACTS) else MASKED_FIELDS - actor.hidden_fields


def as_seen_by(actor: Actor, field: str, value: Value) -> Value:
    """The value of a field as the actor may see it; None for what is hidden."""
    if field in hidden_fields(actor):
        return None
    if field not in masked_fields(actor):
        return value
    match value:
        case str():
            return mask_name(value) if field == "name" else mask_phone(value)
        case tuple():
            return tuple(mask_phone(each) for each in value)
    return value
