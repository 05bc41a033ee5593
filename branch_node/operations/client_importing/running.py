"""Running an import in parts, each one operation: it shows how far it is, goes on after a crash, and is taken back.

A new client's id follows from the import and the row, so a part that is run again makes nobody twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, func, or_, select, update

from branch_node.operations.client_importing.kept import (
    ADDED,
    BAD,
    CHANGED,
    DONE,
    OUTCOMES,
    REVERTED,
    REVERTING,
    RUNNING,
    STOPPED,
    WAITING,
    KeptImport,
    read_import,
)
from branch_node.operations.client_importing.planning import Planned, Planner, value_from_json
from branch_node.operations.committing import Commit, Wanted, WantedEdit
from branch_node.storage.client_import_tables import client_import, client_import_row
from branch_node.storage.store import BranchStore
from branch_node.storage.transaction import BranchTransaction
from shared.domain.cards import Value
from shared.domain.permissions import Actor, Permission, require
from shared.domain.records import RecordKind
from shared.errors import FilialError, HqUnreachable, InDoubt, Refused
from shared.operations.cards import load_card, shown_fields

ROWS_PER_OPERATION: Final = 100
SAMPLES_SHOWN_MAX: Final = 20
SILENT_US_MAX: Final = 60_000_000
"""An import that has given no sign of life for so long has been interrupted."""

_READ_AT_ONCE = 1_000


class Progress(NamedTuple):
    """How far an import is. `counts` has every outcome; `is_interrupted` says that nobody works at it any more."""

    state: str
    trouble: str
    done: int
    row_count: int
    counts: dict[str, int]
    is_interrupted: bool


class Preview(NamedTuple):
    """What an import would do: how many rows become what, how many phones were repaired, and the first of each."""

    counts: dict[str, int]
    repaired: int
    repairs: list[tuple[str, str]]
    samples: list[Planned]
    problems: list[Planned]


Told = Callable[[int, int], None]
"""Rows done, rows in all."""


def preview_import(store: BranchStore, actor: Actor, import_id: bytes, country: str) -> Preview:
    """What the import would do now; nothing is written. Raises NotPermitted, NotFound."""
    kept = read_import(store, actor, import_id)
    counts = dict.fromkeys(OUTCOMES, 0)
    repaired = 0
    repairs: list[tuple[str, str]] = []
    samples: list[Planned] = []
    problems: list[Planned] = []
    with store.read() as connection:
        planner = Planner(connection, import_id, kept.settings, country, store.clock.now_us())
        for number, cells in _waiting_rows(connection, import_id):
            planned = planner.plan(connection, number, cells)
            counts[planned.outcome] += 1
            repaired += len(planned.repaired)
            repairs += planned.repaired[: SAMPLES_SHOWN_MAX - len(repairs)]
            kind = problems if planned.outcome == BAD else samples
            if len(kind) < SAMPLES_SHOWN_MAX:
                kind.append(planned)
    return Preview(counts, repaired, repairs, samples, problems)


def start_import(store: BranchStore, actor: Actor, import_id: bytes) -> None:
    """The import runs from now on: one at a time. Raises NotPermitted, NotFound, Refused."""
    if not _take(store, actor, import_id, RUNNING, (WAITING, STOPPED)):
        raise Refused("This import has run already.", "Look at the list of imports.")


def run_import(
    store: BranchStore, actor: Actor, import_id: bytes, country: str, commit: Commit, tell: Told = lambda *_: None
) -> Progress:
    """Imports the rows that wait, in parts. The caller has started it.

    What stops it – no answer of the head office, a full disk – is kept as its trouble, and it can be started again.
    """
    kept = read_import(store, actor, import_id)
    with store.read() as connection:
        planner = Planner(connection, import_id, kept.settings, country, store.clock.now_us())
    done = read_progress(store, actor, import_id).done
    try:
        while True:
            with store.read() as connection:
                part = [
                    planner.plan(connection, number, cells)
                    for number, cells in _waiting_rows(connection, import_id, ROWS_PER_OPERATION)
                ]
            if not part:
                break
            _write_part(store, actor, import_id, part, commit)
            planner.forget_written()
            done += len(part)
            tell(done, kept.row_count)
    except FilialError as error:
        _set_state(store, import_id, STOPPED, f"{error.message} {error.hint or ''}".strip())
        return read_progress(store, actor, import_id)
    _set_state(store, import_id, DONE)
    return read_progress(store, actor, import_id)


def _write_part(store: BranchStore, actor: Actor, import_id: bytes, part: Sequence[Planned], commit: Commit) -> None:
    """Writes a part as one operation; one that HQ refuses, row by row."""

    def prepare(transaction: BranchTransaction) -> Wanted:
        _mark(transaction.connection, import_id, part, store.clock.now_us())
        edits = tuple(
            WantedEdit(RecordKind.CLIENT, each.client_id, each.changes)
            for each in _together(part)
            if each.client_id is not None and each.changes
        )
        return Wanted(actor.employee_id, edits)

    try:
        commit(prepare)
    except (HqUnreachable, InDoubt):
        _unmark(store, import_id, part)
        raise
    except Refused as error:
        if len(part) > 1:
            for each in part:
                _write_part(store, actor, import_id, [each], commit)
        else:
            with store.write() as connection:
                _mark(connection, import_id, [Planned(part[0].row_number, BAD, error.message)], store.clock.now_us())


def _together(part: Sequence[Planned]) -> list[Planned]:
    """One edit a client: an entry holds each card once."""
    by_client: dict[bytes | None, Planned] = {}
    for each in part:
        before = by_client.get(each.client_id)
        merged = each if before is None else each._replace(changes={**before.changes, **each.changes})
        by_client[each.client_id] = merged
    return list(by_client.values())


def _mark(connection: Connection, import_id: bytes, part: Sequence[Planned], now_us: int) -> None:
    """What became of these rows, and a sign of life."""
    for each in part:
        connection.execute(
            update(client_import_row)
            .where(client_import_row.c.import_id == import_id, client_import_row.c.row_number == each.row_number)
            .values(
                outcome=each.outcome,
                reason=json.dumps([each.column, each.reason], ensure_ascii=False) if each.reason else None,
                client_id=each.client_id,
                before=each.before_json() if each.before else None,
            )
        )
    connection.execute(update(client_import).where(client_import.c.id == import_id).values(changed_at=now_us))


def _unmark(store: BranchStore, import_id: bytes, part: Sequence[Planned]) -> None:
    numbers = [each.row_number for each in part]
    with store.write() as connection:
        connection.execute(
            update(client_import_row)
            .where(client_import_row.c.import_id == import_id, client_import_row.c.row_number.in_(numbers))
            .values(outcome=None, reason=None, client_id=None, before=None)
        )


def start_reverting(store: BranchStore, actor: Actor, import_id: bytes) -> None:
    """The import is taken back from now on. Raises NotPermitted, NotFound, Refused."""
    if not _take(store, actor, import_id, REVERTING, (DONE, STOPPED)):
        raise Refused("There is nothing to take back.", "Look at the list of imports.")


def revert_import(
    store: BranchStore, actor: Actor, import_id: bytes, commit: Commit, tell: Told = lambda *_: None
) -> Progress:
    """Takes a whole import back, in parts: clients that it made are archived, fields that it set and nobody has
    changed since are as they were. The caller has started it."""
    kept = read_import(store, actor, import_id)
    done = read_progress(store, actor, import_id).counts[REVERTED]
    try:
        while True:
            with store.read() as connection:
                rows = connection.execute(_to_revert(import_id)).all()
                edits = _taken_back(connection, rows)
            if not rows:
                break
            _revert_part(actor, import_id, [row.row_number for row in rows], edits, commit)
            done += len(rows)
            tell(done, kept.row_count)
    except FilialError as error:
        _set_state(store, import_id, STOPPED, f"{error.message} {error.hint or ''}".strip())
        return read_progress(store, actor, import_id)
    _set_state(store, import_id, REVERTED)
    return read_progress(store, actor, import_id)


def _to_revert(import_id: bytes) -> Any:
    """The last rows first: a client that two rows changed goes back through both."""
    return (
        select(client_import_row)
        .where(client_import_row.c.import_id == import_id, client_import_row.c.outcome.in_((ADDED, CHANGED)))
        .order_by(client_import_row.c.row_number.desc())
        .limit(ROWS_PER_OPERATION)
    )


def _taken_back(connection: Connection, rows: Sequence[Any]) -> list[WantedEdit]:
    """The edits that take these rows back, the last row first; one a client."""
    shown: dict[bytes, dict[str, Value]] = {}
    changes: dict[bytes, dict[str, Value]] = {}
    for row in rows:
        client_id = row.client_id
        if client_id not in shown:
            state = load_card(connection, RecordKind.CLIENT, client_id)
            shown[client_id] = shown_fields(RecordKind.CLIENT, state) if state else {}
        undone = {"archived": True} if row.outcome == ADDED else _as_before(row.before, shown[client_id])
        shown[client_id] |= undone
        changes.setdefault(client_id, {}).update(undone)
    return [WantedEdit(RecordKind.CLIENT, client_id, made) for client_id, made in changes.items() if made]


def _as_before(before: str | None, shown: Mapping[str, Value]) -> dict[str, Value]:
    """The fields that still have what the row made of them, as they were."""
    return {
        name: value_from_json(name, old)
        for name, (old, new) in json.loads(before or "{}").items()
        if shown.get(name) == value_from_json(name, new)
    }


def _revert_part(
    actor: Actor, import_id: bytes, numbers: Sequence[int], edits: Sequence[WantedEdit], commit: Commit
) -> None:
    def prepare(transaction: BranchTransaction) -> Wanted:
        transaction.connection.execute(
            update(client_import_row)
            .where(client_import_row.c.import_id == import_id, client_import_row.c.row_number.in_(numbers))
            .values(outcome=REVERTED)
        )
        transaction.connection.execute(
            update(client_import).where(client_import.c.id == import_id).values(changed_at=transaction.now_us)
        )
        return Wanted(actor.employee_id, tuple(edits))

    commit(prepare)


def read_progress(store: BranchStore, actor: Actor, import_id: bytes) -> Progress:
    """How far an import is. Raises NotPermitted, NotFound."""
    kept = read_import(store, actor, import_id)
    with store.read() as connection:
        rows = connection.execute(
            select(client_import_row.c.outcome, func.count())
            .where(client_import_row.c.import_id == import_id, client_import_row.c.outcome.is_not(None))
            .group_by(client_import_row.c.outcome)
        ).all()
    counts = dict.fromkeys((*OUTCOMES, REVERTED), 0) | {outcome: int(count) for outcome, count in rows}
    return Progress(
        kept.state, kept.trouble, sum(counts.values()), kept.row_count, counts, _is_silent(kept, store.clock.now_us())
    )


def _is_silent(kept: KeptImport, now_us: int) -> bool:
    return kept.state in (RUNNING, REVERTING) and kept.changed_at < now_us - SILENT_US_MAX


def _waiting_rows(
    connection: Connection, import_id: bytes, rows_max: int | None = None
) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows that nothing has become of, in the order of the file."""
    after, left = 0, rows_max
    while left is None or left > 0:
        size = _READ_AT_ONCE if left is None else min(left, _READ_AT_ONCE)
        rows = connection.execute(
            select(client_import_row.c.row_number, client_import_row.c.cells)
            .where(
                client_import_row.c.import_id == import_id,
                client_import_row.c.outcome.is_(None),
                client_import_row.c.row_number > after,
            )
            .order_by(client_import_row.c.row_number)
            .limit(size)
        ).all()
        for number, cells in rows:
            yield number, json.loads(cells)
        if len(rows) < size:
            return
        after, left = rows[-1].row_number, None if left is None else left - size


