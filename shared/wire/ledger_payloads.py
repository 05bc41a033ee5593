"""The payloads of the ledgers' facts: movements of stock and points of clients."""

from __future__ import annotations

from shared.domain.loyalty import ENTRY_KINDS, POINTS_MAX, LoyaltyEntry
from shared.domain.money import AMOUNT_MINOR_MAX
from shared.domain.stock import MOVEMENT_LINES_MAX, STOCK_THOUSANDTHS_MAX, MovementLine, MovementReason, StockMovement
from shared.errors import DecodeError
from shared.wire.fact_fields import DAYS_MAX, decode_moment, encode_moment, read_code, read_detail, read_within
from shared.wire.generated import records_pb2 as pb
from shared.wire.parsing import optional_id, parse_message, require_id

_REASONS = frozenset(map(str, MovementReason))


def encode_stock_movement(fact: StockMovement) -> pb.StockMovement:
    """The message of a movement."""
    message = pb.StockMovement(
        reason=fact.reason,
        document=fact.document,
        register=fact.register or "",
        employee=fact.employee,
        moved_at=encode_moment(fact.at),
        note=fact.note,
    )
    for sku, product_id, quantity, cost, counted, expected in fact.lines:
        message.lines.add(
            sku=sku,
            product_id=product_id or b"",
            quantity_thousandths=quantity,
            cost_minor=cost,
            counted_thousandths=counted,
            expected_thousandths=expected,
        )
    return message


def decode_stock_movement(payload: bytes) -> StockMovement:
    """Raises DecodeError."""
    message = parse_message(pb.StockMovement, payload)
    if message.reason not in _REASONS:
        raise DecodeError("Stock moves for a reason of another release.")
    if not 0 < len(message.lines) <= MOVEMENT_LINES_MAX:
        raise DecodeError(f"A movement of stock has no line, or more than {MOVEMENT_LINES_MAX}.")
    return StockMovement(
        message.reason,
        read_code(message.document) if message.document else "",
        read_code(message.register) if message.register else None,
        read_code(message.employee),
        tuple([_decode_line(line) for line in message.lines]),
        decode_moment(message.moved_at),
        read_detail(message.note),
    )


def _decode_line(line: pb.StockMovementLine) -> MovementLine:
    return MovementLine(
        read_code(line.sku),
        optional_id(line.product_id, None),
        _signed(line.quantity_thousandths, STOCK_THOUSANDTHS_MAX),
        read_within(line.cost_minor, AMOUNT_MINOR_MAX) if line.HasField("cost_minor") else None,
        read_within(line.counted_thousandths, STOCK_THOUSANDTHS_MAX) if line.HasField("counted_thousandths") else None,
        _signed(line.expected_thousandths, STOCK_THOUSANDTHS_MAX) if line.HasField("expected_thousandths") else None,
    )


def encode_loyalty_entry(fact: LoyaltyEntry) -> pb.LoyaltyEntry:
    """The message of an entry of points."""
    return pb.LoyaltyEntry(
        client_id=fact.client_id,
        kind=fact.kind,
        points=fact.points,
        sale_id=fact.sale_id or b"",
        refund_id=fact.refund_id or b"",
        expires_on=fact.expires_on,
        reason=fact.reason,
        made_at=encode_moment(fact.at),
    )


def decode_loyalty_entry(payload: bytes) -> LoyaltyEntry:
    """Raises DecodeError."""
    message = parse_message(pb.LoyaltyEntry, payload)
    if message.kind not in ENTRY_KINDS:
        raise DecodeError("Points are entered under a kind of another release.")
    return LoyaltyEntry(
        require_id(message.client_id),
        message.kind,
        _signed(message.points, POINTS_MAX),
        optional_id(message.sale_id, None),
        optional_id(message.refund_id, None),
        read_within(message.expires_on, DAYS_MAX) if message.HasField("expires_on") else None,
        read_detail(message.reason),
        decode_moment(message.made_at),
    )


def _signed(value: int, maximum: int) -> int:
    if abs(value) > maximum:
        raise DecodeError(f"The number {value} is further from zero than {maximum}.")
    return value
