"""What employees do with tasks: adding, editing, finishing, putting off, handing on, and taking any of it back.

Every one is one command on cards, made here or through the head office alike (branch_node.operations.committing).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from branch_node.operations.committing import Commit, Wanted, WantedEdit
from branch_node.operations.taking_back import edits_back
from branch_node.storage.transaction import BranchTransaction
from shared.domain.cards import Value
from shared.domain.identifiers import NIL_ID, derived_id
from shared.domain.permissions import Actor, Permission, require
from shared.domain.records import RecordKind
from shared.domain.repeating import Repeat, anchored, next_due, repeat_of
from shared.domain.tasks import (
    NOTE_CHARACTERS_MAX,
    OUTCOME_CHARACTERS_MAX,
    REASON_CHARACTERS_MAX,
    Due,
    TaskState,
    parse_type,
    require_snooze,
    require_text,
    require_title,
    require_transition,
    state_of,
)
from shared.errors import InvalidInput, NotFound
from shared.operations.cards import load_card, shown_fields
from shared.operations.people import find_employee
from shared.sync.card_merge import CardState

TASK: Final = RecordKind.TASK
CLIENT: Final = RecordKind.CLIENT
COLUMNS: Final = (
    "id, client_id, type, title, note, assignee_id, branch_id, due_at, due_has_time, zone, repeat, snoozed_until,"
    " remind_minutes, state, outcome, done_at, done_by, previous_id, created_by, archived, next_at"
)
_TASK: Final = f"SELECT {COLUMNS} FROM task WHERE id = ?"
_CLIENT: Final = "SELECT merged_into, no_next_step FROM client WHERE id = ?"
_ALIASES_FOLLOWED_MAX: Final = 20


class Task(NamedTuple):
    """A task's card as this branch shows it. Moments are microseconds since 1970 in UTC."""

    task_id: bytes
    client_id: bytes | None
    type: str
    title: str
    note: str
    assignee_id: bytes | None
    branch_id: bytes | None
    due: Due | None
    zone: str
    repeat: Repeat | None
    snoozed_until_us: int | None
    remind_minutes: int | None
    state: TaskState
    outcome: str
    done_at_us: int | None
    done_by: bytes | None
    previous_id: bytes | None
    created_by: bytes | None
    archived: bool
    next_us: int | None


class Changed(NamedTuple):
    """What an operation did: `command_id` takes it back, none when there was nothing to do; `next_id` is the task that
    a repeating one was followed by."""

    task_id: bytes
    command_id: bytes | None
    next_id: bytes | None = None


TaskFields = Mapping[str, Any]
"""What may be said of a task: `title`, `type`, `note` (texts), `client_id`, `assignee_id` (bytes or None), `due` (Due
or None), `repeat` (Repeat or None), `remind_minutes` (int or None)."""


def next_task_id(task_id: bytes) -> bytes:
    """The task that follows a repeating one: the same wherever, and however often, that one is finished."""
    return derived_id("next-task", task_id)


def read_task(cursor: Any, task_id: bytes, zone: str) -> Task:
    """A task that is known here. `zone` stands for that of a card without one. Raises NotFound."""
    row = cursor.execute(_TASK, (task_id,)).fetchone()
    if row is None:
        raise NotFound("There is no such task here.", "Look at the list of tasks.")
    return task_of_row(row, zone)


def task_of_row(row: Sequence[Any], zone: str) -> Task:
    """A task of its columns, in the order of `COLUMNS`."""
    due = None if row[7] is None else Due(row[7], bool(row[8]))
    return Task(
        row[0],
        row[1],
        row[2] or "",
        row[3] or "",
        row[4] or "",
        row[5],
        row[6],
        due,
        row[9] or zone,
        repeat_of(row[10]),
        row[11],
        row[12],
        state_of(row[13]),
        row[14] or "",
        row[15],
        row[16],
        row[17],
        row[18],
        bool(row[19]),
        row[20],
    )


