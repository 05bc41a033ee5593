"""Whether what HQ stores of a branch is whole: its chains, and with `deep` every row against the entries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from hq_server.operations.chain_verification import repair_chain
from hq_server.storage import central
from hq_server.storage.branches import BranchRow, branch_names, read_cursor
from hq_server.storage.counters import read_raw_counters, replace_counters
from hq_server.storage.lives import DUPLICATE, genesis_of, lives_of
from hq_server.storage.parking import APPLIED, PARKED, count_parked, parked_without_facts
from hq_server.storage.rollups import compare_rollups, rebuild_rollups
from hq_server.storage.tables import central_commit, journal_entry
from shared.operations.chain_check import ChainCheck, Followed
from shared.operations.record_check import Difference, RecordCheck, Repair, keys_of, rewrite_record, rows_of
from shared.sync.chain import Head
from shared.sync.counting import Counter
from shared.wire.decoding import DecodedEntry, decode_entry
from shared.wire.entries import open_entry

ENTRIES_PER_QUERY = 2_000
_STATUSES = (APPLIED, PARKED, DUPLICATE)
_NOTHING = tuple(Counter())
# In place of a seq.
_COMMIT = 0


@dataclass(frozen=True, slots=True)
class Verification:
    """`differences` are sentences; none means that HQ holds an unbroken, unaltered chain to the acknowledged head."""

    branch: str
    entries: int
    head: Head
    differences: tuple[str, ...]


def verify_branch(connection: Connection, row: BranchRow, deep: bool = False) -> Verification:
    """Recomputes every entry's hash of every incarnation; with `deep` also compares rows, counters and rollups."""
    verifier = _Verifier(connection, row)
    verifier.walk(deep)
    differences = verifier.check.problems + (verifier.compare() if deep else [])
    parked = count_parked(connection, row.id)
    if parked:
        differences.append(f"{parked} entries are parked: held, but not applied. See: filial-hq sync parked")
    cursor = read_cursor(connection, row.id)
    head = Head(cursor.acknowledged_seq, cursor.acknowledged_hash)
    return Verification(row.code, verifier.stored, head, tuple(differences))


def repair_branch(connection: Connection, row: BranchRow) -> Repair:
    """Puts right what `verify --deep` finds in rows, counters and rollups, and in what belongs to no single branch.

    What is wrong in the chain itself is not touched. With any problem in it nothing is removed, and nothing folded
    anew: what no entry can be read for may be the last trace of a sale.
    """
    verifier = _Verifier(connection, row)
    verifier.walk(deep=True)
    repair = Repair([], list(verifier.check.problems))
    is_whole = not repair.problems
    for difference in verifier.find_records():
        if difference.place is None and not is_whole:
            repair.problems.append(f"{difference.sentence} It was left as it is.")
            continue
        rows = None
        if difference.place is not None:
            found = verifier.load_row(difference.place)
            rows = rows_of(row.id, decode_entry(open_entry(found.data)), found.received_at)
        rewrite_record(connection, row.id, difference.key, rows)
        verb = "removed" if rows is None else "rewritten from its entry"
        repair.done.append(f"{difference.sentence} It was {verb}.")
    common = repair_chain(connection, is_whole)
    repair.done.extend(common.done)
    repair.problems.extend(common.problems)
    if is_whole:
        repair.done.extend(_count_anew(verifier, connection, row))
    return repair


def _count_anew(verifier: _Verifier, connection: Connection, row: BranchRow) -> list[str]:
    done = []
    if verifier.counter_differences():
        replace_counters(connection, row.id, verifier.check.counters.counters)
        done.append("Record counters were counted anew.")
    if compare_rollups(connection, row.id):
        rebuild_rollups(connection, row.id)
        done.append("Rollups were folded anew.")
    return done


