"""Putting a backup back into a branch's folder: nobody synchronises meanwhile, and it must be this branch's own."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509

from branch_node.operations.backup import Restored, restore_backup
from branch_node.settings import Settings
from branch_node.sync_client.lock import SyncLock
from shared.certificates import UNREADABLE, branch_of_uri, uris_of
from shared.clock import SystemClock
from shared.errors import Refused, StoreMissing


def restore(settings: Settings, path: Path) -> Restored:
    """Puts a backup in the place of this branch's store. Raises StoreMissing, Refused, InvalidInput, StoreCorrupt."""
    if not settings.home.is_dir():
        raise StoreMissing(
            f"There is no branch in {settings.home}.",
            "Name its folder with --home; without its keys, enrol anew: filial-branch enrol --replace",
        )
    lock = SyncLock(settings.sync_lock_path)
    if not lock.take():
        raise Refused("This branch is being served.", "Stop filial-branch serve first.")
    try:
        return restore_backup(settings.store_path, path, SystemClock(), _branch_of_certificate(settings))
    finally:
        lock.release()


def _branch_of_certificate(settings: Settings) -> bytes | None:
    """Whose folder this is; None when the certificate is missing or damaged."""
    try:
        certificate = x509.load_pem_x509_certificate(settings.certificate_path.read_bytes())
        uris = uris_of(certificate)
    except (OSError, *UNREADABLE):
        return None
    return next((found for found in map(branch_of_uri, uris) if found is not None), None)
