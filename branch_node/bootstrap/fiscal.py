"""Wires the fiscal device of the settings: its queue and its worker."""

from __future__ import annotations

from branch_node.devices.fiscal import open_fiscal_device
from branch_node.devices.fiscal_queue import FiscalQueue, FiscalWorker
from branch_node.settings import Settings
from branch_node.storage.process_lock import ProcessLock
from branch_node.storage.store import BranchStore


def start_fiscal_worker(settings: Settings, store: BranchStore) -> FiscalWorker | None:
    """Tells the device what waits, from now on, in a thread; None when no device is set. Raises InvalidInput."""
    device = open_fiscal_device(settings.fiscal_device)
    if device is None:
        return None
    worker = FiscalWorker(FiscalQueue(store, device), ProcessLock(settings.fiscal_lock_path))
    worker.start()
    return worker
