"""Templates: reports with their parameters, saved under a name. And those that every chain has from the beginning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, select

from shared.domain.report_schedules import Schedule, parse_schedule
from shared.domain.text_folding import sort_key
from shared.errors import InvalidInput, NotFound
from shared.reports.parameters import ReportAsk
from shared.reports.words import marked as _
from shared.storage.tables import report_template


class Template(NamedTuple):
    """A template's card. `roles` are whom it is shared with, none of them everybody; `scheduled_at_us` is since when
    its schedule counts."""

    template_id: bytes
    name: str
    report: str
    ask: str
    roles: tuple[str, ...] = ()
    is_shared: bool = False
    owner_id: bytes | None = None
    language: str = ""
    schedule: str = ""
    scheduled_at_us: int | None = None
    formats: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    to_folder: bool = False
    wait_hours: int = 0
    archived: bool = False

    @property
    def timetable(self) -> Schedule | None:
        """The schedule; None without one, or when a newer release wrote it."""
        try:
            return parse_schedule(self.schedule) if self.schedule else None
        except InvalidInput:
            return None

    def is_for(self, role: str) -> bool:
        """Whether it is shared with whoever has that role."""
        return self.is_shared and (not self.roles or role in self.roles)


def template_of(row: Any) -> Template:
    """A row of `report_template`."""
    return Template(
        row.id,
        row.name or "",
        row.report or "",
        row.ask or "{}",
        _lines(row.roles),
        row.is_shared,
        row.owner_id,
        row.language or "",
        row.schedule or "",
        row.scheduled_at,
        _lines(row.formats),
        _lines(row.recipients),
        row.to_folder,
        row.wait_hours or 0,
        row.archived,
    )


def template_of_fields(fields: Mapping[str, Any]) -> Template:
    """The fields of a card; those that it never had are left as a template begins."""
    named = {name: value for name, value in fields.items() if value is not None and name in Template._fields}
    return Template(**{"template_id": b"", "name": "", "report": "", "ask": "{}", **named})


def shared_templates(connection: Connection) -> list[Template]:
    """Those that anybody but their owners may run, by name."""
    return [each for each in templates_in_use(connection) if each.is_shared]


def templates_in_use(connection: Connection) -> list[Template]:
    """All that are not put away, by name."""
    shown = (report_template.c.archived.is_(False), report_template.c.name != "")
    found = map(template_of, connection.execute(select(report_template).where(*shown)))
    return sorted(found, key=lambda each: sort_key(each.name))


def _lines(text: str | None) -> tuple[str, ...]:
    return tuple(text.split("\n")) if text else ()


class ReadyMade(NamedTuple):
    """A template that the product brings. `name` is translated when it is shown."""

    code: str
    name: str
    report: str
    ask: ReportAsk


READY_MADE: Final = (
    ReadyMade(
        "sales-yesterday",
        _("Yesterday’s sales by branch against the day before"),
        "sales",
        ReportAsk(by=("branch",), period="yesterday", compare="previous"),
    ),
    ReadyMade(
        "sales-last-week",
        _("Last week’s sales by branch against the week before"),
        "sales",
        ReportAsk(by=("branch",), period="last-week", compare="previous"),
    ),
    ReadyMade(
        "sales-month-like-for-like",
        _("Last month’s sales against last year, branches of both"),
        "sales",
        ReportAsk(by=("branch",), period="last-month", compare="last-year", like_for_like=True),
    ),
    ReadyMade(
        "categories-last-week",
        _("Last week’s sales by category"),
        "sales",
        ReportAsk(by=("category",), period="last-week"),
    ),
    ReadyMade(
        "calls-this-week", _("This week’s calls by employee"), "calls", ReportAsk(by=("employee",), period="this-week")
    ),
    ReadyMade(
        "work-yesterday",
        _("Yesterday’s work by employee"),
        "work-today",
        ReportAsk(by=("employee",), period="yesterday"),
    ),
    ReadyMade(
        "stock-by-branch",
        _("Stock by branch at the end of yesterday"),
        "stock",
        ReportAsk(by=("branch",), period="yesterday"),
    ),
    ReadyMade(
        "cash-last-week",
        _("Last week’s cash differences by branch"),
        "cash-variance",
        ReportAsk(by=("branch",), period="last-week"),
    ),
)
"""Of reports that this release does not have, none is offered."""


def find_ready_made(code: str) -> ReadyMade:
    """Raises NotFound."""
    for each in READY_MADE:
        if each.code == code:
            return each
    raise NotFound("There is no such ready-made report.", "Choose one of the list.")
