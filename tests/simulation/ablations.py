"""Every safeguard taken away, one at a time: a simulator that does not notice is a simulator with a hole.

Each ablation replaces production code by what a system without that safeguard would do. None can be switched on outside
the simulator. Where the replacement would never have done otherwise than the code it replaces, a seed is the same with
it and without: `Site` finds that out on one run for all of them, and such seeds are not run again.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any, NamedTuple
from unittest.mock import patch

from branch_node.operations import history
from branch_node.storage import pruning, rehoming, transaction
from branch_node.storage.sync_state import read_sync_state
from branch_node.sync_client import worker
from hq_server.operations import carrying
from hq_server.operations import parked as parked_operations
from hq_server.storage import audience, branches, compaction, feed, merge, proposals
from hq_server.sync_server import gateway
from shared.errors import ProtocolViolation
from shared.operations import cards
from shared.sync import branch_session, card_merge, hlc, recognition
from shared.sync.messages import EntryOutcome, ResumeMode
from shared.sync.recognition import KnownLife, LifeState
from tests.simulation.answer_ablations import older_answers_stay
from tests.simulation.central_ablations import (
    a_commit_is_decided_anew,
    lost_commits_stay_lost,
    no_tombstones,
    what_was_sent_is_dropped,
)
from tests.simulation.client_ablations import (
    edits_are_not_kept,
    facts_stay_where_they_were_recorded,
    newcomers_are_told_the_card_alone,
)
from tests.simulation.erasure_ablations import (
    late_entries_are_taken_whole,
    orders_wait_for_a_decision,
    the_journal_keeps_persons,
)
from tests.simulation.ledger_ablations import (
    books_forget_claw_backs,
    earlier_refunds_are_forgotten,
    leases_do_not_shrink,
    points_stay_when_goods_come_back,
)
from tests.simulation.person_ablations import (
    circles_stay_apart,
    late_merges_erase_nobody,
    late_work_stays,
)
from tests.simulation.site import Site

FEED_KEPT_WITH_A_CLIFF = 12


class Ablation(NamedTuple):
    """A rule of DESIGN §4 and what is missing. `seed` noticed it when last looked for: it is tried first."""

    rule: int
    name: str
    taken_away: Callable[[Site], Any]
    seed: int = 1

    def without(self) -> Any:
        return self.taken_away(Site())


@contextmanager
def watched(sites: Sequence[Site]) -> Iterator[None]:
    """Every safeguard stays; each site learns whether its absence would have made a difference."""
    with ExitStack() as watching:
        for site, ablation in zip(sites, ABLATIONS, strict=True):
            watching.enter_context(ablation.taken_away(site))
        yield


def _crashes(every: int) -> Callable[[], bool]:
    counter = itertools.count(1)
    return lambda: next(counter) % every == 0


@contextmanager
def effects_apart_from_cursor(site: Site) -> Iterator[None]:
    """The cursor commits first, the effects in another transaction: now and then the power fails between them."""
    crashes, original = _crashes(23), merge.Merge._write_at_once

    def write(self: merge.Merge, entries: Any) -> dict[int, EntryOutcome]:
        return {} if site.acts(crashes()) else original(self, entries)

    with patch.object(merge.Merge, "_write_at_once", write):
        yield


@contextmanager
def no_command_ids(site: Site) -> Iterator[None]:
    """Nothing remembers which operation has taken effect."""
    original = merge.Merge._write

    known_commands = merge.Merge._known_commands

    def write(self: merge.Merge, effects: Any) -> Any:
        if site.acts(bool(effects.commands)):
            effects.commands.clear()
        return original(self, effects)

    def known(self: merge.Merge, *entries: Any) -> Any:
        return known_commands(self, *entries) if site.watching else set()

    with patch.object(merge.Merge, "_write", write), patch.object(merge.Merge, "_known_commands", known):
        yield


@contextmanager
def journal_apart_from_rows(site: Site) -> Iterator[None]:
    """The branch journals in a transaction of its own: now and then the power fails before it."""
    crashes, original = _crashes(37), transaction.BranchTransaction.seal

    def seal(self: transaction.BranchTransaction) -> None:
        if not site.acts(crashes()):
            original(self)

    with patch.object(transaction.BranchTransaction, "seal", seal):
        yield


@contextmanager
def positions_before_commit(site: Site) -> Iterator[None]:
    """Positions are drawn when a record is written, not when it is committed: some become visible late."""
    crashes, original = _crashes(5), feed._number_some

    def number(connection: Any, store: Any, now_us: int) -> Any:
        head, numbered = original(connection, store, now_us)
        if numbered > 1 and site.acts(crashes()):
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
def no_record_for_newcomers(site: Site) -> Iterator[None]:
    """A branch that begins to know a client gets its later edits, but not the card."""
    original = audience._whole

    def whole(branch_id: bytes, client_id: bytes, state: bytes) -> Any:
        return original(b"\0" * 16 if site.acts(True) else branch_id, client_id, state)

    with patch.object(audience, "_whole", whole):
        yield


@contextmanager
def nothing_is_parked(site: Site) -> Iterator[None]:
    """An entry that cannot be applied refuses its batch."""
    original = merge.Merge._park

    def park(self: merge.Merge, entry: Any, reason: str, evidence: str, outcomes: Any) -> None:
        if site.acts(True):
            raise ProtocolViolation(f"{reason}: {evidence}")
        original(self, entry, reason, evidence, outcomes)

    with patch.object(merge.Merge, "_park", park):
        yield


_judge_rightly = recognition._Recognition.treat_known_life


def _judging(site: Site, judge_wrongly: Callable[[Any, KnownLife], Any]) -> Any:
    original = recognition._Recognition.treat_known_life

    def treat(self: Any, life: KnownLife) -> Any:
        right, wrong = original(self, life), judge_wrongly(self, life)
        return wrong if site.acts(wrong != right) else right

    return patch.object(recognition._Recognition, "treat_known_life", treat)


@contextmanager
def restored_stores_resume(site: Site) -> Iterator[None]:
    """A store that is behind is taken to have acknowledged what it does not have; divergent hashes are not compared."""
    original = branch_session.BranchSession._begin_locating

    def begin(self: Any) -> None:
        if not site.acts(True):
            original(self)

    with (
        _judging(site, lambda self, life: self.answer(ResumeMode.INCREMENTAL)),
        patch.object(branch_session.BranchSession, "_begin_locating", begin),
    ):
        yield


@contextmanager
def copies_pass_for_the_store(site: Site) -> Iterator[None]:
    """Fences are not compared, and a closed incarnation may go on."""

    def judge(self: Any, life: KnownLife) -> Any:
        return _judge_rightly(self, replace(life, confirmed_fence=0, state=LifeState.LIVE))

    with _judging(site, judge):
        yield


@contextmanager
def restored_hq_goes_unnoticed(site: Site) -> Iterator[None]:
    """What a branch took back as history is not sent again to an HQ that has forgotten it."""
    original = rehoming.journal_history

    def journal(cursor: Any, all_of_it: bool) -> int:
        if not site.watching:
            return 0
        sent_again = original(cursor, all_of_it)
        site.acts(sent_again > 0)
        return sent_again

    with patch.object(worker, "journal_history", journal), patch.object(history, "journal_history", journal):
        yield


@contextmanager
def no_proposals(site: Site) -> Iterator[None]:
    """HQ's own lost records are not handed back."""
    original = proposals.keep_proposals

    def keep(*arguments: Any) -> None:
        if not site.acts(True):
            original(*arguments)

    with patch.object(gateway, "keep_proposals", keep):
        yield


