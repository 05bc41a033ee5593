"""What still comes of persons who are erased here: it is passed over, and their new cards remembered."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from shared.domain.records import CLIENT_KINDS, RecordKind
from shared.operations.cards import CardEdit, CardReceived
from shared.storage.erasing import erased_among, note_erased
from shared.sync.messages import NeighbourFact

_OF_CLIENTS = CLIENT_KINDS | {int(RecordKind.CLIENT)}


def of_the_living(connection: Connection, arrivals: Sequence[CardEdit | CardReceived]) -> list[CardEdit | CardReceived]:
    """Edits and cards, without those of erased persons."""
    named = {id(each): _clients_of(each) for each in arrivals if each.kind in _OF_CLIENTS}
    ids = {each.card_id for each in arrivals if each.kind in _OF_CLIENTS}.union(*named.values())
    erased = erased_among(connection, ids)
    if not erased:
        return list(arrivals)
    kept: list[CardEdit | CardReceived] = []
    for each in arrivals:
        if each.key in erased:
            continue
        owners = named.get(id(each), set()) & {card_id for kind, card_id in erased if kind == RecordKind.CLIENT}
        if owners:
            note_erased(connection, min(owners), [each.key])
            erased[each.key] = min(owners)
            continue
        kept.append(each)
    return kept


def neighbours_of_the_living(connection: Connection, facts: Sequence[NeighbourFact]) -> list[NeighbourFact]:
    """Facts of other branches, without those of erased persons."""
    erased = {client_id for _, client_id in erased_among(connection, [fact.client_id for fact in facts])}
    return [fact for fact in facts if fact.client_id not in erased]


def _clients_of(arrival: CardEdit | CardReceived) -> set[bytes]:
    """The clients that a card is said to belong to."""
    if isinstance(arrival, CardEdit):
        values = [patch.value for patch in arrival.patches if patch.field == "client_id"]
    else:
        field = arrival.state.fields.get("client_id")
        values = [version.value for version in field.live] if field else []
    return {value for value in values if isinstance(value, bytes)}
