"""Goods that come back into a basket: taken in by their receipt, looked at, taken out again.

What they are worth is reckoned whenever it is shown and again when it is paid: somebody else may give back the same
meanwhile. The goods of one receipt come back in one basket, so that one refund and one sale stand in the journal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from branch_node.operations.basket.desk import Desk, Done, Outcome, act
from branch_node.operations.exchanging import Reckoned, reckon_returned
from branch_node.operations.receipt_printing import Papers
from branch_node.operations.refund_request import SoldLineRequest
from branch_node.operations.refunding import SoldBefore, find_sold
from branch_node.operations.sale_request import ReturnedGoods, ReturnedLine
from branch_node.storage import basket_returns
from branch_node.storage.basket_returns import ReturnRow
from branch_node.storage.store import BranchStore
from branch_node.storage.transaction import ReceiptTexts
from shared.domain.exchanges import Exchange
from shared.domain.receipt_labels import ENGLISH
from shared.domain.refunds import refundable
from shared.domain.sales import DETAIL_CHARACTERS_MAX, Payment, format_receipt
from shared.errors import FilialError, InvalidInput, NotFound, Refused


class ReturnedView(NamedTuple):
    """A line that comes back. `amount_minor` is what it is worth; `key` names it in its basket."""

    key: str
    name: str
    quantity_thousandths: int
    amount_minor: int


class Returned(NamedTuple):
    """What comes back into a basket. `credit_minor` pays of what is taken, `points_minor` comes back as points.

    With a `problem` it cannot be exchanged as it stands; the amounts are those of when it was taken in.
    """

    rows: tuple[ReturnRow, ...]
    receipt: str
    lines: tuple[ReturnedView, ...]
    credit_minor: int
    points_minor: int
    payments: tuple[Payment, ...]
    problem: str = ""
    hint: str = ""

    @property
    def goods(self) -> ReturnedGoods:
        """As a sale's request names them."""
        allowed = next((row.authorised_by for row in self.rows if row.authorised_by), None)
        reasons = "; ".join(dict.fromkeys(row.reason for row in self.rows if row.reason))
        lines = tuple(ReturnedLine(row.sale_line, row.quantity_thousandths) for row in self.rows)
        return ReturnedGoods(
            self.rows[0].sale_id, lines, self.credit_minor, allowed, reasons[:DETAIL_CHARACTERS_MAX] or None
        )

    def settle(self, total_minor: int, points_minor: int = 0) -> Exchange:
        """How it settles with goods of that total, of which the client's points pay so much."""
        return Reckoned(self.receipt, (), self.payments).settle(total_minor, points_minor)


def return_goods(
    store: BranchStore,
    basket_id: bytes,
    request_id: str,
    receipt: str,
    wanted: Sequence[SoldLineRequest],
    authorised_by: str | None = None,
    reason: str = "",
    tab_token: str | None = None,
) -> Done:
    """Takes lines of a receipt of this branch into a basket, instead of what was to come back of the same lines before.

    A line without a quantity is all that is left of it. Raises InvalidInput, NotFound for an unknown receipt, Refused
    when so much is not left, or when goods of another receipt are in the basket, and what `act` does.
    """
    if not wanted:
        raise InvalidInput("No line is ticked.", "Tick what comes back.")
    with store.look() as transaction:
        sold = find_sold(transaction, receipt, None)
        papers = Papers(transaction.cursor, transaction.node, ReceiptTexts(ENGLISH))
        names = [papers.goods(line) for line in sold.sale.lines]
    lines = _lines_of(sold, wanted)
    reckoned = reckon_returned(sold, lines)
    rows = [
        ReturnRow(
            sold.sale_id,
            line.line,
            reckoned.receipt,
            names[line.line - 1],
            line.quantity_thousandths,
            given.amount_minor,
            authorised_by,
            " ".join(reason.split()) or None,
        )
        for line, given in zip(lines, reckoned.lines, strict=True)
    ]

    def work(desk: Desk) -> Done:
        there = basket_returns.read_returns(desk.cursor, desk.basket_id)
        if any(row.sale_id != sold.sale_id for row in there):
            raise Refused(
                "Goods of another receipt come back in this basket already.",
                "Pay for this exchange first, then the other.",
            )
        for row in rows:
            desk.put_return(row)
        return Done(Outcome.RETURNED, 0, None, ", ".join(row.name for row in rows), reckoned.receipt)

    return act(store, basket_id, request_id, "return", work, tab_token)


def keep_goods(store: BranchStore, basket_id: bytes, request_id: str, key: str, tab_token: str | None = None) -> Done:
    """Takes a line that was to come back out of the basket. Raises NotFound, and what `act` does."""

    def work(desk: Desk) -> Done:
        row = basket_returns.find_return(desk.cursor, desk.basket_id, key)
        if row is None:
            raise NotFound("The line is not there any more.", "Look at the basket again.")
        desk.drop_return(row)
        return Done(Outcome.REMOVED, 0, None, row.name)

    return act(store, basket_id, request_id, "keep", work, tab_token)


def reckon(store: BranchStore, rows: tuple[ReturnRow, ...]) -> Returned | None:
    """What the goods are worth now; None when none come back."""
    if not rows:
        return None
    try:
        with store.look() as transaction:
            sold = find_sold(transaction, None, rows[0].sale_id)
        found = reckon_returned(sold, tuple(ReturnedLine(row.sale_line, row.quantity_thousandths) for row in rows))
    except FilialError as error:
        lines = tuple(ReturnedView(row.key, row.name, row.quantity_thousandths, row.amount_minor) for row in rows)
        worth = sum(row.amount_minor for row in rows)
        return Returned(rows, rows[0].receipt, lines, worth, 0, (), error.message, error.hint)
    lines = tuple(
        ReturnedView(row.key, row.name, row.quantity_thousandths, line.amount_minor)
        for row, line in zip(rows, found.lines, strict=True)
    )
    return Returned(rows, found.receipt, lines, found.credit_minor, found.points_minor, found.payments)


def reckoned_in(store: BranchStore, basket_id: bytes) -> Returned | None:
    """What the goods that come back into a basket are worth now."""
    with store.read_cursor() as cursor:
        rows = basket_returns.read_returns(cursor, basket_id)
    return reckon(store, rows)


def _lines_of(sold: SoldBefore, wanted: Sequence[SoldLineRequest]) -> tuple[ReturnedLine, ...]:
    left = {line.line_number: line.quantity_thousandths for line in refundable(sold.sold_lines, sold.given_back)}
    if not left:
        receipt = format_receipt(sold.sale.register, sold.sale.receipt_number)
        raise Refused(f"Everything on receipt {receipt} was given back already.", "Look at its refunds.")
    asked = sorted(dict(wanted).items())
    return tuple(ReturnedLine(line, left.get(line, 0) if quantity is None else quantity) for line, quantity in asked)
