"""Selling: one request becomes one receipt, its rows and its journal entry, in one transaction.

In centralized mode it becomes an intent first: HQ is asked between the transaction that finishes the receipt and the
one that writes it (branch_node.operations.processing).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from branch_node.operations.branch_facts import record_branch_fact
from branch_node.operations.budgets import intend_spending, spend_leased
from branch_node.operations.card_charges import require_charges, use_charges
from branch_node.operations.employees import ensure_employee
from branch_node.operations.keys import CommittedBefore, Known, claim_key, known_key
from branch_node.operations.loyalty import as_records, entries_of_sale, lacks_leases, points_paid_minor, points_spent
from branch_node.operations.price_lists import price_lists_of
from branch_node.operations.processing import Settled, begin, is_asked_of_hq
from branch_node.operations.receipt_printing import queue_sale
from branch_node.operations.sale_request import LineRequest, SaleRequest
from branch_node.operations.shifts import ensure_register, shift_for_sale
from branch_node.operations.till_audit import audit_of_sale
from branch_node.storage.intents import Intent
from branch_node.storage.transaction import BranchTransaction, KnownProduct
from shared.domain.branch_facts import KINDS
from shared.domain.budgets import owner_of_product
from shared.domain.business_time import (
    FUTURE_SECONDS_MAX,
    MICROSECONDS,
    LocalMoment,
    days_from_date,
    local_moment,
    parse_local,
)
from shared.domain.identifiers import format_id, is_id, parse_id
from shared.domain.money import AMOUNT_MINOR_MAX, extend_price
from shared.domain.records import Record, RecordKind
from shared.domain.sales import Sale, SaleLine, format_receipt, require_settled, total_lines
from shared.domain.vat import vat_included
from shared.errors import InvalidInput, Refused
from shared.operations.aliases import find_survivor
from shared.storage.cursor_reading import CursorReader
from shared.storage.fact_rows import add_sale_rows, new_rows
from shared.sync.messages import ProcessingMode
from shared.wire.decoding import decode_entry
from shared.wire.entries import open_entry
from shared.wire.payloads import encode_branch_fact, encode_sale

_PRICE = """
SELECT amount_minor FROM price
WHERE product_id = ? AND zone IN (?, '') AND amount_minor IS NOT NULL AND NOT archived
  AND IFNULL(valid_from, ?3) <= ?3 AND IFNULL(valid_to, ?3) >= ?3
