"""A branch's settings as they come from elsewhere: which of their values this release can use."""

from __future__ import annotations

from shared.domain.business_time import require_zone
from shared.domain.cards import Value
from shared.domain.money import require_currency
from shared.errors import InvalidInput
from shared.sync.messages import ProcessingMode, WhenUnreachable


def is_usable_setting(name: str, value: Value) -> bool:
    """Whether a text is a value of that setting; of settings that are free texts any is."""
    if not isinstance(value, str):
        return False
    try:
        match name:
            case "mode":
                ProcessingMode(value)
            case "when_unreachable":
                WhenUnreachable(value)
            case "timezone":
                require_zone(value)
            case "currency":
                require_currency(value)
    except (ValueError, InvalidInput):
        return False
    return True
