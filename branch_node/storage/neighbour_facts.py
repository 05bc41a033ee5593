"""What other branches did with clients whom this one knows, as HQ tells it: kept to be shown, counted in no report."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete

from shared.domain.interactions import ClientTransfer, Interaction
from shared.domain.records import RecordKind
from shared.errors import DecodeError
from shared.storage.card_rows import upsert_rows
from shared.storage.tables import neighbour_fact
from shared.sync.messages import NeighbourFact
from shared.wire.payloads import decode_branch_fact, decode_refund, decode_sale


def keep_facts(connection: Connection, facts: Sequence[NeighbourFact]) -> list[str]:
    """Keeps facts of other branches, each once; returns what could not be understood."""
    problems: list[str] = []
    rows = {}
    for fact in facts:
        try:
            at_us = _moment_of(fact)
        except DecodeError as error:
            problems.append(error.message)
            continue
        key = fact.branch_id, fact.kind, fact.card_id
        rows[key] = (*key, fact.client_id, at_us, fact.branch_code, fact.payload)
    upsert_rows(connection, neighbour_fact, list(rows.values()))
    return problems


def forget_facts(connection: Connection, client_id: bytes) -> None:
    """Drops what other branches did with a client."""
    connection.execute(delete(neighbour_fact).where(neighbour_fact.c.client_id == client_id))


def _moment_of(fact: NeighbourFact) -> int:
    """When it took place, in microseconds of UTC. Raises DecodeError."""
    match fact.kind:
        case RecordKind.SALE:
            return decode_sale(fact.payload).sold_at.at_us
        case RecordKind.REFUND:
            return decode_refund(fact.payload).refunded_at.at_us
        case RecordKind.INTERACTION | RecordKind.CLIENT_TRANSFER:
            known = decode_branch_fact(fact.kind, fact.payload)
            assert isinstance(known, Interaction | ClientTransfer)
            return known.at.at_us
        case _:
            raise DecodeError("A fact of another branch is of a kind that this release does not know.")
