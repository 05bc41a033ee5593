"""Wires a branch node together: settings, store, clock."""

from __future__ import annotations

from pathlib import Path

from branch_node.settings import Settings
from branch_node.storage.store import BranchStore
from shared.clock import SystemClock, SystemIds
from shared.environment import load_settings


def settings_for(home: Path | None) -> Settings:
    """The settings of the node in that folder."""
    return load_settings(Settings, home)


def open_store(settings: Settings) -> BranchStore:
    """The node's store. Raises StoreMissing before enrolment."""
    return BranchStore(settings.store_path, SystemClock(), SystemIds())
