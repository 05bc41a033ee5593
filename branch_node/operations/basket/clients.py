"""The client of a basket: who is named on the sale."""

from __future__ import annotations

from typing import Any, NamedTuple

from branch_node.operations.basket.desk import Desk, Done, Outcome, act
from branch_node.storage.store import BranchStore
from shared.domain.identifiers import format_id, is_id, parse_id, shorten
from shared.errors import NotFound
from shared.operations.aliases import find_survivor
from shared.storage.cursor_reading import CursorReader


class BasketClient(NamedTuple):
    """A client as a basket shows them. `reference` is how the sale will name them."""

    client_id: bytes
    reference: str
    name: str


_BY_ID = "SELECT id, external_id, name FROM client WHERE id = ? AND NOT archived"
_BY_EXTERNAL_ID = "SELECT id, external_id, name FROM client WHERE external_id = ? AND NOT archived ORDER BY id LIMIT 1"


def find_client(cursor: Any, reference: str) -> BasketClient | None:
    """The client with that external id, or with that id: the one that a merged card stands for."""
    row = cursor.execute(_BY_EXTERNAL_ID, (reference,)).fetchone()
    if row is None and is_id(reference):
        row = cursor.execute(_BY_ID, (parse_id(reference),)).fetchone()
    if row is None:
        return None
    survivor = find_survivor(CursorReader(cursor), row[0])
    if survivor != row[0]:
        row = cursor.execute(_BY_ID, (survivor,)).fetchone() or row
    client_id, external_id, name = row
    return BasketClient(client_id, external_id or format_id(client_id), name or external_id or "")


def attach_client(
    store: BranchStore, basket_id: bytes, request_id: str, reference: str, tab_token: str | None = None
) -> Done:
    """Names the client, by id or external id, instead of any other. Raises NotFound, and what `act` does."""

    def work(desk: Desk) -> Done:
        client = find_client(desk.cursor, reference)
        if client is None:
            raise NotFound(f"There is no client {shorten(reference)} here.", "Look for them by phone or name.")
        return attach_found(desk, client)

    return act(store, basket_id, request_id, "client", work, tab_token)


def attach_from_elsewhere(
    store: BranchStore, basket_id: bytes, request_id: str, client: BasketClient, tab_token: str | None = None
) -> Done:
    """Names a client of the chain whose card is not here, as the head office knows them: the sale keeps the reference,
    and with it the card comes. Raises what `act` does."""

    def work(desk: Desk) -> Done:
        known = find_client(desk.cursor, client.reference)
        if known is not None:
            return attach_found(desk, known)
        desk.change_basket(client=client.reference, client_id=client.client_id, client_name=client.name)
        return Done(Outcome.CLIENT, 0, name=client.name, reference=client.reference)

    return act(store, basket_id, request_id, "client", work, tab_token)


def detach_client(store: BranchStore, basket_id: bytes, request_id: str, tab_token: str | None = None) -> Done:
    """Sells to nobody in particular. Raises what `act` does."""

    def work(desk: Desk) -> Done:
        desk.change_basket(client=None, client_id=None, client_name=None, **_no_points(desk))
        return Done(Outcome.CHANGED, 0)

    return act(store, basket_id, request_id, "client", work, tab_token)


def attach_found(desk: Desk, client: BasketClient) -> Done:
    """Names a client that was looked up in the same transaction."""
    other = _no_points(desk) if desk.basket.client_id != client.client_id else {}
    desk.change_basket(client=client.reference, client_id=client.client_id, client_name=None, **other)
    return Done(Outcome.CLIENT, 0, name=client.name, reference=client.reference)


def _no_points(desk: Desk) -> dict[str, None]:
    """Another client's points pay nothing."""
    return {"points": None} if desk.basket.points else {}
