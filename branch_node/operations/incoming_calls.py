"""Whose call comes in: the client with that phone, however it is spelt, and the task that the call may be about."""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import select

from branch_node.operations.contacting import ContactedClient, read_contacted
from branch_node.operations.interaction_desk import OpenTask, open_tasks
from branch_node.storage.store import BranchStore
from shared.domain.clients import normalize_phone
from shared.domain.permissions import Actor, Permission, require
from shared.operations.aliases import read_card_group
from shared.operations.client_finding import clients_with_number
from shared.operations.clients import client_rows
from shared.storage.tables import client

CALLERS_MAX: Final = 10
"""Clients of one phone that are looked at."""


class Caller(NamedTuple):
    """Who calls. Without a client nobody here has that phone; `others` is how many more clients have it."""

    phone: str
    client: ContactedClient | None = None
    contact_index: int | None = None
    task: OpenTask | None = None
    others: int = 0


def find_caller(store: BranchStore, actor: Actor, phone: str, country: str) -> Caller:
    """`country` is ISO 3166, for phones without a country's code. Raises NotPermitted, InvalidInput."""
    require(actor, Permission.INTERACTION_LOG)
    number = normalize_phone(phone, country)
    with store.read() as connection:
        likely = clients_with_number(connection, number)[:CALLERS_MAX]
        rows = client_rows(connection, likely)
        having = [each for each in likely if each in rows and number in (rows[each].phones or "").split("\n")]
        groups = [read_card_group(connection, client_id) for client_id in having]
        found = list(dict.fromkeys(group.survivor for group in groups))
        if not found:
            return Caller(number)
        caller = read_contacted(connection, actor, found[0])
        tasks = open_tasks(connection, groups[0].members)
        phones = connection.execute(select(client.c.phones).where(client.c.id == found[0])).scalar_one() or ""
        lines = phones.split("\n")
        index = lines.index(number) if number in lines else None
        return Caller(number, caller, index, tasks[0] if tasks else None, len(found) - 1)
