"""Whether the tables that show cards show what the cards' states fold to; rows that do not are named, and written anew.

A state itself is not checked here: it is the sum of edits that came from elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, select

from shared.domain.cards import Value
from shared.domain.identifiers import name_value
from shared.errors import DecodeError
from shared.operations.cards import shown_fields
from shared.operations.record_check import DIFFERENCES_MAX, Repair, compare_row, digest_row
from shared.storage.card_rows import PROJECTIONS, save_projections
from shared.storage.fact_rows import Row
from shared.storage.raw_rows import as_raw, raw_column, raw_columns, raw_places, raw_value
from shared.storage.tables import card
from shared.wire.cards import decode_state

_ROWS_PER_FETCH = 5_000


class CardDifference(NamedTuple):
    """A card that is not shown as it is. `shown` is what it should show; None when its state does not say."""

    kind: int
    card_id: Any
    shown: dict[str, Value] | None
    received_at_us: int | None
    sentence: str


def compare_cards(connection: Connection) -> Iterator[CardDifference]:
    """Cards whose rows differ from their states, cards without rows, and rows without cards."""
    for kind in PROJECTIONS:
        yield from _compare_kind(connection, kind)


def card_sentences(connection: Connection) -> list[str]:
    """The same for people: at most DIFFERENCES_MAX, and how many more."""
    said = [difference.sentence for difference in compare_cards(connection)]
    more = len(said) - DIFFERENCES_MAX
    return [*said[:DIFFERENCES_MAX], f"{more} more cards differ."] if more > 0 else said


def repair_cards(connection: Connection) -> Repair:
    """Writes anew what differs. A row without a card stays: it may be the last trace of a card that was lost."""
    repair = Repair([], [])
    for difference in list(compare_cards(connection)):
        if difference.shown is None:
            repair.problems.append(difference.sentence)
            continue
        shown = {difference.card_id: difference.shown}
        save_projections(connection, difference.kind, shown, difference.received_at_us)
        repair.done.append(f"{difference.sentence} It was written anew from its card.")
    return repair


def _compare_kind(connection: Connection, kind: int) -> Iterator[CardDifference]:
    table, row_of = PROJECTIONS[kind]
    name, places = str(table.name), raw_places(table)
    stored = _stored_digests(connection, table)
    for card_id, state, received_at_us in _states(connection, kind):
        digest = stored.pop(card_id, None)
        if not state:
            # Held for an edit that then changed nothing: there is no card.
            if digest is not None:
                stored[card_id] = digest
            continue
        try:
            shown = shown_fields(kind, decode_state(state))
        except (DecodeError, TypeError) as error:
            why = error.message if isinstance(error, DecodeError) else "it is not bytes."
            yield CardDifference(
                kind, card_id, None, None, f"The card of {name} {name_value(card_id)} cannot be read: {why}"
            )
            continue
        wanted = as_raw((card_id, *row_of(shown)), places)
        if digest != digest_row(name, wanted):
            sentence = _describe(connection, table, card_id, wanted)
            yield CardDifference(kind, card_id, shown, received_at_us, sentence)
    for card_id in stored:
        yield CardDifference(kind, card_id, None, None, f"{name} {name_value(card_id)} is shown, but has no card.")


def _states(connection: Connection, kind: int) -> Iterator[Any]:
    """Ids, serialised states and moments of receipt, read raw."""
    columns = [raw_column(connection, column) for column in (card.c.id, card.c.state, card.c.received_at)]
    statement = select(*columns).where(card.c.kind == kind)
    return iter(connection.execute(statement, execution_options={"yield_per": _ROWS_PER_FETCH}))


def _stored_digests(connection: Connection, table: Table) -> dict[Any, int]:
    name = str(table.name)
    rows = connection.execute(select(*raw_columns(connection, table)), execution_options={"yield_per": _ROWS_PER_FETCH})
    return {row[0]: digest_row(name, tuple(row)) for row in rows}


def _describe(connection: Connection, table: Table, card_id: Any, wanted: Row) -> str:
    is_it = table.c.id == raw_value(connection, card_id)
    there = connection.execute(select(*raw_columns(connection, table)).where(is_it)).one_or_none()
    named = f"{table.name} {name_value(card_id)}"
    if there is None:
        return f"{named} is missing: its card is there."
    return f"{named} is not what its card shows: {compare_row(list(table.columns)[:-1], tuple(there), wanted)}."
