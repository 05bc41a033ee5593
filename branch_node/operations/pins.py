"""PINs of this branch's employees, and the pepper that they are hashed with. HQ never hears of either."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from sqlalchemy import Connection, bindparam, delete, select

from branch_node.settings import Settings
from branch_node.storage.store import BranchStore
from branch_node.storage.tables import pin as pin_table
from shared.certificates import sync_folder, write_secret
from shared.clock import Ids
from shared.domain.identifiers import format_id, shorten
from shared.domain.permissions import Actor, Permission, require
from shared.errors import NotFound, NotPermitted, StoreError
from shared.operations.lockout import EMPLOYEE, Scope, forgive
from shared.operations.passwords import PEPPER_BYTES, PIN_COST, HashCost, hash_pin, require_pin
from shared.operations.people import actor_on, day_in_zone, employee_id, find_employee
from shared.storage.card_rows import upsert
from shared.storage.cursor_reading import Reader


def load_pepper(path: Path, ids: Ids) -> bytes:
    """The branch's 32 bytes, made on first use. Raises StoreError when the file cannot be used."""
    try:
        if not path.exists():
            _make_pepper(path, ids)
        pepper = path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path} cannot be used: {error.strerror}.", "PINs wait for it; passwords work.") from error
    if len(pepper) != PEPPER_BYTES:
        raise StoreError(
            f"{path} does not hold the key of the PINs.", "Restore it, or remove it and set the PINs anew."
        )
    return pepper


def _make_pepper(path: Path, ids: Ids) -> None:
    """Of two processes that make one, the first one's stays: a PIN may have been hashed with it by now."""
    own = path.with_name(f"{path.name}.{format_id(ids.new_id())}")
    write_secret(own, secrets.token_bytes(PEPPER_BYTES))
    try:
        os.link(own, path)
    except FileExistsError:
        pass
    finally:
        own.unlink()
    sync_folder(path.parent)


def set_pin(
    store: BranchStore, settings: Settings, actor: Actor, code: str, pin: str, cost: HashCost = PIN_COST
) -> None:
    """Gives an employee of this branch a PIN: one's own, or somebody's who may do nothing that one may not oneself.

    Raises InvalidInput, NotFound, NotPermitted. Sessions that the old PIN opened end; a lockout ends too.
    """
    require_pin(pin, code)
    pepper = load_pepper(settings.pepper_path, store.ids)
    pin_hash = hash_pin(pin, pepper, store.ids.new_salt(), cost)
    with store.write() as connection:
        identity = _require_may_set(store, connection, actor, code)
        row = {
            "employee_id": identity,
            "pin_hash": pin_hash,
            "set_at": store.clock.now_us(),
            "set_by": actor.employee_id,
        }
        connection.execute(upsert(pin_table, connection), row)
        forgive(connection, Scope(EMPLOYEE, identity))


def remove_pin(store: BranchStore, actor: Actor, code: str) -> None:
    """Takes an employee's PIN away. Raises NotFound, NotPermitted."""
    with store.write() as connection:
        identity = _require_may_set(store, connection, actor, code)
        connection.execute(delete(pin_table).where(pin_table.c.employee_id == identity))


_PIN = select(pin_table.c.pin_hash).where(pin_table.c.employee_id == bindparam("id"))


def find_pin(reader: Reader, identity: bytes) -> str | None:
    """The stored PIN of an employee."""
    stored: str | None = reader.execute(_PIN, {"id": identity}).scalar_one_or_none()
    return stored


def _require_may_set(store: BranchStore, connection: Connection, actor: Actor, code: str) -> bytes:
    node, _ = store.node()
    identity = employee_id(node.chain_id, code)
    person = find_employee(connection, identity)
    day = day_in_zone(store.clock.now_us(), node.timezone)
    target = None if person is None else actor_on(connection, person, day, node.code)
    if target is None:
        raise NotFound(f"No employee “{shorten(code)}” works at this branch.", "See: filial-branch employee list")
    if actor.employee_id == identity:
        return identity
    require(actor, Permission.PIN_SET)
    if not target.permissions <= actor.permissions:
        raise NotPermitted(
            f"{target.name or target.code} may do more than {actor.name or actor.code}, who must not know that PIN.",
            "Let the employee set it after logging in with the password.",
        )
    return identity
