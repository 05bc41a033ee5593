"""Rows of a receipt as lines of so many columns: wrapped without losing a character, amounts at the right edge."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from branch_node.devices.qr import qr_svg
from shared.domain.receipt_document import ReceiptDocument
from shared.domain.receipt_rows import Row, RowKind, receipt_rows

COLUMNS_MIN = 24
COLUMNS_MAX = 64
"""The narrowest and widest paper; 32, 42 and 48 are usual."""


class TextLine(NamedTuple):
    """One line as it is printed, at most as wide as the paper; `qr` is the content of a square code instead."""

    text: str
    bold: bool = False
    tall: bool = False
    centred: bool = False
    qr: str = ""


def text_lines(rows: Sequence[Row], columns: int, to_printable: Callable[[str], str] = str) -> Iterator[TextLine]:
    """The rows as lines. `to_printable` replaces what the device lacks, before anything is measured."""
    for row in rows:
        if row.kind is RowKind.QR:
            yield TextLine("", qr=row.left)
        elif row.kind is RowKind.RULE:
            yield TextLine("-" * columns)
        else:
            centred = row.kind is RowKind.CENTRED
            for text in _row_texts(row, columns, to_printable):
                yield TextLine(text, row.bold, row.tall, centred)


def plain_text(document: ReceiptDocument, columns: int) -> str:
    """The receipt as plain text, for a page's `<pre>` and for people; the code is left out."""
    lines = (
        line.text.center(columns).rstrip() if line.centred else line.text
        for line in text_lines(receipt_rows(document), columns)
        if not line.qr
    )
    return "\n".join(lines)


def receipt_page(document: ReceiptDocument, columns: int = 48) -> str:
    """An HTML fragment for the browser's print: the text and the square code; no style, no script."""
    from html import escape

    code = qr_svg(document.qr) if document.qr else ""
    return f'<article class="receipt"><pre>{escape(plain_text(document, columns))}</pre>{code}</article>'


def wrap(text: str, columns: int) -> list[str]:
    """The text in lines of at most so many columns, broken at spaces; a longer word is cut, none is lost."""
    indent = " " * min(len(text) - len(text.lstrip()), columns // 2)
    lines: list[str] = []
    current = indent
    for word in text.split():
        while word:
            gap = " " if current.strip() else ""
            room = columns - len(current) - len(gap)
            if len(word) <= room:
                current, word = current + gap + word, ""
            elif current.strip():
                lines.append(current)
                current = indent
            else:
                lines.append(indent + word[:room])
                word = word[room:]
    return [*lines, current] if current.strip() or not lines else lines


def pair(left: str, right: str, columns: int) -> list[str]:
    """Left and right on one line; when they do not fit, the left is wrapped and the right stands below its end."""
    if not right:
        return wrap(left, columns)
    if len(right) > columns:
        return [*wrap(left, columns), *(line.rjust(columns) for line in wrap(right, columns))]
    lines = wrap(left, columns)
    last = lines[-1].rstrip()
    if len(last) + 1 + len(right) > columns:
        return [*lines, right.rjust(columns)]
    return [*lines[:-1], last + right.rjust(columns - len(last))]


def _row_texts(row: Row, columns: int, to_printable: Callable[[str], str]) -> list[str]:
    left, right = to_printable(row.left), to_printable(row.right)
    return pair(left, right, columns) if row.kind is RowKind.PAIR else wrap(left, columns)
