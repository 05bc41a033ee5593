"""How far each file has come on its way between this branch and the head office, as rows. Moves no bytes."""

from __future__ import annotations

from typing import Any, NamedTuple

_DUE = """
SELECT attachment_id FROM file_transfer WHERE is_even = ? AND not_before <= ? ORDER BY not_before LIMIT ?
"""


class FilesWaiting(NamedTuple):
    """Files that are not the same on both sides yet, what has to move of them, and how many of them have a problem."""

    files: int
    bytes: int
    problems: int


def due_transfers(cursor: Any, now_us: int, files_max: int) -> list[bytes]:
    """The files to be looked at now: those that are not even, and when there are none, those not looked at for long."""
    for is_even in (False, True):
        due = [row[0] for row in cursor.execute(_DUE, (is_even, now_us, files_max)).fetchall()]
        if due:
            return due
    return []


def count_waiting(cursor: Any) -> FilesWaiting:
    """What has yet to move."""
    statement = "SELECT COUNT(*), COALESCE(SUM(waiting_bytes), 0), COUNT(problem) FROM file_transfer WHERE is_even = 0"
    return FilesWaiting._make(cursor.execute(statement).fetchone())


def read_problem(cursor: Any, attachment_id: bytes) -> str | None:
    """What is wrong with a file, in a sentence."""
    row = cursor.execute("SELECT problem FROM file_transfer WHERE attachment_id = ?", (attachment_id,)).fetchone()
    return None if row is None else row[0]


def note_even(cursor: Any, attachment_id: bytes, look_again_us: int) -> None:
    """Both sides have the whole file."""
    cursor.execute(
        "UPDATE file_transfer SET is_even = 1, not_before = ?, failures = 0, waiting_bytes = 0, problem = NULL "
        "WHERE attachment_id = ?",
        (look_again_us, attachment_id),
    )


def note_waiting(cursor: Any, attachment_id: bytes, waiting_bytes: int) -> None:
    """So much has to move, as the head office has just said."""
    cursor.execute(
        "UPDATE file_transfer SET is_even = 0, waiting_bytes = ? WHERE attachment_id = ?",
        (waiting_bytes, attachment_id),
    )


def note_moved(cursor: Any, attachment_id: bytes, moved_bytes: int) -> None:
    """A chunk has arrived on the other side."""
    cursor.execute(
        "UPDATE file_transfer SET waiting_bytes = MAX(0, waiting_bytes - ?), failures = 0 WHERE attachment_id = ?",
        (moved_bytes, attachment_id),
    )


def postpone(cursor: Any, attachment_id: bytes, not_before_us: int, problem: str | None) -> None:
    """It is looked at again later."""
    cursor.execute(
        "UPDATE file_transfer SET is_even = 0, not_before = ?, failures = failures + 1, problem = ? "
        "WHERE attachment_id = ?",
        (not_before_us, problem, attachment_id),
    )


def count_failures(cursor: Any, attachment_id: bytes) -> int:
    """How often in a row it was postponed."""
    row = cursor.execute("SELECT failures FROM file_transfer WHERE attachment_id = ?", (attachment_id,)).fetchone()
    return 0 if row is None else row[0]


def reopen(cursor: Any, attachment_id: bytes) -> None:
    """A chunk that was here is not: it is to be asked for at once."""
    cursor.execute(
        "UPDATE file_transfer SET is_even = 0, not_before = 0, failures = 0 WHERE attachment_id = ?", (attachment_id,)
    )


def reopen_all(cursor: Any) -> None:
    """Looks at every file again: the head office was restored from a backup and may lack some."""
    cursor.execute("UPDATE file_transfer SET is_even = 0, not_before = 0, failures = 0")
