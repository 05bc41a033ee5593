"""Points of clients as a ledger: earned by tier and category, spent oldest first, expiring, clawed back with goods.

An entry never changes; a balance is what its entries come to on a day. It may be negative after a claw-back: what is
earned next repays it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from shared.domain.business_time import LocalMoment
from shared.domain.identifiers import format_id
from shared.domain.money import BUDGET_MAX
from shared.domain.proration import BASIS_POINTS, cumulative_share, spread
from shared.errors import InvalidInput

EARNED, SPENT, CLAWED_BACK, GIVEN_BACK = "earned", "spent", "clawed_back", "given_back"
EXPIRED, ADJUSTED = "expired", "adjusted"
ENTRY_KINDS = frozenset({EARNED, SPENT, CLAWED_BACK, GIVEN_BACK, EXPIRED, ADJUSTED})
POINTS = "points"
"""The payment method by which points are spent."""
POINTS_MAX = BUDGET_MAX
EXPIRES_DAYS_MAX = 3_650
POINT_VALUE_MINOR_MAX = 1_000_000
ANY = "*"
"""In a rule: every tier, or every category."""
_OWNER = "loyalty:"


@dataclass(frozen=True, slots=True)
class LoyaltyEntry:
    """Points for a client (more than 0) or against him (less). `expires_on` is the last day on which they count."""

    client_id: bytes
    kind: str
    points: int
    sale_id: bytes | None
    refund_id: bytes | None
    expires_on: int | None
    reason: str
    at: LocalMoment


class EarnRule(NamedTuple):
    """What a tier earns on a category: so many basis points of the money paid. `*` is every tier, every category."""

    tier: str
    category: str
    rate_basis_points: int


@dataclass(frozen=True, slots=True)
class LoyaltyProgram:
    """How points are earned and spent. `expires_days` is 0 when they never expire.

    A point is worth `point_value_minor` of money; they pay at most `payable_share_basis_points_max` of a receipt.
    """

    code: str
    rules: tuple[EarnRule, ...]
    payable_share_basis_points_max: int
    expires_days: int
    point_value_minor: int

    def rate(self, tier: str, category: str) -> int:
        """What the tier earns on the category, in basis points: the most particular rule counts, the tier first."""
        rates = {(rule.tier, rule.category): rule.rate_basis_points for rule in self.rules}
        for key in ((tier, category), (tier, ANY), (ANY, category), (ANY, ANY)):
            if key in rates:
                return rates[key]
        return 0

    def expires_on(self, day: int) -> int | None:
        """The last day of points that are earned on that day."""
        return day + self.expires_days if self.expires_days else None


class PaidLine(NamedTuple):
    """A line of a sale: its category, and what was paid for it after discounts."""

    category: str
    amount_minor: int


class Entry(NamedTuple):
    """What a balance asks of an entry. `day` is its business date, in days since 1970-01-01."""

    day: int
    points: int
    expires_on: int | None


class Balance(NamedTuple):
    """A client's points on a day: what counts, and what expired unspent before it. `points` may be negative."""

    points: int
    expired: int


def owner_of_client(client_id: bytes) -> str:
    """Whose budget a client's points are spent from; it counts points."""
    return f"{_OWNER}{format_id(client_id)}"


def parse_rule(text: str) -> EarnRule:
    """A rule as a card holds it: tier:category:rate. Raises InvalidInput."""
    tier, first, rest = text.partition(":")
    category, last, rate = rest.rpartition(":")
    is_rate = rate.isascii() and rate.isdigit() and len(rate) <= len(str(BASIS_POINTS)) and int(rate) <= BASIS_POINTS
    if not (first and last and tier and category and is_rate):
        raise InvalidInput(
            f"“{text}” is no rule for earning.", "It is TIER:CATEGORY:BASIS_POINTS, such as gold:*:500 for 5 %."
        )
    return EarnRule(tier, category, int(rate))


def make_program(
    code: str, rules: Iterable[str], payable_share_basis_points_max: int, expires_days: int, point_value_minor: int
) -> LoyaltyProgram:
    """A programme, checked. Raises InvalidInput."""
    parsed = tuple(parse_rule(rule) for rule in rules)
    if len({rule[:2] for rule in parsed}) < len(parsed):
        raise InvalidInput("Two rules are for the same tier and category.", "Keep one of them.")
    if not 0 <= payable_share_basis_points_max <= BASIS_POINTS:
        raise InvalidInput("The share that points may pay lies between 0 and 100 %.")
    if not 0 <= expires_days <= EXPIRES_DAYS_MAX:
        raise InvalidInput(f"Points expire after 1 to {EXPIRES_DAYS_MAX} days, or with 0 never.")
    if not 1 <= point_value_minor <= POINT_VALUE_MINOR_MAX:
        raise InvalidInput("A point is worth at least the smallest coin.")
    return LoyaltyProgram(code, parsed, payable_share_basis_points_max, expires_days, point_value_minor)


