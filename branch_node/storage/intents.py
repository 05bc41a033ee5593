"""Intents: operations that HQ is asked to commit, kept from before the question until the answer is acted upon."""

from __future__ import annotations

from typing import Any, NamedTuple

from shared.sync.central import next_break_ms


class Intent(NamedTuple):
    """One operation on its way. `in_doubt`: a request may have left that nobody answered."""

    command_id: bytes
    key: str | None
    register: str | None
    receipt_number: int | None
    created_at_us: int
    in_doubt: bool
    data: bytes


class Break(NamedTuple):
    """Requests in a row that HQ did not answer, and until when it is not asked again."""

    failures: int
    not_before_us: int


_COLUMNS = "command_id, key, register, receipt_number, created_at, in_doubt, data"


def add_intent(cursor: Any, intent: Intent) -> None:
    """Keeps an intent."""
    cursor.execute(f"INSERT INTO intent ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", intent)


def read_intent(cursor: Any, command_id: bytes) -> Intent | None:
    """An intent that is not settled yet."""
    row = cursor.execute(f"SELECT {_COLUMNS} FROM intent WHERE command_id = ?", (command_id,)).fetchone()
    return None if row is None else Intent._make((*row[:5], bool(row[5]), row[6]))


def forgotten_intents(cursor: Any, age_us: int, now_us: int, count_max: int) -> list[Intent]:
    """Intents so old that nobody waits for them any more, oldest first.

    One from the future was made before the clock was set back: nobody knows how old it is.
    """
    statement = f"SELECT {_COLUMNS} FROM intent WHERE created_at < ? OR created_at > ? ORDER BY created_at LIMIT ?"
    rows = cursor.execute(statement, (now_us - age_us, now_us, count_max)).fetchall()
    return [Intent._make((*row[:5], bool(row[5]), row[6])) for row in rows]


def read_intents(cursor: Any, count_max: int) -> list[Intent]:
    """Operations whose outcome is not known, oldest first."""
    rows = cursor.execute(f"SELECT {_COLUMNS} FROM intent ORDER BY created_at LIMIT ?", (count_max,)).fetchall()
    return [Intent._make((*row[:5], bool(row[5]), row[6])) for row in rows]


def oldest_intent_us(cursor: Any) -> int | None:
    """When the oldest unsettled intent was made."""
    oldest_us: int | None = cursor.execute("SELECT MIN(created_at) FROM intent").fetchone()[0]
    return oldest_us


def count_intents(cursor: Any) -> int:
    """Operations whose outcome is not known."""
    return int(cursor.execute("SELECT COUNT(*) FROM intent").fetchone()[0])


def doubt_intent(cursor: Any, command_id: bytes) -> None:
    """A request may have left."""
    cursor.execute("UPDATE intent SET in_doubt = 1 WHERE command_id = ?", (command_id,))


def drop_intent(cursor: Any, command_id: bytes) -> bool:
    """It is settled; false when somebody else had settled it."""
    return bool(cursor.execute("DELETE FROM intent WHERE command_id = ?", (command_id,)).rowcount)


def read_break(cursor: Any) -> Break:
    """Whether HQ answers."""
    return Break(*cursor.execute("SELECT failures, not_before FROM sync_state").fetchone())


def note_failure(cursor: Any, now_us: int) -> None:
    """HQ did not answer."""
    failures = read_break(cursor).failures + 1
    not_before_us = now_us + next_break_ms(failures - 1) * 1_000
    cursor.execute("UPDATE sync_state SET failures = ?, not_before = ?", (failures, not_before_us))


def note_answer(cursor: Any) -> None:
    """HQ answers."""
    cursor.execute("UPDATE sync_state SET failures = 0, not_before = 0 WHERE failures > 0")
