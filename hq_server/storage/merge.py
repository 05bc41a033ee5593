"""The merge: one batch of a branch's entries becomes part of the chain's data, in one transaction.

In that transaction: the branch's cursor row is locked and its fence checked, the batch's hashes are chained onto the
acknowledged one, entries and command ids are stored under their two keys, facts become rows, cards are merged with
their conflicts logged, rollups are added to, what other branches must know goes to the feed's outbox, and the cursor
moves (DESIGN §4, rule 1). Normally the whole batch is written at once; when the database refuses something in it, the
transaction is given up and another writes entry by entry, and what is refused again is parked with its evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, select, update

from hq_server.storage import central
from hq_server.storage.audience import Reference
from hq_server.storage.branches import lock_cursor, require_fence
from hq_server.storage.effects import REFUSALS, Effects, Written, evidence_of, write_effects
from hq_server.storage.erased_twins import note_links
from hq_server.storage.erasing import tell_again
from hq_server.storage.feed import Publication, audience_of_branch, publish
from hq_server.storage.hybrid_clock import next_hlc
from hq_server.storage.parking import (
    APPLIED,
    CLOCK_AHEAD,
    DEPENDS_ON_PARKED,
    DIFFERS_FROM_COMMIT,
    DUPLICATE,
    PARKED,
    Problem,
    is_parked,
    parked_cards,
)
from hq_server.storage.store import HqStore
from hq_server.storage.tables import branch_cursor, command, journal_entry, parked_entry
from shared.errors import DecodeError, ProtocolViolation
from shared.operations.cards import CardEdit
from shared.operations.erased_arrivals import redact_arrivals
from shared.storage import tables
from shared.storage.card_rows import CardKey
from shared.storage.fact_rows import Row
from shared.sync.card_merge import Stamp
from shared.sync.chain import FLAG_CONFIRMED, Head, chain_entries, hash_records
from shared.sync.hlc import is_plausible, wall_ms
from shared.sync.messages import Ack, Batch, CardFull, EntryOutcome
from shared.wire.decoding import DecodedEntry, decode_entry
from shared.wire.entries import open_entry

EVIDENCE_CHARACTERS_MAX = 2_000
PARTS = 8
"""Into how many a refused batch, or part of one, is split to find what the database refuses."""


_MOVE_CURSOR = (
    update(branch_cursor)
    .where(branch_cursor.c.branch_id == bindparam("branch"))
    .values(
        acknowledged_seq=bindparam("seq"),
        acknowledged_hash=bindparam("hash"),
        entries=branch_cursor.c.entries + bindparam("new_entries"),
        head_seq=bindparam("head"),
        last_seen_at=bindparam("now"),
        confirmed_fence=branch_cursor.c.fence,
    )
)


@dataclass(slots=True)
class MergeResult:
    """What to tell the branch, how many records went to the feed's outbox, and which clients were named anew."""

    ack: Ack
    published: int
    references: set[Reference]


def prepare_batch(batch: Batch) -> list[DecodedEntry]:
    """Everything about a batch that needs no database. Raises ProtocolViolation when it is no batch of entries."""
    try:
        return [decode_entry(open_entry(data)) for data in batch.entries]
    except DecodeError as error:
        raise ProtocolViolation(error.message, error.hint) from error


def merge_batch(
    store: HqStore,
    branch_id: bytes,
    batch: Batch,
    fence: int,
    known_references: set[Reference],
    now_us: int,
    check: Callable[[Connection], object],
) -> MergeResult:
    """Merges a batch in a transaction of its own: at once when the database takes it so, else entry by entry.

    `known_references` are clients that this branch is known to have named before. `check` runs first in
    the transaction; what it raises refuses the batch. Raises SessionReplaced, NotAuthorised, or ProtocolViolation when
    the batch does not continue the branch's chain.
    """
    entries = prepare_batch(batch)
    for carefully in (False, True):
        try:
            with store.write() as connection:
                check(connection)
                merge = Merge(store, connection, branch_id, known_references, now_us)
                return merge.run(batch, entries, fence, carefully)
        except _RefusedAtOnceError:
            continue
    raise AssertionError("a careful merge parks what is refused")


class _RefusedAtOnceError(Exception):
    """The database took something in the batch ill; nothing of it was kept."""


class _Sound(NamedTuple):
    """An entry to be written; without its patches when those are parked."""

    entry: DecodedEntry
    with_patches: bool


