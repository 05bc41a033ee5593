"""How the command lines show clients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from shared.cli.commands import GlobalOptions
from shared.cli.output import format_cell, print_json, print_result, print_rows
from shared.cli.program import EXIT_FAILED

PROBLEMS_SHOWN_MAX = 20


def print_clients(options: GlobalOptions, found: Sequence[Mapping[str, Any]]) -> None:
    """A list of clients."""
    columns = ("id", "external_id", "name", "phones", "emails")
    print_rows(options, "clients", columns, found, "Nobody is found. Try a part of the name, or the last four digits.")


def print_card(options: GlobalOptions, card: dict[str, Any]) -> None:
    """One client, with the conflicts of its fields."""
    if options.json:
        print_json(card)
        return
    print_result(options, {name: value for name, value in card.items() if name != "conflicts"})
    for found in card["conflicts"]:
        print_conflict(found)


def print_conflict(found: Mapping[str, Any]) -> None:
    """Both values of a conflict, and which of them is shown."""
    click.echo(f"Conflict in {found['field']} of {found['kind']} {found['card']} (rule: {found['rule']}):")
    for side in ("older", "newer"):
        mark = "shown    " if found["shown"] == side else "not shown"
        value = found[side]
        click.echo(f"  {mark}  {format_cell(value['value'])}  – by {value['branch']}, {value['at']}")


def print_history(options: GlobalOptions, edits: Sequence[Mapping[str, Any]]) -> None:
    """What changed on a card, newest first."""
    if options.json:
        print_json({"edits": list(edits)})
        return
    for edit in edits:
        click.echo(f"{edit['at']}  {edit['who'] or 'somebody'}, {edit['branch']}")
        for change in edit["changes"]:
            mark = f"  ({change['conflict']} conflict)" if change["conflict"] else ""
            before, after = (format_cell(change[side]) for side in ("before", "after"))
            click.echo(f"    {change['field']}: {before} → {after}{mark}")


def print_import(
    options: GlobalOptions,
    counts: Mapping[str, int],
    problems: Sequence[Mapping[str, Any]],
    extra: Mapping[str, Any] | None = None,
) -> int:
    """What an import did; the exit code is 1 when a row was refused. `extra` goes into the JSON document alone."""
    if options.json:
        print_json({**counts, "refused": len(problems), "problems": list(problems), **(extra or {})})
    else:
        click.echo(", ".join(f"{count} {name}" for name, count in counts.items()) + f", {len(problems)} refused.")
        for problem in problems[:PROBLEMS_SHOWN_MAX]:
            click.echo(f"  row {problem['row']}: {problem['reason']}")
        if len(problems) > PROBLEMS_SHOWN_MAX:
            click.echo(f"  … and {len(problems) - PROBLEMS_SHOWN_MAX} more; --json lists all.")
    return EXIT_FAILED if problems else 0
