"""Wires a branch node together: settings, store, clock."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from branch_node.operations.receipt_printing import texts_of
from branch_node.settings import Settings
from branch_node.storage.store import BranchStore
from branch_node.sync_client.processor import Processor
from shared.clock import SystemClock, SystemIds
from shared.environment import load_settings

if TYPE_CHECKING:
    from branch_node.sync_client.central import CentralClient


def settings_for(home: Path | None) -> Settings:
    """The settings of the node in that folder."""
    return load_settings(Settings, home)


def open_store(settings: Settings) -> BranchStore:
    """The node's store. Raises StoreMissing before enrolment."""
    printing = texts_of(settings) if settings.printer else None
    store = BranchStore(settings.store_path, SystemClock(), SystemIds(), printing)
    store.has_fiscal_device = bool(settings.fiscal_device)
    return store


def open_processor(settings: Settings, store: BranchStore) -> Processor:
    """Does operations here or through the head office, as this branch works at the moment."""
    return Processor(store, lambda: open_central(settings, store))


def open_signer(settings: Settings) -> Callable[[bytes], bytes] | None:
    """Signs with this branch's key; None when there is no key here, as in a store that was brought alone."""
    from shared.certificates import key_from_pem, sign_statement

    if not settings.key_path.exists():
        return None
    key = key_from_pem(settings.key_path.read_bytes())
    return lambda statement: sign_statement(key, statement)


def open_central(settings: Settings, store: BranchStore) -> CentralClient:
    """A connection for questions to the head office. Raises NotAuthorised when a key file is missing."""
    # Imported here: a till that sells by itself needs no gRPC, which takes longer to load than all the rest.
    from branch_node.sync_client import central

    return central.open_central(settings, store)
