"""Reports looked into at their head office, and the law that what lies beneath a row adds up to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hq_server.operations.report_room import look_beneath
from hq_server.operations.reporting import run_report
from shared.domain.permissions import LOCAL_ADMINISTRATOR, Actor
from shared.reports.drilling import listed_measures
from shared.reports.items import BENEATH_ROWS_MAX, Beneath
from shared.reports.parameters import ReportAsk
from shared.reports.registry import find_report
from shared.reports.report import Report
from tests.support.office import Office

Row = tuple[Any, ...]


def answered(office: Office, report: Report, ask: ReportAsk) -> list[Row]:
    """The report's rows."""
    with office.store.read() as connection:
        return list(run_report(connection, report, ask, office.clock.now_us(), 15).rows)


def listed(
    office: Office, report: Report, ask: ReportAsk, number: int = 1, actor: Actor = LOCAL_ADMINISTRATOR
) -> Beneath:
    """A page of what lies beneath."""
    with office.store.read() as connection:
        return look_beneath(connection, actor, report, ask, number, office.clock.now_us(), 15).found


def behind(ask: ReportAsk, row: Row) -> ReportAsk:
    """The question for what a row rests on."""
    met = [f"{name}={'' if value is None else value}" for name, value in zip(ask.by, row, strict=False)]
    others = [text for text in ask.filters if text.partition("=")[0] not in ask.by]
    return replace(ask, by=(), filters=(*others, *met))


def require_adds_up(office: Office, name: str, ask: ReportAsk, rows: Sequence[Row] | None = None) -> int:
    """The list beneath every row, or beneath these, adds up to its row; every page of it to the list. Returns how many
    things were listed."""
    report = find_report(name)
    names = [column.name for column in report.columns(tuple(ask.by))]
    places = [names.index(column.name) for column in listed_measures(report)]
    count = 0
    for row in answered(office, report, ask) if rows is None else rows:
        found = listed(office, report, behind(ask, row))
        adds_up = [number for number, total in enumerate(found.sums) if total is not None]
        assert [found.sums[number] for number in adds_up] == [row[places[number]] for number in adds_up], (ask, row)
        whole = list(found.rows)
        for number in range(2, -(-found.total // BENEATH_ROWS_MAX) + 1):
            whole += listed(office, report, behind(ask, row), number).rows
        assert found.total == len(whole), (ask, row)
        for number in adds_up:
            assert sum(each.measures[number] or 0 for each in whole) == found.sums[number], (ask, row)
        count += found.total
    return count
