"""What a till or a file asks to be sold, read from one JSON document. Nothing is looked up here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

from shared.domain.exchanges import is_exchange
from shared.domain.identifiers import is_encodable, require_code, shorten
from shared.domain.money import TOTAL_MINOR_MAX, parse_quantity, require_minor
from shared.domain.sales import LINES_MAX, PAYMENTS_MAX, Payment
from shared.errors import InvalidInput

KEY_CHARACTERS_MAX = 200
LINE_BYTES_MAX = 1_048_576

_SALE_FIELDS = {"key", "register", "cashier", "sold_at", "client", "lines", "payments"}
_LINE_FIELDS = {"sku", "quantity", "amount_minor", "discount_minor"}
_PAYMENT_FIELDS = {"method", "amount_minor"}


_encode = json.JSONEncoder(ensure_ascii=False).encode


class LineRequest(NamedTuple):
    """One line as asked for. Without an amount, the price list decides. Name and reason are printed as they are."""

    sku: str
    quantity_thousandths: int
    amount_minor: int | None
    discount_minor: int
    name: str | None = None
    reason: str | None = None


class ReturnedLine(NamedTuple):
    """So much of a line of a receipt comes back."""

    line: int
    quantity_thousandths: int


class ReturnedGoods(NamedTuple):
    """What comes back in the same receipt: of a sale of this branch. `credit_minor` is what it is worth in money, as
    the cashier and the client saw it: when it is worth something else by now, nothing is exchanged."""

    sale_id: bytes
    lines: tuple[ReturnedLine, ...]
    credit_minor: int
    authorised_by: str | None = None
    reason: str | None = None


class SaleRequest(NamedTuple):
    """A sale as asked for. `sold_at` is the text as it came, None for now.

    What is due is the sum of the lines and the rounding.
    `content_hash` is equal for equal content, whatever the spelling: a repeated key is held against it.
    `card_references` name what the terminal approved, one for each payment by card in their order; without any, what it
    approved under this key is looked for. With goods that are `returned` it is an exchange, and the payments are those
    of the difference.
    """

    key: str
    register: str
    cashier: str
    sold_at: str | None
    client: str | None
    lines: tuple[LineRequest, ...]
    payments: tuple[Payment, ...]
    content_hash: bytes
    rounding_minor: int = 0
    card_references: tuple[str, ...] = ()
    returned: ReturnedGoods | None = None


def parse_object(line: str | bytes) -> dict[str, Any]:
    """One JSON object. Decimals stay exact. Raises InvalidInput."""
    if len(line) > LINE_BYTES_MAX:
        raise InvalidInput(f"The line is longer than {LINE_BYTES_MAX} bytes.")
    try:
        text = line.decode("utf-8") if isinstance(line, bytes) else line
        document = _decode(text)
    except UnicodeDecodeError:
        raise InvalidInput("The line is not UTF-8 text.") from None
    except (ValueError, RecursionError, ArithmeticError):
        raise InvalidInput("The line is not JSON.") from None
    if not isinstance(document, dict):
        raise InvalidInput("The line is not a JSON object.")
    return document


def parse_sale_request(document: dict[str, Any]) -> SaleRequest:
    """Raises InvalidInput with the first thing that is wrong."""
    only(document, _SALE_FIELDS, "A sale")
    key = parse_key(document)
    register = require_code(document.get("register"), "register")
    cashier = require_code(document.get("cashier"), "cashier")
    sold_at = document.get("sold_at")
    if sold_at is not None and not (isinstance(sold_at, str) and sold_at.isprintable()):
        raise InvalidInput("sold_at must be a text such as 2017-01-01T11:53:26.")
    client = document.get("client")
    if client is not None:
        client = require_code(client, "client")
    lines = parse_each(document.get("lines"), "lines", LINES_MAX, _parse_line)
    if not lines:
        raise InvalidInput("A sale needs at least one line.")
    if sum(line.discount_minor for line in lines) > TOTAL_MINOR_MAX:
        raise InvalidInput(f"The discounts come to more than {TOTAL_MINOR_MAX}.")
    payments = parse_each(document.get("payments"), "payments", PAYMENTS_MAX, parse_payment)
    content = (register, cashier, sold_at, client, lines, payments)
    # Lines as the first release hashed them: a key that was committed then must still be known.
    plain = (register, cashier, sold_at, client, [line[:4] for line in lines], payments)
    return SaleRequest(key, *content, hash_content(plain))


def hash_content(content: Any) -> bytes:
    """Equal for equal content: plain values, lists and tuples of them."""
    return hashlib.sha256(_encode(content).encode()).digest()


def parse_key(document: dict[str, Any]) -> str:
    """The idempotency key. Raises InvalidInput."""
    key = document.get("key")
    if not isinstance(key, str) or not 0 < len(key) <= KEY_CHARACTERS_MAX:
        raise InvalidInput(f"key must be a text of 1 to {KEY_CHARACTERS_MAX} characters.")
    if "\0" in key or not is_encodable(key):
        raise InvalidInput("key has characters that cannot be stored.")
    return key


def _parse_line(value: Any, where: str) -> LineRequest:
    if not isinstance(value, dict):
        raise InvalidInput(f"{where} must be an object.")
    only(value, _LINE_FIELDS, where)
    amount = value.get("amount_minor")
    return LineRequest(
        sku=require_code(value.get("sku"), f"{where}: sku"),
        quantity_thousandths=parse_quantity(value.get("quantity"), f"{where}: quantity"),
        amount_minor=None if amount is None else require_minor(amount, f"{where}: amount_minor"),
        discount_minor=require_minor(value.get("discount_minor", 0), f"{where}: discount_minor"),
    )


def parse_payment(value: Any, where: str) -> Payment:
    """Raises InvalidInput."""
    if not isinstance(value, dict):
        raise InvalidInput(f"{where} must be an object.")
    only(value, _PAYMENT_FIELDS, where)
    method = require_code(value.get("method"), f"{where}: method")
    if is_exchange(method):
        raise InvalidInput(
            f"Nothing is paid by “{method}”: goods that come back settle by themselves.",
            "Exchange goods on the till's page.",
        )
    return Payment(method, require_minor(value.get("amount_minor"), f"{where}: amount_minor"))


def parse_each(value: Any, name: str, maximum: int, parse: Callable[[Any, str], Any]) -> tuple[Any, ...]:
    """Each item of a list. Raises InvalidInput."""
    if not isinstance(value, list):
        raise InvalidInput(f"{name} must be a list.")
    if len(value) > maximum:
        raise InvalidInput(f"{name} has {len(value)} items; the limit is {maximum}.")
    return tuple([parse(item, f"{name}[{number}]") for number, item in enumerate(value, 1)])


def only(document: dict[str, Any], known: set[str], what: str) -> None:
    """Raises InvalidInput when the document has a field that is not known."""
    if not document.keys() <= known:
        unknown = sorted(document.keys() - known)[0]
        raise InvalidInput(f"{what} has no field “{shorten(unknown)}”.", f"It knows: {', '.join(sorted(known))}.")


def _refuse_constant(name: str) -> None:
    raise InvalidInput(f"{name} is not a number.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise InvalidInput("A field is given twice.")
    return document


_decode = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_unique).decode
