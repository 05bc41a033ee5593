"""Questions to the store that do not build on each other's answers: put together, they are waited for once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection
from sqlalchemy.engine import Dialect

from hq_server.storage.postgresql_errors import sqlalchemy_errors

AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True, slots=True)
class Question(Generic[AnswerT]):
    """A statement built once, what it is asked with, and how its rows are read."""

    statement: Callable[[Connection], Any]
    parameters: Mapping[str, Any]
    read: Callable[[Iterable[Any]], AnswerT]


def ask(connection: Connection, question: Question[AnswerT]) -> AnswerT:
    """The answer to one question."""
    return question.read(connection.execute(question.statement(connection), question.parameters))


def ask_together(connection: Connection, questions: Sequence[Question[Any]]) -> list[Any]:
    """The answers in the order of the questions, each of which sees what the ones before it locked. PostgreSQL is sent
    them all before it answers the first."""
    if connection.dialect.name != "postgresql":
        return [ask(connection, question) for question in questions]
    compiled = [_compile(question.statement(connection), connection.dialect) for question in questions]
    driver: Any = connection.connection.driver_connection
    with sqlalchemy_errors():
        with driver.pipeline():
            cursors = [
                driver.execute(statement.text, statement.bind(question.parameters))
                for question, statement in zip(questions, compiled, strict=True)
            ]
        answered = [cursor.fetchall() for cursor in cursors]
    return [
        question.read(statement.load(rows))
        for question, statement, rows in zip(questions, compiled, answered, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement as the driver takes it, with what turns our values into the driver's and back."""

    text: str
    with_literals: Callable[[Any], Mapping[str, Any]]
    binders: Mapping[str, Callable[[Any], Any] | None]
    loaders: Sequence[Callable[[Any], Any] | None]

    def bind(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        values = self.with_literals(parameters)
        return {
            name: binder(values[name]) if binder is not None else values[name] for name, binder in self.binders.items()
        }

    def load(self, rows: Iterable[Sequence[Any]]) -> Iterable[tuple[Any, ...]]:
        for row in rows:
            yield tuple(
                value if loader is None else loader(value) for loader, value in zip(self.loaders, row, strict=True)
            )


@lru_cache(maxsize=64)
def _compile(statement: Any, dialect: Dialect) -> _Compiled:
    compiled = statement.compile(dialect=dialect)
    return _Compiled(
        str(compiled),
        compiled.construct_params,
        {name: bound.type.dialect_impl(dialect).bind_processor(dialect) for bound, name in compiled.bind_names.items()},
        [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in statement.selected_columns],
    )
