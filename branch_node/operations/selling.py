"""Selling: one request becomes one receipt, its rows and its journal entry, in one transaction."""

from __future__ import annotations

from typing import Any, NamedTuple

from branch_node.operations.employees import ensure_employee
from branch_node.operations.sale_request import LineRequest, SaleRequest
from branch_node.operations.shifts import ensure_register, shift_for_sale
from branch_node.storage.transaction import BranchTransaction
from shared.domain.business_time import FUTURE_SECONDS_MAX, MICROSECONDS, LocalMoment, local_moment, parse_local
from shared.domain.identifiers import format_id
from shared.domain.money import AMOUNT_MINOR_MAX, extend_price
from shared.domain.records import RecordKind
from shared.domain.sales import Sale, SaleLine, format_receipt, require_settled, total_lines
from shared.errors import InvalidInput, KeyReused
from shared.storage.fact_rows import add_sale_rows, new_rows
from shared.wire.payloads import encode_sale

_PRICE = """
SELECT amount_minor FROM price
WHERE product_id = ? AND zone IN (?, '') AND amount_minor IS NOT NULL AND NOT archived
ORDER BY zone DESC LIMIT 1
"""

REMEMBERED_MAX = 20_000
"""Products, and clients, that a process remembers between sales."""

_CLAIM_KEY = """
INSERT INTO idempotency_key (key, command_id, content_hash, record_id, seq, confirmed) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING
"""
_READ_KEY = "SELECT content_hash, record_id, seq, confirmed FROM idempotency_key WHERE key = ?"


class SaleAnswer(NamedTuple):
    """What the seller is told, now and whenever the key comes again."""

    key: str
    sale_id: bytes
    receipt: str
    total_minor: int
    entry: int
    confirmed: bool

    def as_json(self) -> dict[str, Any]:
        """The answer as `sell -` prints it."""
        return {
            "key": self.key,
            "id": format_id(self.sale_id),
            "receipt": self.receipt,
            "total_minor": self.total_minor,
            "entry": self.entry,
            "status": "committed",
            "confirmed": self.confirmed,
        }


def sell(transaction: BranchTransaction, request: SaleRequest) -> SaleAnswer:
    """Commits one sale and returns its answer; a key that was committed before returns its first answer.

    Raises InvalidInput when the request cannot be sold, KeyReused when its key was committed with other content.
    """
    sale_id = transaction.ids.new_id()
    before = _first_answer(transaction, request, sale_id)
    if before is not None:
        return before
    sold_at = _moment(transaction, request.sold_at)
    lines = _price_lines(transaction, request.lines)
    totals = total_lines(lines)
    change_minor = require_settled(totals.net_minor, request.payments)
    transaction.author = ensure_employee(transaction, request.cashier)
    business_date = sold_at.business_date
    register = ensure_register(transaction.cursor, request.register)
    receipt_number = register.last_receipt_number + 1
    sale = Sale(
        shift_id=shift_for_sale(transaction, request.register, register, request.cashier, sold_at, business_date),
        register=request.register,
        receipt_number=receipt_number,
        cashier=request.cashier,
        client=request.client,
        client_id=_client_id(transaction, request.client),
        sold_at=sold_at,
        business_date=business_date,
        currency=transaction.node.currency,
        lines=lines,
        payments=request.payments,
        change_minor=change_minor,
    )
    _write_sale(transaction, sale_id, sale)
    receipt = format_receipt(request.register, receipt_number)
    return SaleAnswer(request.key, sale_id, receipt, totals.net_minor, transaction.seq, confirmed=False)


def _write_sale(transaction: BranchTransaction, sale_id: bytes, sale: Sale) -> None:
    rows = new_rows()
    add_sale_rows(rows, transaction.node.branch_id, sale_id, transaction.command_id, sale, None)
    transaction.insert_all(rows)
    transaction.cursor.execute(
        "UPDATE register SET last_receipt_number = ? WHERE code = ?", (sale.receipt_number, sale.register)
    )
    transaction.record(RecordKind.SALE, sale_id, encode_sale(sale), 1 + len(sale.lines) + len(sale.payments))