def add_task(commit: Commit, actor: Actor, given: TaskFields) -> Changed:
    """A new task, of the actor unless it says of whom; its client is no longer explicitly without a next step.

    Raises NotPermitted, InvalidInput, NotFound, and what `commit` does; so do all of these operations.
    """
    require(actor, Permission.TASK_EDIT)
    made: list[bytes] = []

    def plan(transaction: BranchTransaction) -> list[WantedEdit]:
        # Asked again only in a new transaction: nothing of the first is left.
        made[:] = [transaction.ids.new_id()]
        fields = _fields(transaction, {"type": "other", "title": "", "assignee_id": _self(actor), **given}, None)
        own = {"branch_id": transaction.node.branch_id, "state": TaskState.OPEN.value, "created_by": _self(actor)}
        task = WantedEdit(TASK, made[0], {"zone": transaction.node.timezone, **fields, **own})
        return [task, *_step_given(transaction, fields.get("client_id"))]

    command_id = _commit(commit, actor, plan)
    return Changed(made[0], command_id)


def edit_task(commit: Commit, actor: Actor, task_id: bytes, given: TaskFields) -> Changed:
    """Changes what is given and nothing else, so that what others change meanwhile stays."""
    return _change(commit, actor, task_id, lambda transaction, task: _fields(transaction, given, task))


def assign_task(commit: Commit, actor: Actor, task_id: bytes, assignee_id: bytes) -> Changed:
    """Hands a task to somebody."""
    return edit_task(commit, actor, task_id, {"assignee_id": assignee_id})


def snooze_task(commit: Commit, actor: Actor, task_id: bytes, until_us: int) -> Changed:
    """Puts a task off: until then it neither reminds nor is overdue. It stays due when it was."""

    def changes(transaction: BranchTransaction, task: Task) -> dict[str, Value]:
        if task.state.is_closed:
            require_transition(task.state, TaskState.WAITING)
        return {"snoozed_until": require_snooze(until_us, transaction.now_us)}

    return _change(commit, actor, task_id, changes)


def move_task(commit: Commit, actor: Actor, task_id: bytes, state: TaskState) -> Changed:
    """Says that a task is under way, waits for somebody, or is as it was before that. Raises Refused."""
    if state.is_closed:
        raise InvalidInput("A task is finished or cancelled, not moved.", "Say what came of it.")
    return _change(commit, actor, task_id, lambda _transaction, task: _moved(task, state))


def reopen_task(commit: Commit, actor: Actor, task_id: bytes) -> Changed:
    """A task that was done or cancelled is to be done after all; the one that followed it goes, if nobody has touched
    it. Raises Refused for one that is open."""
    require(actor, Permission.TASK_EDIT)

    def plan(transaction: BranchTransaction) -> list[WantedEdit]:
        task = _living(transaction, task_id)
        fields = {**_moved(task, TaskState.OPEN), "done_at": None, "done_by": None, "outcome": None}
        return [WantedEdit(TASK, task_id, fields), *_follower_gone(transaction, task)]

    return Changed(task_id, _commit(commit, actor, plan))


def cancel_task(commit: Commit, actor: Actor, task_id: bytes, reason: str) -> Changed:
    """Nothing is to be done after all; a repeating one comes no more."""
    return _close(commit, actor, task_id, TaskState.CANCELLED, reason)


def finish_task(commit: Commit, actor: Actor, task_id: bytes, outcome: str = "") -> Changed:
    """A task is done; a repeating one is followed by the next, which is due by the rule, whenever this was done.

    Two branches that finish it at the same time make one next task: its id and fields follow from this one.
    """
    return _close(commit, actor, task_id, TaskState.DONE, outcome)


def undo_command(commit: Commit, actor: Actor, task_id: bytes, command_id: bytes) -> Changed:
    """Takes back what one of these operations did, with what came of it. Raises Refused when it was changed since."""
    require(actor, Permission.TASK_EDIT)

    def plan(transaction: BranchTransaction) -> list[WantedEdit]:
        task = read_task(transaction.cursor, task_id, transaction.node.timezone)
        keys = [(TASK, task_id), (TASK, next_task_id(task_id))]
        return edits_back(transaction, command_id, [*keys, *([(CLIENT, task.client_id)] if task.client_id else [])])

    return Changed(task_id, _commit(commit, actor, plan))