class Merge:
    """One batch on its way into one transaction."""

    def __init__(
        self, store: HqStore, connection: Connection, branch_id: bytes, known_references: set[Reference], now_us: int
    ) -> None:
        self._store = store
        self._connection = connection
        self._branch_id = branch_id
        self._known_references = known_references
        self._now_us = now_us
        self._published = 0
        self._linked: list[bytes] = []
        self._references: set[Reference] = set()

    def run(self, batch: Batch, entries: Sequence[DecodedEntry], fence: int, carefully: bool) -> MergeResult:
        """Merges a batch; `carefully` in parts, parking the entries that the database refuses."""
        cursor = lock_cursor(self._connection, self._branch_id)
        require_fence(cursor, fence)
        hashes = self._chain(cursor, batch, entries)
        entries, erased, links = redact_arrivals(self._connection, entries)
        # The chain's clock is held before cards, here as everywhere.
        hlc = next_hlc(self._connection, self._now_us) if links else 0
        outcomes = self._write_carefully(entries) if carefully else self._write_at_once(entries)
        self._write_journal(entries, hashes, outcomes)
        if self._linked:
            central.link(self._connection, self._branch_id, self._linked, self._now_us)
        if links:
            self._published += note_links(self._connection, self._branch_id, links, hlc, self._now_us)
        if erased:
            self._published += tell_again(self._connection, self._branch_id, erased)
        head = Head(batch.last_seq, hashes[-1])
        self._move_cursor(head, len(entries), batch.head_seq)
        plain = tuple(outcome for outcome in outcomes.values() if _is_worth_telling(outcome))
        return MergeResult(Ack(head, plain), self._published, self._references)

    def _chain(self, cursor: Any, batch: Batch, entries: Sequence[DecodedEntry]) -> list[bytes]:
        acknowledged = Head(cursor.acknowledged_seq, cursor.acknowledged_hash)
        if cursor.incarnation != batch.incarnation:
            raise ProtocolViolation("The batch belongs to another incarnation than the session.")
        try:
            hashes = chain_entries(batch.incarnation, acknowledged, [entry.opened.sealed for entry in entries])
        except DecodeError as error:
            raise ProtocolViolation(error.message) from error
        if hashes[-1] != batch.last_hash:
            raise ProtocolViolation(
                f"The hash of entry {batch.last_seq} is not what the branch says.", "Its journal was altered."
            )
        return hashes

    def _write_at_once(self, entries: Sequence[DecodedEntry]) -> dict[int, EntryOutcome]:
        """Optimistic: every command is new and every row fits. Raises _RefusedAtOnceError when they do not."""
        effects = Effects()
        outcomes: dict[int, EntryOutcome] = {}
        parked_cards = self._parked_cards(entries)
        commits = self._commits([entry for entry in entries if entry.opened.header.flags & FLAG_CONFIRMED])
        for entry in entries:
            if self._link(entry, commits, effects, outcomes):
                continue
            problem = self._problem_with(entry, parked_cards)
            if problem is not None and not problem.facts_apply:
                self._park(entry, problem.reason, problem.evidence, outcomes)
                continue
            self._gather(entry, effects, with_patches=problem is None)
            if problem is not None:
                self._park(entry, problem.reason, problem.evidence, outcomes)
        try:
            written = self._write(effects)
        except REFUSALS as error:
            raise _RefusedAtOnceError from error
        self._note(entries, written, outcomes)
        return outcomes

    def _write_carefully(self, entries: Sequence[DecodedEntry]) -> dict[int, EntryOutcome]:
        """What the database refuses is found and parked alone; the rest costs little more than ever."""
        outcomes: dict[int, EntryOutcome] = {}
        known = self._known_commands([entry.opened.header.command_id for entry in entries])
        parked_cards = self._parked_cards(entries)
        sound: list[_Sound] = []
        commits, linked = self._commits(entries), Effects()
        for entry in entries:
            header = entry.opened.header
            if self._link(entry, commits, linked, outcomes):
                continue
            if header.command_id in known:
                outcomes[header.seq] = EntryOutcome(header.seq, duplicate=True)
                continue
            known.add(header.command_id)
            problem = self._problem_with(entry, parked_cards)
            if problem is not None:
                self._park(entry, problem.reason, problem.evidence, outcomes)
                if not problem.facts_apply:
                    continue
            sound.append(_Sound(entry, with_patches=problem is None))
        taken = self._taken_sales(sound)
        likely: list[_Sound] = []
        suspects: list[_Sound] = []
        for each in sound:
            ids = {sale_id for sale_id, _ in each.entry.sales}
            (suspects if ids & taken else likely).append(each)
            taken |= ids
        self._write(linked)
        self._write_part(likely, outcomes)
        for suspect in suspects:
            self._write_part([suspect], outcomes)
        return outcomes

    def _taken_sales(self, sound: Sequence[_Sound]) -> set[bytes]:
        """Ids of sales that HQ has already under another command: what a refusal is about more often than not."""
        ids = [sale_id for each in sound for sale_id, _ in each.entry.sales]
        statement = select(tables.sale.c.id).where(
            tables.sale.c.branch_id == self._branch_id, tables.sale.c.id.in_(ids)
        )
        return set(self._connection.execute(statement).scalars())

    def _write_parts(self, sound: Sequence[_Sound], outcomes: dict[int, EntryOutcome]) -> None:
        size = -(-len(sound) // PARTS)
        for start in range(0, len(sound), size):
            self._write_part(sound[start : start + size], outcomes)

    def _write_part(self, sound: Sequence[_Sound], outcomes: dict[int, EntryOutcome]) -> None:
        if not sound:
            return
        effects = Effects()
        for entry, with_patches in sound:
            self._gather(entry, effects, with_patches)
        savepoint = self._connection.begin_nested()
        try:
            written = self._write(effects)
        except REFUSALS as error:
            savepoint.rollback()
            if len(sound) == 1:
                self._park(sound[0].entry, "refused_by_store", evidence_of(error), outcomes)
            else:
                self._write_parts(sound, outcomes)
        else:
            savepoint.commit()
            self._note([entry for entry, _ in sound], written, outcomes)

    def _known_commands(self, command_ids: Sequence[bytes]) -> set[bytes]:
        statement = select(command.c.command_id).where(
            command.c.branch_id == self._branch_id, command.c.command_id.in_(command_ids)
        )
        return set(self._connection.execute(statement).scalars())

    def _commits(self, entries: Sequence[DecodedEntry]) -> dict[bytes, bytes]:
        """Of commands that HQ committed before they were journaled, and that no entry has brought: records hashes."""
        ids = [entry.opened.header.command_id for entry in entries]
        return central.unlinked_commits(self._connection, self._branch_id, ids) if ids else {}

    def _link(
        self,
        entry: DecodedEntry,
        commits: dict[bytes, bytes],
        effects: Effects,
        outcomes: dict[int, EntryOutcome],
    ) -> bool:
        """An entry whose effects HQ committed at the branch's wish is part of the chain now, and is counted."""
        command_id = entry.opened.header.command_id
        records_hash = commits.pop(command_id, None)
        if records_hash is None:
            return False
        if hash_records(entry.opened.record_hashes) != records_hash:
            self._park(entry, DIFFERS_FROM_COMMIT, "the head office committed other records", outcomes)
        else:
            effects.count(self._branch_id, entry)
            self._linked.append(command_id)
        return True

    def _problem_with(self, entry: DecodedEntry, parked_cards: set[CardKey]) -> Problem | None:
        """Why an entry, or only its patches, must be parked. `parked_cards` grows by the cards of what is parked."""
        keys = {(kind, card_id) for kind, card_id, _ in entry.patches}
        problem = None
        if entry.problem is not None:
            problem = Problem(entry.problem.reason, entry.problem.message, facts_apply=False)
        elif keys and not is_plausible(entry.opened.header.hlc, self._now_us):
            ahead_ms = wall_ms(entry.opened.header.hlc) - self._now_us // 1_000
            evidence = f"the branch's clock was {ahead_ms // 1_000} seconds ahead of the head office's"
            problem = Problem(CLOCK_AHEAD, evidence, facts_apply=bool(entry.figures))
        elif keys & parked_cards:
            evidence = "an earlier edit of the same card is parked"
            problem = Problem(DEPENDS_ON_PARKED, evidence, facts_apply=bool(entry.figures))
        if problem is not None:
            parked_cards |= keys
        return problem

    def _parked_cards(self, entries: Sequence[DecodedEntry]) -> set[CardKey]:
        """Cards that wait in a parked entry of this branch; not asked when the batch edits no card."""
        if not any(entry.patches for entry in entries):
            return set()
        return parked_cards(self._connection, self._branch_id)

    def _gather(self, entry: DecodedEntry, effects: Effects, with_patches: bool = True) -> None:
        effects.gather(self._branch_id, entry, self._now_us, with_patches)

    def _write(self, effects: Effects) -> Written:
        return write_effects(self._store, self._connection, effects, self._known_references, self._now_us)

    def _note(self, entries: Sequence[DecodedEntry], written: Written, outcomes: dict[int, EntryOutcome]) -> None:
        """Keeps what is worth knowing once the savepoint holds."""
        self._published += written.published
        self._references |= written.references
        if written.merged is None or not written.merged.fields_lost:
            return
        for entry in entries:
            header = entry.opened.header
            lost = written.merged.fields_lost.get(header.command_id)
            if lost:
                outcomes[header.seq] = EntryOutcome(header.seq, fields_lost=tuple(lost))

    def _park(self, entry: DecodedEntry, reason: str, evidence: str, outcomes: dict[int, EntryOutcome]) -> None:
        if is_parked(self._connection, self._branch_id, entry.opened.header.command_id):
            # A re-homed store sends it again as another entry: one of them is enough to decide about.
            outcomes[entry.opened.header.seq] = EntryOutcome(entry.opened.header.seq, duplicate=True)
            return
        outcomes[entry.opened.header.seq] = EntryOutcome(
            entry.opened.header.seq, parked_reason=f"{reason}: {evidence[:EVIDENCE_CHARACTERS_MAX]}"
        )

    def apply_parked(self, entry: DecodedEntry, facts: bool, stamp: Stamp | None) -> str | None:
        """Applies what was parked of an entry: with its facts, or only its patches under another stamp.

        Returns why it cannot be, and then changes nothing.
        """
        if facts and entry.problem is not None:
            return entry.problem.message
        effects = Effects()
        if facts:
            self._gather(entry, effects, with_patches=stamp is None)
        if stamp is not None:
            effects.edits += [CardEdit(kind, card_id, stamp, patch) for kind, card_id, patch in entry.patches]
        savepoint = self._connection.begin_nested()
        try:
            written = self._write(effects)
        except REFUSALS as error:
            savepoint.rollback()
            return evidence_of(error)
        savepoint.commit()
        self._published += written.published
        if stamp is not None and written.merged is not None:
            own = audience_of_branch(self._branch_id)
            states = written.merged.encoded.items()
            publish(self._connection, [Publication(own, CardFull(*key, state)) for key, state in states])
        return None

    def _write_journal(
        self, entries: Sequence[DecodedEntry], hashes: Sequence[bytes], outcomes: dict[int, EntryOutcome]
    ) -> None:
        rows: list[Row] = []
        parked: list[dict[str, Any]] = []
        for entry, entry_hash in zip(entries, hashes, strict=True):
            header = entry.opened.header
            outcome = outcomes.get(header.seq)
            status = APPLIED
            if outcome is not None and outcome.parked_reason is not None:
                status = PARKED
                reason, _, evidence = outcome.parked_reason.partition(": ")
                parked.append(self._parked_row(entry, reason, evidence))
            elif outcome is not None and outcome.duplicate:
                status = DUPLICATE
            rows.append(
                (
                    self._branch_id,
                    header.incarnation,
                    header.seq,
                    entry_hash,
                    header.command_id,
                    status,
                    entry.opened.data,
                    self._now_us,
                )
            )
        self._store.bulk.insert(self._connection, journal_entry, rows)
        if parked:
            self._connection.execute(parked_entry.insert(), parked)

    def _parked_row(self, entry: DecodedEntry, reason: str, evidence: str) -> dict[str, Any]:
        header = entry.opened.header
        return {
            "branch_id": self._branch_id,
            "incarnation": header.incarnation,
            "seq": header.seq,
            "command_id": header.command_id,
            "reason": reason,
            "evidence": evidence,
            "parked_at": self._now_us,
            "resolved_at": None,
        }

    def _move_cursor(self, head: Head, entries: int, head_seq: int) -> None:
        changes = {
            "branch": self._branch_id,
            "seq": head.seq,
            "hash": head.entry_hash,
            "new_entries": entries,
            "head": max(head_seq, head.seq),
            "now": self._now_us,
        }
        self._connection.execute(_MOVE_CURSOR, changes)


def _is_worth_telling(outcome: EntryOutcome) -> bool:
    return outcome.duplicate or outcome.parked_reason is not None or bool(outcome.fields_lost)
