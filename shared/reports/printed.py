"""A report as a PDF to print: every page says of what it is, and how complete; what the measures mean comes last."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

import fontpkg_pt_sans
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, PageBreak, Paragraph, SimpleDocTemplate, Spacer

from shared.reports.presentation import Presentation
from shared.reports.result import Column, ReportResult
from shared.reports.wording import (
    Speaker,
    completeness_of,
    completeness_stamp,
    definitions_of,
    filters_of,
    made_of,
    notes_of,
    period_of,
    plain_text,
    title_of,
)
from shared.reports.words import marked as _

PDF_ROWS_MAX = 10_000
LINES_PER_ROW_MAX = 12
"""Lines of a wrapped text; a row must fit on a page."""

FONT_SIZES = (8.5, 8.0, 7.5, 7.0, 6.5, 6.0)
"""From the size that is tried first to the smallest that is still read without effort, in points."""

TEXT_POINTS_MAX = 230
"""Texts wider than this wrap."""

MARGIN_POINTS = 34
HEAD_POINTS, FOOT_POINTS = 66, 40
FRAME_POINTS = 6
"""What the library leaves free around the text of a page."""

ABOUT_LINES_MAX = 2
PADDING_POINTS = 4
SLACK_POINTS = 0.5
REGULAR, BOLD = "PTSans", "PTSans-Bold"
_SIGNS = str.maketrans({"Σ": "∑", "→": "–", "\u202f": "\u00a0"})
BLACK, GREY, LINE, SHADE = HexColor("#000000"), HexColor("#555555"), HexColor("#bbbbbb"), HexColor("#eeeeee")
PAGE = landscape(A4)
WIDTH_POINTS = PAGE[0] - 2 * MARGIN_POINTS


Lines = tuple[tuple[str, ...], ...]
"""The cells of a row, each cut into lines."""


class Cut(NamedTuple):
    """A part of the columns that fits side by side, and how large its letters are. Columns by their number."""

    columns: tuple[int, ...]
    widths: tuple[float, ...]
    size: float


def pages_of(result: ReportResult, presentation: Presentation) -> bytes:
    """Landscape A4. Columns are as wide as their content; what does not fit beside goes under it, dimensions again."""
    _register_fonts()
    speaker = Speaker(presentation, result.currency)
    buffer = io.BytesIO()
    document = SimpleDocTemplate(
        buffer, pagesize=PAGE, title=title_of(result, speaker), author=presentation.made_by,
        leftMargin=MARGIN_POINTS - FRAME_POINTS,
        rightMargin=MARGIN_POINTS - FRAME_POINTS, topMargin=HEAD_POINTS, bottomMargin=FOOT_POINTS,
    )  # fmt: skip
    furniture = _Furniture(result, speaker)
    document.build(
        [*_opening(result, speaker), *_tables(result, speaker), *_closing(result, speaker)],
        canvasmaker=lambda *given, **named: _CountedCanvas(furniture, *given, **named),
    )
    return buffer.getvalue()


@lru_cache(maxsize=1)
def _register_fonts() -> None:
    folder = Path(fontpkg_pt_sans.ROOT) / "files"
    pdfmetrics.registerFont(TTFont(REGULAR, str(folder / "PT_Sans-Web-Regular.ttf")))
    pdfmetrics.registerFont(TTFont(BOLD, str(folder / "PT_Sans-Web-Bold.ttf")))


class _Furniture:
    """What stands at the head and the foot of every page."""

    def __init__(self, result: ReportResult, speaker: Speaker) -> None:
        self._title = title_of(result, speaker)
        say = speaker.say
        about = "; ".join(
            [
                period_of(result.parameters, speaker),
                say(_("amounts in %(currency)s")) % {"currency": result.currency},
                say(_("times of %(zone)s")) % {"zone": speaker.presentation.zone},
                *filters_of(result, speaker),
            ]
        )
        lines = simpleSplit(_drawn(about), REGULAR, 8, WIDTH_POINTS)
        self._about = [*lines[: ABOUT_LINES_MAX - 1], " ".join(lines[ABOUT_LINES_MAX - 1 :])]
        self._stamp = completeness_stamp(result.completeness, speaker)
        self._made = made_of(speaker)
        self._page = say(_("page %(page)s of %(pages)s"))

    def draw(self, canvas: Canvas, page: int, pages: int) -> None:
        """On the page at hand."""
        width, height = PAGE
        canvas.setFillColor(BLACK)
        canvas.setFont(BOLD, 12)
        canvas.drawString(MARGIN_POINTS, height - 30, _shortened(self._title, BOLD, 12, WIDTH_POINTS))
        canvas.setFont(REGULAR, 8)
        canvas.setFillColor(GREY)
        for number, line in enumerate(self._about):
            canvas.drawString(MARGIN_POINTS, height - 42 - 10 * number, _shortened(line, REGULAR, 8, WIDTH_POINTS))
        canvas.setStrokeColor(LINE)
        canvas.line(MARGIN_POINTS, height - 58, width - MARGIN_POINTS, height - 58)
        said = self._page % {"page": page, "pages": pages}
        right = f"{self._made} · {said}" if self._made else said
        taken = pdfmetrics.stringWidth(right, REGULAR, 8)
        canvas.drawRightString(width - MARGIN_POINTS, 24, right)
        canvas.drawString(MARGIN_POINTS, 24, _shortened(self._stamp, REGULAR, 8, WIDTH_POINTS - taken - 20))


class _CountedCanvas(Canvas):
    """Knows how many pages there are before it writes the first."""

    def __init__(self, furniture: _Furniture, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._furniture = furniture
        self._kept: list[dict[str, Any]] = []

    def showPage(self) -> None:  # noqa: N802 - the library's name
        self._kept.append(dict(self.__dict__))
        self._startPage()  # type: ignore[attr-defined]

    def save(self) -> None:
        kept = self._kept
        for number, state in enumerate(kept, 1):
            self.__dict__.update(state)
            self._furniture.draw(self, number, len(kept))
            super().showPage()
        super().save()


def _opening(result: ReportResult, speaker: Speaker) -> Iterator[Flowable]:
    body = ParagraphStyle("body", fontName=REGULAR, fontSize=9, leading=12)
    yield Paragraph(escape(completeness_of(result.completeness, speaker)), body)
    if len(result.rows) > PDF_ROWS_MAX:
        said = speaker.say(_("the first %(shown)s of %(all)s rows, export to CSV for all"))
        counts = {"shown": PDF_ROWS_MAX, "all": len(result.rows)}
        yield Paragraph(escape(said % counts), ParagraphStyle("cut", parent=body, fontName=BOLD))
    yield Spacer(1, 8)


def _closing(result: ReportResult, speaker: Speaker) -> Iterator[Flowable]:
    found = definitions_of(result, speaker)
    if not found:
        return
    body = ParagraphStyle("definition", fontName=REGULAR, fontSize=8, leading=11)
    head = ParagraphStyle("definitions", parent=body, fontName=BOLD, fontSize=9, leading=13, keepWithNext=1)
    yield Spacer(1, 12)
    yield Paragraph(escape(speaker.say(_("What the measures mean"))), head)
    for name, text in found:
        yield Paragraph(f'<font name="{BOLD}">{escape(name)}</font>: {escape(_drawn(text))}', body)
    for note in notes_of(result, speaker):
        yield Paragraph(escape(_drawn(note)), body)


def _tables(result: ReportResult, speaker: Speaker) -> Iterator[Flowable]:
    if not result.columns:
        return
    texts = _texts(result, speaker)
    cuts = _cuts(result, [speaker.heading(column) for column in result.columns], texts)
    for number, cut in enumerate(cuts):
        if number:
            yield PageBreak()
        yield _table(result, speaker, texts, cut)


def _texts(result: ReportResult, speaker: Speaker) -> list[list[str]]:
    """The rows as they are read, the totals last."""
    rows = [
        [_text(column, value, speaker) for column, value in zip(result.columns, row, strict=True)]
        for row in result.rows[:PDF_ROWS_MAX]
    ]
    offset = len(result.columns) - len(result.totals)
    label = ["total" if speaker.presentation.named else speaker.say(_("Total"))] if offset else []
    measures = result.columns[offset:]
    totals = [_text(column, value, speaker) for column, value in zip(measures, result.totals, strict=True)]
    return [*rows, [*label, *[""] * (offset - 1), *totals]]


def _text(column: Column, value: Any, speaker: Speaker) -> str:
    if speaker.presentation.named:
        return _drawn(plain_text(column, value, speaker.currency))
    return _drawn(speaker.value(column, value))


def _drawn(text: str) -> str:
    """With signs that the letters on paper have instead of those that they lack."""
    return text.translate(_SIGNS)


def _cuts(result: ReportResult, headings: Sequence[str], texts: list[list[str]]) -> list[Cut]:
    """All columns at the largest size that they fit at; at the smallest one, as many beside each other as fit."""
    offset = len(result.columns) - len(result.totals)
    for size in FONT_SIZES:
        widths = _widths(result.columns, headings, texts, size)
        if sum(widths) <= WIDTH_POINTS:
            return [Cut(tuple(range(len(widths))), tuple(widths), size)]
    dimensions = list(range(offset))
    # Whatever the dimensions are, room for a measure is left.
    shrink = min(1.0, WIDTH_POINTS * 0.6 / (sum(widths[:offset]) or 1.0))
    widths = [width * shrink if number < offset else width for number, width in enumerate(widths)]
    room = WIDTH_POINTS - sum(widths[:offset])
    cuts, held = [], list[int]()
    for number in range(offset, len(widths)):
        widths[number] = min(widths[number], room)
        if held and sum(widths[each] for each in (*held, number)) > room:
            cuts.append(held)
            held = []
        held.append(number)
    cuts.append(held)
    return [_cut([*dimensions, *columns], widths) for columns in cuts]


def _cut(columns: list[int], widths: list[float]) -> Cut:
    return Cut(tuple(columns), tuple(widths[number] for number in columns), FONT_SIZES[-1])


def _widths(columns: Sequence[Column], headings: Sequence[str], texts: list[list[str]], size: float) -> list[float]:
    """What the widest text needs; a heading may wrap between its words."""
    widths = []
    for number, column in enumerate(columns):
        longest = sorted({row[number] for row in texts}, key=len)[-20:]
        body = max((pdfmetrics.stringWidth(text, BOLD, size) for text in longest), default=0.0)
        if not column.is_number:
            body = min(body, TEXT_POINTS_MAX)
        words = max((pdfmetrics.stringWidth(word, BOLD, size) for word in headings[number].split()), default=0.0)
        widths.append(max(body, words, 18.0) + 2 * PADDING_POINTS + SLACK_POINTS)
    return widths


def _table(result: ReportResult, speaker: Speaker, texts: list[list[str]], cut: Cut) -> Rows:
    rows = [tuple(row[number] for number in cut.columns) for row in texts]
    head = tuple(
        tuple(simpleSplit(speaker.heading(result.columns[number]), BOLD, cut.size, width - 2 * PADDING_POINTS))
        for number, width in zip(cut.columns, cut.widths, strict=True)
    )
    numbers = frozenset(place for place, number in enumerate(cut.columns) if result.columns[number].is_number)
    body = [_wrapped(row, cut, REGULAR, numbers) for row in rows[:-1]] + [_wrapped(rows[-1], cut, BOLD, numbers)]
    return Rows(Table(head, body, cut, numbers), 0)


def _wrapped(row: Sequence[str], cut: Cut, font: str, numbers: frozenset[int]) -> Lines:
    """Numbers are never broken."""
    return tuple(
        (text,) if place in numbers else _lines(text, width - 2 * PADDING_POINTS, cut.size, font)
        for place, (text, width) in enumerate(zip(row, cut.widths, strict=True))
    )


def _lines(text: str, width: float, size: float, font: str) -> tuple[str, ...]:
    # No letter is wider than its size: most texts need not be measured.
    if len(text) * size <= width or pdfmetrics.stringWidth(text, font, size) <= width:
        return (text,)
    lines = tuple(piece for line in simpleSplit(text, font, size, width) for piece in _pieces(line, width, size, font))
    return (*lines[: LINES_PER_ROW_MAX - 1], "…") if len(lines) > LINES_PER_ROW_MAX else lines


def _pieces(word: str, width: float, size: float, font: str) -> Iterator[str]:
    """A word that is wider than its column, cut where it must be."""
    while pdfmetrics.stringWidth(word, font, size) > width and len(word) > 1:
        fits = max(
            1,
            bisect_right(range(len(word)), width, key=lambda count: pdfmetrics.stringWidth(word[:count], font, size))
            - 1,
        )
        yield word[:fits]
        word = word[fits:]
    yield word


def _shortened(text: str, font: str, size: float, width: float) -> str:
    """As much of it as fits on one line."""
    first, *rest = _pieces(text, width - size, size, font)
    return f"{first.rstrip()}…" if rest else first


class Rows(Flowable):
    """The rows of a table from one on, as many as a page holds under the heading; the rest goes to the next page.

    Cells are measured once, to choose the columns' widths; the library's own tables would measure them again.
    """

    def __init__(self, table: Table, first: int) -> None:
        super().__init__()
        self._table, self._first, self._last = table, first, len(table.body)

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:
        """The room it takes."""
        table = self._table
        return sum(table.cut.widths), table.head_height + table.tops[self._last] - table.tops[self._first]

    def split(self, available_width: float, available_height: float) -> list[Flowable]:
        """What fits, and what does not; nothing when not even one row does."""
        table = self._table
        end = table.tops[self._first] + available_height - table.head_height
        last = bisect_right(table.tops, end, self._first, self._last + 1) - 1
        if last <= self._first:
            return []
        fits, rest = Rows(table, self._first), Rows(table, last)
        fits._last = last
        return [fits, rest]

    def draw(self) -> None:
        """With the origin at the lower left corner."""
        table, canvas = self._table, self.canv
        width, top = self.wrap(0, 0)
        canvas.setFillColor(SHADE)
        canvas.rect(0, top - table.head_height, width, table.head_height, stroke=0, fill=1)
        canvas.setFillColor(BLACK)
        canvas.setStrokeColor(LINE)
        canvas.setLineWidth(0.4)
        canvas.setFont(BOLD, table.cut.size)
        table.draw_row(canvas, table.head, top)
        top -= table.head_height
        canvas.setFont(REGULAR, table.cut.size)
        for number in range(self._first, self._last):
            if number == len(table.body) - 1:
                canvas.setFont(BOLD, table.cut.size)
                canvas.setStrokeColor(BLACK)
            canvas.line(0, top, width, top)
            table.draw_row(canvas, table.body[number], top)
            top -= table.tops[number + 1] - table.tops[number]


class Table:
    """A heading and rows, each cell cut into lines, and where each row begins, in points from the first."""

    def __init__(self, head: Lines, body: list[Lines], cut: Cut, numbers: frozenset[int]) -> None:
        self.head, self.body, self.cut, self._numbers = head, body, cut, numbers
        self._leading = cut.size * 1.2
        self.head_height = self._height(head)
        self.tops = [0.0, *accumulate(map(self._height, body))]

    def _height(self, row: Lines) -> float:
        return max(map(len, row), default=1) * self._leading + self.cut.size * 0.4

    def draw_row(self, canvas: Canvas, row: Lines, top: float) -> None:
        """Below `top`; numbers at the right."""
        left = 0.0
        for place, (lines, width) in enumerate(zip(row, self.cut.widths, strict=True)):
            baseline = top - self._leading
            for line in lines:
                if place in self._numbers:
                    canvas.drawRightString(left + width - PADDING_POINTS, baseline, line)
                else:
                    canvas.drawString(left + PADDING_POINTS, baseline, line)
                baseline -= self._leading
            left += width