@contextmanager
def history_is_not_taken_back(site: Site) -> Iterator[None]:
    """A restored store does not ask for what HQ holds beyond its backup."""
    original = worker.StoreWorker.wanted

    def wanted(self: Any) -> Any:
        found = original(self)
        return (None, False) if site.acts(found != (None, False)) else found

    with patch.object(worker.StoreWorker, "wanted", wanted):
        yield


@contextmanager
def no_conflict_log(site: Site) -> Iterator[None]:
    """A value that is not shown is simply gone."""
    original = cards._log_conflicts

    def log(connection: Any, key: Any, before: Any, outcome: Any, *rest: Any) -> None:
        if not site.acts(bool(outcome.conflicts) or cards._is_disputed(before)):
            original(connection, key, before, outcome, *rest)

    with patch.object(cards, "_log_conflicts", log):
        yield


@contextmanager
def last_arrival_wins(site: Site) -> Iterator[None]:
    """A field keeps the value that came last, whatever its editor had seen."""
    original = card_merge._merge_field

    def field(before: Any, version: Any, seen: Any) -> Any:
        right, wrong = original(before, version, seen), card_merge.FieldState((version,), before.superseded)
        return wrong if site.acts(wrong != right) else right

    with patch.object(card_merge, "_merge_field", field):
        yield


