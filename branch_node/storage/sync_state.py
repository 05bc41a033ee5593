"""How far synchronisation has come, as the branch durably knows it."""

from __future__ import annotations

from typing import Any, NamedTuple

from branch_node.storage.transaction import ChainState, read_node
from shared.sync.central import COMMITS, digest_commands
from shared.sync.chain import FLAG_CONFIRMED, Head
from shared.sync.hlc import SKEW_MS_MAX, from_wall, is_plausible, wall_ms
from shared.sync.messages import Ack, FeedCursor, HistoryCursor, ProcessingMode, ResumeMode, Welcome, WhenUnreachable
from shared.wire.entries import header_of


class SyncState(NamedTuple):
    """One row of facts; `skew_ms` is branch clock − HQ clock."""

    acknowledged: Head
    feed: FeedCursor
    skew_ms: int | None
    backup_seq: int
    connected: bool
    last_sync_at_us: int | None
    trouble: str | None
    last_fence: int
    history: HistoryCursor | None
    proposals_wanted: bool
    counted_position: int
    pruned_position: int
    foreign_entries: int


class Waiting(NamedTuple):
    """Entries that HQ has not acknowledged, and when the oldest of them was recorded."""

    entries: int
    oldest_recorded_ms: int | None


_READ = """
SELECT acknowledged_seq, acknowledged_hash, feed_epoch, feed_position, feed_hash, skew_ms, backup_seq, connected,
       last_sync_at, trouble, last_fence, history_life, history_seq, proposals_wanted, counted_position,
       pruned_position, foreign_entries, feed_folded_to
FROM sync_state
"""


def read_sync_state(cursor: Any) -> SyncState:
    """The state as of this transaction."""
    row = cursor.execute(_READ).fetchone()
    history = None if row[11] is None else HistoryCursor(row[11], row[12])
    return SyncState(
        Head(row[0], row[1]),
        FeedCursor(row[2], row[3], row[4], row[17]),
        row[5],
        row[6],
        bool(row[7]),
        row[8],
        row[9],
        row[10],
        history,
        bool(row[13]),
        row[14],
        row[15],
        row[16],
    )


def read_waiting(cursor: Any) -> Waiting:
    """What HQ does not have yet."""
    _, chain = read_node(cursor)
    return read_waiting_after(cursor, chain, read_sync_state(cursor).acknowledged.seq)


def read_waiting_after(cursor: Any, chain: ChainState, acknowledged: int) -> Waiting:
    """The same for who has read both in this snapshot."""
    waiting = max(0, chain.head.seq - acknowledged)
    if not waiting:
        return Waiting(0, None)
    position = chain.first_position + acknowledged
    row = cursor.execute("SELECT hlc FROM journal WHERE position = ?", (position,)).fetchone()
    return Waiting(waiting, wall_ms(row[0]) if row else None)


def count_parked(cursor: Any) -> int:
    """Entries that HQ holds but could not apply."""
    return int(cursor.execute("SELECT COUNT(*) FROM parked_entry").fetchone()[0])


