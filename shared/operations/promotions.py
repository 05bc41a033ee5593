"""Promotions and VAT rates between their cards, their rows and the domain. Contains no arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.domain.cards import Value, require_value
from shared.domain.promotion_rules import Promotion, PromotionType, require_promotion
from shared.domain.records import RecordKind
from shared.domain.vat import DatedVatRate
from shared.errors import InvalidInput

_SETS = ("skus", "categories", "client_groups", "zones")
_OPTIONAL_NUMBERS = ("valid_from", "valid_to", "minute_from", "minute_to")
_NUMBERS = ("value", "n", "m", "minimum_minor", "priority")


def promotion_fields(promotion: Promotion) -> dict[str, Value]:
    """The fields of a promotion's card. Raises InvalidInput when it means nothing or is too large."""
    require_promotion(promotion)
    fields: dict[str, Value] = {
        "code": promotion.code,
        "name": promotion.name,
        "type": promotion.type.value,
        "weekdays": promotion.weekdays or None,
        "combinable": promotion.combinable,
        "per_basket": promotion.per_basket,
        "archived": False,
    }
    for name in _SETS:
        fields[name] = tuple(sorted(getattr(promotion, name)))
    for name in (*_NUMBERS, *_OPTIONAL_NUMBERS):
        fields[name] = getattr(promotion, name)
    return {name: require_value(RecordKind.PROMOTION, name, value) for name, value in fields.items()}


def promotion_of_row(row: Mapping[str, Any]) -> Promotion | None:
    """The promotion that a row of `promotion` shows; None for one that this release cannot make sense of."""
    try:
        return require_promotion(
            Promotion(
                promotion_id=row["id"],
                code=row["code"] or "",
                name=row["name"] or "",
                type=PromotionType(row["type"]),
                weekdays=row["weekdays"] or "",
                combinable=bool(row["combinable"]),
                per_basket=bool(row["per_basket"]),
                **_of_row(row),
            )
        )
    except (InvalidInput, ValueError):
        return None


def _of_row(row: Mapping[str, Any]) -> dict[str, Any]:
    sets = {name: frozenset((row[name] or "").split("\n")) - {""} for name in _SETS}
    numbers = {name: row[name] or 0 for name in _NUMBERS}
    return sets | numbers | {name: row[name] for name in _OPTIONAL_NUMBERS}


def vat_rate_of_row(row: Mapping[str, Any]) -> DatedVatRate:
    """The rate that a row of `vat_rate` shows."""
    return DatedVatRate(row["code"] or "", row["rate_basis_points"], row["valid_from"], row["valid_to"])
