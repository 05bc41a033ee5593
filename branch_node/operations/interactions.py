"""Logging what took place with a client, with the next step that follows from it, as one entry of the journal."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from sqlalchemy import select

from branch_node.operations.committing import Commit, Wanted, WantedEdit, WantedFact
from branch_node.storage.store import BranchStore
from branch_node.storage.transaction import BranchTransaction
from shared.domain.business_time import FUTURE_SECONDS_MAX, MICROSECONDS, LocalMoment, local_moment
from shared.domain.cards import Value
from shared.domain.dictionaries import Dictionary
from shared.domain.identifiers import derived_id, shorten
from shared.domain.interactions import Channel, Interaction, KeyPoint, require_interaction
from shared.domain.permissions import Actor, Permission, require
from shared.domain.records import RecordKind
from shared.domain.tasks import Due, TaskState, TaskType, require_title, state_of
from shared.errors import InvalidInput, NotFound
from shared.operations.aliases import read_card_group
from shared.operations.dictionaries import read_dictionaries
from shared.storage.tables import client, interaction, neighbour_fact, task
from shared.wire.payloads import decode_branch_fact

_NOTHING_TO_DO: Final = Wanted()


class NextStep(NamedTuple):
    """What is to be done next; for whom who logs it, unless `assignee_id` says another."""

    title: str
    type: str = TaskType.CALL
    due: Due | None = None
    note: str = ""
    state: str = TaskState.OPEN
    assignee_id: bytes | None = None


class Talk(NamedTuple):
    """What took place, as `Interaction` says it. `at_us` is None for now; a correction keeps the moment of what it
    corrects. With `closes_task` the task that it was about is done."""

    client_id: bytes
    channel: str
    direction: str = ""
    contact: str = ""
    reached: bool | None = None
    outcome: str = ""
    duration_seconds: int = 0
    subject: str = ""
    body: str = ""
    told: str = ""
    points: tuple[KeyPoint, ...] = ()
    task_id: bytes | None = None
    closes_task: bool = False
    corrects_id: bytes | None = None
    at_us: int | None = None
    next_step: NextStep | None = None


class Logged(NamedTuple):
    """The interaction's id, and that of the task that follows from it."""

    interaction_id: bytes
    task_id: bytes | None


def log_interaction(
    store: BranchStore, commit: Commit, actor: Actor, talk: Talk, interaction_id: bytes | None = None
) -> Logged:
    """Logs it once for an id: the same again changes nothing. `commit` is `Processor.commit`.

    Raises NotPermitted, NotFound, InvalidInput, and what `commit` does.
    """
    require(actor, Permission.INTERACTION_LOG)
    _require_content(talk)
    identity = interaction_id or store.ids.new_id()
    task_id = derived_id("next_step", identity) if talk.next_step is not None else None
    commit(lambda transaction: _prepare(transaction, actor, talk, identity, task_id))
    return Logged(identity, task_id)


def set_request_state(
    store: BranchStore, commit: Commit, actor: Actor, client_id: bytes, task_id: bytes, state: str
) -> bool:
    """Says how far a service request has come; false when it has come so far already. Raises NotPermitted, NotFound,
    InvalidInput."""
    require(actor, Permission.INTERACTION_LOG)
    if state not in set(TaskState):
        raise InvalidInput("A request has no such state.")

    def prepare(transaction: BranchTransaction) -> Wanted:
        row = _task_of(transaction, client_id, task_id)
        if row.type != TaskType.SERVICE_REQUEST:
            raise NotFound("There is no such request of this client.")
        changes = _closing(transaction, actor, TaskState(state)) if TaskState(state).is_closed else {"state": state}
        return Wanted(actor.employee_id, (WantedEdit(RecordKind.TASK, task_id, changes),))

    return commit(prepare) is not None


def plan_step(store: BranchStore, commit: Commit, actor: Actor, client_id: bytes, step: NextStep) -> bytes:
    """Plans a call or another step without anything having taken place; returns the task's id."""
    require(actor, Permission.INTERACTION_LOG)
    task_id = store.ids.new_id()

    def prepare(transaction: BranchTransaction) -> Wanted:
        _require_client(transaction, client_id)
        return Wanted(actor.employee_id, (_new_task(transaction, actor, client_id, task_id, step),))

    commit(prepare)
    return task_id


def _prepare(
    transaction: BranchTransaction, actor: Actor, talk: Talk, identity: bytes, task_id: bytes | None
) -> Wanted:
    if _is_logged(transaction, identity):
        return _NOTHING_TO_DO
    _require_client(transaction, talk.client_id)
    _require_words(transaction, talk)
    fact = require_interaction(
        Interaction(
            client_id=talk.client_id,
            channel=talk.channel,
            direction=talk.direction,
            employee=actor.code,
            at=_moment(transaction, talk),
            contact=talk.contact,
            reached=talk.reached,
            outcome=talk.outcome,
            duration_seconds=talk.duration_seconds,
            subject=talk.subject,
            body=talk.body,
            told=talk.told,
            points=talk.points,
            task_id=talk.task_id,
            next_task_id=task_id,
            corrects_id=talk.corrects_id,
        )
    )
    edits = []
    if talk.task_id is not None:
        about = _task_of(transaction, talk.client_id, talk.task_id)
        if talk.closes_task and not state_of(about.state).is_closed:
            changes = _closing(transaction, actor, TaskState.DONE)
            edits.append(WantedEdit(RecordKind.TASK, talk.task_id, changes | {"outcome": talk.outcome or None}))
    if talk.next_step is not None and task_id is not None:
        edits.append(_new_task(transaction, actor, talk.client_id, task_id, talk.next_step))
    return Wanted(actor.employee_id, tuple(edits), (WantedFact(identity, fact),))


