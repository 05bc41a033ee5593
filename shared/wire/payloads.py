"""The payloads of records: domain values to bytes, and bytes that came from outside to domain values.

Decoding checks what the types promise (lengths, ranges, dates); anything else raises DecodeError, so that a merge can
park the entry instead of failing on it.
"""

from __future__ import annotations

from collections.abc import Sequence

from google.protobuf.message import Message

from shared.domain.branch_facts import (
    CASH_DIRECTIONS,
    PASSWORD_HASH_CHARACTERS_MAX,
    PROOF_BYTES,
    AuditEntry,
    BranchFact,
    BudgetSpend,
    CashMovement,
    LeaseReturn,
    ModeSwitch,
    PasswordChange,
    ReceiptVoid,
)
from shared.domain.business_time import days_from_date
from shared.domain.cards import TEXT_CHARACTERS_MAX
from shared.domain.identifiers import CODE_CHARACTERS_MAX, ID_BYTES
from shared.domain.interactions import ClientTransfer, Interaction
from shared.domain.loyalty import LoyaltyEntry
from shared.domain.money import AMOUNT_MINOR_MAX, BUDGET_MAX, QUANTITY_THOUSANDTHS_MAX, TOTAL_MINOR_MAX
from shared.domain.records import RecordKind
from shared.domain.sales import (
    LINES_MAX,
    PAYMENTS_MAX,
    ROUNDING_MINOR_MAX,
    VAT_BASIS_POINTS_MAX,
    Payment,
    Refund,
    RefundLine,
    Sale,
    SaleLine,
)
from shared.domain.shifts import DENOMINATIONS_MAX, UNDECIDED_MAX, Denomination, MethodTotal, ShiftClose, ShiftOpen
from shared.domain.stock import StockMovement
from shared.errors import DecodeError
from shared.wire.client_payloads import (
    decode_client_transfer,
    decode_interaction,
    encode_client_transfer,
    encode_interaction,
)
from shared.wire.fact_fields import decode_date, decode_moment, encode_moment, read_code, read_detail, read_within
from shared.wire.generated import records_pb2 as pb
from shared.wire.ledger_payloads import (
    decode_loyalty_entry,
    decode_stock_movement,
    encode_loyalty_entry,
    encode_stock_movement,
)
from shared.wire.parsing import optional_id, parse_message, require_id

_CASH_MINOR_MAX = 2**62
RECEIPT_NUMBER_MAX = 2**62
RECEIPTS_MAX = 2**31 - 1
SIGNATURE_BYTES_MAX = 200


def encode_sale(sale: Sale) -> bytes:
    """The payload of a sale."""
    message = pb.Sale(
        shift_id=sale.shift_id,
        register=sale.register,
        receipt_number=sale.receipt_number,
        cashier=sale.cashier,
        client=sale.client or "",
        client_id=sale.client_id or b"",
        sold_at=encode_moment(sale.sold_at),
        business_date=days_from_date(sale.business_date),
        currency=sale.currency,
        change_minor=sale.change_minor,
        rounding_minor=sale.rounding_minor,
    )
    add_line = message.lines.add  # building lines in place is twice as fast as copying them in
    for sku, product_id, category, quantity, amount, discount, vat_rate, vat, name, reason in sale.lines:
        add_line(
            sku=sku,
            product_id=product_id or b"",
            category=category or "",
            quantity_thousandths=quantity,
            amount_minor=amount,
            discount_minor=discount,
            vat_basis_points=vat_rate,
            vat_minor=vat,
            name=name,
            reason=reason,
        )
    for method, amount in sale.payments:
        message.payments.add(method=method, amount_minor=amount)
    return message.SerializeToString()


def decode_sale(payload: bytes) -> Sale:
    """Raises DecodeError."""
    message = parse_message(pb.Sale, payload)
    return Sale(
        require_id(message.shift_id),
        read_code(message.register),
        _receipt_number(message.receipt_number),
        read_code(message.cashier),
        read_code(message.client) if message.client else None,
        optional_id(message.client_id, None),
        decode_moment(message.sold_at),
        decode_date(message.business_date),
        _currency(message.currency),
        _decode_lines(message.lines),
        _decode_payments(message.payments),
        read_within(message.change_minor, TOTAL_MINOR_MAX * PAYMENTS_MAX),
        _rounding(message.rounding_minor),
    )


