"""How a branch stands towards its head office, as one document."""

from __future__ import annotations

from typing import Any

from branch_node.settings import Settings
from branch_node.storage.file_transfers import count_waiting
from branch_node.storage.fiscal_jobs import read_fiscal_state
from branch_node.storage.intents import count_intents
from branch_node.storage.store import BranchStore
from branch_node.storage.sync_state import count_parked, read_sync_state, read_waiting_after
from branch_node.sync_client.lock import SyncLock
from shared.domain.business_time import format_us
from shared.domain.identifiers import format_id


def read_status(settings: Settings, store: BranchStore) -> dict[str, Any]:
    """What `sync status` shows; durations in seconds, skew in milliseconds."""
    now_ms = store.clock.now_us() // 1_000
    with store.read_cursor() as cursor:
        node, chain = store.screen_nodes.read(cursor)
        state = read_sync_state(cursor)
        waiting = read_waiting_after(cursor, chain, state.acknowledged.seq)
        parked = count_parked(cursor)
        undecided = count_intents(cursor)
        fiscal = read_fiscal_state(cursor)
        files = count_waiting(cursor)
    oldest = waiting.oldest_recorded_ms
    return {
        "branch": node.code,
        "incarnation": format_id(chain.incarnation),
        "mode": node.mode.value,
        "when_unreachable": node.when_unreachable.value,
        # A process that died without a word left `connected` behind, but not the lock.
        "online": state.connected and SyncLock(settings.sync_lock_path).is_held_elsewhere(),
        "head_seq": chain.head.seq,
        "head_hash": chain.head.entry_hash.hex(),
        "acknowledged_seq": state.acknowledged.seq,
        "waiting": waiting.entries,
        "oldest_waiting_seconds": None if oldest is None else max(0, now_ms - oldest) / 1_000,
        "feed_position": state.feed.position,
        "skew_ms": state.skew_ms,
        "parked": parked,
        "undecided": undecided,
        "last_sync_at": None if state.last_sync_at_us is None else format_us(state.last_sync_at_us),
        "trouble": state.trouble,
        "fiscal": fiscal._asdict(),
        "files_waiting": files.files,
        "file_bytes_waiting": files.bytes,
        "file_problems": files.problems,
    }
