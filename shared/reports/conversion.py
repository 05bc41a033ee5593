"""The report `conversion`: how many of the clients who were reached by telephone bought soon after, anywhere in the
chain.

Definitions:

    reached     distinct clients who were spoken with in an outgoing call of the period
    buying      those of them who bought within so many days (option `days`) after such a call of the group
    conversion  buying ÷ reached

A client is all cards that were merged into one. A sale counts for the card it names, else for the client whose number
it names; a day is 24 hours. Clients are counted once in each group, so groups do not add up to the total.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, case, exists, func, literal, or_, select

from shared.domain.aliases import survivor_of
from shared.domain.business_time import MICROSECONDS, SECONDS_PER_DAY
from shared.reports.fact_sums import BRANCH, MONTH, Condition, Expression, conditions_of, shown_key
from shared.reports.ground import Answer, Ground, Rows
from shared.reports.items import Asked, Beneath, Item, Kind, page_of
from shared.reports.parameters import Option, ReportParameters
from shared.reports.report import Derived, Report, Scope, Sums, share_basis_points
from shared.reports.result import Column
from shared.storage.dialect_functions import days_later, moment_us, month_of
from shared.storage.standing_interactions import is_newest
from shared.storage.tables import client, interaction, sale

NAME = "conversion"
DAYS = Option("days", 14, 1, 365, "within how many days after the call a client has to buy")

DIMENSIONS: dict[str, Column] = {
    "employee": Column("employee", "text", "Employee"),
    "branch": BRANCH,
    "month": MONTH,
}

MEASURES: tuple[Column, ...] = (
    Column("reached_clients", "integer", "Clients reached"),
    Column("buying_clients", "integer", "Of them bought"),
)

DEFINITIONS: dict[str, str] = {
    "reached_clients": "distinct clients who were spoken with in an outgoing call; merged cards are one client",
    "buying_clients": "clients reached who bought in any branch within the days chosen after such a call",
}


def _conversion(sums: Sums) -> int | None:
    return share_basis_points(sums["buying_clients"], sums["reached_clients"])


DERIVED = (
    Derived(
        Column("conversion_percent", "percent", "Conversion, %"), "clients who bought ÷ clients reached", _conversion
    ),
)

_DAY_US = SECONDS_PER_DAY * MICROSECONDS
_dimensions: dict[str, Expression] = {
    "employee": interaction.c.employee,
    "branch": interaction.c.branch_id,
    "month": month_of(interaction.c.business_date),
}


class _Reached(NamedTuple):
    """A client of a group, and whether he bought."""

    key: tuple[Any, ...]
    client_id: bytes
    bought: bool


def run_conversion(ground: Ground, parameters: ReportParameters) -> Answer:
    """Rows and totals; a client counts once in each row and once in the totals."""
    groups: dict[tuple[Any, ...], dict[bytes, bool]] = {}
    everybody: dict[bytes, bool] = {}
    for key, client_id, bought in _reached(ground, parameters, [_dimensions[name] for name in parameters.by]):
        group = groups.setdefault(tuple(shown_key(value, ground) for value in key), {})
        group[client_id] = group.get(client_id, False) or bought
        everybody[client_id] = everybody.get(client_id, False) or bought
    totals = _counts(everybody)
    if not parameters.by:
        return [totals], totals
    rows: Rows = [(*key, *_counts(group)) for key, group in groups.items()]
    return sorted(rows, key=lambda row: row[: len(parameters.by)]), totals


def list_reached(ground: Ground, asked: Asked) -> Beneath:
    """The calls behind it. A client counts once, with the newest of them, whichever of them he bought after."""
    of_call = interaction.c
    keys = [of_call["at"], of_call.branch_id, of_call.id, of_call.outcome, of_call.employee]
    calls = sorted(_reached(ground, asked.parameters, keys), key=lambda call: call.key[:3], reverse=True)
    bought: dict[bytes, bool] = defaultdict(bool)
    for call in calls:
        bought[call.client_id] |= call.bought
    items = []
    for (at_us, branch_id, record_id, outcome, employee), client_id, _bought in calls:
        # Taken out: the older calls to the same client add nothing.
        is_newest_of_client = client_id in bought
        sums = (int(is_newest_of_client), int(bought.pop(client_id, False)))
        branch = ground.branch_codes.get(branch_id, "")
        items.append(Item(Kind.CALL, branch, record_id, at_us, outcome or "", employee, client_id, sums))
    return page_of(asked, items, len(MEASURES))


def _counts(clients: Mapping[bytes, bool]) -> tuple[int, int]:
    return len(clients), sum(clients.values())


def _reached(ground: Ground, parameters: ReportParameters, keys: Sequence[Expression]) -> Iterator[_Reached]:
    """Clients of one card are asked for as a whole; of those of several, calls and sales are put together here."""
    width = len(keys)
    has_merged = ground.connection.execute(
        select(client.c.id).where(client.c.merged_into.is_not(None)).limit(1)
    ).first()
    for row in ground.connection.execute(_plain(ground, parameters, keys, has_merged is not None)):
        yield _Reached(tuple(row[:width]), row[width], bool(row[width + 1]))
    if has_merged is None:
        return
    survivors = _survivors(ground)
    bought = _purchases(ground, parameters, survivors)
    for row in ground.connection.execute(_calls_of_merged(ground, parameters, keys)):
        card: bytes = row[width]
        survivor, at_us = survivors.get(card, card), int(row[width + 1])
        moments = bought[survivor]
        place = bisect_right(moments, at_us)
        is_soon = place < len(moments) and moments[place] <= at_us + parameters.option(DAYS.name) * _DAY_US
        yield _Reached(tuple(row[:width]), survivor, is_soon)


def _calls(ground: Ground, parameters: ReportParameters) -> list[Condition]:
    return [
        *conditions_of(ground, parameters, interaction, _dimensions),
        interaction.c.channel == "call",
        interaction.c.direction == "out",
        interaction.c.reached.is_(True),
        is_newest(),
    ]


def _plain(ground: Ground, parameters: ReportParameters, keys: Sequence[Expression], has_merged: bool) -> Select[Any]:
    """A row for every client of one card in every group, with whether he bought after any of the calls."""
    conditions = _calls(ground, parameters)
    if has_merged:
        conditions.append(interaction.c.client_id.not_in(_cards_of_several()))
    is_soon = (
        sale.c.sold_at > interaction.c.at,
        sale.c.sold_at <= days_later(interaction.c.at, literal(parameters.option(DAYS.name))),
        *_known(parameters),
    )
    by_card = exists(select(literal(1)).where(sale.c.client_id == interaction.c.client_id, *is_soon))
    by_number = exists(
        select(literal(1)).where(
            client.c.id == interaction.c.client_id,
            sale.c.client == client.c.external_id,
            sale.c.client_id.is_(None),
            *is_soon,
        )
    )
    bought = func.max(case((or_(by_card, by_number), 1), else_=0))
    return select(*keys, interaction.c.client_id, bought).where(*conditions).group_by(*keys, interaction.c.client_id)


def _calls_of_merged(ground: Ground, parameters: ReportParameters, keys: Sequence[Expression]) -> Select[Any]:
    is_merged = interaction.c.client_id.in_(_cards_of_several())
    return select(*keys, interaction.c.client_id, moment_us(interaction.c.at)).where(
        *_calls(ground, parameters), is_merged
    )


def _cards_of_several() -> Any:
    """Cards that were merged, and cards that others were merged into."""
    is_merged = client.c.merged_into.is_not(None)
    return select(client.c.id).where(is_merged).union_all(select(client.c.merged_into).where(is_merged))


def _survivors(ground: Ground) -> dict[bytes, bytes]:
    """The card that stands for a client, by the cards that were merged into it."""
    statement = select(client.c.id, client.c.merged_into).where(client.c.merged_into.is_not(None))
    merged_into: dict[bytes, bytes] = {row[0]: row[1] for row in ground.connection.execute(statement) if row[1]}
    return {card: survivor_of(card, merged_into) for card in merged_into}


def _purchases(
    ground: Ground, parameters: ReportParameters, survivors: Mapping[bytes, bytes]
) -> Mapping[bytes, list[int]]:
    """When clients of several cards bought, ascending, by the card that stands for them."""
    known = _known(parameters)
    by_card = select(sale.c.client_id, moment_us(sale.c.sold_at)).where(
        sale.c.client_id.in_(_cards_of_several()), *known
    )
    is_named = and_(sale.c.client == client.c.external_id, sale.c.client_id.is_(None))
    by_number = (
        select(client.c.id, moment_us(sale.c.sold_at))
        .select_from(client.join(sale, is_named))
        .where(client.c.id.in_(_cards_of_several()), *known)
    )
    moments: dict[bytes, list[int]] = defaultdict(list)
    for statement in (by_card, by_number):
        for card, at_us in ground.connection.execute(statement):
            moments[survivors.get(card, card)].append(int(at_us))
    for each in moments.values():
        each.sort()
    return moments


def _known(parameters: ReportParameters) -> list[Condition]:
    return [] if parameters.as_of_us is None else [sale.c.received_at <= parameters.as_of_us]


REPORT = Report(
    name=NAME,
    title="Conversion of calls",
    summary="How many of the clients who were reached by telephone bought soon after, in any branch.",
    dimensions=DIMENSIONS,
    measures=MEASURES,
    definitions=DEFINITIONS,
    run=run_conversion,
    scope=Scope.CHAIN,
    derived=DERIVED,
    options=(DAYS,),
    filters_itself=True,
    first_by=("employee",),
    first_period="last-month",
    notes=("A client counts once in every row, so rows do not add up to the total.",),
)
