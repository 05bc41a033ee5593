"""Small facts of a branch's life: numbers never sold under, the mode, budgets, cash, audits, passwords, ledgers,
what took place with clients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from shared.domain.business_time import LocalMoment
from shared.domain.interactions import ClientTransfer, Interaction
from shared.domain.loyalty import LoyaltyEntry
from shared.domain.records import RecordKind
from shared.domain.stock import StockMovement


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


CASH_IN, CASH_OUT, CASH_PICKUP = "in", "out", "pickup"
CASH_DIRECTIONS = (CASH_IN, CASH_OUT, CASH_PICKUP)


@dataclass(frozen=True, slots=True)
class CashMovement:
    """Cash was put into a drawer (`in`) or taken out of it (`out`, `pickup`), other than by a sale or a refund."""

    shift_id: bytes
    register: str
    cashier: str
    direction: str
    amount_minor: int
    reason: str
    at: LocalMoment


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Something was done at a till that an auditor wants to see. `authorised_by` is who allowed it, if it had to be."""

    action: str
    register: str
    cashier: str
    authorised_by: str | None
    amount_minor: int
    detail: str
    at: LocalMoment


PASSWORD_HASH_CHARACTERS_MAX = 200
PROOF_BYTES = 32


@dataclass(frozen=True, slots=True)
class PasswordChange:
    """An employee chose another password here: its hash, and the proof of the hash that it takes the place of."""

    employee_id: bytes
    password_hash: str
    replaces: bytes
    at: LocalMoment


BranchFact = (
    ReceiptVoid
    | ModeSwitch
    | BudgetSpend
    | LeaseReturn
    | CashMovement
    | AuditEntry
    | PasswordChange
    | StockMovement
    | LoyaltyEntry
    | Interaction
    | ClientTransfer
)

KINDS: Final[dict[type[BranchFact], RecordKind]] = {
    ReceiptVoid: RecordKind.RECEIPT_VOID,
    ModeSwitch: RecordKind.MODE_SWITCH,
    BudgetSpend: RecordKind.BUDGET_SPEND,
    LeaseReturn: RecordKind.LEASE_RETURN,
    CashMovement: RecordKind.CASH_MOVEMENT,
    AuditEntry: RecordKind.AUDIT_ENTRY,
    PasswordChange: RecordKind.PASSWORD_CHANGE,
    StockMovement: RecordKind.STOCK_MOVEMENT,
    LoyaltyEntry: RecordKind.LOYALTY_ENTRY,
    Interaction: RecordKind.INTERACTION,
    ClientTransfer: RecordKind.CLIENT_TRANSFER,
}