def _believing(site: Site) -> Callable[[int, int], bool]:
    def is_plausible(remote: int, now_us: int) -> bool:
        plausible = hlc.is_plausible(remote, now_us)
        return plausible or site.acts(True)

    return is_plausible


@contextmanager
def any_clock_is_believed(site: Site) -> Iterator[None]:
    """Edits from a clock that is far ahead are merged as they come."""
    with patch.object(merge, "is_plausible", _believing(site)):
        yield


@contextmanager
def no_credits(site: Site) -> Iterator[None]:
    """The branch sends whatever it has, acknowledged or not."""
    original = branch_session.BranchSession._pump

    def pump(self: Any) -> None:
        if site.acts(True):
            self._credits = self._credits._replace(batches=10**6, batch_rows=1)
        original(self)

    with patch.object(branch_session.BranchSession, "_pump", pump):
        yield


@contextmanager
def unknown_kinds_are_dropped(site: Site) -> Iterator[None]:
    """What a newer release records is acknowledged and forgotten."""
    original = merge.Merge._problem_with

    def problem(self: merge.Merge, entry: Any, parked: Any) -> Any:
        found = original(self, entry, parked)
        return None if site.acts(found is not None and found.reason == "unknown_kind") else found

    with patch.object(merge.Merge, "_problem_with", problem):
        yield


@contextmanager
def gaps_in_the_feed_go_unnoticed(site: Site) -> Iterator[None]:
    """The branch takes whatever stretch of the feed comes."""
    original = branch_session.BranchSession._receive_feed

    def receive(self: Any, batch: Any) -> None:
        if site.acts(batch.after_position != self._feed_received):
            self._feed_received = batch.after_position
        original(self, batch)

    with patch.object(branch_session.BranchSession, "_receive_feed", receive):
        yield


@contextmanager
def parked_edits_are_not_stamped_anew(site: Site) -> Iterator[None]:
    """After the clock was corrected, what was parked keeps its stamp from the future."""
    with patch.object(parked_operations, "is_plausible", _believing(site)):
        yield


@contextmanager
def pruning_ahead_of_backups(site: Site) -> Iterator[None]:
    """The branch prunes what HQ has acknowledged, whether any backup holds it or not."""
    original = read_sync_state

    def read(cursor: Any) -> Any:
        state = original(cursor)
        ahead = state._replace(backup_seq=state.acknowledged.seq)
        return ahead if site.acts(ahead != state) else state

    with patch.object(pruning, "read_sync_state", read):
        yield


@contextmanager
def a_retention_cliff(site: Site) -> Iterator[None]:
    """HQ does not take in a branch that has missed too much of the feed."""
    original = recognition._Recognition.treat_known_life

    def treat(self: Any, life: KnownLife) -> Any:
        missed = self.known.feed_head.position - self.hello.feed.position
        if site.acts(missed > FEED_KEPT_WITH_A_CLIFF):
            return self.answer(ResumeMode.SNAPSHOT, "The branch was away for too long.")
        return original(self, life)

    with patch.object(recognition._Recognition, "treat_known_life", treat):
        yield


@contextmanager
def folding_keeps_the_last_row_as_it_is(site: Site) -> Iterator[None]:
    """Compaction drops the earlier rows of a card, and with them whatever the last one does not repeat."""
    original = compaction.fold

    def fold(earlier: Any, later: Any) -> Any:
        folded = original(earlier, later)
        return later if site.acts(folded != later) else folded

    with patch.object(compaction, "fold", fold):
        yield


@contextmanager
def cursors_claim_what_is_folded(site: Site) -> Iterator[None]:
    """A cursor amid a compacted stretch says that everything before it was taken."""
    original = feed.is_on_feed

    def is_on_feed(connection: Any, cursor: Any) -> bool:
        right = original(connection, cursor)
        # Without `folded_to` the cursor would be taken as soon as its own position has the hash it had.
        site.acts(cursor.folded_to != 0 and not right)
        return right

    with ExitStack() as patches:
        if site.watching:
            patches.enter_context(patch.object(branches, "is_on_feed", is_on_feed))
            patches.enter_context(patch.object(carrying, "is_on_feed", is_on_feed))
        else:
            patches.enter_context(patch.object(feed, "compacted_to", lambda connection: 0))
        yield


