"""Where a safeguard is taken away from production code, or would have been."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Site:
    """Where a safeguard is taken away – or, when only watching, would have been. `acted`: it made a difference."""

    watching: bool = False
    acted: bool = False

    def acts(self, differs: bool) -> bool:
        """Asked whenever the two would part: whether to go the way without the safeguard."""
        self.acted = self.acted or differs
        return differs and not self.watching
