"""A manager arranges the till's quick keys: each action with the check that the person may do it."""

from __future__ import annotations

from typing import NamedTuple

from branch_node.operations import basket
from branch_node.operations.basket import QuickKey
from branch_node.storage.store import BranchStore
from shared.domain.permissions import Actor, Permission, require
from shared.errors import NotFound

REGISTERS_SHOWN_MAX = 100


class Keyboard(NamedTuple):
    """Whose keys are arranged, by whom. `register` is empty for those of every register."""

    store: BranchStore
    actor: Actor
    register: str = basket.ALL_REGISTERS


def registers_with_keys(store: BranchStore) -> list[str]:
    """Registers that may have keys of their own: those that sold, and those that have some."""
    statement = "SELECT code FROM register UNION SELECT register FROM quick_key WHERE register <> '' ORDER BY 1 LIMIT ?"
    with store.read_cursor() as cursor:
        return [row[0] for row in cursor.execute(statement, (REGISTERS_SHOWN_MAX,))]


def add(keyboard: Keyboard, sku: str, label: str = "", group: str = "") -> int:
    """A key after all others; returns its place. Raises NotPermitted, NotFound, InvalidInput, Refused."""
    _require_may(keyboard)
    return basket.add_quick_key(keyboard.store, sku, label, group, keyboard.register)


def put(keyboard: Keyboard, key: QuickKey) -> None:
    """A key where it was: what a removal took. Raises NotPermitted, NotFound, InvalidInput."""
    _require_may(keyboard)
    basket.set_quick_key(keyboard.store, key.position, key.sku, key.label, key.colour, key.group, keyboard.register)


def rename(keyboard: Keyboard, position: int, label: str, group: str) -> None:
    """What stands on a key, and its group. Raises NotPermitted, NotFound, InvalidInput."""
    key = _key(keyboard, position)
    put(keyboard, key._replace(label=label, group=group))


def move(keyboard: Keyboard, position: int, is_up: bool) -> int:
    """One place up or down in its group; returns where it is. Raises NotPermitted, NotFound."""
    _require_may(keyboard)
    return basket.move_quick_key(keyboard.store, position, is_up, keyboard.register)


def remove(keyboard: Keyboard, position: int) -> QuickKey:
    """Takes a key away; returns what it was. Raises NotPermitted, NotFound."""
    key = _key(keyboard, position)
    basket.clear_quick_key(keyboard.store, position, keyboard.register)
    return key


def _key(keyboard: Keyboard, position: int) -> QuickKey:
    _require_may(keyboard)
    for key in basket.list_quick_keys(keyboard.store, keyboard.register):
        if key.position == position:
            return key
    raise NotFound("This key is not there any more.", "Look at the keys again.")


def _require_may(keyboard: Keyboard) -> None:
    require(keyboard.actor, Permission.SETTINGS_BRANCH)
