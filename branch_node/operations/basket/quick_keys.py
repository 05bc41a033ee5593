"""Quick keys: products that the till offers as buttons. A branch's own, for all registers or for one, by place."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from branch_node.operations.basket.products import find_by_sku
from branch_node.storage.store import BranchStore
from shared.domain.identifiers import require_code, shorten
from shared.errors import InvalidInput, NotFound, Refused

QUICK_KEYS_MAX = 200
"""Places of the branch, and of each register."""

LABEL_CHARACTERS_MAX = 40
ALL_REGISTERS = ""
_COLOUR = re.compile(r"#[0-9a-f]{6}|")
_COLUMNS = "position, sku, label, colour, key_group, register"


class QuickKey(NamedTuple):
    """A button. `colour` is `#rrggbb` or empty; `price_minor` is None when the product has no price, and `is_known` is
    false when it is gone. `register` is empty for a key of every register."""

    position: int
    sku: str
    label: str
    colour: str
    price_minor: int | None
    is_known: bool
    group: str = ""
    register: str = ALL_REGISTERS


def list_quick_keys(store: BranchStore, register: str = ALL_REGISTERS) -> list[QuickKey]:
    """The keys of a register, or those of every register, by place and with the prices of now."""
    with store.read_cursor() as cursor:
        return _read(cursor, register)


def keys_at(store: BranchStore, register: str) -> list[QuickKey]:
    """What the till of a register offers: its own keys, then those of every register, without what is gone."""
    with store.read_cursor() as cursor:
        keys = [*(_read(cursor, register) if register else ()), *_read(cursor, ALL_REGISTERS)]
    return [key for key in keys if key.is_known]


def grouped(keys: Sequence[QuickKey]) -> list[tuple[str, list[QuickKey]]]:
    """Keys under the names of their groups, each where its first key stands."""
    groups: dict[str, list[QuickKey]] = {}
    for key in keys:
        groups.setdefault(key.group, []).append(key)
    return list(groups.items())


def version_of(keys: Sequence[QuickKey]) -> str:
    """Another text whenever the keys or their prices are others."""
    return f"{zlib.crc32(repr(list(keys)).encode()):08x}"


def set_quick_key(
    store: BranchStore,
    position: int,
    sku: str,
    label: str = "",
    colour: str = "",
    group: str = "",
    register: str = ALL_REGISTERS,
) -> None:
    """Puts a product on a place, over what was there; without a label, under its name.

    Raises InvalidInput, NotFound when there is no such product.
    """
    if not 1 <= position <= QUICK_KEYS_MAX:
        raise InvalidInput(f"A quick key's place is from 1 to {QUICK_KEYS_MAX}.")
    turn = store.write()
    with turn:
        _put(turn.driver.cursor(), position, sku, label, colour, group, register)


def add_quick_key(store: BranchStore, sku: str, label: str = "", group: str = "", register: str = "") -> int:
    """A key after all others; returns its place. Raises as `set_quick_key` does, and Refused when there is no place."""
    turn = store.write()
    with turn:
        cursor = turn.driver.cursor()
        held = [row[0] for row in cursor.execute("SELECT position FROM quick_key WHERE register = ?", (register,))]
        position = max(held, default=0) + 1
        if position > QUICK_KEYS_MAX:
            position = next((free for free in range(1, QUICK_KEYS_MAX + 1) if free not in held), 0)
        if not position:
            raise Refused(f"There are {QUICK_KEYS_MAX} quick keys.", "Remove one first.")
        _put(cursor, position, sku, label, "", group, register)
    return position


def move_quick_key(store: BranchStore, position: int, is_up: bool, register: str = ALL_REGISTERS) -> int:
    """Changes places with the key before or after it in its group; the first and the last stay. Returns where it is.

    Raises NotFound.
    """
    turn = store.write()
    with turn:
        cursor = turn.driver.cursor()
        keys = {key.position: key for key in _read(cursor, register)}
        key = keys.get(position)
        if key is None:
            raise NotFound("This key is not there any more.", "Look at the keys again.")
        row = [other for other in keys.values() if other.group == key.group]
        place = row.index(key) + (-1 if is_up else 1)
        if not 0 <= place < len(row):
            return position
        for moved, to in ((key, row[place].position), (row[place], position)):
            values = (register, to, moved.sku, moved.label, moved.colour, moved.group)
            cursor.execute(_PUT, values)
    return row[place].position


def clear_quick_key(store: BranchStore, position: int, register: str = ALL_REGISTERS) -> None:
    """Empties a place; one that is empty stays so."""
    turn = store.write()
    with turn:
        statement = "DELETE FROM quick_key WHERE register = ? AND position = ?"
        turn.driver.cursor().execute(statement, (register, position))


_PUT = """
INSERT OR REPLACE INTO quick_key (register, position, sku, label, colour, key_group) VALUES (?, ?, ?, ?, ?, ?)
"""


def _put(cursor: Any, position: int, sku: str, label: str, colour: str, group: str, register: str) -> None:
    if not _COLOUR.fullmatch(colour.lower()):
        raise InvalidInput("A colour is written as #ffcc00.")
    require_code(sku, "sku")
    if register:
        require_code(register, "register")
    named = _require_label(label)
    product = find_by_sku(cursor, sku)
    if product is None:
        raise NotFound(f"There is no product {shorten(sku)}.", "Look for it by name.")
    shown = named or shorten(product.name, LABEL_CHARACTERS_MAX)
    cursor.execute(_PUT, (register, position, sku, shown, colour.lower(), _require_label(group)))


def _require_label(label: str) -> str:
    text = " ".join(label.split())
    if len(text) > LABEL_CHARACTERS_MAX or not text.isprintable():
        raise InvalidInput(f"A label has at most {LABEL_CHARACTERS_MAX} printable characters.")
    return text


def _read(cursor: Any, register: str) -> list[QuickKey]:
    statement = f"SELECT {_COLUMNS} FROM quick_key WHERE register = ? ORDER BY position"
    rows = cursor.execute(statement, (register,)).fetchall()
    products = [find_by_sku(cursor, row[1]) for row in rows]
    return [
        QuickKey(position, sku, label, colour, product.price_minor if product else None, product is not None, group, at)
        for (position, sku, label, colour, group, at), product in zip(rows, products, strict=True)
    ]
