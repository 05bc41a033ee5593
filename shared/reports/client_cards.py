"""Which client a purchase is of, for reports over the whole chain.

A client is the card that his card stands for now: merged cards are one. Where a sale names no card, the number that was
given leads to the card which has it, put-away cards last, then the oldest; a number that no card has is a client of its
own. An erased person has no card any more, and what he bought counts for nobody.
"""

from __future__ import annotations

from sqlalchemy import Connection, exists, or_, select

from shared.domain.aliases import survivor_of
from shared.domain.identifiers import format_id
from shared.domain.records import RecordKind
from shared.storage.tables import client, erased_card, refund, sale

ClientKey = bytes | str
"""A client: the id of his card, or the number that was given where there is no card."""

_MERGED = select(client.c.id, client.c.merged_into).where(client.c.merged_into.is_not(None))
_ERASED = select(erased_card.c.id).where(erased_card.c.kind == int(RecordKind.CLIENT))
_NUMBERED = select(client.c.external_id, client.c.id).where(client.c.external_id.is_not(None))
# Only numbers that were sold to without a card lead anywhere: an index knows them, so no sale is read for it.
_WAS_GIVEN = [
    exists().where(table.c.client == client.c.external_id, table.c.client_id.is_(None), table.c.client.is_not(None))
    for table in (sale, refund)
]
_BY_NUMBER = _NUMBERED.where(or_(*_WAS_GIVEN))
_YOUNGEST_FIRST = (client.c.archived.desc(), client.c.id.desc())


class ClientCards:
    """Answers whose a purchase is, as the cards stand now."""

    def __init__(self, connection: Connection, are_named: bool = False) -> None:
        """`are_named`: their labels will be asked for, and then every number is read."""
        self._merged: dict[bytes, bytes] = {row[0]: row[1] for row in connection.execute(_MERGED)}
        self._erased = set(connection.execute(_ERASED).scalars())
        numbered = _NUMBERED if are_named else _BY_NUMBER
        # The oldest comes last, and stays.
        self._cards: dict[str, bytes] = {
            row[0]: row[1] for row in connection.execute(numbered.order_by(*_YOUNGEST_FIRST)).all()
        }
        self._are_named = are_named

    def client_of(self, client_id: bytes | None, number: str | None) -> ClientKey | None:
        """The client of a purchase that names a card, a number, or both; None when it is nobody's."""
        card_id = client_id if client_id is not None else self._cards.get(number or "")
        if card_id is None:
            return number or None
        survivor = survivor_of(card_id, self._merged) if card_id in self._merged else card_id
        return None if survivor in self._erased or card_id in self._erased else survivor

    def labels(self) -> ClientLabels:
        """How clients are called in a report."""
        assert self._are_named
        return ClientLabels(self._cards)


def card_text(key: ClientKey) -> str:
    """A client by the id of his card; who has none is nobody in particular."""
    return format_id(key) if isinstance(key, bytes) else ""


class ClientLabels:
    """A client's external id; where he has none, or an older card has the same, the id of his card."""

    def __init__(self, cards: dict[str, bytes]) -> None:
        self._numbers = {card_id: number for number, card_id in cards.items()}

    def of(self, key: ClientKey) -> str:
        """One text a client, no two alike."""
        if isinstance(key, str):
            return key
        return self._numbers.get(key) or format_id(key)