@contextmanager
def the_feed_is_read_for_today_s_zone(site: Site) -> Iterator[None]:
    """A branch that lags is told what the newest of its zones is told, from wherever it stands."""
    original = audience._zone_at

    def zone_at(connection: Any, branch_id: bytes, position: int) -> tuple[str, int | None]:
        right = zone, until = original(connection, branch_id, position)
        zones = {zone}
        while until is not None:
            zone, until = original(connection, branch_id, until)
            zones.add(zone)
        return (zone, None) if site.acts(len(zones) > 1) else right

    with patch.object(audience, "_zone_at", zone_at):
        yield


ABLATIONS = (
    Ablation(1, "effects and cursor in one transaction", effects_apart_from_cursor),
    Ablation(1, "effects once per command id", no_command_ids, seed=4),
    Ablation(2, "rows and journal entry in one transaction", journal_apart_from_rows, seed=2),
    Ablation(2, "pruning waits for two verified backups", pruning_ahead_of_backups, seed=18),
    Ablation(3, "feed positions in commit order", positions_before_commit),
    Ablation(3, "the whole record for who gains an audience", no_record_for_newcomers),
    Ablation(3, "a gap in the feed ends the stream", gaps_in_the_feed_go_unnoticed, seed=31),
    Ablation(3, "each position read for the zone of its time", the_feed_is_read_for_today_s_zone, seed=446),
    Ablation(4, "parking", nothing_is_parked, seed=2),
    Ablation(5, "re-homing of restored stores", restored_stores_resume, seed=3),
    Ablation(5, "history given back to restored stores", history_is_not_taken_back),
    Ablation(5, "quarantine of copies", copies_pass_for_the_store, seed=3),
    Ablation(5, "history sent again to a restored HQ", restored_hq_goes_unnoticed, seed=60),
    Ablation(5, "proposals to a restored HQ", no_proposals, seed=9),
    Ablation(6, "conflict log", no_conflict_log, seed=2),
    Ablation(6, "versions that an edit saw", last_arrival_wins, seed=3),
    Ablation(7, "edits from the future wait", any_clock_is_believed, seed=2),
    Ablation(7, "re-stamping after correction", parked_edits_are_not_stamped_anew, seed=6),
    Ablation(8, "credits", no_credits, seed=2),
    Ablation(9, "unknown kinds are kept", unknown_kinds_are_dropped, seed=3),
    Ablation(10, "no retention cliff", a_retention_cliff),
    Ablation(10, "a folded row of the feed says what it replaced", folding_keeps_the_last_row_as_it_is),
    Ablation(10, "a cursor amid folded rows says so", cursors_claim_what_is_folded, seed=42),
    Ablation(0, "a command is committed at once only once", a_commit_is_decided_anew, seed=4),
    Ablation(0, "a tombstone defeats a late request", no_tombstones, seed=158),
    Ablation(0, "what was asked stays in doubt", what_was_sent_is_dropped, seed=37),
    Ablation(0, "commits of lost stores come back", lost_commits_stay_lost, seed=4),
    Ablation(0, "points earned go back with the goods", points_stay_when_goods_come_back, seed=202),
    Ablation(0, "a lease is spent once", leases_do_not_shrink, seed=202),
    Ablation(0, "what goes back is lent no more", books_forget_claw_backs, seed=202),
    Ablation(0, "what came back before is counted", earlier_refunds_are_forgotten, seed=211),
    Ablation(0, "newcomers are told what goes with a client", newcomers_are_told_the_card_alone, seed=305),
    Ablation(0, "facts are told to the client's circle", facts_stay_where_they_were_recorded, seed=305),
    Ablation(0, "every edit is kept to be shown", edits_are_not_kept, seed=305),
    Ablation(0, "late entries lose the erased", late_entries_are_taken_whole, seed=308),
    Ablation(0, "orders to erase come back to a restored HQ", orders_wait_for_a_decision, seed=314),
    Ablation(0, "a branch's entries lose the erased", the_journal_keeps_persons, seed=302),
    Ablation(0, "late merges bring the twin into the order", late_merges_erase_nobody, seed=554),
    Ablation(0, "who knows one card of a client knows all", circles_stay_apart, seed=446),
    Ablation(0, "late work follows", late_work_stays, seed=458),
    Ablation(0, "a newer answer over the chain takes the place", older_answers_stay, seed=8_007),
)
