"""Proposed cards as lists: every field as it is here and as a branch holds it. Contains no decisions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, func, select

from hq_server.operations.paging import PAGE_ROWS_MAX, Page
from hq_server.operations.proposals import may_decide
from hq_server.operations.record_sight import Seen, Sight, ids_in, names_of_ids, title_of
from hq_server.operations.verdicts import SubjectKind
from hq_server.storage.branches import BranchRow, all_branches, branch_by_code
from hq_server.storage.review_tables import audit_verdict
from hq_server.storage.tables import proposal
from shared.domain.cards import Value
from shared.domain.permissions import Actor, Permission, require
from shared.operations.cards import shown_fields
from shared.operations.client_history import people_names
from shared.storage.card_rows import load_states
from shared.wire.cards import decode_state

ACTS_PER_PAGE_MAX: Final = 20
CARDS_NAMED_MAX: Final = 5
"""Of an act, the cards that are shown by name."""


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


class DecidedCard(NamedTuple):
    """A card that something was decided about; `title` is "" for one without a name, or whose name is not shown."""

    kind: int
    title: str


class DecidedAct(NamedTuple):
    """What somebody decided of some cards at once; the first few by name. `taken_back_by` is of one that is taken
    back."""

    command_id: bytes
    verdict: str
    author: str
    at_us: int
    cards: tuple[DecidedCard, ...]
    cards_decided: int
    taken_back_at_us: int | None
    taken_back_by: str


def list_decided(connection: Connection, actor: Actor, page: int = 1) -> Page[DecidedAct]:
    """What was decided of proposed cards, the newest first. Raises NotPermitted."""
    require(actor, Permission.RECORDS_REVIEW)
    given = audit_verdict.c
    of_proposals = given.subject_kind == str(SubjectKind.PROPOSAL)
    total = connection.execute(select(func.count(given.command_id.distinct())).where(of_proposals)).scalar_one()
    pages = max(1, -(-total // ACTS_PER_PAGE_MAX))
    number = min(max(page, 1), pages)
    # All of an act have the same author, moment and verdict, and are taken back together.
    of_act = (
        given.command_id,
        given.verdict,
        given.author,
        given.given_at,
        given.taken_back_at,
        given.taken_back_by,
    )
    acts = select(*of_act, func.count(given.record_id.distinct()).label("cards")).where(of_proposals).group_by(*of_act)
    acts = acts.order_by(given.given_at.desc(), given.command_id)
    rows = connection.execute(acts.limit(ACTS_PER_PAGE_MAX).offset((number - 1) * ACTS_PER_PAGE_MAX)).all()
    people = people_names(connection, {each for row in rows for each in (row.author, row.taken_back_by) if each})
    sight = Sight(actor)
    shown = [
        DecidedAct(
            row.command_id,
            row.verdict,
            people.get(row.author, ""),
            row.given_at,
            _decided_cards(connection, sight, row.command_id),
            row.cards,
            row.taken_back_at,
            people.get(row.taken_back_by, "") if row.taken_back_by else "",
        )
        for row in rows
    ]
    return Page(shown, number, pages, total)


def _decided_cards(connection: Connection, sight: Sight, command_id: bytes) -> tuple[DecidedCard, ...]:
    statement = (
        select(audit_verdict.c.detail, audit_verdict.c.record_id)
        .where(audit_verdict.c.command_id == command_id)
        .distinct()
        .order_by(audit_verdict.c.detail, audit_verdict.c.record_id)
    )
    keys = [(int(row.detail), row.record_id) for row in connection.execute(statement.limit(CARDS_NAMED_MAX))]
    cards = []
    for kind, card_id in keys:
        of_card = (proposal.c.kind == kind, proposal.c.card_id == card_id)
        state = connection.execute(select(proposal.c.state).where(*of_card).limit(1)).scalar()
        fields = {} if state is None else shown_fields(kind, decode_state(state))
        cards.append(DecidedCard(kind, title_of(sight, kind, fields, {})))
    return tuple(cards)


def _cards(
    connection: Connection, sight: Sight, rows: Any, branches: Mapping[bytes, BranchRow]
) -> tuple[list[ProposedCard], Mapping[bytes, str]]:
    stored = load_states(connection, {(row.kind, row.card_id) for row in rows})
    proposed = [shown_fields(row.kind, decode_state(row.state)) for row in rows]
    here: list[dict[str, Value]] = [
        shown_fields(row.kind, decode_state(state)) if (state := stored.get((row.kind, row.card_id))) else {}
        for row in rows
    ]
    for row, theirs, ours in zip(rows, proposed, here, strict=True):
        if row.reopened_at is not None and ours.get("archived"):
            # Put away when taking it up was taken back.
            theirs.setdefault("archived", False)
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
