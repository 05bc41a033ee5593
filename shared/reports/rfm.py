"""The report `rfm`: who bought lately, often and for much, in fifths of all who bought (REQUIREMENTS §3).

The window is the period asked for; without a first day it is `days` long (365), without a last day it ends yesterday.
Counted is every client who bought within it (shared.reports.client_cards says who is one); of each:

    recency    days from his last purchase to the window's last day; less is better
    frequency  his receipts within the window, totals of zero included
    monetary   net: what he paid, less what was returned on refunds that name him

Each of them is scored from 1 to 5: 1 + ⌊5 × clients who are worse ÷ all clients⌋, worse being strictly so. Clients who
are equal have the same score, that of the lowest of them, and without equals each score has a fifth of the clients. A
segment is the first row of SEGMENTS that suits. Source: Hughes, *Strategic Database Marketing* (1994), whose fifths are
these; the names of segments are those in general use, their bounds are ours.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

from shared.domain.business_time import days_from_date
from shared.reports.client_cards import ClientCards, ClientKey, card_text
from shared.reports.client_lists import ListedClient, list_clients
from shared.reports.ground import Answer, Ground
from shared.reports.items import Asked, Beneath
from shared.reports.parameters import Option, ReportParameters
from shared.reports.purchases import (
    Bought,
    Row,
    bought_by_client,
    clients_by_branch,
    group_clients,
    those_asked_for,
    whole_days,
)
from shared.reports.report import Derived, Report, Scope, Sums, divide
from shared.reports.result import Column
from shared.reports.words import marked as _

NAME = "rfm"
SCORES = 5

OPTIONS = (Option("days", 365, 7, 3_660, "How many days are looked at, where the period has no first day."),)

DIMENSIONS: dict[str, Column] = {
    "segment": Column("segment", "text", "Segment"),
    "recency_score": Column("recency_score", "integer", "Recency, 1 to 5"),
    "frequency_score": Column("frequency_score", "integer", "Frequency, 1 to 5"),
    "monetary_score": Column("monetary_score", "integer", "Spending, 1 to 5"),
    "client": Column("client", "text", "Client"),
}

MEASURES: tuple[Column, ...] = (
    Column("clients", "integer", "Clients"),
    Column("receipts", "integer"),
    Column("net", "money"),
    Column("days_since", "integer", "Since the last purchase", "days"),
)

LISTED = ("clients", "days_since", "receipts", "net")
"""What the list of clients says of each."""

DEFINITIONS: dict[str, str] = {
    "clients": "clients who bought within the period; merged cards are one, erased persons none",
    "receipts": "their receipts within the period",
    "net": "what they paid within the period, less what was returned on refunds that name them",
    "days_since": "mean of the days from a client's last purchase to the period's last day",
}


def _net_per_client(sums: Sums) -> int | None:
    return divide(sums["net"], sums["clients"])


DERIVED: tuple[Derived, ...] = (
    Derived(Column("net_per_client", "money", "Net per client"), "net ÷ clients", _net_per_client),
)


class Segment(NamedTuple):
    """A segment's name for programs and for people, and the scores that make it: recency, frequency, and frequency +
    monetary, each at least."""

    name: str
    title: str
    recency: int
    frequency_and_monetary: int
    frequency_most: int = SCORES


SEGMENTS: tuple[Segment, ...] = (
    Segment("champions", _("Champions"), 4, 8),
    Segment("loyal", _("Loyal"), 3, 6),
    Segment("new", _("New clients"), 4, 2, frequency_most=1),
    Segment("promising", _("Promising"), 4, 2),
    Segment("needs_attention", _("Need attention"), 3, 2),
    Segment("cannot_lose", _("Cannot be lost"), 1, 8),
    Segment("at_risk", _("At risk"), 1, 6),
    Segment("hibernating", _("Hibernating"), 2, 2),
    Segment("lost", _("Lost"), 1, 2),
)
"""From the first on; the last suits everybody."""


def run_rfm(ground: Ground, parameters: ReportParameters) -> Answer:
    """Rows by segment, score or client, and the totals of the clients that the filters leave."""
    are_named = "client" in (*parameters.by, *dict(parameters.filters))
    cards = ClientCards(ground.connection, are_named)
    label = cards.labels().of if are_named else str
    return group_clients(_scored(ground, parameters, cards, label), parameters, _measured)


def run_rfm_by_branch(ground: Ground, parameters: ReportParameters) -> dict[bytes, Answer]:
    """By branch, the same of those who bought there; their scores and figures are the chain's."""
    cards = ClientCards(ground.connection)
    rows = {row["key"]: row for row in _scored(ground, parameters, cards, card_text)}
    window = whole_days(ground, parameters, parameters.option("days"))
    return {
        branch_id: group_clients([rows[key] for key in members if key in rows], parameters, _measured)
        for branch_id, members in clients_by_branch(ground, parameters, cards, window).items()
    }


