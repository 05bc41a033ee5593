"""Parked entries: trying them again, deciding that one is not to be applied, and taking that back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update

from hq_server.operations.verdicts import Subject, SubjectKind, Verdict, note_verdict, take_back_of
from hq_server.storage.hybrid_clock import next_hlc
from hq_server.storage.merge import Merge
from hq_server.storage.parking import APPLIED, CLOCK_AHEAD, DEPENDS_ON_PARKED, parked_rows, set_aside_rows, set_parked
from hq_server.storage.store import HqStore
from hq_server.storage.tables import command, journal_entry
from shared.clock import Ids
from shared.domain.permissions import LOCAL_ADMINISTRATOR, Actor, Permission, require
from shared.errors import NotFound
from shared.sync.card_merge import Stamp
from shared.sync.hlc import is_plausible
from shared.wire.decoding import decode_entry
from shared.wire.entries import open_entry


@dataclass(frozen=True, slots=True)
class Retried:
    """What became of one parked entry: `problem` is None when it is applied now."""

    incarnation: bytes
    seq: int
    problem: str | None


def retry_parked(
    store: HqStore,
    connection: Connection,
    branch_id: bytes,
    now_us: int,
    wanted: Callable[[Any], bool] = lambda row: True,
    actor: Actor = LOCAL_ADMINISTRATOR,
) -> list[Retried]:
    """Tries a branch's parked entries again, in their order. Each is applied whole or stays as it is.

    Raises NotPermitted.
    """
    require(actor, Permission.RECORDS_REVIEW)
    merge = Merge(store, connection, branch_id, set(), now_us)
    results = []
    for row in parked_rows(connection, branch_id):
        if not wanted(row):
            continue
        entry = decode_entry(open_entry(row.data))
        facts = not _facts_are_applied(connection, branch_id, row.command_id)
        header = entry.opened.header
        stamp: Stamp | None = None
        if entry.patches and (not facts or row.reason in (CLOCK_AHEAD, DEPENDS_ON_PARKED)):
            plausible = is_plausible(header.hlc, now_us)
            hlc = header.hlc if plausible else next_hlc(connection, now_us)
            stamp = Stamp(header.hlc_epoch, hlc, header.command_id, header.author, branch_id)
        problem = merge.apply_parked(entry, facts, stamp)
        if problem is None:
            set_parked(connection, row, resolved_at=now_us)
            _set_status(connection, row, APPLIED)
        else:
            set_parked(connection, row, evidence=problem)
        results.append(Retried(row.incarnation, row.seq, problem))
    return results


def waits_for_clock(row: Any) -> bool:
    """Whether a parked entry waits only for the branch's clock to be corrected."""
    return row.reason in (CLOCK_AHEAD, DEPENDS_ON_PARKED)


def discard_parked(
    connection: Connection,
    ids: Ids,
    now_us: int,
    branch_id: bytes,
    seq: int,
    incarnation: bytes | None = None,
    note: str = "",
    actor: Actor = LOCAL_ADMINISTRATOR,
) -> int:
    """Decides that what is parked under this seq is never applied; its bytes stay, and who decided is kept.

    Returns of how many entries. Raises NotPermitted, NotFound, InvalidInput.
    """
    require(actor, Permission.RECORDS_REVIEW)
    rows = [row for row in parked_rows(connection, branch_id) if _is(row, seq, incarnation)]
    if not rows:
        raise NotFound(f"No entry {seq} of this branch is parked.", "See: filial-hq sync parked")
    note_verdict(connection, ids, now_us, actor, map(subject_of, rows), Verdict.SET_ASIDE, note)
    for row in rows:
        set_parked(connection, row, resolved_at=now_us)
    return len(rows)


def restore_parked(
    connection: Connection,
    now_us: int,
    branch_id: bytes,
    seq: int,
    incarnation: bytes | None = None,
    actor: Actor = LOCAL_ADMINISTRATOR,
) -> int:
    """Parks again what was set aside: it waits as it did, and its branch is incomplete as it was.

    Returns how many entries. Raises NotPermitted, NotFound.
    """
    require(actor, Permission.RECORDS_REVIEW)
    rows = [row for row in set_aside_rows(connection, branch_id) if _is(row, seq, incarnation)]
    if not rows:
        raise NotFound(f"No entry {seq} of this branch was set aside.", "Look at the list as it is now.")
    for row in rows:
        set_parked(connection, row, resolved_at=None)
        take_back_of(connection, now_us, actor, subject_of(row))
    return len(rows)


def subject_of(row: Any) -> Subject:
    """A parked entry as what somebody decides about."""
    return Subject(SubjectKind.PARKED, row.branch_id, row.command_id, f"{row.incarnation.hex()}/{row.seq}")


def _is(row: Any, seq: int, incarnation: bytes | None) -> bool:
    return row.seq == seq and incarnation in (None, row.incarnation)


def _facts_are_applied(connection: Connection, branch_id: bytes, command_id: bytes) -> bool:
    statement = select(command.c.command_id).where(command.c.branch_id == branch_id, command.c.command_id == command_id)
    return connection.execute(statement).first() is not None


def _set_status(connection: Connection, row: Any, status: int) -> None:
    connection.execute(
        update(journal_entry)
        .where(
            journal_entry.c.branch_id == row.branch_id,
            journal_entry.c.incarnation == row.incarnation,
            journal_entry.c.seq == row.seq,
        )
        .values(status=status)
    )
