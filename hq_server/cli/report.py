"""`filial-hq report`: consolidated reports."""

from __future__ import annotations

from hq_server.bootstrap import head_office
from hq_server.operations.reporting import run_report
from shared.cli.commands import GlobalOptions
from shared.cli.reports import report_group
from shared.reports.parameters import ReportAsk
from shared.reports.report import Report
from shared.reports.result import ReportResult


def _run(options: GlobalOptions, report: Report, ask: ReportAsk) -> ReportResult:
    with head_office(options.home) as office, office.store.read() as connection:
        lag_minutes = office.settings.completeness_lag_minutes
        return run_report(connection, report, ask, office.clock.now_us(), lag_minutes)


report = report_group(_run, "Consolidated reports.")
