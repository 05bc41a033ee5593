"""Every safeguard taken away, one at a time: a simulator that does not notice is a simulator with a hole.

Each ablation replaces production code by what a system without that safeguard would do. None can be switched on outside
the simulator.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple
from unittest.mock import patch

from branch_node.operations import history
from branch_node.storage import pruning, transaction
from branch_node.storage.sync_state import read_sync_state
from branch_node.sync_client import worker
from hq_server.operations import parked as parked_operations
from hq_server.storage import audience, branches, compaction, feed, merge
from hq_server.sync_server import gateway
from shared.errors import ProtocolViolation
from shared.operations import cards
from shared.sync import branch_session, card_merge, recognition
from shared.sync.messages import EntryOutcome, ResumeMode
from shared.sync.recognition import KnownLife, LifeState

FEED_KEPT_WITH_A_CLIFF = 12


class Ablation(NamedTuple):
    """A rule of DESIGN §4 and what is missing. `seed` noticed it when last looked for: it is tried first."""

    rule: int
    name: str
    without: Callable[[], Any]
    seed: int = 1


def _crashes(every: int) -> Callable[[], bool]:
    counter = itertools.count(1)
    return lambda: next(counter) % every == 0


@contextmanager
def effects_apart_from_cursor() -> Iterator[None]:
    """The cursor commits first, the effects in another transaction: now and then the power fails between them."""
    crashes, original = _crashes(23), merge.Merge._write_at_once

    def write(self: merge.Merge, entries: Any) -> dict[int, EntryOutcome]:
        return {} if crashes() else original(self, entries)

    with patch.object(merge.Merge, "_write_at_once", write):
        yield


@contextmanager
def no_command_ids() -> Iterator[None]:
    """Nothing remembers which operation has taken effect."""
    original = merge.Merge._write

    def write(self: merge.Merge, effects: Any) -> Any:
        effects.commands.clear()
        return original(self, effects)

    with patch.object(merge.Merge, "_write", write), patch.object(merge.Merge, "_known_commands", lambda *_: set()):
        yield


@contextmanager
def journal_apart_from_rows() -> Iterator[None]:
    """The branch journals in a transaction of its own: now and then the power fails before it."""
    crashes, original = _crashes(37), transaction.BranchTransaction.seal

    def seal(self: transaction.BranchTransaction) -> None:
        if not crashes():
            original(self)

    with patch.object(transaction.BranchTransaction, "seal", seal):
        yield


@contextmanager
def positions_before_commit() -> Iterator[None]:
    """Positions are drawn when a record is written, not when it is committed: some become visible late."""
    crashes, original = _crashes(5), feed._number_some

    def number(connection: Any, store: Any, now_us: int) -> Any:
        head, numbered = original(connection, store, now_us)
        if numbered > 1 and crashes():
            late = connection.exec_driver_sql("SELECT MAX(position) - 1 FROM feed").scalar()
            connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS late AS SELECT * FROM feed WHERE 0")
            connection.exec_driver_sql("INSERT INTO feed SELECT * FROM late WHERE true ON CONFLICT DO NOTHING")
            connection.exec_driver_sql("DELETE FROM late")
            connection.exec_driver_sql("INSERT INTO late SELECT * FROM feed WHERE position = ?", (late,))
            connection.exec_driver_sql("DELETE FROM feed WHERE position = ?", (late,))
        return head, numbered

    with patch.object(feed, "_number_some", number):
        yield


@contextmanager
def no_record_for_newcomers() -> Iterator[None]:
    """A branch that begins to know a client gets its later edits, but not the card."""
    original = audience._whole

    def whole(branch_id: bytes, client_id: bytes, state: bytes) -> Any:
        return original(b"\0" * 16, client_id, state)

    with patch.object(audience, "_whole", whole):
        yield


@contextmanager
def nothing_is_parked() -> Iterator[None]:
    """An entry that cannot be applied refuses its batch."""

    def park(self: merge.Merge, entry: Any, reason: str, evidence: str, outcomes: Any) -> None:
        raise ProtocolViolation(f"{reason}: {evidence}")

    with patch.object(merge.Merge, "_park", park):
        yield


def _judging(change: Callable[[Any, KnownLife], KnownLife | None]) -> Any:
    original = recognition._Recognition.treat_known_life

    def treat(self: Any, life: KnownLife) -> Any:
        changed = change(self, life)
        return self.answer(ResumeMode.INCREMENTAL) if changed is None else original(self, changed)

    return patch.object(recognition._Recognition, "treat_known_life", treat)


@contextmanager
def restored_stores_resume() -> Iterator[None]:
    """A store that is behind is taken to have acknowledged what it does not have; divergent hashes are not compared."""
    with (
        _judging(lambda self, life: None),
        patch.object(branch_session.BranchSession, "_begin_locating", lambda self: None),
    ):
        yield


@contextmanager
def copies_pass_for_the_store() -> Iterator[None]:
    """Fences are not compared, and a closed incarnation may go on."""
    with (
        _judging(lambda self, life: replace(life, confirmed_fence=0, state=LifeState.LIVE)),
        patch.object(branches, "max", max, create=True),
    ):
        yield


@contextmanager
def restored_hq_goes_unnoticed() -> Iterator[None]:
    """What a branch took back as history is not sent again to an HQ that has forgotten it."""

    def nothing(*_: Any, **__: Any) -> int:
        return 0

    with patch.object(worker, "journal_history", nothing), patch.object(history, "journal_history", nothing):
        yield


@contextmanager
def no_proposals() -> Iterator[None]:
    """HQ's own lost records are not handed back."""
    with patch.object(gateway, "keep_proposals", lambda *_: None):
        yield


