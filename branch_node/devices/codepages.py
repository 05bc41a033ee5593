"""The character sets of receipt printers, and what to print of a character that one lacks.

Contains no printer commands but each set's number in `ESC t n` (Epson's table; most others follow it).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from shared.errors import InvalidInput


class CodePage(NamedTuple):
    """A character set: its name in settings, Python's codec, and the number that selects it."""

    name: str
    codec: str
    number: int


CODE_PAGES: Final[Mapping[str, CodePage]] = MappingProxyType(
    {
        page.name: page
        for page in (CodePage("cp866", "cp866", 17), CodePage("cp1251", "cp1251", 46), CodePage("cp855", "cp855", 34))
    }
)
_PREFIXES: Final = ("windows-", "wpc", "pc", "cp")

# What stands for a character that a set lacks; tried one after another until one can be printed.
_SUBSTITUTES: Final[dict[str, tuple[str, ...]]] = {
    "₽": ("руб.",),
    "€": ("EUR",),
    "₸": ("тг.",),
    "£": ("GBP",),
    "«": ('"',),
    "»": ('"',),
    "“": ('"',),
    "”": ('"',),
    "„": ('"',),
    "‘": ("'",),
    "’": ("'",),
    "ʼ": ("’", "'"),
    "–": ("-",),
    "—": ("–", "-"),
    "−": ("-",),
    "‑": ("-",),
    "×": ("x",),
    "÷": (":",),
    "…": ("...",),
    "•": ("·", "*"),
    "·": ("*",),
    "№": ("N",),
    "°": ("o",),
    "™": ("(TM)",),
    "®": ("(R)",),
    "©": ("(C)",),
    "½": ("1/2",),
    "¼": ("1/4",),
    "¾": ("3/4",),
    "\u00a0": (" ",),
    "\u202f": (" ",),
    "\u2009": (" ",),
    "ё": ("е",),
    "Ё": ("Е",),
    "і": ("i",),
    "І": ("I",),
    "ґ": ("г",),
    "Ґ": ("Г",),
    "є": ("е",),
    "Є": ("Е",),
    "ў": ("у",),
    "Ў": ("У",),
    "ә": ("а",),
    "Ә": ("А",),
    "һ": ("х",),
    "Һ": ("Х",),
    "ө": ("о",),
    "Ө": ("О",),
    "ј": ("й",),
    "Ј": ("Й",),
    "ѕ": ("дз",),
    "Ѕ": ("ДЗ",),
    "љ": ("ль",),
    "Љ": ("Ль",),
    "њ": ("нь",),
    "Њ": ("Нь",),
    "ћ": ("ч",),
    "Ћ": ("Ч",),
    "ђ": ("дж",),
    "Ђ": ("Дж",),
    "џ": ("дж",),
    "Џ": ("Дж",),
    "ѣ": ("е",),
    "Ѣ": ("Е",),
    "ß": ("ss",),
    "ø": ("o",),
    "Ø": ("O",),
    "æ": ("ae",),
    "Æ": ("AE",),
    "œ": ("oe",),
    "ł": ("l",),
    "Ł": ("L",),
}
_CYRILLIC_STRANGER = "*"
"""For a Cyrillic letter nobody thought of: never a question mark, which reads as a broken printer."""

_STRANGER = "?"


def require_code_page(name: str) -> CodePage:
    """The set of that name. Raises InvalidInput."""
    bare = name.lower()
    for prefix in _PREFIXES:
        bare = bare.removeprefix(prefix)
    found = CODE_PAGES.get(f"cp{bare}")
    if found is None:
        raise InvalidInput(f"The printer's code page “{name}” is not known.", f"One of: {', '.join(CODE_PAGES)}.")
    return found


def printable(text: str, page: CodePage) -> str:
    """The text in characters that the set has; control characters, which printers obey, become spaces."""
    composed = unicodedata.normalize("NFC", text)
    try:
        composed.encode(page.codec)
    except UnicodeEncodeError:
        composed = "".join(_character(character, page) for character in composed)
    if composed.isprintable():
        return composed
    return "".join(character if character.isprintable() or character == "\u00a0" else " " for character in composed)


def encode_text(text: str, page: CodePage) -> bytes:
    """The bytes of a text, one for each of its printable characters."""
    return printable(text, page).encode(page.codec)


def _character(character: str, page: CodePage) -> str:
    if _has(character, page):
        return character
    for candidate in _SUBSTITUTES.get(character, ()):
        if _has(candidate, page):
            return candidate
    if unicodedata.category(character).startswith(("C", "Z")):
        return " "
    if unicodedata.combining(character):
        return ""
    bare = _without_marks(character)
    if bare != character:
        return "".join(_character(each, page) for each in bare)
    return _CYRILLIC_STRANGER if "CYRILLIC" in unicodedata.name(character, "") else _STRANGER


def _has(text: str, page: CodePage) -> bool:
    try:
        text.encode(page.codec)
    except UnicodeEncodeError:
        return False
    return True


def _without_marks(character: str) -> str:
    """É as E, Қ (KA WITH DESCENDER) as К, Ұ (STRAIGHT U WITH STROKE) as У; the character itself when it has none."""
    decomposed = unicodedata.normalize("NFKD", character)
    kept = "".join(each for each in decomposed if not unicodedata.combining(each))
    if kept and kept != character:
        return kept
    name = unicodedata.name(character, "")
    bare_name = name.partition(" WITH ")[0].replace(" STRAIGHT U", " U").replace(" BARRED O", " O")
    if bare_name and bare_name != name:
        try:
            return unicodedata.lookup(bare_name)
        except KeyError:
            return character
    return character