ORDER BY zone DESC, valid_from DESC, id DESC LIMIT 1
"""

_UNKNOWN = (None, None, False, None)

REMEMBERED_MAX = 20_000
"""Products, and clients, that a process remembers between sales."""


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
    """Commits one sale here and returns its answer; a key that was committed before returns its first answer.

    Raises InvalidInput when the request cannot be sold, KeyReused when its key was committed with other content.
    """
    sale_id = transaction.ids.new_id()
    before = claim_sale(transaction, request, transaction.command_id, sale_id, transaction.seq)
    if isinstance(before, Intent):
        raise Refused("HQ is being asked about this key.", "Ask again in a moment.")
    return before or _sell_here(transaction, request, sale_id)


def begin_sale(transaction: BranchTransaction, request: SaleRequest) -> SaleAnswer | Intent:
    """Commits one sale here, or stores it as an intent that HQ is to be asked about.

    A key that was committed before returns its first answer, one that HQ is still asked about its intent. Raises
    InvalidInput, KeyReused, and HqUnreachable when this branch must not sell without HQ.
    """
    sale_id = transaction.ids.new_id()
    opened = open_key(transaction, request, sale_id)
    if not isinstance(opened, OpenedKey):
        return opened
    if not opened.asks:
        return _sell_here(transaction, request, sale_id)
    sale = build_sale(transaction, request)
    records = intend_sale(transaction, request, sale_id, sale)
    return begin(transaction, records, opened.command_id, request.key, sale.register, sale.receipt_number)


class OpenedKey(NamedTuple):
    """A key that was new: whether HQ is to be asked, and the id of the command."""

    asks: bool
    command_id: bytes


def open_key(transaction: BranchTransaction, request: SaleRequest, sale_id: bytes) -> OpenedKey | SaleAnswer | Intent:
    """Claims the key for a sale; or what became of it before. Raises as `begin_sale`."""
    if transaction.node.mode is ProcessingMode.CENTRALIZED:
        # Whatever was answered before is answered again, even if HQ is away.
        before = known_sale(transaction, request)
        if before is not None:
            return before
    asks = must_ask(transaction, request)
    command_id = transaction.ids.new_id() if asks else transaction.command_id
    before = claim_sale(transaction, request, command_id, sale_id, 0 if asks else transaction.seq)
    return OpenedKey(asks, command_id) if before is None else before


def known_sale(transaction: BranchTransaction, request: SaleRequest) -> SaleAnswer | Intent | None:
    """What became of the key; None when it is new. Raises KeyReused."""
    return _told_before(transaction, request, known_key(transaction, request.key, request.content_hash))


def intend_sale(transaction: BranchTransaction, request: SaleRequest, sale_id: bytes, sale: Sale) -> list[Record]:
    """A sale with all that it brings, for HQ to commit; its number is taken. Raises Refused for charges of others."""
    require_charges(transaction.cursor, request.key, request.card_references, sale.payments, sale.currency)
    take_number(transaction, sale.register, sale.receipt_number)
    records = [Record(RecordKind.SALE, sale_id, encode_sale(sale))]
    for audited in audit_of_sale(transaction.cursor, request.key, sale.sold_at):
        records.append(Record(KINDS[type(audited)], transaction.ids.new_id(), encode_branch_fact(audited)))
    for owner, amount in _spends(transaction, sale).items():
        records += intend_spending(transaction, owner, amount)
    return records + as_records(transaction, entries_of_sale(transaction, sale_id, sale))


def answer_from_intent(request: SaleRequest, intent: Intent, settled: Settled) -> SaleAnswer:
    """The answer to a sale whose intent was journaled."""
    assert settled.entry is not None
    ((sale_id, sale),) = (settled.decoded or decode_entry(open_entry(intent.data))).sales
    receipt = format_receipt(sale.register, sale.receipt_number)
    return SaleAnswer(request.key, sale_id, receipt, _due(sale), settled.entry, settled.confirmed)


def _sell_here(transaction: BranchTransaction, request: SaleRequest, sale_id: bytes) -> SaleAnswer:
    sale = build_sale(transaction, request)
    write_sale(transaction, request, sale_id, sale)
    queue_sale(transaction, sale_id, sale)
    return answer_to(transaction, request, sale_id, sale)


def write_sale(transaction: BranchTransaction, request: SaleRequest, sale_id: bytes, sale: Sale) -> None:
    """Writes and records a sale with all that it brings but the paper."""
    rows = new_rows()
    add_sale_rows(rows, transaction.node.branch_id, sale_id, transaction.command_id, sale, None)
    transaction.insert_all(rows)
    take_number(transaction, sale.register, sale.receipt_number)
    transaction.record(RecordKind.SALE, sale_id, encode_sale(sale), 1 + len(sale.lines) + len(sale.payments))
    charges = (request.card_references, sale.payments, sale.currency)
    use_charges(transaction.cursor, request.key, *charges, sale_id, transaction.now_us)
    for audited in audit_of_sale(transaction.cursor, request.key, sale.sold_at):
        record_branch_fact(transaction, audited)
    for owner, amount in _spends(transaction, sale).items():
        spend_leased(transaction, owner, amount)
    for entry in entries_of_sale(transaction, sale_id, sale):
        record_branch_fact(transaction, entry)


def answer_to(transaction: BranchTransaction, request: SaleRequest, sale_id: bytes, sale: Sale) -> SaleAnswer:
    """The answer to a sale that this transaction commits."""
    receipt = format_receipt(sale.register, sale.receipt_number)
    return SaleAnswer(request.key, sale_id, receipt, _due(sale), transaction.seq, confirmed=False)


def _due(sale: Sale) -> int:
    return sum([line.amount_minor for line in sale.lines]) + sale.rounding_minor


def build_sale(transaction: BranchTransaction, request: SaleRequest) -> Sale:
    """The finished receipt, with the register's next number."""
    sold_at = moment_of(transaction, request.sold_at, "sold_at")
    lines = _price_lines(transaction, request.lines, days_from_date(sold_at.business_date))
    totals = total_lines(lines)
    change_minor = require_settled(totals.net_minor + request.rounding_minor, request.payments)
    transaction.author = ensure_employee(transaction, request.cashier)
    business_date = sold_at.business_date
    register = ensure_register(transaction.cursor, request.register)
    return Sale(
        shift_id=shift_for_sale(transaction, request.register, register, request.cashier, sold_at, business_date),
        register=request.register,
        receipt_number=register.last_receipt_number + 1,
        cashier=request.cashier,
        client=request.client,
        client_id=client_id_of(transaction, request.client),
        sold_at=sold_at,
        business_date=business_date,
        currency=transaction.node.currency,
        lines=lines,
        payments=request.payments,
        change_minor=change_minor,
        rounding_minor=request.rounding_minor,
    )


def must_ask(transaction: BranchTransaction, request: SaleRequest) -> bool:
    """Whether HQ is to be asked: the branch does not work alone, or it needs leave for points of which it does not hold
    enough. Raises HqUnreachable when this branch must not sell without HQ."""
    if is_asked_of_hq(transaction):
        return True
    if transaction.node.mode is ProcessingMode.CENTRALIZED or not points_paid_minor(request.payments):
        return False
    return lacks_leases(transaction, client_id_of(transaction, request.client), request.payments)


def _spends(transaction: BranchTransaction, sale: Sale) -> dict[str, int]:
    """What a sale takes of budgets, by owner: the quantities of its limited products, and its client's points."""
    amounts = points_spent(transaction, sale)
    for line in sale.lines:
        known = find_product(transaction, line.sku)
        if known is not None and known[2] and line.quantity_thousandths:
            owner = owner_of_product(line.sku)
            amounts[owner] = amounts.get(owner, 0) + line.quantity_thousandths
    return amounts


