"""Receipts as PDF: a roll of 80 mm as long as the receipt, or A4. The rows are those of the printer's paper."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, NamedTuple

from branch_node.devices.qr import QUIET_ZONE_MODULES, qr_matrix
from shared.domain.receipt_document import ReceiptDocument
from shared.domain.receipt_rows import Row, RowKind, receipt_rows
from shared.errors import InvalidInput

POINTS_PER_MM = 72 / 25.4
ROLL_WIDTH_MM = 80
A4_WIDTH_MM, A4_HEIGHT_MM = 210, 297
QR_SIDE_MM = 35
FONT_POINTS = 8.5
TALL_FONT_POINTS = 12.0
LINE_SPACING = 1.25
ROLL_LENGTH_MM_MAX = 5_000
"""PDF readers stop at 5.08 m (14 400 points): longer receipts become several pages."""

_REGULAR, _BOLD = "PTSans", "PTSans-Bold"


class Paper(NamedTuple):
    """A page's sizes in points; `height` None is a roll that ends with the text."""

    width: float
    height: float | None
    margin: float
    text_width: float


PAPERS = {
    "roll": Paper(ROLL_WIDTH_MM * POINTS_PER_MM, None, 4 * POINTS_PER_MM, 72 * POINTS_PER_MM),
    "a4": Paper(A4_WIDTH_MM * POINTS_PER_MM, A4_HEIGHT_MM * POINTS_PER_MM, 20 * POINTS_PER_MM, 110 * POINTS_PER_MM),
}


class _Line(NamedTuple):
    """One printed line, measured: texts at the left, centre or right, a rule, or a code."""

    height: float
    font: str = _REGULAR
    size: float = FONT_POINTS
    left: str = ""
    centre: str = ""
    right: str = ""
    qr: str = ""
    rule: bool = False


def receipt_pdf(document: ReceiptDocument, paper: str = "roll") -> bytes:
    """The receipt as a PDF whose text can be searched; `paper` is `roll` or `a4`. Raises InvalidInput."""
    if paper not in PAPERS:
        raise InvalidInput(f"The paper “{paper}” is not known.", f"One of: {', '.join(PAPERS)}.")
    from reportlab.pdfgen.canvas import Canvas

    _register_fonts()
    sizes = PAPERS[paper]
    lines = [line for row in receipt_rows(document) for line in _lines(row, sizes.text_width)]
    buffer = io.BytesIO()
    canvas = Canvas(buffer, invariant=1)
    canvas.setTitle(f"{document.title} {document.header.receipt}".strip())
    canvas.setAuthor(document.header.chain)
    for page in _pages(lines, sizes):
        _draw(canvas, page, sizes)
    canvas.save()
    return buffer.getvalue()


def _pages(lines: Sequence[_Line], paper: Paper) -> list[list[_Line]]:
    room = (paper.height or ROLL_LENGTH_MM_MAX * POINTS_PER_MM) - 2 * paper.margin
    pages: list[list[_Line]] = [[]]
    used = 0.0
    for line in lines:
        if used + line.height > room:
            pages.append([])
            used = 0.0
        pages[-1].append(line)
        used += line.height
    return pages


def _draw(canvas: Any, lines: Sequence[_Line], paper: Paper) -> None:
    height = paper.height or sum(line.height for line in lines) + 2 * paper.margin
    canvas.setPageSize((paper.width, height))
    top = height - paper.margin
    for line in lines:
        _draw_line(canvas, line, top, paper)
        top -= line.height
    canvas.showPage()


def _draw_line(canvas: Any, line: _Line, top: float, paper: Paper) -> None:
    base = top - line.size
    left, right = paper.margin, paper.margin + paper.text_width
    canvas.setFont(line.font, line.size)
    if line.rule:
        canvas.setLineWidth(0.5)
        canvas.line(left, top - line.height / 2, right, top - line.height / 2)
    if line.left:
        canvas.drawString(left, base, line.left)
    if line.centre:
        canvas.drawCentredString((left + right) / 2, base, line.centre)
    if line.right:
        canvas.drawRightString(right, base, line.right)
    if line.qr:
        _draw_code(canvas, line, top, (left + right) / 2)


def _draw_code(canvas: Any, line: _Line, top: float, centre: float) -> None:
    matrix = qr_matrix(line.qr)
    side = line.height / (len(matrix) + 2 * QUIET_ZONE_MODULES)
    first = centre - side * len(matrix) / 2
    for row_number, row in enumerate(matrix):
        bottom = top - side * (row_number + QUIET_ZONE_MODULES + 1)
        for column_number, is_dark in enumerate(row):
            if is_dark:
                canvas.rect(first + side * column_number, bottom, side, side, stroke=0, fill=1)


def _lines(row: Row, width: float) -> list[_Line]:
    font = _BOLD if row.bold else _REGULAR
    size = TALL_FONT_POINTS if row.tall else FONT_POINTS
    line = _Line(size * LINE_SPACING, font, size)
    match row.kind:
        case RowKind.QR:
            return [line._replace(height=QR_SIDE_MM * POINTS_PER_MM, qr=row.left)]
        case RowKind.RULE:
            return [line._replace(rule=True)]
        case RowKind.CENTRED:
            return [line._replace(centre=text) for text in _wrap(row.left, font, size, width)]
        case RowKind.TEXT:
            return [line._replace(left=text) for text in _wrap(row.left, font, size, width)]
        case RowKind.PAIR:
            return _pair(row, line, width)


def _pair(row: Row, line: _Line, width: float) -> list[_Line]:
    """Left and right on one line when they fit, else the right below the left's end."""
    texts = _wrap(row.left, line.font, line.size, width)
    rights = _wrap(row.right, line.font, line.size, width)
    lines = [line._replace(left=text) for text in texts]
    taken = _width(texts[-1] + "  ", line.font, line.size) + _width(rights[0], line.font, line.size)
    if len(rights) == 1 and taken <= width:
        lines[-1] = lines[-1]._replace(right=rights[0])
        return lines
    return lines + [line._replace(right=text) for text in rights]


def _wrap(text: str, font: str, size: float, width: float) -> list[str]:
    """Lines that fit, broken at spaces; a longer word is cut, none is lost."""
    flat = "".join(character if character.isprintable() else " " for character in text)
    lines: list[str] = []
    current = " " * (len(flat) - len(flat.lstrip()))
    for word in flat.split():
        candidate = f"{current} {word}" if current.strip() else current + word
        if _width(candidate, font, size) <= width:
            current = candidate
            continue
        if current.strip():
            lines.append(current)
        current = word
        while _width(current, font, size) > width:
            fits = _characters_that_fit(current, font, size, width)
            lines.append(current[:fits])
            current = current[fits:]
    return [*lines, current]


def _characters_that_fit(text: str, font: str, size: float, width: float) -> int:
    count = 1
    while count < len(text) and _width(text[: count + 1], font, size) <= width:
        count += 1
    return count


def _width(text: str, font: str, size: float) -> float:
    from reportlab.pdfbase.pdfmetrics import stringWidth

    return float(stringWidth(text, font, size))


def _register_fonts() -> None:
    from pathlib import Path

    import fontpkg_pt_sans
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    fonts = Path(fontpkg_pt_sans.ROOT) / "files"
    pdfmetrics.registerFont(TTFont(_REGULAR, str(fonts / "PT_Sans-Web-Regular.ttf")))
    pdfmetrics.registerFont(TTFont(_BOLD, str(fonts / "PT_Sans-Web-Bold.ttf")))
