"""`report list` and `report run`: alike in both programs, over whatever store they have."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from shared.cli.commands import GlobalOptions, Group
from shared.cli.output import print_json, print_rows, print_table
from shared.errors import InvalidInput
from shared.reports.exports import display, to_csv, to_pdf, to_xlsx
from shared.reports.registry import REPORTS, Report, find_report
from shared.reports.result import ReportResult

FORMATS = ("table", "json", "csv", "xlsx", "pdf")
Ask = dict[str, Any]
RunReport = Callable[[GlobalOptions, Report, Ask], ReportResult]


def report_group(run: RunReport, help_line: str) -> Group:
    """The commands. `run` answers a report from what a person typed: by, date_from, date_to, branches, as_of."""
    group = Group("report", help=help_line)

    @group.command("list")
    @click.pass_obj
    def list_command(options: GlobalOptions) -> None:
        """List the reports."""
        rows = [
            {"name": known.name, "summary": known.summary, "dimensions": list(known.dimensions)}
            for known in REPORTS.values()
        ]
        print_rows(options, "reports", ("name", "summary", "dimensions"), rows, "There are no reports.")

    @group.command("define")
    @click.argument("name")
    @click.pass_obj
    def define_command(options: GlobalOptions, name: str) -> None:
        """Show how a report's measures are defined."""
        known = find_report(name)
        rows = [{"measure": measure, "definition": text} for measure, text in known.definitions.items()]
        print_rows(options, "measures", ("measure", "definition"), rows, "")

    @group.command("run")
    @click.argument("name")
    @click.option("--from", "date_from", help="First business date, YYYY-MM-DD.")
    @click.option("--to", "date_to", help="Last business date, YYYY-MM-DD.")
    @click.option("--branch", "branches", multiple=True, help="Code of a branch; may be repeated.")
    @click.option("--by", multiple=True, help="A dimension to group by; may be repeated.")
    @click.option("--as-of", help="As known at this moment: only what had arrived by then.")
    @click.option("--format", "format_name", type=click.Choice(FORMATS), default="table", show_default=True)
    @click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
    @click.pass_obj
    def run_command(options: GlobalOptions, /, name: str, format_name: str, output: Path | None, **ask: Any) -> None:
        """Run a report."""
        result = run(options, find_report(name), ask)
        if options.json or format_name == "json":
            _write(output, lambda: print_json(result.as_json()), result, "json")
        else:
            _write(output, lambda: _print(result, format_name), result, format_name)

    return group


def _write(output: Path | None, show: Callable[[], None], result: ReportResult, format_name: str) -> None:
    if output is None:
        show()
        return
    try:
        output.write_bytes(_render(result, format_name))
    except OSError as error:
        raise InvalidInput(f"{output} cannot be written: {error.strerror}.") from None


def _print(result: ReportResult, format_name: str) -> None:
    if format_name == "table":
        click.echo(_as_table(result), nl=False)
        return
    if sys.stdout.isatty() and format_name in ("xlsx", "pdf"):
        raise InvalidInput(f"{format_name.upper()} cannot be shown in a terminal.", "Name a file with -o FILE.")
    sys.stdout.buffer.write(_render(result, format_name))


def _render(result: ReportResult, format_name: str) -> bytes:
    match format_name:
        case "csv":
            return to_csv(result)
        case "xlsx":
            return to_xlsx(result)
        case "pdf":
            return to_pdf(result)
        case "json":
            import json

            return (json.dumps(result.as_json(), ensure_ascii=False) + "\n").encode()
        case _:
            return _as_table(result).encode()


def _as_table(result: ReportResult) -> str:
    import io

    offset = len(result.columns) - len(result.totals)
    rows: list[list[Any]] = [
        [display(column, value, result.currency) or None for column, value in zip(result.columns, row, strict=True)]
        for row in result.rows
    ]
    if offset:
        totals = [display(result.columns[n], value, result.currency) for n, value in enumerate(result.totals, offset)]
        rows.append(["total", *[""] * (offset - 1), *totals])
    text = io.StringIO()
    names = [column.name for column in result.columns]
    print_table(names, rows, frozenset(names[offset:]), text)
    text.write(f"\nAmounts in {result.currency}. {result.completeness.sentence}.\n")
    return text.getvalue()
