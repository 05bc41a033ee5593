"""Small facts of a branch's own life: receipt numbers never sold under, switches of the mode, spending from budgets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from shared.domain.business_time import LocalMoment
from shared.domain.records import RecordKind


@dataclass(frozen=True, slots=True)
class ReceiptVoid:
    """A receipt number was given to a sale that was not committed, and later numbers were given before that showed."""

    register: str
    receipt_number: int
    at: LocalMoment
    reason: str


@dataclass(frozen=True, slots=True)
class ModeSwitch:
    """From that moment on the branch processes so: see ProcessingMode and WhenUnreachable for the words."""

    mode: str
    when_unreachable: str
    at: LocalMoment


@dataclass(frozen=True, slots=True)
class BudgetSpend:
    """Some of a budget was spent: out of a lease, or with `lease_id` None as the head office allowed at that moment."""

    budget_id: bytes
    lease_id: bytes | None
    amount: int
    at: LocalMoment


@dataclass(frozen=True, slots=True)
class LeaseReturn:
    """The branch spends nothing more of a lease; so much of it is left, as far as this store knows."""

    budget_id: bytes
    lease_id: bytes
    unused: int
    at: LocalMoment


BranchFact = ReceiptVoid | ModeSwitch | BudgetSpend | LeaseReturn

KINDS: Final[dict[type[BranchFact], RecordKind]] = {
    ReceiptVoid: RecordKind.RECEIPT_VOID,
    ModeSwitch: RecordKind.MODE_SWITCH,
    BudgetSpend: RecordKind.BUDGET_SPEND,
    LeaseReturn: RecordKind.LEASE_RETURN,
}
