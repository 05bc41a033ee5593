"""Points at the till: what a sale earns and spends, and what a refund claws and gives back, as entries of one ledger.

The entries are recorded with the sale, or the refund, in its transaction, so that neither is ever there alone. Points
are spent from the client's budget (branch_node.operations.budgets): out of leases here, else with HQ's leave.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple

from branch_node.operations.budgets import leases_at_hand
from branch_node.storage.transaction import BranchTransaction
from shared.domain.branch_facts import KINDS
from shared.domain.business_time import days_from_date, local_moment
from shared.domain.loyalty import (
    CLAWED_BACK,
    EARNED,
    EXPIRED,
    GIVEN_BACK,
    POINTS,
    SPENT,
    Balance,
    Entry,
    LoyaltyEntry,
    LoyaltyProgram,
    PaidLine,
    balance_on,
    owner_of_client,
    points_earned,
    points_for_payment,
    points_of_lines,
    points_to_claw_back,
)
from shared.domain.records import Record
from shared.domain.refunds import points_back
from shared.domain.sales import Payment, Refund, Sale
from shared.errors import InvalidInput
from shared.operations.aliases import cards_of_client
from shared.operations.loyalty import program_of_row
from shared.storage.cursor_reading import CursorReader
from shared.wire.payloads import encode_branch_fact

_PROGRAMS = "SELECT * FROM loyalty_program WHERE NOT archived ORDER BY code, id"
_TIER = "SELECT tier FROM client WHERE id = ?"
_OF_CLIENT = f"""
SELECT business_date, points, expires_on FROM loyalty_entry WHERE client_id = ? AND kind <> '{EXPIRED}'
"""


class PointsHere(NamedTuple):
    """What this branch knows of a client's points: the balance of its own entries, and what may be spent here now."""

    balance: Balance
    at_hand: int


class PaidBack(NamedTuple):
    """A sale with what was given back of it so far: its lines, how much of each came back, what was paid by points.

    All amounts are minor units.
    """

    lines: tuple[PaidLine, ...]
    lines_back_minor: tuple[int, ...]
    points_minor: int
    points_back_minor: int


def read_program(transaction: BranchTransaction) -> LoyaltyProgram | None:
    """The programme of the chain, if it has one: of several the first by code."""
    remembered = transaction.known.price_lists
    key = ("loyalty program",)
    if key not in remembered:
        rows = transaction.cursor.execute(_PROGRAMS)
        names = [column[0] for column in rows.description]
        programs = [program_of_row(dict(zip(names, row, strict=True))) for row in rows.fetchall()]
        remembered[key] = next(filter(None, programs), None)
    program: LoyaltyProgram | None = remembered[key]
    return program


def points_paid_minor(payments: Iterable[Payment]) -> int:
    """What is paid by points, in minor units."""
    return sum([amount for method, amount in payments if method == POINTS])


def points_spent(transaction: BranchTransaction, sale: Sale) -> dict[str, int]:
    """The points that a sale takes of its client's budget, by owner.

    Raises InvalidInput when there is no programme or no client here, or when points must not pay so much.
    """
    amount_minor = points_paid_minor(sale.payments)
    if not amount_minor:
        return {}
    program = _require_program(transaction)
    if sale.client_id is None:
        raise InvalidInput("Nobody is known here whose points these are.", "Find or add the client first.")
    total_minor = sum(line.amount_minor for line in sale.lines)
    return {owner_of_client(sale.client_id): points_for_payment(program, amount_minor, total_minor)}


def lacks_leases(transaction: BranchTransaction, client_id: bytes | None, payments: Iterable[Payment]) -> bool:
    """Whether points are to be spent of which this branch does not hold enough: then the head office must be asked."""
    amount_minor = points_paid_minor(payments)
    program = read_program(transaction) if amount_minor else None
    if program is None or client_id is None:
        return False
    return _at_hand(transaction.cursor, transaction.now_us, client_id) * program.point_value_minor < amount_minor


