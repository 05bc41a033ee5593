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
from shared.reports.parameters import ReportAsk
from shared.reports.periods import PRESETS, Compare
from shared.reports.registry import REPORTS, find_report
from shared.reports.report import Report
from shared.reports.result import ReportResult

FORMATS = ("table", "json", "csv", "xlsx", "pdf")
RunReport = Callable[[GlobalOptions, Report, ReportAsk], ReportResult]


_ASKED = (
    click.option("--from", "date_from", help="First business date, YYYY-MM-DD."),
    click.option("--to", "date_to", help="Last business date, YYYY-MM-DD."),
    click.option("--branch", "branches", multiple=True, help="Code of a branch; may be repeated."),
    click.option("--by", multiple=True, help="A dimension to group by; may be repeated."),
    click.option("--period", type=click.Choice(list(PRESETS)), help="A period by its name, instead of days."),
    click.option("--where", "filters", multiple=True, metavar="DIMENSION=VALUE", help="Only this; may be repeated."),
    click.option("--team", default="", metavar="CODE", help="Only what this employee and those below him did."),
    click.option(
        "--compare", type=click.Choice([each.value for each in Compare]), help="Beside the same of another period."
    ),
    click.option("--like-for-like", is_flag=True, help="Compare only branches that sold in both periods."),
    click.option("--option", "options", multiple=True, metavar="NAME=NUMBER", help="A number of the report's own."),
    click.option("--as-of", help="As known at this moment: only what had arrived by then."),
)


def with_ask(command: Any) -> Any:
    """Gives a command the options that say what a report is asked; it is called with the fields of a ReportAsk."""
    for option in reversed(_ASKED):
        command = option(command)
    return command


def report_group(run: RunReport, help_line: str) -> Group:
    """The commands. `run` answers a report from what a person typed."""
    group = Group("report", help=help_line)

    @group.command("list")
    @click.pass_obj
    def list_command(options: GlobalOptions) -> None:
        """List the reports."""
        rows = [
            {"name": known.name, "summary": known.summary, "dimensions": list(known.all_dimensions)}
            for known in REPORTS.values()
        ]
        print_rows(options, "reports", ("name", "summary", "dimensions"), rows, "There are no reports.")

    @group.command("define")
    @click.argument("name")
    @click.pass_obj
    def define_command(options: GlobalOptions, name: str) -> None:
        """Show how a report's measures are defined."""
        known = find_report(name)
        rows = [{"measure": measure, "definition": text} for measure, text in known.all_definitions.items()]
        print_rows(options, "measures", ("measure", "definition"), rows, "")

    @group.command("run")
    @click.argument("name")
    @with_ask
    @click.option("--format", "format_name", type=click.Choice(FORMATS), default="table", show_default=True)
    @click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
    @click.pass_obj
    def run_command(
        global_options: GlobalOptions, /, name: str, format_name: str, output: Path | None, **ask: Any
    ) -> None:
        """Run a report."""
        show_result(global_options, run(global_options, find_report(name), ReportAsk(**ask)), format_name, output)

    return group


def show_result(options: GlobalOptions, result: ReportResult, format_name: str, output: Path | None) -> None:
    """Prints a result, or writes it to a file. Raises InvalidInput."""
    if options.json or format_name == "json":
        _write(output, lambda: print_json(result.as_json()), result, "json")
    else:
        _write(output, lambda: _print(result, format_name), result, format_name)


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
