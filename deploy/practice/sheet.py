"""A printable sheet of barcodes with names and prices, to practise with a scanner or a phone. A4, PDF."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from deploy.practice.barcodes import weighed_barcode
from deploy.practice.goods import Product
from deploy.practice.plan import Plan
from shared.domain.money import extend_price, format_minor

POINTS_PER_MM = 72 / 25.4
PAGE_WIDTH_MM, PAGE_HEIGHT_MM = 210, 297
MARGIN_MM = 12
HEADING_MM = 12
COLUMNS, ROWS = 3, 8
PER_CATEGORY = 3
GRAMS = (240, 1_480)
"""Between these lies the weight in the codes of weighed goods."""

BAR_WIDTH_MM, BAR_HEIGHT_MM = 0.33, 13
"""The usual module of EAN-13, and about half its usual height: scanners read it from paper and from a screen."""

_REGULAR, _BOLD = "PTSans", "PTSans-Bold"
_NAME_POINTS, _PRICE_POINTS = 9.0, 8.0
_CURRENCY = "RUB"


class Label(NamedTuple):
    """One code with what stands beside it."""

    code: str
    name: str
    price: str


def choose_labels(plan: Plan) -> list[Label]:
    """A few goods of every category; weighed ones with a weight, as a scale would print them."""
    chance = Random(f"{plan.seed}:sheet")
    by_category: dict[str, list[Product]] = {}
    for product in plan.products:
        by_category.setdefault(product.category, []).append(product)
    return [
        _label(product, chance)
        for made in by_category.values()
        for product in chance.sample(made, min(PER_CATEGORY, len(made)))
    ]


def barcode_sheet(plan: Plan) -> bytes:
    """The PDF; the same plan gives the same bytes."""
    from reportlab.pdfgen.canvas import Canvas

    _register_fonts()
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=(PAGE_WIDTH_MM * POINTS_PER_MM, PAGE_HEIGHT_MM * POINTS_PER_MM), invariant=1)
    title = "Barcodes for practice" if plan.language == "en" else "Штрихкоды для тренировки"
    canvas.setTitle(title)
    labels = choose_labels(plan)
    for start in range(0, len(labels), COLUMNS * ROWS):
        _draw_page(canvas, f"{plan.chain_name} – {title}", labels[start : start + COLUMNS * ROWS])
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _label(product: Product, chance: Random) -> Label:
    if not product.weighed:
        return Label(product.barcode, product.name, f"{format_minor(product.price_minor, _CURRENCY)} ₽")
    grams = chance.randrange(*GRAMS, 10)
    amount = format_minor(extend_price(product.price_minor, grams), _CURRENCY)
    each = format_minor(product.price_minor, _CURRENCY)
    return Label(weighed_barcode(product.sku, grams), product.name, f"{grams} × {each} / 1000 = {amount} ₽")


def _draw_page(canvas: Any, heading: str, labels: Sequence[Label]) -> None:
    top = (PAGE_HEIGHT_MM - MARGIN_MM) * POINTS_PER_MM
    canvas.setFont(_BOLD, 12)
    canvas.drawString(MARGIN_MM * POINTS_PER_MM, top - 12, heading)
    width = (PAGE_WIDTH_MM - 2 * MARGIN_MM) / COLUMNS * POINTS_PER_MM
    height = (PAGE_HEIGHT_MM - 2 * MARGIN_MM - HEADING_MM) / ROWS * POINTS_PER_MM
    for number, label in enumerate(labels):
        row, column = divmod(number, COLUMNS)
        left = MARGIN_MM * POINTS_PER_MM + column * width
        _draw_label(canvas, label, left, top - HEADING_MM * POINTS_PER_MM - row * height, width)


def _draw_label(canvas: Any, label: Label, left: float, top: float, width: float) -> None:
    from reportlab.graphics import renderPDF
    from reportlab.graphics.barcode.eanbc import Ean13BarcodeWidget
    from reportlab.graphics.shapes import Drawing

    canvas.setFont(_BOLD, _NAME_POINTS)
    canvas.drawString(left, top - _NAME_POINTS, _fitting(label.name, _BOLD, _NAME_POINTS, width - 8))
    canvas.setFont(_REGULAR, _PRICE_POINTS)
    canvas.drawString(left, top - _NAME_POINTS - _PRICE_POINTS - 3, label.price)
    bars = Ean13BarcodeWidget(label.code)
    bars.barWidth, bars.barHeight = BAR_WIDTH_MM * POINTS_PER_MM, BAR_HEIGHT_MM * POINTS_PER_MM
    drawing = Drawing(width, bars.barHeight)
    drawing.add(bars)
    renderPDF.draw(drawing, canvas, left, top - _NAME_POINTS - _PRICE_POINTS - 9 - bars.barHeight)


def _fitting(text: str, font: str, size: float, width: float) -> str:
    from reportlab.pdfbase.pdfmetrics import stringWidth

    while len(text) > 1 and stringWidth(text, font, size) > width:
        text = text[:-2].rstrip() + "…"
    return text


def _register_fonts() -> None:
    import fontpkg_pt_sans
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    fonts = Path(fontpkg_pt_sans.ROOT) / "files"
    pdfmetrics.registerFont(TTFont(_REGULAR, str(fonts / "PT_Sans-Web-Regular.ttf")))
    pdfmetrics.registerFont(TTFont(_BOLD, str(fonts / "PT_Sans-Web-Bold.ttf")))
