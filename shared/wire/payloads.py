"""The payloads of records: domain values to bytes, and bytes that came from outside to domain values.

Decoding checks what the types promise (lengths, ranges, dates); anything else raises DecodeError, so that a merge can
park the entry instead of failing on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from shared.domain.branch_facts import BranchFact, BudgetSpend, LeaseReturn, ModeSwitch, ReceiptVoid
from shared.domain.business_time import (
    EARLIEST_US,
    LATEST_US,
    MICROSECONDS,
    SECONDS_PER_DAY,
    LocalMoment,
    date_from_days,
    days_from_date,
)
from shared.domain.cards import TEXT_CHARACTERS_MAX
from shared.domain.identifiers import CODE_CHARACTERS_MAX, ID_BYTES
from shared.domain.money import AMOUNT_MINOR_MAX, BUDGET_MAX, QUANTITY_THOUSANDTHS_MAX, TOTAL_MINOR_MAX
from shared.domain.records import RecordKind
from shared.domain.sales import LINES_MAX, PAYMENTS_MAX, Payment, Sale, SaleLine
from shared.domain.shifts import MethodTotal, ShiftClose, ShiftOpen
from shared.errors import DecodeError
from shared.wire.generated import records_pb2 as pb
from shared.wire.parsing import optional_id, parse_message, require_id

_CASH_MINOR_MAX = 2**62
RECEIPT_NUMBER_MAX = 2**62
RECEIPTS_MAX = 2**31 - 1
_DAYS_MAX = LATEST_US // MICROSECONDS // SECONDS_PER_DAY + 1


def encode_sale(sale: Sale) -> bytes:
    """The payload of a sale."""
    message = pb.Sale(
        shift_id=sale.shift_id,
        register=sale.register,
        receipt_number=sale.receipt_number,
        cashier=sale.cashier,
        client=sale.client or "",
        client_id=sale.client_id or b"",
        sold_at=_encode_moment(sale.sold_at),
        business_date=days_from_date(sale.business_date),
        currency=sale.currency,
        change_minor=sale.change_minor,
    )
    add_line = message.lines.add  # building lines in place is twice as fast as copying them in
    for sku, product_id, category, quantity, amount, discount in sale.lines:
        add_line(
            sku=sku,
            product_id=product_id or b"",
            category=category or "",
            quantity_thousandths=quantity,
            amount_minor=amount,
            discount_minor=discount,
        )
    for method, amount in sale.payments:
        message.payments.add(method=method, amount_minor=amount)
    return message.SerializeToString()


def decode_sale(payload: bytes) -> Sale:
    """Raises DecodeError."""
    message = parse_message(pb.Sale, payload)
    return Sale(
        require_id(message.shift_id),
        _code(message.register),
        _receipt_number(message.receipt_number),
        _code(message.cashier),
        _code(message.client) if message.client else None,
        optional_id(message.client_id, None),
        _decode_moment(message.sold_at),
        _decode_date(message.business_date),
        _currency(message.currency),
        _decode_lines(message.lines),
        _decode_payments(message.payments),
        _within(message.change_minor, TOTAL_MINOR_MAX * PAYMENTS_MAX),
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
        if (
            not 0 < len(sku) <= CODE_CHARACTERS_MAX
            or "\0" in sku
            or len(category) > TEXT_CHARACTERS_MAX
            or "\0" in category
            or (product_id and len(product_id) != ID_BYTES)
            or quantity > QUANTITY_THOUSANDTHS_MAX
            or amount > AMOUNT_MINOR_MAX
            or discount > AMOUNT_MINOR_MAX
        ):
            raise DecodeError("A line of a sale breaks the limits of its fields.")
        discounts += discount
        lines.append(SaleLine(sku, product_id or None, category or None, quantity, amount, discount))
    if discounts > TOTAL_MINOR_MAX:
        raise DecodeError("The discounts of a sale come to more than a total may be.")
    return tuple(lines)


def _decode_payments(messages: Sequence[pb.Payment]) -> tuple[Payment, ...]:
    if len(messages) > PAYMENTS_MAX:
        raise DecodeError(f"A sale has more than {PAYMENTS_MAX} payments.")
    return tuple([Payment(_code(paid.method), _within(paid.amount_minor, TOTAL_MINOR_MAX)) for paid in messages])


def encode_shift_open(shift: ShiftOpen) -> bytes:
    """The payload of an opened shift."""
    return pb.ShiftOpen(
        register=shift.register,
        cashier=shift.cashier,
        opened_at=_encode_moment(shift.opened_at),
        business_date=days_from_date(shift.business_date),
        implicit=shift.implicit,
        float_minor=shift.float_minor,
        currency=shift.currency,
    ).SerializeToString()


def decode_shift_open(payload: bytes) -> ShiftOpen:
    """Raises DecodeError."""
    message = parse_message(pb.ShiftOpen, payload)
    return ShiftOpen(
        register=_code(message.register),
        cashier=_code(message.cashier),
        opened_at=_decode_moment(message.opened_at),
        business_date=_decode_date(message.business_date),
        implicit=message.implicit,
        float_minor=_within(message.float_minor, TOTAL_MINOR_MAX),
        currency=_currency(message.currency),
    )


def encode_shift_close(shift: ShiftClose) -> bytes:
    """The payload of a closed shift: its Z-report."""
    return pb.ShiftClose(
        shift_id=shift.shift_id,
        register=shift.register,
        cashier=shift.cashier,
        closed_at=_encode_moment(shift.closed_at),
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
    ).SerializeToString()


def decode_shift_close(payload: bytes) -> ShiftClose:
    """Raises DecodeError."""
    message = parse_message(pb.ShiftClose, payload)
    return ShiftClose(
        shift_id=require_id(message.shift_id),
        register=_code(message.register),
        cashier=_code(message.cashier),
        closed_at=_decode_moment(message.closed_at),
        business_date=_decode_date(message.business_date),
        currency=_currency(message.currency),
        receipts=_within(message.receipts, RECEIPTS_MAX),
        first_receipt=_within(message.first_receipt, RECEIPT_NUMBER_MAX),
        last_receipt=_within(message.last_receipt, RECEIPT_NUMBER_MAX),
        gross_minor=_within(message.gross_minor, _CASH_MINOR_MAX),
        discounts_minor=_within(message.discounts_minor, _CASH_MINOR_MAX),
        net_minor=_within(message.net_minor, _CASH_MINOR_MAX),
        methods=tuple(MethodTotal(_code(total.method), total.amount_minor) for total in message.methods),
        float_minor=_within(message.float_minor, TOTAL_MINOR_MAX),
        expected_cash_minor=message.expected_cash_minor,
        counted_cash_minor=(
            _within(message.counted_cash_minor, _CASH_MINOR_MAX) if message.HasField("counted_cash_minor") else None
        ),
    )


def encode_branch_fact(fact: BranchFact) -> bytes:
    """The payload of one of the small facts."""
    moment = _encode_moment(fact.at)
    message: pb.ReceiptVoid | pb.ModeSwitch | pb.BudgetSpend | pb.LeaseReturn
    match fact:
        case ReceiptVoid(register, number, _, reason):
            message = pb.ReceiptVoid(register=register, receipt_number=number, voided_at=moment, reason=reason)
        case ModeSwitch(mode, when_unreachable, _):
            message = pb.ModeSwitch(mode=mode, when_unreachable=when_unreachable, switched_at=moment)
        case BudgetSpend(budget_id, lease_id, amount, _):
            message = pb.BudgetSpend(budget_id=budget_id, lease_id=lease_id or b"", amount=amount, spent_at=moment)
        case LeaseReturn(budget_id, lease_id, unused, _):
            message = pb.LeaseReturn(budget_id=budget_id, lease_id=lease_id, unused=unused, returned_at=moment)
    return message.SerializeToString()


def decode_branch_fact(kind: int, payload: bytes) -> BranchFact:
    """Raises DecodeError."""
    match kind:
        case RecordKind.RECEIPT_VOID:
            void = parse_message(pb.ReceiptVoid, payload)
            number = _receipt_number(void.receipt_number)
            return ReceiptVoid(_code(void.register), number, _decode_moment(void.voided_at), _code(void.reason))
        case RecordKind.MODE_SWITCH:
            switch = parse_message(pb.ModeSwitch, payload)
            return ModeSwitch(_code(switch.mode), _code(switch.when_unreachable), _decode_moment(switch.switched_at))
        case RecordKind.BUDGET_SPEND:
            spend = parse_message(pb.BudgetSpend, payload)
            return BudgetSpend(
                require_id(spend.budget_id),
                optional_id(spend.lease_id, None),
                _within(spend.amount, BUDGET_MAX),
                _decode_moment(spend.spent_at),
            )
        case _:
            back = parse_message(pb.LeaseReturn, payload)
            return LeaseReturn(
                require_id(back.budget_id),
                require_id(back.lease_id),
                _within(back.unused, BUDGET_MAX),
                _decode_moment(back.returned_at),
            )


def _encode_moment(moment: LocalMoment) -> pb.LocalMoment:
    return pb.LocalMoment(at_us=moment.at_us, utc_offset_seconds=moment.utc_offset_seconds, zone=moment.zone)


def _decode_moment(message: pb.LocalMoment) -> LocalMoment:
    moment = LocalMoment(message.at_us, message.utc_offset_seconds, message.zone)
    _code(moment.zone)
    if not EARLIEST_US <= moment.at_us <= LATEST_US or not -86_400 < moment.utc_offset_seconds < 86_400:
        raise DecodeError("A moment lies outside 1970–2099, or its offset outside a day.")
    return moment


def _decode_date(days: int) -> date:
    if not 0 <= days <= _DAYS_MAX:
        raise DecodeError("A business date lies outside 1970–2099.")
    return date_from_days(days)


def _code(text: str) -> str:
    if not 0 < len(text) <= CODE_CHARACTERS_MAX or "\0" in text:
        raise DecodeError("A code is empty, longer than allowed or holds a zero byte.")
    return text


def _currency(text: str) -> str:
    if len(text) != 3 or not text.isascii() or not text.isalpha() or not text.isupper():
        raise DecodeError("A currency does not have three letters.")
    return text


def _receipt_number(number: int) -> int:
    if not 0 < number <= RECEIPT_NUMBER_MAX:
        raise DecodeError(f"The receipt number {number} is out of range.")
    return number


def _within(value: int, maximum: int) -> int:
    if value > maximum:
        raise DecodeError(f"The number {value} is larger than {maximum}.")
    return value
