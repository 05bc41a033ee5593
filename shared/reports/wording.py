"""A report's values and sentences as people read them: numbers, days, the period, the filters, how complete it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, get_month_names
from babel.numbers import get_decimal_symbol, get_group_symbol

from shared.domain.business_time import from_us
from shared.domain.money import format_minor, minor_digits
from shared.reports.parameters import ReportParameters
from shared.reports.periods import Compare
from shared.reports.presentation import Presentation
from shared.reports.registry import REPORTS
from shared.reports.report import Report
from shared.reports.result import BranchCompleteness, Column, Completeness, ReportResult
from shared.reports.words import marked as _

MISSING_NAMED_MAX = 30
"""Branches that a sentence names as missing; of further ones it says how many."""

FILTER_VALUES_NAMED_MAX = 20
THOUSANDTHS_DIGITS = 3
_WHOLE_PERCENT = 10_000

_COMPARED = {
    Compare.PREVIOUS: _("compared with the previous period"),
    Compare.LAST_YEAR: _("compared with last year"),
}


class Speaker:
    """Says things in a presentation's language and zone, money in the result's currency."""

    def __init__(self, presentation: Presentation, currency: str) -> None:
        self.presentation = presentation
        self.say: Callable[[str], str] = presentation.say
        self.currency = currency
        self._point, self._group = _symbols(presentation.language)
        self._zone = ZoneInfo(presentation.zone)

    def decimals(self, value: int, digits: int) -> str:
        """A whole number of 10^-digits: `-1234567` with 2 is `-12 345,67` (ru) or `-12,345.67` (en)."""
        whole, part = divmod(abs(value), 10**digits)
        text = f"{whole:,}".replace(",", self._group)
        return f"{'-' if value < 0 else ''}{text}{self._point + f'{part:0{digits}d}' if digits else ''}"

    def shortest(self, value: int, digits: int, kept: int = 0) -> str:
        """The same without the zeros at its end, but for the first `kept` of them."""
        while digits > kept and value % 10 == 0:
            value, digits = value // 10, digits - 1
        return self.decimals(value, digits)

    def day(self, day: date) -> str:
        """`23.11.2026` (ru) or `23 Nov 2026` (en)."""
        if self.presentation.language == "ru":
            return f"{day.day:02}.{day.month:02}.{day.year}"
        return f"{day.day} {_months(self.presentation.language)[day.month]} {day.year}"

    def local(self, at_us: int) -> datetime:
        """A moment on the wall clock of the zone, without the zone."""
        return from_us(at_us).astimezone(self._zone).replace(tzinfo=None)

    def moment(self, at_us: int) -> str:
        """To the minute."""
        local = self.local(at_us)
        return f"{self.day(local.date())} {local:%H:%M}"

    def value(self, column: Column, value: object) -> str:
        """A value of a column; nothing for none."""
        if value is None:
            return ""
        match column.type, value:
            case "money", int():
                return self.decimals(value, minor_digits(self.currency))
            case (("quantity" | "ratio"), int()):
                return self.shortest(value, THOUSANDTHS_DIGITS)
            case "percent", int():
                return self.shortest(value, 2, 1) + ("" if column.unit else "\u00a0%")
            case "moment", int():
                return self.moment(value)
            case "integer", int():
                return self.weekday(value) if column.name == "weekday" else self.decimals(value, 0)
            case "date", str():
                return self.day(date.fromisoformat(value))
            case "month", str():
                return self.month(value)
        return str(value)

    def month(self, month: str) -> str:
        """`YYYY-MM` as `ноябрь 2026`."""
        return format_date(date.fromisoformat(f"{month}-01"), "LLLL y", locale=self.presentation.language)

    def weekday(self, number: int) -> str:
        """1 is Monday."""
        names = Locale.parse(self.presentation.language).days["stand-alone"]["abbreviated"]
        return str(names[number - 1]) if 1 <= number <= 7 else str(number)

    def heading(self, column: Column) -> str:
        """Over a column; its name where programs read it."""
        if self.presentation.named:
            return column.name
        said = self._heading(column)
        return f"{said}, {self.say(column.unit)}" if column.unit else said

    def _heading(self, column: Column) -> str:
        for ending, said in ((", before", _("%(measure)s, before")), (", change", _("%(measure)s, change"))):
            if column.heading.endswith(ending):
                return self.say(said) % {"measure": self.say(column.heading.removesuffix(ending))}
        return self.say(column.heading)


@lru_cache
def _symbols(language: str) -> tuple[str, str]:
    return get_decimal_symbol(language), get_group_symbol(language)


@lru_cache
def _months(language: str) -> dict[int, str]:
    return dict(get_month_names("abbreviated", locale=language))


def title_of(result: ReportResult, speaker: Speaker) -> str:
    """What the report is called."""
    report = REPORTS.get(result.report)
    if report is None or speaker.presentation.named:
        return result.report
    return speaker.say(report.title)


def period_of(parameters: ReportParameters, speaker: Speaker) -> str:
    """The days that are in it."""
    first, last = parameters.date_from, parameters.date_to
    if first and last:
        said = speaker.day(first)
        return said if first == last else f"{said} – {speaker.day(last)}"
    if first:
        return speaker.say(_("from %(day)s")) % {"day": speaker.day(first)}
    if last:
        return speaker.say(_("to %(day)s")) % {"day": speaker.day(last)}
    return speaker.say(_("all days"))


def filters_of(result: ReportResult, speaker: Speaker) -> list[str]:
    """Everything but the period that narrows or widens what is in it, one sentence each; nothing when it is all."""
    asked, report, say = result.parameters, REPORTS.get(result.report), speaker.say
    said = []
    if asked.branches:
        said.append(say(_("branches: %(names)s")) % {"names": _list(asked.branches, speaker)})
    for name, values in asked.filters:
        said.append(f"{_dimension(report, name, speaker)}: {_list(values, speaker)}")
    if asked.team:
        said.append(say(_("team of %(employee)s")) % {"employee": asked.team})
    if asked.compare is not None:
        said.append(say(_COMPARED[asked.compare]))
    if asked.like_for_like:
        said.append(say(_("only branches that sold in both periods")))
    said += [f"{_option(report, name, speaker)}: {number}" for name, number in asked.options]
    if asked.as_of_us is not None:
        said.append(say(_("as known at %(moment)s")) % {"moment": speaker.moment(asked.as_of_us)})
    return said


def completeness_of(completeness: Completeness, speaker: Speaker) -> str:
    """How complete it is, in the presentation's language; for programs the sentence of the command line."""
    if speaker.presentation.named:
        return completeness.sentence
    said = completeness_stamp(completeness, speaker)
    missing = completeness.missing
    if missing:
        named = ", ".join(_missing(known, speaker) for known in missing[:MISSING_NAMED_MAX])
        said += "; " + speaker.say(_("missing: %(branches)s")) % {"branches": named}
    if len(missing) > MISSING_NAMED_MAX:
        said += " " + speaker.say(_("and %(count)s more")) % {"count": len(missing) - MISSING_NAMED_MAX}
    share = completeness.missing_basis_points
    if missing and share is not None:
        said += ", " + speaker.say(_("usually %(share)s %% of sales")) % {"share": speaker.shortest(share // 10, 1)}
    return said


def completeness_stamp(completeness: Completeness, speaker: Speaker) -> str:
    """The same in few words, for the head of each page."""
    branches = completeness.branches
    counts = {"complete": len(branches) - len(completeness.missing), "all": len(branches)}
    said = speaker.say(_("Branches complete: %(complete)s of %(all)s")) % counts
    if completeness.complete_to_us is not None:
        said += speaker.say(_(", all of them to %(moment)s")) % {"moment": speaker.moment(completeness.complete_to_us)}
    return said


def definitions_of(result: ReportResult, speaker: Speaker) -> list[tuple[str, str]]:
    """What each measure of the result means."""
    report = REPORTS.get(result.report)
    if report is None:
        return []
    known, shown = report.all_definitions, {column.name for column in result.columns}
    measures = [column for column in report.all_measures if column.name in shown and column.name in known]
    return [(speaker.heading(column), speaker.say(known[column.name])) for column in measures]


def notes_of(result: ReportResult, speaker: Speaker) -> list[str]:
    """What else there is to know."""
    report = REPORTS.get(result.report)
    return [speaker.say(note) for note in report.notes] if report is not None else []


def made_when(speaker: Speaker) -> str:
    """When it was made, and by whom, as far as that is known."""
    presentation = speaker.presentation
    when = "" if presentation.made_at_us is None else speaker.moment(presentation.made_at_us)
    return ", ".join(part for part in (when, presentation.made_by) if part)


def made_of(speaker: Speaker) -> str:
    """The same as a sentence; nothing when neither is known."""
    made = made_when(speaker)
    return speaker.say(_("made %(when)s")) % {"when": made} if made else ""


def plain_text(column: Column, value: object, currency: str) -> str:
    """A value as programs read it."""
    if value is None:
        return ""
    if column.type == "money" and isinstance(value, int):
        return format_minor(value, currency)
    return str(column.plain(value))


def _dimension(report: Report | None, name: str, speaker: Speaker) -> str:
    column = report.all_dimensions.get(name) if report is not None else None
    return name if column is None else speaker.heading(column)


def _option(report: Report | None, name: str, speaker: Speaker) -> str:
    meanings = {option.name: option.meaning for option in report.options} if report is not None else {}
    return name if speaker.presentation.named or name not in meanings else speaker.say(meanings[name])


def _list(values: Iterable[str], speaker: Speaker) -> str:
    all_values = [value or speaker.say(_("without a value")) for value in values]
    said = ", ".join(all_values[:FILTER_VALUES_NAMED_MAX])
    more = len(all_values) - FILTER_VALUES_NAMED_MAX
    return f"{said} {speaker.say(_('and %(count)s more')) % {'count': more}}" if more > 0 else said


def _missing(known: BranchCompleteness, speaker: Speaker) -> str:
    if known.last_seen_us is None:
        return speaker.say(_("%(branch)s (never heard)")) % {"branch": known.branch}
    heard = {"branch": known.branch, "moment": speaker.moment(known.last_seen_us)}
    return speaker.say(_("%(branch)s (last heard %(moment)s)")) % heard
