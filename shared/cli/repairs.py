"""How the command lines tell of a repair."""

from __future__ import annotations

from typing import Any

import click

from shared.cli.commands import GlobalOptions
from shared.cli.output import print_json
from shared.cli.program import EXIT_FAILED, say_error
from shared.errors import StoreCorrupt
from shared.operations.record_check import Repair


def print_repair(options: GlobalOptions, repair: Repair, named: dict[str, Any], nothing: str, hint: str) -> int:
    """What was done and what is left; the exit code is 1 when anything is. `named` leads the JSON document."""
    done, problems = repair
    if options.json:
        print_json({**named, "repaired": done, "problems": problems, "hint": hint if problems else ""})
        return EXIT_FAILED if problems else 0
    for sentence in done:
        click.echo(sentence)
    if not problems:
        if not done:
            click.echo(nothing)
        return 0
    click.echo("Not repaired:")
    for problem in problems:
        click.echo(f"  {problem}")
    say_error(StoreCorrupt(f"{len(problems)} of the differences cannot be repaired here.", hint))
    return EXIT_FAILED
