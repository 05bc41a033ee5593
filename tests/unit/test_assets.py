"""The web pages' assets and the tests' browser: fetched once, held by a lock, and one sentence when they cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploy import assets, browser

LOCK = {"packages": {"": {}, **{f"node_modules/{asset.package}": {"version": "1"} for asset in assets.ASSETS}}}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose npm writes down what it is asked."""
    (tmp_path / "package-lock.json").write_text(json.dumps(LOCK))
    (tmp_path / "package.json").write_text("{}")

    def fetch(folder: Path, with_tests: bool) -> None:
        (tmp_path / "asked").open("a").write(f"{with_tests}\n")
        for asset in assets.ASSETS:
            target = folder / "node_modules" / asset.package / asset.file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(asset.package)

    monkeypatch.setattr(assets, "_fetch", fetch)
    return tmp_path


def test_assets_are_fetched_once_and_again_for_another_version(root: Path) -> None:
    assert assets.install_assets(root)
    assert not assets.install_assets(root)
    assert (root / assets.VENDOR / "htmx.min.js").read_text() == "htmx.org"
    text = (root / "package-lock.json").read_text().replace('"1"', '"2"')
    (root / "package-lock.json").write_text(text)
    assert assets.install_assets(root)


def test_a_wheel_carries_nothing_of_the_tests(root: Path) -> None:
    assert assets.install_assets(root, with_tests=False)
    assert not (root / assets.TEST_VENDOR).exists()
    assert (root / "asked").read_text() == "False\n"


def test_without_npm_there_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(assets, "ROOT", tmp_path)
    monkeypatch.setattr("deploy.assets.shutil.which", lambda _name: None)
    monkeypatch.setattr("deploy.assets.importlib.util.find_spec", lambda _name: None)
    monkeypatch.setattr(assets, "_is_there", lambda *_: False)
    assert assets.main() == 1
    assert capsys.readouterr().err == f"{assets.NEEDED} {assets.HINT}\n"


def test_the_lock_names_no_address_and_holds_every_package_by_hash() -> None:
    text = (assets.ROOT / "package-lock.json").read_text()
    assert "://" not in text
    packages = json.loads(text)["packages"]
    assert [name for name, held in packages.items() if name and "integrity" not in held] == []
    assert {asset.package for asset in assets.ASSETS} <= assets.locked_versions(assets.ROOT).keys()


def test_without_apt_or_root_the_browser_is_asked_for_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.browser.shutil.which", lambda _name: None)
    assert "install it" in browser.install_browser()
    monkeypatch.setattr("deploy.browser.shutil.which", lambda name: name if name == "apt-get" else None)
    monkeypatch.setattr("deploy.browser.os.geteuid", lambda: 1_000)
    assert "as root" in browser.install_browser()
