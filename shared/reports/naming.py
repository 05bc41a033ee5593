"""What the values of reports' dimensions are called: products by SKU, outcomes of calls by code."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from sqlalchemy import ColumnElement, Connection, func, select

from shared.reports.result import ReportResult
from shared.storage.tables import dictionary_term, product

NAMES_AT_ONCE_MAX = 500
"""Values that one statement asks for; SQLite takes no more than some thousand parameters."""


def name_values(
    connection: Connection, values: Mapping[str, Collection[str]], language: str
) -> dict[str, dict[str, str]]:
    """By dimension and value; what has no name is left out."""
    named: dict[str, dict[str, str]] = {}
    if values.get("product"):
        named["product"] = _named(connection, product.c.sku, product.c.name, values["product"], [])
    if values.get("outcome"):
        english = func.coalesce(func.nullif(dictionary_term.c.name_en, ""), dictionary_term.c.name)
        called = dictionary_term.c.name if language == "ru" else english
        is_outcome = [dictionary_term.c.dictionary == "outcome"]
        named["outcome"] = _named(connection, dictionary_term.c.code, called, values["outcome"], is_outcome)
    return named


def named_result(result: ReportResult, names: Mapping[str, Mapping[str, str]]) -> ReportResult:
    """The same for people: values of texts by their names, and the codes behind them."""
    places = [
        (place, names[column.name])
        for place, column in enumerate(result.columns)
        if column.type == "text" and names.get(column.name)
    ]
    if not places:
        return result
    rows = []
    for row in result.rows:
        cells = list(row)
        for place, known in places:
            name = known.get(str(cells[place]))
            if name and name != cells[place]:
                cells[place] = f"{name} ({cells[place]})"
        rows.append(tuple(cells))
    return replace(result, rows=tuple(rows))


def _named(
    connection: Connection,
    code: ColumnElement[str | None],
    name: ColumnElement[str | None],
    values: Collection[str],
    conditions: Sequence[ColumnElement[bool]],
) -> dict[str, str]:
    found: dict[str, str] = {}
    remaining = iter(sorted(values))
    while asked := list(islice(remaining, NAMES_AT_ONCE_MAX)):
        rows = connection.execute(select(code, name).where(code.in_(asked), *conditions))
        found |= {str(one): str(called) for one, called in rows if called}
    return found
