"""Charts as SVG, made on the server: a line over time, bars, a Pareto chart, a table of shades. No script, no colour
that means anything: lines differ by their dashes, shades have their number beside them, and all of it prints.

Contains no numbers of its own and no words: texts come as they are to be shown, and are escaped here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from markupsafe import Markup, escape

WIDTH: Final = 800
"""Units of a chart's own; the page stretches it."""

BARS_MAX: Final = 24
"""Bars of one chart."""

POINTS_MAX: Final = 800
"""Points of one line."""

CELLS_MAX: Final = 1_000
"""Cells of one table of shades."""

SHADE_MAX: Final = 40
"""How dark the darkest shade is, in percent of the ink: the number on it must stay readable."""

_LINE_HEIGHT, _TICKS = 260, 4
_LEFT, _RIGHT, _TOP, _BOTTOM = 90, 16, 12, 28
_BAR_HEIGHT, _BAR_LABEL, _BAR_VALUE = 26, 220, 130
_CELL_HEIGHT, _CELL_LABEL, _CELL_WIDTH_MAX = 26, 130, 110
_DOT_RADIUS = 3
_DOTS_MAX = 62

Say = Callable[[int], str]
"""A number as people read it."""


class Point(NamedTuple):
    """A value at a place along the line, such as a day; `label` names the place."""

    place: int
    value: int
    label: str


class Line(NamedTuple):
    """A line of a chart and what it is called; a dashed one is what is compared with."""

    name: str
    points: Sequence[Point]
    is_dashed: bool = False


class Bar(NamedTuple):
    """A bar: its name, its value, and its value as text."""

    label: str
    value: int
    text: str


class Shade(NamedTuple):
    """A cell: its number as text, and how large it is; None where there is nothing."""

    text: str
    value: int | None


