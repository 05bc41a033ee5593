"""Rates in basis points as people write and read them."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from shared.domain.identifiers import shorten
from shared.domain.money import scale_exactly
from shared.errors import InvalidInput


def parse_percent(text: str) -> int:
    """`12.5` as basis points, 1250. Raises InvalidInput."""
    try:
        basis_points = scale_exactly(Decimal(text.replace(",", ".").removesuffix("%")), 2)
    except InvalidOperation:
        basis_points = None
    if basis_points is None or not 0 <= basis_points <= 10_000:
        raise InvalidInput(f"“{shorten(text)}” is no percentage from 0 to 100.", "Write 12.5 for twelve and a half.")
    return basis_points


def format_percent(basis_points: int) -> str:
    """Basis points as people read them: `12.5 %`."""
    whole, part = divmod(basis_points, 100)
    return f"{whole}.{part:02d}".rstrip("0").rstrip(".") + " %" if part else f"{whole} %"