@contextmanager
def history_is_not_taken_back() -> Iterator[None]:
    """A restored store does not ask for what HQ holds beyond its backup."""
    with patch.object(worker.StoreWorker, "wanted", lambda self: (None, False)):
        yield


@contextmanager
def no_conflict_log() -> Iterator[None]:
    """A value that is not shown is simply gone."""
    with patch.object(cards, "_log_conflicts", lambda *_: None):
        yield


@contextmanager
def last_arrival_wins() -> Iterator[None]:
    """A field keeps the value that came last, whatever its editor had seen."""

    def field(before: Any, version: Any, seen: Any) -> Any:
        return card_merge.FieldState((version,), before.superseded)

    with patch.object(card_merge, "_merge_field", field):
        yield


@contextmanager
def any_clock_is_believed() -> Iterator[None]:
    """Edits from a clock that is far ahead are merged as they come."""
    with patch.object(merge, "is_plausible", lambda *_: True):
        yield


@contextmanager
def no_credits() -> Iterator[None]:
    """The branch sends whatever it has, acknowledged or not."""
    original = branch_session.BranchSession._pump

    def pump(self: Any) -> None:
        self._credits = self._credits._replace(batches=10**6, batch_rows=1)
        original(self)

    with patch.object(branch_session.BranchSession, "_pump", pump):
        yield


@contextmanager
def unknown_kinds_are_dropped() -> Iterator[None]:
    """What a newer release records is acknowledged and forgotten."""
    original = merge.Merge._problem_with

    def problem(self: merge.Merge, entry: Any, parked: Any) -> Any:
        found = original(self, entry, parked)
        return None if found is not None and found.reason == "unknown_kind" else found

    with patch.object(merge.Merge, "_problem_with", problem):
        yield


@contextmanager
def gaps_in_the_feed_go_unnoticed() -> Iterator[None]:
    """The branch takes whatever stretch of the feed comes."""
    original = branch_session.BranchSession._receive_feed

    def receive(self: Any, batch: Any) -> None:
        self._feed_received = batch.after_position
        original(self, batch)

    with patch.object(branch_session.BranchSession, "_receive_feed", receive):
        yield


