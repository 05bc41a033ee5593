"""One process at a time synchronises a branch."""

from __future__ import annotations

from branch_node.storage.process_lock import ProcessLock


class SyncLock(ProcessLock):
    """The right to synchronise this store."""
