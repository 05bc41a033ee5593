"""`filial-branch report`: reports over this branch's store."""

from __future__ import annotations

import click

from branch_node.bootstrap import open_store, settings_for
from branch_node.operations.reporting import run_report
from shared.cli.commands import GlobalOptions
from shared.cli.output import print_rows
from shared.cli.reports import report_group
from shared.reports.parameters import ReportAsk
from shared.reports.report import Report
from shared.reports.result import ReportResult
from shared.reports.templates import shared_templates


def _run(options: GlobalOptions, report: Report, ask: ReportAsk) -> ReportResult:
    store = open_store(settings_for(options.home))
    try:
        with store.read() as connection:
            return run_report(connection, report, ask, store.clock.now_us())
    finally:
        store.close()


report = report_group(_run, "Reports over this branch's own store.")


@report.command("templates")
@click.pass_obj
def templates_command(options: GlobalOptions) -> None:
    """List the templates that the head office shares: what each asks, to be run with `report run`."""
    store = open_store(settings_for(options.home))
    try:
        with store.read() as connection:
            rows = [
                {"name": each.name, "report": each.report, "ask": each.ask, "roles": list(each.roles) or ["*"]}
                for each in shared_templates(connection)
            ]
    finally:
        store.close()
    columns = ("name", "report", "ask", "roles")
    print_rows(options, "templates", columns, rows, "None is shared. The head office saves them at /templates.")
