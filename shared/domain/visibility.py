"""Which clients somebody's lists show, and a client as a row of them. Contains no storage.

Lists follow a role's client scope; for service any client may be opened by a full phone or card number, see
branch_node.operations.client_access. What is masked and hidden: shared.domain.client_masking.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from shared.domain.client_masking import as_seen_by, hidden_fields, masked_fields
from shared.domain.permissions import Actor, ClientScope
from shared.domain.positions import Positions, team_of


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


def sees(actor: Actor, field: str) -> bool:
    """Whether somebody sees that field of a client's card whole."""
    return field not in hidden_fields(actor) | masked_fields(actor)


def shown_name(actor: Actor, name: str) -> str:
    """A client's name as somebody sees it."""
    return str(as_seen_by(actor, "name", name) or "")


def shown_document(actor: Actor, document: Mapping[str, Any]) -> dict[str, Any]:
    """A client as a document – a row of a list, JSON, an export – as somebody sees it: what is hidden is None, or an
    empty list; of what is masked a part is left. The card's id is no field, and stays."""
    partly = hidden_fields(actor) | masked_fields(actor)
    return {field: _seen(actor, field, value) if field in partly else value for field, value in document.items()}


def _seen(actor: Actor, field: str, value: Any) -> Any:
    if isinstance(value, list):
        return list(as_seen_by(actor, field, tuple(value)) or ())  # type: ignore[arg-type]
    return as_seen_by(actor, field, value)