def _decode_lines(messages: Sequence[pb.SaleLine]) -> tuple[SaleLine, ...]:
    """Checked in one pass without a call per field: HQ does this for every line of the chain."""
    if not 0 < len(messages) <= LINES_MAX:
        raise DecodeError(f"A sale has no line, or more than {LINES_MAX}.")
    lines = []
    discounts = 0
    for line in messages:
        sku, product_id, category = line.sku, line.product_id, line.category
        quantity, amount, discount = line.quantity_thousandths, line.amount_minor, line.discount_minor
        vat_rate, vat, name, reason = line.vat_basis_points, line.vat_minor, line.name, line.reason
        if (
            not 0 < len(sku) <= CODE_CHARACTERS_MAX
            or "\0" in sku
            or len(category) > TEXT_CHARACTERS_MAX
            or "\0" in category
            or (product_id and len(product_id) != ID_BYTES)
            or quantity > QUANTITY_THOUSANDTHS_MAX
            or amount > AMOUNT_MINOR_MAX
            or discount > AMOUNT_MINOR_MAX
            or vat_rate > VAT_BASIS_POINTS_MAX
            or vat > amount
            or len(name) > TEXT_CHARACTERS_MAX
            or "\0" in name
            or len(reason) > TEXT_CHARACTERS_MAX
            or "\0" in reason
        ):
            raise DecodeError("A line of a sale breaks the limits of its fields.")
        discounts += discount
        rate = vat_rate if vat_rate or line.HasField("vat_basis_points") else None
        product, group = product_id or None, category or None
        lines.append(SaleLine(sku, product, group, quantity, amount, discount, rate, vat, name or None, reason or None))
    if discounts > TOTAL_MINOR_MAX:
        raise DecodeError("The discounts of a sale come to more than a total may be.")
    return tuple(lines)


def _decode_payments(messages: Sequence[pb.Payment]) -> tuple[Payment, ...]:
    if len(messages) > PAYMENTS_MAX:
        raise DecodeError(f"A sale has more than {PAYMENTS_MAX} payments.")
    return tuple(
        [Payment(read_code(paid.method), read_within(paid.amount_minor, TOTAL_MINOR_MAX)) for paid in messages]
    )


def encode_refund(refund: Refund) -> bytes:
    """The payload of a refund."""
    message = pb.Refund(
        shift_id=refund.shift_id,
        register=refund.register,
        receipt_number=refund.receipt_number,
        cashier=refund.cashier,
        client=refund.client or "",
        client_id=refund.client_id or b"",
        refunded_at=encode_moment(refund.refunded_at),
        business_date=days_from_date(refund.business_date),
        currency=refund.currency,
        sale_id=refund.sale_id or b"",
        sale_branch_id=refund.sale_branch_id or b"",
        sale_receipt=refund.sale_receipt or "",
        authorised_by=refund.authorised_by or "",
        reason=refund.reason or "",
        rounding_minor=refund.rounding_minor,
    )
    for line in refund.lines:
        message.lines.add(**line._asdict())
    for method, amount in refund.payments:
        message.payments.add(method=method, amount_minor=amount)
    return message.SerializeToString()


def decode_refund(payload: bytes) -> Refund:
    """Raises DecodeError."""
    message = parse_message(pb.Refund, payload)
    if not 0 < len(message.lines) <= LINES_MAX:
        raise DecodeError(f"A refund has no line, or more than {LINES_MAX}.")
    return Refund(
        shift_id=require_id(message.shift_id),
        register=read_code(message.register),
        receipt_number=_receipt_number(message.receipt_number),
        cashier=read_code(message.cashier),
        client=read_code(message.client) if message.client else None,
        client_id=optional_id(message.client_id, None),
        refunded_at=decode_moment(message.refunded_at),
        business_date=decode_date(message.business_date),
        currency=_currency(message.currency),
        sale_id=optional_id(message.sale_id, None),
        sale_branch_id=optional_id(message.sale_branch_id, None),
        sale_receipt=read_code(message.sale_receipt) if message.sale_receipt else None,
        authorised_by=read_code(message.authorised_by) if message.authorised_by else None,
        reason=read_detail(message.reason) or None,
        lines=tuple([_decode_refund_line(line) for line in message.lines]),
        payments=_decode_payments(message.payments),
        rounding_minor=_rounding(message.rounding_minor),
    )


