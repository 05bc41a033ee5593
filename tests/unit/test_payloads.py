"""Payloads of facts: what goes in comes out, and anything else is refused as undecodable."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.money import AMOUNT_MINOR_MAX, QUANTITY_THOUSANDTHS_MAX, TOTAL_MINOR_MAX
from shared.domain.sales import CASH, LINES_MAX, PAYMENTS_MAX, Payment, Refund, Sale
from shared.domain.shifts import ShiftClose, ShiftOpen
from shared.errors import DecodeError
from shared.wire.generated import records_pb2 as pb
from shared.wire.payloads import (
    decode_refund,
    decode_sale,
    decode_shift_close,
    decode_shift_open,
    encode_refund,
    encode_sale,
    encode_shift_close,
    encode_shift_open,
)
from tests.support.journal import line
from tests.support.journal import sale as make_sale
from tests.support.strategies import MANY, SOME, damaged, refunds, sales, shift_closes, shift_opens

Decode = Callable[[bytes], object]
DECODERS: list[Decode] = [decode_sale, decode_refund, decode_shift_open, decode_shift_close]


@MANY
@given(sales)
def test_a_sale_is_read_as_it_was_written(sale: Sale) -> None:
    assert decode_sale(encode_sale(sale)) == sale


@MANY
@given(refunds)
def test_a_refund_is_read_as_it_was_written(refund: Refund) -> None:
    assert decode_refund(encode_refund(refund)) == refund


@SOME
@given(damaged(refunds.map(encode_refund)))
def test_a_damaged_refund_is_read_or_refused_as_undecodable(data: bytes) -> None:
    with suppress(DecodeError):
        assert decode_refund(encode_refund(decode_refund(data))) == decode_refund(data)


@SOME
@given(shift_opens)
def test_an_opened_shift_is_read_as_it_was_written(shift: ShiftOpen) -> None:
    assert decode_shift_open(encode_shift_open(shift)) == shift


@SOME
@given(shift_closes)
def test_a_closed_shift_is_read_as_it_was_written(shift: ShiftClose) -> None:
    assert decode_shift_close(encode_shift_close(shift)) == shift


def test_a_count_of_zero_is_not_an_absent_count() -> None:
    sale = make_sale(1)
    closed = ShiftClose(
        b"s" * 16,
        "1",
        "anna",
        sale.sold_at,
        sale.business_date,
        "RUB",
        0,
        0,
        0,
        0,
        0,
        0,
        (),
        0,
        0,
        counted_cash_minor=0,
    )
    assert decode_shift_close(encode_shift_close(closed)).counted_cash_minor == 0


@pytest.mark.parametrize("decode", DECODERS)
@MANY
@given(data=st.binary(max_size=200))
def test_random_bytes_are_read_or_refused_as_undecodable(decode: Decode, data: bytes) -> None:
    with suppress(DecodeError):
        decode(data)


@MANY
@given(damaged(sales.map(encode_sale)))
def test_a_damaged_sale_is_read_or_refused_as_undecodable(data: bytes) -> None:
    try:
        sale = decode_sale(data)
    except DecodeError:
        return
    assert decode_sale(encode_sale(sale)) == sale


@SOME
@given(damaged(shift_opens.map(encode_shift_open)), damaged(shift_closes.map(encode_shift_close)))
def test_a_damaged_shift_is_read_or_refused_as_undecodable(opened: bytes, closed: bytes) -> None:
    for decode, data in ((decode_shift_open, opened), (decode_shift_close, closed)):
        with suppress(DecodeError):
            decode(data)


def change(**changes: Any) -> bytes:
    """A sound sale's payload with some fields of the message set to something else."""
    message = pb.Sale.FromString(encode_sale(make_sale(1)))
    for name, value in changes.items():
        setattr(message, name, value)
    return message.SerializeToString()


@pytest.mark.parametrize(
    "changes",
    [
        {"shift_id": b""},
        {"shift_id": b"x" * 15},
        {"client_id": b"x" * 17},
        {"register": ""},
        {"register": "x" * 65},
        {"register": "a\0"},
        {"cashier": ""},
        {"receipt_number": 2**62 + 1},
        {"business_date": -1},
        {"business_date": 50_000},
        {"currency": ""},
        {"currency": "RU"},
        {"currency": "R1B"},
        {"currency": "РУБ"},
        {"client": "x" * 65},
        {"client": "a\0b"},
        {"change_minor": TOTAL_MINOR_MAX * PAYMENTS_MAX + 1},
    ],
    ids=str,
)
def test_a_sale_that_breaks_its_own_types_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(DecodeError):
        decode_sale(change(**changes))


@pytest.mark.parametrize("changes", [{"receipt_number": 0}, {"currency": "rub"}], ids=str)
def test_a_sale_that_no_branch_could_have_made_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(DecodeError):
        decode_sale(change(**changes))


def with_line(**changes: Any) -> bytes:
    """A sound sale's payload whose line is changed."""
    message = pb.Sale.FromString(encode_sale(make_sale(1)))
    for name, value in changes.items():
        setattr(message.lines[0], name, value)
    return message.SerializeToString()


@pytest.mark.parametrize(
    "changes",
    [
        {"sku": ""},
        {"sku": "x" * 65},
        {"product_id": b"short"},
        {"quantity_thousandths": QUANTITY_THOUSANDTHS_MAX + 1},
        {"amount_minor": AMOUNT_MINOR_MAX + 1},
        {"discount_minor": 2**64 - 1},
        {"category": "a\0b"},
        {"category": "x" * 2_001},
    ],
    ids=str,
)
def test_a_line_that_breaks_its_own_types_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(DecodeError):
        decode_sale(with_line(**changes))


@pytest.mark.parametrize(("at_us", "offset"), [(-1, 0), (2**62, 0), (0, 86_400), (0, -86_400)])
def test_a_moment_outside_the_era_is_refused(at_us: int, offset: int) -> None:
    message = pb.Sale.FromString(encode_sale(make_sale(1)))
    message.sold_at.at_us, message.sold_at.utc_offset_seconds = at_us, offset
    with pytest.raises(DecodeError):
        decode_sale(message.SerializeToString())


@pytest.mark.parametrize("zone", ["", "x" * 65, "a\0b"])
def test_a_moment_without_a_sound_zone_is_refused(zone: str) -> None:
    message = pb.Sale.FromString(encode_sale(make_sale(1)))
    message.sold_at.zone = zone
    with pytest.raises(DecodeError):
        decode_sale(message.SerializeToString())


def test_a_sale_needs_a_line_and_has_a_most_of_lines_and_payments() -> None:
    sound = make_sale(1)
    full = sound._replace(lines=(line(),) * LINES_MAX, payments=(Payment(CASH, 1),) * PAYMENTS_MAX)
    assert decode_sale(encode_sale(full)) == full
    too_many = (
        sound._replace(lines=()),
        sound._replace(lines=(line(),) * (LINES_MAX + 1)),
        sound._replace(payments=(Payment(CASH, 1),) * (PAYMENTS_MAX + 1)),
    )
    for sale in too_many:
        with pytest.raises(DecodeError):
            decode_sale(encode_sale(sale))


def test_a_field_of_a_newer_release_does_not_make_a_sale_unreadable() -> None:
    newer = encode_sale(make_sale(1)) + b"\xfa\x07\x03new"  # field 127, three bytes
    assert decode_sale(newer) == make_sale(1)
