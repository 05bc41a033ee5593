"""A document as JSON, for the print queue: it is printed as it was queued, whatever became of names and prices."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from typing import Any

from shared.domain.business_time import LocalMoment
from shared.domain.receipt_document import (
    DocumentHeader,
    DocumentItem,
    DocumentKind,
    DocumentSum,
    ReceiptDocument,
)
from shared.errors import DecodeError


def document_to_json(document: ReceiptDocument) -> str:
    """One line of JSON."""
    return json.dumps(asdict(document), ensure_ascii=False, separators=(",", ":"), default=_plain)


def document_from_json(text: str) -> ReceiptDocument:
    """The document again. Raises DecodeError when it is none, or one of a release with other fields."""
    try:
        return _document(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise DecodeError("A stored document cannot be read.", "Print the receipt again from its sale.") from None


def _plain(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(type(value).__name__)


def _document(found: dict[str, Any]) -> ReceiptDocument:
    head = found["header"]
    header = {**head, "moment": LocalMoment(*head["moment"]), "lines": tuple(head["lines"])}
    sums = {name: tuple(DocumentSum(**each) for each in found[name]) for name in ("totals", "payments", "vat")}
    texts = {name: tuple(found[name]) for name in ("notes", "closing_notes", "footer", "fiscal_lines")}
    made: dict[str, Any] = {
        **found,
        **sums,
        **texts,
        "kind": DocumentKind(found["kind"]),
        "header": DocumentHeader(**header),
        "items": tuple(DocumentItem(**each) for each in found["items"]),
    }
    return ReceiptDocument(**made)