def _decode_refund_line(line: pb.RefundLine) -> RefundLine:
    return RefundLine(
        sale_line=read_within(line.sale_line, LINES_MAX),
        sku=read_code(line.sku),
        product_id=optional_id(line.product_id, None),
        category=read_detail(line.category) or None,
        quantity_thousandths=read_within(line.quantity_thousandths, QUANTITY_THOUSANDTHS_MAX),
        amount_minor=read_within(line.amount_minor, AMOUNT_MINOR_MAX),
        discount_minor=read_within(line.discount_minor, AMOUNT_MINOR_MAX),
        vat_basis_points=(
            read_within(line.vat_basis_points, VAT_BASIS_POINTS_MAX) if line.HasField("vat_basis_points") else None
        ),
        vat_minor=read_within(line.vat_minor, line.amount_minor),
        name=read_detail(line.name) or None,
    )


def encode_shift_open(shift: ShiftOpen) -> bytes:
    """The payload of an opened shift."""
    return pb.ShiftOpen(
        register=shift.register,
        cashier=shift.cashier,
        opened_at=encode_moment(shift.opened_at),
        business_date=days_from_date(shift.business_date),
        implicit=shift.implicit,
        float_minor=shift.float_minor,
        currency=shift.currency,
    ).SerializeToString()


def decode_shift_open(payload: bytes) -> ShiftOpen:
    """Raises DecodeError."""
    message = parse_message(pb.ShiftOpen, payload)
    return ShiftOpen(
        register=read_code(message.register),
        cashier=read_code(message.cashier),
        opened_at=decode_moment(message.opened_at),
        business_date=decode_date(message.business_date),
        implicit=message.implicit,
        float_minor=read_within(message.float_minor, TOTAL_MINOR_MAX),
        currency=_currency(message.currency),
    )


def encode_shift_close(shift: ShiftClose) -> bytes:
    """The payload of a closed shift: its Z-report."""
    return pb.ShiftClose(
        shift_id=shift.shift_id,
        register=shift.register,
        cashier=shift.cashier,
        closed_at=encode_moment(shift.closed_at),
        business_date=days_from_date(shift.business_date),
        currency=shift.currency,
        receipts=shift.receipts,
        first_receipt=shift.first_receipt,
        last_receipt=shift.last_receipt,
        gross_minor=shift.gross_minor,
        discounts_minor=shift.discounts_minor,
        net_minor=shift.net_minor,
        methods=[pb.MethodTotal(method=total.method, amount_minor=total.amount_minor) for total in shift.methods],
        float_minor=shift.float_minor,
        expected_cash_minor=shift.expected_cash_minor,
        counted_cash_minor=shift.counted_cash_minor,
        refunds=shift.refunds,
        returns_minor=shift.returns_minor,
        cash_in_minor=shift.cash_in_minor,
        cash_out_minor=shift.cash_out_minor,
        rounding_minor=shift.rounding_minor,
        undecided=shift.undecided,
        late=shift.late,
        late_minor=shift.late_minor,
        denominations=[
            pb.Denomination(value_minor=counted.value_minor, pieces=counted.pieces) for counted in shift.denominations
        ],
        signature=shift.signature,
    ).SerializeToString()


