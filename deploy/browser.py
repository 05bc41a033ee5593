"""Puts a browser on this machine for `tests/browser`, when that is possible. Run as `python -m deploy.browser`.

It says what it did and never fails: without a browser those tests are skipped by name, and under CI they fail.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

BROWSER = "chromium"
PACKAGES = (BROWSER, "fonts-dejavu-core")
INSTALL_SECONDS_MAX = 900
_ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive"}


def install_browser() -> str:
    """One sentence: what was done, or why nothing was."""
    if shutil.which(BROWSER):
        return ""
    if not shutil.which("apt-get"):
        return f"The browser tests need {BROWSER}: install it."
    if os.geteuid() != 0:
        return f"The browser tests need {BROWSER}: run apt-get install {' '.join(PACKAGES)} as root."
    print(f"Installing {BROWSER} for the browser tests.", flush=True)
    for arguments in (("update",), ("install", "--yes", "--no-install-recommends", *PACKAGES)):
        reason = _run_apt(*arguments)
        if reason:
            return f"{BROWSER} could not be installed, the browser tests will be skipped: {reason}"
    return f"Installed {BROWSER}."


def _run_apt(*arguments: str) -> str:
    """What went wrong, in apt's last line; empty when nothing did."""
    try:
        done = subprocess.run(
            ["apt-get", "-qq", *arguments],
            env={**os.environ, **_ENVIRONMENT},
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "apt-get took too long."
    lines = (done.stderr.strip() or "apt-get failed.").splitlines()
    return lines[-1] if done.returncode else ""


def main() -> int:
    """Always 0."""
    said = install_browser()
    if said:
        print(said)
    return 0


if __name__ == "__main__":
    sys.exit(main())