def _require_content(talk: Talk) -> None:
    if talk.channel == Channel.SERVICE_REQUEST and not talk.subject.strip():
        raise InvalidInput("A request says what is asked for.", "Write a few words.")
    says = (talk.outcome, talk.body, talk.told, talk.subject, talk.points, talk.duration_seconds)
    if not any(says) and talk.reached is None:
        raise InvalidInput("Nothing is said of it.", "Choose an outcome, or write what was spoken about.")


def _is_logged(transaction: BranchTransaction, identity: bytes) -> bool:
    statement = "SELECT 1 FROM interaction WHERE branch_id = ? AND id = ?"
    return transaction.cursor.execute(statement, (transaction.node.branch_id, identity)).fetchone() is not None


def _require_client(transaction: BranchTransaction, client_id: bytes) -> None:
    known = transaction.connection.execute(select(client.c.id).where(client.c.id == client_id)).one_or_none()
    if known is None:
        raise NotFound("There is no such client here.", "Look for them by phone or name.")


def _require_words(transaction: BranchTransaction, talk: Talk) -> None:
    known = read_dictionaries(transaction.connection, with_archived=True)
    codes = {dictionary: {term.code for term in terms} for dictionary, terms in known.items()}
    said = [(Dictionary.OUTCOME, talk.outcome)]
    said += [(Dictionary.THEME, point.theme) for point in talk.points]
    said += [(Dictionary.COMPETITOR, point.competitor) for point in talk.points]
    for dictionary, code in said:
        if code and code not in codes[dictionary]:
            raise InvalidInput(
                f"The word “{shorten(code)}” is in no dictionary here.",
                "Choose one that is offered, or load the page anew.",
            )


def _moment(transaction: BranchTransaction, talk: Talk) -> LocalMoment:
    zone = transaction.node.timezone
    if talk.corrects_id is not None:
        return _corrected_moment(transaction, talk.client_id, talk.corrects_id)
    if talk.at_us is None:
        return local_moment(transaction.now_us, zone)
    if talk.at_us > transaction.now_us + FUTURE_SECONDS_MAX * MICROSECONDS:
        raise InvalidInput("That has not taken place yet.", "Plan it as a next step.")
    return local_moment(talk.at_us, zone)


def _corrected_moment(transaction: BranchTransaction, client_id: bytes, corrects_id: bytes) -> LocalMoment:
    """When what is corrected took place, here or at another branch: the correction stands in its place."""
    members = read_card_group(transaction.connection, client_id).members
    own = transaction.connection.execute(
        select(interaction).where(
            interaction.c.branch_id == transaction.node.branch_id,
            interaction.c.id == corrects_id,
            interaction.c.client_id.in_(members),
        )
    ).one_or_none()
    if own is not None:
        return LocalMoment(own.at, own.utc_offset_seconds, own.zone)
    facts = transaction.connection.execute(
        select(neighbour_fact.c.payload).where(
            neighbour_fact.c.client_id.in_(members),
            neighbour_fact.c.kind == RecordKind.INTERACTION,
            neighbour_fact.c.id == corrects_id,
        )
    ).scalars()
    for payload in facts:
        return decode_branch_fact(RecordKind.INTERACTION, payload).at
    raise NotFound("There is no such record of this client to correct.", "Load the page anew.")


def _task_of(transaction: BranchTransaction, client_id: bytes, task_id: bytes) -> Any:
    members = read_card_group(transaction.connection, client_id).members
    row = transaction.connection.execute(
        select(task).where(task.c.id == task_id, task.c.client_id.in_(members))
    ).one_or_none()
    if row is None:
        raise NotFound("There is no such task of this client.", "Load the page anew.")
    return row


def _closing(transaction: BranchTransaction, actor: Actor, state: TaskState) -> dict[str, Value]:
    return {"state": str(state), "done_at": transaction.now_us, "done_by": actor.employee_id}


def _new_task(
    transaction: BranchTransaction, actor: Actor, client_id: bytes, task_id: bytes, step: NextStep
) -> WantedEdit:
    if step.type not in set(TaskType):
        raise InvalidInput("A next step is of a known kind.")
    changes: dict[str, Value] = {
        "client_id": client_id,
        "type": str(step.type),
        "title": require_title(step.title),
        "note": step.note.strip() or None,
        "assignee_id": step.assignee_id or actor.employee_id,
        "branch_id": transaction.node.branch_id,
        "due_at": None if step.due is None else step.due.at_us,
        "due_has_time": step.due is not None and step.due.has_time,
        "state": str(step.state),
        "created_by": actor.employee_id,
    }
    if TaskState(step.state).is_closed:
        changes |= _closing(transaction, actor, TaskState(step.state))
    return WantedEdit(RecordKind.TASK, task_id, changes)
