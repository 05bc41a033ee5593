"""The report `cohorts`: of those who first bought in a month, what share bought again in each month after it.

    cohort        month of a client's first purchase in the chain, over all of its history and at whatever branch
    month number  months from the cohort's month on: 0 is that month itself
    clients       clients of the cohort; over several cohorts those of which the month has come
    buyers        of them, those who bought in that month; over several months, in any of them
    retention     buyers ÷ clients
    net           what they paid in that month, less what was returned in it on refunds that name them

The period restricts the cohorts, not the months after: these go on to the newest month in which somebody known bought,
up to `months` of them. Where branches are asked for, only who bought there is counted, and what he bought there; the
month of his first purchase stays the chain's. shared.reports.client_cards says who is one client. Source: retention by
acquisition cohort as in Fader and Hardie, *How to project customer retention* (2007), per calendar month.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from shared.reports.client_cards import ClientCards, ClientKey
from shared.reports.client_lists import ListedClient, list_clients
from shared.reports.ground import Answer, Ground, Rows
from shared.reports.items import Asked, Beneath
from shared.reports.parameters import Option, ReportParameters
from shared.reports.periods import MONTHS_PER_YEAR
from shared.reports.purchases import Window, clients_by_branch, net_by_month
from shared.reports.report import Derived, Report, Scope, Sums, share_basis_points
from shared.reports.result import Column

NAME = "cohorts"

OPTIONS = (Option("months", 24, 1, 120, "How many months after the first purchase are looked at."),)

DIMENSIONS: dict[str, Column] = {
    "cohort": Column("cohort", "month", "First purchase in"),
    "month_number": Column("month_number", "integer", "Months after"),
}

MEASURES: tuple[Column, ...] = (
    Column("clients", "integer", "Clients"),
    Column("buyers", "integer", "Bought in that month"),
    Column("net", "money"),
)

DEFINITIONS: dict[str, str] = {
    "clients": "clients whose first purchase in the chain was in the cohort's month",
    "buyers": "of them, those who bought in the month that many months later; over several months, in any of them",
    "net": "what they paid in that month, less what was returned in it on refunds that name them",
}


def _retention(sums: Sums) -> int | None:
    return share_basis_points(sums["buyers"], sums["clients"])


DERIVED: tuple[Derived, ...] = (Derived(Column("retention", "percent", "Retention"), "buyers ÷ clients", _retention),)


@dataclass(slots=True)
class Cohort:
    """Clients of a month: how many, how many bought in any month looked at; how many in each, and for how much."""

    clients: int = 0
    buyers_ever: int = 0
    buyers: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    net: dict[int, int] = field(default_factory=lambda: defaultdict(int))


def run_cohorts(ground: Ground, parameters: ReportParameters) -> Answer:
    """Rows by cohort and the number of the month, and the totals."""
    first, newest, bought, came_back = _read(ground, parameters, ClientCards(ground.connection))
    cohorts = _cohorts(_wanted(first, parameters), bought, came_back, parameters.option("months"))
    return _answer(cohorts, newest, parameters)


def list_cohorts(ground: Ground, asked: Asked) -> Beneath:
    """The clients of the cohorts asked for: whether they bought in the months asked for, and for how much."""
    parameters, cards = asked.parameters, ClientCards(ground.connection, are_named=True)
    first, newest, bought, came_back = _read(ground, parameters, cards)
    cohorts, numbers = parameters.filter_of("cohort"), set(parameters.filter_of("month_number"))
    clients = []
    for key, month in _wanted(first, parameters).items():
        has_come = range(min(months_between(month, newest), parameters.option("months")) + 1)
        if key not in bought or (cohorts and month not in cohorts):
            continue
        if numbers and not numbers & set(map(str, has_come)):
            continue
        months = _numbered(month, bought[key], came_back.get(key, {}), parameters.option("months"))
        kept = [each for each in months if not numbers or str(each.number) in numbers]
        is_buyer = any(each.has_bought for each in kept)
        clients.append(ListedClient(key, (1, int(is_buyer), sum(each.net for each in kept))))
    return list_clients(asked, clients, cards.labels(), (True, True, True))


Months = Mapping[ClientKey, Mapping[str, int]]


def _read(
    ground: Ground, parameters: ReportParameters, cards: ClientCards
) -> tuple[dict[ClientKey, str], str, Months, Months]:
    """The month of each client's first purchase, the newest of any, and what was bought and came back by month."""
    bought, came_back = net_by_month(ground, parameters, cards, Window(None, ground.today, everywhere=True))
    first = {key: min(months) for key, months in bought.items()}
    newest = max((max(months) for months in bought.values()), default="")
    if parameters.branches:
        bought, came_back = net_by_month(ground, parameters, cards, Window(None, ground.today))
    return first, newest, bought, came_back