def entries_of_sale(transaction: BranchTransaction, sale_id: bytes, sale: Sale) -> list[LoyaltyEntry]:
    """What a sale spends, and what it earns on what is paid in money."""
    if sale.client_id is None:
        return []
    program = read_program(transaction)
    if program is None:
        return []
    spent = sum(points_spent(transaction, sale).values())
    row = transaction.cursor.execute(_TIER, (sale.client_id,)).fetchone()
    tier = (row[0] if row else None) or ""
    lines = [PaidLine(line.category or "", line.amount_minor) for line in sale.lines]
    earned = points_earned(program, tier, lines, points_paid_minor(sale.payments))
    expires_on = program.expires_on(days_from_date(sale.business_date))
    found = []
    if spent:
        found.append(LoyaltyEntry(sale.client_id, SPENT, -spent, sale_id, None, None, "", sale.sold_at))
    if earned:
        found.append(LoyaltyEntry(sale.client_id, EARNED, earned, sale_id, None, expires_on, tier, sale.sold_at))
    return found


def entries_of_refund(
    transaction: BranchTransaction,
    refund_id: bytes,
    refund: Refund,
    entered: Sequence[LoyaltyEntry],
    before: PaidBack,
) -> list[LoyaltyEntry]:
    """What a refund claws back of what its sale earned, line by line, and gives back of what it spent; `entered` are
    the entries of the sale so far. Cumulative: when everything came back, everything was clawed and given back."""
    sums = {kind: sum(entry.points for entry in entered if entry.kind == kind) for kind in (EARNED, SPENT)}
    clawed = -sum(entry.points for entry in entered if entry.kind == CLAWED_BACK)
    given = sum(entry.points for entry in entered if entry.kind == GIVEN_BACK)
    if not sums[EARNED] and not sums[SPENT]:
        return []
    by_points = points_paid_minor(refund.payments)
    program = read_program(transaction)
    claw = _claw_back(program, refund, sums[EARNED], clawed, before, _tier_of(entered))
    give = points_back(-sums[SPENT], given, before.points_minor, before.points_back_minor, by_points)
    client_id, sale_id, at = entered[0].client_id, refund.sale_id, refund.refunded_at
    expires_on = program.expires_on(days_from_date(refund.business_date)) if program else None
    found = []
    if claw:
        found.append(LoyaltyEntry(client_id, CLAWED_BACK, -claw, sale_id, refund_id, None, "", at))
    if give:
        found.append(LoyaltyEntry(client_id, GIVEN_BACK, give, sale_id, refund_id, expires_on, "", at))
    return found


def _tier_of(entered: Sequence[LoyaltyEntry]) -> str:
    """The tier by which a sale earned: its entry holds it as the reason."""
    return next((entry.reason for entry in entered if entry.kind == EARNED), "")


def _claw_back(
    program: LoyaltyProgram | None, refund: Refund, earned: int, clawed: int, before: PaidBack, tier: str
) -> int:
    sold = [line.amount_minor for line in before.lines]
    back = list(before.lines_back_minor)
    for line in refund.lines:
        back[line.sale_line - 1] += line.amount_minor
    today = points_of_lines(program, tier, before.lines, before.points_minor) if program else [0] * len(sold)
    return points_to_claw_back(earned, clawed, today, sold, back)


def as_records(transaction: BranchTransaction, entries: Iterable[LoyaltyEntry]) -> list[Record]:
    """Entries for an operation that HQ is asked to commit."""
    return [Record(KINDS[LoyaltyEntry], transaction.ids.new_id(), encode_branch_fact(entry)) for entry in entries]


def points_here(cursor: Any, client_id: bytes, now_us: int, zone: str) -> PointsHere:
    """What this branch knows of the points of a client's cards. HQ alone knows what other branches entered."""
    today = days_from_date(local_moment(now_us, zone).business_date)
    cards = cards_of_client(CursorReader(cursor), client_id)
    rows = [row for card in cards for row in cursor.execute(_OF_CLIENT, (card,)).fetchall()]
    entries = [Entry(days_from_date(date.fromisoformat(day)), points, expires_on) for day, points, expires_on in rows]
    return PointsHere(balance_on(entries, today), _at_hand(cursor, now_us, cards[0]))


def _at_hand(cursor: Any, now_us: int, client_id: bytes) -> int:
    owner = owner_of_client(client_id)
    return sum(lease.left for lease in leases_at_hand(cursor, now_us) if lease.owner == owner)


def _require_program(transaction: BranchTransaction) -> LoyaltyProgram:
    program = read_program(transaction)
    if program is None:
        raise InvalidInput("This chain has no loyalty programme.", "The head office makes one: filial-hq loyalty set.")
    return program
