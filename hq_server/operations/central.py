"""Committing operations at once for branches in centralized mode, several branches' in one transaction.

A command is decided once: committed with its effects, or rejected for ever. In one transaction the cursors of the
branches are locked, what is decided already is answered again, what must not be is rejected with its reason, and the
rest takes effect together. When the database refuses something in it, each command is tried in a transaction of its
own. The facts are not counted yet, and the chain does not grow: the branch's journal brings the entry, and the merge
links it (hq_server.storage.merge).
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from sqlalchemy import Connection, select

from hq_server.operations.central_checks import claimed_numbers, lock_numbers, problem_with_edits, problem_with_spending
from hq_server.operations.refund_checks import GivenBack, problem_with_refunds
from hq_server.storage import central
from hq_server.storage.audience import Reference
from hq_server.storage.budgets import available_of, spent_of
from hq_server.storage.central import CommandKey
from hq_server.storage.effects import REFUSALS, Effects, evidence_of, write_effects
from hq_server.storage.loyalty import make_budgets
from hq_server.storage.questions import Question, ask_together
from hq_server.storage.store import HqStore
from hq_server.storage.tables import branch, branch_cursor
from shared.domain.identifiers import shorten
from shared.errors import FilialError, NotAuthorised, ProtocolViolation, Refused
from shared.operations.erased_arrivals import redact_arrivals
from shared.storage.card_rows import lock_cards
from shared.storage.dialect_functions import over_lists
from shared.sync.central import GIVEN_UP, CommitRequest, Committed, Outcome, Rejected, ResolveRequest
from shared.sync.chain import hash_records
from shared.sync.hlc import is_plausible
from shared.wire.decoding import DecodedEntry, decode_entry
from shared.wire.entries import open_entry

COMMITS_PER_TRANSACTION_MAX = 64

_lock_cursors = over_lists(
    lambda among: (
        select(
            branch_cursor.c.branch_id,
            branch_cursor.c.incarnation,
            branch_cursor.c.confirmed_fence,
            branch_cursor.c.quarantine,
            branch.c.revoked_at,
        )
        .join(branch, branch.c.id == branch_cursor.c.branch_id)
        .where(among(branch_cursor.c.branch_id, "branches"))
        # In one order, so that two groups never wait for each other.
        .order_by(branch_cursor.c.branch_id)
        .with_for_update(of=branch_cursor)
    )
)


class _Cursor(NamedTuple):
    """What decides whether a branch's store may have something committed."""

    incarnation: bytes
    confirmed_fence: int
    quarantine: str | None
    revoked_at: int | None


