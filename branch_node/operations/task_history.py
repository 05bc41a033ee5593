"""How a task came to be as it is: every edit of its card, and what two people entered at the same time."""

from __future__ import annotations

from typing import Any, NamedTuple

from branch_node.operations.taking_back import read_changes
from branch_node.operations.tasks import TASK
from branch_node.storage.store import BranchStore
from shared.domain.cards import Value
from shared.domain.permissions import Actor, Permission, require
from shared.operations.people import find_employee
from shared.storage.card_history import edits_of_card
from shared.storage.conflict_rows import conflicts_of_card
from shared.sync.hlc import wall_ms

EDITS_SHOWN_MAX = 50


class TaskEdit(NamedTuple):
    """One edit: when, by whom ("" is nobody of the chain), whether it was made in this branch, and the new values."""

    at_us: int
    author: str
    is_here: bool
    changes: dict[str, Value]


class TaskDispute(NamedTuple):
    """Two values that met unseen, the older first, as the card holds them."""

    field: str
    older: Value
    newer: Value
    newer_is_shown: bool


class TaskStory(NamedTuple):
    """The newest edits first, and what is not settled."""

    edits: list[TaskEdit]
    disputes: list[TaskDispute]


def read_story(store: BranchStore, actor: Actor, task_id: bytes) -> TaskStory:
    """A task's edits and disputes. Raises NotPermitted."""
    require(actor, Permission.TASK_EDIT)
    own = store.node()[0].branch_id
    names: dict[bytes, str] = {}
    with store.read() as connection:
        rows = edits_of_card(connection, TASK, task_id)[-EDITS_SHOWN_MAX:]
        disputes = conflicts_of_card(connection, TASK, task_id)
        for row in rows:
            if row.author not in names:
                person = find_employee(connection, row.author)
                names[row.author] = (person.name or person.code) if person else ""
    edits = [
        TaskEdit(wall_ms(row.hlc) * 1_000, names[row.author], row.branch_id == own, read_changes(row.changes))
        for row in reversed(rows)
    ]
    return TaskStory(edits, [_dispute(row) for row in disputes])


def _dispute(row: Any) -> TaskDispute:
    older, newer = (read_changes(f'{{"value": {value}}}')["value"] for value in (row.older_value, row.newer_value))
    return TaskDispute(row.field, older, newer, row.shown_command_id == row.newer_command_id)
