"""Printing results: a table for people, one JSON document for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

import click

from shared.cli.commands import GlobalOptions


def print_json(document: Any) -> None:
    """One document and a line end."""
    click.echo(json.dumps(document, ensure_ascii=False))


def print_result(options: GlobalOptions, document: Mapping[str, Any], sentence: str = "") -> None:
    """The document as JSON; for people the sentence, else its fields one a line."""
    if options.json:
        print_json(document)
    elif sentence:
        click.echo(sentence)
    else:
        width = max((len(key) for key in document), default=0)
        for key, value in document.items():
            click.echo(f"{key.replace('_', ' '):<{width}}  {format_cell(value)}")


def print_rows(
    options: GlobalOptions,
    name: str,
    columns: Sequence[str],
    rows: Iterable[Mapping[str, Any]],
    empty: str,
    extra: Mapping[str, Any] | None = None,
) -> None:
    """Rows as a table; as JSON, a document that holds them under `name`. `empty` says what to do without any."""
    kept = list(rows)
    if options.json:
        print_json({name: kept, **(extra or {})})
    elif not kept:
        click.echo(empty)
    else:
        print_table(columns, [[row.get(column) for column in columns] for row in kept])


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    right: frozenset[str] = frozenset(),
    file: TextIO | None = None,
) -> None:
    """A plain table, as wide as it needs to be when it does not go to a terminal."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column.replace("_", " "), justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(format_cell(value) for value in row))
    is_wide = file is not None or not sys.stdout.isatty()
    Console(width=400 if is_wide else None, file=file, highlight=False, markup=False, soft_wrap=is_wide).print(table)


def format_cell(value: Any) -> str:
    """A value as people read it."""
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(format_cell(item) for item in value)
        case _:
            return str(value)