def store_welcome(cursor: Any, welcome: Welcome, goes_on: bool, now_us: int) -> None:
    """What HQ said at the beginning of a session.

    HQ measured the skew less the hello's travel time, we measure it plus the welcome's: the truth lies between.
    """
    skew_ms = (welcome.skew_ms + (now_us - welcome.hq_clock_us) // 1_000) // 2
    cursor.execute(
        "UPDATE sync_state SET skew_ms = ?, backup_seq = ?, connected = ?, last_sync_at = ?, trouble = ?",
        (skew_ms, welcome.backup_seq, goes_on, now_us, None if goes_on else welcome.reason),
    )
    if welcome.resume is ResumeMode.INCREMENTAL:
        # A store that must be re-homed takes part in no session yet: HQ must go on to see how old it is.
        cursor.execute("UPDATE sync_state SET last_fence = ?", (welcome.session_fence,))
        # What other stores of this branch brought to HQ since: it is taken from the beginning, and what is here stays.
        if read_sync_state(cursor).foreign_entries != welcome.foreign_entries:
            cursor.execute("UPDATE sync_state SET foreign_entries = ?", (welcome.foreign_entries,))
            restart_history(cursor)
        if welcome.commits_digest and welcome.commits_digest != _digest_confirmed(cursor, welcome.acknowledged.seq):
            # HQ committed something at once for this branch that this store does not have: it is an older copy.
            cursor.execute(
                "UPDATE sync_state SET history_life = ?, history_seq = 0 WHERE history_life IS NULL", (COMMITS,)
            )
        if welcome.feed_lost or not _are_proposals_safe(cursor):
            want_proposals(cursor)
    if goes_on and abs(skew_ms) < SKEW_MS_MAX:
        begin_epoch_if_ahead(cursor, now_us)


def _digest_confirmed(cursor: Any, acknowledged_seq: int) -> bytes:
    """Of the entries that HQ has yet to take: the commands that it has committed already."""
    _, chain = read_node(cursor)
    position = chain.first_position + acknowledged_seq
    headers = (
        header_of(data) for (data,) in cursor.execute("SELECT data FROM journal WHERE position >= ?", (position,))
    )
    return digest_commands(header.command_id for header in headers if header.flags & FLAG_CONFIRMED)


def store_mode(cursor: Any, mode: ProcessingMode, when_unreachable: WhenUnreachable) -> None:
    """How the branch processes from now on."""
    cursor.execute(
        "UPDATE node SET mode = ?, when_unreachable = ?, revision = revision + 1",
        (mode.value, when_unreachable.value),
    )


def begin_epoch_if_ahead(cursor: Any, now_us: int) -> bool:
    """Starts a new HLC epoch when the clock was set back below what this store has stamped (DESIGN §4, rule 7).

    Called once HQ has found the clock to be right. Stamps of the new epoch order after those of the old.
    """
    _, chain = read_node(cursor)
    if is_plausible(chain.hlc, now_us):
        return False
    hlc = from_wall(now_us)
    cursor.execute("UPDATE node SET hlc_epoch = hlc_epoch + 1, hlc_seen = ?, revision = revision + 1", (hlc,))
    # The column is this store's own clock; what the entry itself says of its time stays as it is.
    cursor.execute("UPDATE journal SET hlc = ? WHERE position = (SELECT MAX(position) FROM journal)", (hlc,))
    return True


def store_ack(cursor: Any, incarnation: bytes, ack: Ack, now_us: int) -> None:
    """HQ durably holds every entry up to the ack; what it could not apply is remembered."""
    head = ack.acknowledged
    cursor.execute(
        "UPDATE sync_state SET acknowledged_seq = ?, acknowledged_hash = ?, last_sync_at = ?",
        (head.seq, head.entry_hash, now_us),
    )
    parked = [
        (incarnation, outcome.seq, outcome.parked_reason, now_us)
        for outcome in ack.outcomes
        if outcome.parked_reason is not None
    ]
    if parked:
        cursor.executemany(
            "INSERT INTO parked_entry (incarnation, seq, reason, reported_at) VALUES (?, ?, ?, ?) "
            "ON CONFLICT DO NOTHING",
            parked,
        )


def store_resumed(cursor: Any, acknowledged: Head) -> None:
    """Where HQ says the session goes on from; after a restore it may be behind what was acknowledged before."""
    cursor.execute(
        "UPDATE sync_state SET acknowledged_seq = ?, acknowledged_hash = ?",
        (acknowledged.seq, acknowledged.entry_hash),
    )


def store_history_cursor(cursor: Any, after: HistoryCursor | None) -> None:
    """How far history is taken; None when there is none left."""
    life, seq = (None, None) if after is None else after
    cursor.execute("UPDATE sync_state SET history_life = ?, history_seq = ?", (life, seq))


def restart_history(cursor: Any) -> None:
    """History is taken from the beginning; what HQ does not give this time, it has lost."""
    cursor.execute("UPDATE sync_state SET history_life = 0, history_seq = 0")
    cursor.execute("UPDATE history_entry SET held_at_hq = 0")


def _are_proposals_safe(cursor: Any) -> bool:
    row = cursor.execute("SELECT proposals_kept_by <= feed_position FROM sync_state").fetchone()
    return bool(row[0])


def want_proposals(cursor: Any) -> None:
    """HQ may have lost cards that this store holds: they are handed back at the next connection."""
    cursor.execute("UPDATE sync_state SET proposals_wanted = 1, proposals_kept_by = 0")


def store_proposals_done(cursor: Any, feed_head: int) -> None:
    """HQ keeps what this store handed back. Should it be restored from before, the store's cursor shows it, once the
    feed is taken up to `feed_head`."""
    cursor.execute("UPDATE sync_state SET proposals_wanted = 0, proposals_kept_by = ?", (feed_head,))


def store_feed_cursor(cursor: Any, feed: FeedCursor, now_us: int) -> None:
    """The feed is durably applied up to here."""
    cursor.execute(
        "UPDATE sync_state SET feed_epoch = ?, feed_position = ?, feed_hash = ?, feed_folded_to = ?, last_sync_at = ?",
        (feed.epoch, feed.position, feed.running_hash, feed.folded_to, now_us),
    )


def store_disconnected(cursor: Any, trouble: str | None) -> None:
    """The stream ended. `trouble` is one sentence when HQ would not have this branch."""
    if trouble is None:
        cursor.execute("UPDATE sync_state SET connected = 0")
    else:
        cursor.execute("UPDATE sync_state SET connected = 0, trouble = ?", (trouble,))
