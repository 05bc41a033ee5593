"""The facts behind a row of a report one by one, chosen by the same expressions as the report is added up from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Select,
    Table,
    Text,
    and_,
    cast,
    false,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)

from shared.reports.fact_sums import FactSource, conditions_of, knows_filters
from shared.reports.ground import Ground
from shared.reports.items import KEYS, Asked, Beneath, Kind, read_item
from shared.storage.column_types import Id

Expression = ColumnElement[Any]

NOTHING: Final[dict[str, Expression]] = {
    "register": cast(null(), Text),
    "number": cast(null(), BigInteger),
    "code": cast(null(), Text),
    "who": cast(null(), Text),
    "of_id": cast(null(), Id),
}
"""What stands for a key of which nothing is known."""


@dataclass(frozen=True, slots=True)
class FactList:
    """A source of which every fact is shown: as what, when it was, and what else is known of it by the names of KEYS.
    A fact that is in two lists of one table stands there once."""

    source: FactSource
    kind: Kind
    moment: Expression
    keys: Mapping[str, Expression]


def keys_of(kind: Kind, known: Mapping[str, Expression]) -> list[Expression]:
    """The columns KEYS, of what is not known with nothing in them."""
    every = {**NOTHING, **known}
    return [literal(str(kind)).label("kind"), *(every[name].label(name) for name in KEYS[1:])]


def receipt_keys(table: Table) -> dict[str, Expression]:
    """What is known of a sale or a return."""
    columns = table.c
    return {
        "register": columns.register,
        "number": columns.receipt_number,
        "who": columns.cashier,
        "of_id": columns.client_id,
    }


def list_facts(ground: Ground, asked: Asked, measures: Sequence[str], lists: Sequence[FactList]) -> Beneath:
    """A page of the facts that add to any of these measures, and what all of them add up to."""
    parts = [_part(ground, asked, measures, each) for each in lists if knows_filters(asked.parameters, each.source)]
    if not parts:
        return Beneath([], 0, (0,) * len(measures))
    every = union_all(*parts).subquery()
    columns = list(every.c)
    if len({each.source.table.name for each in lists}) < len(lists):
        keys, sums = columns[: len(KEYS)], columns[len(KEYS) :]
        every = select(*keys, *(func.sum(column).label(column.name) for column in sums)).group_by(*keys).subquery()
        columns = list(every.c)
    adds = or_(*(column != 0 for column in columns[len(KEYS) :]))
    return read_page(ground, asked, select(*columns).where(adds))


def read_page(ground: Ground, asked: Asked, found: CompoundSelect[Any] | Select[Any]) -> Beneath:
    """A page of a query that gives KEYS and measures."""
    every = found.subquery()
    columns = list(every.c)
    total, *sums = ground.connection.execute(
        select(func.count(), *(func.sum(column) for column in columns[len(KEYS) :]))
    ).one()
    newest = select(*columns).order_by(every.c["at"].desc(), every.c["id"].desc(), every.c["kind"])
    rows = ground.connection.execute(newest.limit(asked.rows_max).offset(asked.after))
    return Beneath([read_item(ground, row) for row in rows], total, tuple(int(value or 0) for value in sums))


def _part(ground: Ground, asked: Asked, measures: Sequence[str], each: FactList) -> Select[Any]:
    source, table = each.source, each.source.table
    known: dict[str, Expression] = {"branch_id": table.c.branch_id, "id": table.c.id, "at": each.moment, **each.keys}
    conditions = [*conditions_of(ground, asked.parameters, table, source.all_dimensions), *source.conditions]
    if asked.team is not None:
        person = source.dimensions.get(asked.report.person)
        conditions.append(did(asked.team, literal("") if person is None else person, table.c.business_date))
    sums = [source.sums.get(name, literal(0)).label(name) for name in measures]
    # Constants are not grouped by: PostgreSQL takes none.
    return (
        select(*keys_of(each.kind, known), *sums)
        .select_from(source.joined if source.joined is not None else table)
        .where(*conditions)
        .group_by(*known.values())
    )


def did(team: Mapping[str, tuple[Any, ...]], person: Expression, day: Expression) -> Expression:
    """Whether somebody of the team did it, on one of his days."""
    always = [code for code, days in team.items() if not days]
    conditions: list[Expression] = [person.in_(always)] if always else []
    conditions += [and_(person == code, day.in_(days)) for code, days in team.items() if days]
    return or_(*conditions) if conditions else false()