def draw_lines(title: str, description: str, lines: Sequence[Line], say: Say) -> Markup:
    """Values over time, from zero on; at most POINTS_MAX points of each line are drawn."""
    drawn = [line._replace(points=line.points[-POINTS_MAX:]) for line in lines if line.points]
    points = [point for line in drawn for point in line.points]
    if not points:
        return Markup("")
    low, high = min(0, *(point.value for point in points)), max(0, *(point.value for point in points))
    first, last = min(point.place for point in points), max(point.place for point in points)
    across, down = WIDTH - _LEFT - _RIGHT, _LINE_HEIGHT - _TOP - _BOTTOM

    def x(place: int) -> int:
        return _LEFT + (place - first) * across // max(1, last - first)

    def y(value: int) -> int:
        return _TOP + (high - value) * down // max(1, high - low)

    parts = [_grid(y(value), say(value)) for value in _ticks(low, high)]
    parts += [_line(line, x, y, say) for line in drawn]
    longest = max(drawn, key=lambda line: len(line.points)).points
    parts += [_place_label(longest[0], x, "start"), _place_label(longest[-1], x, "end")] if len(longest) > 1 else []
    if len(longest) > 4:
        parts.append(_place_label(longest[len(longest) // 2], x, "middle"))
    height = _LINE_HEIGHT
    if len(drawn) > 1:
        parts += [_legend(line, number, height) for number, line in enumerate(drawn)]
        height += 24
    return _svg(title, description, height, parts)


def draw_bars(title: str, description: str, bars: Sequence[Bar], more: str = "") -> Markup:
    """Bars from left to right, one below another, the first BARS_MAX; those below zero are hatched. `more` says that
    there are others."""
    shown = bars[:BARS_MAX]
    if not shown:
        return Markup("")
    longest = max(1, *(abs(bar.value) for bar in shown))
    across = WIDTH - _BAR_LABEL - _BAR_VALUE
    parts = [_HATCH]
    for number, bar in enumerate(shown):
        top, length = number * _BAR_HEIGHT, abs(bar.value) * across // longest
        bar_shape = _BAR_BELOW if bar.value < 0 else _BAR
        parts.append(_text(_BAR_LABEL - 8, top + 18, _shortened(bar.label, 30), "end"))
        parts.append(bar_shape.format(_BAR_LABEL, top + 4, max(1, length), _BAR_HEIGHT - 8))
        parts.append(_text(_BAR_LABEL + length + 8, top + 18, bar.text))
    height = len(shown) * _BAR_HEIGHT + 4
    if more:
        parts.append(_text(_BAR_LABEL, height + 14, more))
        height += 24
    return _svg(title, description, height, parts)


def draw_pareto(title: str, description: str, bars: Sequence[Bar], say_share: Say, say: Say) -> Markup:
    """Bars from the largest on, standing, and the line of what they are together, in basis points of the whole."""
    whole = sum(bar.value for bar in bars if bar.value > 0)
    shown = sorted((bar for bar in bars if bar.value > 0), key=lambda bar: -bar.value)[:BARS_MAX]
    if not shown:
        return Markup("")
    across, down, right = WIDTH - _LEFT - 60, _LINE_HEIGHT - _TOP - _BOTTOM, WIDTH - 60
    step = across // len(shown)
    highest = shown[0].value
    parts = [_grid(_TOP + down - value * down // highest, say(value), right) for value in _ticks(0, highest)]
    together, corners = 0, []
    for number, bar in enumerate(shown):
        left, tall = _LEFT + number * step, bar.value * down // highest
        together += bar.value
        corners.append((left + step // 2, _TOP + down - together * down // whole))
        parts.append(Markup('<rect class="chart-bar" x="{}" y="{}" width="{}" height="{}"/>').format(
            left + step // 10, _TOP + down - tall, step - step // 5, tall
        ))  # fmt: skip
        parts.append(_text(left + step // 2, _LINE_HEIGHT - 8, _shortened(bar.label, max(2, step // 9)), "middle"))
    path = " ".join(f"{x},{y}" for x, y in corners)
    parts.append(Markup('<polyline class="chart-line chart-dashed" points="{}"/>').format(path))
    parts += [
        _text(right + 6, _TOP + down - share * down // 10_000 + 4, say_share(share)) for share in (2_500, 5_000, 10_000)
    ]
    return _svg(title, description, _LINE_HEIGHT, parts)


def draw_shades(
    title: str,
    description: str,
    rows: Sequence[str],
    columns: Sequence[str],
    cells: Sequence[Sequence[Shade]],
    corner: str = "",
) -> Markup:
    """A table of cells, the larger the darker, each with its number; at most CELLS_MAX cells. `corner` says what the
    numbers are counted in."""
    if not rows or not columns or len(rows) * len(columns) > CELLS_MAX:
        return Markup("")
    largest = max([1, *(abs(cell.value or 0) for row in cells for cell in row)])
    wide = min(_CELL_WIDTH_MAX, (WIDTH - _CELL_LABEL) // len(columns))
    parts = [_text(_CELL_LABEL - 8, 18, corner, "end")] if corner else []
    parts += [_text(_CELL_LABEL + number * wide + wide // 2, 18, name, "middle") for number, name in enumerate(columns)]
    for line, (name, row) in enumerate(zip(rows, cells, strict=True)):
        top = (line + 1) * _CELL_HEIGHT
        parts.append(_text(_CELL_LABEL - 8, top + 18, _shortened(name, 18), "end"))
        for number, cell in enumerate(row):
            if cell.value is None:
                continue
            shade, left = abs(cell.value) * SHADE_MAX // largest, _CELL_LABEL + number * wide
            parts.append(Markup(
                '<rect class="chart-cell" fill-opacity="{}%" x="{}" y="{}" width="{}" height="{}"/>'
            ).format(shade, left, top, wide - 1, _CELL_HEIGHT - 1))  # fmt: skip
            parts.append(_text(left + wide // 2, top + 18, cell.text, "middle"))
    return _svg(title, description, (len(rows) + 1) * _CELL_HEIGHT + 4, parts)


_BAR = Markup('<rect class="chart-bar" x="{}" y="{}" width="{}" height="{}"/>')
_BAR_BELOW = Markup('<rect class="chart-bar-below" fill="url(#hatch)" x="{}" y="{}" width="{}" height="{}"/>')
_HATCH = Markup(
    '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<line class="chart-line" x1="0" y1="0" x2="0" y2="6"/></pattern></defs>'
)


def _svg(title: str, description: str, height: int, parts: Sequence[str]) -> Markup:
    head = Markup(
        '<svg class="chart" role="img" aria-labelledby="chart-title chart-description" viewBox="0 0 {} {}">'
        '<title id="chart-title">{}</title><desc id="chart-description">{}</desc>'
    ).format(WIDTH, height, title, description)
    return head + Markup("").join(parts) + Markup("</svg>")


def _text(x: int, y: int, text: str, anchor: str = "start") -> Markup:
    return Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>').format(x, y, anchor, escape(text))


def _grid(y: int, text: str, right: int = WIDTH - _RIGHT) -> Markup:
    rule = Markup('<line class="chart-grid" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(_LEFT, y, right, y)
    return rule + _text(_LEFT - 8, y + 4, text, "end")


def _line(line: Line, x: Callable[[int], int], y: Callable[[int], int], say: Say) -> Markup:
    corners = " ".join(f"{x(point.place)},{y(point.value)}" for point in line.points)
    kind = "chart-line chart-dashed" if line.is_dashed else "chart-line"
    drawn = Markup('<polyline class="{}" points="{}"/>').format(kind, corners)
    if line.is_dashed or len(line.points) > _DOTS_MAX:
        return drawn
    dots = [
        Markup('<circle class="chart-dot" cx="{}" cy="{}" r="{}"><title>{}: {}</title></circle>').format(
            x(point.place), y(point.value), _DOT_RADIUS, point.label, say(point.value)
        )
        for point in line.points
    ]
    return drawn + Markup("").join(dots)


def _place_label(point: Point, x: Callable[[int], int], anchor: str) -> Markup:
    return _text(x(point.place), _LINE_HEIGHT - 8, point.label, anchor)


def _legend(line: Line, number: int, height: int) -> Markup:
    left, kind = _LEFT + number * 340, "chart-line chart-dashed" if line.is_dashed else "chart-line"
    sample = Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(
        kind, left, height + 10, left + 36, height + 10
    )
    return sample + _text(left + 44, height + 15, line.name)


def _ticks(low: int, high: int) -> list[int]:
    """Round numbers from the lowest to the highest, zero among them."""
    span = max(1, high - low)
    step = 10 ** max(0, len(str(span // _TICKS)) - 1)
    while span // step > _TICKS:
        step = step * 5 // 2 if str(step)[0] == "2" else step * 2
    return list(range(-(-low // step) * step, high + 1, step))


def _shortened(text: str, characters: int) -> str:
    return text if len(text) <= characters else text[: max(1, characters - 1)] + "…"