def list_rfm(ground: Ground, asked: Asked) -> Beneath:
    """The clients behind it."""
    cards = ClientCards(ground.connection, are_named=True)
    labels = cards.labels()
    rows = those_asked_for(_scored(ground, asked.parameters, cards, labels.of), asked.parameters)
    clients = (
        ListedClient(row["key"], (1, row["days_since"], row["bought"].receipts, row["bought"].net)) for row in rows
    )
    return list_clients(asked, clients, labels, (True, False, True, True))


def _scored(
    ground: Ground, parameters: ReportParameters, cards: ClientCards, label: Callable[[ClientKey], str]
) -> list[Row]:
    """Every client who bought within the window, with his scores among all of them."""
    window = whole_days(ground, parameters, parameters.option("days"))
    bought = bought_by_client(ground, parameters, cards, window)
    last = days_from_date(window.last)
    scores = zip(
        scores_of([each.last_day for each in bought.values()]),
        scores_of([each.receipts for each in bought.values()]),
        scores_of([each.net for each in bought.values()]),
        strict=True,
    )
    return [_row(key, label(key), each, score, last) for (key, each), score in zip(bought.items(), scores, strict=True)]


def scores_of(values: Sequence[int]) -> list[int]:
    """Each value's score among all of them, more being better."""
    in_order = sorted(values)
    known: dict[int, int] = {}
    for value in values:
        if value not in known:
            known[value] = 1 + SCORES * bisect_left(in_order, value) // len(in_order)
    return [known[value] for value in values]


def segment_of(recency: int, frequency: int, monetary: int) -> str:
    """The segment of a client with these scores."""
    for segment in SEGMENTS:
        suits = recency >= segment.recency and frequency + monetary >= segment.frequency_and_monetary
        if suits and frequency <= segment.frequency_most:
            return segment.name
    raise AssertionError("the last segment suits everybody")


def _row(key: ClientKey, label: str, bought: Bought, scores: tuple[int, int, int], last: int) -> Row:
    recency, frequency, monetary = scores
    return {
        "segment": segment_of(*scores),
        "recency_score": recency,
        "frequency_score": frequency,
        "monetary_score": monetary,
        "key": key,
        "client": label,
        "bought": bought,
        "days_since": last - bought.last_day,
    }


def _measured(rows: Collection[Row]) -> tuple[Any, ...]:
    if len(rows) == 1:
        # By client every row is one: tens of thousands of them.
        (only,) = rows
        return 1, only["bought"].receipts, only["bought"].net, only["days_since"]
    if len(rows) == 1:
        # By client there are as many groups as clients.
        (row,) = rows
        return 1, row["bought"].receipts, row["bought"].net, row["days_since"]
    bought: list[Bought] = [row["bought"] for row in rows]
    return (
        len(rows),
        sum(each.receipts for each in bought),
        sum(each.net for each in bought),
        divide(sum(row["days_since"] for row in rows), len(rows)),
    )


RFM = Report(
    name=NAME,
    title="RFM",
    summary="Who bought lately, often and for much: clients in fifths and segments.",
    dimensions=DIMENSIONS,
    measures=MEASURES,
    definitions=DEFINITIONS,
    run=run_rfm,
    scope=Scope.CHAIN,
    derived=DERIVED,
    options=OPTIONS,
    filters_itself=True,
    first_by=("segment",),
    first_period="last-365-days",
    run_by_branch=run_rfm_by_branch,
)
