"""Which browser tab has a register: the newest claim, and the older tab is told."""

from __future__ import annotations

from typing import Any, NamedTuple

from branch_node.storage.store import BranchStore
from shared.domain.identifiers import require_code
from shared.errors import TakenOver


class Claim(NamedTuple):
    """A tab that has a register, and since when."""

    tab_token: str
    claimed_at_us: int


def claim_register(store: BranchStore, register: str, tab_token: str) -> Claim | None:
    """Takes a register for a tab; returns whom it was taken from, None when nobody else had it. Raises InvalidInput."""
    require_code(register, "register")
    require_code(tab_token, "tab_token")
    turn = store.write()
    with turn:
        cursor = turn.driver.cursor()
        before = _read_claim(cursor, register)
        if before is not None and before.tab_token == tab_token:
            return None
        cursor.execute(
            "INSERT INTO register_claim (register, tab_token, claimed_at) VALUES (?, ?, ?) ON CONFLICT (register) "
            "DO UPDATE SET tab_token = excluded.tab_token, claimed_at = excluded.claimed_at",
            (register, tab_token, store.clock.now_us()),
        )
    return before


def who_has(store: BranchStore, register: str) -> Claim | None:
    """The tab that has a register, if any ever claimed it."""
    with store.read_cursor() as cursor:
        return _read_claim(cursor, register)


def require_claim(cursor: Any, register: str, tab_token: str) -> None:
    """Raises TakenOver when another tab has claimed the register since."""
    claim = _read_claim(cursor, register)
    if claim is not None and claim.tab_token != tab_token:
        raise TakenOver(f"Register {register} was taken over in another tab.", "Go on there, or take it back here.")


def _read_claim(cursor: Any, register: str) -> Claim | None:
    statement = "SELECT tab_token, claimed_at FROM register_claim WHERE register = ?"
    row = cursor.execute(statement, (register,)).fetchone()
    return None if row is None else Claim(*row)
