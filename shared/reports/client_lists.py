"""The clients behind a row of a report one by one, as an item each. Contains no queries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from shared.domain.identifiers import NIL_ID
from shared.reports.client_cards import ClientKey, ClientLabels
from shared.reports.items import Asked, Beneath, Item, Kind


class ListedClient(NamedTuple):
    """A client, and what of his counts; the last is what he paid."""

    key: ClientKey
    measures: tuple[int, ...]


def list_clients(
    asked: Asked, clients: Iterable[ListedClient], labels: ClientLabels, adds_up: Sequence[bool]
) -> Beneath:
    """A page of clients, those who paid most first, and the sums of what adds up."""
    named = [(each, labels.of(each.key)) for each in clients]
    named.sort(key=lambda pair: (*(-amount for amount in reversed(pair[0].measures)), pair[1]))
    columns = list(zip(*(each.measures for each, _ in named), strict=True)) or [()] * len(adds_up)
    sums = tuple(sum(column) if adds else None for column, adds in zip(columns, adds_up, strict=True))
    rows = [_item(each, label) for each, label in named[asked.after : asked.after + asked.rows_max]]
    return Beneath(rows, len(named), sums)


def _item(client: ListedClient, label: str) -> Item:
    card_id = client.key if isinstance(client.key, bytes) else None
    return Item(Kind.CLIENT, "", card_id or NIL_ID, None, label, "", card_id, client.measures)
