"""What a report is asked, as a document that is kept and as one that is read: nothing in it is guessed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from shared.domain.identifiers import shorten
from shared.errors import InvalidInput
from shared.reports.parameters import ReportAsk

_LISTS = ("by", "branches", "filters", "options")
_TEXTS = ("date_from", "date_to", "as_of", "period", "team", "compare")
_FLAGS = ("like_for_like",)
TEXTS_MAX = 200
TEXT_CHARACTERS_MAX = 300


def ask_document(ask: ReportAsk) -> str:
    """Canonical JSON: what is not asked is left out, so that equal questions are equal texts. Periods keep their
    names: tomorrow's “yesterday” is another day."""
    document: dict[str, Any] = {}
    for name in (*_LISTS, *_TEXTS, *_FLAGS):
        value = getattr(ask, name)
        if value:
            document[name] = list(value) if name in _LISTS else value
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def ask_of_document(document: str) -> ReportAsk:
    """The question again. Raises InvalidInput when it is none, or asks something that this release does not know."""
    try:
        found = json.loads(document)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InvalidInput("What the template asks cannot be read.", "Save the report as a template anew.")
    unknown = sorted(found.keys() - {*_LISTS, *_TEXTS, *_FLAGS})
    if unknown:
        raise InvalidInput(
            f"The template asks “{shorten(unknown[0])}”, which this program does not know.", "Upgrade the program."
        )
    return ReportAsk(**{name: _checked(name, found) for name in found})


def _checked(name: str, found: Mapping[str, Any]) -> Any:
    value = found[name]
    if name in _LISTS and isinstance(value, list) and len(value) <= TEXTS_MAX and all(map(_is_text, value)):
        return tuple(value)
    if (name in _TEXTS and _is_text(value)) or (name in _FLAGS and isinstance(value, bool)):
        return value
    raise InvalidInput(f"What the template asks of “{name}” cannot be read.", "Save the report as a template anew.")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= TEXT_CHARACTERS_MAX
