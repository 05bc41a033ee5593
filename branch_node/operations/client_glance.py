"""A client at a glance: what was bought, for how much, the favourites, the last visit – of this branch and, as far as
the head office told it, of the others.

Sums stay exact while a client has at most FACTS_MAX receipts; of more, the newest count, and it is said.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from branch_node.operations.client_access import require_open
from branch_node.operations.loyalty import points_here
from branch_node.storage.store import BranchStore
from shared.domain.identifiers import format_id
from shared.domain.permissions import Actor
from shared.domain.records import RecordKind
from shared.errors import DecodeError
from shared.operations.aliases import cards_of_client
from shared.storage.cursor_reading import CursorReader
from shared.wire.payloads import decode_refund, decode_sale

FACTS_MAX = 1_000
"""Receipts of one client that a glance looks at, of this branch and of the others each."""
FAVOURITES_MAX = 5
ALIASES_MAX = 50
"""Cards that were merged into one, whose receipts are the client's too."""

# Each by its own partial index, newest first (shared.storage.fact_tables).
_BY_CARD = "client_id = ?"
_BY_NUMBER = "client = ? AND client IS NOT NULL AND client_id IS NULL"
_OF_SALES = "FROM sale WHERE {} ORDER BY sold_at DESC LIMIT ?"
_SALES = "SELECT id, sold_at, net_minor, currency " + _OF_SALES
_LINES = (
    f"SELECT s.id, l.sku, l.name, l.quantity_thousandths FROM (SELECT branch_id, id {_OF_SALES}) s"
    " JOIN sale_line l ON l.branch_id = s.branch_id AND l.sale_id = s.id"
)
_REFUNDS = "SELECT returns_minor, currency FROM refund WHERE {} ORDER BY refunded_at DESC LIMIT ?"
_NEIGHBOURS = """
SELECT kind, at, branch_code, payload FROM neighbour_fact WHERE client_id = ? AND kind IN (?, ?)
ORDER BY at DESC LIMIT ?
"""
_NUMBER = "SELECT external_id FROM client WHERE id = ?"
_NAMES = "SELECT sku, name FROM product WHERE sku IN ({})"


class Favourite(NamedTuple):
    """A product, on how many receipts it stands, and how much was bought."""

    sku: str
    name: str
    receipts: int
    quantity_thousandths: int


class Glance(NamedTuple):
    """Money is in the branch's currency; receipts in others are counted, not summed.

    `average_minor` is the net of sale receipts by their number, rounded down; None without one. `last_branch` is the
    code of the branch of the last visit, "" for this one. `is_partial`: there are more receipts than were looked at.
    """

    receipts: int
    net_minor: int
    refunded_minor: int
    average_minor: int | None
    last_at_us: int | None
    last_branch: str
    elsewhere: int
    favourites: tuple[Favourite, ...]
    points: int
    is_partial: bool


class _Tally:
    """Adds receipts up."""

    def __init__(self, currency: str) -> None:
        self.currency = currency
        self.receipts = self.priced = self.net_minor = self.refunded_minor = self.elsewhere = 0
        self.last: tuple[int, str] | None = None
        self.bought: dict[str, list[Any]] = defaultdict(lambda: ["", 0, 0])

    def sold(self, at_us: int, branch: str, currency: str, net_minor: int, lines: Iterable[Any]) -> None:
        self.receipts += 1
        self.elsewhere += bool(branch)
        if currency == self.currency:
            self.priced += 1
            self.net_minor += net_minor
        if self.last is None or at_us > self.last[0]:
            self.last = at_us, branch
        seen = set()
        for sku, name, quantity in lines:
            found = self.bought[sku]
            found[0] = found[0] or name or ""
            found[1] += sku not in seen
            found[2] += quantity
            seen.add(sku)

    def refunded(self, currency: str, amount_minor: int) -> None:
        if currency == self.currency:
            self.refunded_minor += amount_minor


