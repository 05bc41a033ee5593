"""Long lists in pages of a hundred. Contains no queries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

PAGE_ROWS_MAX = 100

RowT = TypeVar("RowT")


class Page(NamedTuple, Generic[RowT]):
    """Some rows of a list; pages are counted from 1, and there is always one."""

    rows: Sequence[RowT]
    number: int
    pages: int
    total: int


def page_of(rows: Sequence[RowT], number: int) -> Page[RowT]:
    """The page of that number, or the nearest one that there is."""
    pages = max(1, -(-len(rows) // PAGE_ROWS_MAX))
    number = min(max(number, 1), pages)
    start = (number - 1) * PAGE_ROWS_MAX
    return Page(rows[start : start + PAGE_ROWS_MAX], number, pages, len(rows))
