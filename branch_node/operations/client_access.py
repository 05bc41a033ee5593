"""Who may open which client: those of one's lists, and for service any by a full phone or card number, which is logged.

Every page and command that shows one client calls `open_client` or `require_open`.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, select

from branch_node.operations.branch_facts import record_branch_fact
from branch_node.operations.client_search import AskHeadOffice, ask_for_clients, reach_here
from branch_node.operations.employees import ensure_employee
from branch_node.storage.store import BranchStore
from branch_node.storage.tables import client_opening
from shared.domain.branch_facts import AuditEntry
from shared.domain.business_time import local_moment
from shared.domain.client_matching import Match, code_keys, code_ranges
from shared.domain.identifiers import format_id, parse_id, shorten
from shared.domain.interactions import Channel, Direction, Interaction
from shared.domain.permissions import Actor, ClientScope, Permission, require
from shared.errors import NotFound, NotPermitted
from shared.operations.aliases import are_one
from shared.operations.client_finding import clients_with_number
from shared.operations.people import day_in_zone
from shared.storage.card_rows import upsert
from shared.storage.cursor_reading import CursorReader
from shared.storage.tables import client
from shared.sync.central import ShowClient

CLIENT_OPENED: Final = "client_opened"
WEB_REGISTER: Final = "web"
"""What an entry of the audit names where no register is."""

BY_NUMBER: Final = "by a full number"
OPEN_FOR_US: Final = 12 * 60 * 60 * 1_000_000
"""How long a client stays open to whoever opened the card for service: a working day."""

_OWNER = select(client.c.owner_id).where(client.c.id == bindparam("client"))
_OPENED = select(client_opening.c.opened_at).where(
    client_opening.c.employee_id == bindparam("employee"), client_opening.c.client_id == bindparam("client")
)


def open_client(store: BranchStore, actor: Actor, client_id: bytes, reason: str = "") -> None:
    """Lets the actor see a client's card, or raises NotPermitted. `reason` is the full phone or card number that the
    client gave, which opens any card, for OPEN_FOR_US; that it did is told to the head office, without the number.

    Raises NotPermitted with what to do; NotFound where only one's own are open, and no such client is known here.
    """
    require(actor, Permission.CLIENT_VIEW)
    if actor.client_scope in (ClientScope.BRANCH, ClientScope.CHAIN) or _is_open(store, actor, client_id):
        return
    with store.read() as connection:
        if not any(are_one(connection, client_id, each) for each in clients_with_number(connection, reason)):
            raise _not_yours()
    with store.operation() as transaction:
        transaction.author = ensure_employee(transaction, actor.code)
        at = local_moment(transaction.now_us, transaction.node.timezone)
        detail = f"{format_id(client_id)} {BY_NUMBER}"
        record_branch_fact(transaction, AuditEntry(CLIENT_OPENED, _register(actor), actor.code, None, 0, detail, at))
        _remember(transaction.connection, actor, client_id, transaction.now_us)


def require_open(store: BranchStore, actor: Actor, client_id: bytes) -> None:
    """Raises NotPermitted unless the client is of the actor's lists, or was opened for service."""
    open_client(store, actor, client_id)


def _is_open(store: BranchStore, actor: Actor, client_id: bytes) -> bool:
    now_us = store.clock.now_us()
    day = day_in_zone(now_us, store.node()[0].timezone)
    with store.read_cursor() as cursor:
        reader = CursorReader(cursor)
        known = reader.execute(_OWNER, {"client": client_id}).one_or_none()
        if known is None:
            raise NotFound("There is no such client here.", "Look for them among the clients of the whole chain.")
        # One's own are by far the most, and need no look at who stands below whom.
        if known.owner_id == actor.employee_id or reach_here(reader, actor, day).shows(known.owner_id):
            return True
        opened = {"employee": actor.employee_id, "client": client_id}
        opened_at = reader.execute(_OPENED, opened).scalar_one_or_none()
    return opened_at is not None and opened_at > now_us - OPEN_FOR_US


def _remember(connection: Connection, actor: Actor, client_id: bytes, now_us: int) -> None:
    connection.execute(delete(client_opening).where(client_opening.c.opened_at <= now_us - OPEN_FOR_US))
    row = {"employee_id": actor.employee_id, "client_id": client_id, "opened_at": now_us}
    connection.execute(upsert(client_opening, connection), row)


def serve_client(store: BranchStore, ask: AskHeadOffice, actor: Actor, reference: str, number: str) -> bytes:
    """A client of another branch is served here: the visit is written down, and with it this branch begins to know
    the client – the card and what took place with them come from the head office. Returns the client's id.

    Whoever does not see the whole chain's clients gives the full phone or card number, as for `open_client`. Raises
    NotPermitted, NotFound, Refused when the head office does not answer.
    """
    require(actor, Permission.CLIENT_VIEW)
    found = ask_for_clients(ask, ShowClient(reference, 0))
    if not found:
        raise NotFound(f"The chain has no client {shorten(reference)}.", "Look for them by phone or name.")
    (row,) = found
    client_id = parse_id(row["id"])
    if actor.client_scope is not ClientScope.CHAIN and not _has_number(row, number):
        raise _not_yours()
    with store.operation() as transaction:
        transaction.author = ensure_employee(transaction, actor.code)
        at = local_moment(transaction.now_us, transaction.node.timezone)
        visit = Interaction(client_id, Channel.VISIT, Direction.IN, actor.code, at)
        record_branch_fact(transaction, visit)
        detail = f"{format_id(client_id)} of another branch"
        record_branch_fact(transaction, AuditEntry(CLIENT_OPENED, _register(actor), actor.code, None, 0, detail, at))
        _remember(transaction.connection, actor, client_id, transaction.now_us)
    return client_id


def is_known_here(store: BranchStore, client_id: bytes) -> bool:
    """Whether the client's card is here."""
    with store.read() as connection:
        return connection.execute(select(client.c.id).where(client.c.id == client_id)).first() is not None


def _has_number(row: dict[str, Any], number: str) -> bool:
    if not number.strip():
        return False
    known = code_keys(row["phones"], (row["external_id"], row["loyalty_number"]), ())
    return bool(code_ranges(number)[Match.EXACT] & known)


def _register(actor: Actor) -> str:
    return actor.register or WEB_REGISTER


def _not_yours() -> NotPermitted:
    return NotPermitted(
        "This client is looked after by somebody else.",
        "To serve them, type the full phone or card number that the client gives you.",
    )
