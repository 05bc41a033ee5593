"""The command `filial-hq`."""

from __future__ import annotations

import sys

from hq_server.cli import commands
from shared.cli.program import run_program


def main() -> None:
    """Runs the command line and exits with its code."""
    sys.exit(run_program(commands))


if __name__ == "__main__":
    main()
