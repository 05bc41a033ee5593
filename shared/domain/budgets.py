"""Budgets: an amount of something that the chain may spend once, wherever it is spent."""

from __future__ import annotations

import re
from decimal import Decimal

from shared.domain.identifiers import derived_id
from shared.domain.money import BUDGET_MAX, THOUSAND, quantity_number
from shared.errors import InvalidInput

OWNER_CHARACTERS_MAX = 200
_PRODUCT = "product:"
_WHOLE, _PARTS = re.compile(r"[0-9]{1,18}"), re.compile(r"[0-9]{1,15}\.[0-9]{1,3}")


def owner_of_product(sku: str) -> str:
    """Whose budget a limited product is sold from; it counts thousandths of a unit."""
    return f"{_PRODUCT}{sku}"


def amount_number(owner: str, amount: int) -> int | float:
    """An amount as people know it: of a product in its units, 2 or 0.5, else as it is."""
    return quantity_number(amount) if owner.startswith(_PRODUCT) else amount


def parse_amount(owner: str, text: str) -> int:
    """What a person wrote: of a product in its units, else a whole number. Raises InvalidInput."""
    if _WHOLE.fullmatch(text):
        whole = int(text)
        return require_amount(whole * THOUSAND if owner.startswith(_PRODUCT) else whole)
    if not owner.startswith(_PRODUCT) or not _PARTS.fullmatch(text):
        raise InvalidInput(f"“{text}” is no amount of {owner}.", "Write a number, such as 12.")
    return require_amount(int(Decimal(text) * THOUSAND))


def budget_id(chain_id: bytes, owner: str) -> bytes:
    """The id of an owner's budget: a branch can name it before it has heard of it."""
    return derived_id("budget", chain_id, owner.encode())


def require_owner(owner: str) -> str:
    """What a budget is for. Raises InvalidInput."""
    if not owner.strip() or len(owner) > OWNER_CHARACTERS_MAX or not owner.isprintable():
        raise InvalidInput(f"A budget's owner has 1 to {OWNER_CHARACTERS_MAX} printable characters.")
    return owner


def require_amount(amount: int) -> int:
    """Raises InvalidInput."""
    if not 0 < amount <= BUDGET_MAX:
        raise InvalidInput(f"The amount must be from 1 to {BUDGET_MAX}.")
    return amount
