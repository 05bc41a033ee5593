"""Sales as they were made, read back from their rows: a receipt by its number, and what a client bought."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, select

from shared.domain.business_time import LocalMoment, format_us
from shared.domain.identifiers import format_id
from shared.domain.money import quantity_number
from shared.domain.sales import Payment, Refund, RefundLine, Sale, SaleLine, format_receipt
from shared.operations.aliases import cards_of_client
from shared.storage.tables import client, payment, refund, refund_line, refund_payment, sale, sale_line

SaleKey = tuple[bytes, bytes]
"""A branch and the id of one of its sales."""


def sale_by_number(connection: Connection, branch_id: bytes, register: str, receipt_number: int) -> SaleKey | None:
    """The sale with that receipt number; the newest, should two stores of one branch have given the same."""
    matches = (
        (sale.c.branch_id == branch_id) & (sale.c.register == register) & (sale.c.receipt_number == receipt_number)
    )
    return next(iter(_keys(connection, matches, 1)), None)


def sales_to_client(connection: Connection, client_id: bytes, sales_max: int) -> list[SaleKey]:
    """The newest sales to a client: by any of his cards, or by the number or id that was given where no card was."""
    cards = cards_of_client(connection, client_id)
    numbers = connection.execute(select(client.c.external_id).where(client.c.id.in_(cards))).scalars()
    said = {*map(format_id, cards), *(number for number in numbers if number is not None)}
    matches = sale.c.client_id.in_(cards) | sale.c.client.in_(sorted(said))
    return _keys(connection, matches, sales_max)


def read_sale(connection: Connection, key: SaleKey) -> Sale:
    """A sale with its lines and payments."""
    branch_id, sale_id = key
    head = connection.execute(select(sale).where(sale.c.branch_id == branch_id, sale.c.id == sale_id)).one()
    lines = connection.execute(
        select(sale_line)
        .where(sale_line.c.branch_id == branch_id, sale_line.c.sale_id == sale_id)
        .order_by(sale_line.c.line_number)
    )
    payments = connection.execute(
        select(payment.c.method, payment.c.amount_minor)
        .where(payment.c.branch_id == branch_id, payment.c.sale_id == sale_id)
        .order_by(payment.c.payment_number)
    )
    return Sale(
        shift_id=head.shift_id,
        register=head.register,
        receipt_number=head.receipt_number,
        cashier=head.cashier,
        client=head.client,
        client_id=head.client_id,
        sold_at=LocalMoment(head.sold_at, head.utc_offset_seconds, head.zone),
        business_date=head.business_date,
        currency=head.currency,
        lines=tuple(
            SaleLine(
                line.sku,
                line.product_id,
                line.category,
                line.quantity_thousandths,
                line.amount_minor,
                line.discount_minor,
                line.vat_basis_points,
                line.vat_minor,
                line.name,
                line.reason,
            )
            for line in lines
        ),
        payments=tuple(Payment(method, amount_minor) for method, amount_minor in payments),
        change_minor=head.change_minor,
        rounding_minor=head.rounding_minor,
    )


def refunds_of(connection: Connection, sale_id: bytes) -> list[Refund]:
    """What came back of a sale, wherever it was given back, in the order of the refunds' ids."""
    heads = connection.execute(select(refund).where(refund.c.sale_id == sale_id).order_by(refund.c.id)).all()
    return [_read_refund(connection, head) for head in heads]


def read_refund(connection: Connection, key: SaleKey) -> Refund:
    """A refund with its lines and payments, by branch and id."""
    branch_id, refund_id = key
    head = connection.execute(select(refund).where(refund.c.branch_id == branch_id, refund.c.id == refund_id)).one()
    return _read_refund(connection, head)


def _read_refund(connection: Connection, head: Any) -> Refund:
    lines = connection.execute(
        select(refund_line)
        .where(refund_line.c.branch_id == head.branch_id, refund_line.c.refund_id == head.id)
        .order_by(refund_line.c.line_number)
    )
    payments = connection.execute(
        select(refund_payment.c.method, refund_payment.c.amount_minor)
        .where(refund_payment.c.branch_id == head.branch_id, refund_payment.c.refund_id == head.id)
        .order_by(refund_payment.c.payment_number)
    )
    return Refund(
        shift_id=head.shift_id,
        register=head.register,
        receipt_number=head.receipt_number,
        cashier=head.cashier,
        client=head.client,
        client_id=head.client_id,
        refunded_at=LocalMoment(head.refunded_at, head.utc_offset_seconds, head.zone),
        business_date=head.business_date,
        currency=head.currency,
        sale_id=head.sale_id,
        sale_branch_id=head.sale_branch_id,
        sale_receipt=head.sale_receipt,
        authorised_by=head.authorised_by,
        reason=head.reason,
        lines=tuple(RefundLine._make([line._mapping[name] for name in RefundLine._fields]) for line in lines),
        payments=tuple(Payment(method, amount_minor) for method, amount_minor in payments),
        rounding_minor=head.rounding_minor,
    )


def receipt_document(branch_code: str, sale_id: bytes, fact: Sale, refunds: Sequence[Refund] = ()) -> dict[str, Any]:
    """A receipt for people and programs, with what came back of it; amounts in minor units."""
    return {
        "branch": branch_code,
        "receipt": format_receipt(fact.register, fact.receipt_number),
        "id": format_id(sale_id),
        "sold_at": format_us(fact.sold_at.at_us),
        "cashier": fact.cashier,
        "client": fact.client,
        "currency": fact.currency,
        "total_minor": sum(line.amount_minor for line in fact.lines),
        "lines": [
            {
                "sku": line.sku,
                "quantity": quantity_number(line.quantity_thousandths),
                "amount_minor": line.amount_minor,
                "discount_minor": line.discount_minor,
            }
            for line in fact.lines
        ],
        "payments": [{"method": paid.method, "amount_minor": paid.amount_minor} for paid in fact.payments],
        "change_minor": fact.change_minor,
        "refunds": [
            {
                "receipt": format_receipt(back.register, back.receipt_number),
                "refunded_at": format_us(back.refunded_at.at_us),
                "total_minor": back.total_minor + back.rounding_minor,
                "lines": [
                    {"line": line.sale_line, "quantity": quantity_number(line.quantity_thousandths)}
                    for line in back.lines
                ],
            }
            for back in refunds
        ],
    }


def _keys(connection: Connection, matches: ColumnElement[bool], sales_max: int) -> list[SaleKey]:
    statement = select(sale.c.branch_id, sale.c.id).where(matches).order_by(sale.c.sold_at.desc()).limit(sales_max)
    return [(row[0], row[1]) for row in connection.execute(statement)]
