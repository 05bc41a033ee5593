"""A document as rows: what stands where, how large, in which order. Printers, PDF and pages draw the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from shared.domain.receipt_document import DocumentItem, DocumentKind, DocumentSum, ReceiptDocument, moment_text
from shared.domain.receipt_labels import label, price_text, total_text


class RowKind(StrEnum):
    """TEXT stands alone, PAIR has something at the right edge, RULE is a line across, QR is a square code."""

    TEXT = "text"
    CENTRED = "centred"
    PAIR = "pair"
    RULE = "rule"
    QR = "qr"


class Row(NamedTuple):
    """One row, not wrapped yet. `left` is the text, or the code's content; `right` is for a PAIR."""

    kind: RowKind
    left: str = ""
    right: str = ""
    bold: bool = False
    tall: bool = False


RULE = Row(RowKind.RULE)


def receipt_rows(document: ReceiptDocument) -> list[Row]:
    """Everything that the paper shows, top to bottom. A drawer document shows nothing."""
    if document.kind is DocumentKind.DRAWER:
        return []
    rows = [*_head(document), *_notes(document.notes)]
    for item in document.items:
        rows += _item(item, document)
    if document.items:
        rows.append(RULE)
    rows += [_sum(found, document.currency) for found in document.totals]
    rows += [_sum(found, document.currency) for found in document.payments]
    if document.vat:
        rows += [RULE, *(_sum(found, document.currency) for found in document.vat)]
    rows += [Row(RowKind.TEXT, note, bold=True) for note in document.closing_notes]
    rows.append(RULE)
    rows += [Row(RowKind.CENTRED, text, bold=True) for text in document.fiscal_lines]
    rows += [Row(RowKind.CENTRED, text) for text in document.footer]
    if document.qr:
        rows.append(Row(RowKind.QR, document.qr))
    if document.reprint:
        rows.append(Row(RowKind.CENTRED, label("reprint", document.language), bold=True))
    return rows


def _head(document: ReceiptDocument) -> Iterator[Row]:
    header, language = document.header, document.language
    yield Row(RowKind.CENTRED, header.chain, bold=True)
    yield Row(RowKind.CENTRED, f"{label('branch', language)}: {header.branch}")
    for text in header.lines:
        yield Row(RowKind.CENTRED, text)
    yield RULE
    if document.reprint:
        yield Row(RowKind.CENTRED, label("reprint", language), bold=True, tall=True)
    yield Row(RowKind.CENTRED, document.title, bold=True)
    register = f"{label('register', language)}: {header.register}"
    if header.receipt:
        yield Row(RowKind.PAIR, register, f"{label('receipt', language)} {header.receipt}")
    else:
        yield Row(RowKind.TEXT, register)
    yield Row(RowKind.PAIR, f"{label('cashier', language)}: {header.cashier}", moment_text(header.moment))
    yield RULE


def _notes(notes: tuple[str, ...]) -> Iterator[Row]:
    for note in notes:
        yield Row(RowKind.TEXT, note)
    if notes:
        yield RULE


def _item(item: DocumentItem, document: ReceiptDocument) -> Iterator[Row]:
    language, currency = document.language, document.currency
    if item.heading:
        yield Row(RowKind.TEXT, item.heading, bold=True)
    yield Row(RowKind.TEXT, item.name)
    times = "" if item.unit_price_minor is None else f" × {price_text(item.unit_price_minor, currency)}"
    yield Row(RowKind.PAIR, f"  {item.quantity}{times}", price_text(item.gross_minor, currency))
    if item.discount_minor:
        why = f" ({item.reason})" if item.reason else ""
        yield Row(RowKind.PAIR, f"  {label('discount', language)}{why}", price_text(-item.discount_minor, currency))
        yield Row(RowKind.PAIR, "  =", price_text(item.amount_minor, currency))
    elif item.reason:
        yield Row(RowKind.TEXT, f"  {item.reason}")
    yield Row(RowKind.PAIR, f"  {item.vat}", price_text(item.vat_minor, currency) if item.vat_minor else "")


def _sum(found: DocumentSum, currency: str) -> Row:
    text = total_text if found.strong else price_text
    return Row(RowKind.PAIR, found.label, text(found.amount_minor, currency), bold=found.strong, tall=found.strong)
