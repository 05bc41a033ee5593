"""What templates of reports say of themselves: what is asked, when it goes out, what became of it. No rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.domain.report_schedules import LAST_DAY, Rhythm, Schedule
from shared.reports.parameters import ReportAsk
from shared.reports.registry import REPORTS
from shared.web.report_words import COMPARES, PERIODS, Words, filter_in_words, heading
from shared.web.translations import LazyText, gettext
from shared.web.translations import lazy_text as _

RHYTHMS: Final = (
    ("", _("by hand alone")),
    ("daily", _("every day")),
    ("weekly", _("on days of the week")),
    ("monthly", _("on a day of the month")),
)
WEEKDAYS: Final = (_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun"))
RUN_STATES: Final[Mapping[str, LazyText]] = {
    "waiting": _("waits"),
    "done": _("sent"),
    "failed": _("failed"),
}
DELIVERIES: Final[Mapping[str, LazyText]] = {
    "sending": _("is being sent"),
    "done": _("delivered"),
    "failed": _("refused"),
    "uncertain": _("uncertain: it may have arrived or not"),
}


def say_schedule(schedule: Schedule) -> str:
    """`every day at 08:00`, `Mon, Fri at 08:00`, `on the 1st day of the month at 08:00`."""
    clock = {"clock": schedule.clock}
    match schedule.rhythm:
        case Rhythm.DAILY:
            return gettext("every day at %(clock)s") % clock
        case Rhythm.WEEKLY:
            days = ", ".join(str(WEEKDAYS[day - 1]) for day in schedule.days)
            return gettext("%(days)s at %(clock)s") % {**clock, "days": days}
        case Rhythm.MONTHLY if schedule.days == (LAST_DAY,):
            return gettext("on the last day of the month at %(clock)s") % clock
        case Rhythm.MONTHLY:
            return gettext("on day %(day)s of the month at %(clock)s") % {**clock, "day": schedule.days[0]}


def ask_in_words(name: str, ask: ReportAsk) -> str:
    """`Yesterday; by: Branch; compared with: the period before`."""
    report = REPORTS.get(name)
    said = []
    if report is None or report.has_period:
        days = f"{ask.date_from or '…'} – {ask.date_to or '…'}" if ask.date_from or ask.date_to else ""
        said.append(days or str(PERIODS.get(ask.period or "always", ask.period)))
    if report is not None and ask.by:
        known = report.all_dimensions
        columns = ", ".join(heading(known[each]) if each in known else each for each in ask.by)
        said.append(gettext("by: %(dimensions)s") % {"dimensions": columns})
    if ask.compare:
        said.append(gettext("compared with: %(period)s") % {"period": COMPARES.get(ask.compare, ask.compare)})
    if ask.branches:
        said.append(gettext("branches: %(names)s") % {"names": ", ".join(ask.branches)})
    if report is not None:
        said += [filter_in_words(report, text, Words("UTC", "")) for text in ask.filters]
    if ask.team:
        said.append(gettext("team of %(employee)s") % {"employee": ask.team})
    return "; ".join(said)