def decode_shift_close(payload: bytes) -> ShiftClose:
    """Raises DecodeError."""
    message = parse_message(pb.ShiftClose, payload)
    if max(len(message.undecided), len(message.late)) > UNDECIDED_MAX or len(message.denominations) > DENOMINATIONS_MAX:
        raise DecodeError("A Z-report names more undecided receipts or denominations than a shift can have.")
    return ShiftClose(
        shift_id=require_id(message.shift_id),
        register=read_code(message.register),
        cashier=read_code(message.cashier),
        closed_at=decode_moment(message.closed_at),
        business_date=decode_date(message.business_date),
        currency=_currency(message.currency),
        receipts=read_within(message.receipts, RECEIPTS_MAX),
        first_receipt=read_within(message.first_receipt, RECEIPT_NUMBER_MAX),
        last_receipt=read_within(message.last_receipt, RECEIPT_NUMBER_MAX),
        gross_minor=read_within(message.gross_minor, _CASH_MINOR_MAX),
        discounts_minor=read_within(message.discounts_minor, _CASH_MINOR_MAX),
        net_minor=read_within(message.net_minor, _CASH_MINOR_MAX),
        methods=tuple(MethodTotal(read_code(total.method), total.amount_minor) for total in message.methods),
        float_minor=read_within(message.float_minor, TOTAL_MINOR_MAX),
        expected_cash_minor=message.expected_cash_minor,
        counted_cash_minor=(
            read_within(message.counted_cash_minor, _CASH_MINOR_MAX) if message.HasField("counted_cash_minor") else None
        ),
        refunds=read_within(message.refunds, RECEIPTS_MAX),
        returns_minor=read_within(message.returns_minor, _CASH_MINOR_MAX),
        cash_in_minor=read_within(message.cash_in_minor, _CASH_MINOR_MAX),
        cash_out_minor=read_within(message.cash_out_minor, _CASH_MINOR_MAX),
        rounding_minor=message.rounding_minor,
        undecided=tuple(map(_receipt_number, message.undecided)),
        late=tuple(map(_receipt_number, message.late)),
        late_minor=read_within(message.late_minor, _CASH_MINOR_MAX),
        denominations=tuple(
            Denomination(read_within(counted.value_minor, TOTAL_MINOR_MAX), read_within(counted.pieces, RECEIPTS_MAX))
            for counted in message.denominations
        ),
        signature=_signature(message.signature),
    )


def encode_branch_fact(fact: BranchFact) -> bytes:
    """The payload of one of the small facts."""
    moment = encode_moment(fact.at)
    message: Message
    match fact:
        case ReceiptVoid(register, number, _, reason):
            message = pb.ReceiptVoid(register=register, receipt_number=number, voided_at=moment, reason=reason)
        case ModeSwitch(mode, when_unreachable, _):
            message = pb.ModeSwitch(mode=mode, when_unreachable=when_unreachable, switched_at=moment)
        case BudgetSpend(budget_id, lease_id, amount, _):
            message = pb.BudgetSpend(budget_id=budget_id, lease_id=lease_id or b"", amount=amount, spent_at=moment)
        case LeaseReturn(budget_id, lease_id, unused, _):
            message = pb.LeaseReturn(budget_id=budget_id, lease_id=lease_id, unused=unused, returned_at=moment)
        case CashMovement(shift_id, register, cashier, direction, amount, reason, _):
            message = pb.CashMovement(
                shift_id=shift_id,
                register=register,
                cashier=cashier,
                direction=direction,
                amount_minor=amount,
                reason=reason,
                moved_at=moment,
            )
        case AuditEntry(action, register, cashier, authorised_by, amount, detail, _):
            message = pb.AuditEntry(
                action=action,
                register=register,
                cashier=cashier,
                authorised_by=authorised_by or "",
                amount_minor=amount,
                detail=detail,
                at=moment,
            )
        case PasswordChange(employee_id, password_hash, replaces, _):
            message = pb.PasswordChange(
                employee_id=employee_id, password_hash=password_hash, replaces=replaces, changed_at=moment
            )
        case StockMovement():
            message = encode_stock_movement(fact)
        case LoyaltyEntry():
            message = encode_loyalty_entry(fact)
        case Interaction():
            message = encode_interaction(fact)
        case ClientTransfer():
            message = encode_client_transfer(fact)
    return message.SerializeToString()


