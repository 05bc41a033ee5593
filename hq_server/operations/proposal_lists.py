"""Proposed cards as lists: every field as it is here and as a branch holds it. Contains no decisions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from hq_server.operations.paging import PAGE_ROWS_MAX, Page
from hq_server.operations.proposals import may_decide
from hq_server.operations.record_sight import Seen, Sight, ids_in, names_of_ids, title_of
from hq_server.storage.branches import BranchRow, all_branches, branch_by_code
from hq_server.storage.tables import proposal
from shared.domain.cards import Value
from shared.domain.permissions import Actor, Permission, require
from shared.operations.cards import shown_fields
from shared.storage.card_rows import load_states
from shared.wire.cards import decode_state


class ProposedField(NamedTuple):
    """A field of which here and there differ."""

    field: str
    here: Seen
    proposed: Seen


class ProposedCard(NamedTuple):
    """A card that a branch handed back. `is_new`: the head office does not know it at all."""

    branch: BranchRow
    kind: int
    card_id: bytes
    title: str
    fields: tuple[ProposedField, ...]
    is_new: bool
    received_at_us: int
    may_decide: bool


class ProposalList(NamedTuple):
    """One page; how many cards wait of which branch; and the names of whatever the values name by id."""

    page: Page[ProposedCard]
    waiting: tuple[tuple[BranchRow, int], ...]
    names: Mapping[bytes, str]


def list_proposed(connection: Connection, actor: Actor, branch_code: str = "", page: int = 1) -> ProposalList:
    """What waits for a decision, the oldest first. Raises NotPermitted, NotFound for a branch that there is not."""
    require(actor, Permission.RECORDS_REVIEW)
    is_open = proposal.c.resolved_at.is_(None)
    per_branch = select(proposal.c.branch_id, func.count()).where(is_open).group_by(proposal.c.branch_id)
    counts: dict[bytes, int] = {branch_id: int(count) for branch_id, count in connection.execute(per_branch)}
    branches = {row.id: row for row in all_branches(connection)}
    waiting = tuple((row, counts[row.id]) for row in branches.values() if row.id in counts)
    statement = select(proposal).where(is_open)
    total = sum(counts.values())
    if branch_code:
        branch_id = branch_by_code(connection, branch_code).id
        statement, total = statement.where(proposal.c.branch_id == branch_id), counts.get(branch_id, 0)
    pages = max(1, -(-total // PAGE_ROWS_MAX))
    number = min(max(page, 1), pages)
    ordered = statement.order_by(proposal.c.received_at, proposal.c.kind, proposal.c.card_id, proposal.c.branch_id)
    rows = connection.execute(ordered.limit(PAGE_ROWS_MAX).offset((number - 1) * PAGE_ROWS_MAX)).all()
    shown, names = _cards(connection, Sight(actor), rows, branches)
    return ProposalList(Page(shown, number, pages, total), waiting, names)


def _cards(
    connection: Connection, sight: Sight, rows: Any, branches: Mapping[bytes, BranchRow]
) -> tuple[list[ProposedCard], Mapping[bytes, str]]:
    stored = load_states(connection, {(row.kind, row.card_id) for row in rows})
    proposed = [shown_fields(row.kind, decode_state(row.state)) for row in rows]
    here: list[dict[str, Value]] = [
        shown_fields(row.kind, decode_state(state)) if (state := stored.get((row.kind, row.card_id))) else {}
        for row in rows
    ]
    names = names_of_ids(connection, sight, {each for fields in (*proposed, *here) for each in ids_in(fields)})
    cards = [
        ProposedCard(
            branches[row.branch_id],
            row.kind,
            row.card_id,
            title_of(sight, row.kind, ours | theirs, names),
            tuple(
                ProposedField(name, sight.value(row.kind, name, ours.get(name)), sight.value(row.kind, name, value))
                for name, value in sorted(theirs.items())
                if ours.get(name) != value
            ),
            (row.kind, row.card_id) not in stored,
            row.received_at,
            may_decide(sight.actor, row.kind),
        )
        for row, theirs, ours in zip(rows, proposed, here, strict=True)
    ]
    return cards, names
