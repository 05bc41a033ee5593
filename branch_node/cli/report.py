"""`filial-branch report`: reports over this branch's store."""

from __future__ import annotations

from branch_node.bootstrap import open_store, settings_for
from branch_node.operations.reporting import run_report
from shared.cli.commands import GlobalOptions
from shared.cli.reports import report_group
from shared.reports.parameters import ReportAsk
from shared.reports.report import Report
from shared.reports.result import ReportResult


def _run(options: GlobalOptions, report: Report, ask: ReportAsk) -> ReportResult:
    store = open_store(settings_for(options.home))
    try:
        with store.read() as connection:
            return run_report(connection, report, ask, store.clock.now_us())
    finally:
        store.close()


report = report_group(_run, "Reports over this branch's own store.")
