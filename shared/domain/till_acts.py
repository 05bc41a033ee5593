"""What may be done by hand at a till that an auditor wants to see: the actions of an `AuditEntry`."""

from __future__ import annotations

from typing import Final

LINE_REMOVED: Final = "line_removed"
PRICE_CHANGED: Final = "price_changed"
DISCOUNT_BY_HAND: Final = "discount_by_hand"
BASKET_ABANDONED: Final = "basket_abandoned"
BASKET_RESTORED: Final = "basket_restored"
DRAWER_OPENED: Final = "drawer_opened"
RECEIPT_REPRINTED: Final = "receipt_reprinted"
OVERRIDE: Final = "override"
MORE: Final = "more"
