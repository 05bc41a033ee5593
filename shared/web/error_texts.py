"""Errors in the language of the page. An error is made of a text and values, so it is found again by its shape.

The catalogs hold `“%(1)s” is not an address.`, the error says `“x” is not an address.`: the translation gets the `x`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from shared.web.translations import LANGUAGES, current_catalog, current_language, gettext, message_ids

SAID_CHARACTERS_MAX = 1_000
"""Longer errors are shown as they are: finding the shape of a long text takes long."""

_PLACE = re.compile(r"%\(\d+\)s")


class Shape(NamedTuple):
    """A text with numbered places, and how to recognise what it became."""

    text: str
    pattern: re.Pattern[str]


def translate_error(said: str) -> str:
    """The same in the current language; as it is when no catalog knows it."""
    catalog = current_catalog()
    if not said or catalog.gettext(said) != said:
        return catalog.gettext(said) if said else ""
    for shape in _shapes(current_language()) if len(said) <= SAID_CHARACTERS_MAX else ():
        found = shape.pattern.fullmatch(said)
        if found:
            # A value may be a word of ours, such as a field's name.
            values = {str(number): translate_value(value) for number, value in enumerate(found.groups(), start=1)}
            return catalog.gettext(shape.text) % values
    return gettext(said)


def translate_value(value: str) -> str:
    """A word of ours in the current language; whatever else it is, as it is."""
    return current_catalog().gettext(value) if value else value


@lru_cache(maxsize=len(LANGUAGES))
def _shapes(language: str) -> tuple[Shape, ...]:
    """Those with the most text of their own first: “%(1)s is missing.” must not take what is said more exactly."""
    texts = [text for text in message_ids(language) if _PLACE.search(text)]
    return tuple(Shape(text, _pattern(text)) for text in sorted(texts, key=lambda text: -len(_PLACE.sub("", text))))


def _pattern(text: str) -> re.Pattern[str]:
    literal = (re.escape(part.replace("%%", "%")) for part in _PLACE.split(text))
    return re.compile("(.*?)".join(literal), re.DOTALL)