def _first_answer(transaction: BranchTransaction, request: SaleRequest, sale_id: bytes) -> SaleAnswer | None:
    """Claims the request's key for this operation; the first answer when it was committed before."""
    claim = (request.key, transaction.command_id, request.content_hash, sale_id, transaction.seq, False)
    if transaction.cursor.execute(_CLAIM_KEY, claim).rowcount == 1:
        return None
    content_hash, sale_id, seq, confirmed = transaction.cursor.execute(_READ_KEY, (request.key,)).fetchone()
    if content_hash != request.content_hash:
        raise KeyReused("This key was committed with other content.", "Give every sale a key of its own.")
    register, receipt_number, net_minor = transaction.cursor.execute(
        "SELECT register, receipt_number, net_minor FROM sale WHERE branch_id = ? AND id = ?",
        (transaction.node.branch_id, sale_id),
    ).fetchone()
    receipt = format_receipt(register, receipt_number)
    return SaleAnswer(request.key, sale_id, receipt, net_minor, seq, bool(confirmed))


def _moment(transaction: BranchTransaction, sold_at: str | None) -> LocalMoment:
    zone = transaction.node.timezone
    if sold_at is None:
        return local_moment(transaction.now_us, zone)
    moment = parse_local(sold_at, zone, "sold_at")
    if moment.at_us > transaction.now_us + FUTURE_SECONDS_MAX * MICROSECONDS:
        raise InvalidInput(
            f"sold_at “{sold_at}” lies more than {FUTURE_SECONDS_MAX // 60} minutes ahead of this node's clock.",
            "Check the clock, or leave sold_at out.",
        )
    return moment


def _price_lines(transaction: BranchTransaction, lines: tuple[LineRequest, ...]) -> tuple[SaleLine, ...]:
    priced = []
    for number, (sku, quantity, amount, discount) in enumerate(lines, 1):
        product_id, category = _product(transaction, sku) or (None, None)
        if amount is None:
            amount = _list_amount(transaction, number, sku, product_id, quantity, discount)
        priced.append(SaleLine(sku, product_id, category, quantity, amount, discount))
    return tuple(priced)


def _product(transaction: BranchTransaction, sku: str) -> tuple[bytes, str | None] | None:
    """A product's id and category by SKU."""
    products = transaction.known.products
    if sku not in products:
        if len(products) >= REMEMBERED_MAX:
            products.clear()
        statement = "SELECT id, category FROM product WHERE sku = ? AND NOT archived LIMIT 1"
        products[sku] = transaction.cursor.execute(statement, (sku,)).fetchone()
    return products[sku]


def _list_amount(
    transaction: BranchTransaction, number: int, sku: str, product_id: bytes | None, quantity: int, discount: int
) -> int:
    if product_id is None:
        raise InvalidInput(f"lines[{number}]: the product {sku} is unknown and no amount_minor is given.")
    row = transaction.cursor.execute(_PRICE, (product_id, transaction.node.price_zone)).fetchone()
    if row is None:
        raise InvalidInput(f"lines[{number}]: the product {sku} has no price and no amount_minor is given.")
    gross = extend_price(row[0], quantity)
    if gross > AMOUNT_MINOR_MAX:
        raise InvalidInput(f"lines[{number}]: price × quantity is larger than {AMOUNT_MINOR_MAX}.")
    if discount > gross:
        raise InvalidInput(f"lines[{number}]: the discount {discount} is larger than the price {gross}.")
    return gross - discount


def _client_id(transaction: BranchTransaction, client: str | None) -> bytes | None:
    """The id of the client with that external id, if there is one here."""
    if client is None:
        return None
    clients = transaction.known.clients
    if client not in clients:
        if len(clients) >= REMEMBERED_MAX:
            clients.clear()
        statement = "SELECT id FROM client WHERE external_id = ? AND NOT archived ORDER BY id LIMIT 1"
        row = transaction.cursor.execute(statement, (client,)).fetchone()
        clients[client] = row[0] if row else None
    return clients[client]
