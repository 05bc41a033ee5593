"""The command `filial-branch`."""

from __future__ import annotations

import sys

from branch_node.cli import commands
from shared.cli.program import run_program


def main() -> None:
    """Runs the command line and exits with its code."""
    sys.exit(run_program(commands))


if __name__ == "__main__":
    main()
