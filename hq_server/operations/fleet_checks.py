"""Checks of branches that people ask for: they wait on the disk, one runs at a time beside the servers, results stay.

A check reads every entry of a branch, which may take minutes: no page waits for it. A repair is one of them: it runs in
one transaction, so a process that dies in it has changed nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, delete, func, select, update

from hq_server.operations.chain_verification import verify_chain
from hq_server.operations.fleet_log import FleetAct, note_act
from hq_server.operations.verification import Verification, repair_branch, verify_branch
from hq_server.storage.branches import all_branches, branch_by_id
from hq_server.storage.fleet_tables import fleet_verification
from hq_server.storage.store import HqStore
from shared.clock import Clock, Ids
from shared.domain.identifiers import NIL_ID
from shared.domain.permissions import Actor, Permission, require
from shared.errors import FilialError, Refused
from shared.operations.record_check import Repair
from shared.storage.raw_rows import raw_texts

SENTENCES_KEPT_MAX: Final = 50
"""Sentences of one result that are kept; how many there were is kept too."""

CHECKS_KEPT_MAX: Final = 20
"""Results of one branch that are kept."""

CHECKS_WAITING_MAX: Final = 2_000
"""Checks that may wait at once."""


class CheckKind(StrEnum):
    """What is done. The value is what the store holds."""

    VERIFY = "verify"
    DEEP = "deep"
    REPAIR = "repair"


class CheckState(StrEnum):
    """How far it is; `failed` says that it came to no end."""

    WAITING = "waiting"
    RUNNING = "running"
    SOUND = "sound"
    UNSOUND = "unsound"
    FAILED = "failed"


UNFINISHED: Final = (CheckState.WAITING.value, CheckState.RUNNING.value)


class Check(NamedTuple):
    """A check and what it found. `branch_id` is nil for what belongs to no single branch."""

    check_id: bytes
    branch_id: bytes
    kind: CheckKind
    state: CheckState
    asked_at_us: int
    asked_by: str
    finished_at_us: int | None
    entries: int | None
    sentences: tuple[str, ...]
    found: int


class Progress(NamedTuple):
    """How many checks wait and run."""

    waiting: int
    running: int

    @property
    def is_busy(self) -> bool:
        return self.waiting + self.running > 0


class Result(NamedTuple):
    """What a check found."""

    state: CheckState
    sentences: tuple[str, ...]
    entries: int | None = None
    head_seq: int | None = None


def ask_check(
    connection: Connection, ids: Ids, now_us: int, actor: Actor, branch_id: bytes | None, kind: CheckKind
) -> int:
    """Lets a branch, or all of them, be checked; returns how many checks wait since.

    A deep check of all ends with what belongs to no single branch. Raises NotFound, NotPermitted, Refused.
    """
    require(actor, Permission.FLEET_EDIT if kind is CheckKind.REPAIR else Permission.FLEET_VIEW)
    if branch_id is None:
        if kind is CheckKind.REPAIR:
            raise Refused("Branches are repaired one by one.", "Open the branch that needs it.")
        targets = [row.id for row in all_branches(connection)] + ([NIL_ID] if kind is CheckKind.DEEP else [])
    else:
        targets = [branch_by_id(connection, branch_id).id]
    pending = _pending(connection)
    wanted = [target for target in targets if (target, kind.value) not in pending]
    if len(pending) + len(wanted) > CHECKS_WAITING_MAX:
        raise Refused(f"More than {CHECKS_WAITING_MAX} checks would wait.", "Wait until some have finished.")
    for target in wanted:
        connection.execute(fleet_verification.insert().values(_row(ids, target, kind, now_us, actor.code)))
        if kind is CheckKind.REPAIR:
            note_act(connection, ids, now_us, actor, FleetAct.REPAIR, target)
    return len(wanted)


def count_checks(connection: Connection, actor: Actor, branch_id: bytes | None = None) -> Progress:
    """How many wait and run, of one branch or of all. Raises NotPermitted."""
    require(actor, Permission.FLEET_VIEW)
    column = fleet_verification.c
    statement = select(column.state, func.count()).where(column.state.in_(UNFINISHED)).group_by(column.state)
    if branch_id is not None:
        statement = statement.where(column.branch_id == branch_id)
    counts = {state: int(count) for state, count in connection.execute(statement)}
    return Progress(counts.get(CheckState.WAITING.value, 0), counts.get(CheckState.RUNNING.value, 0))


def list_checks(connection: Connection, actor: Actor, branch_id: bytes) -> list[Check]:
    """The checks of a branch, the newest first. Raises NotPermitted."""
    require(actor, Permission.FLEET_VIEW)
    column = fleet_verification.c
    order = (column.asked_at.desc(), column.id.desc())
    statement = select(fleet_verification).where(column.branch_id == branch_id).order_by(*order)
    return [_check(row) for row in connection.execute(statement.limit(CHECKS_KEPT_MAX))]


def keep_result(
    connection: Connection, ids: Ids, now_us: int, actor: Actor, branch_id: bytes, kind: CheckKind, result: Result
) -> None:
    """Remembers what somebody checked by command."""
    row = _row(ids, branch_id, kind, now_us, actor.code) | {"begun_at": now_us} | _outcome(result, now_us)
    connection.execute(fleet_verification.insert().values(row))
    _forget_old(connection, branch_id)


def fail_lost(connection: Connection, now_us: int) -> int:
    """Checks whose process is gone; the caller alone may run them. Returns how many."""
    lost = update(fleet_verification).where(fleet_verification.c.state == CheckState.RUNNING.value)
    return connection.execute(lost.values(state=CheckState.FAILED.value, finished_at=now_us)).rowcount


def is_any_waiting(connection: Connection) -> bool:
    """Whether there is anything to do."""
    waits = fleet_verification.c.state == CheckState.WAITING.value
    return connection.execute(select(fleet_verification.c.id).where(waits).limit(1)).first() is not None


def run_waiting(store: HqStore, clock: Clock, is_over: Callable[[], bool] = lambda: False) -> int:
    """Runs what waits, one after the other, the oldest first; returns how many. The caller alone may run them."""
    done = 0
    while not is_over():
        with store.write() as connection:
            check = _begin_next(connection, clock.now_us())
        if check is None:
            break
        try:
            result = _run(store, check)
        except FilialError as error:
            result = Result(CheckState.FAILED, (error.message,))
        with store.write() as connection:
            changes = _outcome(result, clock.now_us())
            connection.execute(
                update(fleet_verification).where(fleet_verification.c.id == check.check_id).values(changes)
            )
            _forget_old(connection, check.branch_id)
        done += 1
    return done


def result_of(verified: Verification) -> Result:
    """A verification as it is kept."""
    state = CheckState.UNSOUND if verified.differences else CheckState.SOUND
    return Result(state, verified.differences, verified.entries, verified.head.seq)


def _run(store: HqStore, check: Check) -> Result:
    if check.kind is CheckKind.REPAIR:
        with store.write() as connection, raw_texts(connection):
            return _result_of_repair(repair_branch(connection, branch_by_id(connection, check.branch_id)))
    with store.read() as connection, raw_texts(connection):
        if check.branch_id == NIL_ID:
            found = tuple(verify_chain(connection))
            return Result(CheckState.UNSOUND if found else CheckState.SOUND, found)
        row = branch_by_id(connection, check.branch_id)
        return result_of(verify_branch(connection, row, check.kind is CheckKind.DEEP))


def _result_of_repair(repair: Repair) -> Result:
    state = CheckState.UNSOUND if repair.problems else CheckState.SOUND
    return Result(state, (*repair.problems, *repair.done))


def _begin_next(connection: Connection, now_us: int) -> Check | None:
    column = fleet_verification.c
    statement = select(fleet_verification).where(column.state == CheckState.WAITING.value)
    row = connection.execute(statement.order_by(column.asked_at, column.id).limit(1)).one_or_none()
    if row is None:
        return None
    running = {"state": CheckState.RUNNING.value, "begun_at": now_us}
    connection.execute(update(fleet_verification).where(column.id == row.id).values(running))
    return _check(row)


def _pending(connection: Connection) -> set[tuple[bytes, str]]:
    column = fleet_verification.c
    rows = connection.execute(select(column.branch_id, column.kind).where(column.state.in_(UNFINISHED)))
    return {(row.branch_id, row.kind) for row in rows}


def _row(ids: Ids, branch_id: bytes, kind: CheckKind, now_us: int, author: str) -> dict[str, Any]:
    return {
        "id": ids.new_id(),
        "branch_id": branch_id,
        "kind": kind.value,
        "state": CheckState.WAITING.value,
        "asked_at": now_us,
        "asked_by": author,
        "sentences": "[]",
        "found": 0,
    }


def _outcome(result: Result, now_us: int) -> dict[str, Any]:
    return {
        "state": result.state.value,
        "finished_at": now_us,
        "entries": result.entries,
        "head_seq": result.head_seq,
        "sentences": json.dumps(result.sentences[:SENTENCES_KEPT_MAX], ensure_ascii=False),
        "found": len(result.sentences),
    }


def _check(row: Any) -> Check:
    return Check(
        row.id, row.branch_id, CheckKind(row.kind), CheckState(row.state), row.asked_at, row.asked_by,
        row.finished_at, row.entries, tuple(json.loads(row.sentences)), int(row.found),
    )  # fmt: skip


def _forget_old(connection: Connection, branch_id: bytes) -> None:
    """All but the newest CHECKS_KEPT_MAX of a branch that are finished."""
    column = fleet_verification.c
    ours = (column.branch_id == branch_id) & column.state.not_in(UNFINISHED)
    kept = select(column.id).where(ours).order_by(column.asked_at.desc(), column.id.desc()).limit(CHECKS_KEPT_MAX)
    newest = list(connection.execute(kept).scalars())
    if len(newest) == CHECKS_KEPT_MAX:
        connection.execute(delete(fleet_verification).where(ours, column.id.not_in(newest)))
