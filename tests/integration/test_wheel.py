"""The wheel carries what the pages need: templates, translations, and the assets that git does not hold."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from deploy.assets import ASSETS, ROOT, VENDOR

BUILD_SECONDS_MAX = 120


def test_the_wheel_carries_pages_assets_and_translations(tmp_path: Path) -> None:
    assets = {(VENDOR / Path(asset.file).name).as_posix() for asset in ASSETS if asset.folder == VENDOR}
    if not all((ROOT / asset).exists() for asset in assets):
        pytest.skip("The assets are missing: python -m deploy.assets")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=BUILD_SECONDS_MAX)
    (wheel,) = tmp_path.glob("*.whl")
    carried = set(zipfile.ZipFile(wheel).namelist())
    ours = {
        path.relative_to(ROOT).as_posix()
        for room in ("shared/web", "branch_node/web")
        for pattern in ("templates/*.html", "static/*.*", "translations/**/*.po")
        for path in (ROOT / room).glob(pattern)
    }
    assert len(ours) > 8
    assert assets | ours <= carried
    assert not [name for name in carried if "axe" in name]
