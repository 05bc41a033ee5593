"""The text of a receipt's QR code: which receipt this is, and the branch's signature over that.

    filial:1:BRANCH:RECEIPT:SALE_ID:TOTAL:DATE:SIGNATURE

Everything up to and with the last colon is signed. The sale's id is 32 hexadecimal digits, the total minor units, the
date YYYY-MM-DD, the signature (r and s of ECDSA P-256, 32 bytes each) base64url without padding. In the branch's code
and the receipt number every character but letters, digits, `-`, `.`, `_` and `~` is percent-encoded UTF-8.
"""

from __future__ import annotations

import re
from datetime import date
from typing import NamedTuple
from urllib.parse import quote, unquote

from shared.domain.business_time import parse_date
from shared.domain.identifiers import shorten
from shared.domain.money import TOTAL_MINOR_MAX
from shared.errors import InvalidInput

QR_PREFIX = "filial:1:"
QR_CHARACTERS_MAX = 1_000
# The last of 86 characters carries two bits: only four letters are written there.
_PATTERN = re.compile(
    r"filial:1:(?P<branch>[^:]{1,400}):(?P<receipt>[^:]{1,400}):(?P<sale_id>[0-9a-f]{32})"
    r":(?P<total>-?(?:0|[1-9][0-9]{0,15})):(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2}):(?P<signature>[A-Za-z0-9_-]{85}[AQgw])?",
    re.ASCII,
)


class ReceiptIdentity(NamedTuple):
    """Which receipt it is. `total_minor` is what was paid, or paid back."""

    branch_code: str
    receipt: str
    sale_id: bytes
    total_minor: int
    business_date: date


class ParsedQr(NamedTuple):
    """What a scanned code claims; `signature` is empty when it carries none."""

    identity: ReceiptIdentity
    signature: str


def unsigned_qr(identity: ReceiptIdentity) -> str:
    """The signed part: the code's text without its signature."""
    code, receipt, sale_id, total_minor, day = identity
    return f"{QR_PREFIX}{quote(code, safe='')}:{quote(receipt, safe='')}:{sale_id.hex()}:{total_minor}:{day}:"


def needs_signature(text: str) -> bool:
    """Whether this is a receipt's code that was not signed yet."""
    return text.startswith(QR_PREFIX) and text.endswith(":")


def parse_qr(text: str) -> ParsedQr:
    """What a scanned code says, believed by nobody before its signature was checked. Raises InvalidInput."""
    match = _PATTERN.fullmatch(text) if len(text) <= QR_CHARACTERS_MAX else None
    if match is None or abs(int(match["total"])) > TOTAL_MINOR_MAX:
        raise _no_receipt(text)
    try:
        code, receipt = unquote(match["branch"], errors="strict"), unquote(match["receipt"], errors="strict")
    except UnicodeDecodeError:
        raise _no_receipt(text) from None
    day = parse_date(match["date"], "The receipt's date")
    identity = ReceiptIdentity(code, receipt, bytes.fromhex(match["sale_id"]), int(match["total"]), day)
    if unsigned_qr(identity) + (match["signature"] or "") != text:
        raise _no_receipt(text)  # there is one way to write it: two texts are never one receipt
    return ParsedQr(identity, match["signature"] or "")


def _no_receipt(text: str) -> InvalidInput:
    return InvalidInput(f"“{shorten(text)}” is not the code of a receipt.", "Scan the square code at its foot.")