def settle_task(commit: Commit, actor: Actor, task_id: bytes) -> Changed:
    """Where two entered different things at the same time: what is shown stands, and nobody is asked any more."""

    def shown(transaction: BranchTransaction, _task: Task) -> dict[str, Value]:
        state = load_card(transaction.connection, TASK, task_id) or CardState()
        values = shown_fields(TASK, state)
        return {name: values[name] for name, known in state.fields.items() if len(known.live) > 1}

    return _change(commit, actor, task_id, shown)


def say_no_next_step(commit: Commit, actor: Actor, client_id: bytes, reason: str) -> bytes | None:
    """Nothing is to be done for a client, and why; without a reason there is to be something again.

    Returns the command's id. Raises NotPermitted, InvalidInput, NotFound.
    """
    require(actor, Permission.TASK_EDIT)
    given = require_text(reason, REASON_CHARACTERS_MAX)

    def plan(transaction: BranchTransaction) -> list[WantedEdit]:
        found = _client(transaction, client_id)
        return [WantedEdit(CLIENT, found, {"no_next_step": given or None})]

    return _commit(commit, actor, plan)


def undo_no_next_step(commit: Commit, actor: Actor, client_id: bytes, command_id: bytes) -> bytes | None:
    """Takes back what `say_no_next_step` did. Raises Refused when it was changed since."""
    require(actor, Permission.TASK_EDIT)
    return _commit(commit, actor, lambda transaction: edits_back(transaction, command_id, [(CLIENT, client_id)]))


def _commit(commit: Commit, actor: Actor, plan: Callable[[BranchTransaction], list[WantedEdit]]) -> bytes | None:
    return commit(lambda transaction: Wanted(actor.employee_id, tuple(plan(transaction))))


def _change(
    commit: Commit, actor: Actor, task_id: bytes, changes: Callable[[BranchTransaction, Task], Mapping[str, Value]]
) -> Changed:
    require(actor, Permission.TASK_EDIT)

    def plan(transaction: BranchTransaction) -> list[WantedEdit]:
        task = _living(transaction, task_id)
        fields = changes(transaction, task)
        return [WantedEdit(TASK, task_id, fields), *_step_given(transaction, fields.get("client_id"))]

    return Changed(task_id, _commit(commit, actor, plan))


def _close(commit: Commit, actor: Actor, task_id: bytes, state: TaskState, outcome: str) -> Changed:
    require(actor, Permission.TASK_EDIT)
    said = require_text(outcome, OUTCOME_CHARACTERS_MAX)
    followed: list[bytes] = []

    def plan(transaction: BranchTransaction) -> list[WantedEdit]:
        task = _living(transaction, task_id)
        fields: dict[str, Value] = {
            **_moved(task, state),
            "outcome": said or None,
            "done_at": transaction.now_us,
            # Whoever runs the command line notes what its owner did.
            "done_by": _self(actor) or task.assignee_id,
        }
        following = _follower(transaction, task) if state is TaskState.DONE else []
        followed[:] = [change.card_id for change in following]
        return [WantedEdit(TASK, task_id, fields), *following]

    command_id = _commit(commit, actor, plan)
    return Changed(task_id, command_id, followed[0] if followed else None)


def _living(transaction: BranchTransaction, task_id: bytes) -> Task:
    task = read_task(transaction.cursor, task_id, transaction.node.timezone)
    if task.archived:
        raise NotFound("This task was taken back.", "Add it anew.")
    return task


def _follower(transaction: BranchTransaction, task: Task) -> list[WantedEdit]:
    """The next task of a repeating one. None when it is there already, brought by another branch or made before."""
    due = next_due(task.repeat, task.due, task.zone) if task.repeat and task.due else None
    if due is None:
        return []
    next_id = next_task_id(task.task_id)
    known = transaction.cursor.execute("SELECT archived FROM task WHERE id = ?", (next_id,)).fetchone()
    if known is not None and not known[0]:
        return []
    fields: dict[str, Value] = {
        "client_id": task.client_id,
        "type": task.type,
        "title": task.title,
        "note": task.note or None,
        "assignee_id": task.assignee_id,
        "branch_id": task.branch_id,
        "due_at": due.at_us,
        "due_has_time": due.has_time,
        "zone": task.zone,
        "repeat": str(task.repeat),
        "remind_minutes": task.remind_minutes,
        "state": TaskState.OPEN.value,
        "previous_id": task.task_id,
        "created_by": task.created_by,
    }
    return [WantedEdit(TASK, next_id, fields if known is None else {**fields, "archived": False})]


