"""Square codes of receipts: signing a document's code, and the code as modules, SVG or a picture in dots."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import segno

from shared.certificates import PrivateKey
from shared.domain.receipt_document import ReceiptDocument
from shared.domain.receipt_identity import ParsedQr, ReceiptIdentity, needs_signature, parse_qr
from shared.operations.receipt_signatures import sign_qr, verify_qr

__all__ = [
    "ParsedQr",
    "QrMatrix",
    "ReceiptIdentity",
    "parse_qr",
    "qr_matrix",
    "qr_svg",
    "sign_document",
    "signer_of",
    "verify_qr",
]

QUIET_ZONE_MODULES = 4
"""The white edge that readers need (ISO/IEC 18004 §5.3.8)."""

QrMatrix = tuple[tuple[bool, ...], ...]
"""Rows of modules, True is dark, without the quiet zone."""


def signer_of(key: PrivateKey) -> Callable[[str], str]:
    """Completes a code's text with the signature of this branch."""
    return lambda unsigned: sign_qr(unsigned, key)


def sign_document(document: ReceiptDocument, sign: Callable[[str], str] | None) -> ReceiptDocument:
    """The document with its code signed, if it has an unsigned one and there is a key."""
    if sign is None or not needs_signature(document.qr):
        return document
    return replace(document, qr=sign(document.qr))


def qr_matrix(text: str) -> QrMatrix:
    """The code of a text, medium error correction."""
    code = segno.make_qr(text, error="m", boost_error=False)
    return tuple(tuple(bool(module) for module in row) for row in code.matrix)


def qr_svg(text: str, scale: int = 3) -> str:
    """The code as an SVG element for a page; it has neither style nor script."""
    code = segno.make_qr(text, error="m", boost_error=False)
    return str(code.svg_inline(scale=scale, border=QUIET_ZONE_MODULES, omitsize=False))
