"""Every edit of a card that is kept to be shown: who changed what, when and where. Contains no merge rules.

Edits are a set: each is kept once, whatever way it came, so that all who know a card know the same of it. What a field
was before an edit follows from the edits before it, in the order of their stamps.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select

from shared.domain.cards import Value
from shared.storage.card_rows import CardKey, insert_missing, upsert
from shared.storage.conflict_rows import encode_value
from shared.storage.cursor_reading import Reader
from shared.storage.tables import card_edit
from shared.sync.card_merge import CardState, Stamp

_OF_CARD = (
    select(card_edit)
    .where(card_edit.c.kind == bindparam("kind"), card_edit.c.card_id == bindparam("card"))
    .order_by(card_edit.c.hlc_epoch, card_edit.c.hlc, card_edit.c.command_id)
)

_ONE = select(card_edit.c.seen_at).where(
    card_edit.c.kind == bindparam("kind"),
    card_edit.c.card_id == bindparam("card"),
    card_edit.c.command_id == bindparam("command"),
    card_edit.c.branch_id == bindparam("branch"),
)


def edit_row(key: CardKey, stamp: Stamp, changes: Mapping[str, Value], now_us: int) -> dict[str, Any]:
    """An edit as a row. `changes` holds the new value of each field."""
    encoded = ", ".join(f"{json.dumps(name)}: {encode_value(value)}" for name, value in sorted(changes.items()))
    return {
        "kind": key[0],
        "card_id": key[1],
        "command_id": stamp.command_id,
        "branch_id": stamp.branch_id,
        "hlc_epoch": stamp.hlc_epoch,
        "hlc": stamp.hlc,
        "author": stamp.author,
        "changes": f"{{{encoded}}}",
        "seen_at": now_us,
    }


def rows_of_state(key: CardKey, state: CardState, now_us: int) -> list[dict[str, Any]]:
    """What a whole card says of the edits behind it: those whose values no later edit saw."""
    by_stamp: dict[Stamp, dict[str, Value]] = {}
    for name, known in state.fields.items():
        for version in known.live:
            by_stamp.setdefault(version.stamp, {})[name] = version.value
    return [edit_row(key, stamp, changes, now_us) for stamp, changes in by_stamp.items()]


def add_edits(connection: Connection, whole: Sequence[dict[str, Any]], partial: Sequence[dict[str, Any]]) -> None:
    """Keeps edits, each once. Of one that came with a whole card less may be known than of one that came by itself."""
    if partial:
        connection.execute(insert_missing(card_edit, connection), partial)
    if whole:
        connection.execute(upsert(card_edit, connection), whole)


def edits_of_card(reader: Reader, kind: int, card_id: bytes) -> list[Any]:
    """The rows of a card's edits, oldest first."""
    return list(reader.execute(_OF_CARD, {"kind": kind, "card": card_id}))


def forget_edits(connection: Connection, kind: int, card_id: bytes) -> None:
    """Drops the edits of a card."""
    connection.execute(delete(card_edit).where(card_edit.c.kind == kind, card_edit.c.card_id == card_id))


def knows_edit(connection: Connection, kind: int, card_id: bytes, identity: tuple[bytes, bytes]) -> bool:
    """Whether an edit of a card is here, by its command and the branch that made it."""
    command_id, branch_id = identity
    one = {"kind": kind, "card": card_id, "command": command_id, "branch": branch_id}
    return connection.execute(_ONE, one).first() is not None
