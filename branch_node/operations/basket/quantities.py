"""What a line may hold: more than nothing, and no more than a receipt can carry."""

from __future__ import annotations

from branch_node.storage.baskets import LineRow
from shared.domain.money import AMOUNT_MINOR_MAX, QUANTITY_THOUSANDTHS_MAX, THOUSAND, extend_price
from shared.errors import InvalidInput


def require_quantity(quantity_thousandths: int) -> int:
    """A quantity that a line may have. Raises InvalidInput."""
    if type(quantity_thousandths) is not int or not 0 < quantity_thousandths <= QUANTITY_THOUSANDTHS_MAX:
        raise InvalidInput(f"A quantity is more than 0 and at most {QUANTITY_THOUSANDTHS_MAX // THOUSAND}.")
    return quantity_thousandths


def require_affordable(line: LineRow) -> LineRow:
    """Raises InvalidInput when price × quantity is more than a line may cost."""
    price = line.unit_price_minor if line.manual_price_minor is None else line.manual_price_minor
    if extend_price(price or 0, line.quantity_thousandths) > AMOUNT_MINOR_MAX:
        raise InvalidInput(f"Price × quantity of {line.name} is larger than {AMOUNT_MINOR_MAX}.", "Mend the quantity.")
    return line
