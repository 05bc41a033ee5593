"""What an administrator does to branches from the pages: enrol anew, revoke, name an heir, carry files, decide."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Final

from sqlalchemy import Connection

from hq_server.operations.authority import Authority
from hq_server.operations.carrying import export_file, import_file
from hq_server.operations.enrolment import issue_token
from hq_server.operations.explaining import explain
from hq_server.operations.fleet import name_heir, revoke_branch
from hq_server.operations.fleet_log import FleetAct, note_act
from hq_server.storage.branches import BranchRow, branch_by_code, branch_by_id
from hq_server.storage.store import HqStore
from shared.clock import Clock, Ids
from shared.domain.identifiers import is_id
from shared.domain.permissions import Actor, Permission, require
from shared.errors import InvalidInput

CARRIED_BYTES_MAX: Final = 268_435_456
"""Of a file that is brought through the pages; a larger one is taken by `filial-hq sync import`."""

FindAuthority = Callable[[], Authority]
"""Its private key is read only for who may use it."""

# Of this process alone: what is carried holds the chain's data.
_PREFIX: Final = "filial-carried-"


def find_branch(connection: Connection, actor: Actor, branch_id: bytes) -> BranchRow:
    """Raises NotFound, NotPermitted."""
    require(actor, Permission.FLEET_VIEW)
    return branch_by_id(connection, branch_id)


def new_token(
    connection: Connection,
    find_authority: FindAuthority,
    ids: Ids,
    now_us: int,
    actor: Actor,
    branch_id: bytes,
    hours: int,
) -> str:
    """A one-use enrolment token, as text; it stands nowhere else. Raises NotFound, NotPermitted, Refused."""
    require(actor, Permission.FLEET_EDIT)
    row = branch_by_id(connection, branch_id)
    token = issue_token(connection, find_authority(), ids, row.code, now_us, hours)
    note_act(connection, ids, now_us, actor, FleetAct.TOKEN, row.id)
    return token


def revoke(connection: Connection, ids: Ids, now_us: int, actor: Actor, branch_id: bytes, typed_code: str) -> None:
    """Refuses a branch for good; `typed_code` proves that it is meant. Raises InvalidInput, NotPermitted, Refused."""
    require(actor, Permission.FLEET_EDIT)
    row = branch_by_id(connection, branch_id)
    if typed_code != row.code:
        raise InvalidInput("The code that was typed is not the branch’s.", "Type the code as it stands on the page.")
    revoke_branch(connection, row.code, now_us)
    note_act(connection, ids, now_us, actor, FleetAct.REVOKE, row.id)


def choose_heir(connection: Connection, ids: Ids, now_us: int, actor: Actor, branch_id: bytes, life: str) -> None:
    """Names the copy of a branch's store that goes on. Raises InvalidInput, NotFound, NotPermitted."""
    require(actor, Permission.FLEET_EDIT)
    row = branch_by_id(connection, branch_id)
    if not is_id(life):
        raise InvalidInput("No copy of the store was chosen.", "Choose the one that goes on.")
    name_heir(connection, row, life)
    note_act(connection, ids, now_us, actor, FleetAct.HEIR, row.id, life)


def explain_record(connection: Connection, actor: Actor, record: str, code: str) -> dict[str, Any]:
    """Why a branch has a record or has not. Raises NotFound, NotPermitted."""
    require(actor, Permission.FLEET_VIEW)
    return explain(connection, record.strip(), branch_by_code(connection, code))


def take_carried(
    store: HqStore, find_authority: FindAuthority, clock: Clock, ids: Ids, actor: Actor, content: BinaryIO
) -> dict[str, object]:
    """Merges what a branch exported, as `sync import` does.

    Raises InvalidInput, NotAuthorised, NotPermitted, Refused.
    """
    require(actor, Permission.FLEET_EDIT)
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as folder:
        path = Path(folder) / "carried"
        with path.open("wb") as file:
            shutil.copyfileobj(content, file)
        done = import_file(store, find_authority(), clock, path)
    with store.write() as connection:
        row = branch_by_code(connection, str(done["branch"]))
        note_act(connection, ids, clock.now_us(), actor, FleetAct.IMPORT, row.id, f"{done['entries']}")
    return done


def write_carried(
    store: HqStore, find_authority: FindAuthority, clock: Clock, ids: Ids, actor: Actor, branch_id: bytes
) -> tuple[str, Path]:
    """The file that a branch is to be brought, and the branch's code; the caller removes the folder that holds it.

    Raises NotFound, NotPermitted.
    """
    require(actor, Permission.FLEET_EDIT)
    with store.read() as connection:
        row = branch_by_id(connection, branch_id)
    path = Path(tempfile.mkdtemp(prefix=_PREFIX)) / "carried"
    try:
        done = export_file(store, find_authority(), row, path, clock.now_us())
        with store.write() as connection:
            note_act(connection, ids, clock.now_us(), actor, FleetAct.EXPORT, row.id, str(done["records"]))
    except BaseException:
        remove_carried(path)
        raise
    return row.code, path


def remove_carried(path: Path) -> None:
    """The file and its folder."""
    shutil.rmtree(path.parent, ignore_errors=True)
