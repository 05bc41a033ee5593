"""Payloads of the ledgers' facts: what breaks its own types or limits is refused as undecodable."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.business_time import local_moment
from shared.domain.loyalty import POINTS_MAX, LoyaltyEntry
from shared.domain.stock import MOVEMENT_LINES_MAX, STOCK_THOUSANDTHS_MAX, MovementLine, StockMovement
from shared.errors import DecodeError
from shared.wire.generated import records_pb2 as pb
from shared.wire.ledger_payloads import (
    decode_loyalty_entry,
    decode_stock_movement,
    encode_loyalty_entry,
    encode_stock_movement,
)
from tests.support.clock import START_US

AT = local_moment(START_US, "Europe/Moscow")
LINE = MovementLine("952", None, -5, None, 0, 5)
MOVEMENT = StockMovement("counted", "", None, "anna", (LINE,), AT)
ENTRY = LoyaltyEntry(b"c" * 16, "earned", 5, None, None, 0, "", AT)


def test_a_count_of_zero_and_the_first_day_of_the_era_are_not_absent() -> None:
    assert decode_stock_movement(encode_stock_movement(MOVEMENT).SerializeToString()) == MOVEMENT
    assert decode_loyalty_entry(encode_loyalty_entry(ENTRY).SerializeToString()) == ENTRY


@pytest.mark.parametrize(
    "changes",
    [{"reason": "stolen"}, {"reason": ""}, {"employee": ""}, {"document": "x" * 65}, {"register": "a\0"}],
    ids=str,
)
def test_a_movement_that_breaks_its_types_is_refused(changes: dict[str, Any]) -> None:
    message = encode_stock_movement(MOVEMENT)
    for name, value in changes.items():
        setattr(message, name, value)
    with pytest.raises(DecodeError):
        decode_stock_movement(message.SerializeToString())


@pytest.mark.parametrize(
    "changes",
    [
        {"sku": ""},
        {"product_id": b"short"},
        {"quantity_thousandths": STOCK_THOUSANDTHS_MAX + 1},
        {"quantity_thousandths": -STOCK_THOUSANDTHS_MAX - 1},
        {"counted_thousandths": STOCK_THOUSANDTHS_MAX + 1},
        {"expected_thousandths": -STOCK_THOUSANDTHS_MAX - 1},
        {"cost_minor": 2**64 - 1},
    ],
    ids=str,
)
def test_a_line_of_a_movement_that_breaks_its_limits_is_refused(changes: dict[str, Any]) -> None:
    message = encode_stock_movement(MOVEMENT)
    for name, value in changes.items():
        setattr(message.lines[0], name, value)
    with pytest.raises(DecodeError):
        decode_stock_movement(message.SerializeToString())


@pytest.mark.parametrize("lines", [0, MOVEMENT_LINES_MAX + 1])
def test_a_movement_has_a_line_and_a_most_of_them(lines: int) -> None:
    message = encode_stock_movement(MOVEMENT)
    del message.lines[:]
    message.lines.extend([pb.StockMovementLine(sku="952")] * lines)
    with pytest.raises(DecodeError):
        decode_stock_movement(message.SerializeToString())


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": b""},
        {"kind": "won"},
        {"points": POINTS_MAX + 1},
        {"points": -POINTS_MAX - 1},
        {"expires_on": 2**31},
    ],
    ids=str,
)
def test_an_entry_of_points_that_breaks_its_types_is_refused(changes: dict[str, Any]) -> None:
    message = encode_loyalty_entry(ENTRY)
    for name, value in changes.items():
        setattr(message, name, value)
    with pytest.raises(DecodeError):
        decode_loyalty_entry(message.SerializeToString())