def _locked_cursors(branch_ids: Sequence[bytes]) -> Question[dict[bytes, _Cursor]]:
    """The cursors of branches, held until the transaction ends."""
    return Question(
        _lock_cursors, {"branches": branch_ids}, lambda rows: {branch_id: _Cursor(*rest) for branch_id, *rest in rows}
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """One command that a branch asks to be committed, decoded."""

    branch_id: bytes
    request: CommitRequest
    entry: DecodedEntry

    @property
    def command_id(self) -> bytes:
        return self.entry.opened.header.command_id

    @property
    def key(self) -> CommandKey:
        return self.branch_id, self.command_id


def read_request(branch_id: bytes, request: CommitRequest) -> Asked:
    """Decodes what is asked. Raises DecodeError, ProtocolViolation."""
    opened = open_entry(request.entry)
    if opened.header.seq or not opened.record_hashes or len(opened.record_hashes) != opened.header.record_count:
        raise ProtocolViolation("What is to be committed is an entry with records and without a number.")
    return Asked(branch_id, request, decode_entry(opened))


Strangers = Question[dict[bytes, FilialError]]
"""Which of the branches that ask may not, by their certificates: asked first in every transaction."""


class Decided(NamedTuple):
    """What was decided of each command, in the order asked; an error in its place says that nothing was.

    `published` records went to the feed's outbox; `references` are clients that were named for the first time.
    """

    outcomes: list[Outcome | FilialError]
    published: int = 0
    references: frozenset[Reference] = frozenset()


def commit(
    store: HqStore,
    asked: Sequence[Asked],
    now_us: int,
    strangers: Strangers,
    known_references: Container[Reference] = (),
) -> Decided:
    """Decides every command, together when the database takes it so."""
    try:
        with store.write() as connection:
            group = _Group(store, connection, now_us)
            return group.decide(asked, strangers, known_references)
    except _RefusedTogetherError as error:
        if len(asked) == 1:
            return Decided([_reject_alone(store, asked[0], str(error), now_us)])
    alone = [commit(store, [each], now_us, strangers, known_references) for each in asked]
    return Decided(
        [outcome for one in alone for outcome in one.outcomes],
        sum(one.published for one in alone),
        frozenset().union(*(one.references for one in alone)),
    )


def resolve(store: HqStore, branch_id: bytes, request: ResolveRequest, now_us: int) -> Outcome:
    """What became of a command; nothing, from now on, when it was not committed.

    Any store of the branch may ask: whatever it is told, all are told.
    """
    with store.write() as connection:
        group = _Group(store, connection, now_us)
        known = group.known_when_locked(branch_id, request.command_id)
        if known is not None:
            return known
        given_up = Rejected(GIVEN_UP, "The branch gave this operation up before the head office had committed it.")
        row = central.rejected_row(branch_id, request.command_id, given_up, now_us)
        central.keep(connection, store.bulk, [row])
        return given_up


def _reject_alone(store: HqStore, asked: Asked, evidence: str, now_us: int) -> Outcome | FilialError:
    rejected = Rejected("refused_by_store", f"The head office cannot store this operation: {shorten(evidence)}.")
    with store.write() as connection:
        group = _Group(store, connection, now_us)
        known = group.known_when_locked(*asked.key)
        if known is not None:
            return known
        central.keep(
            connection, store.bulk, [central.rejected_row(asked.branch_id, asked.command_id, rejected, now_us)]
        )
    return rejected


ERASED = "erased"
"""The command concerns a person whom an order has erased."""


class _RefusedTogetherError(Exception):
    """The database refused something of a group, in its own words: nothing of it is written."""


class _Group:
    """Some commands in one transaction."""

    def __init__(self, store: HqStore, connection: Connection, now_us: int) -> None:
        self._store, self._connection, self._now_us = store, connection, now_us
        self._cursors: dict[bytes, _Cursor] = {}
        # By commands of this group that are not written yet.
        self._spent: dict[bytes, int] = {}
        self._given_back: GivenBack = {}

    def decide(
        self,
        asked: Sequence[Asked],
        among_whom: Strangers,
        known_references: Container[Reference],
    ) -> Decided:
        """Decides commands and writes what follows from it."""
        branch_ids = sorted({each.branch_id for each in asked})
        known = central.decisions_on([each.key for each in asked])
        strangers, self._cursors, decided = ask_together(
            self._connection, [among_whom, _locked_cursors(branch_ids), known]
        )
        answers: dict[CommandKey, Outcome | FilialError] = {**decided}
        # Not before the cursors are held: an erasure holds them, too.
        entries = redact_arrivals(self._connection, [each.entry for each in asked]).entries
        asked = [replace(each, entry=entry) for each, entry in zip(asked, entries, strict=True)]
        self._lock_what_is_checked(asked)
        effects = Effects()
        edited: set[tuple[object, ...]] = set()
        for each in asked:
            if each.key in answers:
                continue
            answer = strangers.get(each.branch_id) or self._decide_one(each, edited)
            answers[each.key] = answer
            if isinstance(answer, Committed):
                self._gather(each, effects)
            elif isinstance(answer, Rejected):
                effects.decisions.append(central.rejected_row(*each.key, answer, self._now_us))
        try:
            written = write_effects(self._store, self._connection, effects, known_references, self._now_us)
        except REFUSALS as error:
            raise _RefusedTogetherError(evidence_of(error)) from error
        outcomes = [strangers.get(each.branch_id) or answers[each.key] for each in asked]
        return Decided(outcomes, written.published, frozenset(written.references))

    def _lock_what_is_checked(self, asked: Sequence[Asked]) -> None:
        """Numbers before cards, cards before budgets, each in one order: so no two transactions wait for each other."""
        lock_numbers(self._connection, set().union(*(claimed_numbers(each.entry) for each in asked)))
        lock_cards(self._connection, {(kind, card_id) for each in asked for kind, card_id, _ in each.entry.patches})
        facts = [(each.branch_id, fact) for each in asked for _, fact in each.entry.branch_facts]
        available_of(self._connection, make_budgets(self._connection, facts, self._now_us) | spent_of(facts))

    def known_when_locked(self, branch_id: bytes, command_id: bytes) -> Outcome | None:
        """Holds the branch's cursor; whether the command is decided, or its journal has brought it."""
        known = central.decisions_on([(branch_id, command_id)])
        self._cursors, decided = ask_together(self._connection, [_locked_cursors([branch_id]), known])
        outcome: Outcome | None = decided.get((branch_id, command_id))
        return outcome

    def problem_with_store(self, branch_id: bytes, incarnation: bytes, last_fence: int) -> FilialError | None:
        """Why this store may not decide anything at present; nothing is known of the command then."""
        row = self._cursors.get(branch_id)
        if row is None or row.revoked_at is not None:
            return NotAuthorised("This branch was revoked.", "Ask the head office for a new enrolment.")
        if row.quarantine is not None:
            return Refused(row.quarantine, "The head office must name the heir: filial-hq branch heir.")
        if row.incarnation != incarnation or last_fence < row.confirmed_fence:
            return Refused("This store must synchronise first.", "Run: filial-branch sync run")
        return None

    def _decide_one(self, asked: Asked, edited: set[tuple[object, ...]]) -> Outcome | FilialError:
        request, entry = asked.request, asked.entry
        problem = self.problem_with_store(asked.branch_id, request.incarnation, request.last_fence)
        if problem is not None:
            return problem
        if len(entry.opened.records) < entry.opened.header.record_count:
            return Rejected(ERASED, "This person was erased.", "Nothing is recorded of the person any more.")
        if entry.problem is not None:
            return Rejected(entry.problem.reason, entry.problem.message, entry.problem.hint)
        if entry.patches:
            if not is_plausible(entry.opened.header.hlc, self._now_us):
                return Rejected("clock_ahead", "This branch's clock is too far ahead to edit cards.", "Set its clock.")
            touched = {(kind, card_id) for kind, card_id, _ in entry.patches} | claimed_numbers(entry)
            if touched & edited:
                # Another command of this group edits the card, or takes the number: that is not written yet.
                return Refused("Somebody else is editing this at this moment.", "Try again.")
            edited |= touched
            edit_problem = problem_with_edits(self._connection, entry)
            if edit_problem is not None:
                return edit_problem
        return (
            problem_with_refunds(self._connection, entry, self._given_back)
            or problem_with_spending(self._connection, entry, self._spent)
            or Committed(self._now_us)
        )

    def _gather(self, asked: Asked, effects: Effects) -> None:
        entry = asked.entry
        effects.gather_operation(asked.branch_id, entry, self._now_us)
        records_hash = hash_records(entry.opened.record_hashes)
        effects.decisions.append(
            central.committed_row(asked.branch_id, asked.command_id, records_hash, entry.opened.data, self._now_us)
        )
