"""What movements of goods are called, on both programs' pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.web.translations import LazyText
from shared.web.translations import lazy_text as _

KINDS: Final[Mapping[str, LazyText]] = {
    "sold": _("sold"),
    "refunded": _("given back"),
    "received": _("received"),
    "written_off": _("written off"),
    "counted": _("counted"),
    "returned_to_supplier": _("returned to the supplier"),
    "moved": _("moved between shops"),
}
"""Why stock changed, as people say it."""
