"""Whether what HQ stores of a branch is whole: its chains, and with `deep` every row against the entries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from hq_server.storage.branches import BranchRow, branch_names, read_cursor
from hq_server.storage.counters import read_raw_counters, replace_counters
from hq_server.storage.lives import genesis_of, lives_of
from hq_server.storage.merge import APPLIED, PARKED
from hq_server.storage.parking import count_parked
from hq_server.storage.rollups import compare_rollups, rebuild_rollups
from hq_server.storage.tables import journal_entry
from shared.errors import DecodeError
from shared.operations.record_check import Difference, RecordCheck, rewrite_record, rows_of
from shared.sync.chain import Head, hash_entry, hash_records
from shared.sync.counting import Counter
from shared.wire.decoding import DecodedEntry, decode_entry
from shared.wire.entries import OpenedEntry, open_entry

ENTRIES_PER_QUERY = 2_000
_NOTHING = tuple(Counter())


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
    if deep:
        verifier.compare_records()
    parked = count_parked(connection, row.id)
    if parked:
        verifier.differences.append(f"{parked} entries are parked: held, but not applied. See: filial-hq sync parked")
    cursor = read_cursor(connection, row.id)
    head = Head(cursor.acknowledged_seq, cursor.acknowledged_hash)
    return Verification(row.code, verifier.stored, head, tuple(verifier.differences))


def repair_branch(connection: Connection, row: BranchRow) -> list[str]:
    """Puts right what `verify --deep` finds in rows, counters and rollups; returns what was done, in sentences.

    What is wrong in the chain itself is not touched: only the branch can send it again.
    """
    verifier = _Verifier(connection, row)
    verifier.walk(deep=True)
    done = []
    for difference in verifier.find_records():
        rows = None
        if difference.place is not None:
            found = verifier.load_row(difference.place)
            rows = rows_of(row.id, decode_entry(open_entry(found.data)), found.received_at)
        rewrite_record(connection, row.id, difference.key, rows)
        verb = "removed" if rows is None else "rewritten from its entry"
        done.append(f"{difference.sentence} It was {verb}.")
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
        self.differences: list[str] = []
        self.stored = 0

    def walk(self, deep: bool) -> None:
        """Follows every chain; with `deep` also remembers what each entry says."""
        cursor = read_cursor(self._connection, self._row.id)
        total = 0
        for life in lives_of(self._connection, self._row.id):
            head, problem = self._walk_life(life, deep)
            total += head.seq
            if problem:
                self.differences.append(problem)
            elif life.id == cursor.incarnation and head != Head(cursor.acknowledged_seq, cursor.acknowledged_hash):
                self.differences.append(
                    f"The chain ends at entry {head.seq}, but {cursor.acknowledged_seq} were acknowledged."
                )
        self.stored = self._connection.execute(
            select(func.count()).select_from(journal_entry).where(journal_entry.c.branch_id == self._row.id)
        ).scalar_one()
        if self.stored != cursor.entries or total != self.stored:
            self.differences.append(
                f"{self.stored} entries are stored, {total} are in unbroken chains, {cursor.entries} were counted."
            )

    def _walk_life(self, life: Any, deep: bool) -> tuple[Head, str | None]:
        """Follows one incarnation's chain; returns its last sound entry, and what breaks it there."""
        head = Head(0, genesis_of(life))
        for seq, stored_hash, data, status in self._entries(life.id):
            if seq != head.seq + 1:
                return head, f"Entry {head.seq + 1} is missing."
            try:
                opened = open_entry(data)
            except DecodeError as error:
                return head, f"Entry {seq} cannot be read: {error.message}"
            computed = hash_entry(head.entry_hash, opened.header_bytes, hash_records(opened.record_hashes))
            if computed != stored_hash:
                return head, f"Entry {seq} was altered: its hash is not what it was."
            head = Head(seq, computed)
            if deep:
                self._remember(life.id, opened, status)
        return head, None

    def _remember(self, life_id: bytes, opened: OpenedEntry, status: int) -> None:
        if status in (APPLIED, PARKED):
            self.check.add_entry((life_id, opened.header.seq), decode_entry(opened), status == PARKED)

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
        """An entry's stored row."""
        statement = select(journal_entry.c.data, journal_entry.c.received_at).where(
            journal_entry.c.branch_id == self._row.id,
            journal_entry.c.incarnation == place[0],
            journal_entry.c.seq == place[1],
        )
        return self._connection.execute(statement).one()

    def _load(self, place: tuple[bytes, int]) -> DecodedEntry:
        return decode_entry(open_entry(self.load_row(place).data))

    def find_records(self) -> list[Difference]:
        """Records whose rows are not what the entries say."""
        return self.check.compare(self._connection, self._load)

    def compare_records(self) -> None:
        """Names records, counters and rollups that differ."""
        self.differences += [difference.sentence for difference in self.find_records()]
        self.differences += self.counter_differences()
        codes = branch_names(self._connection)
        self.differences += [
            difference.sentence(codes) for difference in compare_rollups(self._connection, self._row.id)
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
