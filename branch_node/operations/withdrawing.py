"""Taking back what was logged by mistake: another interaction names it and says nothing more, so both are kept.

Contains nothing about corrections: a wrong record is corrected, one of something that did not take place is withdrawn.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import select

from branch_node.operations.committing import Commit, Wanted, WantedFact
from branch_node.operations.taking_back import edits_back
from branch_node.storage.transaction import BranchTransaction
from shared.domain.business_time import LocalMoment
from shared.domain.identifiers import derived_id
from shared.domain.interactions import Interaction
from shared.domain.permissions import Actor, Permission, require
from shared.domain.records import RecordKind
from shared.errors import NotFound, NotPermitted, Refused
from shared.storage.tables import interaction

WITHDRAWN_MINUTES_MAX: Final = 15
"""So long after it was logged: what a supervisor has read stays, and is corrected."""


def withdraw_interaction(commit: Commit, actor: Actor, interaction_id: bytes) -> bool:
    """Takes back what the actor logged here a moment ago, with the next step that came of it; false when it is taken
    back already. `commit` is `Processor.commit`.

    Raises NotPermitted, NotFound, Refused when it was too long ago or somebody has gone on from it, and what `commit`
    does.
    """
    require(actor, Permission.INTERACTION_LOG)
    return commit(lambda transaction: _prepare(transaction, actor, interaction_id)) is not None


def _prepare(transaction: BranchTransaction, actor: Actor, interaction_id: bytes) -> Wanted:
    row = _logged(transaction, interaction_id)
    if row.employee != actor.code:
        raise NotPermitted("Somebody else logged this.", "Ask them to correct it.")
    later = _later(transaction, interaction_id)
    if any(each.withdrawn for each in later):
        return Wanted()
    if later:
        raise Refused("Somebody has corrected this since.", "Look at the timeline, and correct it there.")
    if transaction.now_us // 1_000 - _logged_ms(row.command_id) > WITHDRAWN_MINUTES_MAX * 60_000:
        raise Refused("This was logged too long ago to be taken back.", "Correct it on the timeline.")
    tasks = [(RecordKind.TASK, task_id) for task_id in (row.task_id, row.next_task_id) if task_id is not None]
    edits = tuple(edits_back(transaction, row.command_id, tasks))
    withdrawal = Interaction(
        client_id=row.client_id,
        channel=row.channel,
        direction=row.direction,
        employee=actor.code,
        at=LocalMoment(row.at, row.utc_offset_seconds, row.zone),
        corrects_id=interaction_id,
        withdrawn=True,
    )
    fact_id = derived_id("withdrawal", interaction_id)
    return Wanted(actor.employee_id, edits, (WantedFact(fact_id, withdrawal),))


def _logged(transaction: BranchTransaction, interaction_id: bytes) -> Any:
    row = transaction.connection.execute(
        select(interaction).where(
            interaction.c.branch_id == transaction.node.branch_id,
            interaction.c.id == interaction_id,
            interaction.c.withdrawn.is_(None),
        )
    ).one_or_none()
    if row is None:
        raise NotFound("There is no such record of this branch.", "Load the page anew.")
    return row


def _later(transaction: BranchTransaction, interaction_id: bytes) -> list[Any]:
    statement = select(interaction.c.id, interaction.c.withdrawn).where(interaction.c.corrects_id == interaction_id)
    return list(transaction.connection.execute(statement))


def _logged_ms(command_id: bytes) -> int:
    """When a command was made, by its id: a UUIDv7 begins with it."""
    return int.from_bytes(command_id[:6])
