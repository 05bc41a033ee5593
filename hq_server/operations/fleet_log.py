"""What people did to branches from the pages: who, when, what. Never a secret."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from sqlalchemy import Connection, select

from hq_server.storage.fleet_tables import fleet_act
from shared.clock import Ids
from shared.domain.identifiers import NIL_ID
from shared.domain.permissions import Actor

ACTS_SHOWN_MAX: Final = 30
DETAIL_CHARACTERS_MAX: Final = 300


class FleetAct(StrEnum):
    """What is done to a branch, or to the fleet. The value is what the store holds."""

    TOKEN = "token"  # noqa: S105 - an act's name.
    REVOKE = "revoke"
    HEIR = "heir"
    REPAIR = "repair"
    EXPORT = "export"
    IMPORT = "import"
    ALERTS = "alerts"


class ActDone(NamedTuple):
    """One act; `author` is a code."""

    done_at_us: int
    author: str
    act: str
    detail: str


def note_act(
    connection: Connection,
    ids: Ids,
    now_us: int,
    actor: Actor,
    act: FleetAct,
    branch_id: bytes = NIL_ID,
    detail: str = "",
) -> None:
    """Writes it down, in the transaction that does it."""
    row = {"id": ids.new_id(), "branch_id": branch_id, "done_at": now_us, "author": actor.code, "act": act.value}
    connection.execute(fleet_act.insert().values(row | {"detail": detail[:DETAIL_CHARACTERS_MAX]}))


def list_acts(connection: Connection, branch_id: bytes) -> list[ActDone]:
    """The newest first."""
    rows = connection.execute(
        select(fleet_act)
        .where(fleet_act.c.branch_id == branch_id)
        .order_by(fleet_act.c.done_at.desc(), fleet_act.c.id.desc())
        .limit(ACTS_SHOWN_MAX)
    )
    return [ActDone(row.done_at, row.author, row.act, row.detail) for row in rows]
