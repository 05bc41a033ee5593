"""What clients bought, client by client, read with one query each for sales and returns. Contains no report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Table, Text, case, cast, func, or_, select

from shared.reports.client_cards import ClientCards, ClientKey
from shared.reports.ground import Answer, Ground, Rows
from shared.reports.parameters import ReportParameters
from shared.storage.dialect_functions import TEXT_SEPARATOR, days_of, joined_texts, month_of
from shared.storage.tables import refund, sale

Expression = ColumnElement[Any]
Row = Mapping[str, Any]
"""One client, by the names of dimensions and of what is measured."""


class Window(NamedTuple):
    """Business dates, both included; None is open. `everywhere`: at all branches, whichever were asked for."""

    first: date | None
    last: date
    everywhere: bool = False


@dataclass(slots=True)
class Bought:
    """What a client bought in a window: days since 1970 of his last purchase, receipts, minor units less returns."""

    last_day: int = 0
    receipts: int = 0
    net: int = 0


def whole_days(ground: Ground, parameters: ReportParameters, days: int) -> Window:
    """The period asked for; without an end it ends yesterday, without a beginning it is that many days long."""
    last = parameters.date_to or ground.today - timedelta(days=1)
    return Window(parameters.date_from or last - timedelta(days=days - 1), last)


def bought_by_client(
    ground: Ground, parameters: ReportParameters, cards: ClientCards, window: Window
) -> dict[ClientKey, Bought]:
    """Every client who bought within the window. Returns count against whom the refund names, and nobody else."""
    found: dict[ClientKey, Bought] = {}
    measures = (days_of(func.max(sale.c.business_date)), func.count(), func.sum(sale.c.net_minor))
    for client_id, number, last_day, receipts, net in _grouped(ground, parameters, sale, window, (), measures):
        key = cards.client_of(client_id, number)
        if key is not None:
            bought = found.setdefault(key, Bought())
            bought.last_day = max(bought.last_day, int(last_day))
            bought.receipts += int(receipts)
            bought.net += int(net)
    for client_id, number, returns in _returned(ground, parameters, window, ()):
        key = cards.client_of(client_id, number)
        if key in found:
            found[key].net -= int(returns)
    return found


def clients_by_branch(
    ground: Ground, parameters: ReportParameters, cards: ClientCards, window: Window
) -> dict[bytes, set[ClientKey]]:
    """Who bought at which of the ground's branches within the window."""
    found: dict[bytes, set[ClientKey]] = {branch_id: set() for branch_id in ground.branch_codes}
    for client_id, number, branch_id in _grouped(ground, parameters, sale, window, (sale.c.branch_id,), ()):
        key = cards.client_of(client_id, number)
        if key is not None and branch_id in found:
            found[branch_id].add(key)
    return found


def net_by_month(
    ground: Ground, parameters: ReportParameters, cards: ClientCards, window: Window
) -> tuple[dict[ClientKey, dict[str, int]], dict[ClientKey, dict[str, int]]]:
    """By client and month what was bought, and what came back; a month without a purchase is not in the first."""
    bought: dict[ClientKey, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    came_back: dict[ClientKey, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    sold = _grouped(ground, parameters, sale, window, (month_of(sale.c.business_date),), (func.sum(sale.c.net_minor),))
    returned = _returned(ground, parameters, window, (month_of(refund.c.business_date),))
    for sums, rows in ((bought, sold), (came_back, returned)):
        for client_id, number, month, amount in rows:
            key = cards.client_of(client_id, number)
            if key is not None:
                sums[key][month] += int(amount)
    return bought, came_back


@dataclass(slots=True)
class Visits:
    """The days on which a client bought, since 1970, and what he paid from one day on, less returns."""

    days: set[int] = field(default_factory=set)
    net: int = 0


def visits_by_client(
    ground: Ground, parameters: ReportParameters, cards: ClientCards, window: Window, net_since: date
) -> dict[ClientKey, Visits]:
    """Every client who bought within the window, and his net from a day of it on."""
    visits: dict[ClientKey, Visits] = {}
    days = joined_texts(cast(days_of(sale.c.business_date), Text))
    net = func.sum(case((sale.c.business_date >= net_since, sale.c.net_minor), else_=0))
    for client_id, number, texts, amount in _grouped(ground, parameters, sale, window, (), (days, net)):
        key = cards.client_of(client_id, number)
        if key is not None:
            known = visits.setdefault(key, Visits())
            known.days.update(map(int, texts.split(TEXT_SEPARATOR)))
            known.net += int(amount)
    for client_id, number, returns in _returned(ground, parameters, window._replace(first=net_since), ()):
        key = cards.client_of(client_id, number)
        if key in visits:
            visits[key].net -= int(returns)
    return visits


def _returned(
    ground: Ground, parameters: ReportParameters, window: Window, keys: Sequence[Expression]
) -> Iterable[Any]:
    return _grouped(ground, parameters, refund, window, keys, (func.sum(refund.c.returns_minor),))


def _grouped(
    ground: Ground,
    parameters: ReportParameters,
    table: Table,
    window: Window,
    keys: Sequence[Expression],
    measures: Sequence[Expression],
) -> Iterable[Any]:
    """By card and number, and by `keys`, over what was sold or given back to a client whom somebody named."""
    whose = (table.c.client_id, table.c.client)
    conditions: list[Expression] = [or_(table.c.client_id.is_not(None), table.c.client.is_not(None))]
    conditions += within(ground, parameters, table, window)
    # All at once: to fetch tens of thousands of rows one by one takes longer than to find them.
    return ground.connection.execute(select(*whose, *keys, *measures).where(*conditions).group_by(*whose, *keys)).all()


def within(ground: Ground, parameters: ReportParameters, table: Table, window: Window) -> list[Expression]:
    """The conditions of a window, of the branches asked for, and of what was known by then."""
    conditions: list[Expression] = [table.c.business_date <= window.last]
    if window.first is not None:
        conditions.append(table.c.business_date >= window.first)
    if parameters.branches and not window.everywhere:
        conditions.append(table.c.branch_id.in_(list(ground.branch_codes)))
    if parameters.as_of_us is not None:
        conditions.append(table.c.received_at <= parameters.as_of_us)
    return conditions


def group_clients(
    clients: Iterable[Row], parameters: ReportParameters, measure: Callable[[Collection[Row]], tuple[Any, ...]]
) -> Answer:
    """Rows by the dimensions asked for, of the clients that the filters leave, and the totals over all of these."""
    kept = those_asked_for(clients, parameters)
    total = measure(kept)
    if not parameters.by:
        return [total], total
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    names = parameters.by
    for row in kept:
        groups[tuple([row[name] for name in names])].append(row)
    has_gaps = any(None in key for key in groups)
    in_order = sorted(groups, key=_in_order) if has_gaps else sorted(groups)
    rows: Rows = [(*key, *measure(groups[key])) for key in in_order]
    return rows, total


def those_asked_for(clients: Iterable[Row], parameters: ReportParameters) -> list[Row]:
    """Those that the filters leave."""
    wanted = dict(parameters.filters)
    if not wanted:
        return list(clients)
    return [row for row in clients if all(_text(row[name]) in values for name, values in wanted.items())]


def _text(value: Any) -> str:
    """A value as a filter writes it."""
    return "" if value is None else str(value)


def _in_order(key: Sequence[Any]) -> list[tuple[bool, Any]]:
    """Groups without a value come last."""
    return [(value is None, "" if value is None else value) for value in key]
