"""Which clients somebody's lists show, and what of a client's card somebody sees. Contains no storage.

Lists follow a role's client scope; for service any client may be opened by a full phone or card number, see
branch_node.operations.client_access. What a role hides is masked or left out wherever a client is shown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, NamedTuple

from shared.domain.masking import mask_name, mask_phone
from shared.domain.permissions import Actor, ClientScope, Permission
from shared.domain.positions import Positions, team_of

CONTACT_FIELDS: Final = frozenset({"phones", "emails", "note", "address", "birthday", "preferences"})
"""What whoever may not see contacts does not see, besides the whole name."""


class Substitution(NamedTuple):
    """Somebody looks after another's clients for some days, both included, since 1970-01-01."""

    employee_id: bytes
    substitute_id: bytes
    valid_from: int | None
    valid_to: int | None
    archived: bool = False

    def covers(self, day: int) -> bool:
        """Whether it holds on that day."""
        if self.archived:
            return False
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)


def substituted_by(substitutions: Iterable[Substitution], employee_id: bytes, day: int) -> set[bytes]:
    """Whose clients somebody looks after on a day in their place."""
    return {each.employee_id for each in substitutions if each.substitute_id == employee_id and each.covers(day)}


class Reach(NamedTuple):
    """Whose clients an employee's lists show: `mine` with those whom one substitutes, `team` with everybody below one;
    `everybody` whether those of all others too."""

    mine: frozenset[bytes]
    team: frozenset[bytes]
    everybody: bool

    @property
    def owners(self) -> frozenset[bytes] | None:
        """The owners whose clients are listed; None for all clients that are known."""
        return None if self.everybody else self.team

    def shows(self, owner_id: bytes | None) -> bool:
        """Whether lists show a client of that owner."""
        return self.everybody or owner_id in self.team


EVERYBODY: Final = Reach(frozenset(), frozenset(), True)


def reach_of(
    employee_id: bytes, scope: ClientScope, tree: Positions, substitutions: Iterable[Substitution], day: int
) -> Reach:
    """What an employee of that scope reaches on a day. Of the scope `own` the team is nobody but oneself."""
    mine = frozenset({employee_id} | substituted_by(substitutions, employee_id, day))
    below = frozenset() if scope is ClientScope.OWN else frozenset(team_of(tree, employee_id, day))
    return Reach(mine, mine | below, scope in (ClientScope.BRANCH, ClientScope.CHAIN))


def hidden_from(actor: Actor) -> frozenset[str]:
    """The fields of a client's card that somebody does not see."""
    return actor.hidden_fields | (frozenset() if actor.may(Permission.CLIENT_CONTACTS) else CONTACT_FIELDS)


def sees(actor: Actor, field: str) -> bool:
    """Whether somebody sees that field of a client's card."""
    return field not in hidden_from(actor)


def shown_name(actor: Actor, name: str) -> str:
    """A client's name as somebody sees it."""
    return name if actor.may(Permission.CLIENT_CONTACTS) else mask_name(name)


def shown_document(actor: Actor, document: Mapping[str, Any]) -> dict[str, Any]:
    """A client as a document – a row of a list, JSON, an export – as somebody sees it.

    Phones keep their last digits, by which a client is recognised; other hidden fields are None, or empty lists.
    """
    hidden = hidden_from(actor)
    shown = {field: _without(field, value) if field in hidden else value for field, value in document.items()}
    if "name" in shown:
        shown["name"] = shown_name(actor, shown["name"] or "")
    return shown


def _without(field: str, value: Any) -> Any:
    if field == "phones":
        return [mask_phone(phone) for phone in value or ()]
    return [] if _is_list(value) else None


def _is_list(value: Any) -> bool:
    return isinstance(value, Collection) and not isinstance(value, str | bytes)
