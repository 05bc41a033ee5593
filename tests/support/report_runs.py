"""Reports run at branches and at their head office, and the law that both say the same."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

from branch_node.operations.reporting import run_report as report_at_branch
from hq_server.operations.reporting import run_report
from shared.reports.parameters import ReportAsk
from shared.reports.registry import find_report
from shared.reports.result import ReportResult
from tests.support.office import Office
from tests.support.pair import Node

Rows = dict[tuple[Any, ...], tuple[Any, ...]]


def at_hq(office: Office, name: str, *by: str, **ask: Any) -> ReportResult:
    """The report at the head office."""
    with office.store.read() as connection:
        return run_report(connection, find_report(name), ReportAsk(by, **ask), office.clock.now_us(), 15)


def at_branch(node: Node, name: str, *by: str, **ask: Any) -> ReportResult:
    """The report at a branch."""
    with node.store.read() as connection:
        return report_at_branch(connection, find_report(name), ReportAsk(by, **ask), node.clock.now_us())


def summed(result: ReportResult) -> Rows:
    """What was summed, without what is derived from it, by the group."""
    width = len(result.parameters.by)
    count = len(find_report(result.report).measures)
    return {tuple(row[:width]): tuple(row[width : width + count]) for row in result.rows}


def named(result: ReportResult, row: Sequence[Any] | None = None) -> dict[str, Any]:
    """The measures of a row by name; without one, the totals."""
    names = [column.name for column in result.columns][len(result.parameters.by) :]
    values = result.totals if row is None else row[len(result.parameters.by) :]
    return dict(zip(names, values, strict=True))


def groupings(name: str, dimensions_max: int = 2) -> list[tuple[str, ...]]:
    """Every way to group a report by so many of its dimensions, or by none."""
    dimensions = find_report(name).dimensions
    return [by for count in range(dimensions_max + 1) for by in combinations(dimensions, count)]


def require_one_truth(office: Office, node: Node, name: str) -> None:
    """A branch says what the head office says of it, however they are asked."""
    for by in groupings(name):
        for filters in ((), (f"branch={node.code}",)):
            here = at_branch(node, name, *by, filters=filters)
            there = at_hq(office, name, *by, filters=filters, branches=(node.code,))
            assert (here.rows, here.totals) == (there.rows, there.totals), (name, by, filters)
