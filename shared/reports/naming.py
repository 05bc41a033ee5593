"""What the values of reports' dimensions are called: products by SKU, outcomes of calls by code."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, func, select

from shared.reports.result import ReportResult
from shared.reports.rfm import SEGMENTS
from shared.storage.tables import dictionary_term, product

NAMES_AT_ONCE_MAX = 500
"""Values that one statement asks for; SQLite takes no more than some thousand parameters."""

OF_OUR_OWN: Final = {"segment": {segment.name: segment.title for segment in SEGMENTS}}
"""Values that no data names but the reports themselves, by dimension: what people call them, in English."""

_PRODUCTS = ("product", "other_product")

Names = Mapping[str, Mapping[str, str]]
"""What values are called, by dimension and value."""


def name_values(
    connection: Connection, values: Mapping[str, Collection[str]], language: str
) -> dict[str, dict[str, str]]:
    """By dimension and value; what has no name is left out."""
    named: dict[str, dict[str, str]] = {}
    for dimension in _PRODUCTS:
        if values.get(dimension):
            named[dimension] = _named(connection, product.c.sku, product.c.name, values[dimension], [])
    if values.get("outcome"):
        called = _outcome_name(language)
        named["outcome"] = _named(connection, dictionary_term.c.code, called, values["outcome"], [_IS_OUTCOME])
    return named


def values_named(connection: Connection, dimension: str, name: str, language: str) -> list[str]:
    """The values that have that name, in their order; none when nothing has, or the dimension's values have no
    names here."""
    if dimension in _PRODUCTS:
        statement = select(product.c.sku).where(product.c.name == name, product.c.sku.is_not(None))
    elif dimension == "outcome":
        statement = select(dictionary_term.c.code).where(_outcome_name(language) == name, _IS_OUTCOME)
    else:
        return []
    return sorted(str(value) for value in connection.execute(statement).scalars())


def names_of_our_own(say: Callable[[str], str]) -> dict[str, dict[str, str]]:
    """OF_OUR_OWN in a language."""
    return {name: {value: say(title) for value, title in titles.items()} for name, titles in OF_OUR_OWN.items()}


def texts_of(result: ReportResult) -> dict[str, set[str]]:
    """The values of text columns that a result shows or is filtered by, by dimension: those whose names are to be
    looked up."""
    texts: dict[str, set[str]] = {}
    for place, column in enumerate(result.columns):
        if column.type == "text":
            texts[column.name] = {str(row[place]) for row in result.rows if row[place] not in (None, "")}
    for dimension, values in result.parameters.filters:
        texts.setdefault(dimension, set()).update(value for value in values if value)
    return texts


_IS_OUTCOME = dictionary_term.c.dictionary == "outcome"


def _outcome_name(language: str) -> ColumnElement[str | None]:
    english = func.coalesce(func.nullif(dictionary_term.c.name_en, ""), dictionary_term.c.name)
    return dictionary_term.c.name if language == "ru" else english


def named_result(result: ReportResult, names: Names) -> ReportResult:
    """The same for people: values of texts by their names, and the codes behind them; so are the filters, and the
    branches that it is complete of."""
    branches = names.get("branch", {})
    asked, completeness = result.parameters, result.completeness
    filters = tuple((name, tuple(_called(value, name, names) for value in values)) for name, values in asked.filters)
    return replace(
        result,
        parameters=replace(asked, branches=tuple(branches.get(code, code) for code in asked.branches), filters=filters),
        completeness=replace(
            completeness,
            branches=tuple(
                replace(known, branch=branches.get(known.branch, known.branch)) for known in completeness.branches
            ),
        ),
        rows=tuple(_named_rows(result, names)),
    )


def _named_rows(result: ReportResult, names: Names) -> Iterable[tuple[Any, ...]]:
    places = [
        (place, column.name)
        for place, column in enumerate(result.columns)
        if column.type == "text" and names.get(column.name)
    ]
    for row in result.rows:
        cells = list(row)
        for place, dimension in places:
            cells[place] = cells[place] and _called(cells[place], dimension, names)
        yield tuple(cells)


def _called(value: str, dimension: str, names: Names) -> str:
    name = names.get(dimension, {}).get(value)
    if not name or name == value:
        return value
    return name if dimension in OF_OUR_OWN else f"{name} ({value})"


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
