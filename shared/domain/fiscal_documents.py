"""What a fiscal device is told and answers, as plain values, and the answer on a receipt. Contains no device."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import NamedTuple

from shared.domain.business_time import LocalMoment
from shared.domain.receipt_document import ReceiptDocument
from shared.domain.receipt_labels import NOT_FISCAL_LINES
from shared.domain.sales import Payment
from shared.errors import DecodeError


class FiscalLine(NamedTuple):
    """What a fiscal device must know of a line; a rate of None is “no VAT”."""

    name: str
    quantity_thousandths: int
    amount_minor: int
    vat_basis_points: int | None


class FiscalReceipt(NamedTuple):
    """A sale or refund to be signed. `reference` is its id: asked twice, a device signs once."""

    reference: str
    register: str
    cashier: str
    moment: LocalMoment
    currency: str
    lines: tuple[FiscalLine, ...]
    payments: tuple[Payment, ...]
    rounding_minor: int = 0

    @property
    def total_minor(self) -> int:
        """What is paid, or paid back."""
        return sum(line.amount_minor for line in self.lines) + self.rounding_minor


class FiscalShift(NamedTuple):
    """A fiscal shift to be opened or closed. `reference`: asked twice, a device does it once."""

    reference: str
    register: str
    cashier: str
    moment: LocalMoment


class FiscalSign(NamedTuple):
    """What the device answers: the document's number and sign. `is_certified` is false for every simulator."""

    device_serial: str
    shift_number: int
    document_number: int
    sign: str
    is_certified: bool


def fiscal_to_json(document: FiscalReceipt | FiscalShift | FiscalSign) -> str:
    """One line of JSON in ASCII."""
    return json.dumps(document, separators=(",", ":"))


def fiscal_receipt_from_json(text: str) -> FiscalReceipt:
    """The receipt again. Raises DecodeError."""
    try:
        reference, register, cashier, moment, currency, lines, payments, rounding_minor = json.loads(text)
        found_lines = tuple(FiscalLine(*line) for line in lines)
        found_payments = tuple(Payment(*payment) for payment in payments)
        at = LocalMoment(*moment)
        return FiscalReceipt(reference, register, cashier, at, currency, found_lines, found_payments, rounding_minor)
    except (ValueError, TypeError) as error:
        raise DecodeError("A stored fiscal document cannot be read.", "Register the receipt by hand.") from error


def fiscal_shift_from_json(text: str) -> FiscalShift:
    """The shift again. Raises DecodeError."""
    try:
        reference, register, cashier, moment = json.loads(text)
        return FiscalShift(reference, register, cashier, LocalMoment(*moment))
    except (ValueError, TypeError) as error:
        raise DecodeError("A stored fiscal document cannot be read.", "Open or close the shift by hand.") from error


def fiscal_sign_from_json(text: str) -> FiscalSign:
    """The sign again."""
    return FiscalSign(*json.loads(text))


def fiscal_document(document: ReceiptDocument, sign: FiscalSign) -> ReceiptDocument:
    """The document with what the device answered; without a certified device it says NOT CERTIFIED as before."""
    lines = (f"ФН {sign.device_serial} ФД {sign.document_number} ФП {sign.sign}",)
    return replace(document, fiscal_lines=lines if sign.is_certified else (*NOT_FISCAL_LINES, *lines))
