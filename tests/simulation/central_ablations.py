"""The safeguards of centralized mode, taken away: see tests.simulation.ablations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from branch_node.operations import processing
from hq_server.operations import central
from hq_server.storage import central as central_rows
from hq_server.storage.effects import write_effects
from shared.sync.central import Committed, Decision, decide
from tests.simulation.site import Site


@contextmanager
def a_commit_is_decided_anew(site: Site) -> Iterator[None]:
    """HQ does not remember which commands it has committed at a branch's wish: the same request commits again."""
    original = central_rows.decisions_on

    def nothing_known_on(keys: Any) -> Any:
        question = original(keys)

        def read(rows: Any) -> Any:
            found = question.read(rows)
            committed = {key for key, outcome in found.items() if isinstance(outcome, Committed)}
            return {} if site.acts(bool(committed)) else found

        return replace(question, read=read)

    keep = central_rows.keep

    def forget(connection: Any, rows: Any) -> None:
        for row in () if site.watching else rows:
            connection.exec_driver_sql("DELETE FROM central_commit WHERE command_id = ?", (row[1],))

    def write_anew(store: Any, connection: Any, effects: Any, *rest: Any) -> Any:
        forget(connection, effects.decisions)
        return write_effects(store, connection, effects, *rest)

    def keep_anew(connection: Any, bulk: Any, rows: Any) -> None:
        forget(connection, rows)
        keep(connection, bulk, rows)

    with (
        patch.object(central_rows, "decisions_on", nothing_known_on),
        patch.object(central, "write_effects", write_anew),
        patch.object(central_rows, "keep", keep_anew),
    ):
        yield


@contextmanager
def no_tombstones(site: Site) -> Iterator[None]:
    """What was rejected or given up may still be committed by a request that comes late."""
    keep = central_rows.keep

    def committed_of(rows: Any) -> Any:
        committed = [row for row in rows if row[2]]
        return committed if site.acts(len(committed) < len(rows)) else rows

    def keep_committed(connection: Any, bulk: Any, rows: Any) -> None:
        keep(connection, bulk, committed_of(rows))

    def write_committed(store: Any, connection: Any, effects: Any, *rest: Any) -> Any:
        effects.decisions = committed_of(effects.decisions)
        return write_effects(store, connection, effects, *rest)

    with patch.object(central_rows, "keep", keep_committed), patch.object(central, "write_effects", write_committed):
        yield


@contextmanager
def what_was_sent_is_dropped(site: Site) -> Iterator[None]:
    """A branch that had no answer takes it for a refusal."""
    original = decide

    def judge(*arguments: Any) -> Any:
        right = original(*arguments)
        return Decision.VOID if site.acts(right is Decision.KEEP) else right

    with patch.object(processing, "decide", judge):
        yield


@contextmanager
def lost_commits_stay_lost(site: Site) -> Iterator[None]:
    """What was committed at once for a store that was lost is not given back."""
    original = central_rows.commits_after

    def commits_after(*arguments: Any) -> Any:
        found = original(*arguments)
        return [] if site.acts(bool(found)) else found

    with patch.object(central_rows, "commits_after", commits_after):
        yield