def points_earned(program: LoyaltyProgram, tier: str, lines: Sequence[PaidLine], points_paid_minor: int) -> int:
    """What a sale earns: on what is paid in money only, line by line, each rounded down to whole points.

    What points pay is spread over the lines by their amounts.
    """
    return sum(points_of_lines(program, tier, lines, points_paid_minor))


def points_of_lines(program: LoyaltyProgram, tier: str, lines: Sequence[PaidLine], points_paid_minor: int) -> list[int]:
    """What each line of a sale earns; their sum is what the sale earns."""
    amounts = [line.amount_minor for line in lines]
    by_points = spread(min(points_paid_minor, sum(amounts)), amounts)
    return [
        (amount - part) * program.rate(tier, line.category) // (BASIS_POINTS * program.point_value_minor)
        for line, amount, part in zip(lines, amounts, by_points, strict=True)
    ]


def points_to_claw_back(
    earned: int, clawed_before: int, line_points: Sequence[int], sold_minor: Sequence[int], back_minor: Sequence[int]
) -> int:
    """How many points a refund takes back of those that its sale earned.

    Of each line what it earned, or the same part of it as of its price came back: `back_minor` is all that came back
    of it, with this refund. When everything came back, everything that was earned is taken back. `line_points` are
    what the lines earn by the rules of today: when these are not the rules of the sale, what it earned is spread over
    its lines in their proportion, or in that of the prices when nothing earns any more.
    """
    weights = line_points if sum(line_points) else sold_minor
    parts = spread(earned, weights)
    due = sum(
        cumulative_share(part, back, sold) for part, back, sold in zip(parts, back_minor, sold_minor, strict=True)
    )
    return max(0, due - clawed_before)


def payable_points_max(program: LoyaltyProgram, total_minor: int, available_points: int) -> int:
    """How many points may pay a receipt of that total, of so many that the client has."""
    share_minor = total_minor * program.payable_share_basis_points_max // BASIS_POINTS
    return max(0, min(available_points, share_minor // program.point_value_minor))


def points_for_payment(program: LoyaltyProgram, amount_minor: int, total_minor: int) -> int:
    """The points that a payment of that amount takes.

    Raises InvalidInput when it is no whole number of points, or more of the total than points may pay.
    """
    points, rest = divmod(amount_minor, program.point_value_minor)
    if rest:
        raise InvalidInput("The amount is no whole number of points.", "Pay with whole points, the rest otherwise.")
    most = payable_points_max(program, total_minor, points)
    if points > most:
        raise InvalidInput(
            f"At most {most} points may pay this receipt, not {points}.",
            "Pay the rest by another method.",
        )
    return points


class _Lot(NamedTuple):
    expires_on: int | None
    day: int
    points: int


def balance_on(entries: Iterable[Entry], day: int) -> Balance:
    """What a client has on that day, from entries in any order.

    Points against him take the oldest first of what had not expired on their day; what they cannot take is owed, and
    repaid by what comes next. Expired is what was left of entries for him when their last day had passed.
    """
    lots: list[_Lot] = []
    owed = expired = 0
    # On one day, what is for the client comes first.
    for entry in sorted(entries, key=lambda each: (each.day, -each.points, each.expires_on or 0)):
        lots, gone = _without_expired(lots, entry.day)
        expired += gone
        if entry.points >= 0:
            repaid = min(owed, entry.points)
            owed -= repaid
            lots.append(_Lot(entry.expires_on, entry.day, entry.points - repaid))
        else:
            lots, missing = _take_oldest(lots, -entry.points)
            owed += missing
    lots, gone = _without_expired(lots, day)
    return Balance(sum(lot.points for lot in lots) - owed, expired + gone)


def _without_expired(lots: list[_Lot], day: int) -> tuple[list[_Lot], int]:
    kept = [lot for lot in lots if lot.expires_on is None or lot.expires_on >= day]
    return kept, sum(lot.points for lot in lots) - sum(lot.points for lot in kept)


def _take_oldest(lots: list[_Lot], points: int) -> tuple[list[_Lot], int]:
    """What is left of the lots, and how many points they lacked."""
    left = []
    for lot in sorted(lots, key=lambda each: each.day):
        part = min(points, lot.points)
        points -= part
        if lot.points > part:
            left.append(lot._replace(points=lot.points - part))
    return left, points