def decode_branch_fact(kind: int, payload: bytes) -> BranchFact:
    """Raises DecodeError."""
    match kind:
        case RecordKind.RECEIPT_VOID:
            void = parse_message(pb.ReceiptVoid, payload)
            number = _receipt_number(void.receipt_number)
            return ReceiptVoid(read_code(void.register), number, decode_moment(void.voided_at), read_code(void.reason))
        case RecordKind.MODE_SWITCH:
            switch = parse_message(pb.ModeSwitch, payload)
            return ModeSwitch(
                read_code(switch.mode), read_code(switch.when_unreachable), decode_moment(switch.switched_at)
            )
        case RecordKind.BUDGET_SPEND:
            spend = parse_message(pb.BudgetSpend, payload)
            return BudgetSpend(
                require_id(spend.budget_id),
                optional_id(spend.lease_id, None),
                read_within(spend.amount, BUDGET_MAX),
                decode_moment(spend.spent_at),
            )
        case RecordKind.CASH_MOVEMENT:
            return _decode_cash_movement(parse_message(pb.CashMovement, payload))
        case RecordKind.AUDIT_ENTRY:
            audited = parse_message(pb.AuditEntry, payload)
            return AuditEntry(
                read_code(audited.action),
                read_code(audited.register),
                read_code(audited.cashier),
                read_code(audited.authorised_by) if audited.authorised_by else None,
                read_within(audited.amount_minor, TOTAL_MINOR_MAX),
                read_detail(audited.detail),
                decode_moment(audited.at),
            )
        case RecordKind.PASSWORD_CHANGE:
            return _decode_password_change(parse_message(pb.PasswordChange, payload))
        case RecordKind.STOCK_MOVEMENT:
            return decode_stock_movement(payload)
        case RecordKind.LOYALTY_ENTRY:
            return decode_loyalty_entry(payload)
        case RecordKind.INTERACTION:
            return decode_interaction(payload)
        case RecordKind.CLIENT_TRANSFER:
            return decode_client_transfer(payload)
        case _:
            back = parse_message(pb.LeaseReturn, payload)
            return LeaseReturn(
                require_id(back.budget_id),
                require_id(back.lease_id),
                read_within(back.unused, BUDGET_MAX),
                decode_moment(back.returned_at),
            )


def _decode_cash_movement(moved: pb.CashMovement) -> CashMovement:
    if moved.direction not in CASH_DIRECTIONS:
        raise DecodeError("Cash moves in, out or by pickup.")
    return CashMovement(
        require_id(moved.shift_id),
        read_code(moved.register),
        read_code(moved.cashier),
        moved.direction,
        read_within(moved.amount_minor, TOTAL_MINOR_MAX),
        read_detail(moved.reason),
        decode_moment(moved.moved_at),
    )


def _decode_password_change(changed: pb.PasswordChange) -> PasswordChange:
    if not 0 < len(changed.password_hash) <= PASSWORD_HASH_CHARACTERS_MAX or not changed.password_hash.isascii():
        raise DecodeError("The hash of a password is empty, too long or none.")
    if len(changed.replaces) != PROOF_BYTES:
        raise DecodeError(f"The proof of a password has not {PROOF_BYTES} bytes.")
    return PasswordChange(
        require_id(changed.employee_id),
        read_detail(changed.password_hash),
        changed.replaces,
        decode_moment(changed.changed_at),
    )


def _rounding(minor: int) -> int:
    if abs(minor) > ROUNDING_MINOR_MAX:
        raise DecodeError(f"A total is rounded by more than {ROUNDING_MINOR_MAX}.")
    return minor


def _signature(signature: bytes) -> bytes:
    if len(signature) > SIGNATURE_BYTES_MAX:
        raise DecodeError("A signature is longer than any is.")
    return signature


def _currency(text: str) -> str:
    if len(text) != 3 or not text.isascii() or not text.isalpha() or not text.isupper():
        raise DecodeError("A currency does not have three letters.")
    return text


def _receipt_number(number: int) -> int:
    if not 0 < number <= RECEIPT_NUMBER_MAX:
        raise DecodeError(f"The receipt number {number} is out of range.")
    return number
