"""Text as people search and sort it, computed here so that SQLite and PostgreSQL agree without ICU."""

from __future__ import annotations

import unicodedata

SORT_KEY_CHARACTERS_MAX = 100
SEARCH_CHARACTERS_MAX = 1_000


def fold(text: str) -> str:
    """Lower case, ё as е, compatibility forms unified, white space single."""
    unified = unicodedata.normalize("NFKC", text).casefold().replace("ё", "е")
    return " ".join(unified.split())


def sort_key(text: str | None) -> str:
    """What to sort a name by: letters before everything else folded, empty names last."""
    return fold(text)[:SORT_KEY_CHARACTERS_MAX] if text else "\U0010fffd"


def search_text(*parts: str | None) -> str:
    """Everything a card is found by, one part a line."""
    return "\n".join(fold(part) for part in parts if part)[:SEARCH_CHARACTERS_MAX]
