"""A document as JSON, for the print queue: it is printed as it was queued, whatever became of names and prices."""

from __future__ import annotations

import json
from dataclasses import fields
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
    """One line of JSON in ASCII: half a surrogate pair in a name could not be stored otherwise, and stop the sale."""
    return json.dumps(document, separators=(",", ":"), default=_plain)


def document_from_json(text: str) -> ReceiptDocument:
    """The document again. Raises DecodeError when it is none, or one of a release with other fields."""
    try:
        return _document(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise DecodeError("A stored document cannot be read.", "Print the receipt again from its sale.") from None


def _plain(value: Any) -> dict[str, Any]:
    """A part of the document by its fields; `asdict` would copy everything, at three times the price."""
    return {each.name: getattr(value, each.name) for each in fields(value)}


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
