"""How a report is shown to a person: in which language, under which headings, in which zone, made when and by whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


def _as_it_is(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Presentation:
    """`say` translates a text of the product, such as a heading or a definition; `zone` is the time zone of moments.

    With `named` columns are headed by their names, as programs read them, and not by their headings."""

    language: str = "en"
    say: Callable[[str], str] = _as_it_is
    zone: str = "UTC"
    made_at_us: int | None = None
    made_by: str = ""
    named: bool = False


PLAIN = Presentation(named=True)
