"""Reading the chain's dictionaries, alike at a branch and at the head office. They are few, and read whole."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from shared.domain.dictionaries import Dictionaries, Dictionary, Term, in_order
from shared.storage.cursor_reading import Reader
from shared.storage.tables import dictionary_term

_TERMS = select(dictionary_term)


def read_dictionaries(reader: Reader, *, with_archived: bool = False) -> Dictionaries:
    """The words that are offered; with those that are no longer, for what was logged with them."""
    found: Dictionaries = {str(dictionary): [] for dictionary in Dictionary}
    for row in reader.execute(_TERMS):
        if row.dictionary in found and row.code and (with_archived or not row.archived):
            found[row.dictionary].append(term_of_row(row))
    return {dictionary: in_order(terms) for dictionary, terms in found.items()}


def term_of_row(row: Any) -> Term:
    """A word from its row."""
    return Term(
        row.dictionary,
        row.code,
        row.name or "",
        row.name_en or "",
        bool(row.is_target),
        row.place or 0,
        bool(row.archived),
    )
