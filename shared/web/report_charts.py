"""The chart that suits a report's answer: by what it is grouped, and which measure is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from babel.numbers import format_compact_decimal, format_decimal
from markupsafe import Markup

from shared.domain.money import minor_digits
from shared.reports.report import Report
from shared.reports.result import Column, ReportResult
from shared.web.charts import BARS_MAX, Bar, Line, Point, Shade, draw_bars, draw_lines, draw_pareto, draw_shades
from shared.web.formats import format_number
from shared.web.report_words import MINUS, Words, format_period, format_value, heading, weekday_name
from shared.web.translations import current_language, gettext
from shared.web.translations import lazy_text as _

FIRST_MEASURES: Final = ("net", "revenue", "gross")
"""What is drawn when nobody sorts by another measure."""

FIRST_MEASURES_OF: Final = {"cohorts": "retention", "cash-variance": "variance", "loss": "unreceipted_sum"}
"""The same by report, for those that are asked for another number."""

HEAT: Final = {"hour", "weekday"}
TRIANGLE: Final = ("cohort", "month_number")
PARETO: Final = frozenset({"abc-xyz"})
"""Reports whose bars are looked at together with what they add up to."""

SCALES: Final = ((1_000_000, 1_000_000, _("in millions")), (10_000, 1_000, _("in thousands")), (0, 1, ""))
"""From what number on the cells of a table of shades are counted in what, and how that is said."""
TENTHS_COLUMNS_MAX: Final = 14
"""Columns of such a table that are wide enough for tenths."""

Row = Sequence[Any]


def chart_of(report: Report, result: ReportResult, words: Words, sort: str = "") -> Markup:
    """The chart; empty when nothing suits. The measure that the table is sorted by is drawn."""
    by = result.parameters.by
    measure = measure_drawn(report, sort)
    if measure is None or not result.rows:
        return Markup("")
    place = [column.name for column in result.columns].index(measure.name)
    title = gettext("%(measure)s: %(report)s") % {"measure": heading(measure), "report": gettext(report.title)}
    drawing = _Drawing(report, result, words, measure, place, title)
    if set(by) == HEAT:
        return drawing.heat_map()
    if by == TRIANGLE or by == TRIANGLE[::-1]:
        return drawing.triangle()
    if len(by) != 1:
        return Markup("")
    if report.all_dimensions[by[0]].type in ("date", "month"):
        return drawing.series()
    if report.name in PARETO:
        return drawing.pareto()
    return drawing.bars()


def measure_drawn(report: Report, sort: str = "") -> Column | None:
    """The measure that a chart shows."""
    numbers = {column.name: column for column in report.all_measures if column.is_number}
    wanted = (sort.removeprefix("-"), FIRST_MEASURES_OF.get(report.name, ""), *FIRST_MEASURES)
    return next((numbers[name] for name in wanted if name in numbers), next(iter(numbers.values()), None))


class _Drawing:
    """One answer's chart. `place` is the measure's column."""

    def __init__(
        self, report: Report, result: ReportResult, words: Words, measure: Column, place: int, title: str
    ) -> None:
        self._report, self._result, self._words = report, result, words
        self._measure, self._place, self._title = measure, place, title

    def say(self, value: int) -> str:
        return format_value(self._measure, value, self._words)

    def say_short(self, value: int) -> str:
        """`1,2 млн` for 1 200 000; the unit stands in the title."""
        return format_compact_decimal(self._number(value), locale=current_language(), fraction_digits=1)

    def _number(self, value: int) -> Decimal:
        """In the unit that people count in, such as roubles."""
        digits = {"money": minor_digits(self._words.currency), "quantity": 3, "ratio": 3, "percent": 2}
        return Decimal(value).scaleb(-digits.get(self._measure.type, 0))

    def say_share(self, basis_points: int) -> str:
        return format_value(Column("share", "percent"), basis_points, self._words)

    def name_of(self, number: int, value: Any) -> str:
        return format_value(self._result.columns[number], value, self._words)

    def series(self) -> Markup:
        is_month = self._result.columns[0].type == "month"
        rows = [row for row in self._result.rows if row[0] is not None]

        def points(place: int) -> list[Point]:
            known = [row for row in rows if isinstance(row[place], int)]
            return [Point(_ordinal(row[0], is_month), row[place], self.name_of(0, row[0])) for row in known]

        asked = self._result.parameters
        lines = [Line(format_period(asked.date_from, asked.date_to), points(self._place))]
        if asked.compare is not None:
            lines.append(Line(gettext("the period compared with"), points(self._place + 1), True))
        return draw_lines(self._title, self._described(), lines, self.say_short)

    def bars(self) -> Markup:
        rows = [row for row in self._result.rows if isinstance(row[self._place], int)]
        if self._result.columns[0].type == "text":
            rows.sort(key=lambda row: -row[self._place])
        bars = [Bar(self.name_of(0, row[0]), row[self._place], self.say(row[self._place])) for row in rows]
        others = len(bars) - BARS_MAX
        more = gettext("and %(count)s more") % {"count": format_number(others)} if others > 0 else ""
        return draw_bars(self._title, self._described(), bars, more)

    def pareto(self) -> Markup:
        rows = [row for row in self._result.rows if isinstance(row[self._place], int)]
        bars = [Bar(self.name_of(0, row[0]), row[self._place], self.say(row[self._place])) for row in rows]
        return draw_pareto(self._title, self._described(), bars, self.say_share, self.say_short)

    def heat_map(self) -> Markup:
        by = self._result.parameters.by
        hour_at, day_at = by.index("hour"), by.index("weekday")
        known = {(row[day_at], row[hour_at]): row[self._place] for row in self._result.rows}
        hours = sorted({row[hour_at] for row in self._result.rows})
        cells = [[known.get((day, hour)) for hour in hours] for day in range(1, 8)]
        return self._shades([weekday_name(day) for day in range(1, 8)], [str(hour) for hour in hours], cells)

    def triangle(self) -> Markup:
        by = self._result.parameters.by
        cohort_at, month_at = by.index(TRIANGLE[0]), by.index(TRIANGLE[1])
        known = {(row[cohort_at], row[month_at]): row[self._place] for row in self._result.rows}
        cohorts, months = sorted({key[0] for key in known}), sorted({key[1] for key in known})
        cells = [[known.get((cohort, month)) for month in months] for cohort in cohorts]
        return self._shades(
            [self.name_of(cohort_at, cohort) for cohort in cohorts], [str(month) for month in months], cells
        )

    def _shades(self, rows: Sequence[str], columns: Sequence[str], values: Sequence[Sequence[Any]]) -> Markup:
        """In one unit for all cells, said in the corner: a cell has room for few digits."""
        numbers = [abs(self._number(each)) for row in values for each in row if isinstance(each, int)]
        largest = max(numbers, default=Decimal(0))
        scale, corner = next((scale, corner) for least, scale, corner in SCALES if largest >= least)
        pattern = "#,##0.#" if len(columns) <= TENTHS_COLUMNS_MAX else "#,##0"

        def shade(value: Any) -> Shade:
            if not isinstance(value, int):
                return Shade("", None)
            number = format_decimal(self._number(value) / scale, pattern, current_language())
            return Shade(number.replace("-", MINUS), value)

        cells = [[shade(value) for value in row] for row in values]
        return draw_shades(self._title, self._described(), rows, columns, cells, str(corner))

    def _described(self) -> str:
        return gettext("The table below has the same numbers.")


def _ordinal(value: str, is_month: bool) -> int:
    return int(value[:4]) * 12 + int(value[5:7]) if is_month else date.fromisoformat(value).toordinal()