class _Verifier:
    def __init__(self, connection: Connection, row: BranchRow) -> None:
        self._connection, self._row = connection, row
        self.check = RecordCheck(row.id)
        self.stored = 0
        # Entries whose records another entry is said to have brought, by their seqs.
        self._duplicates: list[tuple[int, DecodedEntry]] = []
        self._facts_applied = parked_without_facts(connection, row.id)

    def walk(self, deep: bool) -> None:
        """Follows every chain; with `deep` also remembers what each entry says."""
        cursor = read_cursor(self._connection, self._row.id)
        problems = self.check.problems
        total = 0
        for life in lives_of(self._connection, self._row.id):
            chain = self._walk_life(life, deep)
            total += chain.sound.seq
            acknowledged = Head(cursor.acknowledged_seq, cursor.acknowledged_hash)
            if not chain.problems and life.id == cursor.incarnation and chain.sound != acknowledged:
                problems.append(
                    f"The chain ends at entry {chain.sound.seq}, but {cursor.acknowledged_seq} were acknowledged."
                )
        for command_id, data in central.commits_waiting(self._connection, self._row.id) if deep else ():
            self.check.add_entry((command_id, _COMMIT), decode_entry(open_entry(data)), is_counted=False)
        self._check_duplicates()
        self.stored = self._connection.execute(
            select(func.count()).select_from(journal_entry).where(journal_entry.c.branch_id == self._row.id)
        ).scalar_one()
        if self.stored != cursor.entries or total != self.stored:
            problems.append(
                f"{self.stored} entries are stored, {total} are in unbroken chains, {cursor.entries} were counted."
            )

    def _walk_life(self, life: Any, deep: bool) -> ChainCheck:
        """Follows one incarnation's chain to its end."""
        chain = ChainCheck(genesis_of(life))
        strange = []
        for seq, stored_hash, data, status in self._entries(life.id):
            followed = chain.follow(seq, stored_hash, data)
            if status not in _STATUSES:
                strange.append(f"Entry {seq} has the status {status}, which there is not.")
            if deep and followed is not None:
                self._remember(life.id, seq, followed, status)
        self.check.problems += chain.problems + strange
        return chain

    def _remember(self, life_id: bytes, seq: int, followed: Followed, status: int) -> None:
        entry = decode_entry(followed.opened)
        if not followed.is_proven or status not in _STATUSES:
            self.check.add_doubtful(entry)
        elif status == DUPLICATE:
            self._duplicates.append((seq, entry))
        else:
            waits = status == PARKED and (life_id, seq) not in self._facts_applied
            self.check.add_entry((life_id, seq), entry, waits)

    def _check_duplicates(self) -> None:
        for seq, entry in self._duplicates:
            if keys_of(entry) - self.check.expected.keys() - self.check.doubtful:
                self.check.problems.append(f"Entry {seq} is said to repeat another, but no other has its records.")
                self.check.add_doubtful(entry)

    def _entries(self, life_id: bytes) -> Iterator[Any]:
        after = 0
        while True:
            rows = self._connection.execute(
                select(journal_entry.c.seq, journal_entry.c.entry_hash, journal_entry.c.data, journal_entry.c.status)
                .where(
                    journal_entry.c.branch_id == self._row.id,
                    journal_entry.c.incarnation == life_id,
                    journal_entry.c.seq > after,
                )
                .order_by(journal_entry.c.seq)
                .limit(ENTRIES_PER_QUERY)
            ).all()
            if not rows:
                return
            yield from rows
            after = rows[-1].seq

    def load_row(self, place: tuple[bytes, int]) -> Any:
        """An entry's stored row, or that of a commit that no journal has brought."""
        if place[1] == _COMMIT:
            return self._connection.execute(
                select(central_commit.c.data, central_commit.c.decided_at.label("received_at")).where(
                    central_commit.c.branch_id == self._row.id, central_commit.c.command_id == place[0]
                )
            ).one()
        statement = select(journal_entry.c.data, journal_entry.c.received_at).where(
            journal_entry.c.branch_id == self._row.id,
            journal_entry.c.incarnation == place[0],
            journal_entry.c.seq == place[1],
        )
        return self._connection.execute(statement).one()

    def _load(self, place: tuple[bytes, int]) -> DecodedEntry:
        return decode_entry(open_entry(self.load_row(place).data))

    def find_records(self) -> Iterator[Difference]:
        """Records whose rows are not what the entries say."""
        return self.check.describe(self._connection, self.check.find(self._connection), self._load)

    def compare(self) -> list[str]:
        """Names records, counters and rollups that differ."""
        codes = branch_names(self._connection)
        rollups = compare_rollups(self._connection, self._row.id)
        return [
            *self.check.sentences(self._connection, self.check.find(self._connection), self._load),
            *(["Counters were not compared: not every entry can be relied on."] if self.check.problems else []),
            *([] if self.check.problems else self.counter_differences()),
            *(difference.sentence(codes) for difference in rollups),
        ]

    def counter_differences(self) -> list[str]:
        """Counters that are not what the entries say."""
        counted = self.check.counters.counters
        wanted = {(kind, day.isoformat()): tuple(counter) for (kind, day), counter in counted.items()}
        there = read_raw_counters(self._connection, self._row.id)
        return [
            f"The counter of kind {kind} on {day} is {there.get((kind, day), _NOTHING)}, "
            f"the entries say {wanted.get((kind, day), _NOTHING)}."
            for kind, day in sorted({*wanted, *there}, key=str)
            if wanted.get((kind, day), _NOTHING) != there.get((kind, day), _NOTHING)
        ]