def _follower_gone(transaction: BranchTransaction, task: Task) -> list[WantedEdit]:
    """The next task is put away while it is as it was made."""
    next_id = next_task_id(task.task_id)
    edits = "SELECT COUNT(*) FROM card_edit WHERE kind = ? AND card_id = ?"
    count = transaction.cursor.execute(edits, (TASK, next_id)).fetchone()[0]
    known = transaction.cursor.execute("SELECT archived, state FROM task WHERE id = ?", (next_id,)).fetchone()
    if known is None or known[0] or known[1] != TaskState.OPEN.value or count > 1:
        return []
    return [WantedEdit(TASK, next_id, {"archived": True})]


def _moved(task: Task, state: TaskState) -> dict[str, Value]:
    require_transition(task.state, state)
    return {"state": state.value}


def _fields(transaction: BranchTransaction, given: TaskFields, task: Task | None) -> dict[str, Value]:
    fields: dict[str, Value] = {}
    for name, value in given.items():
        match name:
            case "title":
                fields[name] = require_title(value)
            case "type":
                fields[name] = parse_type(value).value
            case "note":
                fields[name] = require_text(value, NOTE_CHARACTERS_MAX) or None
            case "client_id":
                fields[name] = None if value is None else _client(transaction, value)
            case "assignee_id":
                fields[name] = _employee(transaction, value)
            case "remind_minutes":
                fields[name] = value
    if "due" in given or "repeat" in given:
        fields |= _when(transaction, given, task)
    return fields


def _when(transaction: BranchTransaction, given: TaskFields, task: Task | None) -> dict[str, Value]:
    """The day and the rule belong together. A new day is one of this branch, and ends what was put off."""
    due: Due | None = given.get("due", task.due if task else None)
    rule: Repeat | None = given.get("repeat", task.repeat if task else None)
    zone = transaction.node.timezone if "due" in given or task is None else task.zone
    if rule is not None and due is None:
        raise InvalidInput("A task that repeats needs a day.", "Choose the first day.")
    fields: dict[str, Value] = {"repeat": str(anchored(rule, due, zone)) if rule and due else None}
    if "due" in given:
        fields |= {"due_at": due.at_us if due else None, "due_has_time": bool(due and due.has_time), "zone": zone}
        if task is not None and due != task.due:
            fields["snoozed_until"] = None
    return fields


def _step_given(transaction: BranchTransaction, client_id: Value) -> list[WantedEdit]:
    """A client with a task is not without a next step."""
    if not isinstance(client_id, bytes):
        return []
    row = transaction.cursor.execute(_CLIENT, (client_id,)).fetchone()
    return [WantedEdit(CLIENT, client_id, {"no_next_step": None})] if row and row[1] else []


def _client(transaction: BranchTransaction, client_id: bytes) -> bytes:
    """The client's card; of one that was merged into another, that other's."""
    for _ in range(_ALIASES_FOLLOWED_MAX):
        row = transaction.cursor.execute(_CLIENT, (client_id,)).fetchone()
        if row is None:
            raise NotFound("There is no such client here.", "Look for them by phone or name.")
        if row[0] is None:
            break
        client_id = row[0]
    return client_id


def _employee(transaction: BranchTransaction, identity: bytes | None) -> bytes | None:
    if identity is None:
        raise InvalidInput("A task is somebody’s.", "Say who is to do it.")
    if find_employee(transaction.connection, identity) is None:
        raise NotFound("There is no such employee here.", "Choose one of the list.")
    return identity


def _self(actor: Actor) -> bytes | None:
    """Whoever runs the command line is nobody of the chain's employees."""
    return actor.employee_id if actor.employee_id != NIL_ID else None
