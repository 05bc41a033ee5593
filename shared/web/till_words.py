"""What acts at the tills are called, on both programs' pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.web.translations import LazyText
from shared.web.translations import lazy_text as _

ACTIONS: Final[Mapping[str, LazyText]] = {
    "line_removed": _("line taken out"),
    "price_changed": _("price changed by hand"),
    "discount_by_hand": _("discount by hand"),
    "basket_abandoned": _("basket given up"),
    "basket_restored": _("basket taken back after it was given up"),
    "drawer_opened": _("drawer opened without a sale"),
    "receipt_reprinted": _("receipt printed again"),
    "override": _("allowed by a manager"),
    "contact_override": _("wrote to a client who wants no contact"),
    "client_opened": _("client opened for service"),
    "clients_exported": _("clients saved as a file"),
    "more": _("more of the same basket"),
}
