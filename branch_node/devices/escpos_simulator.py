"""A receipt printer in memory: it obeys ESC/POS and keeps what a real one would have put on paper.

It knows the commands of escpos.py and a few more, refuses any other, and decodes text by the selected character set:
what it shows is what the customer reads.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from branch_node.devices.codepages import CODE_PAGES
from shared.errors import DecodeError

CUT_MARK = "✂"
QR_TEXT_CHARACTERS_MAX = 40
"""Of a square code's content in the text that is shown of it."""

_CODECS = {0: "cp437", **{page.number: page.codec for page in CODE_PAGES.values()}}
_ALIGNMENTS = {0: "left", 1: "centre", 2: "right", 48: "left", 49: "centre", 50: "right"}


class PaperLine(NamedTuple):
    """One printed line: the characters, and how they look."""

    text: str
    bold: bool
    tall: bool
    alignment: str


class QrOnPaper(NamedTuple):
    """A square code that the printer drew itself."""

    text: str
    module_dots: int


@dataclass
class EscposSimulator:
    """Feed it bytes, read its paper. State lasts between feeds, as in a printer that stays switched on."""

    columns: int = 48
    lines: list[PaperLine] = field(default_factory=list)
    qr_codes: list[QrOnPaper] = field(default_factory=list)
    pictures: list[list[str]] = field(default_factory=list)
    drawer_kicks: int = 0
    cuts: int = 0
    overflows: int = 0
    code_page: int = 0
    kanji: bool = True

    def __post_init__(self) -> None:
        self._reset()
        self._line = bytearray()

    @property
    def text(self) -> str:
        """The paper as people see it: alignment as spaces, codes and cuts as marks."""
        return "\n".join(self._drawn(line) for line in self.lines)

    @property
    def words(self) -> str:
        """All that is written, with the lines joined: for questions about content."""
        return " ".join(line.text.strip() for line in self.lines)

    def feed(self, data: bytes) -> None:
        """Obeys the bytes. Raises DecodeError at a command that it does not know, or one that is cut short."""
        at = 0
        while at < len(data):
            byte = data[at]
            if byte in (0x1B, 0x1C, 0x1D):
                at = self._command(data, at)
            elif byte == 0x0A:
                self._end_line()
                at += 1
            elif byte < 0x20:
                raise DecodeError(f"The printer was sent control character {byte:#04x}.")
            else:
                self._line.append(byte)
                at += 1

    def _reset(self) -> None:
        self._bold = self._tall = False
        self._alignment = "left"
        self.code_page = 0
        self._qr_text, self._qr_dots = "", 3

    def _command(self, data: bytes, at: int) -> int:
        """Obeys one command; returns where the next byte is."""
        name = data[at : at + 2]
        rest = data[at + 2 :]
        match name:
            case b"\x1b@":
                self._reset()
                return at + 2
            case b"\x1c.":
                self.kanji = False
                return at + 2
            case b"\x1bt" | b"\x1bE" | b"\x1ba" | b"\x1bd" | b"\x1d!":
                self._one_byte(name, self._take(rest, 1)[0])
                return at + 3
            case b"\x1bp":
                self._take(rest, 3)
                self.drawer_kicks += 1
                return at + 5
            case b"\x1dV":
                self._end_line(only_if_written=True)
                self.cuts += 1
                self.lines.append(PaperLine(CUT_MARK, False, False, "cut"))
                return at + (4 if self._take(rest, 1)[0] in (65, 66) else 3)
            case b"\x1d(":
                return at + 2 + self._qr_command(rest)
            case b"\x1dv":
                return at + 2 + self._picture(rest)
            case _:
                raise DecodeError(f"The printer does not know the command {name.hex(' ')}.")

    def _one_byte(self, name: bytes, value: int) -> None:
        match name:
            case b"\x1bt":
                if value not in _CODECS:
                    raise DecodeError(f"The printer has no character set {value}.")
                self._flush_written()
                self.code_page = value
            case b"\x1bE":
                self._bold = bool(value & 1)
            case b"\x1ba":
                self._alignment = _ALIGNMENTS[value]
            case b"\x1bd":
                self._end_line(only_if_written=True)
                self.lines += [PaperLine("", False, False, "left")] * value
            case b"\x1d!":
                if value & 0xF0:
                    raise DecodeError("Double width would halve the columns.")
                self._tall = bool(value & 0x0F)

    def _qr_command(self, rest: bytes) -> int:
        head = self._take(rest, 3)
        if head[:1] != b"k":
            raise DecodeError("The printer knows no other code than the square one.")
        length = int.from_bytes(head[1:3], "little")
        body = self._take(rest[3:], length)
        match body[:2]:
            case b"1C":
                self._qr_dots = body[2]
            case b"1P":
                self._qr_text = body[3:].decode()
            case b"1Q":
                self.qr_codes.append(QrOnPaper(self._qr_text, self._qr_dots))
                self.lines.append(PaperLine(f"[QR {self._qr_text[:QR_TEXT_CHARACTERS_MAX]}…]", False, False, "centre"))
            case b"1A" | b"1E":
                pass
            case _:
                raise DecodeError("The printer does not know this function of the square code.")
        return 3 + length

    def _picture(self, rest: bytes) -> int:
        head = self._take(rest, 6)
        row_bytes, height = int.from_bytes(head[2:4], "little"), int.from_bytes(head[4:6], "little")
        picture = self._take(rest[6:], row_bytes * height)
        rows = [picture[start : start + row_bytes] for start in range(0, len(picture), row_bytes)]
        self.pictures.append(["".join(f"{byte:08b}" for byte in row) for row in rows])
        self.lines.append(PaperLine(f"[picture {row_bytes * 8}×{height}]", False, False, "centre"))
        return 6 + len(picture)

    def _take(self, rest: bytes, count: int) -> bytes:
        if len(rest) < count:
            raise DecodeError("A command to the printer is cut short.")
        return rest[:count]

    def _flush_written(self) -> None:
        if self._line:
            raise DecodeError("The character set was changed amid a line.")

    def _end_line(self, only_if_written: bool = False) -> None:
        if only_if_written and not self._line:
            return
        text = self._line.decode(_CODECS[self.code_page]) if not self.kanji else "漢" * len(self._line)
        self._line.clear()
        while len(text) > self.columns:
            self.overflows += 1
            self.lines.append(PaperLine(text[: self.columns], self._bold, self._tall, self._alignment))
            text = text[self.columns :]
        self.lines.append(PaperLine(text, self._bold, self._tall, self._alignment))

    def _drawn(self, line: PaperLine) -> str:
        match line.alignment:
            case "centre":
                return line.text.center(self.columns).rstrip()
            case "right":
                return line.text.rjust(self.columns)
            case "cut":
                return f"- - {line.text} ".ljust(self.columns, "-")
            case _:
                return line.text.rstrip()
