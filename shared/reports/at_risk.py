"""The report `at-risk`: clients who have stayed away for more than twice as long as is usual for them.

It stands as of the period's last day, or as of today; all purchases up to that day are looked at, and the period's
first day plays no part. Purchases of one day are one visit. Of a client with at least `visits` days of purchase (3):

    interval         days between one day of purchase and the next
    median interval  the middle one of his intervals in order; of an even number the mean of the middle two
    days since       from his last day of purchase to the report's day
    at risk          days since > 2 × median interval, strictly

All of it is in whole days, doubled where a median has halves. shared.reports.client_cards says who is one client.
Source: REQUIREMENTS §3; the median of a client's own rhythm instead of one bound for all as in Reinartz and Kumar, *The
mismanagement of customer loyalty*, HBR 7/2002.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import pairwise

from shared.domain.business_time import days_from_date
from shared.reports.client_cards import ClientCards, card_text
from shared.reports.client_lists import ListedClient, list_clients
from shared.reports.ground import Answer, Ground, Rows
from shared.reports.items import Asked, Beneath
from shared.reports.parameters import Option, ReportParameters
from shared.reports.purchases import Window, clients_by_branch, visits_by_client
from shared.reports.report import Report, Scope
from shared.reports.result import Column

NAME = "at-risk"
NET_DAYS = 365

OPTIONS = (Option("visits", 3, 2, 100, "On how many days a client has bought at least."),)

DIMENSIONS: dict[str, Column] = {"client": Column("client", "text", "Client")}

MEASURES: tuple[Column, ...] = (
    Column("clients", "integer", "Clients"),
    Column("visits", "integer", "Days with a purchase"),
    Column("median_interval", "ratio", "Usual interval", "days"),
    Column("days_since", "integer", "Since the last purchase", "days"),
    Column("net", "money", "Net of a year"),
)

DEFINITIONS: dict[str, str] = {
    "clients": "clients who have stayed away for more than twice their own median interval between days of purchase",
    "visits": "days on which they bought, up to the report's day",
    "median_interval": "the middle one of a client's intervals between days of purchase, of two the mean",
    "days_since": "days from the last day of purchase to the report's day",
    "net": f"what they paid in the {NET_DAYS} days up to the report's day, less what was returned on refunds that name "
    "them",
}


def run_at_risk(ground: Ground, parameters: ReportParameters) -> Answer:
    """A row a client, and the totals; without a dimension the totals alone. Medians and days have no total."""
    cards = ClientCards(ground.connection, are_named=True)
    labels = cards.labels()
    return _answer([(labels.of(key), *measures) for key, measures in _away(ground, parameters, cards)], parameters)


def run_at_risk_by_branch(ground: Ground, parameters: ReportParameters) -> dict[bytes, Answer]:
    """By branch, the same of those who ever bought there; their habits are those of the whole chain."""
    cards = ClientCards(ground.connection)
    away = list(_away(ground, parameters, cards))
    everybody = clients_by_branch(ground, parameters, cards, Window(None, parameters.date_to or ground.today))
    return {
        branch_id: _answer([(card_text(key), *measures) for key, measures in away if key in members], parameters)
        for branch_id, members in everybody.items()
    }


def _answer(rows: Rows, parameters: ReportParameters) -> Answer:
    total = (len(rows), sum(row[2] for row in rows), None, None, sum(row[5] for row in rows))
    return (sorted(rows), total) if parameters.by else ([total], total)


def list_at_risk(ground: Ground, asked: Asked) -> Beneath:
    """The clients themselves."""
    cards = ClientCards(ground.connection, are_named=True)
    labels = cards.labels()
    wanted = asked.parameters.filter_of("client")
    away = [each for each in _away(ground, asked.parameters, cards) if not wanted or labels.of(each.key) in wanted]
    return list_clients(asked, away, labels, (True, True, False, False, True))


def _away(ground: Ground, parameters: ReportParameters, cards: ClientCards) -> Iterator[ListedClient]:
    """Those who have stayed away too long, with MEASURES."""
    today = parameters.date_to or ground.today
    since = today - timedelta(days=NET_DAYS - 1)
    for key, known in visits_by_client(ground, parameters, cards, Window(None, today), since).items():
        days = sorted(known.days)
        away = days_from_date(today) - days[-1]
        if len(days) >= parameters.option("visits") and away > (doubled := doubled_median_interval(days)):
            yield ListedClient(key, (1, len(days), doubled * 500, away, known.net))


def doubled_median_interval(days: Sequence[int]) -> int:
    """Twice the median of the intervals between days in their order; there are two days at least."""
    intervals = sorted(later - earlier for earlier, later in pairwise(days))
    return intervals[(len(intervals) - 1) // 2] + intervals[len(intervals) // 2]


AT_RISK = Report(
    name=NAME,
    title="Clients at risk",
    summary="Clients who have stayed away for more than twice as long as is usual for them.",
    dimensions=DIMENSIONS,
    measures=MEASURES,
    definitions=DEFINITIONS,
    run=run_at_risk,
    scope=Scope.CHAIN,
    options=OPTIONS,
    first_by=("client",),
    first_period="today",
    run_by_branch=run_at_risk_by_branch,
    notes=("Only the last day of the period counts; habits are those of all time.",),
)
