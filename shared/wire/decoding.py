"""Entries as they came, turned into facts and edits. What cannot be understood is marked, not raised: it is parked."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.domain.branch_facts import AuditEntry, BranchFact, BudgetSpend, CashMovement
from shared.domain.cards import can_hold, may_branch_edit
from shared.domain.loyalty import LoyaltyEntry
from shared.domain.records import BRANCH_EDITED_KINDS, FIRST_CARD_KIND, KNOWN_KINDS, Record, RecordKind
from shared.domain.sales import Refund, Sale
from shared.domain.shifts import ShiftClose, ShiftOpen
from shared.domain.stock import StockMovement
from shared.errors import DecodeError, NotForBranches, UnknownKind
from shared.sync.card_merge import FieldPatch
from shared.sync.counting import FactFigure
from shared.wire.cards import decode_patch
from shared.wire.entries import OpenedEntry
from shared.wire.payloads import (
    decode_branch_fact,
    decode_refund,
    decode_sale,
    decode_shift_close,
    decode_shift_open,
)


@dataclass(slots=True)
class DecodedEntry:
    """An entry's records by what they are. `problem` says why it cannot be applied, if it cannot."""

    opened: OpenedEntry
    sales: list[tuple[bytes, Sale]] = field(default_factory=list)
    refunds: list[tuple[bytes, Refund]] = field(default_factory=list)
    shift_opens: list[tuple[bytes, ShiftOpen]] = field(default_factory=list)
    shift_closes: list[tuple[bytes, ShiftClose]] = field(default_factory=list)
    branch_facts: list[tuple[bytes, BranchFact]] = field(default_factory=list)
    patches: list[tuple[int, bytes, tuple[FieldPatch, ...]]] = field(default_factory=list)
    figures: list[FactFigure] = field(default_factory=list)
    problem: DecodeError | None = None


def decode_entry(opened: OpenedEntry) -> DecodedEntry:
    """Decodes every record of an entry, up to the first that cannot be."""
    entry = DecodedEntry(opened)
    try:
        for record in opened.records:
            _decode_record(entry, record)
    except DecodeError as error:
        entry.problem = error
    return entry


def _decode_record(entry: DecodedEntry, record: Record) -> None:
    kind, record_id, payload = record
    if kind == RecordKind.SALE:
        sale = decode_sale(payload)
        entry.sales.append((record_id, sale))
        amount_minor = sum(line.amount_minor for line in sale.lines)
        entry.figures.append(FactFigure(kind, record_id, payload, sale.business_date, amount_minor))
    elif kind not in KNOWN_KINDS:
        raise UnknownKind(kind)
    elif kind >= FIRST_CARD_KIND and kind not in BRANCH_EDITED_KINDS:
        raise NotForBranches(kind)
    elif kind >= FIRST_CARD_KIND:
        patches = decode_patch(payload)
        for patch in patches:
            if not can_hold(kind, patch.field, patch.value):
                raise DecodeError(f"The field {patch.field} cannot hold that value.")
            if not may_branch_edit(kind, patch.field):
                raise NotForBranches(kind)
        entry.patches.append((kind, record_id, patches))
    elif kind == RecordKind.SHIFT_OPEN:
        opened = decode_shift_open(payload)
        entry.shift_opens.append((record_id, opened))
        entry.figures.append(FactFigure(kind, record_id, payload, opened.business_date, opened.float_minor))
    elif kind == RecordKind.SHIFT_CLOSE:
        closed = decode_shift_close(payload)
        entry.shift_closes.append((record_id, closed))
        entry.figures.append(FactFigure(kind, record_id, payload, closed.business_date, closed.net_minor))
    elif kind == RecordKind.REFUND:
        refund = decode_refund(payload)
        entry.refunds.append((record_id, refund))
        entry.figures.append(FactFigure(kind, record_id, payload, refund.business_date, refund.total_minor))
    else:
        fact = decode_branch_fact(kind, payload)
        entry.branch_facts.append((record_id, fact))
        amount = _amount_of(fact)
        entry.figures.append(FactFigure(kind, record_id, payload, fact.at.business_date, amount))


def _amount_of(fact: BranchFact) -> int:
    match fact:
        case BudgetSpend():
            return fact.amount
        case CashMovement() | AuditEntry():
            return fact.amount_minor
        case StockMovement():
            return sum(line.quantity_thousandths for line in fact.lines)
        case LoyaltyEntry():
            return fact.points
        case _:
            return 0
