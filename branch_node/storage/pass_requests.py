"""How `sync run` beside a running `serve` asks it for a pass, and hears how it went: through the store they share."""

from __future__ import annotations

from typing import Any, NamedTuple

REQUESTS_MAX = 100
KEPT_SECONDS = 3_600


class PassOutcome(NamedTuple):
    """A finished request; `problem` says why the two sides are not even, None when they are."""

    problem: str | None


def request_pass(cursor: Any, request_id: bytes, now_us: int) -> None:
    """Asks for a pass, and forgets requests of long ago."""
    cursor.execute("DELETE FROM pass_request WHERE wanted_at < ?", (now_us - KEPT_SECONDS * 1_000_000,))
    cursor.execute("INSERT INTO pass_request (id, wanted_at) VALUES (?, ?)", (request_id, now_us))


def open_requests(cursor: Any) -> list[bytes]:
    """Requests that nobody has answered, oldest first."""
    statement = "SELECT id FROM pass_request WHERE finished_at IS NULL ORDER BY wanted_at LIMIT ?"
    return [row[0] for row in cursor.execute(statement, (REQUESTS_MAX,))]


def finish_requests(cursor: Any, request_ids: list[bytes], problem: str | None, now_us: int) -> None:
    """Answers requests."""
    cursor.executemany(
        "UPDATE pass_request SET finished_at = ?, problem = ? WHERE id = ?",
        [(now_us, problem, request_id) for request_id in request_ids],
    )


def read_outcome(cursor: Any, request_id: bytes) -> PassOutcome | None:
    """How a request went; None while it waits."""
    row = cursor.execute("SELECT finished_at, problem FROM pass_request WHERE id = ?", (request_id,)).fetchone()
    return None if row is None or row[0] is None else PassOutcome(row[1])
