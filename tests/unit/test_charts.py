"""Charts as SVG: well-formed, escaped, readable without colour, and the one that suits the question."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from markupsafe import Markup

from shared.reports.parameters import ReportParameters
from shared.reports.periods import Compare
from shared.reports.registry import find_report
from shared.reports.result import Column, Completeness, ReportResult
from shared.web.charts import BARS_MAX, Bar, Line, Point, Shade, draw_bars, draw_lines, draw_pareto, draw_shades
from shared.web.report_charts import chart_of, measure_drawn
from shared.web.report_words import Words
from shared.web.translations import speaking

SALES = find_report("sales")
WORDS = Words("UTC", "RUB")


def parts(svg: Markup, name: str) -> list[ElementTree.Element]:
    """Elements of that name; the chart says what it is to whoever cannot see it."""
    root = ElementTree.fromstring(str(svg))
    assert root.get("role") == "img"
    assert [each.tag for each in root][:2] == ["title", "desc"]
    return list(root.iter(name))


def test_what_is_compared_with_is_dashed_and_named() -> None:
    line = Line("now", [Point(1, 5, "a"), Point(2, -3, "b")])
    svg = draw_lines("<t>", "d", [line, line._replace(name="before", is_dashed=True)], str)
    assert [each.get("class") for each in parts(svg, "polyline")] == ["chart-line", "chart-line chart-dashed"]
    assert {"now", "before", "0"} <= {each.text for each in parts(svg, "text")}
    assert "<t>" not in svg


def test_bars_have_their_numbers_and_those_below_zero_are_hatched() -> None:
    svg = draw_bars("t", "d", [Bar("<b>", 10, "ten"), Bar("loss", -5, "−five")])
    assert [each.get("class") for each in parts(svg, "rect")] == ["chart-bar", "chart-bar-below"]
    assert {"<b>", "ten", "−five"} <= {each.text for each in parts(svg, "text")}
    assert len(parts(draw_bars("t", "d", [Bar("x", 1, "1")] * 99), "rect")) == BARS_MAX


def test_a_pareto_line_ends_at_the_whole() -> None:
    svg = draw_pareto("t", "d", [Bar("a", 1, "1"), Bar("b", 3, "3"), Bar("c", 0, "0")], str, str)
    heights = [int(each.get("height", "0")) for each in parts(svg, "rect")]
    assert heights == sorted(heights, reverse=True)
    assert (parts(svg, "polyline")[0].get("points") or "").endswith(",12")


def test_shades_have_numbers_and_stay_readable() -> None:
    svg = draw_shades("t", "d", ["mon"], ["9", "10"], [[Shade("7", 7), Shade("", None)]])
    assert [each.get("fill-opacity") for each in parts(svg, "rect")] == ["40%"]


def test_the_cells_of_a_table_of_shades_are_counted_in_one_unit_that_is_said() -> None:
    with speaking("ru"):
        heat = answer(("hour", "weekday"), [(9, 1, 15_713_50), (10, 7, 84_100_00)])
        said = [each.text for each in parts(chart_of(SALES, heat, WORDS), "text")]
        assert said[0] == "в тысячах"
        assert said[-1] == "84,1"
        assert "15,7" in said
        small = [each.text for each in parts(chart_of(SALES, answer(("hour", "weekday"), [(9, 1, 50)]), WORDS), "text")]
        assert (small[0], "0,5" in small) == ("9", True)


def test_bars_that_are_not_drawn_are_counted() -> None:
    with speaking("ru"):
        many = answer(("branch",), [(f"B{number:02}", 100 + number) for number in range(BARS_MAX + 6)])
        assert [each.text for each in parts(chart_of(SALES, many, WORDS), "text")][-1] == "и ещё 6"


def test_nothing_is_drawn_of_nothing() -> None:
    assert [draw_lines("t", "d", [], str), draw_bars("t", "d", []), draw_shades("t", "d", [], [], [])] == [""] * 3
    assert draw_pareto("t", "d", [], str, str) == ""


def answer(by: tuple[str, ...], rows: list[tuple[Any, ...]], compare: Compare | None = None) -> ReportResult:
    columns = [*(SALES.dimensions[name] for name in by), Column("net", "money")]
    columns += [Column("net_before", "money"), Column("net_change", "percent")] if compare else []
    asked = ReportParameters(by, compare=compare)
    return ReportResult("sales", asked, tuple(columns), tuple(rows), (), Completeness(()), "RUB")


def test_the_chart_suits_what_is_grouped_by() -> None:
    days = answer(("business_date",), [("2026-11-01", 5, 4, 1), ("2026-11-02", 7, 4, 1)], Compare.PREVIOUS)
    assert len(parts(chart_of(SALES, days, WORDS), "polyline")) == 2
    branches = answer(("branch",), [("A", 5), ("B", 7), (None, 1)])
    assert next(each.text for each in parts(chart_of(SALES, branches, WORDS), "text")) == "B"
    heat = answer(("hour", "weekday"), [(9, 1, 5), (10, 7, 50)])
    assert len(parts(chart_of(SALES, heat, WORDS), "rect")) == 2
    assert chart_of(SALES, answer(("branch", "month"), [("A", "2026-11", 5)]), WORDS) == ""
    assert chart_of(SALES, answer(("branch",), []), WORDS) == ""


def test_the_measure_that_is_sorted_by_is_drawn() -> None:
    assert [getattr(measure_drawn(SALES, sort), "name", "") for sort in ("", "-units", "branch")] == [
        "net",
        "units",
        "net",
    ]
    assert getattr(measure_drawn(find_report("cohorts")), "name", "") == "retention"
