"""What an auditor wants to see of a basket: recorded with the sale that it became, or when it is given up.

A basket is the shop's own and never leaves it. What was taken out of it, priced or reduced by hand is told once, in the
transaction that sells or abandons it, so that it reaches the head office with the sale and not without it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice

from branch_node.storage import baskets
from branch_node.storage.baskets import ActionRow, BasketRow, LineRow
from shared.domain.branch_facts import AuditEntry
from shared.domain.business_time import LocalMoment
from shared.domain.identifiers import is_id, parse_id
from shared.domain.money import extend_price
from shared.domain.receipt_document import quantity_text
from shared.domain.till_acts import (
    BASKET_ABANDONED,
    BASKET_RESTORED,
    DISCOUNT_BY_HAND,
    LINE_REMOVED,
    MORE,
    PRICE_CHANGED,
)

BASKET_KEY_PREFIX = "basket:"
"""A sale's key says which basket it was: see branch_node.operations.basket.settling."""

ENTRIES_PER_BASKET_MAX = 50
"""What is told of one basket; beyond it one entry says that there was more."""

DETAIL_SHOWN_MAX = 200
"""Characters of an entry's detail."""

_REMOVING = ("remove", "clear")


def audit_of_sale(cursor: object, key: str, at: LocalMoment) -> tuple[AuditEntry, ...]:
    """What is to be told of the basket that a sale's key names; nothing for a sale from elsewhere."""
    if not key.startswith(BASKET_KEY_PREFIX):
        return ()
    text = key[len(BASKET_KEY_PREFIX) :]
    basket = baskets.read_basket(cursor, parse_id(text)) if is_id(text) else None
    return () if basket is None else _bounded(_entries(cursor, basket, at), basket, at)


def audit_of_abandoned(cursor: object, basket: BasketRow, cashier: str, at: LocalMoment) -> tuple[AuditEntry, ...]:
    """What is to be told of a basket that somebody gives up; nothing of one that never held anything."""
    entries = _entries(cursor, basket, at)
    given_up = _of_everything(BASKET_ABANDONED, cursor, basket, cashier, at)
    return _bounded(entries if given_up is None else iter((given_up, *entries)), basket, at)


def audit_of_restored(cursor: object, basket: BasketRow, cashier: str, at: LocalMoment) -> AuditEntry | None:
    """What is to be told of a basket that was given up and is taken back; None when nothing was told before."""
    return _of_everything(BASKET_RESTORED, cursor, basket, cashier, at)


def _of_everything(action: str, cursor: object, basket: BasketRow, cashier: str, at: LocalMoment) -> AuditEntry | None:
    lines = baskets.read_lines(cursor, basket.id)
    if not lines:
        return None
    names = ", ".join(line.name for line in lines)
    worth_minor = sum(_worth_minor(line) for line in lines)
    return _entry(action, basket, worth_minor, f"{len(lines)}: {names}", at, by=cashier)


def _entries(cursor: object, basket: BasketRow, at: LocalMoment) -> Iterator[AuditEntry]:
    for action in reversed(baskets.actions_since(cursor, basket.id, 0)):
        if action.kind in _REMOVING and not action.undone:
            for line in _lines_before(action):
                yield _entry(LINE_REMOVED, basket, _worth_minor(line), _named(line), at)
    for line in baskets.read_lines(cursor, basket.id):
        yield from _of_line(basket, line, at)
    if basket.discount_kind is not None:
        detail = _discount(basket.discount_kind, basket.discount_value, basket.discount_reason)
        yield _entry(DISCOUNT_BY_HAND, basket, _amount_off(basket), detail, at, allowed_by=basket.discount_by)


def _of_line(basket: BasketRow, line: LineRow, at: LocalMoment) -> Iterator[AuditEntry]:
    if line.manual_price_minor is not None:
        detail = f"{_named(line)}: {line.unit_price_minor} → {line.manual_price_minor} {line.manual_price_reason or ''}"
        yield _entry(PRICE_CHANGED, basket, _worth_minor(line), detail, at, allowed_by=line.manual_price_by)
    if line.discount_kind is not None:
        detail = f"{_named(line)}: {_discount(line.discount_kind, line.discount_value, line.discount_reason)}"
        yield _entry(DISCOUNT_BY_HAND, basket, _amount_off(line), detail, at, allowed_by=line.discount_by)


def _bounded(entries: Iterator[AuditEntry], basket: BasketRow, at: LocalMoment) -> tuple[AuditEntry, ...]:
    told = tuple(islice(entries, ENTRIES_PER_BASKET_MAX))
    left = sum(1 for _ in entries)
    return (*told, _entry(MORE, basket, 0, str(left), at)) if left else told


def _entry(
    action: str,
    basket: BasketRow,
    amount_minor: int,
    detail: str,
    at: LocalMoment,
    by: str | None = None,
    allowed_by: str | None = None,
) -> AuditEntry:
    cashier = by or basket.cashier
    authorised_by = allowed_by if allowed_by != cashier else None
    shown = " ".join(detail.split())[:DETAIL_SHOWN_MAX]
    return AuditEntry(action, basket.register, cashier, authorised_by, amount_minor, shown, at)


def _lines_before(action: ActionRow) -> Sequence[LineRow]:
    """The lines that an action took out, as they were; its inverse holds them in column order."""
    lines = json.loads(action.inverse).get("lines", {})
    return [LineRow._make(values) for values in lines.values() if values is not None]


def _named(line: LineRow) -> str:
    return f"{line.sku} {line.name} × {quantity_text(line.quantity_thousandths)}"


def _worth_minor(line: LineRow) -> int:
    """What the line would have cost before discounts."""
    if line.manual_price_minor is None and line.embedded_amount_minor is not None:
        return line.embedded_amount_minor
    price = line.manual_price_minor if line.manual_price_minor is not None else line.unit_price_minor
    return 0 if price is None else extend_price(price, line.quantity_thousandths)


def _amount_off(discounted: BasketRow | LineRow) -> int:
    """The amount of a discount that was given as one; 0 for a percentage, whose detail says how much."""
    return (discounted.discount_value or 0) if discounted.discount_kind == "amount" else 0


def _discount(kind: str, value: int | None, reason: str | None) -> str:
    whole, part = divmod(value or 0, 100)
    amount = f"{whole}.{part:02d} %" if kind == "percent" else str(value or 0)
    return f"{amount} {reason or ''}"
