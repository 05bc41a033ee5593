"""Makes a wheel carry the web pages' assets. `make install` does so for an editable one."""

from __future__ import annotations

import sys
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class AssetsHook(BuildHookInterface):  # type: ignore[type-arg]
    """Hatch finds it by its base class."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fetches what is not there yet. Raises AssetsMissing."""
        if version == "editable":
            return
        sys.path.insert(0, self.root)
        try:
            from deploy.assets import ROOT, install_assets
        finally:
            sys.path.remove(self.root)
        install_assets(ROOT, with_tests=False)
