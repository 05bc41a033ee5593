"""Documents as ESC/POS, the byte language of receipt printers. It writes; escpos_simulator.py reads what was written.

The commands are those that nearly every printer with 58 or 80 mm paper obeys (Epson's ESC/POS application programming
guide): initialise, leave the Kanji mode of Chinese printers, select a character set, bold, double height, alignment,
square code by `GS ( k` or as a picture by `GS v 0`, feed, cut, and a pulse for the drawer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from branch_node.devices.codepages import CODE_PAGES, CodePage, encode_text, printable, require_code_page
from branch_node.devices.qr import QUIET_ZONE_MODULES, qr_matrix
from branch_node.devices.receipt_text import COLUMNS_MAX, COLUMNS_MIN, TextLine, text_lines
from shared.domain.receipt_document import DocumentKind, ReceiptDocument
from shared.domain.receipt_rows import Row, RowKind, receipt_rows
from shared.errors import InvalidInput

DOTS_PER_COLUMN = 12
"""Font A: 32 columns are 384 dots (58 mm paper), 48 are 576 (80 mm)."""

QR_MODULE_DOTS_MAX = 6
QR_WIDTH_PERCENT = 60
"""Of the paper at most: a code at the very edge is not read."""

FEED_LINES_BEFORE_CUT = 3
DRAWER_PULSE_ON_MS = 100
DRAWER_PULSE_OFF_MS = 200

QR_NATIVE = "native"
QR_RASTER = "raster"
QR_MODES = (QR_NATIVE, QR_RASTER)

_ESC, _GS, _FS = b"\x1b", b"\x1d", b"\x1c"
_INITIALISE = _ESC + b"@" + _FS + b"."
_LEFT, _CENTRE = _ESC + b"a\x00", _ESC + b"a\x01"
_CUT = _ESC + bytes((ord("d"), FEED_LINES_BEFORE_CUT)) + _GS + b"VB\x00"
_DRAWER = _ESC + bytes((ord("p"), 0, DRAWER_PULSE_ON_MS // 2, DRAWER_PULSE_OFF_MS // 2))

_PANGRAM = "Съешь ещё этих мягких французских булок, да выпей чаю. ЁЖ №1 «Ёлка» 100 ₽"


class PrinterProfile(NamedTuple):
    """What a printer can do: columns of its font A, its character set, whether it draws square codes itself."""

    columns: int
    page: CodePage
    qr_mode: str = QR_NATIVE

    @property
    def dots(self) -> int:
        """The width of the paper."""
        return self.columns * DOTS_PER_COLUMN


def require_profile(columns: int, code_page: str, qr_mode: str = QR_NATIVE) -> PrinterProfile:
    """A profile from settings. Raises InvalidInput."""
    if not COLUMNS_MIN <= columns <= COLUMNS_MAX:
        raise InvalidInput(
            f"A printer has {COLUMNS_MIN} to {COLUMNS_MAX} columns, not {columns}.",
            "58 mm paper has 32, 80 mm paper 42 or 48.",
        )
    if qr_mode not in QR_MODES:
        raise InvalidInput(f"The printer's way of square codes “{qr_mode}” is not known.", "One of: native, raster.")
    return PrinterProfile(columns, require_code_page(code_page), qr_mode)


def encode_document(document: ReceiptDocument, profile: PrinterProfile) -> bytes:
    """The bytes that print the document, cut it off, and open the drawer if it asks for that.

    The drawer comes first: the cashier needs it before the paper is out. A drawer document is the pulse alone.
    """
    kick = drawer_kick() if document.opens_drawer else b""
    if document.kind is DocumentKind.DRAWER:
        return kick
    return kick + _begin(profile.page) + encode_rows(receipt_rows(document), profile) + _CUT


def encode_rows(rows: Sequence[Row], profile: PrinterProfile) -> bytes:
    """The bytes of rows alone; every attribute is off again at the end."""
    lines = text_lines(rows, profile.columns, lambda text: printable(text, profile.page))
    return b"".join(_line(line, profile) for line in lines)


def encode_code_pages(profile: PrinterProfile) -> bytes:
    """A slip that shows the same Russian sentence in every character set: the readable one is to be chosen."""
    parts = [_INITIALISE]
    for page in CODE_PAGES.values():
        rows = [Row(RowKind.TEXT, f"{page.name} (ESC t {page.number})", bold=True), Row(RowKind.TEXT, _PANGRAM)]
        parts += [_select(page), encode_rows(rows, profile._replace(page=page))]
    return b"".join([*parts, _CUT])


def drawer_kick() -> bytes:
    """A pulse on the printer's drawer socket."""
    return _DRAWER


def _begin(page: CodePage) -> bytes:
    return _INITIALISE + _select(page)


def _select(page: CodePage) -> bytes:
    return _ESC + bytes((ord("t"), page.number))


def _line(line: TextLine, profile: PrinterProfile) -> bytes:
    if line.qr:
        return _CENTRE + _qr(line.qr, profile) + _LEFT
    text = encode_text(line.text, profile.page) + b"\n"
    if line.centred:
        text = _CENTRE + text + _LEFT
    if line.tall:
        text = _GS + b"!\x01" + text + _GS + b"!\x00"
    return _ESC + b"E\x01" + text + _ESC + b"E\x00" if line.bold else text


def _qr(text: str, profile: PrinterProfile) -> bytes:
    matrix = qr_matrix(text)
    width = (len(matrix) + 2 * QUIET_ZONE_MODULES) * 100
    module_dots = max(2, min(QR_MODULE_DOTS_MAX, profile.dots * QR_WIDTH_PERCENT // width))
    if profile.qr_mode == QR_RASTER:
        return _raster(matrix, module_dots) + b"\n"
    return b"".join(
        (
            _qr_function(b"1A2\x00"),  # model 2
            _qr_function(b"1C" + bytes((module_dots,))),
            _qr_function(b"1E1"),  # error correction M
            _qr_function(b"1P0" + text.encode()),
            _qr_function(b"1Q0"),
        )
    )


def _qr_function(data: bytes) -> bytes:
    return _GS + b"(k" + len(data).to_bytes(2, "little") + data


def _raster(matrix: Sequence[Sequence[bool]], module_dots: int) -> bytes:
    """The code as a picture; the paper around it is its quiet zone."""
    row_bytes = (len(matrix) * module_dots + 7) // 8
    picture = b"".join(_dots(row, module_dots, row_bytes) * module_dots for row in matrix)
    height = len(matrix) * module_dots
    return _GS + b"v0\x00" + row_bytes.to_bytes(2, "little") + height.to_bytes(2, "little") + picture


def _dots(row: Sequence[bool], module_dots: int, row_bytes: int) -> bytes:
    bits = "".join(("1" if dark else "0") * module_dots for dark in row)
    return int(bits.ljust(row_bytes * 8, "0"), 2).to_bytes(row_bytes, "big")