class _Month(NamedTuple):
    """What a client did so many months after the first purchase."""

    number: int
    has_bought: bool
    net: int


def _numbered(month: str, bought: Mapping[str, int], came_back: Mapping[str, int], months_max: int) -> list[_Month]:
    found = []
    for later in bought.keys() | came_back.keys():
        number = months_between(month, later)
        if 0 <= number <= months_max:
            found.append(_Month(number, later in bought, bought.get(later, 0) - came_back.get(later, 0)))
    return found


def run_cohorts_by_branch(ground: Ground, parameters: ReportParameters) -> dict[bytes, Answer]:
    """By branch, the same of those who ever bought there; what they buy elsewhere in the chain is counted too."""
    cards = ClientCards(ground.connection)
    everywhere = Window(None, ground.today, everywhere=True)
    bought, came_back = net_by_month(ground, parameters, cards, everywhere)
    first = _wanted({key: min(months) for key, months in bought.items()}, parameters)
    newest = max((max(months) for months in bought.values()), default="")
    answers = {}
    for branch_id, members in clients_by_branch(ground, parameters, cards, everywhere).items():
        of_branch = {key: month for key, month in first.items() if key in members}
        cohorts = _cohorts(of_branch, bought, came_back, parameters.option("months"))
        answers[branch_id] = _answer(cohorts, newest, parameters)
    return answers


def _wanted(first: Mapping[ClientKey, str], parameters: ReportParameters) -> dict[ClientKey, str]:
    """The clients of the cohorts asked for. A month is asked for when the period has a day of it."""
    start = parameters.date_from.isoformat()[:7] if parameters.date_from else ""
    end = parameters.date_to.isoformat()[:7] if parameters.date_to else "9999"
    return {key: month for key, month in first.items() if start <= month <= end}


def _cohorts(
    first: Mapping[ClientKey, str],
    bought: Months,
    came_back: Months,
    months_max: int,
) -> dict[str, Cohort]:
    cohorts: dict[str, Cohort] = defaultdict(Cohort)
    for key, month in first.items():
        if key not in bought:
            continue
        cohort = cohorts[month]
        cohort.clients += 1
        months = _numbered(month, bought[key], came_back.get(key, {}), months_max)
        cohort.buyers_ever += any(each.has_bought for each in months)
        for each in months:
            cohort.buyers[each.number] += each.has_bought
            cohort.net[each.number] += each.net
    return cohorts


def _answer(cohorts: Mapping[str, Cohort], newest: str, parameters: ReportParameters) -> Answer:
    whole = [(each.clients, each.buyers_ever, sum(each.net.values())) for each in cohorts.values()]
    total = tuple(map(sum, zip(*whole, strict=True))) if whole else (0, 0, 0)
    if not parameters.by:
        return [total], total
    if parameters.by == ("cohort",):
        return [(month, *sums) for month, sums in sorted(zip(cohorts, whole, strict=True))], total
    groups: dict[tuple[Any, ...], list[int]] = {}
    for month, cohort in cohorts.items():
        for number in range(min(months_between(month, newest), parameters.option("months")) + 1):
            known = {"cohort": month, "month_number": number}
            sums = groups.setdefault(tuple(known[name] for name in parameters.by), [0, 0, 0])
            for place, value in enumerate((cohort.clients, cohort.buyers[number], cohort.net[number])):
                sums[place] += value
    rows: Rows = [(*key, *groups[key]) for key in sorted(groups)]
    return rows, total


def months_between(earlier: str, later: str) -> int:
    """From one month to another, both `YYYY-MM`."""
    return (int(later[:4]) - int(earlier[:4])) * MONTHS_PER_YEAR + int(later[5:]) - int(earlier[5:])


COHORTS = Report(
    name=NAME,
    title="Cohorts",
    summary="Of those who first bought in a month, how many bought again in each month after it.",
    dimensions=DIMENSIONS,
    measures=MEASURES,
    definitions=DEFINITIONS,
    run=run_cohorts,
    scope=Scope.CHAIN,
    derived=DERIVED,
    options=OPTIONS,
    first_by=("cohort", "month_number"),
    first_period="last-365-days",
    run_by_branch=run_cohorts_by_branch,
    notes=("The newest month is not over yet.",),
)