def glance_at(store: BranchStore, actor: Actor, client_id: bytes) -> Glance:
    """What is known here of a client's purchases. Raises NotPermitted."""
    require_open(store, actor, client_id)
    with store.look() as transaction:
        cursor, node = transaction.cursor, transaction.node
        tally = _Tally(node.currency)
        cards = cards_of_client(CursorReader(cursor), client_id)
        is_partial = len(cards) > ALIASES_MAX
        for card_id in cards[:ALIASES_MAX]:
            number = cursor.execute(_NUMBER, (card_id,)).fetchone()
            is_partial |= _add_own(cursor, tally, _names_of(card_id, number[0] if number else None))
            is_partial |= _add_neighbours(cursor, tally, card_id)
        points = points_here(cursor, client_id, transaction.now_us, node.timezone).balance.points
        favourites = _favourites(cursor, tally)
    return Glance(
        receipts=tally.receipts,
        net_minor=tally.net_minor,
        refunded_minor=tally.refunded_minor,
        average_minor=tally.net_minor // tally.priced if tally.priced else None,
        last_at_us=tally.last[0] if tally.last else None,
        last_branch=tally.last[1] if tally.last else "",
        elsewhere=tally.elsewhere,
        favourites=favourites,
        points=points,
        is_partial=is_partial,
    )


def _names_of(client_id: bytes, external_id: str | None) -> list[tuple[str, Any]]:
    """What a receipt may say of the client: the card, or the number that was given where there was no card."""
    names: list[tuple[str, Any]] = [(_BY_CARD, client_id), (_BY_NUMBER, format_id(client_id))]
    return [*names, (_BY_NUMBER, external_id)] if external_id else names


def _add_own(cursor: Any, tally: _Tally, names: Sequence[tuple[str, Any]]) -> bool:
    is_partial = False
    for condition, name in names:
        found = cursor.execute(_SALES.format(condition), (name, FACTS_MAX + 1)).fetchall()
        is_partial |= len(found) > FACTS_MAX
        lines = defaultdict(list)
        for sale_id, *line in cursor.execute(_LINES.format(condition), (name, FACTS_MAX)).fetchall() if found else ():
            lines[sale_id].append(line)
        for sale_id, at_us, net_minor, currency in found[:FACTS_MAX]:
            tally.sold(at_us, "", currency, net_minor, lines[sale_id])
        for amount_minor, currency in cursor.execute(_REFUNDS.format(condition), (name, FACTS_MAX)).fetchall():
            tally.refunded(currency, amount_minor)
    return is_partial


def _add_neighbours(cursor: Any, tally: _Tally, client_id: bytes) -> bool:
    found = cursor.execute(_NEIGHBOURS, (client_id, RecordKind.SALE, RecordKind.REFUND, FACTS_MAX + 1)).fetchall()
    for kind, at_us, branch, payload in found[:FACTS_MAX]:
        try:
            if kind == RecordKind.SALE:
                sale = decode_sale(payload)
                net_minor = sum(line.amount_minor for line in sale.lines)
                lines = [(line.sku, line.name, line.quantity_thousandths) for line in sale.lines]
                tally.sold(at_us, branch, sale.currency, net_minor, lines)
            elif kind == RecordKind.REFUND:
                refund = decode_refund(payload)
                tally.refunded(refund.currency, sum(line.amount_minor for line in refund.lines))
        except DecodeError:
            continue
    return len(found) > FACTS_MAX


def _favourites(cursor: Any, tally: _Tally) -> tuple[Favourite, ...]:
    """What stands on the most receipts; the product's own name where it is known here."""
    ranked = sorted(tally.bought.items(), key=lambda item: (-item[1][1], -item[1][2], item[0]))[:FAVOURITES_MAX]
    skus = [sku for sku, _ in ranked]
    names = dict(cursor.execute(_NAMES.format(", ".join("?" * len(skus))), skus).fetchall()) if skus else {}
    return tuple(
        Favourite(sku, names.get(sku) or name or sku, receipts, quantity) for sku, (name, receipts, quantity) in ranked
    )