@contextmanager
def parked_edits_are_not_stamped_anew() -> Iterator[None]:
    """After the clock was corrected, what was parked keeps its stamp from the future."""
    with patch.object(parked_operations, "is_plausible", lambda *_: True):
        yield


@contextmanager
def pruning_ahead_of_backups() -> Iterator[None]:
    """The branch prunes what HQ has acknowledged, whether any backup holds it or not."""
    original = read_sync_state

    def read(cursor: Any) -> Any:
        state = original(cursor)
        return state._replace(backup_seq=state.acknowledged.seq)

    with patch.object(pruning, "read_sync_state", read):
        yield


@contextmanager
def a_retention_cliff() -> Iterator[None]:
    """HQ does not take in a branch that has missed too much of the feed."""
    original = recognition._Recognition.treat_known_life

    def treat(self: Any, life: KnownLife) -> Any:
        if self.known.feed_head.position - self.hello.feed.position > FEED_KEPT_WITH_A_CLIFF:
            return self.answer(ResumeMode.SNAPSHOT, "The branch was away for too long.")
        return original(self, life)

    with patch.object(recognition._Recognition, "treat_known_life", treat):
        yield


@contextmanager
def folding_keeps_the_last_row_as_it_is() -> Iterator[None]:
    """Compaction drops the earlier rows of a card, and with them whatever the last one does not repeat."""
    with patch.object(compaction, "fold", lambda earlier, later: later):
        yield


@contextmanager
def cursors_claim_what_is_folded() -> Iterator[None]:
    """A cursor amid a compacted stretch says that everything before it was taken."""

    with patch.object(feed, "compacted_to", lambda connection: 0):
        yield


@contextmanager
def the_feed_is_read_for_today_s_zone() -> Iterator[None]:
    """A branch that lags is not told what its old zone was told before the change."""

    def zone_at(connection: Any, branch_id: bytes, position: int) -> tuple[str, int | None]:
        return branches.branch_by_id(connection, branch_id).price_zone, None

    with patch.object(audience, "_zone_at", zone_at):
        yield


ABLATIONS = (
    Ablation(1, "effects and cursor in one transaction", effects_apart_from_cursor),
    Ablation(1, "effects once per command id", no_command_ids),
    Ablation(2, "rows and journal entry in one transaction", journal_apart_from_rows),
    Ablation(2, "pruning waits for two verified backups", pruning_ahead_of_backups, seed=3),
    Ablation(3, "feed positions in commit order", positions_before_commit),
    Ablation(3, "the whole record for who gains an audience", no_record_for_newcomers),
    Ablation(3, "a gap in the feed ends the stream", gaps_in_the_feed_go_unnoticed, seed=5),
    Ablation(3, "each position read for the zone of its time", the_feed_is_read_for_today_s_zone, seed=10),
    Ablation(4, "parking", nothing_is_parked, seed=2),
    Ablation(5, "re-homing of restored stores", restored_stores_resume),
    Ablation(5, "history given back to restored stores", history_is_not_taken_back),
    Ablation(5, "quarantine of copies", copies_pass_for_the_store, seed=2),
    Ablation(5, "history sent again to a restored HQ", restored_hq_goes_unnoticed, seed=36),
    Ablation(5, "proposals to a restored HQ", no_proposals, seed=2),
    Ablation(6, "conflict log", no_conflict_log, seed=2),
    Ablation(6, "versions that an edit saw", last_arrival_wins),
    Ablation(7, "edits from the future wait", any_clock_is_believed, seed=2),
    Ablation(7, "re-stamping after correction", parked_edits_are_not_stamped_anew, seed=2),
    Ablation(8, "credits", no_credits, seed=2),
    Ablation(9, "unknown kinds are kept", unknown_kinds_are_dropped, seed=3),
    Ablation(10, "no retention cliff", a_retention_cliff),
    Ablation(10, "a folded row of the feed says what it replaced", folding_keeps_the_last_row_as_it_is),
    Ablation(10, "a cursor amid folded rows says so", cursors_claim_what_is_folded, seed=13),
)