def take_number(transaction: BranchTransaction, register: str, receipt_number: int) -> None:
    """The register has given this receipt number: sales and refunds share one sequence."""
    transaction.cursor.execute("UPDATE register SET last_receipt_number = ? WHERE code = ?", (receipt_number, register))


def claim_sale(
    transaction: BranchTransaction, request: SaleRequest, command_id: bytes, sale_id: bytes, seq: int
) -> SaleAnswer | Intent | None:
    """Claims the key of a sale; what became of it when it was claimed before. Raises KeyReused."""
    known = claim_key(transaction, request.key, request.content_hash, command_id, sale_id, seq)
    return _told_before(transaction, request, known)


def _told_before(
    transaction: BranchTransaction, request: SaleRequest, known: Known | None
) -> SaleAnswer | Intent | None:
    """The first answer to a key that was committed before, or the intent that HQ is asked about."""
    if not isinstance(known, CommittedBefore):
        return known
    register, receipt_number, net_minor = transaction.cursor.execute(
        "SELECT register, receipt_number, net_minor + rounding_minor FROM sale WHERE branch_id = ? AND id = ?",
        (transaction.node.branch_id, known.record_id),
    ).fetchone()
    receipt = format_receipt(register, receipt_number)
    return SaleAnswer(request.key, known.record_id, receipt, net_minor, known.seq, known.confirmed)


def moment_of(transaction: BranchTransaction, sold_at: str | None, what: str) -> LocalMoment:
    """The moment that was given, or now. Raises InvalidInput."""
    zone = transaction.node.timezone
    if sold_at is None:
        return local_moment(transaction.now_us, zone)
    moment = parse_local(sold_at, zone, what)
    if moment.at_us > transaction.now_us + FUTURE_SECONDS_MAX * MICROSECONDS:
        raise InvalidInput(
            f"{what} “{sold_at}” lies more than {FUTURE_SECONDS_MAX // 60} minutes ahead of this node's clock.",
            f"Check the clock, or leave {what} out.",
        )
    return moment


def _price_lines(transaction: BranchTransaction, lines: tuple[LineRequest, ...], day: int) -> tuple[SaleLine, ...]:
    priced = []
    for number, (sku, quantity, amount, discount, name, reason) in enumerate(lines, 1):
        product_id, category, _, vat_code = find_product(transaction, sku) or _UNKNOWN
        if amount is None:
            amount = _list_amount(transaction, number, sku, product_id, quantity, discount, day)
        rate = vat = None
        if vat_code is not None:
            found = price_lists_of(transaction).vat_on(vat_code, day)
            rate = found.rate_basis_points if found else None
            vat = vat_included(amount, rate)
        priced.append(SaleLine(sku, product_id, category, quantity, amount, discount, rate, vat or 0, name, reason))
    return tuple(priced)


def find_product(transaction: BranchTransaction, sku: str) -> KnownProduct | None:
    """A product's id, category, whether it is limited, and its VAT code, by SKU."""
    products = transaction.known.products
    if sku not in products:
        if len(products) >= REMEMBERED_MAX:
            products.clear()
        statement = "SELECT id, category, limited, vat_code FROM product WHERE sku = ? AND NOT archived LIMIT 1"
        products[sku] = transaction.cursor.execute(statement, (sku,)).fetchone()
    return products[sku]


def _list_amount(
    transaction: BranchTransaction,
    number: int,
    sku: str,
    product_id: bytes | None,
    quantity: int,
    discount: int,
    day: int,
) -> int:
    if product_id is None:
        raise InvalidInput(f"lines[{number}]: the product {sku} is unknown and no amount_minor is given.")
    row = transaction.cursor.execute(_PRICE, (product_id, transaction.node.price_zone, day)).fetchone()
    if row is None:
        raise InvalidInput(f"lines[{number}]: the product {sku} has no price and no amount_minor is given.")
    gross = extend_price(row[0], quantity)
    if gross > AMOUNT_MINOR_MAX:
        raise InvalidInput(f"lines[{number}]: price × quantity is larger than {AMOUNT_MINOR_MAX}.")
    if discount > gross:
        raise InvalidInput(f"lines[{number}]: the discount {discount} is larger than the price {gross}.")
    return gross - discount


def client_id_of(transaction: BranchTransaction, client: str | None) -> bytes | None:
    """The client with that external id, or with that id, if one is here: the one that a merged card stands for."""
    if client is None:
        return None
    clients = transaction.known.clients
    if client not in clients:
        if len(clients) >= REMEMBERED_MAX:
            clients.clear()
        statement = "SELECT id FROM client WHERE external_id = ? AND NOT archived ORDER BY id LIMIT 1"
        row = transaction.cursor.execute(statement, (client,)).fetchone()
        if row is None and is_id(client):
            statement = "SELECT id FROM client WHERE id = ? AND NOT archived"
            row = transaction.cursor.execute(statement, (parse_id(client),)).fetchone()
        clients[client] = row[0] if row else None
    found = clients[client]
    return None if found is None else find_survivor(CursorReader(transaction.cursor), found)
