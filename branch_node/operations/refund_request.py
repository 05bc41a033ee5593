"""What a till or a file asks to be taken back, read from one JSON document. Nothing is looked up here."""

from __future__ import annotations

from typing import Any, NamedTuple

from branch_node.operations.sale_request import hash_content, only, parse_each, parse_key, parse_payment
from shared.domain.identifiers import is_id, parse_id, require_code
from shared.domain.money import TOTAL_MINOR_MAX, parse_quantity, require_minor
from shared.domain.sales import DETAIL_CHARACTERS_MAX, LINES_MAX, PAYMENTS_MAX, Payment
from shared.errors import InvalidInput

_FIELDS = {
    "key",
    "register",
    "cashier",
    "receipt",
    "sale",
    "lines",
    "payments",
    "refunded_at",
    "reason",
    "authorised_by",
    "client",
    "branch",
}
_SOLD_FIELDS = {"line", "quantity"}
_LOOSE_FIELDS = {"sku", "quantity", "amount_minor"}


class SoldLineRequest(NamedTuple):
    """Some of a line of a sale; without a quantity, all that is left of it."""

    line: int
    quantity_thousandths: int | None


class LooseLineRequest(NamedTuple):
    """Goods that come back without a receipt, and what is given for them."""

    sku: str
    quantity_thousandths: int
    amount_minor: int


class RefundRequest(NamedTuple):
    """A refund as asked for.

    With a receipt – by its printed number or the sale's id – `lines` name lines of the sale, none of them all that is
    left. Without one, `loose_lines` say what comes back. Without payments the sale's methods decide. `branch` is the
    code of the branch that sold, when that is another. `content_hash` is equal for equal content. `card_references`
    are as in a sale: what the terminal paid back.
    """

    key: str
    register: str
    cashier: str
    receipt: str | None
    sale_id: bytes | None
    lines: tuple[SoldLineRequest, ...]
    loose_lines: tuple[LooseLineRequest, ...]
    payments: tuple[Payment, ...] | None
    refunded_at: str | None
    reason: str | None
    authorised_by: str | None
    client: str | None
    content_hash: bytes
    branch: str | None = None
    card_references: tuple[str, ...] = ()

    @property
    def has_receipt(self) -> bool:
        return self.receipt is not None or self.sale_id is not None


def parse_refund_request(document: dict[str, Any]) -> RefundRequest:
    """Raises InvalidInput with the first thing that is wrong."""
    only(document, _FIELDS, "A refund")
    key = parse_key(document)
    receipt, sale_id = _optional_code(document, "receipt"), _sale_id(document.get("sale"))
    has_receipt = receipt is not None or sale_id is not None
    lines, loose = _lines(document.get("lines"), has_receipt)
    given = document.get("payments")
    payments = None if given is None else parse_each(given, "payments", PAYMENTS_MAX, parse_payment)
    refunded_at = document.get("refunded_at")
    if refunded_at is not None and not (isinstance(refunded_at, str) and refunded_at.isprintable()):
        raise InvalidInput("refunded_at must be a text such as 2017-01-01T11:53:26.")
    content = (
        require_code(document.get("register"), "register"),
        require_code(document.get("cashier"), "cashier"),
        receipt,
        sale_id,
        lines,
        loose,
        payments,
        refunded_at,
        _reason(document.get("reason")),
        _optional_code(document, "authorised_by"),
        _optional_code(document, "client"),
    )
    plain = tuple(value.hex() if isinstance(value, bytes) else value for value in content)
    branch = _optional_code(document, "branch")
    if branch is not None and receipt is None:
        raise InvalidInput("Of another branch, a receipt is named by its number.", 'Give "receipt": "1-000001".')
    return RefundRequest(key, *content, hash_content(("refund", *plain, branch)), branch)


def _lines(value: Any, has_receipt: bool) -> tuple[tuple[SoldLineRequest, ...], tuple[LooseLineRequest, ...]]:
    if has_receipt:
        return (parse_each(value, "lines", LINES_MAX, _sold_line) if value is not None else ()), ()
    if not isinstance(value, list) or not value:
        raise InvalidInput("A refund names a receipt, or the goods that come back.", 'Give "receipt": "1-000001".')
    return (), parse_each(value, "lines", LINES_MAX, _loose_line)


def _sold_line(value: Any, where: str) -> SoldLineRequest:
    if not isinstance(value, dict):
        raise InvalidInput(f"{where} must be an object.")
    only(value, _SOLD_FIELDS, where)
    line, quantity = value.get("line"), value.get("quantity")
    if type(line) is not int or not 0 < line <= LINES_MAX:
        raise InvalidInput(f"{where}: line must be a line's number on the receipt, from 1.")
    return SoldLineRequest(line, None if quantity is None else parse_quantity(quantity, f"{where}: quantity"))


def _loose_line(value: Any, where: str) -> LooseLineRequest:
    if not isinstance(value, dict):
        raise InvalidInput(f"{where} must be an object.")
    if "line" in value:
        raise InvalidInput("A refund of lines names the receipt they are on.", 'Give "receipt": "1-000001".')
    only(value, _LOOSE_FIELDS, where)
    return LooseLineRequest(
        require_code(value.get("sku"), f"{where}: sku"),
        parse_quantity(value.get("quantity"), f"{where}: quantity"),
        require_minor(value.get("amount_minor"), f"{where}: amount_minor", TOTAL_MINOR_MAX // LINES_MAX),
    )


def _sale_id(value: Any) -> bytes | None:
    if value is None:
        return None
    if not isinstance(value, str) or not is_id(value):
        raise InvalidInput("sale must be the id of a sale, as `sell -` answered it.")
    return parse_id(value)


def _optional_code(document: dict[str, Any], name: str) -> str | None:
    value = document.get(name)
    return None if value is None else require_code(value, name)


def _reason(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or "\0" in value or len(value) > DETAIL_CHARACTERS_MAX:
        raise InvalidInput(f"reason must be a text of at most {DETAIL_CHARACTERS_MAX} characters.")
    return value or None
