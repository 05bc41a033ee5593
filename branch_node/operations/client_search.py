"""Finding a client at the till: by the end of a phone or a part of the name, masked for who may not see more."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, or_, select

from branch_node.operations.basket import BasketClient
from branch_node.storage.store import BranchStore
from shared.domain.clients import phone_digits
from shared.domain.masking import mask_name, mask_phone
from shared.domain.permissions import Actor, Permission, require
from shared.operations.clients import client_summary, find_clients
from shared.storage.tables import client

CLIENTS_SHOWN_MAX = 9
"""As many as there are digits to choose by."""

PHONE_END_DIGITS_MIN: Final = 3


class FoundClient(NamedTuple):
    """A client of the list. `reference` is what `attach_client` takes; name and phone may be masked."""

    reference: str
    name: str
    phone: str
    note: str


def find_at_till(store: BranchStore, actor: Actor, text: str, limit: int = CLIENTS_SHOWN_MAX) -> list[FoundClient]:
    """Clients known here whose phone ends with these digits, else by any part of the card.

    Raises NotPermitted, InvalidInput.
    """
    require(actor, Permission.CLIENT_VIEW)
    digits = phone_digits(text)
    is_number = len(digits) >= PHONE_END_DIGITS_MIN and not any(letter.isalpha() for letter in text)
    with store.read() as connection:
        found = _by_end_of_phone(connection, digits, limit) if is_number else []
        if not found and text.strip():
            found = [row for row in find_clients(connection, text, limit) if not row["archived"]]
    return [_shown(actor, row, digits if is_number else "") for row in found]


def shown_client(actor: Actor, attached: BasketClient) -> str:
    """The name of a basket's client as the actor may see it."""
    return attached.name if actor.may(Permission.CLIENT_CONTACTS) else mask_name(attached.name)


def _by_end_of_phone(connection: Connection, digits: str, limit: int) -> list[dict[str, Any]]:
    ends = or_(client.c.phones.like(f"%{digits}"), client.c.phones.like(f"%{digits}\n%"))
    statement = select(client).where(ends, client.c.archived.is_(False)).order_by(client.c.sort_key, client.c.id)
    return [client_summary(row) for row in connection.execute(statement.limit(limit))]


def _shown(actor: Actor, row: dict[str, Any], digits: str) -> FoundClient:
    phone = next((each for each in row["phones"] if each.endswith(digits)), "") if row["phones"] else ""
    name = row["name"] or row["external_id"] or ""
    if not actor.may(Permission.CLIENT_CONTACTS):
        return FoundClient(row["id"], mask_name(name), mask_phone(phone), "")
    return FoundClient(row["id"], name, phone, row["note"] or "")
