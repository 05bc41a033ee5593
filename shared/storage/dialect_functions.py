"""The few SQL functions that SQLite and PostgreSQL spell differently."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction


class month_of(GenericFunction[str]):  # noqa: N801 - it reads as the SQL function it is
    """The month of a date as `YYYY-MM`."""

    type = Text()
    inherit_cache = True


@compiles(month_of, "sqlite")
def _month_on_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    return f"substr({compiler.process(element.clauses, **options)}, 1, 7)"


@compiles(month_of, "postgresql")
def _month_on_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    return f"to_char({compiler.process(element.clauses, **options)}, 'YYYY-MM')"