def _take(store: BranchStore, actor: Actor, import_id: bytes, state: str, from_states: Sequence[str]) -> bool:
    """Moves an import into a state that somebody works in, if nobody else does; false when it is in another one."""
    require(actor, Permission.CLIENT_IMPORT)
    read_import(store, actor, import_id)
    now_us = store.clock.now_us()
    is_silent = client_import.c.changed_at < now_us - SILENT_US_MAX
    busy = client_import.c.state.in_((RUNNING, REVERTING))
    with store.write() as connection:
        others = connection.execute(
            select(client_import.c.source).where(client_import.c.id != import_id, busy, ~is_silent)
        ).scalar()
        if others is not None:
            raise Refused(f"“{others}” is being imported.", "Wait until it is done.")
        taken = connection.execute(
            update(client_import)
            .where(
                client_import.c.id == import_id,
                or_(client_import.c.state.in_([each for each in from_states if each != state]), busy & is_silent),
            )
            .values(state=state, trouble="", changed_at=now_us)
        )
        return bool(taken.rowcount)


def _set_state(store: BranchStore, import_id: bytes, state: str, trouble: str = "") -> None:
    with store.write() as connection:
        connection.execute(
            update(client_import)
            .where(client_import.c.id == import_id)
            .values(state=state, trouble=trouble, changed_at=store.clock.now_us())
        )
