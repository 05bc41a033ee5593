"""`filial-hq report`: consolidated reports."""

from __future__ import annotations

from typing import Any

from hq_server.bootstrap import head_office
from hq_server.operations.reporting import run_report
from shared.cli.commands import GlobalOptions
from shared.cli.reports import report_group
from shared.reports.registry import Report
from shared.reports.result import ReportResult


def _run(options: GlobalOptions, report: Report, ask: dict[str, Any]) -> ReportResult:
    with head_office(options.home) as office, office.store.read() as connection:
        lag_minutes = office.settings.completeness_lag_minutes
        return run_report(connection, report, **ask, now_us=office.clock.now_us(), lag_minutes=lag_minutes)


report = report_group(_run, "Consolidated reports.")
